// @ts-check
/** Pictures of every screen in both themes and at both widths: `npm run shots [-- names]` writes them to `shots/`. */

import { mkdir } from "node:fs/promises";
import { Cast } from "./lib/cast.mjs";
import { SIZES, walk } from "./screens.mjs";

const FOLDER = new URL("shots/", import.meta.url).pathname;

await mkdir(FOLDER, { recursive: true });
const cast = await Cast.open();
try {
  await walk(cast, async (screen, page, size) => {
    const { width, height } = SIZES[size];
    for (const theme of ["light", "dark"]) {
      await page.evaluate((wish) => { document.documentElement.dataset.theme = wish; }, theme);
      await page.waitForTimeout(60);
      await page.screenshot({ path: `${FOLDER}${screen.name}-${width}x${height}-${theme}.png`, fullPage: screen.full ?? false, animations: "disabled" });
    }
  }, new RegExp(process.argv[2] ?? "."));
  for (const line of new Set(cast.world.complaints)) console.error(line);
} finally {
  await cast.close();
}
