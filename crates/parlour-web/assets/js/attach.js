// @ts-check
/**
 * Files of one's own: those that wait above the field, and those on their way in the log. Loaded with the first file
 * that somebody chooses, pastes or drags over the room, or that an earlier visit left behind.
 */
import { announce, urgent } from "./announce.js";
import { find, icon, lateStyle, make } from "./dom.js";
import * as outbox from "./outbox.js";
import { store } from "./store.js";
import { bytes, t } from "./texts.js";

/**
 * @typedef {import("./composer.js").Composer} Composer
 * @typedef {{file: File, meta: outbox.Meta, url: string, item: HTMLElement}} Waiting
 */

/** What the server takes as a name. */
const NAME_CHARS = 100;
const SHOWN = /^(?:(image)\/(?:png|jpeg|gif|webp|avif)|(video)\/(?:mp4|webm)|(audio)\/(?:mpeg|ogg|wav|x-wav))$/;

/** How a file will look, by the word of the browser; the server looks for itself. @param {string} type */
function kindOf(type) {
  const [, ...kinds] = SHOWN.exec(type) ?? [];
  return kinds.find(Boolean) ?? (type === "text/plain" ? "text" : "other");
}

/** A name that the server takes: its beginning, and its ending. @param {string} name */
function shorten(name) {
  const chars = [...(name || "file")];
  if (chars.length <= NAME_CHARS) return chars.join("");
  const ending = /\.[^.]{1,15}$/.exec(name)?.[0] ?? "";
  return chars.slice(0, NAME_CHARS - [...ending].length).join("") + ending;
}

// --- the tray ----------------------------------------------------------------------------------------------

/** Trays of the rooms of this visit, so that switching rooms loses none. @type {Map<number, Tray>} */
const trays = new Map();

export class Tray {
  /** @type {Waiting[]} */ list = [];

  /** @param {Composer} composer */
  constructor(composer) {
    this.composer = composer;
    this.items = make("ul", { "aria-label": t("js-tray") });
    this.why = make("p", { class: "why", role: "alert", hidden: "" });
    this.root = make("div", { class: "tray" }, this.items, this.why);
  }

  /** Stands above the field. @param {Composer} composer */
  enter(composer) {
    this.composer = composer;
    composer.tray = this;
    composer.field?.before(this.root);
    this.root.hidden = this.list.length === 0 && this.why.hidden;
  }

  /** @param {File} file @param {string} alt */
  put(file, alt) {
    /** @type {outbox.Meta} */
    const meta = { name: shorten(file.name), size: file.size, type: file.type, kind: kindOf(file.type), alt };
    const url = meta.kind === "image" ? URL.createObjectURL(file) : "";
    const item = make("li", {}, make("span", { class: "ext", "aria-hidden": "true" }, /\.([a-z0-9]{1,4})$/i.exec(meta.name)?.[1]?.toUpperCase() ?? icon("clip")),
      make("div", {}, make("b", {}, meta.name), make("span", { class: "meta" }, bytes(file.size))));
    const waiting = { file, meta, url, item };
    if (url) {
      this.preview(waiting);
      item.append(this.words(waiting));
    }
    const remove = make("button", { type: "button", class: "btn-i", "aria-label": t("js-tray-remove", { name: meta.name }) }, icon("close", true));
    remove.addEventListener("click", () => this.remove(waiting));
    item.append(remove);
    this.list.push(waiting);
    this.items.append(item);
    this.root.hidden = false;
  }

  /** @param {Waiting} waiting */
  preview({ meta, url, item }) {
    const img = /** @type {HTMLImageElement} */ (make("img", { alt: "", src: url }));
    img.addEventListener("load", () => Object.assign(meta, { width: img.naturalWidth, height: img.naturalHeight }));
    // What the browser cannot draw goes as a file with a name.
    img.addEventListener("error", () => {
      meta.kind = "other";
      img.remove();
      item.querySelector("label")?.remove();
    });
    item.querySelector(".ext")?.append(img);
  }

  /** Words for those who do not see the image: asked for, never forced. @param {Waiting} waiting @returns {HTMLElement} */
  words({ meta }) {
    const field = /** @type {HTMLInputElement} */ (make("input", { class: "input", type: "text", maxlength: "500", placeholder: t("js-tray-alt"), "aria-label": t("js-tray-alt-of", { name: meta.name }), autocomplete: "off" }));
    field.value = meta.alt;
    field.addEventListener("input", () => { meta.alt = field.value.trim(); });
    return make("label", {}, field);
  }

  /** @param {Waiting} waiting */
  remove(waiting) {
    const index = this.list.indexOf(waiting);
    if (index < 0) return;
    this.list.splice(index, 1);
    const focused = waiting.item.contains(document.activeElement);
    waiting.item.remove();
    if (waiting.url) URL.revokeObjectURL(waiting.url);
    this.say([]);
    announce(t("js-tray-removed", { name: waiting.meta.name }));
    const next = this.list[index] ?? this.list[index - 1];
    if (focused) (next ? find(next.item, "button", HTMLElement) : this.composer.field)?.focus();
  }

  /** Why some were not taken. @param {string[]} reasons */
  say(reasons) {
    this.why.textContent = reasons.join(" ");
    this.why.hidden = reasons.length === 0;
    this.root.hidden = this.list.length === 0 && this.why.hidden;
  }

  /** What is sent now; the tray is empty then. @returns {{file: File, meta: outbox.Meta}[]} */
  take() {
    const taken = this.list.splice(0);
    for (const { url } of taken) if (url) URL.revokeObjectURL(url);
    this.items.replaceChildren();
    this.say([]);
    return taken.map(({ file, meta }) => ({ file, meta }));
  }
}

/** The tray of the room that one was in before. @param {Composer} composer */
export function restore(composer) {
  const tray = trays.get(composer.room);
  if (tray) tray.enter(composer);
}

/** @param {Composer} composer @returns {Tray} */
function trayOf(composer) {
  const tray = trays.get(composer.room) ?? new Tray(composer);
  trays.set(composer.room, tray);
  if (composer.tray !== tray || !tray.root.isConnected) tray.enter(composer);
  return tray;
}

/** Takes files, but for those that the server would refuse: these are named with the reason. @param {Composer} composer @param {{file: File, alt: string}[]} files @param {boolean} [pasted] */
export async function add(composer, files, pasted = false) {
  await lateStyle();
  const readable = await Promise.all(files.map(({ file }) => file.slice(0, 1).arrayBuffer().then(() => true, () => false)));
  const tray = trayOf(composer);
  const before = tray.list.length;
  /** @type {string[]} */
  const reasons = [];
  let surplus = 0;
  files.forEach(({ file, alt }, index) => {
    const name = shorten(file.name);
    if (!readable[index]) reasons.push(t("js-tray-unreadable", { name }));
    else if (file.size === 0) reasons.push(t("js-tray-empty", { name }));
    else if (file.size > store.maxUpload) reasons.push(t("js-tray-big", { name, size: bytes(file.size), max: bytes(store.maxUpload) }));
    else if (tray.list.length >= store.maxFiles) surplus += 1;
    else tray.put(file, alt);
  });
  if (surplus > 0) reasons.push(t("js-tray-many", { n: surplus, max: store.maxFiles }));
  tray.say(reasons);
  if (tray.list.length > before) announce(t("js-tray-added", { n: tray.list.length - before }));
  tray.items.lastElementChild?.scrollIntoView({ block: "nearest" });
  if (!pasted) composer.field?.focus({ preventScroll: true });
}

// --- dropping ----------------------------------------------------------------------------------------------

/** @type {HTMLElement | null} */
let overlay = null;

/**
 * Something is dragged over the page, or dropped on it.
 * @param {Composer} composer @param {string} name of the event @param {{count: number, files: File[], inside: boolean}} what
 */
export function drag(composer, name, { count, files, inside }) {
  if (name === "drop" || !inside) {
    overlay?.remove();
    overlay = null;
    if (name === "drop" && inside && files.length > 0) void add(composer, files.map((file) => ({ file, alt: "" })));
    return;
  }
  if (name !== "dragenter" || overlay?.isConnected) return;
  const room = store.room?.name ?? "";
  const shown = overlay = make("div", { class: "drop" }, make("p", {}, icon("clip"), count > 0 ? t("js-drop", { n: count, room }) : t("js-drop-some", { room })));
  void lateStyle().then(() => { if (overlay === shown) document.querySelector("main.room")?.append(shown); });
}

// --- on their way ------------------------------------------------------------------------------------------

/** Addresses of files in rows that are not sent. @type {Map<string, string[]>} */
const urls = new Map();

/** The row of a message with files that is not sent: its own pictures, how far it is, and how to stop it. @param {HTMLElement} row @param {outbox.Item} item */
export async function pending(row, item) {
  const [list] = await Promise.all([outbox.files(item.nonce), lateStyle()]);
  if (outbox.get(item.nonce) !== item) return;
  const images = row.querySelectorAll(".pic img");
  item.files?.filter(({ kind }) => kind === "image").forEach((meta, index) => {
    const img = images[index];
    const file = list?.[item.files?.indexOf(meta) ?? -1];
    if (!file || !(img instanceof HTMLImageElement) || img.hasAttribute("src")) return;
    img.src = URL.createObjectURL(file);
    urls.set(item.nonce, [...urls.get(item.nonce) ?? [], img.src]);
  });
  row.querySelectorAll(".up, .note").forEach((part) => part.remove());
  if (item.state === "failed") return;
  find(row, ".files", HTMLElement).append(progress(item));
  if (item.unkept) find(row, ".main", HTMLElement).append(make("p", { class: "note meta" }, t("js-unkept")));
}

/** @param {outbox.Item} item @returns {HTMLElement} */
function progress(item) {
  const total = (item.files ?? []).reduce((sum, { size }) => sum + size, 0);
  const stop = make("button", { type: "button", class: "btn-i", "data-do": "stop", "aria-label": t("js-upload-stop") }, icon("close", true));
  const bar = make("div", { role: "progressbar", "aria-label": t("js-upload"), "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": "0" }, make("i"));
  return make("div", { class: "up" }, make("span", {}, bytes(total)), stop, bar);
}

document.addEventListener("outbox:progress", (event) => {
  const { nonce, sent, total } = /** @type {CustomEvent} */ (event).detail;
  const up = document.querySelector(`.msg[data-nonce="${nonce}"] .up`);
  if (!up) return;
  const part = Math.round((100 * sent) / Math.max(1, total));
  find(up, "span", HTMLElement).textContent = t("js-upload-of", { sent: bytes(sent), total: bytes(total) });
  find(up, "[role=progressbar]", HTMLElement).setAttribute("aria-valuenow", String(part));
  find(up, "i", HTMLElement).style.inlineSize = `${part}%`;
});

document.addEventListener("outbox:gone", (event) => {
  const { nonce, id } = /** @type {CustomEvent} */ (event).detail;
  // Of a message that arrived, each address goes when the server's picture is there.
  if (id === undefined) urls.get(nonce)?.forEach((url) => URL.revokeObjectURL(url));
  urls.delete(nonce);
});

document.addEventListener("outbox:change", (event) => {
  const { item, was } = /** @type {CustomEvent} */ (event).detail;
  if (item.unkept && was === item.state) urgent(t("js-unkept"));
});
