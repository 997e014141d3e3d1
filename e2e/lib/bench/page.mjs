// @ts-check
/** How soon a room's page is there, how soon one's own words are, and what a page costs the server. */

import { readFile } from "node:fs/promises";
import { quantile } from "./figures.mjs";
import { furnished } from "./sizes.mjs";

/** @typedef {import("../world.mjs").Person} Person */

const VISITS = 7;
const KEYS = 30;
const GETS = 200;

/** One first visit with a slow processor and an empty cache. @param {Person} who @param {string} url @param {number} slow */
async function arrive(who, url, slow) {
  const page = await who.tab();
  const wire = await who.context.newCDPSession(page);
  await wire.send("Network.enable");
  await wire.send("Network.setCacheDisabled", { cacheDisabled: true });
  await wire.send("Emulation.setCPUThrottlingRate", { rate: slow });
  await page.addInitScript(() => {
    const seen = /** @type {any} */ (globalThis);
    seen.shift = 0;
    new PerformanceObserver((list) => { for (const entry of list.getEntries()) if (!(/** @type {any} */ (entry).hadRecentInput)) seen.shift += /** @type {any} */ (entry).value; }).observe({ type: "layout-shift", buffered: true });
  });
  await page.goto(url);
  await page.waitForFunction(() => document.documentElement.dataset.net === "open");
  await page.waitForTimeout(400);
  const seen = await page.evaluate(() => ({
    paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? NaN,
    ready: performance.getEntriesByName("parlour:ready")[0]?.startTime ?? NaN,
    answer: /** @type {PerformanceNavigationTiming} */ (performance.getEntriesByType("navigation")[0]).responseStart,
    shift: /** @type {any} */ (globalThis).shift,
  }));
  await page.close();
  return seen;
}

/** Milliseconds from the key to the row, as often as asked. @param {Person} who @param {string} url */
async function keys(who, url) {
  await who.page.goto(url);
  await who.live();
  await who.page.evaluate(() => {
    const spent = /** @type {number[]} */ (/** @type {any} */ (globalThis).spent = []);
    let pressed = 0;
    document.addEventListener("keydown", (event) => { if (event.key === "Enter") pressed = performance.now(); }, true);
    new MutationObserver((changes) => {
      const row = changes.some(({ addedNodes }) => [...addedNodes].some((node) => node instanceof HTMLElement && node.matches(".msg")));
      if (row && pressed) { spent.push(performance.now() - pressed); pressed = 0; }
    }).observe(/** @type {Element} */ (document.querySelector("#chat-log .column")), { childList: true });
  });
  for (let n = 0; n < KEYS; n += 1) {
    await who.says(`Words ${n}`);
    await who.page.waitForFunction((count) => /** @type {any} */ (globalThis).spent.length > count, n);
  }
  return /** @type {Promise<number[]>} */ (who.page.evaluate(() => /** @type {any} */ (globalThis).spent));
}

/** Processor time of a process in ms. @param {number} pid */
async function spent(pid) {
  const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).replace(/^.*\) /, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** @param {import("../world.mjs").World} world @param {import("./figures.mjs").Figures} figures @param {string} built */
export async function page(world, figures, built) {
  const ada = await world.person("Ada Page");
  const room = await furnished(ada, "Arrivals", 50);
  const url = `${world.url}/chat/${room.id}/`;
  /** @type {Awaited<ReturnType<typeof arrive>>[]} */
  const visits = [];
  for (let n = 0; n < VISITS; n += 1) visits.push(await arrive(ada, url, 4));
  const middle = (/** @type {"paint" | "ready" | "answer" | "shift"} */ name) => quantile(visits.map((visit) => visit[name]), 0.5);
  figures.add("room first contentful paint, 4x CPU", middle("paint"), "ms", 400, `median of ${VISITS}, server built ${built}`);
  figures.add("room ready for keys, 4x CPU", middle("ready"), "ms", 600, `median of ${VISITS}`);
  figures.add("room first byte", middle("answer"), "ms", null, `server built ${built}`);
  figures.add("room layout shift", Math.max(...visits.map(({ shift }) => shift)), "CLS", 0.02, "the worst visit");
  const typed = await keys(ada, url);
  figures.add("key to own row, p50", quantile(typed, 0.5), "ms", 50);
  figures.add("key to own row, p95", quantile(typed, 0.95), "ms", 50);
  const cookies = (await ada.context.cookies()).map(({ name, value }) => `${name}=${value}`).join("; ");
  const pid = world.server.child.pid ?? 0;
  await fetch(url, { headers: { cookie: cookies } }).then((answer) => answer.text());
  const before = await spent(pid);
  for (let n = 0; n < GETS; n += 1) {
    const answer = await fetch(url, { headers: { cookie: cookies } });
    if (!answer.ok || !(await answer.text()).includes("room-data")) throw new Error(`no room page: ${answer.status}`);
  }
  figures.add("server CPU of a room page", (await spent(pid) - before) / GETS, "ms", built === "release" ? 8 : null, `server built ${built}, ${GETS} pages with 50 messages`);
  await ada.context.close();
}
