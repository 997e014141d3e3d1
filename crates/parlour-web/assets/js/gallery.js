// @ts-check
/** The files of the room, newest first, by kind: a dialog over the page `/chat/{id}/files/`, which is there without scripts. */
import { announce } from "./announce.js";
import { api } from "./api.js";
import { find, lateStyle, make } from "./dom.js";
import { card, isPicture, picture, soften } from "./rows.js";
import { store } from "./store.js";
import { t } from "./texts.js";
import { dayName } from "./times.js";

/** @typedef {import("./rows.js").Attached & {message: number, owner: number, sender: string, created_at: string}} Found */

const PAGE = 30;
/** Kinds to choose from, as the API names them; "" is all. */
const KINDS = ["", "image", "video", "audio", "document"];

/** Opens it. */
export async function show() {
  const room = store.room;
  if (!room || document.querySelector("dialog.files-dialog")) return;
  await lateStyle();
  const opener = document.activeElement;
  const tabs = make("div", { class: "kinds", role: "group", "aria-label": t("js-files-kind") }, ...KINDS.map((kind) =>
    make("button", { type: "button", class: "btn sm", "data-kind": kind, "aria-pressed": String(kind === "") }, t(`js-files-${kind || "all"}`))));
  const list = make("ul", { class: "gallery", "aria-label": t("js-files") });
  const none = make("p", { class: "meta", role: "status", hidden: "" });
  const more = make("button", { type: "button", class: "btn sm", hidden: "" }, t("js-files-more"));
  const close = make("button", { type: "button", class: "btn sm" }, t("js-close"));
  const dialog = /** @type {HTMLDialogElement} */ (make("dialog", { class: "files-dialog", "aria-labelledby": "files-title" },
    make("div", { class: "dlg" }, make("div", { class: "dlg-top" }, make("h2", { id: "files-title" }, t("js-files-of", { name: room.name })), close), tabs, list, none, more)));
  const state = { kind: "", before: 0, turn: 0 };
  const load = () => void page(room.id, state, { list, none, more });
  close.addEventListener("click", () => dialog.close());
  more.addEventListener("click", load);
  tabs.addEventListener("click", (event) => {
    const chosen = event.target instanceof Element ? event.target.closest("button") : null;
    if (!chosen) return;
    for (const tab of tabs.children) tab.setAttribute("aria-pressed", String(tab === chosen));
    Object.assign(state, { kind: chosen.dataset.kind ?? "", before: 0 });
    list.replaceChildren();
    load();
  });
  dialog.addEventListener("click", (event) => pressed(event, dialog));
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  find(tabs, "button", HTMLButtonElement).focus();
  load();
}

/**
 * The next page of a kind. What comes for a kind that is not looked at any more is dropped.
 * @param {number} room @param {{kind: string, before: number, turn: number}} state
 * @param {{list: HTMLElement, none: HTMLElement, more: HTMLElement}} parts
 */
async function page(room, state, { list, none, more }) {
  const turn = state.turn += 1;
  const query = new URLSearchParams({ limit: String(PAGE), ...(state.kind ? { kind: state.kind } : {}), ...(state.before ? { before: String(state.before) } : {}) });
  const answer = await api("GET", `/api/v1/chats/rooms/${room}/files/?${query}`).catch(() => null);
  if (turn !== state.turn) return;
  const focused = document.activeElement === more;
  const items = /** @type {Found[]} */ (answer?.files ?? []).map(entry);
  list.append(...items);
  soften(list);
  state.before = Number(answer?.files.at(-1)?.id) || state.before;
  more.hidden = answer !== null && !answer.has_more;
  none.textContent = answer === null ? t("js-files-failed") : list.childElementCount === 0 ? t("js-files-none") : "";
  none.hidden = none.textContent === "";
  if (items.length > 0) announce(t("js-files-shown", { n: list.childElementCount }));
  const first = items[0]?.querySelector("a");
  if (focused && first) first.focus();
}

/** The path alone: whoever looks has a session, and a signature would not last. @param {string} url */
const own = (url) => new URL(url, location.href).pathname;

/** @param {Found} found @returns {HTMLElement} */
function entry(found) {
  const file = { ...found, url: own(found.url), thumbs: found.thumbs?.map((thumb) => ({ ...thumb, url: own(thumb.url) })) ?? [] };
  const from = make("a", { class: "from", href: `${store.room?.url ?? ""}?at=${file.message}` }, `${file.sender}, ${dayName(Date.parse(file.created_at))}`);
  return make("li", isPicture(file) ? {} : { class: "wide" }, isPicture(file) ? picture(file) : card(file), from);
}

/** @param {MouseEvent} event @param {HTMLDialogElement} dialog */
function pressed(event, dialog) {
  const target = event.target instanceof Element ? event.target : null;
  const from = target?.closest("a.from");
  const copy = target?.closest("[data-do=copy-file]");
  if (target === dialog) dialog.close();
  else if (copy) {
    void navigator.clipboard.writeText(copy.closest(".card")?.querySelector("a")?.href ?? "").then(() => announce(t("js-copied")), () => {});
  } else if (from instanceof HTMLAnchorElement && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    dialog.close();
    void import("./switch.js").then(({ go }) => go(from.href));
  }
}
