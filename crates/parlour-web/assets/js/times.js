// @ts-check
/** Times in the viewer's zone and language, and how much time is left. */
import { locale, t } from "./texts.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `auto`, `h12` or `h24`, from the viewer's preferences. */
const chosen = document.documentElement.dataset.clock;

/** @type {Intl.DateTimeFormatOptions} */
const hours = chosen === "h12" ? { hourCycle: "h12" } : chosen === "h24" ? { hourCycle: "h23" } : {};

/** @type {Record<string, Intl.DateTimeFormatOptions>} */
const STYLES = {
  clock: { hour: "numeric", minute: "2-digit", ...hours },
  day: { weekday: "long", day: "numeric", month: "long" },
  date: { dateStyle: "medium" },
  datetime: { dateStyle: "medium", timeStyle: "short", ...hours },
  full: { weekday: "long", day: "numeric", month: "long", year: "numeric", hour: "numeric", minute: "2-digit", timeZoneName: "short", ...hours },
};

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** @param {string} style @param {number} at @returns {string} */
function format(style, at) {
  let made = formats.get(style);
  if (!made) {
    made = new Intl.DateTimeFormat(locale, STYLES[style] ?? STYLES.datetime);
    formats.set(style, made);
  }
  return made.format(at);
}

/** Hour and minute. @param {number} at milliseconds @returns {string} */
export const clock = (at) => format("clock", at);

/** Weekday, day and month. @param {number} at milliseconds @returns {string} */
export const dayName = (at) => format("day", at);

/** Everything, for titles. @param {number} at milliseconds @returns {string} */
export const full = (at) => format("full", at);

/** Equal for moments of one day in the viewer's zone. @param {number} at milliseconds @returns {string} */
export function dayKey(at) {
  const date = new Date(at);
  return `${date.getFullYear()}-${date.getMonth() + 1}-${date.getDate()}`;
}

/**
 * How much is left, rounded as the server does it.
 * @param {number} ms @returns {string}
 */
export function left(ms) {
  if (ms < MINUTE) return t("js-left-soon");
  if (ms < HOUR) return t("js-left-minutes", { n: Math.floor(ms / MINUTE) });
  if (ms < DAY) return t("js-left-hours", { n: Math.ceil(ms / HOUR) });
  return t("js-left-days", { n: Math.ceil(ms / DAY) });
}

/** Puts the times below `root` into the viewer's zone. @param {ParentNode} [root] */
export function localize(root = document) {
  for (const time of root.querySelectorAll("time[data-style]")) {
    if (!(time instanceof HTMLTimeElement)) continue;
    const at = Date.parse(time.dateTime);
    if (Number.isNaN(at)) continue;
    time.textContent = format(time.dataset.style ?? "datetime", at);
    time.title = full(at);
  }
}

/** Brings the "5 days left" (`data-left` holds the end) below `root` up to date. @param {ParentNode} [root] */
export function count(root = document) {
  for (const mark of root.querySelectorAll("[data-left]")) {
    if (!(mark instanceof HTMLElement)) continue;
    const rest = Date.parse(mark.dataset.left ?? "") - Date.now();
    if (Number.isNaN(rest)) continue;
    const text = left(rest);
    if (mark.textContent !== text) mark.textContent = text;
    mark.classList.toggle("soon", rest < DAY);
  }
}

/** Does both now, and counts on each minute while somebody looks. */
export function start() {
  localize();
  count();
  setInterval(() => {
    if (!document.hidden) count();
  }, MINUTE);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) count();
  });
}
