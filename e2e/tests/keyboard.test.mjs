// @ts-check
/** Everything with keys alone, and that the focus is never lost. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, focused, quiet, suite } from "../lib/suite.mjs";

const here = suite();

/** Presses Tab until something has the focus. @param {import("playwright-core").Page} page @param {string} selector */
async function tabTo(page, selector) {
  for (let step = 0; step < 40; step++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
  }
  assert.fail(`Tab never came to ${selector}`);
}

/** Where the focus is, as a test. @param {import("playwright-core").Page} page @param {string} selector */
const focusIs = (page, selector) => page.evaluate((wanted) => document.activeElement?.matches(wanted) ?? false, selector);

test("with keys alone one makes a room, writes, replies, reacts, edits and removes", async () => {
  const ada = await here.world.person("Ada Keys");
  const robot = await here.world.account("Robot Keys");
  const { page } = ada;
  await page.goto(`${here.world.url}/chat/list/`);
  await ada.live();
  await tabTo(page, "#create-room");
  await page.keyboard.press("Enter");
  await eventually(() => focusIs(page, 'dialog[open] [name="title"]'), "the title has the focus");
  await page.keyboard.press("Escape");
  await eventually(() => focusIs(page, "#create-room"), "back at the opener");
  await page.keyboard.press("Enter");
  await eventually(() => focusIs(page, 'dialog[open] [name="title"]'), "again");
  await page.keyboard.type("Made with keys");
  await Promise.all([page.waitForURL(/\/chat\/\d+\/$/), page.keyboard.press("Enter")]);
  await ada.live();
  assert.equal(await focused(page), "chat-message-input");
  const room = Number(/\d+/.exec(new URL(page.url()).pathname)?.[0]);
  await robot.joins(room);
  const theirs = await robot.sends(room, "a question");
  await page.locator(`#m-${theirs.id}`).waitFor();

  await page.keyboard.type("first words");
  await page.keyboard.press("Enter");
  await ada.row("first words").and(page.locator(":not(.wait)")).waitFor();
  assert.equal(await focused(page), "chat-message-input");

  await page.keyboard.press("Control+Shift+F6");
  await eventually(() => focusIs(page, "#chat-log, #chat-log *"), "the timeline has the focus");
  await page.keyboard.press("ArrowUp");
  await page.keyboard.press("ArrowUp");
  await eventually(() => focusIs(page, `#m-${theirs.id}`), "at the question");
  await page.keyboard.press("+");
  await page.locator(`#m-${theirs.id} .rx button[aria-pressed="true"]`).waitFor();
  await page.keyboard.press("r");
  await eventually(async () => (await focused(page)) === "chat-message-input", "the composer has the focus");
  await page.keyboard.type("an answer");
  await page.keyboard.press("Enter");
  const answer = ada.row("an answer");
  await answer.and(page.locator(":not(.wait)")).waitFor();
  assert.match(String(await answer.locator(".reply").textContent()), /Robot Keys.*a question/s);

  await page.keyboard.press("Shift+Tab");
  await eventually(() => focusIs(page, "#chat-log, #chat-log *"), "back into the timeline");
  await page.keyboard.press("End");
  await eventually(() => answer.evaluate((row) => row === document.activeElement), "at the newest row");
  await page.keyboard.press("e");
  await eventually(() => focusIs(page, "#chat-log textarea"), "the editor has the focus");
  await page.keyboard.press("End");
  await page.keyboard.type(", improved");
  await page.keyboard.press("Enter");
  await eventually(async () => /an answer, improved/.test(String(await page.textContent("#chat-log"))), "edited");
  assert.equal(await focused(page), "chat-message-input");
  // The page shows it before the server has it.
  await eventually(async () => {
    const { results } = await ada.api("GET", `/chats/messages/?room=${room}`);
    return results.some((/** @type {any} */ one) => one.text === "an answer, improved");
  }, "saved");

  await page.keyboard.press("Control+Shift+F6");
  await page.keyboard.press("End");
  await eventually(() => ada.row("an answer, improved").evaluate((row) => row === document.activeElement), "at the row");
  await page.keyboard.press("Delete");
  await page.locator(".undo button").waitFor();
  assert.ok(await focused(page), "the focus is not lost");
  // Enter on the row that is being removed leads to its Undo.
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await eventually(() => focusIs(page, ".undo button"), "Undo has the focus");
  await page.keyboard.press("Enter");
  await eventually(async () => (await page.locator(".undo").count()) === 0, "taken back");
  await eventually(() => ada.row("an answer, improved").locator(".body").isVisible(), "and in sight");
  await page.keyboard.press("Delete");
  await eventually(async () => (await ada.row("an answer, improved").count()) === 0, "removed", 9_000);
  assert.ok(await focused(page), "the focus is not lost");
  quiet(here.world);
});

test("Ctrl K finds a room; Escape leads back; Alt and arrows walk through the rooms", async () => {
  const ada = await here.world.person("Ada Switch");
  const rooms = [await ada.makes("Alpha hall"), await ada.makes("Beta hall"), await ada.makes("Gamma garden")];
  await ada.opens(rooms[0].id);
  const { page } = ada;
  await page.focus("#chat-message-input");
  await page.keyboard.press("Control+k");
  const dialog = page.locator("dialog.switcher");
  await dialog.waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  assert.equal(await focused(page), "chat-message-input");
  await page.keyboard.press("Control+k");
  await dialog.waitFor();
  await page.keyboard.type("gamm");
  const options = dialog.locator('[role="option"]');
  await eventually(async () => /Gamma garden/.test(String(await options.first().textContent())), "the best first");
  assert.equal(await dialog.locator("input").getAttribute("aria-activedescendant"), await options.first().getAttribute("id"));
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/chat/${rooms[2].id}/`);
  await eventually(async () => (await page.textContent("#room-name")) === "Gamma garden", "the room is there");
  assert.equal(await focused(page), "chat-message-input");
  await page.keyboard.press("Alt+ArrowUp");
  await page.waitForURL(`**/chat/${rooms[1].id}/`);
  await eventually(async () => (await page.textContent("#room-name")) === "Beta hall", "the room above");
  await page.goBack();
  await eventually(async () => (await page.textContent("#room-name")) === "Gamma garden", "the browser's way back");
  await ada.says("still works here");
  await ada.row("still works here").and(page.locator(":not(.wait)")).waitFor();
  const { results } = await ada.api("GET", `/chats/messages/?room=${rooms[2].id}`);
  assert.equal(results.length, 1);
  quiet(here.world);
});

test("? shows all keys outside of fields, is a letter inside, and single keys can be switched off", async () => {
  const ada = await here.world.person("Ada Sheet");
  const room = await ada.makes("Sheet");
  await ada.sends(room.id, "something to stand on");
  await ada.opens(room.id);
  const { page } = ada;
  await page.focus("#chat-message-input");
  await page.keyboard.press("?");
  assert.equal(await page.inputValue("#chat-message-input"), "?");
  await page.fill("#chat-message-input", "");
  const sheet = page.locator("dialog.keysheet");
  assert.equal(await sheet.count(), 0);
  await page.focus("#chat-log");
  await page.keyboard.press("?");
  await sheet.waitFor();
  assert.ok((await sheet.locator("dl.keys dt").count()) > 10);
  for (const text of await sheet.locator("dl.keys dd").allTextContents()) assert.doesNotMatch(text, /^$|js-key/);
  await page.keyboard.press("Escape");
  await sheet.waitFor({ state: "detached" });
  assert.equal(await focused(page), "chat-log");
  await page.keyboard.press("Control+/");
  await sheet.waitFor();
  await Promise.all([
    page.waitForResponse((answer) => answer.url().includes("/preferences/") && answer.request().method() === "PATCH"),
    sheet.locator("#single-keys").uncheck(),
  ]);
  await page.keyboard.press("Escape");
  await page.focus("#chat-log");
  await page.keyboard.press("?");
  await page.waitForTimeout(200);
  assert.equal(await sheet.count(), 0, "switched off");
  await page.reload();
  await ada.live();
  await page.focus("#chat-log");
  await page.keyboard.press("?");
  await page.waitForTimeout(200);
  assert.equal(await sheet.count(), 0, "also after reloading");
  quiet(here.world);
});
