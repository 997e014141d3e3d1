// @ts-check
/** What scripts say, in the page's language: the server's JSON in `<script id="texts">`. */

/** @typedef {string | ({select: string, other: string} & Record<string, string>)} Text */

/** @type {Record<string, Text> | null} */
let all = null;

/** @returns {Record<string, Text>} */
function texts() {
  if (all === null) {
    const source = document.getElementById("texts")?.textContent;
    all = /** @type {Record<string, Text>} */ (JSON.parse(source || "{}"));
  }
  return all;
}

/** The page's language. */
export const language = document.documentElement.lang || "en";

/** The viewer's own kind of the page's language (`en-GB`), for dates and numbers. */
export const locale = navigator.languages.find((tag) => tag.split("-")[0] === language) ?? language;

/** Made at their first use: loading the rules of a language takes longer than the rest of a visit's start. @type {Intl.PluralRules | undefined} */
let plural;
/** @type {Intl.NumberFormat | undefined} */
let numbers;

/** @param {number} value @returns {string} */
function number(value) {
  return Number.isInteger(value) && value >= 0 && value < 1000 ? String(value) : (numbers ??= new Intl.NumberFormat(locale)).format(value);
}

/** A size for people: "12 KB", "1.9 MB". The server's rows say the same. @param {number} size @returns {string} */
export function bytes(size) {
  let n = size;
  let unit = 0;
  for (; n >= 1023.5 && unit < 4; unit += 1) n /= 1024;
  return `${unit > 0 && n < 9.95 ? Math.round(n * 10) / 10 : Math.round(n)} ${["B", "KB", "MB", "GB", "TB"][unit]}`;
}

/** @param {Text} text @param {Record<string, string | number>} vars @returns {string} */
function choose(text, vars) {
  if (typeof text === "string") return text;
  const value = vars[text.select];
  const own = text[String(value)];
  if (own !== undefined && value !== "select") return own;
  return (typeof value === "number" ? text[(plural ??= new Intl.PluralRules(language)).select(value)] : undefined) ?? text.other;
}

/**
 * A text by its name. One that is missing shows its name.
 * @param {string} key @param {Record<string, string | number>} [vars] @returns {string}
 */
export function t(key, vars = {}) {
  const text = texts()[key];
  if (text === undefined) return key;
  return choose(text, vars).replace(/\{(\w+)\}/g, (whole, name) => {
    const value = vars[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? number(value) : value;
  });
}
