// @ts-check
/** The viewer of pictures, and the files of a room. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, quiet, suite } from "../lib/suite.mjs";
import { pdf, png, sendThings, wav } from "../lib/things.mjs";

/** @typedef {import("playwright-core").Page} Page */

const here = suite();

/** A room in which Mina showed something, live at Ada's. @param {string} name @param {import("../lib/things.mjs").Thing[][]} sets @param {import("playwright-core").BrowserContextOptions} [options] */
async function shown(name, sets, options = {}) {
  const ada = await here.world.person(`Ada ${name}`, options);
  const mina = await here.world.account(`Mina ${name}`);
  const room = await ada.makes(`Room ${name}`);
  await mina.joins(room.id);
  for (const [index, set] of sets.entries()) await sendThings(here.world, mina.token, room.id, `set ${index}`, set, set.map((one) => (one.name.startsWith("a") ? "The quay at dusk" : "")));
  await ada.opens(room.id);
  return { ada, mina, room, page: ada.page };
}

const four = () => [png("a.png", 1600, 900), png("b.png", 300, 300, [120, 60, 30]), png("c.png", 300, 900, [20, 45, 70]), png("d.png", 900, 300, [90, 20, 60])];

/** @param {Page} page */
const place = (page) => page.locator(".viewer .n").textContent();
/** How often its fitting size. @param {Page} page */
const scale = (page) => page.locator(".stage img").evaluate((img) => Number(/scale\(([\d.]+)\)/.exec(img.style.transform)?.[1] ?? 1));

test("a picture opens in the viewer; keys walk, zoom and close it; the focus is at the picture again", async () => {
  const { page } = await shown("Keys", [four()]);
  const loaded = await page.evaluate(() => performance.getEntriesByType("resource").some(({ name }) => name.includes("viewer.js")));
  assert.equal(loaded, false, "only who looks loads it");
  await page.locator(".pics .pic").nth(1).click();
  const dialog = page.getByRole("dialog", { name: /Image, 2 of 4: b\.png/ });
  await dialog.waitFor();
  assert.equal(await place(page), "2 of 4");
  await page.keyboard.press("ArrowLeft");
  assert.equal(await place(page), "1 of 4");
  assert.equal(await page.locator(".viewer .cap").textContent(), "The quay at dusk (a.png)");
  assert.equal(await page.locator(".stage img").getAttribute("alt"), "The quay at dusk");
  await eventually(async () => /1 of 4: The quay at dusk/.test(String(await page.textContent("#say"))), "said to the ear");
  await page.keyboard.press("ArrowLeft");
  assert.equal(await place(page), "1 of 4", "no further");
  await page.keyboard.press("End");
  assert.equal(await place(page), "4 of 4");
  await page.keyboard.press("Home");
  assert.equal(await place(page), "1 of 4");
  await page.keyboard.press("+");
  await page.keyboard.press("+");
  assert.ok((await scale(page)) > 2);
  await page.keyboard.press("-");
  assert.ok((await scale(page)) < 2);
  await page.keyboard.press("0");
  assert.equal(await scale(page), 1);
  const save = page.getByRole("link", { name: "Download a.png" });
  const [download] = await Promise.all([page.waitForEvent("download"), save.click()]);
  assert.equal(download.suggestedFilename(), "a.png");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Escape");
  // Not `dialog`: it is found by its first name, "2 of 4", which it has not had since.
  await page.locator("p-viewer").waitFor({ state: "detached" });
  assert.equal(await page.evaluate(() => /** @type {HTMLElement} */ (document.activeElement).dataset.name), "c.png");
  quiet(here.world);
});

test("in the viewer every control is reached by Tab and nothing behind it; nothing scrolls behind", async () => {
  const { page } = await shown("Behind", [four(), [pdf("x.pdf")], ...Array.from({ length: 12 }, (_, n) => [pdf(`y${n}.pdf`)])]);
  await page.locator(".pics .pic").first().scrollIntoViewIfNeeded();
  await page.locator(".pics .pic").nth(1).click();
  await page.locator(".stage img").waitFor();
  const at = await page.locator("#chat-log").evaluate((log) => log.scrollTop);
  const names = new Set();
  for (let step = 0; step < 9; step += 1) {
    names.add(await page.evaluate(() => document.activeElement?.closest("dialog.viewer, body")?.tagName === "DIALOG" ? document.activeElement.getAttribute("aria-label") : "outside"));
    await page.keyboard.press("Tab");
  }
  for (const name of ["Zoom out", "Zoom in", "Download b.png", "Close", "Previous image", "Next image"]) assert.ok(names.has(name), `${name} of ${[...names]}`);
  await page.mouse.move(640, 400);
  await page.mouse.wheel(0, -300);
  await eventually(async () => (await scale(page)) > 1.5, "the wheel zooms");
  await page.mouse.wheel(0, 900);
  await eventually(async () => (await scale(page)) === 1, "and back");
  assert.equal(await page.locator("#chat-log").evaluate((log) => log.scrollTop), at);
  await page.locator(".stage img").dblclick();
  assert.equal(await scale(page), 2.5);
  await page.getByRole("button", { name: "Close" }).click();
  await page.locator("p-viewer").waitFor({ state: "detached" });
  quiet(here.world);
});

test("on a telephone one swipes, pinches and taps twice", async () => {
  const { page, ada } = await shown("Touch", [four()], { hasTouch: true, isMobile: true, viewport: { width: 390, height: 844 } });
  await page.locator(".pics .pic").first().tap();
  await page.locator(".stage img").waitFor();
  assert.equal(await page.locator("dialog.sheet").count(), 0, "a tap on a picture opens no sheet");
  const client = await ada.context.newCDPSession(page);
  /** @param {"touchStart" | "touchMove" | "touchEnd"} type @param {...[number, number]} points */
  const touch = (type, ...points) => client.send("Input.dispatchTouchEvent", { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) });
  /** @param {number} from @param {number} to */
  const swipe = async (from, to) => {
    await touch("touchStart", [from, 420]);
    for (let step = 1; step <= 5; step += 1) await touch("touchMove", [from + ((to - from) * step) / 5, 421]);
    await touch("touchEnd");
  };
  await swipe(300, 120);
  await eventually(async () => (await place(page)) === "2 of 4", "swiped on");
  await swipe(120, 300);
  await eventually(async () => (await place(page)) === "1 of 4", "swiped back");
  await touch("touchStart", [180, 420], [210, 420]);
  for (let step = 1; step <= 5; step += 1) await touch("touchMove", [180 - 20 * step, 420], [210 + 20 * step, 420]);
  await touch("touchEnd");
  await eventually(async () => (await scale(page)) > 2, "pinched");
  await page.getByRole("button", { name: "Next image" }).tap();
  await eventually(async () => (await place(page)) === "2 of 4", "by the button");
  assert.equal(await scale(page), 1);
  await page.touchscreen.tap(195, 420);
  await page.touchscreen.tap(195, 420);
  await eventually(async () => (await scale(page)) === 2.5, "tapped twice");
  quiet(here.world);
});

test("with keys alone one gets from a message to its pictures and players", async () => {
  const { page } = await shown("Rows", [[...four().slice(0, 2), wav("bell.wav"), pdf("paper.pdf")]]);
  await page.locator("#chat-log").focus();
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement?.closest(".tools"));
  const seen = [];
  for (let step = 0; step < 14; step += 1) {
    seen.push(await page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.querySelector("img")?.alt));
    await page.keyboard.press("ArrowRight");
  }
  for (const name of ["The quay at dusk", "b.png", "Download bell.wav", "bell.wav", "Download paper.pdf", "Copy link to paper.pdf"]) assert.ok(seen.includes(name), `${name} of ${seen}`);
  quiet(here.world);
});

test("the files of a room: newest first, by kind, page after page, and back to their message", async () => {
  const sets = [[png("a.png", 40, 30)], [wav("bell.wav")], [pdf("paper.pdf")], ...Array.from({ length: 4 }, (_, turn) => Array.from({ length: 10 }, (_, n) => png(`p${turn}-${n}.png`, 20 + n, 20, [turn * 60, n * 20, 90])))];
  const { page, room } = await shown("Gallery", sets);
  await page.getByRole("link", { name: "Files of this room" }).focus();
  await page.keyboard.press("Enter");
  const dialog = page.getByRole("dialog", { name: `Files in ${room.name}` });
  await dialog.waitFor();
  const items = dialog.locator(".gallery > li");
  await eventually(async () => (await items.count()) === 30, "a page");
  assert.equal(await items.first().locator("[data-file]").getAttribute("data-name"), "p3-9.png");
  await dialog.getByRole("button", { name: "Show more" }).press("Enter");
  await eventually(async () => (await items.count()) === 43, "the rest");
  assert.equal(await items.last().locator("[data-file]").getAttribute("data-name"), "a.png");
  assert.equal(await dialog.getByRole("button", { name: "Show more" }).isVisible(), false);
  await eventually(() => page.evaluate(() => document.activeElement?.closest(".gallery li") !== null), "the focus goes on where the new ones begin");
  await dialog.getByRole("button", { name: "Audio" }).press("Enter");
  await eventually(async () => (await items.count()) === 1, "one recording");
  assert.equal(await items.locator("audio").getAttribute("aria-label"), "bell.wav");
  await dialog.getByRole("button", { name: "Documents" }).press("Enter");
  await eventually(async () => (await items.locator("b").allTextContents()).join() === "paper.pdf", "one document");
  await dialog.getByRole("button", { name: "Video" }).press("Enter");
  await dialog.getByText("No files of this kind yet.").waitFor();
  await dialog.getByRole("button", { name: "Images" }).press("Enter");
  await eventually(async () => (await items.count()) === 30, "pictures");
  await items.first().locator("a.pic").click();
  await page.locator(".viewer .n", { hasText: "1 of 30" }).waitFor();
  await page.keyboard.press("Escape");
  await page.locator("p-viewer").waitFor({ state: "detached" });
  await items.nth(25).locator("a.from").click();
  await dialog.waitFor({ state: "detached" });
  await eventually(() => page.evaluate(() => document.activeElement?.matches("article.msg") ?? false), "at the message");
  quiet(here.world);
});
