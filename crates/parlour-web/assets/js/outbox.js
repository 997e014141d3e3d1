// @ts-check
/**
 * Messages on their way. Each has a nonce, by which the server knows it when it comes twice; per room they
 * leave one after the other, in order. They are kept in IndexedDB until the server has them, so a reload, a
 * crash or the end of the session loses nothing. Texts of another account are never touched. Files are kept in a
 * database of their own, and go by `upload.js`.
 *
 * Dispatches `outbox:change` {item, was}, `outbox:progress` {nonce, sent, total} and `outbox:gone` {nonce, id?, seq?, at?}
 * on `document`.
 */
import * as net from "./net.js";
import { api, csrf } from "./api.js";

/**
 * @typedef {"waiting" | "sending" | "failed"} State
 * @typedef {{name: string, size: number, type: string, kind: string, alt: string, width?: number, height?: number}} Meta
 * @typedef {{nonce: string, user: number, room: number, text: string, reply_to: number | null, at: number,
 *   state: State, reason: string, files?: Meta[], unkept?: boolean, parts?: (string | null | undefined)[]}} Item `unkept`:
 *   the browser did not take the files; `parts`: where their uploads go on
 */

const STORE = "items";
/** Errors that pass by themselves. */
const PASSING = new Set(["rate_limited", "busy", "unavailable"]);
const PATIENCE = 5;
/** How often an upload is begun again by itself when the line breaks under it. */
const UPLOADS = 3;
/** Older ones are offered after a reload, not sent behind one's back. */
const STALE_MS = 10 * 60 * 1000;

/** @type {Map<string, Item>} in the order of writing */
const items = new Map();
/** Rooms with a message on the wire. @type {Set<number>} */
const busy = new Set();
/** Bytes of the files, by nonce, while they are at hand. @type {Map<string, Blob[]>} */
const bodies = new Map();
/** Uploads that can be stopped. @type {Map<string, AbortController>} */
const stops = new Map();
/** @type {Map<string, Promise<IDBDatabase | null>>} */
const databases = new Map();
let user = 0;
/** Belongs to the session that the page was made for. */
let token = "";
let last = 0;

/** @param {string} name @param {any} detail */
const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

/** @param {string} name @returns {Promise<IDBDatabase | null>} null where the browser keeps nothing (private windows) */
function db(name) {
  const opened = databases.get(name) ?? new Promise((resolve) => {
    try {
      const asked = indexedDB.open(name, 1);
      asked.onupgradeneeded = () => asked.result.createObjectStore(STORE, { keyPath: "nonce" });
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => resolve(null);
    } catch {
      resolve(null);
    }
  });
  databases.set(name, opened);
  return opened;
}

/** Undefined when it failed. @param {(store: IDBObjectStore) => IDBRequest} work @param {string} [name] @returns {Promise<any>} */
async function keep(work, name = "parlour-outbox") {
  const base = await db(name);
  if (!base) return undefined;
  return new Promise((resolve) => {
    try {
      const change = base.transaction(STORE, "readwrite");
      const asked = work(change.objectStore(STORE));
      change.oncomplete = () => resolve(asked.result);
      change.onabort = change.onerror = () => resolve(undefined);
    } catch {
      resolve(undefined);
    }
  });
}

const FILES = "parlour-files";

/** The files of a message that is not sent; null when they are gone. @param {string} nonce @returns {Promise<Blob[] | null>} */
export async function files(nonce) {
  const known = bodies.get(nonce);
  if (known) return known;
  const kept = await keep((store) => store.get(nonce), FILES);
  if (!kept) return null;
  bodies.set(nonce, kept.files);
  return kept.files;
}

/** @param {Item} item @param {Blob[]} list */
async function keepFiles(item, list) {
  if ((await keep((store) => store.put({ nonce: item.nonce, files: list }), FILES)) !== undefined) return;
  item.unkept = true;
  if (items.has(item.nonce)) tell("outbox:change", { item, was: item.state });
}

/** Reads what an earlier visit left behind. @param {number} me */
export async function start(me) {
  if (user === me) return;
  user = me;
  token = csrf();
  document.addEventListener("net:state", pump);
  addEventListener("online", pump);
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

/**
 * @param {number} room @param {string} text @param {number | null} reply @param {{file: Blob, meta: Meta}[]} [attached]
 * @returns {Item}
 */
export function add(room, text, reply, attached = []) {
  last = Math.max(Date.now(), last + 1);
  /** @type {Item} */
  const item = { nonce: net.nonce(), user, room, text, reply_to: reply, at: last, state: "waiting", reason: "" };
  items.set(item.nonce, item);
  if (attached.length > 0) {
    item.files = attached.map(({ meta }) => meta);
    bodies.set(item.nonce, attached.map(({ file }) => file));
  }
  tell("outbox:change", { item, was: null });
  void keep((store) => store.put(item));
  if (attached.length > 0) void keepFiles(item, attached.map(({ file }) => file));
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

/** Stops a message with files on its way; it can be sent again. @param {string} nonce */
export function stop(nonce) {
  const item = items.get(nonce);
  stops.get(nonce)?.abort();
  if (item && item.state !== "failed") set(item, "failed", "stopped");
}

/** Takes a message back that was not sent. @param {string} nonce @returns {Item | undefined} */
export function drop(nonce) {
  const item = items.get(nonce);
  if (item) done(item, {});
  // What came of its files is of no use; the server forgets it in a day by itself.
  for (const path of item?.parts ?? []) if (path) api("DELETE", path, undefined, { headers: { "Tus-Resumable": "1.0.0" } }).catch(() => {});
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
  if (item.files) void keep((store) => store.delete(item.nonce), FILES);
  stops.get(item.nonce)?.abort();
  bodies.delete(item.nonce);
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
    if ((!net.state.open && !byRest) || (item.files && !navigator.onLine)) continue;
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
  // It may have been stopped, or begun anew, while this waited.
  if (items.has(item.nonce) && verdict !== "" && item.state === "sending") set(item, verdict === "later" ? "waiting" : "failed", verdict === "later" ? "" : verdict);
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
    const { id, seq, at } = item.files ? await carry(item) : net.state.open && tries !== 2
      ? await net.request({ type: "send", ...body }, 8000)
      : await byRest(body);
    done(item, { id, seq, at });
    return "";
  } catch (error) {
    const { code, status, retryMs = 0, retryAfter = 0 } = /** @type {any} */ (error);
    if (item.files && code === "unreachable") {
      if (!navigator.onLine) return "later";
      if (tries >= UPLOADS) return "silent";
      await new Promise((go) => setTimeout(go, 1000 * tries));
      return null;
    }
    if (code === "closed" || (!net.state.open && (code === "unreachable" || status >= 500))) return "later";
    if (code === "silent" && tries === 1) return null;
    if (PASSING.has(code) && tries < PATIENCE) {
      await new Promise((go) => setTimeout(go, Math.min(retryMs || retryAfter * 1000 || 1000, 30000)));
      return null;
    }
    if (status === 401) net.end("session");
    return code === "too_large" && item.files ? "big" : reason(code, text);
  }
}

/** A message with files. @param {Item} item */
async function carry(item) {
  if (csrf() !== token) throw new net.NetError("closed");
  const list = await files(item.nonce);
  if (!list) throw new net.NetError("files_gone");
  const halt = new AbortController();
  stops.set(item.nonce, halt);
  try {
    const { upload } = await import("./upload.js").catch(() => { throw new net.NetError("unreachable"); });
    const save = () => { if (items.has(item.nonce)) void keep((store) => store.put(item)); };
    const answer = await upload({ item, files: list, gone: () => !items.has(item.nonce), save },
      (sent, total) => tell("outbox:progress", { nonce: item.nonce, sent, total }), halt.signal);
    return { id: answer.id, seq: answer.seq, at: answer.created_at };
  } finally {
    stops.delete(item.nonce);
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
  if (code === "storage_full") return "full";
  if (code === "quota_exceeded") return "quota";
  if (code === "stopped") return "stopped";
  if (code === "files_gone") return "files";
  if (code === "nonce_reused" || code === "file_infected") return "refused";
  if (code === "unreachable" || code === "silent" || code === "later") return "silent";
  if (code === "unauthenticated" || code === "invalid_token") return "session";
  return "server";
}
