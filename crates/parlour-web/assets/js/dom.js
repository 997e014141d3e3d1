// @ts-check
/** Small helpers, and the base of the custom elements, which upgrade markup that the server made. */

/** Base of the custom elements: what is listened to ends with the element. */
export class Part extends HTMLElement {
  /** @type {AbortController | null} */
  #gone = null;

  connectedCallback() {
    this.#gone = new AbortController();
    this.start();
  }

  disconnectedCallback() {
    this.#gone?.abort();
    this.#gone = null;
    this.stop();
  }

  /** When the element is on the page. */
  start() {}

  /** When it has gone. */
  stop() {}

  /** Ends with the element; for `fetch` and the like. @returns {AbortSignal | undefined} */
  get signal() {
    return this.#gone?.signal;
  }

  /** @param {EventTarget} target @param {string} type @param {(event: any) => void} fn @param {AddEventListenerOptions} [options] */
  on(target, type, fn, options = {}) {
    target.addEventListener(type, fn, this.#gone ? { ...options, signal: this.#gone.signal } : options);
  }

  /** @param {string} type @param {any} [detail] @returns {boolean} whether nobody prevented it */
  emit(type, detail) {
    return this.dispatchEvent(new CustomEvent(type, { detail, bubbles: true, cancelable: true }));
  }
}

/**
 * The first element of a selector, which must be there and of this kind.
 * @template {Element} T @param {ParentNode} root @param {string} selector @param {new () => T} kind @returns {T}
 */
export function find(root, selector, kind) {
  const found = root.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`no ${selector}`);
  return found;
}

/**
 * The first element of a selector if it is there and of this kind.
 * @template {Element} T @param {ParentNode} root @param {string} selector @param {new () => T} kind @returns {T | null}
 */
export function maybe(root, selector, kind) {
  const found = root.querySelector(selector);
  return found instanceof kind ? found : null;
}

/**
 * A new element.
 * @param {string} name @param {Record<string, string>} [attributes] @param {...(Node | string)} children @returns {HTMLElement}
 */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** An icon of the sprite, copied from one that is on the page. @param {string} name @param {boolean} [small] @returns {SVGElement} */
export function icon(name, small = false) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  const sprite = document.documentElement.dataset.icons ?? "";
  svg.setAttribute("class", small ? "i s" : "i");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `${sprite}#${name}`);
  svg.append(use);
  return svg;
}

/** @type {Promise<void> | null} */
let late = null;

/** The style of what loads late: tray, viewer, gallery. Without it they still work. @returns {Promise<void>} */
export function lateStyle() {
  late ??= new Promise((resolve) => {
    const link = make("link", { rel: "stylesheet", href: new URL("../css/late.css", import.meta.url).href });
    for (const name of ["load", "error"]) link.addEventListener(name, () => resolve());
    document.head.append(link);
  });
  return late;
}
