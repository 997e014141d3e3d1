// @ts-check
/** Sending: behaviours 23 to 32 and 35. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, focused, quiet, suite } from "../lib/suite.mjs";

const here = suite();

/** Two people in a room, both live. @param {string} name */
async function pair(name) {
  const [ada, mina] = await Promise.all([here.world.person(`Ada ${name}`), here.world.person(`Mina ${name}`)]);
  const room = await ada.makes(`Room ${name}`);
  await mina.joins(room.id);
  await Promise.all([ada.opens(room.id), mina.opens(room.id)]);
  return { ada, mina, room, end: () => Promise.all([ada.context.close(), mina.context.close()]) };
}

test("23: one's own row is there in the next frame, and its height stays when the answer comes", async () => {
  const { ada, mina, room, end } = await pair("TwentyThree");
  // A line that takes its time, so that waiting can be seen.
  await ada.page.routeWebSocket(/\/ws$/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((text) => void setTimeout(() => socket.send(text), 500));
  });
  await ada.opens(room.id);
  await ada.page.fill("#chat-message-input", "a quick **one** with `code`");
  const seen = await ada.page.evaluate(async () => {
    const log = /** @type {Element} */ (document.querySelector("#chat-log"));
    const before = log.querySelectorAll("article.msg").length;
    const field = /** @type {HTMLElement} */ (document.querySelector("#chat-message-input"));
    const start = performance.now();
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    const rows = log.querySelectorAll("article.msg");
    const row = /** @type {HTMLElement} */ (rows[rows.length - 1]);
    return { more: rows.length - before, spent: performance.now() - start, height: row.getBoundingClientRect().height, waiting: row.classList.contains("wait") };
  });
  assert.equal(seen.more, 1);
  assert.ok(seen.waiting, "marked as sending");
  await mina.row("a quick one with code").waitFor();
  const row = ada.page.locator("#chat-log article.msg").last();
  await eventually(async () => !(await row.evaluate((at) => at.classList.contains("wait"))), "turns normal");
  assert.ok(Math.abs(((await row.boundingBox())?.height ?? 0) - seen.height) < 0.6, "the same height");
  assert.equal(await focused(ada.page), "chat-message-input");
  quiet(here.world);
  await end();
});

test("24: a refused message says so; Send again sends it once", async () => {
  const { ada, mina, room, end } = await pair("TwentyFour");
  let broken = true;
  // The socket answers with our fault, and so does the way around it.
  await ada.page.routeWebSocket(/\/ws$/, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((text) => {
      const frame = JSON.parse(String(text));
      if (broken && frame.type === "send") {
        socket.send(JSON.stringify({ type: "error", code: "internal", error: "Something went wrong on our side.", nonce: frame.nonce }));
      } else server.send(text);
    });
  });
  await ada.page.route("**/api/v1/chats/messages/", (route) =>
    broken && route.request().method() === "POST"
      ? route.fulfill({ status: 500, contentType: "application/json", body: '{"detail":"Something went wrong on our side."}' })
      : route.continue(),
  );
  await ada.opens(room.id);
  await ada.says("will fail first");
  const row = ada.row("will fail first");
  await row.locator("button", { hasText: "Send again" }).waitFor();
  for (const name of ["Edit", "Remove"]) assert.equal(await row.locator(".fix button", { hasText: name }).count(), 1, name);
  assert.match(String(await row.textContent()), /Not sent/);
  broken = false;
  await row.locator("button", { hasText: "Send again" }).click();
  await mina.row("will fail first").waitFor();
  const { results } = await ada.api("GET", `/chats/messages/?room=${room.id}`);
  assert.equal(results.length, 1);
  quiet(here.world, /500/);
  await end();
});

test("25: an answer that got lost makes no duplicate", async () => {
  const { ada, mina, room, end } = await pair("TwentyFive");
  let lose = true;
  await ada.page.routeWebSocket(/\/ws$/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((text) => {
      const frame = JSON.parse(String(text));
      const own = frame.type === "ack" || frame.message?.text === "only once";
      if (lose && own) {
        if (frame.type === "ack") {
          lose = false;
          void socket.close({ code: 1012, reason: "cut" });
          void server.close();
        }
        return;
      }
      socket.send(text);
    });
  });
  await ada.opens(room.id);
  await ada.says("only once");
  await mina.row("only once").waitFor();
  await eventually(async () => !(await ada.row("only once").first().evaluate((at) => at.classList.contains("wait"))), "settled", 15_000);
  assert.equal(await ada.row("only once").count(), 1);
  assert.equal(await mina.row("only once").count(), 1);
  const { results } = await ada.api("GET", `/chats/messages/?room=${room.id}`);
  assert.equal(results.length, 1);
  quiet(here.world);
  await end();
});

test("26: Enter that commits a syllable sends nothing; the next one sends", async () => {
  const { ada, mina, room, end } = await pair("TwentySix");
  const field = ada.page.locator("#chat-message-input");
  await field.focus();
  const client = await ada.context.newCDPSession(ada.page);
  await client.send("Input.imeSetComposition", { text: "안녕", selectionStart: 2, selectionEnd: 2 });
  await field.evaluate((at) => {
    at.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", keyCode: 229, isComposing: true, bubbles: true, cancelable: true }));
  });
  await client.send("Input.insertText", { text: "안녕" });
  await ada.page.waitForTimeout(300);
  assert.equal((await ada.api("GET", `/chats/messages/?room=${room.id}`)).results.length, 0);
  assert.equal(await field.inputValue(), "안녕");
  await field.press("Enter");
  await mina.row("안녕").waitFor();
  quiet(here.world);
  await end();
});

test("27: Shift Enter makes lines, and the composer grows to at most 38 % of the height", async () => {
  const { ada, end } = await pair("TwentySeven");
  const field = ada.page.locator("#chat-message-input");
  await field.focus();
  for (let line = 0; line < 60; line++) {
    await ada.page.keyboard.type(`line ${line}`);
    await ada.page.keyboard.press("Shift+Enter");
  }
  assert.ok((await field.inputValue()).split("\n").length > 50);
  const box = await field.boundingBox();
  const height = ada.page.viewportSize()?.height ?? 0;
  assert.ok(box && box.height > 100 && box.height <= height * 0.38 + 2, `${box?.height} of ${height}`);
  quiet(here.world);
  await end();
});

test("28: what was typed is back after switching rooms and after reloading", async () => {
  const { ada, room, end } = await pair("TwentyEight");
  const other = await ada.makes("Another of TwentyEight");
  await ada.page.fill("#chat-message-input", "unfinished thought");
  await ada.page.waitForTimeout(400);
  await ada.opens(other.id);
  assert.equal(await ada.page.inputValue("#chat-message-input"), "");
  await ada.opens(room.id);
  assert.equal(await ada.page.inputValue("#chat-message-input"), "unfinished thought");
  await ada.page.reload();
  await ada.live();
  assert.equal(await ada.page.inputValue("#chat-message-input"), "unfinished thought");
  quiet(here.world);
  await end();
});

test("29: the up arrow edits the last own message; Esc restores, Enter saves", async () => {
  const { ada, mina, end } = await pair("TwentyNine");
  await ada.says("frist");
  await mina.row("frist").waitFor();
  await eventually(async () => !(await ada.row("frist").evaluate((at) => at.classList.contains("wait"))), "sent");
  await ada.page.focus("#chat-message-input");
  await ada.page.keyboard.press("ArrowUp");
  const editor = ada.page.locator("#chat-log article textarea");
  await editor.waitFor();
  assert.deepEqual(
    await editor.evaluate((/** @type {HTMLTextAreaElement} */ at) => [at.value, at.selectionStart, document.activeElement === at]),
    ["frist", 5, true],
  );
  await ada.page.keyboard.press("Escape");
  await editor.waitFor({ state: "detached" });
  await ada.row("frist").waitFor();
  await ada.page.focus("#chat-message-input");
  await ada.page.keyboard.press("ArrowUp");
  await editor.waitFor();
  await editor.fill("first");
  await editor.press("Enter");
  const seen = mina.row("first");
  await seen.waitFor({ timeout: 1_500 });
  await eventually(async () => /edited/.test(String(await seen.textContent())), "says edited", 1_000);
  quiet(here.world);
  await end();
});

test("30: a removed message leaves at once; Undo restores it; without Undo it is gone for all", async () => {
  const { ada, mina, room, end } = await pair("Thirty");
  const sent = await ada.sends(room.id, "to be removed");
  const row = ada.page.locator(`#m-${sent.id}`);
  const remove = async () => {
    await row.focus();
    await ada.page.keyboard.press("Delete");
    await ada.page.locator("button", { hasText: "Undo" }).waitFor();
    assert.ok(!(await row.locator(".body").isVisible().catch(() => false)), "the text is out of sight");
  };
  await row.waitFor();
  await remove();
  await ada.page.locator("button", { hasText: "Undo" }).click();
  await eventually(() => row.locator(".body").isVisible(), "back in sight");
  assert.equal(await mina.row("to be removed").count(), 1);
  await remove();
  await eventually(async () => (await mina.row("to be removed").count()) === 0, "gone for the others", 9_000);
  assert.ok(await focused(ada.page), "the focus is not lost");
  quiet(here.world);
  await end();
});

test("31: a reaction is pressed here and counted there; pressing again takes it back", async () => {
  const { ada, mina, room, end } = await pair("ThirtyOne");
  const sent = await mina.sends(room.id, "react to me");
  const row = ada.page.locator(`#m-${sent.id}`);
  await row.hover();
  await ada.page.locator('[role="toolbar"] button:visible').first().click();
  const mine = row.locator(".rx button");
  await mine.waitFor();
  assert.equal(await mine.getAttribute("aria-pressed"), "true");
  const theirs = mina.page.locator(`#m-${sent.id} .rx button`);
  await theirs.waitFor();
  assert.match(String(await theirs.textContent()), /1/);
  assert.equal(await theirs.getAttribute("aria-pressed"), "false");
  await mine.click();
  await eventually(async () => (await theirs.count()) === 0, "taken back");
  quiet(here.world);
  await end();
});

test("32: a reply quotes author and first line, and the quote leads to the original", async () => {
  const { ada, mina, room, end } = await pair("ThirtyTwo");
  const original = await mina.sends(room.id, "the original line\nand a second one");
  for (let n = 0; n < 40; n++) await mina.sends(room.id, `in between ${n}`);
  const row = ada.page.locator(`#m-${original.id}`);
  await row.waitFor({ state: "attached" });
  await row.focus();
  await ada.page.keyboard.press("r");
  await eventually(async () => (await focused(ada.page)) === "chat-message-input", "the composer has the focus");
  await ada.says("my answer");
  const answer = mina.row("my answer");
  await answer.waitFor();
  const quote = answer.locator(".reply");
  assert.match(String(await quote.textContent()), /Mina ThirtyTwo/);
  assert.match(String(await quote.textContent()), /the original line/);
  assert.doesNotMatch(String(await quote.textContent()), /second one/);
  await quote.click();
  await eventually(async () => (await focused(mina.page)) === `m-${original.id}`, "the original has the focus");
  const inside = await mina.page.locator(`#m-${original.id}`).evaluate((at) => {
    const box = at.getBoundingClientRect();
    const frame = /** @type {Element} */ (at.closest("#chat-log")).getBoundingClientRect();
    return box.top >= frame.top && box.bottom <= frame.bottom;
  });
  assert.ok(inside, "and is in sight");
  quiet(here.world);
  await end();
});

test("35: writing shows within 1 s and goes within 6 s", async () => {
  const { ada, mina, end } = await pair("ThirtyFive");
  await ada.page.focus("#chat-message-input");
  await ada.page.keyboard.type("hel");
  const line = mina.page.locator(".typing", { hasText: "Ada ThirtyFive" });
  await line.waitFor({ timeout: 1_000 });
  await eventually(async () => !(await line.isVisible()), "gone", 6_500);
  quiet(here.world);
  await end();
});
