// @ts-check
/** Administration and first start: the hue shows at once, with the contrast that the style sheet then has. */
import { maybe } from "./dom.js";
import { start } from "./times.js";
import "./form.js";

/** Text and ground of the rows of the table, in their order; the server computes the same pairs. */
const PAIRS = [["--ink", "--bg"], ["--ink3", "--hover"], ["--accent", "--bg"], ["--on-accent", "--accent"]];

/** Relative luminance of an OKLCH colour. @param {number} lightness @param {number} chroma @param {number} hue @returns {number} */
function luminance(lightness, chroma, hue) {
  const angle = hue * Math.PI / 180;
  const [a, b] = [chroma * Math.cos(angle), chroma * Math.sin(angle)];
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3;
  const part = (/** @type {number} */ value) => Math.min(1, Math.max(0, value));
  return 0.2126 * part(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s)
    + 0.7152 * part(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s)
    + 0.0722 * part(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s);
}

/** The luminance of a token in a theme, read from the style sheet itself. @param {HTMLElement} probe @param {string} token @returns {number | null} */
function of(probe, token) {
  probe.style.color = `var(${token})`;
  const numbers = /^oklch\(([\d.]+) ([\d.]+) ([\d.]+)/.exec(getComputedStyle(probe).color);
  return numbers ? luminance(Number(numbers[1]), Number(numbers[2]), Number(numbers[3])) : null;
}

/** @param {HTMLTableElement} table */
function measure(table) {
  const probe = document.body.appendChild(document.createElement("span"));
  for (const theme of ["light", "dark"]) {
    probe.style.colorScheme = theme;
    [...table.querySelectorAll(`[data-in="${theme}"]`)].forEach((cell, row) => {
      const [text, ground] = (PAIRS[row] ?? []).map((token) => of(probe, token));
      if (typeof text !== "number" || typeof ground !== "number") return;
      cell.textContent = ((Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05)).toFixed(1);
    });
  }
  probe.remove();
}

const slider = maybe(document, "[data-hue]", HTMLInputElement);
const table = maybe(document, "#contrast", HTMLTableElement);
slider?.addEventListener("input", () => {
  document.documentElement.style.setProperty("--h", slider.value);
  if (table) measure(table);
});

start();
