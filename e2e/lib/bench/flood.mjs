// @ts-check
/** A hundred messages a second for a minute, seen by somebody who reads. */

import { quantile } from "./figures.mjs";
import { furnished } from "./sizes.mjs";
import { sender } from "./sender.mjs";
import { tasks, traced } from "./trace.mjs";

const RATE = 100;
const SECONDS = 60;
/** Seconds of one trace; a minute in one piece would not fit. */
const PIECE = 10;

/** @param {import("../world.mjs").World} world @param {import("./figures.mjs").Figures} figures */
export async function flood(world, figures) {
  const [ada, mina] = [await world.person("Ada Flood"), await world.person("Mina Flood")];
  const room = await furnished(ada, "Flood", 50);
  await mina.joins(room.id);
  await mina.opens(room.id);
  const url = `${world.url}/chat/${room.id}/`;
  await mina.page.evaluate(() => {
    const seen = /** @type {any} */ (globalThis);
    seen.most = 0;
    setInterval(() => { seen.most = Math.max(seen.most, document.querySelectorAll("#chat-log .msg").length); }, 500);
  });
  const source = await sender(world, ada.token);
  const flow = source.flow(room.id, RATE, SECONDS);
  /** @type {number[]} */
  const spent = [];
  for (let part = 0; part < SECONDS / PIECE; part += 1) {
    const { events } = await traced(world.browser, mina.page, () => new Promise((resolve) => setTimeout(resolve, PIECE * 1000)));
    spent.push(...tasks(events, url));
  }
  const { sent, answered, took } = /** @type {any} */ (await flow);
  if (spent.length < 100) throw new Error(`the trace has ${spent.length} tasks: it tells nothing`);
  figures.add("flood: messages a second that arrived", answered / ((took - 1500) / 1000), "messages/s", null, `${sent} sent in ${Math.round(took / 1000)} s`);
  figures.add("flood: longest task of the main thread, CPU", Math.max(...spent), "ms", 50, `${spent.length} tasks`);
  figures.add("flood: tasks over 50 ms CPU", spent.filter((ms) => ms > 50).length, "tasks", 0);
  figures.add("flood: p99 of tasks over 1 ms CPU", quantile(spent.filter((ms) => ms > 1), 0.99), "ms");
  figures.add("flood: main thread busy", (spent.reduce((sum, ms) => sum + ms, 0) / (SECONDS * 1000)) * 100, "%");
  figures.add("flood: rows at most", await mina.page.evaluate(() => /** @type {any} */ (globalThis).most), "rows", 300);
  await source.context.close();
  await ada.context.close();
  await mina.context.close();
}
