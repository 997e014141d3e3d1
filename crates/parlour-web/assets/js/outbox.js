// @ts-check
/**
 * Messages on their way. Each has a nonce, by which the server knows it when it comes twice; per room they
 * leave one after the other, in order. They are kept in IndexedDB until the server has them, so a reload, a
 * crash or the end of the session loses nothing. Texts of another account are never touched.
 *
 * Dispatches `outbox:change` {item, was} and `outbox:gone` {nonce, id?, seq?, at?} on `document`.
 */
import * as net from "./net.js";
import { api, csrf } from "./api.js";

/**
 * @typedef {"waiting" | "sending" | "failed"} State
 * @typedef {{nonce: string, user: number, room: number, text: string, reply_to: number | null, at: number,
 *   state: State, reason: string}} Item
 */

const STORE = "items";
/** Errors that pass by themselves. */
const PASSING = new Set(["rate_limited", "busy", "unavailable"]);
const PATIENCE = 5;
/** Older ones are offered after a reload, not sent behind one's back. */
const STALE_MS = 10 * 60 * 1000;

/** @type {Map<string, Item>} in the order of writing */
const items = new Map();
/** Rooms with a message on the wire. @type {Set<number>} */
const busy = new Set();
/** @type {Promise<IDBDatabase | null> | null} */
let database = null;
let user = 0;
/** Belongs to the session that the page was made for. */
let token = "";
let last = 0;

/** @param {string} name @param {any} detail */
const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

/** @returns {Promise<IDBDatabase | null>} null where the browser keeps nothing (private windows) */
function db() {
  database ??= new Promise((resolve) => {
    try {
      const asked = indexedDB.open("parlour-outbox", 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "nonce" });
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => resolve(null);
    } catch {
      resolve(null);
    }
  });
  return database;
}

/** @param {(store: IDBObjectStore) => IDBRequest} work @returns {Promise<any>} */
async function keep(work) {
  const base = await db();
  if (!base) return undefined;
  return new Promise((resolve) => {
    const asked = work(base.transaction(STORE, "readwrite").objectStore(STORE));
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => resolve(undefined);
  });
}

/** Reads what an earlier visit left behind. @param {number} me */
export async function start(me) {
  if (user === me) return;
  user = me;
  token = csrf();
  document.addEventListener("net:state", pump);
  document.addEventListener("net:ended", () => {
    for (const item of items.values()) if (item.state !== "failed") set(item, "failed", "session");
  });
  document.addEventListener("net:event", (event) => echo(/** @type {CustomEvent} */ (event).detail));
  const kept = /** @type {Item[]} */ (await keep((store) => store.getAll()) ?? []);
  kept.filter((item) => item.user === me && !items.has(item.nonce)).sort((a, b) => a.at - b.at).forEach((item) => {
    if (item.state === "sending") item.state = "waiting";
    if (item.state === "waiting" && Date.now() - item.at > STALE_MS) Object.assign(item, { state: "failed", reason: "kept" });
    items.set(item.nonce, item);
    tell("outbox:change", { item, was: null });
  });
  pump();
}

/** What waits in a room, oldest first. @param {number} room @returns {Item[]} */
export const pending = (room) => [...items.values()].filter((item) => item.room === room).sort((a, b) => a.at - b.at);

/** @param {string} nonce */
export const get = (nonce) => items.get(nonce);

/** @param {number} room @param {string} text @param {number | null} reply @returns {Item} */
export function add(room, text, reply) {
  last = Math.max(Date.now(), last + 1);
  /** @type {Item} */
  const item = { nonce: net.nonce(), user, room, text, reply_to: reply, at: last, state: "waiting", reason: "" };
  items.set(item.nonce, item);
  tell("outbox:change", { item, was: null });
  void keep((store) => store.put(item));
  pump();
  return item;
}

/** Tries a failed one again, with the same nonce. @param {string} nonce */
export function again(nonce) {
  const item = items.get(nonce);
  if (item?.state !== "failed") return;
  set(item, "waiting", "");
  pump();
}

/** Takes a message back that was not sent. @param {string} nonce @returns {Item | undefined} */
export function drop(nonce) {
  const item = items.get(nonce);
  if (item) done(item, {});
  return item;
}

/** @param {Item} item @param {State} state @param {string} reason */
function set(item, state, reason) {
  const was = item.state;
  item.state = state;
  item.reason = reason;
  tell("outbox:change", { item, was });
  if (state !== "sending") void keep((store) => store.put(item));
}

/** @param {Item} item @param {{id?: number, seq?: number, at?: string}} answer */
function done(item, answer) {
  if (!items.delete(item.nonce)) return;
  void keep((store) => store.delete(item.nonce));
  tell("outbox:gone", { nonce: item.nonce, room: item.room, ...answer });
}

/** The own message came back on the stream: it arrived, whether or not the answer did. @param {net.Frame} frame */
function echo(frame) {
  if (frame.type !== "message.created" || !frame.message.nonce || frame.message.owner !== user) return;
  const item = items.get(frame.message.nonce);
  if (item) done(item, { id: frame.message.id, seq: frame.message.seq, at: frame.message.created_at });
}

/** Sends what may be sent. */
function pump() {
  for (const item of [...items.values()].sort((a, b) => a.at - b.at)) {
    if (item.state !== "waiting" || busy.has(item.room)) continue;
    const byRest = !net.state.open && net.state.tries >= 3 && navigator.onLine;
    if (!net.state.open && !byRest) continue;
    busy.add(item.room);
    void deliver(item);
  }
}

/** @param {Item} item */
async function deliver(item) {
  set(item, "sending", "");
  /** @type {string | null} */
  let verdict = null;
  for (let tries = 1; verdict === null; tries += 1) verdict = await attempt(item, tries);
  if (net.state.ended && verdict !== "") verdict = "session";
  if (items.has(item.nonce) && verdict !== "") set(item, verdict === "later" ? "waiting" : "failed", verdict === "later" ? "" : verdict);
  busy.delete(item.room);
  if (net.state.open || verdict !== "later") pump();
}

/**
 * One try. Answers "" when it arrived, "later" when the line is down, null to go on trying at once, or why not.
 * @param {Item} item @param {number} tries @returns {Promise<string | null>}
 */
async function attempt(item, tries) {
  if (net.state.ended) return "session";
  const { room, text, nonce, reply_to } = item;
  const body = reply_to ? { room, text, nonce, reply_to } : { room, text, nonce };
  try {
    const { id, seq, at } = net.state.open && tries !== 2
      ? await net.request({ type: "send", ...body }, 8000)
      : await byRest(body);
    done(item, { id, seq, at });
    return "";
  } catch (error) {
    const { code, status, retryMs = 0, retryAfter = 0 } = /** @type {any} */ (error);
    if (code === "closed" || (!net.state.open && (code === "unreachable" || status >= 500))) return "later";
    if (code === "silent" && tries === 1) return null;
    if (PASSING.has(code) && tries < PATIENCE) {
      await new Promise((go) => setTimeout(go, Math.min(retryMs || retryAfter * 1000 || 1000, 30000)));
      return null;
    }
    if (status === 401) net.end("session");
    return reason(code, text);
  }
}

/** @param {{room: number, text: string, nonce: string, reply_to?: number}} body */
async function byRest(body) {
  // Whose session the cookie is now, only the socket's greeting says.
  if (csrf() !== token) throw new net.NetError("closed");
  const { id, seq, created_at: at } = await api("POST", "/api/v1/chats/messages/", body);
  return { id, seq, at };
}

/** The word for `js-fail-<reason>`. @param {string} code @param {string} text */
function reason(code, text) {
  if (code === "invalid" || code === "too_large") return text.length > 1000 ? "long" : "refused";
  if (code === "rate_limited") return "fast";
  if (code === "room_ended" || code === "not_found") return "closed";
  if (code === "not_in_room" || code === "removed_from_room" || code === "owner_only") return "out";
  if (code === "nonce_reused") return "refused";
  if (code === "unreachable" || code === "silent" || code === "later") return "silent";
  if (code === "unauthenticated" || code === "invalid_token") return "session";
  return "server";
}
