// @ts-check
/** What a visit downloads. */

import { gzipSync } from "node:zlib";

const KB = 1024;
/** @param {string | Buffer} body */
const packed = (body) => gzipSync(body, { level: 9 }).length;

/** Everything that a page loads before anybody touches it. @param {import("playwright-core").Page} page @param {string} url @param {boolean} live whether its socket opens */
async function visit(page, url, live) {
  /** @type {Promise<{type: string, size: number}>[]} */
  const bodies = [];
  const hear = (/** @type {import("playwright-core").Response} */ response) => {
    const type = response.request().resourceType();
    if (["script", "stylesheet", "document"].includes(type)) bodies.push(response.body().then((body) => ({ type, size: packed(body) })));
  };
  page.on("response", hear);
  await page.goto(url, { waitUntil: "load" });
  if (live) await page.waitForFunction(() => document.documentElement.dataset.net === "open");
  await page.waitForTimeout(500);
  page.off("response", hear);
  const all = await Promise.all(bodies);
  const of = (/** @type {string} */ type) => all.filter((one) => one.type === type);
  const sum = (/** @type {string} */ type) => of(type).reduce((total, { size }) => total + size, 0);
  return { js: sum("script"), modules: of("script").length, css: sum("stylesheet"), sheets: of("stylesheet").length, html: sum("document") };
}

/** A room with so many messages. @param {import("../world.mjs").Person} host @param {string} name @param {number} count */
export async function furnished(host, name, count) {
  const room = await host.makes(name);
  await host.joins(room.id);
  for (let n = 0; n < count; n += 1) await host.sends(room.id, `Message ${n + 1}: who brings the lamps, and **when** do the doors open on Friday?`);
  return room;
}

/** @param {import("../world.mjs").World} world @param {import("./figures.mjs").Figures} figures */
export async function sizes(world, figures) {
  const ada = await world.person("Ada");
  const room = await furnished(ada, "Sizes", 60);
  const inside = await visit(ada.page, `${world.url}/chat/${room.id}/`, true);
  figures.add("room CSS, gzip -9", inside.css / KB, "KB", 14);
  figures.add("room CSS requests", inside.sheets, "requests", 1);
  figures.add("room JS before first interaction, gzip -9", inside.js / KB, "KB", 45);
  figures.add("room modules before first interaction", inside.modules, "modules", 14);
  figures.add("room HTML with 50 messages, gzip -9", inside.html / KB, "KB", 20);
  const { page, context } = await world.visitor();
  const door = await visit(page, `${world.url}/`, false);
  figures.add("landing JS, gzip -9", door.js / KB, "KB", 4);
  figures.add("landing CSS, gzip -9", door.css / KB, "KB", 14);
  figures.add("landing HTML, gzip -9", door.html / KB, "KB");
  const form = await visit(page, `${world.url}/accounts/login/`, false);
  figures.add("log-in JS, gzip -9", form.js / KB, "KB", 4);
  await context.close();
  await ada.context.close();
}
