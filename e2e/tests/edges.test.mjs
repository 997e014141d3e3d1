// @ts-check
/** What happens at the edges: sessions that end, rooms that go, forms sent twice, other languages, other looks. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, quiet, suite } from "../lib/suite.mjs";
import { World } from "../lib/world.mjs";

const here = suite();

test("logging in as somebody else in a second tab leaves nothing of the first person's to act with", async () => {
  const [ada, mina] = await Promise.all([here.world.person("Ada Shared"), here.world.person("Mina Shared")]);
  const room = await ada.makes("Shared browser");
  await mina.joins(room.id);
  await ada.opens(room.id);
  await ada.says("this is Ada");
  const second = await ada.tab();
  await second.goto(`${here.world.url}/accounts/logout/`);
  await second.click("main form button");
  await second.waitForURL(/\/chat\/list\/$/);
  await here.world.logIn(second, mina.email);
  await second.goto(`${here.world.url}/chat/${room.id}/`);
  await second.locator("#chat-log article.msg").first().waitFor();
  assert.equal(await second.locator(".sidebar .me b").textContent(), "Mina Shared");
  // The first tab shows neither Ada's room nor a field that would write as Mina.
  await eventually(async () => !(await ada.page.content()).includes("this is Ada"), "the first tab is empty");
  assert.equal(await ada.page.locator("#chat-message-input").count(), 0);
  await ada.page.reload();
  await ada.live();
  assert.equal(await ada.page.locator(".sidebar .me b").textContent(), "Mina Shared");
  // What the first tab asks for in the moment in between is refused.
  quiet(here.world, /401 .*\/people\/$/);
});

test("a page of another person's session does not go on when its line comes back", async () => {
  const [ada, mina] = await Promise.all([here.world.person("Ada Swapped"), here.world.person("Mina Swapped")]);
  const room = await ada.makes("Swapped session");
  await mina.joins(room.id);
  await ada.opens(room.id);
  // As when somebody restores a browser's profile, or logs in over a session that still stands.
  await ada.context.setOffline(true);
  await ada.page.locator("p-conn [data-text]:visible").waitFor();
  await ada.says("written by Ada");
  const cookies = await mina.context.cookies();
  await ada.context.addCookies(cookies);
  await ada.context.setOffline(false);
  await ada.page.locator("main.room .ended").waitFor();
  await ada.page.waitForTimeout(1_000);
  const { results } = await mina.api("GET", `/chats/messages/?room=${room.id}`);
  assert.deepEqual(results, [], "nothing was sent in Mina's name");
  assert.match(await ada.page.locator(".kept textarea").inputValue(), /written by Ada/);
  quiet(here.world, /ERR_INTERNET_DISCONNECTED|when fetching the script/);
});

test("a room that closes while one types keeps the text and offers it", async () => {
  const [ada, mina] = await Promise.all([here.world.person("Ada Closer"), here.world.person("Mina Closer")]);
  const room = await ada.makes("Soon closed");
  await mina.joins(room.id);
  await mina.opens(room.id);
  await mina.page.fill("#chat-message-input", "half a sentence that");
  await ada.api("DELETE", `/chats/rooms/${room.id}/`);
  await mina.page.locator("main.room .ended").waitFor({ timeout: 2_000 });
  assert.equal(await mina.page.locator(".kept textarea").inputValue(), "half a sentence that");
  assert.equal(await mina.page.locator("#chat-log, #chat-message-input").count(), 0);
  assert.match(String(await mina.page.locator("main h1").textContent()), /Soon closed/);
  assert.equal(await mina.page.locator(`.sidebar [data-id="${room.id}"]`).count(), 0);
  quiet(here.world);
});

test("a session that is ended elsewhere keeps the text and offers it again after logging in", async () => {
  const ada = await here.world.person("Ada Elsewhere");
  const room = await ada.makes("Long thoughts");
  await ada.sends(room.id, "nobody else may read this");
  await ada.opens(room.id);
  await ada.page.fill("#chat-message-input", "a thought in the middle of");
  const { page: other } = await here.world.visitor();
  await here.world.logIn(other, ada.email);
  await other.goto(`${here.world.url}/me/?section=sessions`);
  await other.locator('form:has([name="action"][value="sign-out-others"]) button').click();
  await other.waitForURL(/\/me\//);
  await ada.page.locator("main.room .ended").waitFor();
  assert.ok(!(await ada.page.content()).includes("nobody else may read this"));
  assert.equal(await ada.page.locator(".kept textarea").inputValue(), "a thought in the middle of");
  await ada.page.locator(".ended a").click();
  await ada.page.waitForURL(/\/accounts\/login\//);
  await ada.page.fill('input[name="username"]', ada.email);
  await ada.page.fill('input[name="password"]', World.password);
  await Promise.all([ada.page.waitForURL(new RegExp(`/chat/${room.id}/$`)), ada.page.press('input[name="password"]', "Enter")]);
  await ada.live();
  assert.equal(await ada.page.inputValue("#chat-message-input"), "a thought in the middle of");
  quiet(here.world);
});

test("the back button after logging out shows nothing of the room", async () => {
  const ada = await here.world.person("Ada Back");
  const room = await ada.makes("Behind me");
  await ada.sends(room.id, "gone with the session");
  await ada.opens(room.id);
  await ada.page.locator("#chat-log", { hasText: "gone with the session" }).waitFor();
  await ada.page.goto(`${here.world.url}/chat/list/`);
  await ada.page.locator('header form[action="/accounts/logout/"] button').click();
  await ada.page.locator('a[href^="/accounts/login/"]').first().waitFor();
  for (let step = 0; step < 3; step++) {
    await ada.page.goBack().catch(() => null);
    await ada.page.waitForLoadState();
    assert.ok(!(await ada.page.content()).includes("gone with the session"), ada.page.url());
  }
  quiet(here.world);
});

test("a form sent twice makes one room, a message sent twice is one", async () => {
  const ada = await here.world.person("Ada Twice");
  await ada.page.goto(`${here.world.url}/chat/create/`);
  await ada.page.fill('[name="title"]', "Only one of me");
  await ada.page.locator('form[action="/chat/create/"] button.go').dblclick();
  await ada.page.waitForURL(/\/chat\/\d+\/$/);
  await ada.live();
  const { results: rooms } = await ada.api("GET", "/chats/rooms/?page_size=100");
  assert.equal(rooms.filter((/** @type {any} */ room) => room.name === "Only one of me").length, 1);
  await ada.page.fill("#chat-message-input", "only one line");
  await ada.page.locator("#chat-message-submit").dblclick();
  await ada.page.press("#chat-message-input", "Enter");
  await ada.row("only one line").and(ada.page.locator(":not(.wait)")).waitFor();
  await ada.page.waitForTimeout(300);
  const room = Number(/\d+/.exec(new URL(ada.page.url()).pathname)?.[0]);
  assert.equal((await ada.api("GET", `/chats/messages/?room=${room}`)).results.length, 1);
  quiet(here.world);
});

test("without the CSRF cookie a form is refused with a page that leads on", async () => {
  const ada = await here.world.person("Ada Cookie");
  await ada.page.goto(`${here.world.url}/chat/create/`);
  await ada.page.fill('[name="title"]', "Never made");
  await ada.context.clearCookies({ name: /csrftoken/ });
  const [answer] = await Promise.all([
    ada.page.waitForResponse((one) => one.request().method() === "POST"),
    ada.page.press('[name="title"]', "Enter"),
  ]);
  assert.equal(answer.status(), 403);
  await ada.page.locator("main h1").waitFor();
  assert.ok(await ada.page.locator('main a[href="/chat/list/"]').isVisible());
  const { results } = await ada.api("GET", "/chats/rooms/?page_size=100");
  assert.ok(!results.some((/** @type {any} */ room) => room.name === "Never made"));
  quiet(here.world, /403/);
});

test("what a program sends with a token appears in the page at once, with its changes", async () => {
  const ada = await here.world.person("Ada Token");
  const robot = await here.world.account("Robot");
  const room = await ada.makes("With a robot");
  await robot.joins(room.id);
  await ada.opens(room.id);
  const sent = await robot.sends(room.id, "measured **21** degrees");
  const row = ada.page.locator(`#m-${sent.id}`);
  await row.waitFor({ timeout: 1_000 });
  assert.equal(await row.locator(".body strong").textContent(), "21");
  assert.equal(await row.locator(".by b").textContent(), "Robot");
  await robot.api("PATCH", `/chats/messages/${sent.id}/`, { text: "measured 22 degrees" });
  await eventually(async () => /22 degrees/.test(String(await row.textContent())), "changed", 1_000);
  await robot.api("DELETE", `/chats/messages/${sent.id}/`);
  await eventually(async () => (await row.count()) === 0, "removed", 1_500);
  quiet(here.world);
});

test("the administrator changes the hue, and pages have it", async () => {
  const code = /\/setup\/?\?code=(\S+)/.exec(here.world.server.log)?.[1];
  assert.ok(code, here.world.server.log);
  const { page } = await here.world.visitor();
  await page.goto(`${here.world.url}/setup/?code=${code}`);
  const values = { site_name: "The Test Parlour", email: "host@example.org", nickname: "The Host", password1: World.password, password2: World.password };
  for (const [name, value] of Object.entries(values)) await page.fill(`[name="${name}"]`, value);
  await page.locator("form button.go").click();
  await page.waitForURL((url) => !url.pathname.startsWith("/setup/"));
  if (page.url().includes("/accounts/login/")) await here.world.logIn(page, "host@example.org");
  await page.goto(`${here.world.url}/admin/?section=look`);
  const before = await page.evaluate(() => document.documentElement.style.getPropertyValue("--h").trim());
  const field = page.locator('form:has([name="action"][value="look"]) [name="hue"]');
  await field.evaluate((/** @type {HTMLInputElement} */ input) => {
    input.value = "30";
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });
  await page.locator('form:has([name="action"][value="look"]) button.go').click();
  await page.locator('[role="status"]').first().waitFor();
  const { page: visitor } = await here.world.visitor();
  await visitor.goto(`${here.world.url}/`);
  assert.notEqual(before, "30");
  assert.equal(await visitor.evaluate(() => document.documentElement.style.getPropertyValue("--h").trim()), "30");
  assert.match(await visitor.title(), /The Test Parlour/);
  quiet(here.world);
});
