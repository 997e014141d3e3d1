// @ts-check
/** Entry of the room page: takes the page's data, upgrades its elements, and sends commands where they belong. */
import { Composer } from "./composer.js";
import { Part, find, make, maybe } from "./dom.js";
import * as net from "./net.js";
import * as outbox from "./outbox.js";
import { People } from "./people.js";
import * as shared from "./store.js";
import { t } from "./texts.js";
import { Timeline } from "./timeline.js";
import * as times from "./times.js";

const { store } = shared;

/** Modules that wait for their first use. A load that failed on a bad line is tried anew. */
const LAZY = {
  actions: () => import("./actions.js"), keys: () => import("./keys.js"), menu: () => import("./menu.js"),
  notify: () => import("./notify.js"), rooms: () => import("./rooms.js"), switch: () => import("./switch.js"),
  viewer: () => import("./viewer.js"), gallery: () => import("./gallery.js"),
};

/**
 * @template {keyof typeof LAZY} K @param {K} name
 * @param {(module: Awaited<ReturnType<typeof LAZY[K]>>) => void} use
 */
function lazy(name, use) {
  LAZY[name]().then((module) => use(/** @type {any} */ (module)), () => {
    document.addEventListener("net:state", () => lazy(name, use), { once: true });
  });
}

/** `<p-conn>`: says that the line is down, counts to the next attempt, and never gets in the way. */
class Conn extends Part {
  said = "";
  ticking = 0;
  down = 0;

  start() {
    this.on(document, "net:state", () => this.update());
    this.on(this, "click", ({ target }) => { if (target.closest("button")) net.retry(); });
  }

  stop() {
    clearTimeout(this.ticking);
    clearTimeout(this.down);
  }

  update() {
    const root = document.documentElement;
    clearTimeout(this.ticking);
    if (net.state.open || net.state.ended) {
      clearTimeout(this.down);
      this.down = 0;
      if (root.dataset.conn) this.say(t("js-conn-back"));
      delete root.dataset.conn;
    } else if (root.dataset.conn) {
      this.tick();
    } else {
      // A line that is back within a second was never gone for anybody.
      this.down ||= setTimeout(() => {
        this.down = 0;
        if (net.state.open || net.state.ended) return;
        root.dataset.conn = "offline";
        this.say(t("js-conn-lost"));
        this.tick();
      }, 900);
    }
  }

  tick() {
    const rest = Math.ceil((net.state.retryAt - Date.now()) / 1000);
    find(this, "[data-text]", HTMLElement).textContent = net.state.retryAt === 0 ? t("js-conn-trying") : t("js-conn-wait", { n: Math.max(1, rest) });
    clearTimeout(this.ticking);
    if (net.state.retryAt > 0 && rest > 0) this.ticking = setTimeout(() => this.tick(), 1000);
  }

  /** @param {string} text */
  say(text) {
    if (text === this.said) return;
    this.said = text;
    find(this, "[role=status]", HTMLElement).textContent = text;
  }
}

/** @returns {shared.Boot} */
export const boot = () => JSON.parse(find(document, "#room-data", HTMLScriptElement).textContent || "{}");

/** @returns {Timeline | null} */
export const timeline = () => maybe(document, "p-timeline", Timeline);
/** @returns {Composer | null} */
export const composer = () => maybe(document, "p-composer", Composer);

// --- what ends a visit -------------------------------------------------------------------------------------

/**
 * Nothing of the room stays on the page; what was being written is kept and offered.
 * @param {string} reason of `js-ended-<reason>`
 */
function ended(reason) {
  const room = store.room;
  const main = document.querySelector("main.room");
  if (!room || !main) return;
  const texts = [...outbox.pending(room.id).map(({ text }) => text), composer()?.text ?? ""].filter((text) => text.trim());
  const session = reason === "session";
  shared.close();
  document.querySelector("p-people")?.remove();
  document.querySelectorAll("#room-data, .skip").forEach((part) => part.remove());
  const heading = make("h1", { tabindex: "-1" }, t(`js-ended-${reason}`, { name: room.name }));
  const link = session ? `/accounts/login/?next=${encodeURIComponent(room.url)}` : "/chat/list/";
  const box = make("div", { class: "ended" }, heading, make("p", {}, t(`js-ended-${reason}-text`)),
    make("a", { class: "btn go", href: link }, t(session ? "js-log-in" : "js-to-rooms")));
  if (texts.length > 0) box.append(keepsake(texts.join("\n\n")));
  main.classList.add("over");
  main.replaceChildren(box);
  if (session) document.querySelector("nav.sidebar")?.remove();
  else document.querySelector(`.room-link[data-id="${room.id}"]`)?.closest("li")?.remove();
  document.title = t(`js-ended-${reason}`, { name: room.name });
  delete document.documentElement.dataset.conn;
  heading.focus();
}

/** @param {string} text */
function keepsake(text) {
  const field = make("textarea", { readonly: "", rows: "4", "aria-label": t("js-kept") });
  field.textContent = text;
  const button = make("button", { type: "button", class: "btn sm" }, t("js-copy"));
  button.addEventListener("click", () => {
    void navigator.clipboard.writeText(text).then(() => { button.textContent = t("js-copied"); }, () => /** @type {HTMLTextAreaElement} */ (field).select());
  });
  return make("div", { class: "kept" }, make("p", {}, t("js-kept")), field, button);
}

/** @param {net.Frame} frame */
function heard(frame) {
  const room = store.room;
  if (!room) return;
  if (frame.type === "room.deleted") ended(frame.reason === "expired" ? "expired" : "deleted");
  else if (frame.type === "member.left" && frame.member.id === store.me.id && !room.is_host) {
    ended(frame.reason === "removed" ? "removed" : frame.reason === "account_deleted" ? "session" : "left");
  } else if (frame.type === "room.updated") {
    const topic = document.querySelector(".room-head .ttl p");
    find(document, "#room-name", HTMLElement).textContent = frame.details.name;
    if (topic) topic.textContent = frame.details.topic;
  }
}

// --- commands ------------------------------------------------------------------------------------------------

/** @param {Event} event */
function click(event) {
  const target = event.target instanceof Element ? event.target : null;
  const mouse = /** @type {MouseEvent} */ (event);
  if (!target || event.defaultPrevented || mouse.button !== 0) return;
  const opener = target.closest("[data-open]");
  if (/** @type {PointerEvent} */ (event).pointerType === "touch" && target.closest(".msg")) lazy("menu", ({ tapped }) => tapped(mouse));
  const link = target.closest("a.room-link");
  const picture = target.closest("a.pic[href]");
  const plain = !mouse.ctrlKey && !mouse.metaKey && !mouse.shiftKey && !mouse.altKey;
  if (picture instanceof HTMLAnchorElement && plain) {
    event.preventDefault();
    lazy("viewer", ({ view }) => view(picture));
  } else if (target.closest("[data-open=gallery]") && plain && store.room) {
    event.preventDefault();
    lazy("gallery", ({ show }) => show());
  } else if (opener instanceof HTMLElement) {
    if (opener.dataset.open === "switcher") { event.preventDefault(); lazy("keys", ({ command }) => command("switcher")); }
    if (opener.dataset.open === "keys") { event.preventDefault(); lazy("keys", ({ command }) => command("keys")); }
  } else if (target.closest("[data-do=copy-room]")) {
    lazy("actions", ({ copyRoom }) => copyRoom());
  } else if (link instanceof HTMLAnchorElement && store.room && plain) {
    event.preventDefault();
    lazy("switch", ({ go }) => go(link.href, mouse.detail > 0));
  }
}

/** The keys that came before their module. @type {KeyboardEvent[]} */
const early = [];

/** @param {KeyboardEvent} event */
function firstKey(event) {
  const typing = event.key.length === 1 && !event.ctrlKey && !event.metaKey && event.target instanceof Element && event.target.closest("input, textarea");
  if (event.isComposing || typing) return;
  if ((event.ctrlKey || event.metaKey) && ["k", "u", "/", "F6"].includes(event.key)) event.preventDefault();
  early.push(event);
  if (early.length > 1) return;
  lazy("keys", ({ start, keydown }) => {
    document.removeEventListener("keydown", firstKey);
    start();
    early.splice(0).forEach((one) => keydown(one, true));
  });
}

function listen() {
  document.addEventListener("click", click);
  document.addEventListener("keydown", firstKey);
  document.addEventListener("store:event", (event) => heard(/** @type {CustomEvent} */ (event).detail));
  document.addEventListener("net:ended", (event) => {
    const { reason } = /** @type {CustomEvent} */ (event).detail;
    shared.broadcast({ type: "logout" });
    ended(reason);
  });
  for (const name of ["row:command", "composer:last"]) {
    document.addEventListener(name, (event) => lazy("actions", ({ run }) => run(/** @type {CustomEvent} */ (event).detail)));
  }
  document.addEventListener("row:enter", (event) => lazy("menu", ({ enter }) => enter(/** @type {CustomEvent} */ (event).detail.entry)));
  document.addEventListener("pointerover", pointed, { passive: true });
  document.addEventListener("focusin", pointed);
  for (const name of ["store:unread", "store:rooms", "store:newroom"]) document.addEventListener(name, marks);
  document.addEventListener("input", (event) => {
    if (event.target instanceof HTMLInputElement && event.target.matches("[data-filter=rooms]")) lazy("rooms", ({ filter }) => filter(/** @type {HTMLInputElement} */ (event.target)));
  });
  document.addEventListener("submit", (event) => {
    if (event.target instanceof HTMLFormElement && event.target.action.includes("/accounts/logout/")) shared.broadcast({ type: "logout" });
  });
}

/** Marks of rooms changed. Reading the open room shows nowhere until other marks have been drawn. @param {Event} event */
function marks(event) {
  const { type, detail } = /** @type {CustomEvent} */ (event);
  if (type === "store:unread" && detail.room === store.room?.id && !document.hidden && !marks.drawn) return;
  marks.drawn = true;
  lazy("rooms", ({ update }) => update(type, detail));
  if (type === "store:unread") lazy("notify", ({ update }) => update(detail));
}
marks.drawn = false;

/** The row under the pointer or with the focus has the tools. @param {Event} event */
function pointed(event) {
  const target = event.target instanceof Element ? event.target.closest(".msg") : null;
  if (!target || matchMedia("(hover: none)").matches) return;
  if (event.type === "pointerover" && /** @type {PointerEvent} */ (event).pointerType === "touch") return;
  const first = pointed.menu === false;
  pointed.menu = true;
  if (first) lazy("menu", ({ start }) => start(/** @type {HTMLElement} */ (target)));
}
pointed.menu = false;

/** Upgrades the elements of a page whose data was taken. */
export function upgrade() {
  for (const [name, kind] of /** @type {[string, CustomElementConstructor][]} */ ([["p-timeline", Timeline], ["p-composer", Composer], ["p-people", People], ["p-conn", Conn]])) {
    if (!customElements.get(name)) customElements.define(name, kind);
  }
}

/** Modules of the first use, besides those of LAZY. */
const LATER = ["announce", "attach", "complete", "emoji", "emoji-data", "switcher", "upload"];
let kept = false;

/** The service worker keeps what the page is made of, so that what loads later is there without a line. @param {string} worker */
function keepShell(worker) {
  if (kept) return;
  kept = true;
  const at = (/** @type {string} */ name) => new URL(`./${name}.js`, import.meta.url).href;
  const linked = /** @type {HTMLLinkElement[]} */ ([...document.querySelectorAll("link[rel=stylesheet], link[rel=modulepreload]")]).map(({ href }) => href);
  const keep = [...linked, document.documentElement.dataset.icons ?? "", new URL("../css/late.css", import.meta.url).href, ...[...Object.keys(LAZY), ...LATER].map(at)].filter(Boolean);
  navigator.serviceWorker.register(worker, { scope: "/" })
    .then(() => navigator.serviceWorker.ready)
    .then(({ active }) => active?.postMessage({ keep }), () => {});
}

function main() {
  const data = boot();
  shared.open(data);
  listen();
  upgrade();
  times.start();
  net.start();
  void outbox.start(data.me.id);
  try {
    if (localStorage.getItem(`parlour:removals:${data.me.id}`)) lazy("actions", ({ keepPromises }) => keepPromises());
  } catch {
    // A browser that keeps nothing kept no promise either.
  }
  if (data.rooms.some(({ mentions }) => mentions > 0)) marks(new CustomEvent("store:unread", { detail: {} }));
  if (!data.at && matchMedia("(hover: hover)").matches) find(document, "#chat-message-input", HTMLElement).focus({ preventScroll: true });
  performance.mark("parlour:ready");
  const worker = document.documentElement.dataset.sw;
  if (worker && "serviceWorker" in navigator) for (const type of ["pointerdown", "keydown"]) addEventListener(type, () => keepShell(worker), { once: true });
}

if (document.querySelector("#room-data")) main();
