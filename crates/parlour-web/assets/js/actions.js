// @ts-check
/** What one can do with a message: answer, react, edit in place, remove with a way back, copy, mark unread. */
import { composer, timeline } from "./app.js";
import { api } from "./api.js";
import { make, maybe } from "./dom.js";
import * as net from "./net.js";
import * as outbox from "./outbox.js";
import * as rows from "./rows.js";
import { store } from "./store.js";
import { t } from "./texts.js";
import { announce, urgent } from "./announce.js";

/**
 * @typedef {import("./window.js").Entry} Entry
 * @typedef {{command: string, entry?: Entry, emoji?: string, button?: HTMLElement}} Command
 */

/** How long a removed message can come back. */
const UNDO_MS = 6000;
/** Removed here, not yet on the server: how to say it there. @type {Map<number, (leaving: boolean) => void>} */
const removals = new Map();

/** @param {Command} detail */
export function run({ command, entry, emoji = "", button }) {
  const all = timeline()?.window?.entries ?? [];
  const chosen = entry ?? (command === "edit" ? all.findLast(({ message }) => message.mine) : all.at(-1));
  if (!chosen) return;
  const { message, row } = chosen;
  switch (command) {
    case "react": return void react(chosen, emoji);
    case "reply": return void (message.id > 0 && composer()?.reply(message));
    case "edit": return edit(chosen);
    case "remove": return remove(chosen);
    case "copy-link": return copy(link(message.id));
    case "copy-text": return copy(message.text);
    case "unread": return timeline()?.unreadFrom(chosen);
    case "pick": return void pick(chosen, button ?? row);
    case "again": return outbox.again(message.nonce);
    case "stop": return stop(chosen);
    case "copy-file": return copy(button?.closest(".card")?.querySelector("a")?.href ?? "");
    case "drop": return void outbox.drop(message.nonce);
    case "rewrite": return void rewrite(chosen);
    default:
  }
}

/** @param {number} id */
const link = (id) => `${location.origin}${store.room?.url ?? "/"}?at=${id}`;

/** @param {string} text */
function copy(text) {
  navigator.clipboard.writeText(text).then(() => announce(t("js-copied")), () => urgent(t("js-copy-failed")));
}

/** For inviting somebody. */
export const copyRoom = () => copy(`${location.origin}${store.room?.url ?? "/"}`);

/** Ends an upload; what can be done then is next to where one was. @param {Entry} entry */
function stop({ message, row }) {
  outbox.stop(message.nonce);
  maybe(row, ".fix button", HTMLButtonElement)?.focus();
}

/** The failed text goes back into the field, and its files beside it. @param {Entry} entry */
async function rewrite({ message }) {
  const metas = outbox.get(message.nonce)?.files ?? [];
  const files = metas.length > 0 ? await outbox.files(message.nonce) ?? [] : [];
  const field = composer();
  if (!field) return;
  outbox.drop(message.nonce);
  field.write(field.text ? `${message.text}\n${field.text}` : message.text);
  if (files.length > 0) {
    const list = files.map((file, index) => ({ file: new File([file], metas[index]?.name ?? "file", { type: file.type }), alt: metas[index]?.alt ?? "" }));
    field.files(({ add }) => add(field, list));
  }
  field.field?.focus();
}

// --- reactions ---------------------------------------------------------------------------------------------

/** @param {Entry} entry @param {string} emoji */
async function react(entry, emoji) {
  const { message } = entry;
  const view = timeline();
  if (!emoji || message.id <= 0 || !view) return;
  const on = !message.reactions.some((reaction) => reaction.emoji === emoji && reaction.users.includes(store.me.id));
  view.react(entry, emoji, store.me.id, on);
  try {
    await net.request({ type: "react", id: message.id, emoji, on }).catch((error) => {
      if (error.code !== "closed" && error.code !== "silent") throw error;
      return api(on ? "PUT" : "DELETE", `/api/v1/chats/messages/${message.id}/reactions/${encodeURIComponent(emoji)}/`);
    });
  } catch {
    view.react(entry, emoji, store.me.id, !on);
    urgent(t("js-react-failed"));
  }
}

/** @param {Entry} entry @param {HTMLElement} opener */
async function pick(entry, opener) {
  const { pick: open } = await import("./emoji.js");
  open(opener, (emoji) => void react(entry, emoji));
}

// --- editing -------------------------------------------------------------------------------------------------

/** @param {Entry} entry */
function edit(entry) {
  const { message, row } = entry;
  if (!message.mine || message.id <= 0 || row.querySelector(".edit")) return;
  const body = row.querySelector(".body");
  if (!(body instanceof HTMLElement)) return;
  const field = /** @type {HTMLTextAreaElement} */ (make("textarea", { "aria-label": t("js-edit-label"), rows: "1", dir: "auto" }));
  const save = make("button", { class: "btn sm go" }, t("js-save"));
  const cancel = make("button", { type: "button", class: "btn sm" }, t("js-cancel"));
  const form = make("form", { class: "edit" }, field, make("div", { class: "acts" }, save, cancel, make("span", { class: "meta" }, t("js-edit-hint"))));
  field.value = message.text;
  const close = () => {
    form.remove();
    body.hidden = false;
    row.classList.remove("editing");
  };
  const back = () => { close(); composer()?.field?.focus(); };
  cancel.addEventListener("click", back);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void saveEdit(entry, field.value.trim(), back);
  });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing || event.keyCode === 229) return;
    event.stopPropagation();
    if (event.key === "Escape") { event.preventDefault(); back(); }
    if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); /** @type {HTMLFormElement} */ (form).requestSubmit(); }
  });
  body.hidden = true;
  row.classList.add("editing");
  body.after(form);
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
  form.scrollIntoView({ block: "nearest" });
}

/** @param {Entry} entry @param {string} text @param {() => void} done */
async function saveEdit(entry, text, done) {
  const { message, row } = entry;
  if (!text && !row.querySelector("[data-file]")) return remove(entry);
  if (text === message.text) return done();
  if ([...text].length > store.maxText) return urgent(t("js-fail-long"));
  const before = { text: message.text, html: message.html, edited: message.edited };
  const body = row.querySelector(".body");
  const nodes = [...body?.childNodes ?? []];
  Object.assign(message, { text, html: null, edited: true });
  rows.fill(row, message);
  done();
  try {
    await net.request({ type: "edit", id: message.id, text }).catch((error) => {
      if (error.code !== "closed" && error.code !== "silent") throw error;
      return api("PATCH", `/api/v1/chats/messages/${message.id}/`, { text });
    });
  } catch {
    if (message.html !== null) return;
    Object.assign(message, before);
    body?.replaceChildren(...nodes);
    urgent(t("js-edit-failed"));
    edit(entry);
    const field = maybe(row, ".edit textarea", HTMLTextAreaElement);
    if (field) field.value = text;
  }
}

// --- removing ------------------------------------------------------------------------------------------------

const promised = () => `parlour:removals:${store.me.id}`;

/** Kept until the server knows, because a page may be gone before its last words are out. */
function promise() {
  try {
    if (removals.size > 0) localStorage.setItem(promised(), JSON.stringify([...removals.keys()]));
    else localStorage.removeItem(promised());
  } catch {
    // A browser that keeps nothing has only its last words.
  }
}

/** Says what an earlier page could not say. */
export function keepPromises() {
  try {
    const ids = /** @type {number[]} */ (JSON.parse(localStorage.getItem(promised()) ?? "[]"));
    localStorage.removeItem(promised());
    for (const id of ids) void api("DELETE", `/api/v1/chats/messages/${Number(id)}/`).catch(() => {});
  } catch {
    // As above.
  }
}

/** The row becomes a line with a way back; the server hears of it when that is over. @param {Entry} entry */
function remove(entry) {
  const { message, row } = entry;
  if (message.id <= 0 || removals.has(message.id)) return;
  const view = timeline();
  row.querySelector(".edit")?.remove();
  const undo = make("button", { type: "button" }, t("js-undo"));
  const line = make("div", { class: "undo", role: "status" }, make("span", {}, t("js-removed")), undo);
  const focused = row.contains(document.activeElement) || document.activeElement === row;
  row.classList.add("removing");
  (row.querySelector(".main") ?? row).append(line);
  if (focused && view) view.leave(entry);
  const finish = (/** @type {boolean} */ leaving) => {
    clearTimeout(timer);
    removals.delete(message.id);
    if (!leaving) promise();
    void tell(entry, leaving);
  };
  const timer = setTimeout(() => finish(false), UNDO_MS);
  removals.set(message.id, finish);
  promise();
  undo.addEventListener("click", () => {
    clearTimeout(timer);
    removals.delete(message.id);
    promise();
    restore(entry);
    row.focus({ preventScroll: true });
  });
}

/** @param {Entry} entry */
function restore({ row }) {
  row.classList.remove("removing");
  row.querySelector(".undo")?.remove();
  const body = row.querySelector(".body");
  if (body instanceof HTMLElement) body.hidden = false;
}

/** @param {Entry} entry @param {boolean} leaving the page goes away */
async function tell(entry, leaving) {
  const { message } = entry;
  const byRest = () => api("DELETE", `/api/v1/chats/messages/${message.id}/`, undefined, { keepalive: true });
  if (leaving) {
    // Nobody waits for the answer: what is lost on the way is said by the next page of a room.
    if (!net.send({ type: "delete", id: message.id })) void byRest().catch(() => {});
    return;
  }
  try {
    await net.request({ type: "delete", id: message.id }).catch((error) => {
      if (error.code !== "closed" && error.code !== "silent") throw error;
      return byRest();
    });
    timeline()?.collapse(entry);
  } catch (error) {
    if (/** @type {any} */ (error).status === 404) return void timeline()?.collapse(entry);
    restore(entry);
    urgent(t("js-remove-failed"));
  }
}

/** What waits for its time is said now: the page goes, or another room comes. */
export function settle() {
  for (const finish of [...removals.values()]) finish(true);
}

// While the page can still speak: what it says when it is hidden, its browser may lose with it.
addEventListener("beforeunload", settle);
// Where a page goes without being asked (a telephone's). Before the socket closes, which listens for the same.
addEventListener("pagehide", settle, true);
document.addEventListener("room:leaving", settle);
