// @ts-check
/** The rows that are in the document: at most 300, in the order of seq, with day pills and the unread line. */
import { grouping } from "./grouping.js";
import { t } from "./texts.js";
import { clock, dayName } from "./times.js";
import { find } from "./dom.js";
import { api } from "./api.js";
import * as rows from "./rows.js";

/**
 * @typedef {import("./rows.js").Message} Message
 * @typedef {{message: Message, row: HTMLElement, pill: HTMLElement | null}} Entry
 */

/** Rows in the document at most. */
export const LIMIT = 300;

export class Window {
  /** @param {HTMLElement} column holds the rows between its first and its last child */
  constructor(column) {
    this.column = column;
    this.end = find(column, "[data-end]", HTMLElement);
    /** @type {Entry[]} */ this.entries = [];
    /** Not confirmed yet, below all others. @type {Entry[]} */ this.waiting = [];
    /** @type {Map<number, Entry>} */ this.byId = new Map();
    this.atStart = true;
    this.atEnd = true;
    /** The unread line stands above the first row of others after this position. @type {number | null} */ this.newAfter = null;
    /** @type {HTMLElement | null} */ this.line = null;
    /** @type {Entry | null} */ this.lineAt = null;
  }

  /** Takes over what the server drew. */
  adopt() {
    this.column.querySelectorAll(":scope > .day, :scope > .new").forEach((mark) => mark.remove());
    for (const row of /** @type {NodeListOf<HTMLElement>} */ (this.column.querySelectorAll(":scope > .msg"))) {
      const message = rows.fromRow(row);
      const entry = { message, row, pill: null };
      rows.times(row, message);
      rows.controls(row);
      rows.soften(row);
      rows.label(row, message);
      this.entries.push(entry);
      this.byId.set(message.id, entry);
    }
    this.regroup(0, this.entries.length);
  }

  /** Position of the first entry with at least this seq. @param {number} seq */
  indexOf(seq) {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.entries[middle]?.message.seq ?? Infinity) < seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The topmost node that belongs to an entry. @param {Entry | undefined} entry @returns {Node} */
  top(entry) {
    if (!entry) return this.waiting[0]?.row ?? this.end;
    return entry.pill ?? (this.lineAt === entry && this.line ? this.line : entry.row);
  }

  /**
   * Inserts new messages and refreshes those that are there.
   * @param {Message[]} messages in the order of seq
   * @returns {Entry[]} the new ones
   */
  put(messages) {
    /** @type {Set<Entry>} */
    const added = new Set();
    let first = Infinity;
    for (const message of messages) {
      const known = this.byId.get(message.id);
      if (known) {
        this.refresh(known, message);
        continue;
      }
      const entry = this.confirmed(message) ?? { message, row: rows.build(message), pill: null };
      const index = this.indexOf(message.seq);
      this.entries.splice(index, 0, entry);
      this.byId.set(message.id, entry);
      added.add(entry);
      first = Math.min(first, index);
    }
    if (added.size === 0) return [];
    let last = first;
    let below = this.top(undefined);
    for (let index = this.entries.length - 1; index >= first; index -= 1) {
      const entry = /** @type {Entry} */ (this.entries[index]);
      if (added.has(entry)) {
        last = Math.max(last, index);
        if (entry.row.nextSibling !== below) this.column.insertBefore(entry.row, below);
      }
      below = this.top(entry);
    }
    this.regroup(first, last + 2);
    this.placeLine();
    return [...added];
  }

  /** A waiting row becomes the row of its message. @param {Message} message @returns {Entry | null} */
  confirmed(message) {
    const index = message.nonce ? this.waiting.findIndex((entry) => entry.message.nonce === message.nonce && message.mine) : -1;
    const entry = this.waiting[index];
    if (!entry) return null;
    this.waiting.splice(index, 1);
    rows.progress(entry.row, null, message);
    entry.message = message;
    rows.identify(entry.row, message);
    if (message.html !== null) rows.fill(entry.row, message);
    rows.quote(entry.row, message);
    rows.files(entry.row, message);
    rows.reactions(entry.row, message);
    rows.label(entry.row, message);
    return entry;
  }

  /** @param {Entry} entry @param {Message} message what it is now */
  refresh(entry, message) {
    const { quote, nonce, html } = entry.message;
    Object.assign(entry.message, message, { quote: message.quote ?? quote, nonce: message.nonce || nonce, html: message.html ?? html });
    rows.fill(entry.row, entry.message);
    rows.files(entry.row, entry.message);
    rows.reactions(entry.row, entry.message);
    rows.label(entry.row, entry.message);
  }

  /** Adds a message that is not confirmed. @param {Message} message @returns {Entry} */
  wait(message) {
    const entry = { message, row: rows.build(message), pill: null };
    this.waiting.push(entry);
    this.column.insertBefore(entry.row, this.end);
    this.regroup(this.entries.length, Infinity);
    return entry;
  }

  /** @param {Entry} entry */
  remove(entry) {
    const index = this.entries.indexOf(entry);
    if (index >= 0) this.entries.splice(index, 1);
    else this.waiting = this.waiting.filter((other) => other !== entry);
    this.byId.delete(entry.message.id);
    entry.pill?.remove();
    entry.row.remove();
    if (this.lineAt === entry) {
      this.lineAt = null;
      this.placeLine();
    }
    this.regroup(Math.max(0, index), Math.max(0, index) + 1);
    if (index < 0 || index >= this.entries.length) this.regroup(this.entries.length, Infinity);
  }

  /** Lets rows go on one side until the limit holds. @param {"top" | "bottom"} side */
  trim(side) {
    const surplus = this.entries.length + this.waiting.length - LIMIT;
    if (surplus <= 0) return;
    const gone = side === "top" ? this.entries.splice(0, surplus) : this.entries.splice(-surplus, surplus);
    for (const entry of gone) {
      this.byId.delete(entry.message.id);
      entry.pill?.remove();
      entry.row.remove();
      if (this.lineAt === entry) {
        this.line?.remove();
        this.lineAt = null;
      }
    }
    if (side === "top") {
      this.atStart = false;
      this.regroup(0, 1);
      this.placeLine();
    } else {
      this.atEnd = false;
    }
  }

  /** Empties it. */
  clear() {
    for (const entry of [...this.entries, ...this.waiting]) {
      entry.pill?.remove();
      entry.row.remove();
    }
    this.line?.remove();
    this.lineAt = null;
    this.entries = [];
    this.waiting = [];
    this.byId.clear();
  }

  /** All rows in the order of the page. */
  all() {
    return [...this.entries, ...this.waiting];
  }

  /** Decides anew about heads and days in a range. @param {number} from @param {number} to */
  regroup(from, to) {
    const all = this.waiting.length > 0 ? this.all() : this.entries;
    for (let index = from; index < Math.min(to, all.length); index += 1) {
      const entry = /** @type {Entry} */ (all[index]);
      const above = all[index - 1];
      const place = (/** @type {Message} */ message) => ({ owner: message.owner, at: message.at, day: message.day, reply: message.reply !== null });
      const { head, day } = grouping(above ? place(above.message) : null, place(entry.message));
      const before = entry.row.classList.contains("head");
      rows.asHead(entry.row, head || this.lineAt === entry);
      if (!entry.row.hasAttribute("aria-label") || before !== head) this.label(entry);
      this.pill(entry, day);
    }
  }

  /** @param {Entry} entry */
  label(entry) {
    if (entry.message.id > 0) rows.label(entry.row, entry.message);
  }

  /** @param {Entry} entry @param {boolean} wanted */
  pill(entry, wanted) {
    if (!wanted) {
      entry.pill?.remove();
      entry.pill = null;
    } else if (!entry.pill) {
      const name = dayName(entry.message.at);
      const pill = mark("day", name);
      pill.firstElementChild?.setAttribute("aria-hidden", "true");
      this.column.insertBefore(pill, this.lineAt === entry && this.line ? this.line : entry.row);
      entry.pill = pill;
    }
  }

  /** Puts the unread line where it belongs, or away. */
  placeLine() {
    const after = this.newAfter;
    const index = after === null ? -1 : this.entries.findIndex(({ message }) => message.seq > after && !message.mine);
    const entry = this.entries[index];
    const known = index > 0 || this.atStart;
    if (entry && entry === this.lineAt) return;
    const old = this.lineAt;
    this.line?.remove();
    this.line = null;
    this.lineAt = null;
    if (old) this.regroup(this.entries.indexOf(old), this.entries.indexOf(old) + 1);
    if (!entry || !known) return;
    const above = this.entries[index - 1];
    const line = mark("new", above ? t("js-new-since", { time: clock(above.message.at) }) : t("js-new"));
    line.setAttribute("aria-label", t("js-new-label"));
    this.column.insertBefore(line, entry.row);
    this.line = line;
    this.lineAt = entry;
    this.regroup(index, index + 1);
  }
}

/** @param {string} name @param {string} text */
function mark(name, text) {
  const element = document.createElement("div");
  element.className = name;
  element.setAttribute("role", "separator");
  element.setAttribute("aria-label", text);
  element.appendChild(document.createElement("span")).textContent = text;
  return element;
}

/**
 * A piece of a room's history, as messages.
 * @param {number} room @param {string} query
 * @returns {Promise<{messages: Message[], more: boolean, seq: number, next: number}>} `next`: where to read on
 */
export async function readHistory(room, query) {
  const page = await api("GET", `/api/v1/chats/rooms/${room}/history/?${query}&html=1`);
  const messages = page.events.filter((/** @type {any} */ event) => event.type === "message.created")
    .map((/** @type {any} */ event) => rows.fromWire(event.message));
  const edge = query.startsWith("after") ? page.events.at(-1) : page.events[0];
  return { messages, more: page.has_more, seq: page.seq, next: edge?.seq ?? 0 };
}

/**
 * Does something to the rows without moving what the reader looks at.
 * @param {HTMLElement} view the scrolling element @param {HTMLElement[]} list its rows @param {() => void} work
 */
export function hold(view, list, work) {
  const edge = view.getBoundingClientRect().top;
  const anchor = list.find((row) => row.getBoundingClientRect().bottom > edge);
  const before = anchor?.getBoundingClientRect().top ?? 0;
  work();
  if (!anchor?.isConnected) return;
  const moved = anchor.getBoundingClientRect().top - before;
  if (Math.abs(moved) > 0.5) view.scrollTop += moved;
}

/**
 * Rows are walked with the arrows; Enter goes into a row, Escape out of it, Tab on to the composer.
 * @param {import("./timeline.js").Timeline} view @param {KeyboardEvent} event
 */
export function walk(view, event) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey || target.closest("form, textarea, input, [role=menu]")) return;
  const entry = view.entryOf(target);
  const inside = entry !== null && target !== entry.row;
  const all = view.window.all();
  const from = entry ?? (view.current?.row.isConnected ? view.current : null);
  const index = from ? all.indexOf(from) : all.length;
  /** @type {Record<string, () => void>} */
  const moves = {
    ArrowUp: () => view.focusRow(all[Math.max(0, entry || !from ? index - 1 : index)]),
    ArrowDown: () => view.focusRow(all[Math.min(entry ? index + 1 : index, all.length - 1)]),
    Home: () => view.focusRow(all[0]),
    End: () => void view.toLatest().then(() => view.focusRow(view.window.all().at(-1))),
  };
  const move = moves[event.key];
  if (move && !inside) {
    event.preventDefault();
    move();
  } else if (event.key === "Enter" && entry && !inside) {
    event.preventDefault();
    view.emit("row:enter", { entry });
  } else if (event.key === "Escape" && inside) {
    event.preventDefault();
    event.stopPropagation();
    entry?.row.focus();
  } else if (event.key === "Tab" && entry) {
    if (event.shiftKey) return view.focus({ preventScroll: true });
    event.preventDefault();
    find(document, "#chat-message-input", HTMLElement).focus();
  }
}
