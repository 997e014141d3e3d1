// @ts-check
/**
 * The figures of the web pages, against their budgets: prints one JSON object `{name: {value, unit, budget, ok}}`.
 * `node bench.mjs [names]` measures those whose names match.
 */

import { flood } from "./lib/bench/flood.mjs";
import { long } from "./lib/bench/long.mjs";
import { page } from "./lib/bench/page.mjs";
import { sizes } from "./lib/bench/sizes.mjs";
import { Figures } from "./lib/bench/figures.mjs";
import { World } from "./lib/world.mjs";

const figures = new Figures();
const wanted = new RegExp(process.argv[2] ?? ".");
const world = await World.open({ DEFAULT_MAX_USERS: "24", PARLOUR_LOG: "warn" });
try {
  const built = /\/release\//.test(process.env.PARLOUR_TEST_SERVER ?? "") ? "release" : "debug";
  for (const [name, measure] of Object.entries({ sizes, page, flood, long })) {
    if (wanted.test(name)) await measure(world, figures, built);
  }
} finally {
  await world.close();
}
process.stdout.write(`${JSON.stringify(figures.all, null, 2)}\n`);
