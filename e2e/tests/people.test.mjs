// @ts-check
/** Unread marks, presence, the line, and a flood: behaviours 36 to 39. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, quiet, suite } from "../lib/suite.mjs";

const here = suite();

/** The number at a room in the sidebar, 0 when it shows none. @param {import("playwright-core").Page} page @param {number} room */
async function mentions(page, room) {
  return page.evaluate((id) => {
    const count = document.querySelector(`.sidebar .room-link[data-id="${id}"] .count`);
    return count?.checkVisibility() ? Number(count.querySelector("[data-n]")?.textContent) : 0;
  }, room);
}

/** Waits until a tab's socket is open. @param {import("playwright-core").Page} page */
const live = (page) => page.waitForFunction(() => document.documentElement.dataset.net === "open", null, { timeout: 15_000 });

test("36: a mention elsewhere is a number in the sidebar and the title; reading in one tab clears the other", async () => {
  const [ada, mina] = await Promise.all([here.world.person("Ada ThirtySix"), here.world.person("Mina ThirtySix")]);
  const [room, other] = [await ada.makes("Spoken of here"), await mina.makes("Where Mina is")];
  await mina.joins(room.id);
  const second = await mina.tab();
  await Promise.all([mina.opens(other.id), second.goto(`${here.world.url}/chat/${other.id}/`)]);
  await live(second);
  await ada.sends(room.id, "nobody in particular");
  const link = mina.page.locator(`.sidebar .room-link[data-id="${room.id}"]`);
  await eventually(async () => /\bunread\b/.test((await link.getAttribute("class")) ?? ""), "unread, without a number");
  assert.equal(await mentions(mina.page, room.id), 0);
  assert.doesNotMatch(await mina.page.title(), /^\(/);
  await ada.sends(room.id, "what does @Mina ThirtySix think?");
  for (const page of [mina.page, second]) {
    await eventually(async () => (await mentions(page, room.id)) === 1, "the sidebar shows 1");
    await eventually(async () => (await page.title()).startsWith("(1) "), "the title shows 1");
  }
  await link.click();
  await mina.page.waitForURL(`**/chat/${room.id}/`);
  await mina.row("what does").waitFor();
  await eventually(async () => (await mentions(second, room.id)) === 0, "cleared in the other tab");
  await eventually(async () => !(await second.title()).startsWith("("), "and in its title");
  assert.ok(!(await mina.page.title()).startsWith("("), await mina.page.title());
  // The page's word reaches the server after the other tab's.
  await eventually(async () => {
    const { results } = await mina.api("GET", "/chats/unread/");
    return results.find((/** @type {any} */ one) => one.room === room.id).mentions === 0;
  }, "cleared for the server too");
  quiet(here.world);
});

test("37: two tabs are one person; after the last one closed the person is away, also on the seat map", async () => {
  const [ada, mina] = await Promise.all([here.world.person("Ada ThirtySeven"), here.world.person("Mina ThirtySeven")]);
  const room = await ada.makes("Seats");
  await ada.joins(room.id);
  await mina.joins(room.id);
  // Whoever has any page of the server open is here; Mina has none.
  await mina.page.goto("about:blank");
  await ada.opens(room.id);
  const taken = ada.page.locator("#participants .seatmap .on");
  const away = ada.page.locator('#participants [data-list="away"] li', { hasText: "Mina ThirtySeven" });
  const present = ada.page.locator('#participants [data-list="here"] li', { hasText: "Mina ThirtySeven" });
  await eventually(async () => (await taken.count()) === 1 && (await away.count()) === 1, "Ada alone", 10_000);
  // The page that the server makes shows what the live one does.
  const map = async () => (await (await ada.page.request.get(`${here.world.url}/chat/${room.id}/`)).text()).match(/class="seatmap".*?<\/div>/)?.[0] ?? "";
  assert.equal((await map()).match(/<i class="on">/g)?.length, 1);
  assert.equal((await map()).match(/<i class="aw">/g)?.length, 1);
  await mina.opens(room.id);
  const second = await mina.tab();
  await second.goto(`${here.world.url}/chat/${room.id}/`);
  await live(second);
  await eventually(async () => (await present.count()) === 1 && (await taken.count()) === 2, "both, each once");
  assert.match(String(await ada.page.locator("#participants .seatmap").getAttribute("aria-label")), /2 here/i);
  await second.close();
  // Longer than the server's grace for reloading.
  await ada.page.waitForTimeout(7_000);
  assert.equal(await present.count(), 1, "one tab is enough to be here");
  assert.equal(await taken.count(), 2);
  await mina.page.close();
  await eventually(async () => (await away.count()) === 1, "away", 10_000);
  assert.equal(await taken.count(), 1);
  assert.equal(await ada.page.locator("#participants .seatmap .aw").count(), 1, "the seat is still taken");
  assert.match(String(await ada.page.locator("#participants .seatmap").getAttribute("aria-label")), /1 here/i);
  quiet(here.world);
});

test("the host is the first of the people, also while away", async () => {
  const [mina, ada] = await Promise.all([here.world.person("Ada Guest"), here.world.person("Mina Host")]);
  const room = await ada.makes("Host first");
  await ada.page.goto("about:blank");
  await mina.opens(room.id);
  const names = () => mina.page.locator("#participants li b").allTextContents();
  await eventually(async () => (await names()).join() === "Mina Host,Ada Guest", "as the server made it, and drawn live");
  assert.equal(await mina.page.locator('#participants [data-list="away"]').isVisible(), false, "nobody else is away");
  await ada.opens(room.id);
  const inside = mina.page.locator('#participants [data-list="here"] li b');
  await eventually(async () => (await inside.allTextContents()).join() === "Mina Host,Ada Guest", "here");
  await ada.page.close();
  await eventually(async () => (await inside.allTextContents()).join() === "Ada Guest", "away again", 10_000);
  assert.deepEqual(await names(), ["Mina Host", "Ada Guest"]);
  quiet(here.world);
});

test("38: ten seconds without a line: a bar counts, rows wait, then all is there once and in one order", async () => {
  const [ada, mina] = await Promise.all([here.world.person("Ada ThirtyEight"), here.world.person("Mina ThirtyEight")]);
  const room = await ada.makes("Thin line");
  await mina.joins(room.id);
  await Promise.all([ada.opens(room.id), mina.opens(room.id)]);
  await ada.says("before the cut");
  await mina.row("before the cut").waitFor();
  await ada.context.setOffline(true);
  const cut = Date.now();
  const bar = ada.page.locator("p-conn [data-text]");
  await eventually(() => bar.isVisible(), "the bar");
  await eventually(async () => /\d/.test(String(await bar.textContent())), "a countdown");
  for (const n of [1, 2]) await ada.says(`ada ${n} of two`);
  for (const n of [1, 2, 3]) {
    await mina.says(`mina ${n} of three`);
    await ada.page.waitForTimeout(300);
  }
  for (const n of [1, 2]) assert.equal(await ada.row(`ada ${n} of two`).and(ada.page.locator(".wait")).count(), 1, "the row waits");
  assert.equal(await ada.row("mina 1 of three").count(), 0);
  assert.equal(await mina.row("ada 1 of two").count(), 0);
  await ada.page.waitForTimeout(Math.max(0, 10_000 - (Date.now() - cut)));
  await ada.context.setOffline(false);
  const texts = (/** @type {import("playwright-core").Page} */ page) =>
    page.$$eval("#chat-log article.msg .body", (all) => all.map((body) => body.textContent?.trim() ?? ""));
  await eventually(async () => (await texts(mina.page)).length === 6 && (await texts(ada.page)).length === 6, "all six", 20_000);
  await eventually(async () => (await ada.page.locator("#chat-log .wait").count()) === 0, "nothing waits");
  await ada.page.waitForTimeout(500);
  const seen = await texts(mina.page);
  assert.deepEqual(await texts(ada.page), seen);
  assert.deepEqual(seen.filter((text) => text.startsWith("ada")), ["ada 1 of two", "ada 2 of two"]);
  assert.deepEqual(seen.filter((text) => text.startsWith("mina")), ["mina 1 of three", "mina 2 of three", "mina 3 of three"]);
  await eventually(async () => !(await bar.isVisible()), "the bar is gone");
  const { results } = await ada.api("GET", `/chats/messages/?room=${room.id}`);
  assert.equal(results.length, 6);
  quiet(here.world, /ERR_INTERNET_DISCONNECTED/);
});

/** Sends for a while from all authors, evenly. @param {import("../lib/world.mjs").Person[]} authors @param {number} room @param {number} rate a second @param {number} seconds */
async function flood(authors, room, rate, seconds) {
  const start = Date.now();
  const total = rate * seconds;
  let next = 0;
  const work = async (/** @type {import("../lib/world.mjs").Person} */ author) => {
    for (let n = next++; n < total; n = next++) {
      const wait = start + (n * 1000) / rate - Date.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      await author.sends(room, `flood ${n}`);
    }
  };
  await Promise.all([...authors, ...authors].map(work));
  return Date.now() - start;
}

test("39: 100 messages a second: typing echoes, rows stay few, and the screen reader is not flooded", async (t) => {
  const mina = await here.world.person("Mina ThirtyNine");
  const authors = await Promise.all([1, 2, 3, 4].map((n) => here.world.account(`Author ${n}`)));
  const room = await mina.makes("Flood");
  for (const author of authors) await author.joins(room.id);
  await mina.opens(room.id);
  await mina.page.evaluate(() => {
    const seen = { rows: 0, spoken: /** @type {string[]} */ ([]), echoes: /** @type {number[]} */ ([]) };
    Object.assign(window, { seen });
    const log = /** @type {HTMLElement} */ (document.querySelector("#chat-log"));
    new MutationObserver((changes) => {
      seen.rows = Math.max(seen.rows, log.querySelectorAll("article.msg").length);
      const added = changes.some((change) => [...change.addedNodes].some((node) => node instanceof HTMLElement && node.matches("article.msg")));
      if (added && log.getAttribute("aria-live") !== "off") seen.spoken.push("rows");
    }).observe(log, { childList: true, subtree: true });
    for (const id of ["say", "say-now"]) {
      const region = /** @type {HTMLElement} */ (document.getElementById(id));
      new MutationObserver(() => seen.spoken.push(region.textContent ?? "")).observe(region, { childList: true, characterData: true, subtree: true });
    }
    let pressed = 0;
    const field = /** @type {HTMLElement} */ (document.querySelector("#chat-message-input"));
    field.addEventListener("keydown", (event) => (pressed = event.timeStamp), true);
    field.addEventListener("input", () => seen.echoes.push(performance.now() - pressed));
  });
  await mina.page.focus("#chat-message-input");
  const sending = flood(authors, room.id, 100, 10);
  const words = "typing goes on while the room is loud ";
  for (const letter of words.repeat(2)) {
    await mina.page.keyboard.type(letter);
    await mina.page.waitForTimeout(100);
  }
  const spent = await sending;
  await mina.row("flood 999").waitFor();
  // What was held back is said by now.
  await mina.page.waitForTimeout(6_000);
  const seen = await mina.page.evaluate(() => /** @type {any} */ (window).seen);
  const echoes = seen.echoes.toSorted((/** @type {number} */ a, /** @type {number} */ b) => a - b);
  const p95 = echoes[Math.floor(echoes.length * 0.95)];
  t.diagnostic(`${Math.round(1e6 / spent)} messages/s; echo p95 ${p95.toFixed(1)} ms, longest ${echoes.at(-1).toFixed(1)} ms; ${seen.rows} rows; spoken ${JSON.stringify(seen.spoken)}`);
  assert.ok(spent < 20_000, `the flood took ${spent} ms`);
  assert.ok(p95 < 100, `echo after ${p95} ms`);
  assert.equal(await mina.page.inputValue("#chat-message-input"), words.repeat(2));
  assert.ok(seen.rows > 50 && seen.rows <= 300, `${seen.rows} rows`);
  assert.ok(seen.spoken.length >= 1 && seen.spoken.length <= 6, JSON.stringify(seen.spoken));
  const numbers = await mina.page.$$eval("#chat-log article.msg .body", (all) => all.map((body) => Number(body.textContent?.match(/flood (\d+)/)?.[1])));
  assert.equal(new Set(numbers).size, numbers.length, "each once");
  quiet(here.world);
});
