// @ts-check
/** Landing page, list, creation: behaviours 7 to 13. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, quiet, suite } from "../lib/suite.mjs";

const here = suite({ DEFAULT_MAX_USERS: "24" });

test("7: visitors see open rooms with seats and time left, no message and no name", async () => {
  const ada = await here.world.person("Very Secret Name");
  const room = await ada.makes("Open to all", { topic: "Come in" });
  await ada.joins(room.id);
  await ada.sends(room.id, "words for members only");
  const { page, context } = await here.world.visitor();
  await page.goto(`${here.world.url}/`);
  const html = await page.content();
  assert.match(html, /Open to all/);
  assert.match(html, /Come in/);
  assert.match(String(await page.textContent("main")), /1 of 24/);
  assert.match(String(await page.textContent("main")), /days? left/);
  assert.ok(!html.includes("words for members only") && !html.includes("Very Secret Name"));
  quiet(here.world);
  await context.close();
  await ada.context.close();
});

test("8: a new room appears in an open list within 1 s", async () => {
  const ada = await here.world.person("Ada Eight");
  const mina = await here.world.person("Mina Eight");
  await mina.page.goto(`${here.world.url}/chat/list/`);
  await mina.live();
  await ada.makes("Just made");
  await mina.page.locator("main table", { hasText: "Just made" }).waitFor({ timeout: 1_000 });
  quiet(here.world);
  await ada.context.close();
  await mina.context.close();
});

test("9: an empty title is said inline and the dialog stays open", async () => {
  const ada = await here.world.person("Ada Nine");
  await ada.page.goto(`${here.world.url}/chat/list/`);
  await ada.page.locator('main a[href="/chat/create/"]').first().click();
  const dialog = ada.page.locator("dialog[open]");
  await dialog.waitFor();
  await dialog.locator('[name="title"]').fill("   ");
  await dialog.locator('button[type="submit"], button:not([type])').first().click();
  await dialog.locator('[name="title"][aria-invalid="true"]').waitFor();
  assert.ok(await dialog.isVisible());
  await dialog.locator('[name="title"]').fill("Nine at last");
  await dialog.locator('button[type="submit"], button:not([type])').first().click();
  await ada.page.waitForURL(/\/chat\/\d+\/$/);
  quiet(here.world);
  await ada.context.close();
});

test("10: a full room says so and has no composer", async () => {
  const [ada, mina, third, late] = await Promise.all(
    ["Ada Ten", "Mina Ten", "Third Ten", "Late Ten"].map((name) => here.world.person(name)),
  );
  const room = await ada.makes("Two seats", { max_users: 2 });
  await mina.joins(room.id);
  await third.joins(room.id);
  const answer = await late.page.goto(`${here.world.url}/chat/${room.id}/`);
  assert.equal(answer?.status(), 403);
  assert.match(String(await late.page.textContent("main")), /All 2 seats are taken/);
  assert.equal(await late.page.locator("#chat-message-input").count(), 0);
  quiet(here.world, /403/);
  for (const person of [ada, mina, third, late]) await person.context.close();
});

test("11: a room past its end is gone (410), also from the sidebar", async () => {
  const ada = await here.world.person("Ada Eleven");
  const soon = new Date(Date.now() + 2_500).toISOString();
  const room = await ada.makes("Short life", { expires_at: soon });
  const other = await ada.makes("Longer life");
  await ada.opens(room.id);
  const second = await ada.tab();
  await second.goto(`${here.world.url}/chat/${other.id}/`);
  const link = second.locator(`nav a.room-link[href="/chat/${room.id}/"]`);
  assert.equal(await link.count(), 1);
  await ada.page.locator("#chat-log").waitFor();
  await eventually(
    async () => !(await ada.page.locator("#chat-message-input").isVisible().catch(() => false)),
    "the open page learns that the room closed",
    15_000,
  );
  await eventually(async () => (await link.count()) === 0, "an open sidebar loses the room");
  const answer = await ada.page.goto(`${here.world.url}/chat/${room.id}/`);
  assert.equal(answer?.status(), 410);
  assert.match(String(await ada.page.textContent("main")), /Short life/);
  await ada.opens(other.id);
  assert.equal(await ada.page.locator("nav a.room-link").count(), 1);
  assert.equal(await ada.page.locator(`nav a[href="/chat/${room.id}/"]`).count(), 0);
  quiet(here.world, /410/);
  await ada.context.close();
});

test("12: the last day is said in words, also for the ear", async () => {
  const ada = await here.world.person("Ada Twelve");
  const soon = new Date(Date.now() + 5 * 3_600_000 + 60_000).toISOString();
  const room = await ada.makes("Closing soon", { expires_at: soon });
  await ada.opens(room.id);
  const link = ada.page.locator(`nav a.room-link[href="/chat/${room.id}/"]`).first();
  assert.match(String(await link.textContent()), /[56] h(ours)? left/);
  const tones = await link.evaluate((at) => {
    const colour = (/** @type {Element} */ element) => getComputedStyle(element).color;
    const probe = document.createElement("span");
    probe.style.color = "var(--brass)";
    at.append(probe);
    const brass = colour(probe);
    probe.remove();
    return { days: colour(/** @type {Element} */ (at.querySelector(".days"))), brass, plain: colour(at) };
  });
  assert.equal(tones.days, tones.brass);
  assert.notEqual(tones.days, tones.plain);
  // What a screen reader says is the text of the link: nothing hides the time from it.
  assert.equal(await ada.page.getByRole("link", { name: /Closing soon.*[56] h(ours)? left/ }).count(), 1);
  quiet(here.world);
  await ada.context.close();
});

test("13: 200 rooms are filtered within 50 ms, and arrow and Enter open the first", async () => {
  const ada = await here.world.person("Ada Thirteen");
  for (let i = 0; i < 200; i += 20) {
    await Promise.all(Array.from({ length: 20 }, (_, j) => ada.makes(`Room ${i + j}`)));
  }
  await ada.makes("Zebra crossing");
  await ada.page.goto(`${here.world.url}/chat/list/`);
  const filter = ada.page.locator('main input[type="search"]').first();
  await filter.waitFor();
  const spent = await filter.evaluate((/** @type {HTMLInputElement} */ field) => {
    const times = [];
    // The best of several: another program may have the processor for a moment.
    for (const text of ["room 1", "", "room 2", "", "zebra"]) {
      const start = performance.now();
      field.value = text;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      void document.body.offsetHeight;
      times.push(performance.now() - start);
    }
    return Math.min(...times);
  });
  const rows = ada.page.locator("main table tbody tr:visible");
  assert.equal(await rows.count(), 1);
  assert.match(String(await rows.textContent()), /Zebra crossing/);
  assert.ok(spent < 50, `filtered after ${spent} ms`);
  await filter.press("ArrowDown");
  await ada.page.keyboard.press("Enter");
  await ada.page.waitForURL(/\/chat\/\d+\/$/);
  assert.match(String(await ada.page.textContent("h1")), /Zebra crossing/);
  quiet(here.world);
  await ada.context.close();
});
