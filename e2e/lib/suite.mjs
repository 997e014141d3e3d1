// @ts-check
/** One world per file of tests, and the checks that every test shares. */

import assert from "node:assert/strict";
import { after, afterEach, before } from "node:test";
import { World } from "./world.mjs";

/** Opens a world before the file's tests and closes it after them.
 * @param {Record<string, string>} [settings] @returns {{world: World}} filled in before the first test */
export function suite(settings = {}) {
  const here = /** @type {{world: World}} */ ({});
  before(async () => {
    here.world = await World.open(settings);
  });
  // What one test left open must not speak in the next one.
  afterEach(async () => {
    await here.world?.tidy();
  });
  after(async () => {
    await here.world?.close();
  });
  return here;
}

/** Fails when a page complained since the last look. @param {World} world @param {RegExp} [expected] complaints that the test provokes */
export function quiet(world, expected) {
  const left = world.complaints.filter((line) => !expected?.test(line));
  world.complaints.length = 0;
  assert.deepEqual(left, []);
}

/** Waits until something holds. @param {() => Promise<unknown>} what @param {string} why @param {number} [within] milliseconds */
export async function eventually(what, why, within = 5_000) {
  const end = Date.now() + within;
  for (;;) {
    if (await what()) return;
    if (Date.now() > end) assert.fail(`not within ${within} ms: ${why}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Whether the focus is somewhere a person can see. @param {import("playwright-core").Page} page */
export async function focused(page) {
  return page.evaluate(() => {
    const at = document.activeElement;
    return at && at !== document.body ? at.id || at.tagName.toLowerCase() : null;
  });
}
