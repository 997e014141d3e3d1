// @ts-check
/**
 * `<p-viewer>`: the pictures of a message, or of the room's files, one at a time and as large as they are.
 * Keys: arrows, Home and End, + - 0, Escape. Hands: swipe, wheel, pinch, double tap.
 */
import { announce } from "./announce.js";
import { Part, find, icon, lateStyle, make } from "./dom.js";
import { t } from "./texts.js";

const MOST = 8;
/** How far a finger goes for the next picture. */
const SWIPE_PX = 60;
const TAP_MS = 300;

/** @param {string} name @param {string} label @param {string} command */
const button = (name, label, command) => make("button", { type: "button", class: "btn-i", "data-do": command, "aria-label": t(label) }, name.length > 1 ? icon(name) : name);

export class Viewer extends Part {
  /** @type {HTMLAnchorElement[]} */ pictures = [];
  index = 0;
  /** How often its fitting size, and how far from the middle. */ scale = 1;
  x = 0;
  y = 0;
  /** Fingers and buttons that are down. @type {Map<number, PointerEvent>} */ hands = new Map();
  moved = 0;
  /** Whether the last press was beside the picture. */ beside = false;
  tapped = 0;
  /** @type {HTMLElement | null} */ opener = null;

  start() {
    this.stage = make("div", { class: "stage" });
    this.count = make("p", { class: "n", "aria-hidden": "true" });
    this.caption = make("p", { class: "cap", dir: "auto" });
    this.save = make("a", { class: "btn-i", download: "" }, icon("get"));
    this.prev = button("back", "js-view-prev", "prev");
    this.next = button("next", "js-view-next", "next");
    this.dialog = /** @type {HTMLDialogElement} */ (make("dialog", { class: "viewer", "aria-label": t("js-view") },
      make("div", { class: "top" }, this.count, button("−", "js-view-out", "out"), button("+", "js-view-in", "in"), this.save, button("close", "js-close", "close")),
      this.stage, this.prev, this.next, this.caption));
    this.append(this.dialog);
    this.on(this.dialog, "click", ({ target }) => this.pressed(target.closest("button")?.dataset.do ?? (this.beside && this.moved < 8 ? "close" : "")));
    this.on(this.dialog, "keydown", (event) => this.keydown(event));
    this.on(this.dialog, "close", () => this.done());
    this.on(this.stage, "wheel", (event) => { event.preventDefault(); this.zoom(this.scale * Math.exp(-event.deltaY / 300), event); }, { passive: false });
    for (const name of ["pointerdown", "pointermove", "pointerup", "pointercancel"]) this.on(this.stage, name, (event) => this.hand(event));
    this.on(window, "resize", () => this.zoom(this.scale));
  }

  /** @param {HTMLAnchorElement} picture */
  open(picture) {
    const group = picture.closest(".pics, .gallery");
    this.opener = picture;
    this.pictures = group ? [...group.querySelectorAll("a.pic[href]")].map((one) => /** @type {HTMLAnchorElement} */ (one)) : [picture];
    this.dialog?.showModal();
    this.show(this.pictures.indexOf(picture));
    this.dialog?.querySelector("button")?.focus();
  }

  done() {
    const opener = this.pictures[this.index]?.isConnected ? this.pictures[this.index] : this.opener;
    opener?.focus({ preventScroll: true });
    opener?.scrollIntoView({ block: "nearest" });
    this.remove();
  }

  /** @param {number} index */
  show(index) {
    const picture = this.pictures[index];
    const { stage, count, caption, save, prev, next } = this;
    if (!picture || !stage || !count || !caption || !save || !prev || !next) return;
    this.index = index;
    const name = picture.dataset.name ?? "";
    const small = picture.querySelector("img");
    const words = small?.alt ?? name;
    const img = /** @type {HTMLImageElement} */ (make("img", { src: picture.href, alt: words, draggable: "false" }));
    for (const side of ["width", "height"]) img.setAttribute(side, small?.getAttribute(side) ?? "");
    // The small one, which is here already, until the large one is.
    if (small?.currentSrc) img.style.backgroundImage = `url("${small.currentSrc}")`;
    img.addEventListener("load", () => { img.style.backgroundImage = ""; }, { once: true });
    img.addEventListener("error", () => stage.replaceChildren(make("p", { role: "alert" }, t("js-view-failed", { name }))), { once: true });
    stage.replaceChildren(img);
    this.zoom(1);
    const place = t("js-view-place", { n: index + 1, of: this.pictures.length });
    count.textContent = this.pictures.length > 1 ? place : "";
    caption.textContent = words === name ? name : `${words} (${name})`;
    save.setAttribute("href", picture.href);
    save.setAttribute("download", name);
    save.setAttribute("aria-label", t("js-file-download", { name }));
    const moves = { prev: index > 0, next: index < this.pictures.length - 1 };
    for (const [way, can] of /** @type {[HTMLElement, boolean][]} */ ([[prev, moves.prev], [next, moves.next]])) {
      // A button that goes away under the focus leaves it to its neighbour.
      if (!can && document.activeElement === way) (way === next ? prev : next).focus();
      way.hidden = !can;
    }
    announce(`${place}: ${words}`);
    this.dialog?.setAttribute("aria-label", `${t("js-view")}, ${place}: ${words}`);
    const after = this.pictures[index + 1];
    if (after) new Image().src = after.href;
  }

  /** @param {string} command */
  pressed(command) {
    const last = this.pictures.length - 1;
    switch (command) {
      case "prev": return this.show(Math.max(0, this.index - 1));
      case "next": return this.show(Math.min(last, this.index + 1));
      case "first": return this.show(0);
      case "last": return this.show(last);
      case "in": return this.zoom(this.scale * 1.5);
      case "out": return this.zoom(this.scale / 1.5);
      case "fit": return this.zoom(1);
      case "close": return this.dialog?.close();
      default:
    }
  }

  /** @param {KeyboardEvent} event */
  keydown(event) {
    event.stopPropagation();
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const right = getComputedStyle(this).direction === "rtl" ? "prev" : "next";
    /** @type {Record<string, string>} */
    const keys = { ArrowRight: right, ArrowLeft: right === "next" ? "prev" : "next", Home: "first", End: "last", "+": "in", "=": "in", "-": "out", 0: "fit" };
    const command = keys[event.key];
    if (!command) return;
    event.preventDefault();
    this.pressed(command);
  }

  // --- zoom and hands -----------------------------------------------------------------------------------

  /** Around a point, which stays where it is. @param {number} scale @param {{clientX: number, clientY: number}} [at] */
  zoom(scale, at) {
    const img = this.stage?.querySelector("img");
    if (!img || !this.stage) return;
    const next = Math.min(MOST, Math.max(1, scale));
    const box = this.stage.getBoundingClientRect();
    const [px, py] = at ? [at.clientX - box.x - box.width / 2, at.clientY - box.y - box.height / 2] : [0, 0];
    this.x = px - ((px - this.x) * next) / this.scale;
    this.y = py - ((py - this.y) * next) / this.scale;
    this.scale = next;
    this.place();
  }

  /** A picture that is larger than the stage covers it; a smaller one stays in the middle. */
  place() {
    const img = this.stage?.querySelector("img");
    if (!img || !this.stage) return;
    const room = (/** @type {number} */ size, /** @type {number} */ of) => Math.max(0, (size * this.scale - of) / 2);
    const across = room(img.offsetWidth, this.stage.clientWidth);
    const down = room(img.offsetHeight, this.stage.clientHeight);
    this.x = Math.min(across, Math.max(-across, this.x));
    this.y = Math.min(down, Math.max(-down, this.y));
    img.style.transform = this.scale === 1 ? "" : `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
    this.stage.toggleAttribute("data-large", this.scale > 1);
  }

  /** @param {PointerEvent} event */
  hand(event) {
    const before = this.hands.get(event.pointerId);
    if (event.type === "pointerdown") {
      this.beside = event.target === this.stage;
      this.hands.set(event.pointerId, event);
      this.stage?.setPointerCapture(event.pointerId);
      if (this.hands.size === 1) this.moved = 0;
      return;
    }
    if (!before) return;
    if (event.type !== "pointermove") return this.lift(event);
    const [dx, dy] = [event.clientX - before.clientX, event.clientY - before.clientY];
    const other = [...this.hands.values()].find(({ pointerId }) => pointerId !== event.pointerId);
    this.moved += Math.abs(dx) + Math.abs(dy);
    if (other) {
      const apart = (/** @type {PointerEvent} */ one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1;
      this.zoom((this.scale * apart(event)) / apart(before), { clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 });
    } else if (this.scale > 1) {
      this.x += dx;
      this.y += dy;
      this.place();
    } else {
      // Not zoomed: the way of the finger is kept, and tells at its end what was meant.
      this.hands.set(event.pointerId, before);
      return;
    }
    this.hands.set(event.pointerId, event);
  }

  /** @param {PointerEvent} event */
  lift(event) {
    const before = this.hands.get(event.pointerId);
    const alone = this.hands.size === 1;
    this.hands.delete(event.pointerId);
    if (!alone || !before || event.type === "pointercancel") return;
    const dx = event.clientX - before.clientX;
    const far = Math.abs(dx) > SWIPE_PX && Math.abs(dx) > 2 * Math.abs(event.clientY - before.clientY);
    if (this.scale === 1 && far && event.pointerType !== "mouse") return this.pressed(dx < 0 ? "next" : "prev");
    if (this.moved >= 8) return;
    const twice = event.timeStamp - this.tapped < TAP_MS;
    this.tapped = twice ? 0 : event.timeStamp;
    if (twice) this.zoom(this.scale > 1 ? 1 : 2.5, event);
  }
}

/** Opens the picture, and those beside it. @param {HTMLAnchorElement} picture */
export async function view(picture) {
  if (document.querySelector("p-viewer")) return;
  await lateStyle();
  if (!customElements.get("p-viewer")) customElements.define("p-viewer", Viewer);
  const viewer = new Viewer();
  document.body.append(viewer);
  viewer.open(picture);
}
