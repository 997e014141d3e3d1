// @ts-check
/** `<p-people>`: who is in the room, live: seats, here and away, host, who is writing, how far somebody read. */
import { Part, find } from "./dom.js";
import { store } from "./store.js";
import { t } from "./texts.js";

/** @typedef {import("./store.js").Person} Person */

/** Seats drawn one by one; a larger room is drawn to scale. */
const CELLS = 48;

export class People extends Part {
  drawing = 0;

  start() {
    const soon = () => { this.drawing ||= requestAnimationFrame(() => { this.drawing = 0; this.draw(); }); };
    for (const name of ["store:people", "store:typing"]) this.on(document, name, soon);
    const opener = document.querySelector(".people-btn");
    if (opener) this.on(opener, "click", (event) => { event.preventDefault(); this.toggle(!this.isOpen); });
    this.on(this, "click", (event) => {
      if (!event.target.closest("[data-do=close]")) return;
      event.preventDefault();
      this.toggle(false);
    });
    this.on(document, "keydown", (event) => { if (event.key === "Escape" && this.isOpen) this.toggle(false); });
    this.on(document, "pointerdown", ({ target }) => {
      if (this.isOpen && !this.contains(target) && !target.closest?.(".people-btn")) this.toggle(false);
    });
  }

  get isOpen() {
    return document.documentElement.dataset.people === "open";
  }

  /** Drawer of narrow pages. @param {boolean} open */
  toggle(open) {
    const root = document.documentElement;
    const opener = document.querySelector(".people-btn");
    if (open) root.dataset.people = "open";
    else delete root.dataset.people;
    opener?.setAttribute("aria-expanded", String(open));
    if (open) this.querySelector("h2")?.focus();
    else if (opener instanceof HTMLElement && this.contains(document.activeElement)) opener.focus();
  }

  draw() {
    if (!store.room) return;
    const all = [...store.people.values()].sort((a, b) => Number(b.is_host) - Number(a.is_host) || a.nickname.localeCompare(b.nickname));
    const here = all.filter((person) => person.here || person.is_me);
    const others = all.filter((person) => !person.here && !person.is_me);
    const away = others.filter((person) => !person.is_host);
    const seated = all.filter(({ is_member }) => is_member);
    this.seats(seated.filter((person) => here.includes(person)).length, seated.length);
    // The host is the first of all, also while away.
    this.list("host", "", others.filter((person) => person.is_host));
    this.list("here", "js-here", here);
    this.list("away", "js-away", away);
    for (const count of document.querySelectorAll("[data-people-count]")) count.textContent = String(here.length);
    document.querySelector(".people-btn")?.setAttribute("aria-label", t("js-people-here", { n: here.length }));
  }

  /** @param {number} here @param {number} taken */
  seats(here, taken) {
    const of = Math.max(store.seats, taken, 1);
    const cells = Math.min(of, CELLS);
    // Whoever is there has a cell, however large the room: parts/people.html rounds the same way.
    const on = Math.ceil((here * cells) / of);
    const filled = on + Math.ceil(((taken - here) * cells) / of);
    find(this, ".seats", HTMLElement).textContent = t("js-seats", { taken, of: store.seats });
    const map = find(this, ".seatmap", HTMLElement);
    map.setAttribute("aria-label", t("js-seatmap", { here, away: taken - here, free: Math.max(0, store.seats - taken) }));
    while (map.childElementCount > cells) map.lastElementChild?.remove();
    while (map.childElementCount < cells) map.append(document.createElement("i"));
    [...map.children].forEach((cell, index) => { cell.className = index < on ? "on" : index < filled ? "aw" : ""; });
  }

  /** @param {"host" | "here" | "away"} name @param {string} key of its head, if it has one @param {Person[]} people */
  list(name, key, people) {
    const list = find(this, `[data-list=${name}]`, HTMLElement);
    list.hidden = people.length === 0;
    if (key) {
      const head = find(this, `[data-head=${name}]`, HTMLElement);
      head.hidden = list.hidden;
      head.textContent = t(key, { n: people.length });
    }
    const old = new Map([...list.children].map((item) => [/** @type {HTMLElement} */ (item).dataset.user, /** @type {HTMLElement} */ (item)]));
    list.replaceChildren(...people.map((person) => this.item(old.get(String(person.id)) ?? this.blank(), person)));
  }

  /** @returns {HTMLElement} */
  blank() {
    const template = find(document, "#person-template", HTMLTemplateElement);
    return /** @type {HTMLElement} */ (document.importNode(find(template.content, "li", HTMLElement), true));
  }

  /** @param {HTMLElement} item @param {Person} person */
  item(item, person) {
    const avatar = find(item, ".av", HTMLElement);
    item.dataset.user = String(person.id);
    avatar.textContent = person.initials;
    avatar.style.setProperty("--n", String(person.hue * 30));
    avatar.dataset.on = person.here || person.is_me ? "" : "away";
    find(item, "b", HTMLElement).textContent = person.nickname;
    const note = find(item, "small", HTMLElement);
    note.textContent = this.note(person);
    note.hidden = note.textContent === "";
    return item;
  }

  /** The line under a name. @param {Person} person */
  note(person) {
    if (person.writing) return t("js-writing");
    const words = [];
    if (person.is_host) words.push(t("js-host"));
    if (person.is_me) words.push(t("js-you"));
    if (words.length === 0 && !person.here && person.read_seq !== null) {
      const time = this.readAt(person.read_seq);
      if (time) words.push(t("js-read-to", { time }));
    }
    return words.join(" · ");
  }

  /** When the last message that somebody read was sent, if it is on the page. @param {number} seq */
  readAt(seq) {
    let best = null;
    for (const row of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("#chat-log .msg[data-seq]"))) {
      if (Number(row.dataset.seq) > seq) break;
      best = row;
    }
    return best?.querySelector("time")?.textContent ?? "";
  }
}
