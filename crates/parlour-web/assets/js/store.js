// @ts-check
/**
 * What this page knows: me, the rooms, the people of the open room, and how far its stream was read.
 *
 * Hears `net:event`, drops what came already, finds holes and fills them, and dispatches on `document`:
 * `store:event` (a frame of the open room, once), `store:gap` {room, open}, `store:resync`,
 * `store:unread` {room}, `store:rooms`, `store:people`, `store:typing`.
 */
import * as net from "./net.js";
import { api } from "./api.js";

/**
 * @typedef {{id: number, url: string, name: string, is_private: boolean, unread: boolean, mentions: number,
 *   left: string | null, closes: string | null, read_seq: number, seq: number}} RoomLink
 * @typedef {{id: number, nickname: string, initials: string, hue: number, is_host: boolean, is_member: boolean,
 *   here: boolean, is_me: boolean, read_seq: number | null, writing?: number}} Person
 * @typedef {{id: number, url: string, name: string, topic: string, is_private: boolean, is_host: boolean, is_member: boolean,
 *   owner_id: number, seq: number, read_seq: number, max: number, closes: string | null, started_at_start: boolean}} Room
 * @typedef {{room: Room, epoch: string, me: {id: number, nickname: string, initials: string, hue: number},
 *   people: Person[], rooms: RoomLink[], preferences: Record<string, any>, limits: {max_text_chars: number, max_upload_bytes?: number, max_files?: number},
 *   at: number | null, has_older: boolean, has_newer: boolean}} Boot
 */

const PAGE = 200;
/** Over how long the questions of those who come back are spread. */
const AGAIN_MS = 3000;
const RETRY_MS = [1000, 2000, 4000, 8000, 15000];

/** Read by everybody, written here. */
export const store = {
  /** @type {Boot["me"]} */ me: { id: 0, nickname: "", initials: "", hue: 0 },
  /** @type {Room | null} */ room: null,
  /** @type {Map<number, RoomLink>} */ rooms: new Map(),
  /** @type {Map<number, Person>} */ people: new Map(),
  /** @type {Record<string, any>} */ preferences: {},
  /** Position up to which the stream of the open room is here without a hole. */ seq: 0,
  epoch: "", maxText: 10000, maxUpload: Infinity, maxFiles: 10, seats: 0,
};

/** Positions above `store.seq` that came before the hole was filled. @type {Set<number>} */
let ahead = new Set();
let filling = false;
/** Changes with every room, so that late answers for the former one are dropped. */
let visit = 0;
/** @type {BroadcastChannel | null} */
let channel = null;
let peopleTimer = 0;
let unreadTimer = 0;

/** @param {string} name @param {any} [detail] */
const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));

/** Takes the data of a page. @param {Boot} boot */
export function open(boot) {
  visit += 1;
  ahead = new Set();
  filling = false;
  const first = channel === null;
  Object.assign(store, {
    me: boot.me, room: boot.room, preferences: boot.preferences, epoch: boot.epoch, seq: boot.room.seq,
    maxText: boot.limits.max_text_chars, maxUpload: boot.limits.max_upload_bytes ?? Infinity,
    maxFiles: boot.limits.max_files ?? 10, seats: boot.room.max,
    people: new Map(boot.people.map((person) => [person.id, person])),
    rooms: new Map(boot.rooms.map((room) => [room.id, room])),
  });
  if (!first) return void net.send({ type: "resume", ...positions() });
  channel = new BroadcastChannel(`parlour-${boot.me.id}`);
  channel.onmessage = ({ data }) => {
    if (data.type === "read") applyRead(data.room, data.seq, data.back === true);
    else if (data.type === "logout") net.end("session");
  };
  document.addEventListener("net:event", (event) => hear(/** @type {CustomEvent} */ (event).detail));
  net.resumeFrom(() => store.room ? positions() : null);
}

/** The room is over for this page. */
export function close() {
  visit += 1;
  store.room = null;
  store.people.clear();
}

/** Tells the other tabs. @param {object} message */
export const broadcast = (message) => channel?.postMessage(message);

/**
 * Only the open room is gone on with: of the others this page knows marks alone, and one answer about
 * what is unread renews them all. A room that is being read anew has no position yet.
 */
function positions() {
  const known = store.room && store.seq > 0;
  return { epoch: store.epoch, cursors: known ? { [String(store.room?.id)]: store.seq } : {} };
}

/** @param {net.Frame} frame */
function hear(frame) {
  switch (frame.type) {
    case "hello": return greeted(frame);
    case "ack": case "error": case "pong": return;
    case "resync": return void (frame.room === store.room?.id && resync());
    case "recovered": return void (frame.room === store.room?.id && recovered(frame.seq));
    case "typing": return typing(frame.room, frame.user);
    case "presence": return presence(frame);
    case "read": return readBy(frame);
    default:
      if (frame.room === store.room?.id) inOrder(frame);
      else elsewhere(frame);
  }
}

/** @param {net.Frame} frame */
function greeted(frame) {
  if (!store.room) return;
  // The line is the cookie's; a page goes on only for whom it was made.
  if (frame.user !== store.me.id) return net.end("session");
  if (store.epoch !== frame.epoch) {
    store.epoch = frame.epoch;
    resync();
  }
  const moved = [...store.rooms.values()].some((room) => room.id !== store.room?.id && (frame.cursors?.[room.id] ?? 0) > room.seq);
  const added = Object.keys(frame.cursors ?? {}).some((id) => !store.rooms.has(Number(id)));
  // Everybody comes back at once after an interruption: these questions can wait for their turn.
  const later = greeted.before ? AGAIN_MS * Math.random() : 0;
  if (moved || added || greeted.before) void refreshUnread(later);
  // Also the first time: somebody may have left between the making of the page and this greeting.
  if (greeted.before || store.people.size > 1) askPeople(later);
  greeted.before = true;
}
greeted.before = false;

/** The window has to be read anew. */
function resync() {
  if (!store.room) return;
  ahead.clear();
  // What was seen before may be of another lineage, and further on than this one is.
  store.seq = 0;
  filling = true;
  visit += 1;
  tell("store:resync");
}

/**
 * The timeline holds the newest page as of `seq` and nothing else: the stream goes on from here. What came
 * meanwhile is read again. @param {number} seq
 */
export function caughtUp(seq) {
  const newest = Math.max(store.seq, ...ahead);
  store.seq = seq;
  ahead.clear();
  filling = false;
  if (newest > seq) void fill();
}

/** @param {number} seq */
function recovered(seq) {
  if (seq > store.seq && !ahead.has(store.seq + 1) && !filling) void fill();
}

/** Every event of the open room, once. @param {net.Frame} frame */
function inOrder(frame) {
  const seq = Number(frame.seq);
  if (!Number.isInteger(seq)) return;
  if (seq <= store.seq || ahead.has(seq)) return;
  if (seq === store.seq + 1) {
    store.seq = seq;
    advance();
  } else {
    ahead.add(seq);
    if (!filling) void fill();
  }
  apply(frame);
}

function advance() {
  while (ahead.delete(store.seq + 1)) store.seq += 1;
}

/** Reads the hole between what is here and what came too early. */
async function fill() {
  const mine = visit;
  filling = true;
  tell("store:gap", { open: true, after: store.seq });
  for (let tries = 0; mine === visit && store.room; tries += 1) {
    const room = store.room.id;
    try {
      const page = await api("GET", `/api/v1/chats/rooms/${room}/history/?after=${store.seq}&limit=${PAGE}&html=1`);
      if (mine !== visit) return;
      for (const frame of page.events) inOrder(frame);
      if (page.events.length === 0 || (ahead.size === 0 && !page.has_more)) break;
      tries = -1;
    } catch (error) {
      if ([401, 403, 404].includes(/** @type {any} */ (error).status)) break;
      await new Promise((done) => setTimeout(done, RETRY_MS[Math.min(tries, RETRY_MS.length - 1)]));
    }
  }
  if (mine !== visit) return;
  filling = false;
  tell("store:gap", { open: false });
}

/** @param {net.Frame} frame */
function apply(frame) {
  const room = store.room;
  if (!room) return;
  if (frame.type === "message.created") {
    const person = store.people.get(frame.message.owner);
    if (person?.writing) stopWriting(person);
    if (frame.message.owner !== store.me.id) countUnread(room.id, frame);
  } else if (frame.type.startsWith("member.")) {
    member(frame);
  } else if (frame.type === "room.updated") {
    const { name, topic, owner, max_users: max, expires_at: closes } = frame.details;
    const host = owner === store.me.id;
    if (owner !== room.owner_id) askPeople();
    Object.assign(room, { name, topic, owner_id: owner, max, closes, is_host: host });
    store.seats = max;
    renamed(room.id, name);
    tell("store:people");
  }
  tell("store:event", frame);
}

/** @param {number} id @param {string} name */
function renamed(id, name) {
  const link = store.rooms.get(id);
  if (link) link.name = name;
  tell("store:rooms");
}

/** @param {net.Frame} frame */
function member(frame) {
  const id = frame.member.id;
  const person = store.people.get(id);
  if (frame.type === "member.joined") {
    if (person) person.is_member = true;
    else askPeople();
  } else if (person) {
    person.is_member = false;
    if (!person.is_host) store.people.delete(id);
  }
  tell("store:people");
}

/** Marks of the other rooms. @param {net.Frame} frame */
function elsewhere(frame) {
  const link = store.rooms.get(frame.room);
  if (frame.type === "room.deleted" || (frame.type === "member.left" && frame.member.id === store.me.id)) {
    if (store.rooms.delete(frame.room)) tell("store:rooms");
    return;
  }
  if (frame.type === "room.created" || (frame.type === "member.joined" && frame.member.id === store.me.id)) {
    // Rooms of others are heard of when they open; they are no concern of this page before one has a seat there.
    if (!link && (frame.details?.owner ?? store.me.id) === store.me.id) tell("store:newroom", frame);
    return;
  }
  if (!link) return;
  if (typeof frame.seq === "number") {
    if (frame.seq <= link.seq) return;
    link.seq = frame.seq;
  }
  if (frame.type === "room.updated") renamed(frame.room, frame.details.name);
  else if (frame.type === "message.created" && frame.message.owner !== store.me.id) countUnread(frame.room, frame);
}

/** @param {number} id @param {net.Frame} frame */
function countUnread(id, frame) {
  const link = store.rooms.get(id);
  if (!link || frame.seq <= link.read_seq) return;
  link.unread = true;
  link.seq = Math.max(link.seq, frame.seq);
  const mention = (frame.message.mentions ?? []).includes(store.me.id);
  if (mention) link.mentions += 1;
  tell("store:unread", { room: id, mention, message: frame.message });
}

/** Asks the server for all marks; calls within a moment are one. @param {number} [later] */
export function refreshUnread(later = 0) {
  clearTimeout(unreadTimer);
  unreadTimer = setTimeout(async () => {
    const answer = await api("GET", "/api/v1/chats/unread/").catch(() => null);
    for (const { room, seq, read_seq: read, unread, mentions } of answer?.results ?? []) {
      const link = store.rooms.get(room);
      if (!link) tell("store:newroom", { room });
      else Object.assign(link, { seq: Math.max(seq, link.seq), read_seq: read, unread: unread > 0, mentions });
    }
    tell("store:unread", {});
  }, 300 + later);
}

/** I read up to `seq`. @param {number} seq @param {boolean} [back] */
export function markRead(seq, back = false) {
  const room = store.room;
  if (!room) return;
  const link = store.rooms.get(room.id);
  const before = link?.read_seq ?? room.read_seq;
  if (back ? seq === before : seq <= before) return;
  room.read_seq = seq;
  applyRead(room.id, seq, back);
  broadcast({ type: "read", room: room.id, seq, back });
  const frame = back ? { type: "read", room: room.id, seq, back: true } : { type: "read", room: room.id, seq };
  if (!net.send(frame)) void api("POST", `/api/v1/chats/rooms/${room.id}/read/`, back ? { seq, back } : { seq }).catch(() => {});
}

/** @param {number} id @param {number} seq @param {boolean} back */
function applyRead(id, seq, back) {
  const link = store.rooms.get(id);
  if (!link || (!back && seq < link.read_seq)) return;
  link.read_seq = seq;
  const newest = id === store.room?.id ? Math.max(store.seq, link.seq) : link.seq;
  if (back || seq < newest) {
    if (back) link.unread = true;
    if (id !== store.room?.id || back) void refreshUnread();
  }
  if (seq >= newest) Object.assign(link, { unread: false, mentions: 0 });
  tell("store:unread", { room: id });
}

/** @param {net.Frame} frame */
function readBy(frame) {
  if (frame.user === store.me.id) return applyRead(frame.room, frame.seq, frame.seq < (store.rooms.get(frame.room)?.read_seq ?? 0));
  const person = frame.room === store.room?.id ? store.people.get(frame.user) : undefined;
  if (!person) return;
  person.read_seq = frame.seq;
  if (!person.here) tell("store:people");
}

/** @param {net.Frame} frame */
function presence(frame) {
  if (frame.room !== store.room?.id) return;
  saidMeanwhile.set(frame.user, frame.here);
  const person = store.people.get(frame.user);
  if (!person) return askPeople();
  if (person.here === frame.here) return;
  person.here = frame.here;
  if (!frame.here) delete person.writing;
  tell("store:people");
}

/** How long "is writing" stays without a new sign. */
const WRITING_MS = 5500;

/** @param {number} room @param {number} user */
function typing(room, user) {
  if (room !== store.room?.id || user === store.me.id) return;
  const person = store.people.get(user);
  if (!person) return askPeople();
  const fresh = !person.writing;
  clearTimeout(person.writing);
  person.writing = setTimeout(() => stopWriting(store.people.get(user)), WRITING_MS);
  if (fresh) tell("store:typing");
}

/** @param {Person | undefined} person as the list has them now; it may have been read again meanwhile */
function stopWriting(person) {
  if (!person?.writing) return;
  clearTimeout(person.writing);
  delete person.writing;
  tell("store:typing");
}

/** Who came or went since the list of people was asked for: newer than the answer. @type {Map<number, boolean>} */
const saidMeanwhile = new Map();

/** Reads the list of people again; calls within a moment are one. @param {number} [later] */
export function askPeople(later = 0) {
  clearTimeout(peopleTimer);
  peopleTimer = setTimeout(async () => {
    const room = store.room;
    if (!room || net.state.ended) return;
    saidMeanwhile.clear();
    const answer = await api("GET", `/api/v1/chats/rooms/${room.id}/people/`).catch(() => null);
    if (!answer || room !== store.room) return;
    const old = store.people;
    store.seats = answer.seats.of;
    store.people = new Map(answer.people.map((/** @type {Person} */ person) => [person.id, {
      ...person, here: saidMeanwhile.get(person.id) ?? person.here, initials: initials(person.nickname), is_me: person.id === store.me.id, writing: old.get(person.id)?.writing,
    }]));
    tell("store:people");
  }, 400 + later);
}

/** One or two letters for an avatar. @param {string} name @returns {string} */
export function initials(name) {
  const words = name.trim().split(/[\s._-]+/u).filter(Boolean);
  const first = (/** @type {string | undefined} */ word) => (word ? Array.from(word)[0] ?? "" : "");
  return (words.length > 1 ? first(words[0]) + first(words[words.length - 1]) : Array.from(words[0] ?? "?").slice(0, 2).join("")).toUpperCase();
}
