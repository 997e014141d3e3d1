// @ts-check
/** After a server's death, a page's end, a refusal; and on a telephone. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, focused, quiet, suite } from "../lib/suite.mjs";

const here = suite();

/** The texts of the rows, in their order. @param {import("playwright-core").Page} page */
const texts = (page) => page.$$eval("#chat-log article.msg .body", (all) => all.map((body) => body.textContent?.trim() ?? ""));

test("a failed row survives a reload; Edit gives the text back, Remove takes it away", async () => {
  const ada = await here.world.person("Ada Refused");
  const room = await ada.makes("Refused");
  await ada.page.routeWebSocket(/\/ws$/, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((text) => {
      const frame = JSON.parse(String(text));
      if (frame.type !== "send") server.send(text);
      else socket.send(JSON.stringify({ type: "error", code: "owner_only", error: "No.", nonce: frame.nonce }));
    });
  });
  await ada.opens(room.id);
  await ada.says("refused one");
  await ada.row("refused one").locator(".fix button").first().waitFor();
  await ada.says("refused two");
  await ada.row("refused two").locator(".fix button").first().waitFor();
  await ada.page.reload();
  await ada.live();
  await ada.row("refused two").locator(".fix button").first().waitFor();
  assert.deepEqual(await texts(ada.page), ["refused one", "refused two"]);
  await ada.row("refused one").locator(".fix button", { hasText: "Edit" }).click();
  await eventually(async () => (await ada.page.inputValue("#chat-message-input")) === "refused one", "the text is back in the field");
  assert.equal(await focused(ada.page), "chat-message-input");
  await ada.row("refused two").locator(".fix button", { hasText: "Remove" }).click();
  await eventually(async () => (await texts(ada.page)).length === 0, "both rows are gone");
  await ada.page.reload();
  await ada.live();
  assert.deepEqual(await texts(ada.page), []);
  assert.equal(await ada.page.inputValue("#chat-message-input"), "refused one");
  quiet(here.world);
});

test("who removes a message and leaves at once has removed it", async () => {
  const [ada, mina] = await Promise.all([here.world.person("Ada Leaving"), here.world.person("Mina Leaving")]);
  const room = await ada.makes("Leaving");
  await mina.joins(room.id);
  const sent = await ada.sends(room.id, "regretted");
  await Promise.all([ada.opens(room.id), mina.opens(room.id)]);
  await ada.page.locator(`#m-${sent.id}`).focus();
  await ada.page.keyboard.press("Delete");
  await ada.page.locator(".undo").waitFor();
  await ada.page.goto(`${here.world.url}/chat/list/`);
  await eventually(async () => (await mina.row("regretted").count()) === 0, "gone for the others", 2_000);
  quiet(here.world);
});

test("who is put out of a room sees why, and nothing of it", async () => {
  const [ada, mina] = await Promise.all([here.world.person("Ada Host"), here.world.person("Mina Guest")]);
  const room = await ada.makes("By the host");
  await mina.joins(room.id);
  await ada.sends(room.id, "seen by members");
  await mina.opens(room.id);
  await ada.page.goto(`${here.world.url}/chat/${room.id}/settings/`);
  const form = ada.page.locator('form:has([name="action"][value="remove"])').first();
  await ada.page.locator("details", { has: form }).locator("summary").first().click();
  await form.locator("button").click();
  await mina.page.locator("main.room .ended").waitFor({ timeout: 3_000 });
  assert.ok(!(await mina.page.content()).includes("seen by members"));
  assert.match(String(await mina.page.textContent("main h1")), /By the host/);
  assert.equal(await focused(mina.page), "h1");
  quiet(here.world);
});

test("on a telephone a tap opens the message's sheet, and people are a drawer", async () => {
  const ada = await here.world.person("Ada Phone", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  const room = await ada.makes("In the hand");
  const sent = await ada.sends(room.id, "tap me");
  await ada.opens(room.id);
  assert.equal(await ada.page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0);
  const row = ada.page.locator(`#m-${sent.id}`);
  await row.tap();
  const sheet = ada.page.locator("dialog.sheet");
  await sheet.waitFor();
  await sheet.locator('[data-do="react"]').first().tap();
  await row.locator('.rx button[aria-pressed="true"]').waitFor();
  await eventually(async () => (await sheet.count()) === 0, "the sheet is gone");
  const people = ada.page.locator("#participants");
  assert.ok(!(await people.isVisible()));
  await ada.page.locator(".people-btn").tap();
  await people.waitFor();
  await ada.page.locator("#participants .close").tap();
  await eventually(async () => !(await people.isVisible()), "the drawer is closed");
  await ada.page.locator(".back").tap();
  await ada.page.waitForURL(/\/chat\/list\/$/);
  quiet(here.world);
});

test("the service worker keeps what pages are made of, and nothing that anybody wrote", async () => {
  const ada = await here.world.person("Ada Worker");
  const room = await ada.makes("Not to be kept");
  await ada.opens(room.id);
  await ada.says("never in a cache");
  await ada.row("never in a cache").and(ada.page.locator(":not(.wait)")).waitFor();
  const kept = () => ada.page.evaluate(async () => {
    const urls = [];
    for (const name of await caches.keys()) for (const { url } of await (await caches.open(name)).keys()) urls.push(new URL(url).pathname);
    return urls;
  });
  await eventually(async () => (await kept()).some((path) => path.endsWith(".js")), "the shell is kept", 10_000);
  await ada.page.reload();
  await ada.live();
  const urls = await kept();
  assert.deepEqual(urls.filter((path) => /^\/(chat|api|me|admin|accounts)\//.test(path)), []);
  quiet(here.world);
});

test("an event that got lost is read from the history, in its place", async () => {
  const [ada, mina] = await Promise.all([here.world.person("Ada Gap"), here.world.account("Mina Gap")]);
  const room = await ada.makes("With a hole");
  await mina.joins(room.id);
  await ada.page.routeWebSocket(/\/ws$/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((text) => {
      if (JSON.parse(String(text)).message?.text !== "lost on the way") socket.send(text);
    });
  });
  await ada.opens(room.id);
  for (const text of ["one", "lost on the way", "three"]) await mina.sends(room.id, text);
  await eventually(async () => (await texts(ada.page)).length === 3, "the hole is filled");
  assert.deepEqual(await texts(ada.page), ["one", "lost on the way", "three"]);
  assert.equal(await ada.page.locator(".gap").count(), 0);
  quiet(here.world);
});

test("where no socket gets through, messages leave by the API, once", async () => {
  const ada = await here.world.person("Ada Proxy");
  const room = await ada.makes("Behind a proxy");
  await ada.page.routeWebSocket(/\/ws$/, (socket) => void socket.close({ code: 1011, reason: "no sockets here" }));
  await ada.page.goto(`${here.world.url}/chat/${room.id}/`);
  await ada.says("by another way");
  await eventually(async () => (await ada.api("GET", `/chats/messages/?room=${room.id}`)).results.length === 1, "stored", 20_000);
  await eventually(async () => (await ada.page.locator("#chat-log .wait").count()) === 0, "nothing waits");
  assert.equal(await ada.row("by another way").count(), 1);
  await ada.page.reload();
  assert.deepEqual(await texts(ada.page), ["by another way"]);
  quiet(here.world);
});

test("a server that dies and comes back: what was written waits, then all is there once, in one order", async () => {
  const [ada, mina] = await Promise.all([here.world.person("Ada Restart"), here.world.person("Mina Restart")]);
  const room = await ada.makes("Over a restart");
  await mina.joins(room.id);
  await Promise.all([ada.opens(room.id), mina.opens(room.id)]);
  await ada.says("before");
  await mina.row("before").waitFor();
  const { server } = here.world;
  const address = new URL(server.url).host;
  await server.end("SIGKILL");
  await ada.says("while it was dead 1");
  await ada.says("while it was dead 2");
  await ada.page.locator("p-conn [data-text]:visible").waitFor();
  here.world.server = await server.again({ PARLOUR_LISTEN: address });
  await mina.sends(room.id, "from a program meanwhile");
  for (const page of [ada.page, mina.page]) await eventually(async () => (await texts(page)).length === 4, "all four", 20_000);
  await eventually(async () => (await ada.page.locator("#chat-log .wait").count()) === 0, "nothing waits");
  const seen = await texts(ada.page);
  assert.deepEqual(await texts(mina.page), seen);
  assert.deepEqual(seen.filter((text) => text.startsWith("while")), ["while it was dead 1", "while it was dead 2"]);
  assert.equal(seen[0], "before");
  assert.equal((await ada.api("GET", `/chats/messages/?room=${room.id}`)).results.length, 4);
  quiet(here.world, /ERR_CONNECTION_REFUSED|WebSocket connection/);
});
