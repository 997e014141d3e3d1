// @ts-check
/** `<p-composer>`: the field, its draft, its keys, the chip of an answer, the ways in for files, and who is writing. */
import { Part, find } from "./dom.js";
import * as net from "./net.js";
import * as outbox from "./outbox.js";
import { snippet } from "./rows.js";
import { store } from "./store.js";
import { t } from "./texts.js";

const TYPING_MS = 3000;
const DRAFT_MS = 400;
/** The counter shows when so few characters are left. */
const COUNT_FROM = 200;
const MARKS = /** @type {Record<string, string>} */ ({ b: "**", i: "*", e: "`" });

/** @param {string} text @returns {number} code points */
const length = (text) => { let n = 0; for (const _ of text) n += 1; return n; };

/** The module for files, once one was seen. @type {Promise<typeof import("./attach.js")> | null} */
let loaded = null;

export class Composer extends Part {
  room = 0;
  key = "";
  saving = 0;
  typedAt = 0;
  tooLong = false;
  /** The message that is answered. @type {import("./rows.js").Message | null} */ answer = null;
  /** Set by complete.js while its list is open. @type {((event: KeyboardEvent) => boolean) | null} */ completion = null;
  /** @type {Promise<void> | undefined} */ completer;
  /** Files that wait to be sent; made by attach.js. @type {import("./attach.js").Tray | null} */ tray = null;

  start() {
    const room = store.room;
    if (!room) return;
    this.room = room.id;
    this.form = find(this, "form", HTMLFormElement);
    this.field = find(this, "textarea", HTMLTextAreaElement);
    this.chip = find(this, ".replying", HTMLElement);
    this.counter = find(this, ".counter", HTMLElement);
    this.key = `parlour:draft:${store.me.id}:${room.id}`;
    this.on(this.form, "submit", (event) => { event.preventDefault(); this.send(); });
    this.on(this.field, "keydown", (event) => this.keydown(event));
    this.on(this.field, "input", () => this.input());
    this.on(this.chip, "click", ({ target }) => { if (target.closest("button")) this.reply(null); });
    this.on(this, "click", ({ target }) => { if (target.closest("[data-do=emoji]")) this.emoji(target.closest("button")); });
    this.receive();
    this.on(window, "pagehide", () => this.save());
    this.on(document, "visibilitychange", () => { if (document.hidden) this.save(); });
    this.on(document, "store:typing", () => this.writing());
    this.on(document, "store:people", () => this.writing());
    this.restore();
    this.measure();
  }

  stop() {
    this.save();
  }

  get text() {
    return this.field?.value ?? "";
  }

  /** Replaces the text as if it had been typed. @param {string} text */
  write(text) {
    if (!this.field) return;
    this.field.value = text;
    this.field.setSelectionRange(text.length, text.length);
    this.measure();
    this.save();
  }

  // --- drafts -----------------------------------------------------------------------------------------

  restore() {
    try {
      const kept = JSON.parse(localStorage.getItem(this.key) ?? "null");
      if (!kept || !this.field) return;
      if (!this.field.value) this.write(String(kept.text ?? ""));
      if (kept.reply) this.reply(kept.reply, false);
    } catch {
      // A browser that keeps nothing has no drafts.
    }
  }

  save() {
    clearTimeout(this.saving);
    this.saving = 0;
    try {
      const text = this.text;
      if (!text && !this.answer) return localStorage.removeItem(this.key);
      const { id, sender, text: quoted } = this.answer ?? {};
      localStorage.setItem(this.key, JSON.stringify({ text, reply: id ? { id, sender, text: quoted } : null }));
    } catch {
      // As above.
    }
  }

  // --- typing -----------------------------------------------------------------------------------------

  input() {
    this.measure();
    this.saving ||= setTimeout(() => this.save(), DRAFT_MS);
    const now = Date.now();
    if (this.text && now - this.typedAt >= TYPING_MS && net.state.open) {
      this.typedAt = now;
      net.send({ type: "typing", room: this.room });
    }
    if (!this.completer && /(^|\s)[@:/][^\s]*$/.test(this.text.slice(0, this.field?.selectionStart ?? 0))) {
      this.completer = import("./complete.js").then(({ attach }) => attach(this), () => { this.completer = undefined; });
    }
  }

  /** Height, counter, and whether there is something to send. */
  measure() {
    const { field, counter } = this;
    if (!field || !counter) return;
    if (!CSS.supports("field-sizing", "content")) {
      field.style.blockSize = "auto";
      field.style.blockSize = `${Math.min(field.scrollHeight, innerHeight * 0.38)}px`;
    }
    const left = field.value.length < store.maxText - COUNT_FROM ? COUNT_FROM + 1 : store.maxText - length(field.value.trim());
    counter.hidden = left > COUNT_FROM;
    if (!counter.hidden) counter.textContent = left >= 0 ? t("js-chars-left", { n: left }) : t("js-chars-over", { n: -left });
    counter.classList.toggle("over", left < 0);
    field.toggleAttribute("aria-invalid", left < 0);
    this.tooLong = left < 0;
  }

  /** @param {KeyboardEvent} event */
  keydown(event) {
    if (event.isComposing || event.keyCode === 229) return;
    if (this.completion?.(event)) return;
    const command = event.ctrlKey || event.metaKey;
    if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      const onEnter = store.preferences.send_key !== "ctrl_enter" && !matchMedia("(hover: none) and (pointer: coarse)").matches;
      if (!command && !onEnter) return;
      event.preventDefault();
      this.send();
    } else if (event.key === "ArrowUp" && !this.text && !command && !event.altKey) {
      event.preventDefault();
      this.emit("composer:last", { command: event.shiftKey ? "reply" : "edit" });
    } else if (event.key === "Escape" && this.answer) {
      event.preventDefault();
      event.stopPropagation();
      this.reply(null);
    } else if (command && !event.altKey && !event.shiftKey && MARKS[event.key.toLowerCase()]) {
      event.preventDefault();
      this.mark(MARKS[event.key.toLowerCase()] ?? "");
    }
  }

  /** Puts marks around the selection, or takes them away. @param {string} mark */
  mark(mark) {
    const field = this.field;
    if (!field) return;
    const { selectionStart: from, selectionEnd: to, value } = field;
    const inner = value.slice(from, to);
    const wrapped = value.slice(from - mark.length, from) === mark && value.slice(to, to + mark.length) === mark;
    if (wrapped) field.setRangeText(inner, from - mark.length, to + mark.length, "select");
    else {
      field.setRangeText(mark + inner + mark, from, to, "end");
      field.setSelectionRange(from + mark.length, to + mark.length);
    }
    this.input();
  }

  /** Puts text where the caret is. @param {string} text @param {number} [from] @param {number} [to] */
  insert(text, from, to) {
    const field = this.field;
    if (!field) return;
    field.setRangeText(text, from ?? field.selectionStart, to ?? field.selectionEnd, "end");
    field.focus();
    this.input();
  }

  // --- files ------------------------------------------------------------------------------------------

  /** Files come by the button, by pasting, and by dropping them anywhere on the room. */
  receive() {
    const chosen = find(this, "input[type=file]", HTMLInputElement);
    this.on(chosen, "change", () => {
      const files = [...chosen.files ?? []];
      chosen.value = "";
      this.attach(files);
    });
    this.on(find(this, "textarea", HTMLTextAreaElement), "paste", (event) => {
      const files = [...event.clipboardData?.files ?? []];
      // A table or a text brings a picture of itself along: the words are meant.
      if (files.length === 0 || event.clipboardData.types.includes("text/plain")) return;
      event.preventDefault();
      this.attach(files, true);
    });
    for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
      this.on(document, name, (event) => {
        if (!event.dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        const files = name === "drop" ? [...event.dataTransfer.files] : [];
        const inside = name === "dragleave" ? event.relatedTarget !== null : event.target instanceof Element && event.target.closest("main.room, .people") !== null;
        event.dataTransfer.dropEffect = inside ? "copy" : "none";
        const count = event.dataTransfer.items.length;
        if (name !== "dragover") this.files((module) => module.drag(this, name, { count, files, inside }));
      });
    }
    loaded?.then((module) => module.restore(this), () => {});
  }

  /** @param {File[]} files @param {boolean} [pasted] */
  attach(files, pasted = false) {
    if (files.length > 0) this.files((module) => module.add(this, files.map((file) => ({ file, alt: "" })), pasted));
  }

  /** Does something with the module for files. @param {(module: typeof import("./attach.js")) => void} use */
  files(use) {
    loaded ??= import("./attach.js");
    loaded.then(use, () => { loaded = null; });
  }

  // --- sending ----------------------------------------------------------------------------------------

  send() {
    const text = this.text.trim();
    if ((!text && !this.tray?.list.length) || !this.room) return;
    if (this.tooLong) {
      this.counter?.setAttribute("role", "alert");
      return;
    }
    if (!this.tray?.list.length && text.startsWith("/") && !text.includes("\n") && this.command(text)) return;
    performance.mark("parlour:send");
    outbox.add(this.room, text, this.answer?.id ?? null, this.tray?.take());
    this.write("");
    this.reply(null, false);
    this.typedAt = 0;
    this.field?.focus();
  }

  /** `/topic …` and the like; a path such as /etc/hosts is a text. @param {string} text @returns {boolean} */
  command(text) {
    const [, name = "", rest = ""] = /^\/([a-z]+)(?:\s+(.*))?$/.exec(text) ?? [];
    if (!["topic", "invite", "leave"].includes(name)) return false;
    void import("./complete.js").then(({ run }) => run(this, name, rest));
    return true;
  }

  /** Answers a message, or none. @param {any} message @param {boolean} [focus] */
  reply(message, focus = true) {
    const { chip, field } = this;
    if (!chip || !field) return;
    this.answer = message;
    chip.hidden = message === null;
    find(this, "[name=reply_to]", HTMLInputElement).value = message ? String(message.id) : "";
    if (message) {
      find(chip, "b", HTMLElement).textContent = message.sender;
      find(chip, "span", HTMLElement).textContent = snippet(message);
    }
    if (focus) field.focus();
    this.saving ||= setTimeout(() => this.save(), DRAFT_MS);
  }

  /** @param {HTMLElement} opener */
  emoji(opener) {
    void import("./emoji.js").then(({ pick }) => pick(opener, (emoji) => this.insert(emoji)));
  }

  // --- others -----------------------------------------------------------------------------------------

  writing() {
    const line = this.querySelector(".typing");
    if (!(line instanceof HTMLElement)) return;
    const names = [...store.people.values()].filter((person) => person.writing).map(({ nickname }) => nickname);
    const dots = line.querySelector("i");
    const words = line.querySelector("span");
    const [name = "", other = ""] = names;
    const text = names.length === 0 ? "" : names.length === 1 ? t("js-writing-1", { name })
      : names.length === 2 ? t("js-writing-2", { name, other }) : t("js-writing-n", { n: names.length });
    if (dots instanceof HTMLElement) dots.hidden = names.length === 0;
    if (words && words.textContent !== text) words.textContent = text;
  }
}
