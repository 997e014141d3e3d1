// @ts-check
/** From the end of a long room to its beginning, page by page. */

import { quantile } from "./figures.mjs";
import { sender } from "./sender.mjs";
import { tasks, traced } from "./trace.mjs";

const MESSAGES = 10_000;
const STEP = 900;

/** What JavaScript holds after a collection, in bytes. @param {import("playwright-core").CDPSession} wire */
async function heap(wire) {
  await wire.send("HeapProfiler.collectGarbage");
  const { metrics } = await wire.send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "JSHeapUsedSize")?.value ?? NaN;
}

/** @param {import("../world.mjs").World} world @param {import("./figures.mjs").Figures} figures */
export async function long(world, figures) {
  const ada = await world.person("Ada Long");
  const room = await ada.makes("Ten thousand");
  await ada.joins(room.id);
  const source = await sender(world, ada.token);
  const taken = await source.fill(room.id, MESSAGES);
  if (taken !== MESSAGES) throw new Error(`only ${taken} messages were taken`);
  await source.context.close();
  await ada.opens(room.id);
  const wire = await ada.context.newCDPSession(ada.page);
  await wire.send("Performance.enable");
  await wire.send("HeapProfiler.enable");
  const before = await heap(wire);
  const { events, result: seen } = await traced(world.browser, ada.page, () => ada.page.evaluate((step) => new Promise((resolve) => {
    const log = /** @type {HTMLElement} */ (document.querySelector("#chat-log"));
    /** @type {number[]} */
    const frames = [];
    let [last, rows, still, oldest] = [performance.now(), 0, performance.now(), ""];
    const first = () => /** @type {HTMLElement | null} */ (log.querySelector(".msg"))?.dataset.id ?? "";
    const turn = (/** @type {number} */ now) => {
      frames.push(now - last);
      last = now;
      log.scrollTop -= step;
      if (frames.length % 10 === 0) rows = Math.max(rows, log.querySelectorAll(".msg").length);
      if (first() !== oldest) [oldest, still] = [first(), now];
      const there = log.scrollTop <= 0 && log.querySelector(".start:not([hidden])") !== null;
      if (there || now - still > 15_000) resolve({ frames, rows, there, loaded: log.scrollHeight });
      else requestAnimationFrame(turn);
    };
    requestAnimationFrame(turn);
  }), STEP));
  const { frames, rows, there } = /** @type {any} */ (seen);
  if (!there) throw new Error("the beginning of the room was never reached");
  figures.add("long room: frame time, p95", quantile(frames.slice(1), 0.95), "ms", 20, `${frames.length} frames from end to start of ${MESSAGES} messages`);
  const spent = tasks(events, `${world.url}/chat/${room.id}/`);
  figures.add("long room: CPU of a frame, mean", spent.reduce((sum, ms) => sum + ms, 0) / frames.length, "ms", 16.7, "all of the main thread's tasks over all frames");
  figures.add("long room: longest task, CPU", Math.max(...spent), "ms", 50, `${spent.length} tasks`);
  figures.add("long room: rows at most", rows, "rows", 300);
  figures.add("long room: heap growth", (await heap(wire) - before) / 1_048_576, "MB", 15);
  await ada.context.close();
}
