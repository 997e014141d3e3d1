// @ts-check
/** What screen readers hear beside the log: two live regions, and never a flood. */
import { t } from "./texts.js";

const PAUSE_MS = 5000;

let messages = 0;
let mentions = 0;
let timer = 0;
let last = 0;

/** @param {string} id @param {string} text */
function say(id, text) {
  const region = document.getElementById(id);
  if (!region) return;
  // The same words twice are heard twice only when they change in between.
  region.textContent = region.textContent === text ? `${text}\u00a0` : text;
}

/** Politely. @param {string} text */
export const announce = (text) => say("say", text);

/** At once: something failed. @param {string} text */
export const urgent = (text) => say("say-now", text);

/** Many messages are said as one number. @param {number} count @param {number} forMe */
export function burst(count, forMe) {
  messages += count;
  mentions += forMe;
  if (timer) return;
  timer = setTimeout(() => {
    timer = 0;
    last = Date.now();
    announce(mentions > 0 ? t("js-say-new-me", { n: messages, m: mentions }) : t("js-say-new", { n: messages }));
    messages = 0;
    mentions = 0;
  }, Math.max(1000, last + PAUSE_MS - Date.now()));
}
