// @ts-check
/** The tools of a row: a toolbar under the pointer or the focus, a menu, and on touch a sheet from below. */
import { timeline } from "./app.js";
import { run } from "./actions.js";
import { find, icon, make } from "./dom.js";
import { store } from "./store.js";
import { t } from "./texts.js";

/** @typedef {import("./window.js").Entry} Entry */

/** @type {HTMLElement | null} */
let tools = null;
/** @type {HTMLElement | null} the open menu or sheet */
let open = null;

/** @returns {HTMLElement} */
function toolbar() {
  if (!tools) {
    const template = find(document, "#tools-template", HTMLTemplateElement);
    tools = /** @type {HTMLElement} */ (document.importNode(find(template.content, ".tools", HTMLElement), true));
    tools.querySelectorAll("button").forEach((button) => { button.tabIndex = -1; });
    tools.addEventListener("click", pressed);
    document.addEventListener("keydown", walk);
  }
  return tools;
}

/** @param {HTMLElement} first the row that is under the pointer already */
export function start(first) {
  document.addEventListener("pointerover", (event) => { if (event.pointerType !== "touch") show(rowOf(event.target)); }, { passive: true });
  document.addEventListener("focusin", (event) => show(rowOf(event.target)));
  show(first);
}

/** @param {EventTarget | null} target @returns {HTMLElement | null} */
const rowOf = (target) => target instanceof Element ? target.closest(".msg") : null;

/** @param {HTMLElement | null} row */
function show(row) {
  if (!row || row.matches(".wait, .fail, .editing, .removing") || open) return;
  const bar = toolbar();
  if (bar.parentElement === row || (bar.contains(document.activeElement) && bar.isConnected)) return;
  row.append(bar);
}

/** Enter on a row goes to its tools. @param {Entry} entry */
export function enter(entry) {
  const { row } = entry;
  const repair = row.querySelector(".fix button, .undo button");
  if (repair instanceof HTMLElement) return repair.focus();
  show(row);
  toolbar().querySelector("button")?.focus();
}

/** Arrows walk through everything that can be pressed in the row. @param {KeyboardEvent} event */
function walk(event) {
  const row = rowOf(event.target);
  if (!row || !["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
  const items = /** @type {HTMLElement[]} */ ([...row.querySelectorAll(".tools button, .reply:not([hidden]), .body a, .files :is(a, button), .rx button")]);
  const bar = items.filter((item) => item.closest(".tools"));
  // Players come last: the arrows are theirs once one is there.
  const list = [...bar, ...items.filter((item) => !bar.includes(item)), .../** @type {NodeListOf<HTMLElement>} */ (row.querySelectorAll(".files :is(audio, video)"))];
  const index = list.indexOf(/** @type {HTMLElement} */ (event.target));
  if (index < 0 || event.target instanceof HTMLMediaElement) return;
  const to = event.key === "Home" ? 0 : event.key === "End" ? list.length - 1 : index + (event.key === "ArrowRight" ? 1 : -1);
  event.preventDefault();
  list.at(to % list.length)?.focus();
}

/** @param {MouseEvent} event */
function pressed(event) {
  const button = event.target instanceof Element ? event.target.closest("button") : null;
  const entry = button && timeline()?.entryOf(button);
  if (!button || !entry) return;
  event.stopPropagation();
  const command = button.dataset.do ?? "";
  if (command === "menu") popup(entry, button);
  else run({ command, entry, emoji: button.dataset.emoji ?? "", button });
}

const QUICK = ["👍", "❤️", "🎉"];

/** What fits this message. @param {Entry} entry @returns {[string, string, string][]} command, text, icon */
function choices({ message }) {
  /** @type {[string, string, string][]} */
  const list = [["reply", "js-reply", "turn"], ["copy-text", "js-copy-text", "copy"], ["copy-link", "js-copy-link", "link"], ["unread", "js-mark-unread", "bell"]];
  if (message.mine) list.push(["edit", "js-edit", "pencil"]);
  if (message.mine || store.room?.is_host) list.push(["remove", "js-remove", "trash"]);
  return list;
}

/** @param {Entry} entry @returns {HTMLElement[]} */
function items(entry) {
  return choices(entry).map(([command, key, name]) => {
    const item = make("button", { type: "button", role: "menuitem", "data-do": command, tabindex: "-1" }, icon(name, true), t(key));
    if (command === "remove") item.classList.add("stop");
    return item;
  });
}

/** @param {Entry} entry @param {HTMLElement} opener */
function popup(entry, opener) {
  const menu = make("div", { class: "menu", role: "menu", "aria-label": t("js-menu") }, ...items(entry));
  (document.querySelector("main.room") ?? document.body).append(menu);
  const at = opener.getBoundingClientRect();
  const size = menu.getBoundingClientRect();
  menu.style.insetInlineStart = `${Math.max(8, Math.min(at.right - size.width, innerWidth - size.width - 8))}px`;
  menu.style.insetBlockStart = `${at.bottom + size.height + 8 > innerHeight ? Math.max(8, at.top - size.height - 4) : at.bottom + 4}px`;
  present(menu, entry, opener);
}

/** @param {HTMLElement} menu @param {Entry} entry @param {HTMLElement} opener gets the focus back */
function present(menu, entry, opener) {
  open = menu;
  const close = (/** @type {boolean} */ back) => {
    if (open !== menu) return;
    open = null;
    document.removeEventListener("pointerdown", outside, true);
    if (menu instanceof HTMLDialogElement) menu.close();
    menu.remove();
    if (back) (opener.isConnected ? opener : entry.row).focus({ preventScroll: true });
  };
  const outside = (/** @type {PointerEvent} */ event) => {
    if (event.target instanceof Node && (event.target === menu || !menu.contains(event.target))) close(false);
  };
  setTimeout(() => document.addEventListener("pointerdown", outside, true));
  menu.addEventListener("cancel", () => close(true));
  menu.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    if (!button) return;
    const stays = ["copy-text", "copy-link", "unread", "react"].includes(button.dataset.do ?? "");
    close(stays);
    run({ command: button.dataset.do ?? "", entry, emoji: button.dataset.emoji ?? "", button: entry.row });
  });
  menu.addEventListener("keydown", (event) => {
    const list = /** @type {HTMLElement[]} */ ([...menu.querySelectorAll("button")]);
    const index = list.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    /** @type {Record<string, number>} */
    const moves = { ArrowDown: index + 1, ArrowRight: index + 1, ArrowUp: index - 1, ArrowLeft: index - 1, Home: 0, End: list.length - 1 };
    const to = moves[event.key];
    event.stopPropagation();
    if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      close(true);
    } else if (to !== undefined) {
      event.preventDefault();
      list.at(to % list.length)?.focus();
    }
  });
  menu.querySelector("button")?.focus({ preventScroll: true });
}

/** Touch has no hover: a tap on a row opens the sheet. @param {MouseEvent} event */
export function tapped(event) {
  const row = rowOf(event.target);
  if (!row || open || (event.target instanceof Element && event.target.closest("a, button, form, summary"))) return;
  if (String(getSelection()) === "") sheet(row);
}

/** @param {HTMLElement} row */
function sheet(row) {
  const entry = timeline()?.entryOf(row);
  if (!entry || entry.message.id <= 0 || open || row.matches(".editing, .removing")) return;
  const quick = make("div", { class: "quick" }, ...QUICK.map((emoji) =>
    make("button", { type: "button", class: "btn-i", "data-do": "react", "data-emoji": emoji, "aria-label": t("js-react-with", { emoji }) }, emoji)),
  make("button", { type: "button", class: "btn-i", "data-do": "pick", "aria-label": t("js-react") }, icon("smile")));
  const list = items(entry);
  list.forEach((item) => item.removeAttribute("role"));
  const dialog = make("dialog", { class: "sheet", "aria-label": t("js-menu") }, quick, ...list);
  document.body.append(dialog);
  /** @type {HTMLDialogElement} */ (dialog).showModal();
  present(dialog, entry, row);
}
