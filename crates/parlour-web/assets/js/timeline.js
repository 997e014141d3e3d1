// @ts-check
/** `<p-timeline>`: the log of a room. Follows the stream, pages both ways, keeps its place, knows what was read. */
import { Part, find } from "./dom.js";
import { api } from "./api.js";
import { t } from "./texts.js";
import * as outbox from "./outbox.js";
import * as rows from "./rows.js";
import * as shared from "./store.js";
import { LIMIT, Window, hold, readHistory, walk } from "./window.js";

/**
 * @typedef {import("./window.js").Entry} Entry
 * @typedef {import("./net.js").Frame} Frame
 */

const { store } = shared;
const PAGE = 50;
const NEAR_PX = 48;
/** Above this many messages a second the log is written at most 10 times a second. */
const BUSY_RATE = 30;
const EDGE = "600px 0px";

export class Timeline extends Part {
  /** @type {HTMLElement} */ main = this;
  /** @type {HTMLElement} */ column = this;
  /** @type {HTMLElement} */ pill = this;
  /** @type {Window} */ window = /** @type {any} */ (null);
  /** Whether the view follows the end. */ stuck = true;
  /** What came while it did not. */ missed = 0;
  missedMe = 0;
  /** Marked unread by hand: nothing is read until the visit ends. */ held = false;
  /** @type {Frame[]} */ queue = [];
  /** Times of the last arrivals. @type {number[]} */ arrivals = [];
  flushing = 0;
  readTimer = 0;
  loud = 0;
  loading = "";
  /** The row that the keys are at. @type {Entry | null} */ current = null;
  /** @type {IntersectionObserver | null} */ edges = null;
  /** @type {ResizeObserver | null} */ sizes = null;

  start() {
    const room = store.room;
    if (!room) return;
    this.main = find(document, "main.room", HTMLElement);
    this.column = find(this, ".column", HTMLElement);
    this.pill = find(document, ".latest", HTMLButtonElement);
    this.window = new Window(this.column);
    // The server has drawn the line if there is something new; joins and edits alone are nothing new.
    const isNew = this.column.querySelector(".new") !== null || this.dataset.hasNewer === "true";
    this.window.newAfter = isNew ? room.read_seq : null;
    this.window.atStart = this.dataset.hasOlder !== "true";
    this.window.atEnd = this.dataset.hasNewer !== "true";
    this.window.adopt();
    this.window.placeLine();
    this.listen();
    for (const item of outbox.pending(room.id)) this.pending(item, null);
    this.settle();
    this.watchEdges();
  }

  stop() {
    this.edges?.disconnect();
    this.sizes?.disconnect();
    clearTimeout(this.readTimer);
    cancelAnimationFrame(this.flushing);
  }

  listen() {
    this.on(document, "store:event", ({ detail }) => this.take(detail));
    this.on(document, "store:gap", ({ detail }) => this.gap(detail));
    this.on(document, "store:resync", () => void this.latest(false));
    this.on(document, "outbox:change", ({ detail }) => { if (detail.item.room === store.room?.id) this.pending(detail.item, detail.was); });
    this.on(document, "outbox:gone", ({ detail }) => { if (detail.room === store.room?.id) this.gone(detail); });
    this.on(document, "visibilitychange", () => this.readSoon());
    this.on(this, "scroll", () => this.scrolled(), { passive: true });
    this.on(this, "keydown", (event) => walk(this, event));
    this.on(this, "click", (event) => this.clicked(event));
    this.on(this, "focusin", ({ target }) => {
      const entry = this.entryOf(target);
      if (entry) this.current = entry;
    });
    this.on(this.pill, "click", () => void this.toLatest(true));
    this.sizes = new ResizeObserver(() => { if (this.stuck) this.bottom(); });
    this.sizes.observe(this);
    this.sizes.observe(this.column);
  }

  /** Where a visit begins: at the linked message, at the unread line, or at the end. */
  settle() {
    const at = Number(this.dataset.at) || 0;
    const { line } = this.window;
    this.states();
    if (at > 0 && this.window.byId.has(at)) {
      this.stuck = false;
      this.show(at, true);
    } else if (line) {
      this.scrollTop += line.getBoundingClientRect().top - this.getBoundingClientRect().top - this.clientHeight / 3;
      this.scrolled();
    } else {
      this.bottom();
    }
    this.readSoon();
  }

  bottom() {
    this.scrollTop = 1e9;
  }

  // --- what comes in ------------------------------------------------------------------------------

  /** @param {Frame} frame */
  take(frame) {
    this.queue.push(frame);
    if (frame.type === "message.created") {
      this.arrivals.push(Date.now());
      if (this.arrivals.length > BUSY_RATE) this.arrivals.shift();
    }
    if (this.flushing) return;
    const busy = this.arrivals.length === BUSY_RATE && Date.now() - (this.arrivals[0] ?? 0) < 1000;
    const flush = () => { this.flushing = 0; if (this.isConnected) this.flush(); };
    if (busy || document.hidden) this.flushing = setTimeout(flush, 100);
    else this.flushing = requestAnimationFrame(flush);
  }

  flush() {
    const frames = this.queue.splice(0);
    const created = frames.filter(({ type }) => type === "message.created").map(({ message }) => rows.fromWire(message));
    this.quieten(created);
    if (created.length > 0) this.arrive(created);
    for (const frame of frames) this.apply(frame);
    if (this.stuck) this.bottom();
    else this.showPill();
    this.states();
    this.readSoon();
  }

  /** @param {rows.Message[]} created */
  arrive(created) {
    const others = created.filter((message) => !message.mine);
    const { window } = this;
    if (document.hidden && others[0] && (window.newAfter === null || (store.room?.read_seq ?? 0) > window.newAfter)) {
      window.newAfter = others[0].seq - 1;
    }
    if (!this.stuck) {
      this.missed += others.length;
      this.missedMe += others.filter(({ forMe }) => forMe).length;
    }
    const wanted = window.atEnd ? created : created.filter((message) => message.seq < (window.entries.at(-1)?.message.seq ?? 0));
    this.quotes(window.put(wanted));
    if (window.entries.length + window.waiting.length <= LIMIT) return;
    if (this.stuck || this.scrollTop > this.scrollHeight / 2) this.hold(() => window.trim("top"));
    else window.trim("bottom");
  }

  /** Changes of what is there. @param {Frame} frame */
  apply(frame) {
    const entry = this.window.byId.get(frame.type === "message.updated" ? frame.message.id : frame.id);
    if (frame.type === "messages.purged") {
      this.window.entries.filter(({ message }) => message.owner === frame.owner).forEach((gone) => this.collapse(gone));
    } else if (!entry) {
      return;
    } else if (frame.type === "message.updated") {
      this.window.refresh(entry, rows.fromWire(frame.message));
    } else if (frame.type === "message.deleted") {
      this.collapse(entry);
    } else if (frame.type === "reaction.added" || frame.type === "reaction.removed") {
      this.react(entry, frame.emoji, frame.user, frame.type === "reaction.added");
    }
  }

  /** @param {Entry} entry @param {string} emoji @param {number} user @param {boolean} on */
  react(entry, emoji, user, on) {
    const list = entry.message.reactions;
    const known = list.find((reaction) => reaction.emoji === emoji);
    if (on && !known) list.push({ emoji, users: [user] });
    else if (on && known && !known.users.includes(user)) known.users.push(user);
    else if (!on && known) known.users = known.users.filter((id) => id !== user);
    entry.message.reactions = list.filter(({ users }) => users.length > 0);
    rows.reactions(entry.row, entry.message);
    rows.label(entry.row, entry.message);
  }

  /** @param {Entry} entry */
  collapse(entry) {
    if (entry.row.contains(document.activeElement)) this.leave(entry);
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches || document.documentElement.dataset.motion === "calm";
    const done = () => { this.window.remove(entry); this.states(); };
    this.window.byId.delete(entry.message.id);
    if (calm || document.hidden) return done();
    entry.row.classList.add("gone");
    setTimeout(done, 120);
  }

  /** Focus goes to the neighbour before a row goes. @param {Entry} entry */
  leave(entry) {
    const all = this.window.all();
    const index = all.indexOf(entry);
    (all[index + 1]?.row ?? all[index - 1]?.row ?? this).focus({ preventScroll: true });
  }

  /** @param {{open: boolean, after?: number}} detail */
  gap({ open, after = 0 }) {
    this.column.querySelector(".gap")?.remove();
    if (!open || !this.window.atEnd) return;
    const row = document.createElement("div");
    row.className = "gap";
    row.textContent = t("js-gap");
    this.column.insertBefore(row, this.window.top(this.window.entries[this.window.indexOf(after + 1)]));
    if (this.stuck) this.bottom();
  }

  /** A burst is said once, not read out row by row. @param {rows.Message[]} created */
  quieten(created) {
    const now = Date.now();
    if (created.length > 3 || this.arrivals.filter((at) => now - at < 2000).length > 3) {
      this.setAttribute("aria-live", "off");
      clearTimeout(this.loud);
      this.loud = setTimeout(() => this.removeAttribute("aria-live"), 3000);
    }
    if (this.getAttribute("aria-live") !== "off") return;
    const others = created.filter(({ mine }) => !mine);
    if (others.length > 0) void import("./announce.js").then(({ burst }) => burst(others.length, others.filter(({ forMe }) => forMe).length), () => {});
  }

  // --- one's own ------------------------------------------------------------------------------------

  /** @param {outbox.Item} item @param {outbox.State | null} was */
  pending(item, was) {
    const known = this.window.waiting.find(({ message }) => message.nonce === item.nonce);
    const here = this.window.entries.some(({ message }) => message.nonce === item.nonce && message.mine);
    if (here) return void outbox.drop(item.nonce);
    const entry = known ?? this.window.wait(rows.fromItem(item));
    rows.progress(entry.row, item, entry.message);
    if (!known) {
      if (was === null && this.isConnected) entry.row.classList.add("fresh");
      this.quotes([entry]);
      this.states();
      this.hold(() => this.window.trim("top"));
      if (!this.window.atEnd) void this.latest(true);
      this.stuck = true;
    }
    if (item.state === "failed" && was === "sending") void import("./announce.js").then(({ urgent }) => urgent(t("js-row-failed")), () => {});
    if (this.stuck) this.bottom();
  }

  /** @param {{nonce: string, id?: number, seq?: number, at?: string}} answer */
  gone({ nonce, id, seq, at }) {
    const entry = this.window.waiting.find(({ message }) => message.nonce === nonce);
    if (!entry) return;
    if (id === undefined) {
      if (entry.row.contains(document.activeElement)) this.leave(entry);
      this.window.remove(entry);
      this.states();
      return;
    }
    rows.progress(entry.row, null, entry.message);
    Object.assign(entry.message, { id, seq: seq ?? entry.message.seq, ...(at ? { iso: at, at: Date.parse(at) } : {}) });
    rows.identify(entry.row, entry.message);
    rows.label(entry.row, entry.message);
  }

  // --- paging -----------------------------------------------------------------------------------------

  watchEdges() {
    const top = find(this.column, "[data-start]", HTMLElement);
    const end = this.window.end;
    this.edges = new IntersectionObserver((seen) => {
      for (const { isIntersecting, target } of seen) {
        if (isIntersecting) void this.page(target === top ? "older" : "newer");
      }
    }, { root: this, rootMargin: EDGE });
    this.edges.observe(top);
    this.edges.observe(end);
  }

  /** @param {"older" | "newer"} way */
  async page(way) {
    const { window } = this;
    if (this.loading || (way === "older" ? window.atStart : window.atEnd) || !store.room) return;
    this.loading = way;
    this.setAttribute("aria-busy", "true");
    try {
      let from = (way === "older" ? window.entries[0] : window.entries.at(-1))?.message.seq ?? store.seq + 1;
      /** @type {rows.Message[]} */
      let found = [];
      let more = true;
      for (let tries = 0; more && found.length < 20 && tries < 4; tries += 1) {
        const part = await readHistory(store.room?.id ?? 0, `${way === "older" ? "before" : "after"}=${from}&limit=${PAGE}`);
        found = way === "older" ? [...part.messages, ...found] : [...found, ...part.messages];
        more = part.more;
        from = part.next;
      }
      if (!this.isConnected) return;
      this.hold(() => {
        if (way === "older") window.atStart = !more;
        else window.atEnd = !more;
        this.quotes(window.put(found));
        window.trim(way === "older" ? "bottom" : "top");
        this.states();
      });
    } catch {
      await new Promise((go) => setTimeout(go, 2000));
    } finally {
      this.loading = "";
      this.removeAttribute("aria-busy");
      this.edges?.disconnect();
      if (this.isConnected) this.watchEdges();
    }
  }

  /** Does something without moving what the reader looks at. @param {() => void} work */
  hold(work) {
    if (this.stuck) work();
    else hold(this, this.window.all().map(({ row }) => row), work);
  }

  /** Reads the newest page in place of the window. @param {boolean} stick */
  async latest(stick) {
    const { window } = this;
    this.setAttribute("aria-busy", "true");
    try {
      const { messages, more, seq } = await readHistory(store.room?.id ?? 0, `limit=${PAGE}`);
      if (!this.isConnected) return;
      const waiting = window.waiting;
      const place = this.stuck || stick;
      window.clear();
      Object.assign(window, { atStart: !more, atEnd: true });
      window.put(messages);
      for (const { message } of waiting) {
        const item = outbox.get(message.nonce);
        if (item) this.pending(item, item.state);
      }
      shared.caughtUp(seq);
      this.quotes(window.entries);
      this.states();
      this.stuck = place;
      if (place) this.bottom();
      this.readSoon();
    } catch {
      setTimeout(() => { if (this.isConnected) void this.latest(stick); }, 3000);
    } finally {
      this.removeAttribute("aria-busy");
    }
  }

  /** @param {boolean} [focus] */
  async toLatest(focus = false) {
    if (!this.window.atEnd) await this.latest(true);
    this.stuck = true;
    this.bottom();
    this.clearMissed();
    this.held = false;
    this.readSoon();
    if (focus) find(document, "#chat-message-input", HTMLElement).focus({ preventScroll: true });
  }

  /** Brings a message into view, wherever it is. @param {number} id */
  async goTo(id) {
    if (!this.window.byId.has(id)) {
      const found = await api("GET", `/api/v1/chats/messages/${id}/`).catch(() => null);
      if (!found || found.room !== store.room?.id) return;
      const older = await readHistory(store.room?.id ?? 0, `before=${found.seq + 1}&limit=${PAGE}`);
      const newer = await readHistory(store.room?.id ?? 0, `after=${found.seq}&limit=${PAGE}`);
      this.window.clear();
      Object.assign(this.window, { atStart: !older.more, atEnd: !newer.more });
      this.quotes(this.window.put([...older.messages, ...newer.messages]));
    }
    this.stuck = false;
    this.show(id, true);
  }

  /** @param {number} id @param {boolean} focus */
  show(id, focus) {
    const row = this.window.byId.get(id)?.row;
    if (!row) return;
    row.scrollIntoView({ block: "center" });
    row.classList.remove("flash");
    void row.offsetWidth;
    row.classList.add("flash");
    setTimeout(() => row.classList.remove("flash"), 1600);
    if (focus) row.focus({ preventScroll: true });
    this.scrolled();
  }

  // --- reading ------------------------------------------------------------------------------------------

  scrolled() {
    const gap = this.scrollHeight - this.scrollTop - this.clientHeight;
    const was = this.stuck;
    this.stuck = gap <= NEAR_PX && this.window.atEnd;
    if (this.stuck && !was) this.clearMissed();
    this.main.toggleAttribute("data-scrolled", gap > 240 || !this.window.atEnd || this.missed > 0);
    if (was !== this.stuck) this.showPill();
    this.readSoon();
  }

  clearMissed() {
    this.missed = 0;
    this.missedMe = 0;
    this.main.removeAttribute("data-scrolled");
    this.showPill();
  }

  showPill() {
    if (this.missed > 0) this.main.setAttribute("data-scrolled", "");
    const text = this.missed === 0 ? t("js-latest") : this.missedMe === 0 ? t("js-new-count", { n: this.missed })
      : t("js-new-count-me", { n: this.missed, m: this.missedMe });
    const label = find(this.pill, "span", HTMLElement);
    if (label.textContent !== text) label.textContent = text;
  }

  /** At most once a second, and only what was on the screen. */
  readSoon() {
    if (this.readTimer || document.hidden || this.held) return;
    this.readTimer = setTimeout(() => {
      this.readTimer = 0;
      if (document.hidden || this.held || !store.room) return;
      if (this.stuck) return shared.markRead(store.seq);
      const edge = this.getBoundingClientRect().bottom;
      const { entries } = this.window;
      for (let index = entries.length - 1; index >= 0; index -= 1) {
        const entry = /** @type {Entry} */ (entries[index]);
        if (entry.row.getBoundingClientRect().bottom <= edge + 8) return shared.markRead(entry.message.seq);
      }
    }, 1000);
  }

  /** Unread from this message on, until the room is left or read to its end again. @param {Entry} entry */
  unreadFrom(entry) {
    this.held = true;
    this.window.newAfter = entry.message.seq - 1;
    this.window.placeLine();
    shared.markRead(entry.message.seq - 1, true);
  }

  /** The lines that stand for themselves: nothing here yet, and where the room begins. */
  states() {
    const { window } = this;
    const empty = this.column.querySelector(".empty");
    const start = this.column.querySelector(".start");
    const none = window.atStart && window.atEnd && window.entries.length + window.waiting.length === 0;
    if (empty instanceof HTMLElement) empty.hidden = !none;
    if (start instanceof HTMLElement) start.hidden = none || !window.atStart;
  }

  /** Fills quotes of messages that are elsewhere. @param {Entry[]} entries */
  quotes(entries) {
    for (const { message, row } of entries) {
      const id = message.reply;
      if (id === null || message.quote) continue;
      const known = this.window.byId.get(id)?.message;
      if (known) message.quote = { nickname: known.sender, text: rows.snippet(known) };
      else if (!rows.quotes.has(id)) void this.askQuote(id);
      rows.quote(row, message);
    }
  }

  /** @param {number} id */
  async askQuote(id) {
    rows.quotes.set(id, { nickname: "", text: "…" });
    const found = await api("GET", `/api/v1/chats/messages/${id}/`).catch(() => null);
    rows.quotes.set(id, found ? { nickname: found.sender, text: rows.snippet(rows.fromWire(found)) } : null);
    for (const { message, row } of this.window.all()) if (message.reply === id) rows.quote(row, message);
  }

  // --- hands ----------------------------------------------------------------------------------------------

  /** @param {EventTarget | null} target @returns {Entry | null} */
  entryOf(target) {
    const row = target instanceof Element ? target.closest(".msg") : null;
    return row ? this.window.all().find((entry) => entry.row === row) ?? null : null;
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const target = event.target instanceof Element ? event.target : null;
    const entry = this.entryOf(target);
    if (!entry || !target || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const quote = target.closest(".reply");
    const button = target.closest("button");
    if (quote) {
      event.preventDefault();
      if (entry.message.reply) void this.goTo(entry.message.reply);
    } else if (button?.closest(".rx")) {
      this.emit("row:command", { command: "react", entry, emoji: button.dataset.emoji });
    } else if (button?.dataset.do) {
      this.emit("row:command", { command: button.dataset.do, entry, button });
    }
  }

  /** @param {Entry | undefined} entry */
  focusRow(entry) {
    if (!entry) return;
    this.current = entry;
    entry.row.focus({ preventScroll: true });
    entry.row.scrollIntoView({ block: "nearest" });
  }
}
