// @ts-check
/** The rooms in the sidebar: their marks are live, their order is not. And the filter of the list. */
import { store } from "./store.js";
import { find, icon } from "./dom.js";
import { t } from "./texts.js";

/** @param {string} type @param {any} detail */
export function update(type, detail) {
  if (type === "store:newroom") return void added(detail);
  for (const item of document.querySelectorAll(".sidebar .room-link")) {
    if (!(item instanceof HTMLElement)) continue;
    const room = store.rooms.get(Number(item.dataset.id));
    if (room) mark(item, room);
    else item.closest("li")?.remove();
  }
  elsewhere();
}

/** @param {HTMLElement} link @param {import("./store.js").RoomLink} room */
function mark(link, room) {
  const current = link.getAttribute("aria-current") === "page";
  const unread = room.unread && !(current && !document.hidden);
  const mentions = current && !document.hidden ? 0 : room.mentions;
  find(link, ".name", HTMLElement).textContent = room.name;
  link.classList.toggle("unread", unread || mentions > 0);
  find(link, "[data-unread]", HTMLElement).hidden = !unread || mentions > 0;
  find(link, ".dot", HTMLElement).hidden = !unread || mentions > 0;
  find(link, ".count", HTMLElement).hidden = mentions === 0;
  find(link, "[data-n]", HTMLElement).textContent = String(mentions);
}

/** The way back says how often one is mentioned elsewhere. */
function elsewhere() {
  const mentions = [...store.rooms.values()].filter(({ id }) => id !== store.room?.id).reduce((sum, room) => sum + room.mentions, 0);
  document.querySelector(".back")?.setAttribute("aria-label", mentions > 0 ? t("js-back-mentions", { n: mentions }) : t("js-back"));
}

/** A room of mine that the page does not know yet. @param {any} frame */
async function added(frame) {
  const id = frame.room ?? frame.details?.id;
  if (!id || store.rooms.has(id)) return;
  const { api } = await import("./api.js");
  const room = await api("GET", `/api/v1/chats/rooms/${id}/`).catch(() => null);
  if (!room || store.rooms.has(id)) return;
  const mine = room.owner === store.me.id || room.users.includes(store.me.id);
  if (!mine) return;
  /** @type {import("./store.js").RoomLink} */
  const link = {
    id, url: `/chat/${id}/`, name: room.name, is_private: room.type === "PRIVATE", unread: false, mentions: 0, left: null,
    closes: room.expires_at, read_seq: room.seq, seq: room.seq,
  };
  store.rooms.set(id, link);
  insert(link);
}

/** Where it belongs from A to Z. @param {import("./store.js").RoomLink} room */
function insert(room) {
  const list = document.querySelector(`[data-rooms=${room.is_private ? "private" : "open"}]`);
  const template = document.querySelector("#room-link-template");
  if (!list || !(template instanceof HTMLTemplateElement) || list.querySelector(`[data-id="${room.id}"]`)) return;
  const item = /** @type {HTMLElement} */ (document.importNode(find(template.content, "li", HTMLElement), true));
  const link = find(item, "a", HTMLAnchorElement);
  link.href = room.url;
  link.dataset.id = String(room.id);
  link.querySelector("svg")?.replaceWith(icon(room.is_private ? "lock" : "door"));
  mark(link, room);
  const before = [...list.children].find((other) => (other.querySelector(".name")?.textContent ?? "").localeCompare(room.name) > 0);
  list.insertBefore(item, before ?? null);
  const head = document.querySelector(`[data-head=${room.is_private ? "private" : "open"}]`);
  if (head instanceof HTMLElement) head.hidden = false;
}

/** Shows what matches while one types. @param {HTMLInputElement} field its `aria-controls` names the list */
export function filter(field) {
  const words = field.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  const list = document.getElementById(field.getAttribute("aria-controls") ?? "") ?? document.querySelector(".sidebar .rooms");
  for (const item of list?.querySelectorAll("li, tbody tr") ?? []) {
    const text = (item.textContent ?? "").toLocaleLowerCase();
    /** @type {HTMLElement} */ (item).hidden = !words.every((word) => text.includes(word));
  }
}
