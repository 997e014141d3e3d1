// @ts-check
/** From room to room without loading the page: fetch, swap, history. Whatever is unusual becomes a plain navigation. */
import { boot, timeline, upgrade } from "./app.js";
import { make } from "./dom.js";
import * as outbox from "./outbox.js";
import { localize, count } from "./times.js";
import { open, store } from "./store.js";

/** @type {AbortController | null} */
let going = null;
let ready = false;

/** @param {string} url @param {boolean} [pointer] chosen with the mouse */
export async function go(url, pointer = true, remember = true) {
  const target = new URL(url, location.href);
  const at = Number(target.searchParams.get("at"));
  if (store.room && target.pathname === store.room.url) {
    if (at) return timeline()?.goTo(at);
    return timeline()?.toLatest(true);
  }
  going?.abort();
  const mine = new AbortController();
  going = mine;
  performance.mark("parlour:switch");
  const bar = make("div", { class: "loading" });
  const slow = setTimeout(() => document.body.append(bar), 300);
  try {
    const answer = await fetch(target, { signal: mine.signal, headers: { Accept: "text/html" }, credentials: "same-origin" });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fits = answer.ok && !answer.redirected && page.querySelector("#room-data") && page.querySelector("main.room");
    if (!fits || page.documentElement.dataset.icons !== document.documentElement.dataset.icons) throw new Error("another kind of page");
    if (mine.signal.aborted) return;
    listen();
    if (remember) history.pushState({ room: true }, "", target);
    const change = () => swap(page, pointer);
    const calm = document.documentElement.dataset.motion === "calm" || matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (!calm && "startViewTransition" in document) /** @type {any} */ (document).startViewTransition(change);
    else change();
  } catch {
    if (!mine.signal.aborted) location.assign(target);
  } finally {
    clearTimeout(slow);
    bar.remove();
  }
}

function listen() {
  if (ready) return;
  ready = true;
  history.replaceState({ room: true }, "");
  addEventListener("popstate", (event) => {
    if (/** @type {PopStateEvent} */ (event).state?.room || /^\/chat\/\d+\/$/.test(location.pathname)) void go(location.href, false, false);
    else location.reload();
  });
}

/** @param {Document} page @param {boolean} pointer */
function swap(page, pointer) {
  document.dispatchEvent(new CustomEvent("room:leaving"));
  delete document.documentElement.dataset.people;
  const list = document.querySelector(".sidebar .rooms");
  const scroll = list?.scrollTop ?? 0;
  document.title = page.title;
  // The old elements go first: they save what belongs to their room.
  document.querySelector("main.room")?.remove();
  document.querySelector("p-people")?.remove();
  replace(page, "#room-data");
  open(boot());
  const app = document.querySelector(".app");
  for (const part of ["main.room", "p-people"]) {
    const next = page.querySelector(part);
    if (next) app?.append(document.adoptNode(next));
  }
  replace(page, ".sidebar .rooms");
  const fresh = document.querySelector(".sidebar .rooms");
  if (fresh) fresh.scrollTop = scroll;
  upgrade();
  localize();
  count();
  void outbox.start(store.me.id);
  const focus = document.querySelector(pointer && matchMedia("(hover: hover)").matches ? "#chat-message-input" : "#room-name");
  if (focus instanceof HTMLElement) focus.focus({ preventScroll: true });
  performance.measure("parlour:switch", "parlour:switch");
}

/** @param {Document} page @param {string} selector */
function replace(page, selector) {
  const next = page.querySelector(selector);
  if (next) document.querySelector(selector)?.replaceWith(document.adoptNode(next));
}
