// @ts-check
/** The list of rooms: a filter, the form of a new room in a dialog, and rooms that appear while one looks. */
import { Part, find, make, maybe } from "./dom.js";
import { t } from "./texts.js";
import { count, localize, start as startTimes } from "./times.js";
import "./form.js";

/** @typedef {{id: number, name: string, topic?: string, type: string, owner: number, max_users: number, members?: number[] | number, expires_at: string | null, created_at?: string}} Details */

const DRAWN_SEATS = 24;
const WEEK_MS = 7 * 24 * 3600 * 1000;

/** For comparing: no case, no accents. @param {string} text @returns {string} */
const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLocaleLowerCase();

class List extends Part {
  start() {
    this.table = find(this, "table", HTMLTableElement);
    this.body = find(this.table, "tbody", HTMLElement);
    this.field = find(this, "#filter", HTMLInputElement);
    this.template = find(document, "#room-row", HTMLTemplateElement);
    /** The words of each row, made once. @type {Map<HTMLElement, string>} */
    this.words = new Map();
    this.on(this.field, "input", () => this.filter());
    this.on(this.field, "keydown", (event) => this.key(event));
    this.on(this.body, "keydown", (event) => this.walk(event));
    this.on(document, "net:event", ({ detail }) => this.hear(detail));
    this.dialog();
    if (this.field.value) this.filter();
  }

  /** @returns {HTMLElement[]} */
  get rows() {
    return /** @type {HTMLElement[]} */ ([...(this.body?.children ?? [])]);
  }

  filter() {
    const wanted = plain(this.field?.value ?? "").split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of this.rows) {
      let words = this.words?.get(row);
      if (words === undefined) {
        words = plain([".ttl", ".own", ".top"].map((part) => row.querySelector(part)?.textContent ?? "").join(" "));
        this.words?.set(row, words);
      }
      const fits = wanted.every((word) => words?.includes(word));
      row.hidden = !fits;
      if (fits) shown += 1;
    }
    find(this, "#no-match", HTMLElement).hidden = shown > 0 || this.rows.length === 0;
    if (this.table) this.table.hidden = shown === 0;
    find(this, "#filter-count", HTMLElement).textContent = wanted.length > 0 ? t("js-list-found", { n: shown }) : "";
  }

  /** @returns {HTMLAnchorElement[]} */
  get links() {
    return this.rows.filter((row) => !row.hidden).map((row) => find(row, ".ttl a", HTMLAnchorElement));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (event.isComposing) return;
    const first = this.links[0];
    if ((event.key === "ArrowDown" || event.key === "Enter") && first) {
      event.preventDefault();
      if (event.key === "Enter") first.click();
      else first.focus();
    } else if (event.key === "Escape" && this.field?.value) {
      event.preventDefault();
      this.field.value = "";
      this.filter();
    }
  }

  /** @param {KeyboardEvent} event */
  walk(event) {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const { links } = this;
    const at = links.findIndex((link) => link === document.activeElement);
    if (at < 0) return;
    event.preventDefault();
    const next = links[at + (event.key === "ArrowDown" ? 1 : -1)];
    (next ?? (event.key === "ArrowUp" ? this.field : null))?.focus();
  }

  dialog() {
    const dialog = maybe(document, "#create-dialog", HTMLDialogElement);
    const opener = maybe(this, "#create-room", HTMLAnchorElement);
    if (!dialog || !opener) return;
    this.on(opener, "click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      dialog.showModal();
      maybe(dialog, "[name=title]", HTMLInputElement)?.focus();
    });
    this.on(dialog, "click", ({ target }) => {
      if (target === dialog || target.closest?.("[data-close]")) dialog.close();
    });
    this.on(dialog, "close", () => opener.focus());
  }

  /** @param {{type: string, room: number, details?: Details, id?: number, member?: {id: number}}} frame */
  hear(frame) {
    const row = this.body?.querySelector(`tr[data-id="${frame.room}"]`) ?? null;
    if (frame.type === "room.created" && frame.details && !row) this.add(frame.details);
    else if (frame.type === "room.updated" && frame.details && row instanceof HTMLElement) this.fill(row, frame.details);
    else if (frame.type === "room.deleted" && row instanceof HTMLElement) this.drop(row);
  }

  /** @param {Details} details */
  add(details) {
    if (details.type !== "GROUP" || !this.template || !this.body) return;
    const row = /** @type {HTMLElement} */ (document.importNode(find(this.template.content, "tr", HTMLElement), true));
    row.dataset.id = String(details.id);
    find(row, ".num", HTMLElement).textContent = String(details.id);
    find(row, ".ttl a", HTMLAnchorElement).href = `/chat/${details.id}/`;
    find(row, ".made time", HTMLTimeElement).dateTime = details.created_at ?? new Date().toISOString();
    this.fill(row, details);
    row.classList.add("fresh");
    const after = this.rows.find((other) => Number(other.dataset.id) < details.id) ?? null;
    this.body.insertBefore(row, after);
    localize(row);
    find(this, "#no-rooms", HTMLElement).hidden = true;
    maybe(this, ".filter", HTMLElement)?.removeAttribute("hidden");
    this.filter();
    void this.owner(row, details.owner);
  }

  /** Topic, name, seats and time of a row. @param {HTMLElement} row @param {Details} details */
  fill(row, details) {
    const { members = [] } = details;
    const taken = typeof members === "number" ? members : members.length;
    find(row, ".ttl a", HTMLAnchorElement).textContent = details.name;
    find(row, ".top", HTMLElement).textContent = details.topic ?? "";
    find(row, ".count-cell", HTMLElement).textContent = String(taken);
    this.seats(find(row, ".who", HTMLElement), taken, details.max_users);
    const left = maybe(row, "[data-left]", HTMLElement);
    if (left && details.expires_at) {
      left.dataset.left = details.expires_at;
      const share = Math.min(100, Math.max(0, (Date.parse(details.expires_at) - Date.now()) / WEEK_MS * 100));
      row.style.setProperty("--left", `${share}%`);
    } else {
      left?.remove();
      row.style.removeProperty("--left");
    }
    count(row);
    this.words?.delete(row);
  }

  /** @param {HTMLElement} cell @param {number} taken @param {number} max */
  seats(cell, taken, max) {
    const drawn = max <= DRAWN_SEATS
      ? make("span", { class: "chairs", "aria-hidden": "true" }, ...Array.from({ length: max }, (_, seat) => make("i", seat < taken ? { class: "on" } : {})))
      : make("span", { class: "fill", "aria-hidden": "true" }, make("i", { style: `--part:${Math.min(100, Math.floor(taken * 100 / max))}%` }));
    cell.querySelector(".chairs, .fill")?.remove();
    cell.prepend(drawn);
    find(cell, "em", HTMLElement).textContent = t("js-seats-of", { taken, max });
  }

  /** @param {HTMLElement} row */
  drop(row) {
    const next = row.nextElementSibling ?? row.previousElementSibling;
    if (row.contains(document.activeElement)) (next ? maybe(next, "a", HTMLAnchorElement) : this.field)?.focus();
    row.remove();
    this.words?.delete(row);
    if (this.rows.length === 0) find(this, "#no-rooms", HTMLElement).hidden = false;
    this.filter();
  }

  /** The name of who opened it. @param {HTMLElement} row @param {number} id */
  async owner(row, id) {
    const token = document.cookie.match(/(?:^|; )(?:__Host-)?csrftoken=([^;]+)/)?.[1];
    if (!token) return;
    try {
      const answer = await fetch(`/api/v1/users/${id}/`, { headers: { "X-CSRFToken": decodeURIComponent(token) }, ...(this.signal ? { signal: this.signal } : {}) });
      if (!answer.ok) return;
      const user = await answer.json();
      find(row, ".own", HTMLElement).textContent = user.nickname ?? user.username ?? "";
      this.words?.delete(row);
    } catch {
      /* The row is right without the name; the next visit has it. */
    }
  }
}

startTimes();
customElements.define("p-list", List);
if (document.querySelector('form[action="/accounts/logout/"]')) {
  void import("./net.js").then((net) => net.start(), () => {});
}
