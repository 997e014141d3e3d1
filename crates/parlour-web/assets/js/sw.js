// @ts-check
/**
 * Service worker: keeps the shell (style, scripts, icons), and says so when there is no line.
 * It keeps nothing but what is below `/assets/`, whose addresses change with their content: never messages,
 * pages of rooms, uploads, or answers of the API.
 *
 * A page sends `{keep: [urls]}` with all parts of its shell; what belongs to an older one goes.
 */
/** @typedef {Event & {waitUntil: (work: Promise<unknown>) => void}} Extendable */
const worker = /** @type {any} */ (self);
const CACHE = "parlour-shell";
const ASSETS = "/assets/";

/** `/assets/<hash>/`. @param {string} url */
const edition = (url) => new URL(url, worker.location.origin).pathname.split("/").slice(0, 3).join("/");

worker.addEventListener("install", (/** @type {Extendable} */ event) => event.waitUntil(worker.skipWaiting()));
worker.addEventListener("activate", (/** @type {Extendable} */ event) => event.waitUntil(worker.clients.claim()));

worker.addEventListener("message", (/** @type {Extendable & MessageEvent} */ event) => {
  const urls = Array.isArray(event.data?.keep) ? event.data.keep.map(String) : [];
  event.waitUntil(keep(urls.filter((/** @type {string} */ url) => new URL(url, worker.location.origin).pathname.startsWith(ASSETS))));
});

/** @param {string[]} urls */
async function keep(urls) {
  if (urls.length === 0) return;
  const cache = await caches.open(CACHE);
  const editions = new Set(urls.map(edition));
  for (const request of await cache.keys()) if (!editions.has(edition(request.url))) await cache.delete(request);
  for (const url of urls) if (!(await cache.match(url))) await cache.add(url).catch(() => {});
}

worker.addEventListener("fetch", (/** @type {Event & {request: Request, respondWith: (answer: Promise<Response>) => void}} */ event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== worker.location.origin) return;
  if (url.pathname.startsWith(ASSETS)) {
    event.respondWith(caches.open(CACHE).then((cache) => cache.match(request)).then((kept) => kept ?? fetch(request)));
  } else if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(offline));
  }
});

const WORDS = {
  en: ["No connection", "The server cannot be reached. Messages that were not sent are kept on this device.", "Try again"],
  ko: ["연결 없음", "서버에 연결할 수 없습니다. 보내지 못한 메시지는 이 기기에 보관됩니다.", "다시 시도"],
};

/** @returns {Response} */
function offline() {
  const lang = worker.navigator.language.startsWith("ko") ? "ko" : "en";
  const [title, text, again] = WORDS[lang];
  const page = `<!doctype html><html lang="${lang}"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">`
    + `<title>${title}</title><body style="font:16px/1.5 system-ui,sans-serif;display:grid;place-content:center;min-height:90vh;text-align:center;padding:1rem">`
    + `<main><h1>${title}</h1><p>${text}</p><p><a href="">${again}</a></p></main>`;
  return new Response(page, { status: 503, headers: { "Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; style-src-attr 'unsafe-inline'" } });
}
