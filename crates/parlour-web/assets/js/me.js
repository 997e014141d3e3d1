// @ts-check
/** Your settings: appearance shows at once what it will be, tokens can be copied. */
import { maybe } from "./dom.js";
import { t } from "./texts.js";
import { start } from "./times.js";
import "./form.js";

const root = document.documentElement;

document.addEventListener("change", ({ target }) => {
  if (!(target instanceof HTMLInputElement) || target.form?.elements.namedItem("action") === null) return;
  if (target.name === "theme") root.dataset.theme = target.value;
  else if (target.name === "density") root.dataset.density = target.value;
  else if (target.name === "calm") root.dataset.motion = target.checked ? "calm" : "auto";
});

document.addEventListener("click", async ({ target }) => {
  const button = target instanceof Element ? target.closest("[data-copy]") : null;
  if (!(button instanceof HTMLElement)) return;
  const field = maybe(document, button.dataset.copy ?? "", HTMLInputElement);
  const words = button.querySelector("span") ?? button;
  if (!field) return;
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    words.textContent = t("js-copied");
  } catch {
    words.textContent = t("js-copy-failed");
  }
});

start();
