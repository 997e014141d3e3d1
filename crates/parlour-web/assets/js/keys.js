// @ts-check
/** The keys of the room: one table, from which the sheet is drawn too. Loaded at the first key. */
import { composer, timeline } from "./app.js";
import { find, make, maybe } from "./dom.js";
import { store } from "./store.js";
import { t } from "./texts.js";

/**
 * One row of the table. `single` keys work outside of fields only and can be switched off; `told` names the keys on
 * the sheet; rows without `match` are handled where they belong and stand here for the sheet.
 * @typedef {{name: string, told: string[][], match?: (event: KeyboardEvent) => boolean, single?: boolean, run?: (event: KeyboardEvent) => void}} Key
 */

const ctrl = (/** @type {KeyboardEvent} */ event) => (event.ctrlKey || event.metaKey) && !event.altKey;
const plain = (/** @type {KeyboardEvent} */ event) => !event.ctrlKey && !event.metaKey && !event.altKey;
const key = (/** @type {string} */ name) => (/** @type {KeyboardEvent} */ event) => plain(event) && event.key.toLowerCase() === name;
const alt = (/** @type {string} */ name, /** @type {boolean} */ shift) => (/** @type {KeyboardEvent} */ event) =>
  event.altKey && !event.ctrlKey && !event.metaKey && event.shiftKey === shift && event.key === name;

/** @type {Key[]} */
const KEYS = [
  { name: "switcher", told: [["Ctrl", "K"]], match: (event) => ctrl(event) && !event.shiftKey && event.key.toLowerCase() === "k", run: () => void switcher() },
  { name: "room-prev", told: [["Alt", "↑"]], match: alt("ArrowUp", false), run: () => room(-1, false) },
  { name: "room-next", told: [["Alt", "↓"]], match: alt("ArrowDown", false), run: () => room(1, false) },
  { name: "unread-prev", told: [["Alt", "Shift", "↑"]], match: alt("ArrowUp", true), run: () => room(-1, true) },
  { name: "unread-next", told: [["Alt", "Shift", "↓"]], match: alt("ArrowDown", true), run: () => room(1, true) },
  { name: "region", told: [["Ctrl", "F6"], ["Ctrl", "Shift", "F6"]], match: (event) => ctrl(event) && event.key === "F6", run: (event) => region(event.shiftKey ? -1 : 1) },
  { name: "sheet", told: [["Ctrl", "/"]], match: (event) => ctrl(event) && event.key === "/", run: sheet },
  { name: "sheet", told: [["?"]], single: true, match: (event) => plain(event) && event.key === "?", run: sheet },
  { name: "compose", told: [["Ctrl", "Shift", "L"]], match: (event) => ctrl(event) && event.shiftKey && event.key.toLowerCase() === "l", run: () => composer()?.field?.focus() },
  { name: "move", told: [["↑"], ["↓"]] },
  { name: "move-jk", told: [["J"], ["K"]], single: true, match: (event) => plain(event) && /^[jk]$/i.test(event.key), run: (event) => step(event.key.toLowerCase() === "j" ? 1 : -1) },
  { name: "ends", told: [["Home"], ["End"]], single: true, match: (event) => plain(event) && event.key === "End" && event.target === document.body, run: () => void timeline()?.toLatest() },
  { name: "enter", told: [["Enter"]] },
  { name: "reply", told: [["R"]], single: true, match: key("r"), run: () => act("reply") },
  { name: "edit", told: [["E"]], single: true, match: key("e"), run: () => act("edit") },
  { name: "react", told: [["+"]], single: true, match: key("+"), run: () => act("react", "👍") },
  { name: "remove", told: [["Delete"]], single: true, match: key("delete"), run: () => act("remove") },
  { name: "unread", told: [["U"]], single: true, match: key("u"), run: () => act("unread") },
  { name: "compose", told: [["C"]], single: true, match: key("c"), run: () => composer()?.field?.focus() },
  { name: "send", told: [["Enter"], ["Ctrl", "Enter"]] },
  { name: "line", told: [["Shift", "Enter"]] },
  { name: "edit-last", told: [["↑"]] },
  { name: "reply-last", told: [["Shift", "↑"]] },
  { name: "attach", told: [["Ctrl", "U"]], match: (event) => ctrl(event) && !event.shiftKey && event.key.toLowerCase() === "u", run: () => maybe(document, "p-composer input[type=file]", HTMLInputElement)?.click() },
  { name: "marks", told: [["Ctrl", "B"], ["Ctrl", "I"], ["Ctrl", "E"]] },
  { name: "complete", told: [["@"], [":"], ["/"]] },
  { name: "escape", told: [["Esc"]], match: (event) => event.key === "Escape" && plain(event), run: escape },
];

const FIELDS = "input, textarea, select, [contenteditable], dialog, [role=menu], [role=toolbar]";

export function start() {
  document.addEventListener("keydown", (event) => keydown(event));
}

/** @param {KeyboardEvent} event @param {boolean} [late] it came before this module */
export function keydown(event, late = false) {
  if (event.isComposing || (event.defaultPrevented && !(late && (event.ctrlKey || event.metaKey)))) return;
  const target = event.target instanceof Element ? event.target : document.body;
  const inField = target.closest(FIELDS) !== null;
  const singles = store.preferences.single_keys !== false && !inField;
  const found = KEYS.find(({ match, single }) => match?.(event) && (!single || singles));
  if (found?.run) {
    if (found.name !== "escape") event.preventDefault();
    found.run(event);
  } else if (!inField && plain(event) && event.key.length === 1 && event.key !== " " && store.preferences.single_keys !== false && !target.closest("a, button, .msg")) {
    // Any letter typed on the page is meant for the message.
    composer()?.field?.focus();
  }
}

/** @param {string} name */
export function command(name) {
  if (name === "switcher") void switcher();
  else if (name === "keys") sheet();
}

async function switcher() {
  const { show } = await import("./switcher.js");
  show();
}

/** @param {string} name @param {string} [emoji] */
function act(name, emoji = "") {
  const entry = timeline()?.entryOf(document.activeElement);
  if (!entry || (name === "remove" && !entry.message.mine && !store.room?.is_host) || (name === "edit" && !entry.message.mine)) return;
  document.dispatchEvent(new CustomEvent("row:command", { detail: { command: name, entry, emoji } }));
}

/** @param {number} by */
function step(by) {
  const view = timeline();
  const all = view?.window?.all() ?? [];
  const entry = view?.entryOf(document.activeElement) ?? (view?.current?.row.isConnected ? view.current : null);
  view?.focusRow(entry ? all[all.indexOf(entry) + (view.entryOf(document.activeElement) ? by : 0)] : all.at(-1));
}

/** @param {number} by @param {boolean} unread */
function room(by, unread) {
  const links = /** @type {HTMLAnchorElement[]} */ ([...document.querySelectorAll(".sidebar .room-link")]);
  const here = links.findIndex((link) => link.getAttribute("aria-current") === "page");
  for (let index = here + by, seen = 0; seen < links.length; seen += 1, index += by) {
    const link = links.at(index % links.length);
    if (!link || link === links[here] || (unread && !link.classList.contains("unread"))) continue;
    void import("./switch.js").then(({ go }) => go(link.href, true));
    return;
  }
}

/** Landmarks, one after the other. @param {number} by */
function region(by) {
  const field = composer()?.field;
  const places = /** @type {HTMLElement[]} */ ([document.querySelector(".sidebar .jump, .sidebar a"), timeline(), field, document.querySelector("#participants h2")]
    .filter((place) => place instanceof HTMLElement && place.checkVisibility()));
  const parts = places.map((place) => place.closest("nav, p-timeline, form, aside"));
  const at = parts.findIndex((part) => part?.contains(document.activeElement));
  places.at((at + by + places.length) % places.length)?.focus();
}

/** Cancels, closes, then goes to the latest. @param {KeyboardEvent} event */
function escape(event) {
  const field = composer();
  const target = event.target instanceof Element ? event.target : null;
  if (field?.answer) return field.reply(null);
  if (target?.closest(".msg")) return field?.field?.focus();
  if (target?.closest("dialog")) return;
  void timeline()?.toLatest();
  field?.field?.focus();
}

function sheet() {
  if (document.querySelector("dialog.keysheet")) return;
  const off = store.preferences.single_keys === false;
  const rows = new Map();
  for (const { name, told, single } of KEYS) {
    if (single && off && name !== "ends") continue;
    rows.set(name, [...rows.get(name) ?? [], ...told]);
  }
  const list = make("dl", { class: "keys" });
  for (const [name, told] of rows) {
    const term = make("dt");
    told.forEach((/** @type {string[]} */ keys, /** @type {number} */ index) => {
      if (index > 0) term.append(" / ");
      keys.forEach((text, place) => term.append(...(place > 0 ? [" "] : []), make("kbd", {}, text)));
    });
    list.append(term, make("dd", {}, t(`js-key-${name}`)));
  }
  const box = /** @type {HTMLInputElement} */ (make("input", { type: "checkbox", id: "single-keys" }));
  box.checked = !off;
  box.addEventListener("change", () => void singles(box.checked));
  const close = make("button", { type: "button", class: "btn sm" }, t("js-close"));
  const dialog = /** @type {HTMLDialogElement} */ (make("dialog", { class: "keysheet", "aria-labelledby": "keys-title" },
    make("div", { class: "dlg" }, make("div", { class: "dlg-top" }, make("h2", { id: "keys-title" }, t("js-keys-title")), close),
      list, make("p", { class: "check" }, box, make("label", { for: "single-keys" }, t("js-keys-single"))))));
  const opener = document.activeElement;
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
  find(dialog, "button", HTMLButtonElement).focus();
}

/** @param {boolean} on */
async function singles(on) {
  store.preferences.single_keys = on;
  const { api } = await import("./api.js");
  await api("PATCH", `/api/v1/users/${store.me.id}/preferences/`, { single_keys: on }).catch(() => {});
}
