// @ts-check
/** The languages of the pages. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { quiet, suite } from "../lib/suite.mjs";

const here = suite();

/** Everything that the page itself says, without what people wrote. @param {import("playwright-core").Page} page */
async function chrome(page) {
  return page.evaluate(() => {
    /** @type {string[]} */
    const found = [];
    const skip = "script, style, noscript, kbd, code, time, [lang]:not(html), option, .body, .ref";
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (node.parentElement && !node.parentElement.closest(skip)) found.push(node.textContent ?? "");
    }
    for (const element of document.querySelectorAll("[aria-label], [placeholder], [title], [alt]")) {
      if (element.closest("[lang]:not(html)")) continue;
      for (const name of ["aria-label", "placeholder", "title", "alt"]) found.push(element.getAttribute(name) ?? "");
    }
    return [...new Set([document.title, ...found].map((text) => text.trim()).filter(Boolean))];
  });
}

test("with Korean preferred every page and the room's own words are Korean", async () => {
  const ada = await here.world.person("에이다");
  const mina = await here.world.account("미나");
  await ada.api("PATCH", `/users/${ada.id}/preferences/`, { language: "ko" });
  const room = await ada.makes("방", { topic: "이야기" });
  await mina.joins(room.id);
  const english = async (/** @type {string} */ where) => {
    assert.equal(await ada.page.getAttribute("html", "lang"), "ko", where);
    const known = /Parlour|example\.org|REST|WebSocket|API|UTC|URL|CSS|CSV|PNG|JPEG|WebP|SVG|Ctrl|Enter|Shift|Alt|Esc|에이다_\w+|Markdown|Chromium|Chrome|Linux|HeadlessChrome/g;
    const left = (await chrome(ada.page)).map((text) => text.replaceAll(known, "")).filter((text) => /[A-Za-z]{2,}/.test(text));
    assert.deepEqual(left, [], where);
  };
  for (const path of ["/", "/chat/list/", "/chat/create/", "/me/", `/chat/${room.id}/settings/`, "/accounts/logout/", "/chat/999999/"]) {
    await ada.page.goto(here.world.url + path);
    await english(path);
  }
  await ada.opens(room.id);
  await english("an empty room");
  await ada.says("안녕하세요");
  await mina.sends(room.id, "반갑습니다");
  await mina.api("POST", `/chats/rooms/${room.id}/typing/`);
  await ada.page.locator(".typing", { hasText: "미나" }).waitFor();
  await ada.page.locator("#chat-log article.msg").last().focus();
  await ada.page.keyboard.press("Enter");
  await ada.page.locator('[role="toolbar"]').waitFor();
  await english("a room with tools");
  await ada.page.keyboard.press("Escape");
  await ada.page.keyboard.press("?");
  await ada.page.locator("dialog.keysheet").waitFor();
  const sheet = (await chrome(ada.page)).filter((text) => /[A-Za-z]{3,}/.test(text.replaceAll(/Parlour|Ctrl|Enter|Shift|Alt|Esc|API|UTC/g, "")));
  assert.deepEqual(sheet, []);
  quiet(here.world, /404/);
});

test("a visitor gets the language of the browser, and may choose another", async () => {
  const { page } = await here.world.visitor({ locale: "ko-KR" });
  await page.goto(`${here.world.url}/accounts/login/`);
  assert.equal(await page.getAttribute("html", "lang"), "ko");
  await page.goto(`${here.world.url}/`);
  await page.locator('a[hreflang="en"]').first().click();
  await page.locator('html[lang="en"]').waitFor();
  await page.goto(`${here.world.url}/accounts/login/`);
  assert.equal(await page.getAttribute("html", "lang"), "en", "the choice is kept");
  quiet(here.world);
});
