// @ts-check
/// <reference lib="webworker" />
/**
 * Service worker: keeps the shell (style, scripts, icons) and one page for when there is no line.
 * It never keeps messages, pages of rooms, or answers of the API: what is not in the list goes to the network.
 *
 * Its own address names what to keep: `/sw.js?shell=<url of a JSON list of assets>&offline=<url of a page>`.
 */
const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));
const asked = new URL(worker.location.href).searchParams;
const SHELL = asked.get("shell") ?? "";
const OFFLINE = asked.get("offline") ?? "";
const PREFIX = "parlour-shell-";
const CACHE = `${PREFIX}${SHELL}${OFFLINE}`;

worker.addEventListener("install", (event) => {
  event.waitUntil((async () => {
    const cache = await caches.open(CACHE);
    const list = SHELL ? await fetch(SHELL).then((answer) => (answer.ok ? answer.json() : [])) : [];
    const own = list.filter((/** @type {string} */ url) => url.startsWith("/assets/"));
    await cache.addAll([...own, ...(OFFLINE ? [OFFLINE] : [])]);
    await worker.skipWaiting();
  })());
});

worker.addEventListener("activate", (event) => {
  event.waitUntil((async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.startsWith(PREFIX) && name !== CACHE).map((name) => caches.delete(name)));
    await worker.clients.claim();
  })());
});

worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== worker.location.origin) return;
  if (url.pathname.startsWith("/assets/")) {
    event.respondWith(caches.match(request, { cacheName: CACHE }).then((kept) => kept ?? fetch(request)));
  } else if (request.mode === "navigate" && OFFLINE) {
    event.respondWith(fetch(request).catch(async () => {
      const page = await caches.match(OFFLINE, { cacheName: CACHE });
      return page ?? Response.error();
    }));
  }
});
