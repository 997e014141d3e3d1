// @ts-check
/** Processor time instead of wall time: a busy machine does not change it much. */

/**
 * What the browser did meanwhile.
 * @template T @param {import("playwright-core").Browser} browser @param {import("playwright-core").Page} page @param {() => Promise<T>} work
 * @returns {Promise<{events: any[], result: T}>}
 */
export async function traced(browser, page, work) {
  await browser.startTracing(page, { categories: ["disabled-by-default-devtools.timeline", "devtools.timeline"] });
  const result = await work();
  return { events: JSON.parse(String(await browser.stopTracing())).traceEvents, result };
}

/** Processor time of the tasks on the main thread of this page, in ms. @param {any[]} events @param {string} url */
export function tasks(events, url) {
  const started = events.find(({ name }) => name === "TracingStartedInBrowser");
  const pids = new Set((started?.args?.data?.frames ?? []).filter((/** @type {any} */ frame) => frame.url.startsWith(url)).map((/** @type {any} */ frame) => frame.processId));
  const threads = new Set(events.filter(({ name, args, pid }) => name === "thread_name" && args.name === "CrRendererMain" && pids.has(pid)).map(({ pid, tid }) => `${pid}/${tid}`));
  return events.filter(({ name, pid, tid, tdur }) => name === "RunTask" && tdur !== undefined && threads.has(`${pid}/${tid}`)).map(({ tdur }) => tdur / 1000);
}
