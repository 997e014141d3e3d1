// @ts-check
/**
 * `<p-form>`: the form works without it. With it, what is wrong shows at once and in the same words as the
 * server's, nothing is sent twice, and passwords can be looked at. Stands alone, so that the pages for
 * logging in load little.
 */
import { t } from "./texts.js";

/** @typedef {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} Control */

/** @param {Element} element @returns {element is Control} */
const isControl = (element) =>
  element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement || element instanceof HTMLSelectElement;

/** @param {string} name @param {Record<string, string>} attributes @param {...(Node | string)} children @returns {HTMLElement} */
function make(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** Length as the server counts it. @param {string} text @returns {number} */
const length = (text) => [...text].length;

/**
 * What is wrong with a password.
 * @param {string} value @param {number} min @returns {string[]}
 */
function weaknesses(value, min) {
  const found = [];
  if (length(value) < min) found.push(t("js-form-short", { min }));
  if (/^\d+$/.test(value)) found.push(t("js-form-numeric"));
  return found;
}

/**
 * What is wrong with a control's value; the server has the last word.
 * @param {Control} control @param {HTMLFormElement} form @returns {string[]}
 */
export function problems(control, form) {
  const raw = control.value;
  const value = control.type === "password" ? raw : raw.trim();
  const { max, min, same, exact } = control.dataset;
  if (value === "") return control.required ? [t("js-form-required")] : [];
  if (control.type === "email" && control.autocomplete !== "username" && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value)) return [t("js-form-email")];
  if (max !== undefined && length(value) > Number(max)) return [t("js-form-max", { max: Number(max), n: length(value) })];
  if (min !== undefined) return weaknesses(value, Number(min));
  if (same !== undefined && raw !== /** @type {HTMLInputElement | null} */ (form.elements.namedItem(same))?.value) return [t("js-form-differ")];
  if (exact !== undefined && value !== exact.trim()) return [t("js-form-exact")];
  if (control instanceof HTMLInputElement && control.type === "number") {
    if (control.min !== "" && Number(value) < Number(control.min)) return [t("js-form-number-min", { min: Number(control.min) })];
    if (control.max !== "" && Number(value) > Number(control.max)) return [t("js-form-number-max", { max: Number(control.max) })];
  }
  return [];
}

/** Shows what is wrong with a control, or that nothing is. @param {Control} control @param {string[]} texts */
function mark(control, texts) {
  const box = document.getElementById(`${control.id}-error`);
  if (!box) return;
  box.replaceChildren(...texts.map((text) => make("p", {}, text)));
  box.hidden = texts.length === 0;
  const others = (control.getAttribute("aria-describedby") ?? "").split(" ").filter((id) => id && id !== box.id);
  if (texts.length > 0) {
    control.setAttribute("aria-invalid", "true");
    others.push(box.id);
  } else {
    control.removeAttribute("aria-invalid");
  }
  if (others.length > 0) control.setAttribute("aria-describedby", others.join(" "));
  else control.removeAttribute("aria-describedby");
}

/** Counts a refusal down, and lets the form be sent again. @param {HTMLElement} line */
export function countdown(line) {
  const end = Date.now() + Number(line.dataset.wait) * 1000;
  const words = line.querySelector("b") ?? line;
  const step = () => {
    const rest = Math.ceil((end - Date.now()) / 1000);
    words.textContent = rest > 0 ? t("js-form-wait", { n: rest }) : t("js-form-go-on");
    if (rest > 0) setTimeout(step, 1000);
  };
  step();
}

/** A button that shows what a password is; what is given back hides it. @param {HTMLInputElement} field */
function reveal(field) {
  const button = make("button", { type: "button", class: "btn-i" });
  const frame = make("div", { class: "with-btn" });
  const show = (/** @type {boolean} */ shown) => {
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-label", t(shown ? "js-password-hide" : "js-password-show"));
    button.innerHTML = `<svg class="i" aria-hidden="true"><use href="${document.documentElement.dataset.icons}#${shown ? "eye-off" : "eye"}"/></svg>`;
  };
  field.replaceWith(frame);
  frame.append(field, button);
  button.addEventListener("click", () => show(field.type === "password"));
  show(false);
  return () => show(false);
}

export class Form extends HTMLElement {
  /** @type {HTMLFormElement | undefined} */
  form = undefined;

  connectedCallback() {
    const form = this.querySelector("form");
    if (!form || this.form) return;
    this.form = form;
    this.tried = form.querySelector('[aria-invalid="true"]') !== null;
    this.sent = false;
    form.noValidate = true;
    this.hide = [...form.querySelectorAll("input[type=password]")].map((field) => reveal(/** @type {HTMLInputElement} */ (field)));
    form.addEventListener("submit", (event) => this.submit(event));
    form.addEventListener("focusout", ({ target }) => this.check(target));
    form.addEventListener("input", ({ target }) => {
      if (target instanceof Element && target.getAttribute("aria-invalid") === "true") this.check(target);
    });
    addEventListener("pageshow", ({ persisted }) => { if (persisted) this.busy(false); });
      }

  /** @returns {Control[]} */
  get controls() {
    return [...(this.form?.elements ?? [])].filter(isControl).filter((control) => control.type !== "hidden" && !control.hidden);
  }

  /** @param {EventTarget | null} control */
  check(control) {
    if (!this.tried || !this.form || !(control instanceof Element) || !isControl(control)) return;
    mark(control, problems(control, this.form));
  }

  /** @param {SubmitEvent} event */
  submit(event) {
    if (!this.form) return;
    if (this.sent) {
      event.preventDefault();
      return;
    }
    this.tried = true;
    /** @type {[Control, string[]][]} */
    const found = [];
    for (const control of this.controls) {
      const texts = problems(control, this.form);
      mark(control, texts);
      if (texts.length > 0) found.push([control, texts]);
    }
    this.form.querySelector(".alert")?.remove();
    this.summarize(found);
    if (found.length > 0) {
      event.preventDefault();
      return;
    }
    this.hide?.forEach((hide) => hide());
    this.busy(true);
  }

  /** Says above the form what is wrong, with a way to each field. @param {[Control, string[]][]} found */
  summarize(found) {
    this.form?.querySelector("#error-summary")?.remove();
    if (found.length === 0 || !this.form) return;
    const list = make("ul", {});
    for (const [control, texts] of found) {
      const label = control.labels?.[0]?.firstChild?.textContent?.trim();
      for (const text of texts) list.append(make("li", {}, make("a", { href: `#${control.id}` }, label ? `${label}: ${text}` : text)));
    }
    const box = make("div", { class: "summary", role: "alert", tabindex: "-1", id: "error-summary" }, make("h2", {}, t("js-form-errors", { n: found.length })), list);
    this.form.prepend(box);
    box.focus();
  }

  /** @param {boolean} busy */
  busy(busy) {
    this.sent = busy;
    for (const button of this.form?.querySelectorAll("button:not([type=button])") ?? []) button.setAttribute("aria-busy", String(busy));
  }
}

customElements.define("p-form", Form);

for (const line of document.querySelectorAll("[data-wait]")) countdown(/** @type {HTMLElement} */ (line));

/* The links of a summary lead into the fields. */
document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest(".summary a") : null;
  const field = link instanceof HTMLAnchorElement && link.hash ? document.getElementById(link.hash.slice(1)) : null;
  if (!field) return;
  event.preventDefault();
  (field instanceof HTMLFieldSetElement ? field.querySelector("input") : field)?.focus();
});
/* `autofocus` is not for every element in every browser. */
/** @type {HTMLElement | null} */ (document.querySelector("#error-summary, #form-alert"))?.focus();
