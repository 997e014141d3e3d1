// @ts-check
/** What holds on every screen, looked at from inside the page. */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** @typedef {import("playwright-core").Page} Page */

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** @param {Page} page @param {"light" | "dark"} theme */
export const wear = (page, theme) => page.evaluate((wish) => { document.documentElement.dataset.theme = wish; }, theme);

/** What axe finds. It comes in through the debugger, so the page's own Content-Security-Policy stays in force. @param {Page} page @returns {Promise<string[]>} */
export async function axe(page) {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(AXE);
  return page.evaluate(async (tags) => {
    const { violations } = await /** @type {any} */ (globalThis).axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] });
    return violations.flatMap((/** @type {any} */ { id, nodes }) => nodes.map((/** @type {any} */ node) => `axe ${id}: ${node.target.join(" ")} ${node.any?.[0]?.message ?? node.failureSummary ?? ""}`));
  }, TAGS);
}

/** What is wider than its place, and cannot be reached without scrolling sideways. @param {Page} page @returns {Promise<string[]>} */
export function sideways(page) {
  return page.evaluate(() => [document.documentElement, ...document.querySelectorAll(".scroll, .people, .sidebar, .rooms, main, .dock, dialog[open], .menu, header")]
    .filter((part) => part.checkVisibility() && part.scrollWidth > part.clientWidth + 1)
    .filter((part) => part === document.documentElement || getComputedStyle(part).overflowX !== "visible")
    .map((part) => `sideways: ${part.tagName}.${part.className} ${part.scrollWidth} > ${part.clientWidth} at ${innerWidth}`));
}

/** Animations that run though the person asked for none. @param {Page} page @returns {Promise<string[]>} */
export function moving(page) {
  return page.evaluate(() => document.getAnimations().filter(({ playState }) => playState === "running")
    .map((one) => `moves: ${/** @type {any} */ (one).animationName ?? /** @type {any} */ (one).transitionProperty}`));
}

/** What can be reached with Tab and does not show it. @param {Page} page @returns {Promise<string[]>} */
export async function unmarked(page) {
  await page.keyboard.press("Shift");
  return page.evaluate(() => {
    const tabbable = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")])
      .filter((one) => one.tabIndex >= 0 && one.checkVisibility({ visibilityProperty: true }) && !one.matches(":disabled"));
    const look = (/** @type {HTMLElement} */ one) => {
      const parts = [one, ...[...Array(4)].map(((at) => () => (at = /** @type {any} */ (at?.parentElement)))(/** @type {Element | null} */ (one)))];
      return parts.map((part) => {
        if (!part) return "";
        const { outlineStyle, outlineWidth, boxShadow, borderColor } = getComputedStyle(part);
        return `${outlineStyle === "none" ? "" : outlineWidth}|${boxShadow}|${borderColor}`;
      }).join("\n");
    };
    const wrong = [];
    const before = document.activeElement;
    for (const one of tabbable) {
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
      const plain = look(one);
      one.focus(/** @type {FocusOptions} */ ({ focusVisible: true, preventScroll: true }));
      if (document.activeElement !== one) continue;
      if (look(one) === plain) wrong.push(`no focus mark: ${one.outerHTML.slice(0, 120)}`);
    }
    if (before instanceof HTMLElement) before.focus({ preventScroll: true });
    return wrong;
  });
}

/** One main with one h1, and everything else in a named place. @param {Page} page @returns {Promise<string[]>} */
export function landmarks(page) {
  return page.evaluate(() => {
    const wrong = [];
    if (document.querySelectorAll("main").length !== 1) wrong.push("landmarks: not one main");
    if (document.querySelectorAll("main h1").length !== 1) wrong.push("landmarks: not one h1 in main");
    if (!document.title.trim()) wrong.push("landmarks: no title");
    const skip = document.querySelector("a.skip");
    if (skip && !document.querySelector(/** @type {string} */ (skip.getAttribute("href")))) wrong.push("landmarks: the skip link leads nowhere");
    if (document.querySelector("main.room")) {
      for (const [part, named] of [["nav", "nav[aria-label]"], ["aside", "aside[aria-label]"], ["form", "form#composer[aria-label]"], ["log", "[role=log][aria-label][tabindex='0']"]]) {
        if (!document.querySelector(named)) wrong.push(`landmarks: no named ${part}`);
      }
    }
    return wrong;
  });
}

/** Latin words on a page, besides those that are data or names. @param {Page} page @param {string[]} data @returns {Promise<string[]>} */
export function latin(page, data) {
  return page.evaluate((known) => {
    /** @type {string[]} */
    const texts = [document.title];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      if (!node.parentElement?.closest("script, style, template, noscript, code, kbd, pre, .av, .body, .reply, .ref, .files, [lang]:not(html), textarea")) texts.push(node.textContent ?? "");
    }
    for (const one of document.querySelectorAll("[aria-label], [placeholder], [title], [alt]")) {
      if (one.closest("template, .body, .files, [lang]:not(html)")) continue;
      for (const name of ["aria-label", "placeholder", "title", "alt"]) texts.push(one.getAttribute(name) ?? "");
    }
    const names = /\b(Parlour|API|REST|WebSocket|Socket\.IO|Ctrl|Shift|Enter|Alt|Esc|English|Markdown|CSS|URL|Mozilla.*|Chrome|Linux|KB|KiB|MiB|R|E|UTC|custom|layer)\b/g;
    const rest = texts.map((text) => known.reduce((left, word) => left.replaceAll(word, ""), text).replaceAll(names, "").trim());
    return [...new Set(rest.filter((text) => /[A-Za-z]{2,}/.test(text)).map((text) => `not Korean: ${text}`))];
  }, data);
}
