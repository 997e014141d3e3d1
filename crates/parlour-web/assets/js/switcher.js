// @ts-check
/** Ctrl K: rooms, people and commands in one list. */
import { composer } from "./app.js";
import { find, icon, make } from "./dom.js";
import { store } from "./store.js";
import { t } from "./texts.js";

/** @typedef {{text: string, note: string, mark: string, run: () => void}} Choice */

const MOST = 50;

/** @returns {Choice[]} */
function choices() {
  const go = (/** @type {string} */ url) => void import("./switch.js").then((module) => module.go(url, true));
  const rooms = [...store.rooms.values()].map((room) => ({
    text: room.name, mark: room.is_private ? "lock" : "door", run: () => go(room.url),
    note: room.mentions > 0 ? t("js-mentions", { n: room.mentions }) : room.unread ? t("js-unread") : "",
  }));
  const people = [...store.people.values()].filter(({ is_me: me }) => !me).map((person) => ({
    text: person.nickname, mark: "ppl", note: t("js-mention-person"), run: () => composer()?.insert(`@${person.nickname} `),
  }));
  const pages = [["js-go-list", "/chat/list/", "door"], ["js-go-new", "/chat/create/", "plus"], ["js-go-me", "/me/", "more"]]
    .map(([text = "", url = "", mark = ""]) => ({ text: t(text), note: "", mark, run: () => location.assign(url) }));
  return [...rooms, ...people, ...pages];
}

/** Letters in order, words first. @param {string} text @param {string} word */
function score(text, word) {
  const low = text.toLocaleLowerCase();
  if (low.startsWith(word)) return 0;
  if (low.includes(` ${word}`)) return 1;
  if (low.includes(word)) return 2;
  let at = -1;
  for (const letter of word) {
    at = low.indexOf(letter, at + 1);
    if (at < 0) return 9;
  }
  return 3;
}

export function show() {
  if (document.querySelector("dialog.switcher")) return;
  const opener = document.activeElement;
  const all = choices();
  const list = make("div", { class: "options", role: "listbox", id: "switcher-list", "aria-label": t("js-switcher") });
  const field = /** @type {HTMLInputElement} */ (make("input", {
    class: "input", type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "switcher-list", "aria-autocomplete": "list",
    "aria-label": t("js-switcher"), placeholder: t("js-switcher"), autocomplete: "off", spellcheck: "false",
  }));
  const dialog = /** @type {HTMLDialogElement} */ (make("dialog", { class: "switcher", "aria-label": t("js-switcher") }, field, list));
  /** @type {Choice[]} */
  let shown = [];
  let active = 0;
  const draw = () => {
    const word = field.value.trim().toLocaleLowerCase();
    shown = all.map((choice) => ({ choice, rank: word ? score(choice.text, word) : 0 })).filter(({ rank }) => rank < 9)
      .sort((a, b) => a.rank - b.rank).slice(0, MOST).map(({ choice }) => choice);
    active = Math.min(active, Math.max(0, shown.length - 1));
    list.replaceChildren(...shown.map(({ text, note, mark }, index) => make("div", {
      role: "option", id: `switch-${index}`, "aria-selected": String(index === active), "data-index": String(index),
    }, icon(mark, true), text, ...(note ? [make("small", {}, note)] : []))));
    if (shown.length > 0) field.setAttribute("aria-activedescendant", `switch-${active}`);
    else {
      field.removeAttribute("aria-activedescendant");
      list.append(make("p", { class: "none" }, t("js-switcher-none")));
    }
    list.children[active]?.scrollIntoView({ block: "nearest" });
  };
  const take = () => {
    const choice = shown[active];
    if (!choice) return;
    dialog.close();
    choice.run();
  };
  field.addEventListener("input", () => { active = 0; draw(); });
  dialog.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    event.stopPropagation();
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      active = (active + (event.key === "ArrowDown" ? 1 : -1) + shown.length) % Math.max(1, shown.length);
      draw();
    } else if (event.key === "Enter") {
      event.preventDefault();
      take();
    }
  });
  list.addEventListener("click", (event) => {
    const option = event.target instanceof Element ? event.target.closest("[data-index]") : null;
    if (!(option instanceof HTMLElement)) return;
    active = Number(option.dataset.index);
    take();
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (opener instanceof HTMLElement && opener.isConnected) opener.focus({ preventScroll: true });
  });
  draw();
  document.body.append(dialog);
  dialog.showModal();
  find(dialog, "input", HTMLInputElement).focus();
}
