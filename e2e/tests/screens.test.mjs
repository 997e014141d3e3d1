// @ts-check
/** Behaviour 40: every screen and state, in both themes, at both widths. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Cast } from "../lib/cast.mjs";
import { axe, landmarks, latin, moving, sideways, unmarked, wear } from "../lib/checks.mjs";
import { SCREENS, walk } from "../screens.mjs";

/** @typedef {import("playwright-core").Page} Page */

/** @type {Cast} */
let cast;
/** @type {Awaited<ReturnType<typeof walk>>} */
let admin;
/** What is wrong, by screen. @type {Map<string, string[]>} */
const found = new Map();
/** The rows of the night market as a screen reader names them. @type {string[]} */
let rows = [];

before(async () => {
  cast = await Cast.open();
});
after(() => cast?.close());

/** @param {string} kind @returns {string[]} */
const of = (kind) => [...found].flatMap(([screen, lines]) => lines.filter((line) => line.startsWith(kind)).map((line) => `${screen}: ${line}`));

test("40: no violations that axe knows, on every screen, in both themes, at both widths", async () => {
  let seen = 0;
  admin = await walk(cast, async (screen, page, size) => {
    await page.emulateMedia({ reducedMotion: "reduce" });
    seen += 1;
    const wrong = [];
    for (const theme of /** @type {const} */ (["light", "dark"])) {
      await wear(page, theme);
      wrong.push(...(await axe(page)).map((line) => `${line} (${theme})`));
    }
    wrong.push(...await landmarks(page), ...await sideways(page), ...await moving(page));
    if (screen.name === "room" && size === "wide") rows = await page.$$eval("#chat-log article.msg", (all) => all.map((one) => one.getAttribute("aria-label") ?? ""));
    if (size === "narrow" && !screen.again) {
      await page.setViewportSize({ width: 320, height: 700 });
      wrong.push(...await sideways(page));
      await page.setViewportSize({ width: 390, height: 844 });
    }
    wrong.push(...await unmarked(page));
    found.set(`${screen.name} ${size}`, wrong);
  });
  assert.ok(seen > SCREENS.length, "every screen was seen");
  assert.deepEqual(of("axe"), []);
});

test("40: nothing is wider than its place, down to 320 px", () => assert.deepEqual(of("sideways"), []));

test("40: what can be reached by Tab shows the focus", () => assert.deepEqual(of("no focus mark"), []));

test("40: whoever asked for less motion sees none", () => assert.deepEqual(of("moves"), []));

test("40: every page has its landmarks", () => assert.deepEqual(of("landmarks"), []));

test("40: rows are named by who, when, whom they answer, and their reactions", () => {
  const first = rows.find((name) => name.startsWith("Mina Park"));
  assert.match(first ?? "", /^Mina Park, \d{1,2}:\d{2}.*6 reactions/);
  const reply = rows.find((name) => name.startsWith("Jonas Weber"));
  assert.match(reply ?? "", /^Jonas Weber, \d{1,2}:\d{2}.*reply to Mina Park/);
  assert.ok(rows.every((name) => /^\S.*, \d{1,2}:\d{2}|sending|not sent/i.test(name)), rows.join("\n"));
});

test("40: Korean pages are Korean throughout", async () => {
  const { kim } = cast.people;
  const hall = await kim.makes("Teestube", { topic: "Tee" });
  const data = ["Harbour Street", "Harbour Admin", "Harbour_Admin", "Teestube", "Tee", "김하늘", kim.email, kim.email.split("@")[0], "node"];
  for (const one of [...Object.values(cast.guests), ...Object.values(cast.people)]) data.push(one.nickname);
  const { results = [] } = await kim.api("GET", "/chats/rooms/?scope=open&page_size=100");
  for (const { name, topic } of [...results, ...Object.values(cast.rooms)]) data.push(name, topic);
  data.sort((a, b) => b.length - a.length);
  const known = data.filter(Boolean);
  /** @type {string[]} */
  const wrong = [];
  /** @param {Page} page @param {string[]} paths */
  const read = async (page, paths) => {
    for (const path of paths) {
      await page.goto(cast.url + path);
      assert.equal(await page.getAttribute("html", "lang"), "ko", path);
      wrong.push(...(await latin(page, known)).map((line) => `${path}: ${line}`));
    }
  };
  await read(cast.visitor, ["/?lang=ko", "/chat/list/", "/accounts/register/", "/accounts/login/", "/setup/", "/no/such/page/", `/chat/${cast.rooms.gone.id}/`]);
  const sections = ["profile", "appearance", "language", "keys", "password", "sessions", "tokens"].map((name) => `/me/?section=${name}`);
  await read(kim.page, ["/", "/chat/list/", "/chat/create/", `/chat/${hall.id}/`, `/chat/${hall.id}/settings/`, `/chat/${cast.rooms.full.id}/`, `/chat/${cast.rooms.market.id}/`, "/accounts/logout/", ...sections]);
  await admin.page.goto(`${cast.url}/me/?section=language`);
  await admin.page.selectOption("#id_language", "ko");
  await admin.page.locator("main form button.go").click();
  const names = await cast.world.api("GET", "/users/?page_size=100");
  for (const { username } of names.results ?? []) known.unshift(username);
  await read(admin.page, ["overview", "look", "people", "rooms", "limits"].map((name) => `/admin/?section=${name}`));
  assert.deepEqual(wrong, []);
});
