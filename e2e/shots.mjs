// @ts-check
/** Pictures of every screen in both themes and at both widths: `npm run shots [-- names]` writes them to `shots/`. */

import { mkdir } from "node:fs/promises";
import { Cast } from "./lib/cast.mjs";
import { walk } from "./screens.mjs";

const FOLDER = new URL("shots/", import.meta.url).pathname;
const SIZES = /** @type {const} */ ([["wide", 1280, 800], ["narrow", 390, 844]]);
const wanted = new RegExp(process.argv[2] ?? ".");

await mkdir(FOLDER, { recursive: true });
const cast = await Cast.open();
try {
  await walk(cast, async (screen, page) => {
    const fixed = screen.as === "touch";
    for (const [name, width, height] of SIZES) {
      if (screen.only && screen.only !== name) continue;
      if (!fixed || screen.only !== "narrow") await page.setViewportSize({ width, height });
      for (const theme of ["light", "dark"]) {
        await page.evaluate((wish) => { document.documentElement.dataset.theme = wish; }, theme);
        await page.waitForTimeout(60);
        await page.screenshot({ path: `${FOLDER}${screen.name}-${width}x${height}-${theme}.png`, fullPage: screen.full ?? false, animations: "disabled" });
      }
    }
    await page.setViewportSize({ width: 1280, height: 800 });
  }, wanted);
  for (const line of new Set(cast.world.complaints)) console.error(line);
} finally {
  await cast.close();
}
