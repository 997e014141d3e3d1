// @ts-check
/** The timeline: behaviours 14 to 22. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, quiet, suite } from "../lib/suite.mjs";

const here = suite();

/** Everything of the timeline in one look. @param {import("playwright-core").Page} page */
async function look(page) {
  return page.evaluate(() => {
    const log = /** @type {HTMLElement} */ (document.querySelector("#chat-log"));
    const frame = log.getBoundingClientRect();
    const rows = [...log.querySelectorAll("article.msg")];
    const first = rows.find((row) => row.getBoundingClientRect().bottom > frame.top + 1);
    return {
      rows: rows.length,
      first: first?.id,
      top: first ? first.getBoundingClientRect().top - frame.top : 0,
      atEnd: log.scrollHeight - log.scrollTop - log.clientHeight < 4,
      scrollTop: log.scrollTop,
    };
  });
}

/** Fills a room, the newest last. @param {import("../lib/world.mjs").Person} author @param {number} room @param {number} count @param {(n: number) => string} [text] */
async function fill(author, room, count, text = (n) => `message ${n}`) {
  const sent = [];
  for (let n = 1; n <= count; n++) sent.push(await author.sends(room, text(n)));
  return sent;
}

test("14: three messages within five minutes share one head; one after six minutes has its own", async () => {
  const ada = await here.world.person("Ada Fourteen");
  const mina = await here.world.person("Mina Fourteen");
  const room = await ada.makes("Fourteen");
  await mina.joins(room.id);
  await mina.page.routeWebSocket(/\/ws$/, (socket) => {
    const server = socket.connectToServer();
    server.onMessage((text) => {
      const frame = JSON.parse(String(text));
      if (frame.message?.text === "later words") {
        const later = new Date(Date.parse(frame.message.created_at) + 6 * 60_000).toISOString();
        frame.message.created_at = frame.message.updated_at = frame.at = later;
      }
      socket.send(JSON.stringify(frame));
    });
  });
  await mina.opens(room.id);
  for (const text of ["first words", "second words", "third words", "later words"]) {
    await ada.sends(room.id, text);
    await mina.row(text).waitFor();
  }
  const heads = await mina.page.$$eval("#chat-log article.msg", (rows) =>
    rows.map((row) => [
      /** @type {HTMLElement | null} */ (row.querySelector(".av"))?.offsetParent !== null,
      /** @type {HTMLElement | null} */ (row.querySelector(".by b"))?.offsetParent !== null,
    ]),
  );
  assert.deepEqual(heads, [[true, true], [false, false], [false, false], [true, true]]);
  quiet(here.world);
  await ada.context.close();
  await mina.context.close();
});

for (const [timezoneId, days] of /** @type {const} */ ([
  ["Asia/Seoul", ["2026-11-20", "2026-11-21"]],
  ["America/New_York", ["2026-11-19", "2026-11-20"]],
])) {
  test(`15: one pill per day in the viewer's zone, ${timezoneId}`, async () => {
    const ada = await here.world.person(`Ada ${timezoneId}`, { timezoneId });
    const room = await ada.makes(`Days ${timezoneId}`);
    const [first, second, third] = await fill(ada, room.id, 3);
    const moments = new Map([
      [first.created_at, "2026-11-20T02:00:00Z"],
      [second.created_at, "2026-11-20T16:30:00Z"],
      [third.created_at, "2026-11-20T17:30:00Z"],
    ]);
    await ada.page.route(`**/chat/${room.id}/`, async (route) => {
      const answer = await route.fetch();
      let html = await answer.text();
      for (const [real, told] of moments) html = html.replaceAll(real, told);
      await route.fulfill({ response: answer, body: html });
    });
    await ada.opens(room.id);
    const pills = await ada.page.$$eval("#chat-log .day", (all) => all.map((pill) => pill.textContent?.trim()));
    const expected = days.map((day) =>
      new Intl.DateTimeFormat("en-GB", { weekday: "long", day: "numeric", month: "long", timeZone: "UTC" }).format(new Date(day)),
    );
    assert.equal(pills.length, 2, JSON.stringify(pills));
    for (const [index, text] of expected.entries()) {
      const words = text.replace(",", "").split(" ");
      for (const word of words) assert.ok(pills[index]?.includes(word), `${pills[index]} against ${text}`);
    }
    quiet(here.world);
    await ada.context.close();
  });
}

test("16: the unread line stands above the first of five unread, in sight", async () => {
  const ada = await here.world.person("Ada Sixteen");
  const mina = await here.world.person("Mina Sixteen");
  const room = await ada.makes("Sixteen");
  await mina.joins(room.id);
  const read = await fill(ada, room.id, 30);
  await mina.api("POST", `/chats/rooms/${room.id}/read/`, { seq: read[29].seq });
  const unread = await fill(ada, room.id, 5, (n) => `new ${n}`);
  await mina.opens(room.id);
  const line = mina.page.locator("#chat-log .new");
  assert.equal(await line.count(), 1);
  assert.match(String(await line.textContent()), /New since/);
  const next = await line.evaluate((at) => {
    let node = at.nextElementSibling;
    while (node && !node.matches("article.msg")) node = node.nextElementSibling;
    return node?.id;
  });
  assert.equal(next, `m-${unread[0].id}`);
  const inside = await line.evaluate((at) => {
    const box = at.getBoundingClientRect();
    const frame = /** @type {Element} */ (at.closest("#chat-log")).getBoundingClientRect();
    return box.top >= frame.top && box.bottom <= frame.bottom;
  });
  assert.ok(inside, "the line is in sight");
  quiet(here.world);
  await ada.context.close();
  await mina.context.close();
});

test("17, 18: at the end one stays there; scrolled up nothing moves and a pill counts; End leads back", async () => {
  const ada = await here.world.person("Ada Seventeen");
  const mina = await here.world.person("Mina Seventeen");
  const room = await ada.makes("Seventeen");
  await mina.joins(room.id);
  const sent = await fill(ada, room.id, 45);
  await mina.api("POST", `/chats/rooms/${room.id}/read/`, { seq: sent[44].seq });
  await mina.opens(room.id);
  await eventually(async () => (await look(mina.page)).atEnd, "opens at the end");
  await ada.sends(room.id, "while at the end");
  await mina.row("while at the end").waitFor();
  await eventually(async () => (await look(mina.page)).atEnd, "stays at the end");

  await mina.page.locator("#chat-log").evaluate((log) => log.scrollBy({ top: -600, behavior: "instant" }));
  await mina.page.waitForTimeout(200);
  const before = await look(mina.page);
  assert.ok(!before.atEnd);
  await ada.sends(room.id, "while scrolled up");
  const pill = mina.page.locator(".latest:visible");
  await pill.waitFor();
  assert.match(String(await pill.textContent()), /1 new/);
  const after = await look(mina.page);
  assert.equal(after.first, before.first);
  assert.ok(Math.abs(after.top - before.top) <= 2, `moved by ${after.top - before.top}`);

  await mina.page.locator("#chat-log").focus();
  await mina.page.keyboard.press("End");
  await eventually(async () => (await look(mina.page)).atEnd, "End leads to the end");
  await eventually(async () => !(await pill.isVisible()), "the pill is gone");
  await mina.page.locator("#chat-log").evaluate((log) => log.scrollBy({ top: -600, behavior: "instant" }));
  await ada.sends(room.id, "once more from above");
  await eventually(async () => /1 new/.test(String(await pill.textContent())), "the pill counts anew");
  await pill.click();
  await eventually(async () => (await look(mina.page)).atEnd, "the pill leads to the end");
  assert.ok(await mina.row("once more from above").isVisible());
  await eventually(async () => !(await pill.isVisible()), "the pill is gone again");
  await eventually(async () => {
    const { results } = await mina.api("GET", "/chats/unread/");
    return results.find((/** @type {any} */ one) => one.room === room.id).unread === 0;
  }, "marked as read");
  quiet(here.world);
  await ada.context.close();
  await mina.context.close();
});

test("19: older pages load, rows stay at most 300, and the row under the pointer does not jump", async () => {
  const ada = await here.world.person("Ada Nineteen");
  const room = await ada.makes("Nineteen");
  await fill(ada, room.id, 420);
  await ada.opens(room.id);
  const log = ada.page.locator("#chat-log");
  let most = 0;
  let jumps = 0;
  for (let step = 0; step < 80; step++) {
    const before = await log.evaluate((at) => {
      const frame = at.getBoundingClientRect();
      const row = [...at.querySelectorAll("article.msg")].find((one) => one.getBoundingClientRect().top > frame.top + 100);
      at.scrollBy({ top: -300, behavior: "instant" });
      return row ? { id: row.id, top: row.getBoundingClientRect().top } : null;
    });
    await ada.page.waitForTimeout(60);
    const now = await log.evaluate((at, id) => {
      const row = id ? document.getElementById(id) : null;
      return { rows: at.querySelectorAll("article.msg").length, top: row?.getBoundingClientRect().top, scroll: at.scrollTop };
    }, before?.id);
    most = Math.max(most, now.rows);
    if (before && now.top !== undefined && now.scroll > 0 && Math.abs(now.top - before.top) > 2) jumps += 1;
    if (await ada.page.locator('#chat-log article:has-text("message 1")').evaluateAll((all) => all.some((row) => row.textContent?.match(/message 1(?!\d)/)))) break;
  }
  assert.ok(most <= 300, `${most} rows`);
  assert.equal(jumps, 0, "no row jumped");
  assert.ok(await ada.page.getByText("message 1", { exact: true }).first().isVisible(), "the very first is there");
  quiet(here.world);
  await ada.context.close();
});

test("20: a permalink opens around its message, flashes and focuses it; newer pages load", async () => {
  const ada = await here.world.person("Ada Twenty");
  const room = await ada.makes("Twenty");
  const sent = await fill(ada, room.id, 500);
  await ada.opens(room.id, `?at=${sent[19].id}`);
  const row = ada.page.locator(`#m-${sent[19].id}`);
  await row.waitFor();
  assert.ok(await row.evaluate((at) => at.classList.contains("flash")), "the row is lit up");
  await eventually(
    () => ada.page.evaluate((id) => document.activeElement?.id === id || document.activeElement?.closest("article")?.id === id, `m-${sent[19].id}`),
    "the row has the focus",
  );
  const middle = await row.evaluate((at) => {
    const box = at.getBoundingClientRect();
    const frame = /** @type {Element} */ (at.closest("#chat-log")).getBoundingClientRect();
    return (box.top + box.bottom) / 2 - frame.top - frame.height / 2;
  });
  assert.ok(Math.abs(middle) < 60, `${middle} px from the middle`);
  const log = ada.page.locator("#chat-log");
  await eventually(async () => {
    await log.evaluate((at) => at.scrollBy({ top: 800, behavior: "instant" }));
    return ada.page.getByText("message 150", { exact: true }).first().isVisible().catch(() => false);
  }, "newer pages load", 10_000);
  quiet(here.world);
  await ada.context.close();
});

test("21: markup of others is text; no script runs", async () => {
  const ada = await here.world.person("<img src=x onerror=window.hit=1>");
  const room = await ada.makes("<script>window.hit=2</script>", { topic: "<svg onload=window.hit=3>" });
  await ada.sends(room.id, "<img src=x onerror=window.hit=4> and [x](javascript:window.hit=5)");
  await ada.opens(room.id);
  assert.match(String(await ada.page.textContent("#chat-log")), /<img src=x onerror=window\.hit=4>/);
  await ada.says("<b onmouseover=window.hit=6>live</b>");
  await eventually(async () => (await ada.page.textContent("#chat-log"))?.includes("<b onmouseover=window.hit=6>live</b>"), "own row as text");
  assert.equal(await ada.page.evaluate(() => /** @type {any} */ (window).hit), undefined);
  assert.equal(await ada.page.locator("#chat-log img, #chat-log svg[onload], #chat-log a[href^='javascript']").count(), 0);
  quiet(here.world);
  await ada.context.close();
});

test("22: only a wide code block scrolls sideways, also at 320 px", async () => {
  const ada = await here.world.person("Ada TwentyTwo", { viewport: { width: 320, height: 640 } });
  const room = await ada.makes("Wide");
  await ada.sends(room.id, "```rust\nlet x = \"" + "wide ".repeat(80) + "\";\n```\n" + "unbroken".repeat(60));
  await ada.opens(room.id);
  const sizes = await ada.page.evaluate(() => {
    const pre = /** @type {HTMLElement} */ (document.querySelector("#chat-log pre"));
    return {
      page: document.documentElement.scrollWidth - innerWidth,
      log: /** @type {HTMLElement} */ (document.querySelector("#chat-log")).scrollWidth - /** @type {HTMLElement} */ (document.querySelector("#chat-log")).clientWidth,
      pre: pre.scrollWidth - pre.clientWidth,
    };
  });
  assert.ok(sizes.page <= 0 && sizes.log <= 0, JSON.stringify(sizes));
  assert.ok(sizes.pre > 0, "the block scrolls");
  quiet(here.world);
  await ada.context.close();
});
