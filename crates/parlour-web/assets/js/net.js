// @ts-check
/**
 * The page's one WebSocket (version 2 of the account socket).
 *
 * Dispatches on `document`: `net:state` {open, wait, tries, retryAt}, `net:event` (detail = frame),
 * `net:ended` when the session is over. Comes back by itself with full jitter and resumes.
 */

/** Pauses between attempts; the real one is anywhere between a tenth and all of it. */
const BACKOFF_MS = [1000, 2000, 4000, 8000, 15000];
const ANSWER_MS = 10000;
/** A line that did not hold so long does not make the pauses short again. */
const STEADY_MS = 5000;
/** Close codes after which coming back is no use. */
const FINAL = new Set([1002, 1007, 4002]);

/** @typedef {{type: string, [key: string]: any}} Frame */
/** @typedef {{resolve: (frame: Frame) => void, reject: (error: NetError) => void, timer: number}} Waiter */

/** Why a request got no good answer. `code` is the server's, or `closed` / `silent`. */
export class NetError extends Error {
  /** @param {string} code @param {string} [text] @param {number} [retryMs] */
  constructor(code, text = code, retryMs = 0) {
    super(text);
    this.code = code;
    this.retryMs = retryMs;
  }
}

/** What everybody may read and nobody else writes. */
export const state = {
  open: false, wait: 0, tries: 0, retryAt: 0, epoch: "", heartbeat: 25000, maxFrame: Infinity, ended: false, clock: 0,
};

/** @type {WebSocket | null} */
let socket = null;
let running = false;
let timer = 0;
let watch = 0;
let heardAt = 0;
let openedAt = 0;
/** Which pause comes next. */
let level = 0;
let pinged = false;
/** @type {() => {epoch: string, cursors: Record<string, number>} | null} */
let positions = () => null;
/** @type {Map<string, Waiter>} */
const waiters = new Map();

/** @param {string} name @param {any} detail */
const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));
function tellState() {
  document.documentElement.dataset.net = state.open ? "open" : "closed";
  tell("net:state", { open: state.open, wait: state.wait, tries: state.tries, retryAt: state.retryAt });
}

/** Where to resume from is known by the store. @param {typeof positions} fn */
export function resumeFrom(fn) {
  positions = fn;
}

/** Connects, and stays connected. Calling it again is harmless. */
export function start() {
  if (running || state.ended) return;
  running = true;
  addEventListener("online", retry);
  addEventListener("offline", () => lost(0));
  addEventListener("pagehide", () => socket?.close(1000));
  addEventListener("pageshow", (event) => { if (/** @type {PageTransitionEvent} */ (event).persisted) retry(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) wake(); });
  connect();
}

/** Tries at once instead of waiting. */
export function retry() {
  if (state.ended || socket) return;
  clearTimeout(timer);
  connect();
}

/** @param {Frame} frame @returns {boolean} whether it left */
export function send(frame) {
  if (!socket || !state.open) return false;
  socket.send(JSON.stringify(frame));
  return true;
}

/** A text that identifies a request or a message. @returns {string} */
export function nonce() {
  if (typeof crypto.randomUUID === "function") return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Sends and waits for the answer with the same nonce.
 * @param {Frame} frame @param {number} [ms] how long to wait
 * @returns {Promise<Frame>} rejects with a NetError
 */
export function request(frame, ms = ANSWER_MS) {
  const key = frame.nonce ?? nonce();
  return new Promise((resolve, reject) => {
    if (!send({ ...frame, nonce: key })) {
      reject(new NetError("closed"));
      return;
    }
    const late = setTimeout(() => { waiters.delete(key); reject(new NetError("silent")); }, ms);
    waiters.set(key, { resolve, reject, timer: late });
  });
}

function connect() {
  if (!navigator.onLine && state.tries > 0 && document.hidden) return schedule();
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const mine = new WebSocket(`${scheme}//${location.host}/ws`);
  socket = mine;
  state.wait = 0;
  state.retryAt = 0;
  tellState();
  mine.onmessage = (event) => { if (mine === socket && typeof event.data === "string") heard(event.data); };
  mine.onclose = (event) => { if (mine === socket) lost(event.code); };
  clearTimeout(timer);
  timer = setTimeout(() => { if (mine === socket && !state.open) mine.close(); }, ANSWER_MS);
}

/** @param {string} text */
function heard(text) {
  heardAt = Date.now();
  pinged = false;
  /** @type {Frame} */
  let frame;
  try {
    frame = JSON.parse(text);
  } catch {
    return;
  }
  if (frame.type === "hello") return hello(frame);
  if (frame.type === "reconnect") return leaveIn(Number(frame.after_ms) || 0);
  if (frame.nonce !== undefined) answer(frame);
  if (frame.type !== "pong") tell("net:event", frame);
}

/** @param {Frame} frame */
function hello(frame) {
  clearTimeout(timer);
  state.heartbeat = Number(frame.heartbeat_ms) || state.heartbeat;
  state.maxFrame = Number(frame.max_frame) || state.maxFrame;
  state.epoch = frame.epoch;
  state.open = true;
  state.tries = 0;
  openedAt = heardAt;
  tell("net:event", frame);
  if (state.ended) return;
  const from = positions();
  if (from && Object.keys(from.cursors).length > 0) send({ type: "resume", ...from });
  tellState();
  clearTimeout(watch);
  watch = setTimeout(pulse, state.heartbeat);
}

/** @param {Frame} frame */
function answer(frame) {
  const waiter = waiters.get(frame.nonce);
  if (!waiter || (frame.type !== "ack" && frame.type !== "error" && frame.type !== "pong")) return;
  waiters.delete(frame.nonce);
  clearTimeout(waiter.timer);
  if (frame.type === "error") waiter.reject(new NetError(frame.code, frame.error, frame.retry_ms));
  else waiter.resolve(frame);
}

/** Asks a silent server whether it is still there. */
function pulse() {
  if (!state.open) return;
  const silent = Date.now() - heardAt;
  if (pinged && silent >= ANSWER_MS) return drop();
  if (silent >= state.heartbeat) {
    pinged = true;
    send({ type: "ping" });
    watch = setTimeout(pulse, ANSWER_MS);
  } else {
    watch = setTimeout(pulse, Math.max(1000, state.heartbeat - silent));
  }
}

/** Back from the background: timers may have slept, the socket may be dead without knowing. */
function wake() {
  if (!socket) return retry();
  if (state.open && Date.now() - heardAt > ANSWER_MS) {
    clearTimeout(watch);
    pinged = true;
    send({ type: "ping" });
    watch = setTimeout(() => { if (pinged) drop(); }, 5000);
  }
}

/** The server asked to come back a little later. @param {number} ms */
function leaveIn(ms) {
  drop(Math.max(200, ms));
}

/** @param {number} [pause] */
function drop(pause) {
  const old = socket;
  lost(1006, pause);
  old?.close(1000);
}

/** @param {number} code @param {number} [pause] */
function lost(code, pause) {
  const was = socket;
  socket = null;
  if (code === 0) was?.close(1000);
  if (state.open && Date.now() - openedAt >= STEADY_MS) level = 0;
  state.open = false;
  clearTimeout(timer);
  clearTimeout(watch);
  for (const [key, waiter] of waiters) {
    waiters.delete(key);
    clearTimeout(waiter.timer);
    waiter.reject(new NetError("closed"));
  }
  if (code === 4401) return end("session");
  if (!running || state.ended) return;
  state.tries += 1;
  level += 1;
  schedule(pause, FINAL.has(code));
  if (code === 1006 && state.tries % 3 === 2) void stillLoggedIn();
}

/** @param {number} [pause] @param {boolean} [longest] */
function schedule(pause, longest = false) {
  const most = BACKOFF_MS[longest ? BACKOFF_MS.length - 1 : Math.min(Math.max(level, 1), BACKOFF_MS.length) - 1] ?? 15000;
  state.wait = pause ?? Math.round(most * (0.1 + 0.9 * Math.random()));
  state.retryAt = Date.now() + state.wait;
  clearTimeout(timer);
  timer = setTimeout(retry, state.wait);
  tellState();
}

/** A refused upgrade looks like a broken line; only the API says which it was. */
async function stillLoggedIn() {
  try {
    const { api } = await import("./api.js");
    await api("GET", "/api/v1/chats/unread/");
  } catch (error) {
    if (/** @type {any} */ (error)?.status === 401) end("session");
  }
}

/** No more attempts. @param {string} reason */
export function end(reason) {
  if (state.ended) return;
  state.ended = true;
  state.open = false;
  running = false;
  clearTimeout(timer);
  clearTimeout(watch);
  const old = socket;
  socket = null;
  old?.close(1000);
  tell("net:ended", { reason });
}
