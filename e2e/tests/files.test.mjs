// @ts-check
/** Files: behaviours 33 and 34, the ways in, the way to the server and what goes wrong on it. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, focused, quiet, suite } from "../lib/suite.mjs";
import { blob, pdf, png, sendThings, wav } from "../lib/things.mjs";

/** @typedef {import("../lib/things.mjs").Thing} Thing */
/** @typedef {import("playwright-core").Page} Page */

const KIB = 1024;
const here = suite({ MAX_UPLOAD_BYTES: String(600 * KIB) });

/** Two people in a room, both live. @param {string} name */
async function pair(name) {
  const [ada, mina] = await Promise.all([here.world.person(`Ada ${name}`), here.world.person(`Mina ${name}`)]);
  const room = await ada.makes(`Room ${name}`);
  await mina.joins(room.id);
  await Promise.all([ada.opens(room.id), mina.opens(room.id)]);
  return { ada, mina, room };
}

/** Chooses files as a person does with the button. @param {Page} page @param {Thing[]} things */
const choose = (page, things) => page.setInputFiles("p-composer input[type=file]", things);

/** The rows with files. @param {Page} page */
const withFiles = (page) => page.locator("#chat-log article.msg:has(.files:not([hidden]))");

/** A line that carries so many bytes a second upwards. @param {import("../lib/world.mjs").Person} person @param {number} rate -1: any */
async function upwards(person, rate) {
  const client = await person.context.newCDPSession(person.page);
  await client.send("Network.enable");
  await client.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: rate });
  return client;
}

/** Shows files to the page as if they were dragged or pasted: what a test may not do with the system's own clipboard. @param {Page} page @param {string} event @param {string} target @param {Thing[]} things */
async function hand(page, event, target, things) {
  const given = things.map(({ name, mimeType, buffer }) => ({ name, mimeType, data: buffer.toString("base64") }));
  await page.evaluate(({ event, target, given }) => {
    const data = new DataTransfer();
    for (const { name, mimeType, data: text } of given) {
      data.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name, { type: mimeType }));
    }
    const at = /** @type {Element} */ (document.querySelector(target));
    const options = { bubbles: true, cancelable: true };
    at.dispatchEvent(event === "paste" ? new ClipboardEvent(event, { ...options, clipboardData: data }) : new DragEvent(event, { ...options, dataTransfer: data }));
  }, { event, target, given });
}

/** Adds up what jumps on a page from now on. @param {Page} page */
const watchShifts = (page) => page.evaluate(() => {
  Object.assign(globalThis, { shifted: 0 });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) /** @type {any} */ (globalThis).shifted += /** @type {any} */ (entry).value;
  }).observe({ type: "layout-shift" });
});
/** @param {Page} page @returns {Promise<number>} */
const shifts = (page) => page.evaluate(() => /** @type {any} */ (globalThis).shifted);

test("33: a pasted image waits with a thumbnail, is sent with progress, and has its space at the other's before it comes", async () => {
  const { ada, mina } = await pair("ThirtyThree");
  await hand(ada.page, "paste", "#chat-message-input", [png("shot.png", 400, 240, [120, 60, 30], true)]);
  const tile = ada.page.locator(".tray li");
  await tile.locator("img").waitFor();
  assert.equal(await tile.getByRole("button", { name: "Remove shot.png" }).count(), 1);
  assert.equal(await focused(ada.page), "chat-message-input", "one goes on writing");
  await tile.getByRole("textbox", { name: "Description of shot.png" }).fill("Noise in the dark");
  // The picture comes late, so that its space can be seen before.
  /** @type {(value?: unknown) => void} */
  let release = () => {};
  const held = new Promise((resolve) => (release = resolve));
  await mina.page.route("**/media/**", async (route) => { await held; await route.continue(); });
  await upwards(ada, 100 * KIB);
  await ada.says("look at this");
  const own = withFiles(ada.page).first();
  await own.locator("[role=progressbar]").waitFor();
  await eventually(async () => Number(await own.locator("[role=progressbar]").getAttribute("aria-valuenow").catch(() => 100)) > 0, "progress is told", 15_000);
  const pending = (await own.boundingBox())?.height ?? 0;
  const seen = withFiles(mina.page).first();
  await seen.waitFor();
  const before = await seen.locator(".pic").boundingBox();
  assert.ok(before && Math.abs(before.width / before.height - 400 / 240) < 0.02, `the space of the picture: ${JSON.stringify(before)}`);
  assert.equal(await seen.locator("img").getAttribute("alt"), "Noise in the dark");
  assert.match(String(await seen.getAttribute("aria-label")), /1 image/);
  assert.match(await seen.locator("img").evaluate((img) => img.style.backgroundImage), /^url\("data:image\/png/, "colours stand for it");
  await watchShifts(mina.page);
  release();
  await eventually(() => seen.locator("img").evaluate((/** @type {HTMLImageElement} */ img) => img.complete && img.naturalWidth > 0), "loaded");
  assert.deepEqual(await seen.locator(".pic").boundingBox(), before);
  assert.ok((await shifts(mina.page)) <= 0.02, `shifted by ${await shifts(mina.page)}`);
  await eventually(async () => !(await own.evaluate((row) => row.classList.contains("wait"))), "arrived");
  assert.ok(Math.abs(((await own.boundingBox())?.height ?? 0) - pending) < 0.6, "the same height");
  assert.equal(await own.locator(".up").count(), 0);
  quiet(here.world);
});

test("34: a file over the limit is named with the reason before anything leaves; the others stay", async () => {
  const { ada, mina } = await pair("ThirtyFour");
  /** @type {string[]} */
  const sent = [];
  ada.page.on("request", (request) => { if (request.method() === "POST") sent.push(request.url()); });
  await choose(ada.page, [png("small.png", 40, 30), blob("huge.bin", 700 * KIB), pdf("empty.pdf", 0), { name: "nothing.txt", mimeType: "text/plain", buffer: Buffer.alloc(0) }]);
  const why = ada.page.locator(".tray [role=alert]");
  await why.waitFor();
  const said = String(await why.textContent());
  assert.match(said, /huge\.bin has 700 KB; this server takes up to 600 KB/);
  assert.match(said, /nothing\.txt is empty/);
  assert.deepEqual(await ada.page.locator(".tray li b").allTextContents(), ["small.png", "empty.pdf"]);
  assert.deepEqual(sent, []);
  await ada.page.getByRole("button", { name: "Remove empty.pdf" }).click();
  assert.deepEqual(await ada.page.locator(".tray li b").allTextContents(), ["small.png"]);
  await choose(ada.page, Array.from({ length: 11 }, (_, index) => pdf(`page-${index}.pdf`, 100)));
  await eventually(async () => (await ada.page.locator(".tray li").count()) === 10, "ten");
  assert.match(String(await why.textContent()), /A message takes 10 files; 2 were left out/);
  await ada.page.locator("#chat-message-submit").click();
  const seen = withFiles(mina.page).first();
  await seen.waitFor();
  assert.match(String(await seen.getAttribute("aria-label")), /1 image, 9 files/);
  assert.equal(await ada.page.locator(".tray").isVisible(), false);
  quiet(here.world);
});

test("files are dropped anywhere on the room, which is named; elsewhere nothing happens", async () => {
  const { ada, room } = await pair("Dropping");
  const things = [pdf("one.pdf"), pdf("two.pdf")];
  await hand(ada.page, "dragenter", "#chat-log", things);
  const overlay = ada.page.locator("main.room .drop");
  await overlay.waitFor();
  assert.match(String(await overlay.textContent()), new RegExp(`Drop 2 files into ${room.name}`));
  await hand(ada.page, "dragenter", "nav.sidebar", things);
  await overlay.waitFor({ state: "detached" });
  await hand(ada.page, "drop", "nav.sidebar", things);
  await hand(ada.page, "dragenter", "#chat-log", things);
  await overlay.waitFor();
  assert.equal(await ada.page.locator(".tray li").count(), 0);
  await hand(ada.page, "drop", ".room-head", things);
  await overlay.waitFor({ state: "detached" });
  assert.deepEqual(await ada.page.locator(".tray li b").allTextContents(), ["one.pdf", "two.pdf"]);
  assert.equal(await focused(ada.page), "chat-message-input");
  quiet(here.world);
});

test("Ctrl U attaches, also as the first key; what waits is there again after another room", async () => {
  const { ada, room } = await pair("CtrlU");
  const other = await ada.makes("Another one CtrlU");
  await ada.opens(room.id);
  const chooser = ada.page.waitForEvent("filechooser");
  await ada.page.keyboard.press("Control+u");
  await (await chooser).setFiles([pdf("by-key.pdf")]);
  await ada.page.locator(".tray li").waitFor();
  await ada.page.locator(`.sidebar .room-link[data-id="${other.id}"]`).click();
  await ada.page.locator("h1", { hasText: "Another one CtrlU" }).waitFor();
  assert.equal(await ada.page.locator(".tray li").count(), 0);
  await ada.page.locator(`.sidebar .room-link[data-id="${room.id}"]`).click();
  await ada.page.locator(".tray li b", { hasText: "by-key.pdf" }).waitFor();
  quiet(here.world);
});

test("an upload can be stopped and sent again; a text behind it keeps its place; it arrives once", async () => {
  const { ada, mina, room } = await pair("Stopping");
  await upwards(ada, 40 * KIB);
  await choose(ada.page, [blob("slow.bin", 500 * KIB)]);
  await ada.page.locator(".tray li").waitFor();
  await ada.says("with a file");
  await ada.says("behind it");
  const own = ada.row("with a file");
  await own.locator("[role=progressbar]").waitFor();
  await own.getByRole("button", { name: "Stop the upload" }).click();
  await own.getByText("Not sent: you stopped it.").waitFor();
  assert.equal(await own.locator(".up").count(), 0);
  await mina.row("behind it").waitFor();
  await upwards(ada, -1);
  await own.getByRole("button", { name: "Send again" }).click();
  await mina.row("with a file").waitFor();
  const { results } = await ada.api("GET", `/chats/messages/?room=${room.id}`);
  assert.deepEqual(results.map((/** @type {any} */ one) => one.text).sort(), ["behind it", "with a file"]);
  quiet(here.world);
});

test("texts wait for the upload before them", async () => {
  const { ada, mina } = await pair("Order");
  await upwards(ada, 150 * KIB);
  await choose(ada.page, [blob("first.bin", 300 * KIB)]);
  await ada.page.locator(".tray li").waitFor();
  await ada.says("first, with a file");
  await ada.says("second");
  await mina.row("second").waitFor();
  assert.deepEqual(await mina.page.locator("#chat-log .msg .body").allInnerTexts(), ["first, with a file", "second"]);
  quiet(here.world);
});

test("when the server has no room left the row says so; Send again, Edit and Remove work", async () => {
  const { ada, mina, room } = await pair("NoRoom");
  let full = true;
  await ada.page.route("**/api/v1/chats/messages/", (route) =>
    full && route.request().method() === "POST"
      ? route.fulfill({ status: 507, headers: { "X-Parlour-Error": "storage_full" }, contentType: "application/json", body: '{"detail":"The disk is full."}' })
      : route.continue(),
  );
  await choose(ada.page, [png("view.png", 60, 40)]);
  await ada.page.locator(".tray li").waitFor();
  await ada.says("will fail first");
  const row = ada.row("will fail first");
  await row.getByText("Not sent: the server has no room left for files.").waitFor();
  await row.getByRole("button", { name: "Edit" }).click();
  await ada.page.locator(".tray li b", { hasText: "view.png" }).waitFor();
  assert.equal(await ada.page.inputValue("#chat-message-input"), "will fail first");
  await ada.page.press("#chat-message-input", "Enter");
  await row.locator(".fix").waitFor();
  full = false;
  await row.getByRole("button", { name: "Send again" }).click();
  await mina.row("will fail first").locator(".pic").waitFor();
  const { results } = await ada.api("GET", `/chats/messages/?room=${room.id}`);
  assert.equal(results.length, 1);
  assert.equal(results[0].files.length, 1);
  quiet(here.world, /507/);
});

test("a reload in the middle of an upload loses nothing and doubles nothing", async () => {
  const { ada, mina, room } = await pair("Reload");
  const client = await upwards(ada, 40 * KIB);
  await choose(ada.page, [png("kept.png", 300, 200, [1, 2, 3], true), pdf("kept.pdf")]);
  await ada.page.locator(".tray li").first().waitFor();
  await ada.says("kept by the browser");
  await eventually(async () => Number(await ada.row("kept by the browser").locator("[role=progressbar]").getAttribute("aria-valuenow")) > 5, "on its way", 15_000);
  await ada.page.reload();
  await client.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
  await mina.row("kept by the browser").locator(".pic").waitFor();
  await mina.row("kept by the browser").locator(".card").waitFor();
  await eventually(async () => !(await ada.row("kept by the browser").evaluate((row) => row.classList.contains("wait"))), "settled");
  assert.equal(await ada.row("kept by the browser").count(), 1);
  const { results } = await ada.api("GET", `/chats/messages/?room=${room.id}`);
  assert.equal(results.length, 1);
  assert.deepEqual(results[0].files.map((/** @type {any} */ file) => file.name), ["kept.png", "kept.pdf"]);
  const left = await ada.page.evaluate(() => new Promise((resolve) => {
    const asked = indexedDB.open("parlour-files");
    asked.onsuccess = () => {
      const all = asked.result.transaction("items").objectStore("items").count();
      all.onsuccess = () => resolve(all.result);
    };
  }));
  assert.equal(left, 0, "the browser keeps nothing that has arrived");
  quiet(here.world, /ERR_/);
});

test("a browser that keeps nothing says so, and sends all the same", async () => {
  const { ada, mina, room } = await pair("Forgetful");
  await ada.page.addInitScript(() => { IDBFactory.prototype.open = () => { throw new DOMException("no", "SecurityError"); }; });
  await ada.opens(room.id);
  await upwards(ada, 60 * KIB);
  await choose(ada.page, [blob("loose.bin", 200 * KIB)]);
  await ada.page.locator(".tray li").waitFor();
  await ada.says("not kept");
  await ada.row("not kept").locator(".note", { hasText: "leave the page open until they are sent" }).waitFor();
  await mina.row("not kept").locator(".card").waitFor();
  await eventually(async () => (await ada.row("not kept").locator(".note").count()) === 0, "said no longer");
  quiet(here.world);
});

test("what comes live and what the server draws are the same, and nothing jumps while pictures load", async () => {
  const { ada, mina, room } = await pair("Equal");
  const sets = [
    [png("a.png", 900, 500)],
    [png("b.png", 500, 900), png("c.png", 300, 300)],
    [png("d.png", 400, 300), png("e.png", 300, 400), png("f.png", 640, 480), wav("tone.wav"), pdf("paper <b>.pdf")],
    [png("g.png", 30, 20), png("h.png", 200, 200), png("i.png", 210, 200), png("j.png", 20, 400)],
    [...Array(6)].map((_, index) => png(`k${index}.png`, 100 + 10 * index, 100)),
    [{ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("words") }, { name: "drawing.svg", mimeType: "image/svg+xml", buffer: Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>') }],
  ];
  for (const [index, things] of sets.entries()) await sendThings(here.world, mina.token, room.id, `set ${index}`, things, things.map((one) => (index === 2 ? `About ${one.name}` : "")));
  await eventually(async () => (await withFiles(ada.page).count()) === sets.length, "all came");
  /** @param {Page} page */
  const drawn = (page) => page.$$eval("#chat-log .files:not([hidden])", (all) => all.map((box) => {
    const copy = /** @type {HTMLElement} */ (box.cloneNode(true));
    copy.querySelectorAll("img").forEach((img) => img.removeAttribute("style"));
    /** @type {(node: Element) => any} */
    const read = (node) => [node.tagName, Object.fromEntries([...node.attributes].sort((a, b) => a.name.localeCompare(b.name)).map(({ name, value }) => [name, value])), node.children.length > 0 ? [...node.children].map(read) : node.textContent];
    return read(copy);
  }));
  const live = await drawn(ada.page);
  const names = await ada.page.$$eval("#chat-log .msg", (all) => all.map((row) => row.getAttribute("aria-label")));
  assert.equal(await ada.page.locator('.pic[data-name$=".svg"]').count(), 0, "SVG is a row with a name");
  assert.match(String(names[2]), /3 images, 2 files/);
  await ada.page.addInitScript(() => {
    Object.assign(globalThis, { shifted: 0 });
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) /** @type {any} */ (globalThis).shifted += /** @type {any} */ (entry).value;
    }).observe({ type: "layout-shift", buffered: true });
  });
  await ada.opens(room.id);
  assert.deepEqual(await drawn(ada.page), live);
  assert.deepEqual(await ada.page.$$eval("#chat-log .msg", (all) => all.map((row) => row.getAttribute("aria-label"))), names);
  await eventually(() => ada.page.$$eval("#chat-log img", (all) => all.filter((img) => img.getBoundingClientRect().bottom > 0).every((img) => /** @type {HTMLImageElement} */ (img).complete)), "loaded");
  assert.ok((await shifts(ada.page)) <= 0.02, `shifted by ${await shifts(ada.page)}`);
  quiet(here.world);
});

test("without JavaScript a file is sent by the form, seen, and downloaded", async () => {
  const { ada, mina, room } = await pair("NoScript");
  const state = await ada.context.storageState();
  const { page } = await here.world.visitor({ javaScriptEnabled: false, storageState: state });
  await page.goto(`${here.world.url}/chat/${room.id}/`);
  const field = page.locator("#composer input[type=file]");
  assert.ok(((await field.boundingBox())?.width ?? 0) > 150, "one sees what was chosen");
  await field.setInputFiles([png("plain.png", 80, 60), pdf("plain.pdf")]);
  await page.locator("#chat-message-submit").click();
  await page.locator(".pic img").waitFor();
  const link = page.locator(".card a[download]");
  const answer = await page.request.get(new URL(String(await link.getAttribute("href")), page.url()).href);
  assert.equal(answer.status(), 200);
  assert.match(String(answer.headers()["content-disposition"]), /^attachment/);
  await withFiles(mina.page).first().waitFor();
  await page.locator("a[href$='/files/']").click();
  await page.locator(".gallery .pic").waitFor();
  assert.equal(await page.locator(".gallery li").count(), 2);
  quiet(here.world);
});
