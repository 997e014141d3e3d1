// @ts-check
/** The picker of emoji, and the search that completion uses. Loaded on first use. */
import { find, make } from "./dom.js";
import { groups } from "./emoji-data.js";
import { language, t } from "./texts.js";

/** @typedef {{emoji: string, name: string, words: string, group: string}} Emoji */

const RECENT = "parlour:emoji";
const COLUMNS = 8;

/** @type {Emoji[]} */
const all = groups.flatMap(([group, lines]) => lines.split(";").map((line) => {
  const space = line.indexOf(" ");
  const [en = "", ko = ""] = line.slice(space + 1).split("|");
  return { emoji: line.slice(0, space), name: language === "ko" && ko ? ko : en, words: `${en} ${ko}`.toLowerCase(), group };
}));

/** @param {string} text @returns {Emoji[]} whole words first */
export function search(text) {
  const word = text.toLowerCase().replaceAll("_", " ");
  const score = (/** @type {Emoji} */ { words }) => words.startsWith(word) ? 0 : words.includes(` ${word}`) ? 1 : words.includes(word) ? 2 : 3;
  return all.map((emoji) => ({ emoji, rank: score(emoji) })).filter(({ rank }) => rank < 3).sort((a, b) => a.rank - b.rank).slice(0, 60).map(({ emoji }) => emoji);
}

/** @returns {string[]} */
function recent() {
  try {
    return JSON.parse(localStorage.getItem(RECENT) ?? "[]");
  } catch {
    return [];
  }
}

/** @param {string} emoji */
function remember(emoji) {
  try {
    localStorage.setItem(RECENT, JSON.stringify([emoji, ...recent().filter((other) => other !== emoji)].slice(0, 16)));
  } catch {
    // A browser that keeps nothing has no recent ones.
  }
}

/** @param {Emoji} emoji */
const button = ({ emoji, name }) => make("button", { type: "button", "data-emoji": emoji, "aria-label": name, title: name, tabindex: "-1" }, emoji);

/**
 * Opens the picker beside its opener, which gets the focus back.
 * @param {HTMLElement} opener @param {(emoji: string) => void} chosen
 */
export function pick(opener, chosen) {
  const field = /** @type {HTMLInputElement} */ (make("input", { class: "input", type: "text", "aria-label": t("js-emoji-search"), placeholder: t("js-emoji-search"), autocomplete: "off" }));
  const grid = make("div", { class: "picks", role: "group", "aria-label": t("js-emoji") });
  const dialog = /** @type {HTMLDialogElement} */ (make("dialog", { class: "emoji menu", "aria-label": t("js-emoji") }, field, grid));
  const draw = () => {
    const word = field.value.trim();
    const last = recent();
    const list = word ? search(word) : [...last.flatMap((emoji) => all.find((one) => one.emoji === emoji) ?? []), ...all.filter(({ emoji }) => !last.includes(emoji))];
    grid.replaceChildren(...list.map(button));
    grid.firstElementChild?.setAttribute("tabindex", "0");
  };
  const close = (/** @type {string} */ emoji) => {
    dialog.close();
    dialog.remove();
    if (opener.isConnected) opener.focus({ preventScroll: true });
    if (!emoji) return;
    remember(emoji);
    chosen(emoji);
  };
  field.addEventListener("input", draw);
  dialog.addEventListener("cancel", (event) => { event.preventDefault(); close(""); });
  dialog.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (target === dialog) return close("");
    const emoji = target?.closest("button")?.dataset.emoji;
    if (emoji) close(emoji);
  });
  dialog.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter" && event.target === field) {
      event.preventDefault();
      close(find(grid, "button", HTMLButtonElement).dataset.emoji ?? "");
    } else if (event.key === "ArrowDown" && event.target === field) {
      event.preventDefault();
      grid.querySelector("button")?.focus();
    } else if (event.target !== field) {
      walk(event, grid, field);
    }
  });
  draw();
  document.body.append(dialog);
  dialog.showModal();
  place(dialog, opener);
  field.focus();
}

/** @param {KeyboardEvent} event @param {HTMLElement} grid @param {HTMLElement} field */
function walk(event, grid, field) {
  const list = /** @type {HTMLElement[]} */ ([...grid.children]);
  const index = list.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const step = /** @type {Record<string, number>} */ ({ ArrowRight: 1, ArrowLeft: -1, ArrowDown: COLUMNS, ArrowUp: -COLUMNS })[event.key];
  if (step === undefined || index < 0) return;
  event.preventDefault();
  if (index + step < 0) field.focus();
  else list[Math.min(index + step, list.length - 1)]?.focus();
}

/** @param {HTMLDialogElement} dialog @param {HTMLElement} opener */
function place(dialog, opener) {
  if (innerWidth <= 720) return;
  const at = opener.getBoundingClientRect();
  const size = dialog.getBoundingClientRect();
  dialog.style.margin = "0";
  dialog.style.insetInlineStart = `${Math.max(8, Math.min(at.right - size.width, innerWidth - size.width - 8))}px`;
  dialog.style.insetBlockStart = `${at.top - size.height - 8 > 8 ? at.top - size.height - 8 : Math.min(at.bottom + 8, innerHeight - size.height - 8)}px`;
}
