// @ts-check
/** A message and its row: made from the page's template, read back from rows the server drew, and changed. */
import { find, icon, make } from "./dom.js";
import { bytes, t } from "./texts.js";
import { clock, dayKey, full } from "./times.js";
import { store, initials } from "./store.js";

/**
 * @typedef {{emoji: string, users: number[]}} Reaction
 * @typedef {{id: number | string, url: string, type: string, kind: string, name: string, size: number, alt: string, width?: number | null,
 *   height?: number | null, placeholder?: string | null, thumbs?: {url: string, width: number, height: number}[]}} Attached
 * @typedef {{id: number, seq: number, owner: number, sender: string, hue: number, at: number, iso: string, text: string,
 *   html: string | null, edited: boolean, reply: number | null, quote: {nickname: string, text: string} | null,
 *   reactions: Reaction[], forMe: boolean, nonce: string, day: string, mine: boolean, files: Attached[] | null, first: string}} Message
 * @typedef {import("./outbox.js").Item} Item
 *
 * `first` is the name of its first file. A message that was read back has no `files`: what hangs on its row stays as
 * the server drew it.
 */

/** @param {ParentNode} root @param {string} selector */
const el = (root, selector) => find(root, selector, HTMLElement);

/** Quotes of messages that are not in the window. @type {Map<number, {nickname: string, text: string} | null>} */
export const quotes = new Map();

/** From the wire. @param {any} wire @returns {Message} */
export function fromWire(wire) {
  const at = Date.parse(wire.created_at);
  return {
    id: wire.id, seq: wire.seq, owner: wire.owner, sender: wire.sender, hue: wire.hue, at, iso: wire.created_at, text: wire.text,
    html: typeof wire.html === "string" ? wire.html : null, edited: wire.updated_at !== wire.created_at, reply: wire.reply_to ?? null, quote: null,
    reactions: wire.reactions ?? [], forMe: (wire.mentions ?? []).includes(store.me.id), nonce: wire.nonce ?? "",
    day: dayKey(at), mine: wire.owner === store.me.id, files: wire.files ?? [], first: wire.files?.[0]?.name ?? "",
  };
}

/** From the outbox. @param {Item} item @returns {Message} */
export function fromItem(item) {
  return {
    id: 0, seq: Infinity, owner: item.user, sender: store.me.nickname, hue: store.me.hue, at: item.at, iso: new Date(item.at).toISOString(),
    text: item.text, html: null, edited: false, reply: item.reply_to, quote: null, reactions: [], forMe: false, nonce: item.nonce,
    day: dayKey(item.at), mine: true, files: (item.files ?? []).map((file, index) => ({ ...file, id: `${item.nonce}-${index}`, url: "" })),
    first: item.files?.[0]?.name ?? "",
  };
}

/** From a row that the server drew. @param {HTMLElement} row @returns {Message} */
export function fromRow(row) {
  const data = row.dataset;
  const iso = data.at ?? "";
  const at = Date.parse(iso);
  const reply = row.querySelector(".reply:not([hidden])");
  return {
    id: Number(data.id), seq: Number(data.seq), owner: Number(data.owner), sender: el(row, ".by b").textContent ?? "", hue: Number(data.hue), at, iso,
    text: data.text ?? plain(row), html: null, edited: row.querySelector(".body > .meta") !== null, reply: Number(data.reply) || null,
    quote: reply ? { nickname: reply.querySelector("b")?.textContent ?? "", text: reply.querySelector("span")?.textContent ?? "" } : null,
    reactions: [...row.querySelectorAll(".rx button")].map((button) => ({
      emoji: /** @type {HTMLElement} */ (button).dataset.emoji ?? "",
      users: (/** @type {HTMLElement} */ (button).dataset.users ?? "").split(",").filter(Boolean).map(Number),
    })),
    forMe: row.classList.contains("forme"), nonce: data.nonce ?? "", day: dayKey(at), mine: Number(data.owner) === store.me.id, files: null,
    first: /** @type {HTMLElement | null} */ (row.querySelector("[data-name]"))?.dataset.name ?? "",
  };
}

/** The words of a row's body. @param {Element} row @returns {string} */
function plain(row) {
  const body = /** @type {HTMLElement} */ (el(row, ".body").cloneNode(true));
  body.querySelector(":scope > .meta")?.remove();
  return body.innerText.trim();
}

/** The first line, for quotes. @param {string} text @returns {string} */
export const firstLine = (text) => (text.split("\n").find((line) => line.trim()) ?? "").slice(0, 140);

/** Text without marks of formatting, for quotes. @param {Message} message @returns {string} */
export const snippet = (message) => firstLine((message.text || message.first).replace(/[*`_]{1,3}(\S[^*`_]*)[*`_]{1,3}/g, "$1").replace(/^```.*$/gm, ""));

/** @returns {HTMLElement} */
function blank() {
  const template = find(document, "#row-template", HTMLTemplateElement);
  return /** @type {HTMLElement} */ (document.importNode(el(template.content, ".msg"), true));
}

/** Makes the row of a message. @param {Message} message @returns {HTMLElement} */
export function build(message) {
  const row = blank();
  const hue = String(message.hue * 30);
  const avatar = el(row, ".av");
  avatar.textContent = message.mine ? store.me.initials : initials(message.sender);
  avatar.style.setProperty("--n", hue);
  const name = el(row, ".by b");
  name.textContent = message.sender;
  name.style.setProperty("--n", hue);
  row.dataset.owner = String(message.owner);
  row.classList.toggle("mine", message.mine);
  el(row, ".by .tag").hidden = message.owner !== store.room?.owner_id;
  identify(row, message);
  fill(row, message);
  quote(row, message);
  files(row, message);
  reactions(row, message);
  return row;
}

/** What is only known when the server has it. @param {HTMLElement} row @param {Message} message */
export function identify(row, message) {
  if (message.id > 0) {
    row.id = `m-${message.id}`;
    row.dataset.id = String(message.id);
    row.dataset.seq = String(message.seq);
  }
  row.dataset.at = message.iso;
  if (message.nonce) row.dataset.nonce = message.nonce;
  times(row, message);
}

/** Times in the viewer's zone. @param {HTMLElement} row @param {Message} message */
export function times(row, message) {
  for (const time of row.querySelectorAll("time")) {
    time.dateTime = message.iso;
    time.textContent = clock(message.at);
    time.title = full(message.at);
  }
}

/** The text. @param {HTMLElement} row @param {Message} message */
export function fill(row, message) {
  const body = el(row, ".body");
  if (message.html === null) body.replaceChildren(format(message.text));
  else body.innerHTML = message.html;
  if (message.edited) {
    const mark = document.createElement("span");
    mark.className = "meta";
    mark.textContent = t("js-edited");
    body.append(" ", mark);
  }
  row.classList.toggle("forme", message.forMe);
  controls(row);
}

/** One tab stop for the whole log: what is in a row is reached by Enter, but for code, which one scrolls. And one's own name stands out. @param {HTMLElement} row */
export function controls(row) {
  for (const at of row.querySelectorAll(`.at[data-user="${store.me.id}"]`)) at.classList.add("me-at");
  for (const item of row.querySelectorAll("a, button, audio, video")) {
    if (!item.closest(".tools, .fix, .undo, form")) item.setAttribute("tabindex", "-1");
  }
}

/** The quote above an answer. @param {HTMLElement} row @param {Message} message */
export function quote(row, message) {
  const line = find(row, ".reply", HTMLAnchorElement);
  line.hidden = message.reply === null;
  if (message.reply === null) return;
  row.dataset.reply = String(message.reply);
  line.href = `?at=${message.reply}`;
  const known = message.quote ?? quotes.get(message.reply);
  el(line, "b").textContent = known?.nickname ?? "";
  el(line, "span").textContent = known ? known.text : quotes.has(message.reply) ? t("js-reply-gone") : "…";
}

// --- files -------------------------------------------------------------------------------------------------

/** Pictures have their space before they come; one whose size nobody knows is shown as a file. @param {Attached} file */
export const isPicture = ({ kind, url, width, height }) => kind === "image" && Boolean(!url || (width && height));

/** What hangs on the message: pictures in a grid, everything else in cards. row.html draws the same. @param {HTMLElement} row @param {Message} message */
export function files(row, message) {
  const box = el(row, ".files");
  const list = message.files;
  const ids = list?.map(({ id }) => id).join(",");
  if (!list || (box.dataset.ids ?? "") === ids) return;
  const pictures = list.filter(isPicture);
  const mine = [...box.querySelectorAll("img")].map(({ src }) => src);
  box.hidden = list.length === 0;
  box.dataset.ids = ids ?? "";
  const grid = make("div", { class: "pics", "data-n": String(Math.min(pictures.length, 5)) }, ...pictures.map(picture));
  box.replaceChildren(...(pictures.length > 0 ? [grid] : []), ...list.filter((file) => !isPicture(file)).map(card));
  soften(box, mine);
  controls(row);
}

/** @param {Attached} file @returns {HTMLElement} */
export function picture({ id, url, name, alt, width, height, placeholder, thumbs = [] }) {
  const sized = width && height;
  const img = make("img", { alt: alt || name, loading: "lazy", decoding: "async", ...(sized ? { width: String(width), height: String(height) } : {}) });
  if (thumbs.length > 0) {
    img.setAttribute("sizes", "(max-width: 720px) 90vw, 460px");
    img.setAttribute("srcset", thumbs.map((thumb) => `${thumb.url} ${thumb.width}w`).join(", "));
  }
  const source = thumbs.at(-1)?.url ?? url;
  if (source) img.setAttribute("src", source);
  return make("a", {
    class: "pic", ...(url ? { href: url } : {}), "data-file": String(id), "data-name": name,
    ...(placeholder ? { "data-soft": placeholder } : {}), ...(sized ? { style: `--w:${width};--h:${height}` } : {}),
  }, img);
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * What stands where a picture will be, until it is there: one's own copy of it, or its few colours, stretched (a grid
 * of 4 by 3 cells or 3 by 4; a base64url digit for each channel). Pictures may shine through, so it goes then.
 * @param {HTMLElement} box @param {string[]} [mine] addresses of copies
 */
export function soften(box, mine = []) {
  box.querySelectorAll("img").forEach((img, index) => {
    const code = img.closest("a")?.dataset.soft ?? "";
    const copy = mine[index]?.startsWith("blob:") ? mine[index] : "";
    if ((!copy && code.length !== 36) || (img.complete && img.naturalWidth > 0)) return;
    img.style.backgroundImage = `url("${copy || grid(code, Number(img.getAttribute("height")) > Number(img.getAttribute("width")))}")`;
    img.addEventListener("load", () => {
      img.removeAttribute("style");
      if (copy) URL.revokeObjectURL(copy);
    }, { once: true });
  });
}

/** @param {string} code @param {boolean} high @returns {string} */
function grid(code, high) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = high ? [3, 4] : [4, 3];
  const paint = canvas.getContext("2d");
  const cells = paint?.createImageData(canvas.width, canvas.height);
  if (!paint || !cells) return "";
  for (let index = 0; index < 48; index += 1) cells.data[index] = index % 4 === 3 ? 255 : DIGITS.indexOf(code[index - (index >> 2)] ?? "") * 4;
  paint.putImageData(cells, 0, 0);
  return canvas.toDataURL();
}

/** Everything that is no picture: with a player when browsers have one. @param {Attached} file @returns {HTMLElement} */
export function card({ id, url, kind, name, size }) {
  const box = make("div", { class: `card ${kind}`, "data-file": String(id), "data-name": name });
  if (url && kind === "video") box.append(make("video", { controls: "", preload: "metadata", playsinline: "", src: url, "aria-label": name }));
  const ending = /\.([a-z0-9]{1,4})$/i.exec(name)?.[1]?.toUpperCase();
  box.append(make("span", { class: "ext", "aria-hidden": "true" }, ending ?? icon("clip")), make("div", {}, make("b", {}, name), make("span", { class: "meta" }, bytes(size))));
  if (url) {
    box.append(make("a", { class: "btn-i", href: url, download: name, "aria-label": t("js-file-download", { name }) }, icon("get")),
      make("button", { type: "button", class: "btn-i js-only", "data-do": "copy-file", "aria-label": t("js-file-copy", { name }) }, icon("link")));
    if (kind === "audio") box.append(make("audio", { controls: "", preload: "metadata", src: url, "aria-label": name }));
  }
  return box;
}

/** "3 images, 1 file". @param {HTMLElement} row */
const attached = (row) => {
  const images = row.querySelectorAll(".pic").length;
  const others = row.querySelectorAll(".card").length;
  return [...(images > 0 ? [t("js-row-images", { n: images })] : []), ...(others > 0 ? [t("js-row-files", { n: others })] : [])];
};

/** The pills. @param {HTMLElement} row @param {Message} message */
export function reactions(row, message) {
  const box = el(row, ".rx");
  box.hidden = message.reactions.length === 0;
  const focused = box.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).dataset.emoji : undefined;
  box.replaceChildren(...message.reactions.map(({ emoji, users }) => {
    const button = document.createElement("button");
    const own = users.includes(store.me.id);
    const names = users.slice(0, 5).map((id) => store.people.get(id)?.nickname).filter(Boolean).join(", ");
    button.type = "button";
    button.tabIndex = -1;
    button.dataset.emoji = emoji;
    button.dataset.users = users.join(",");
    button.setAttribute("aria-pressed", String(own));
    button.setAttribute("aria-label", t(own ? "js-reaction-mine" : "js-reaction", { emoji, n: users.length }));
    if (names) button.title = names;
    button.textContent = `${emoji} ${users.length}`;
    return button;
  }));
  if (focused) {
    const again = /** @type {HTMLElement | undefined} */ ([...box.children].find((item) => /** @type {HTMLElement} */ (item).dataset.emoji === focused));
    (again ?? row).focus({ preventScroll: true });
  }
}

/** Head or continuation. @param {HTMLElement} row @param {boolean} head */
export function asHead(row, head) {
  if (row.classList.contains("head") === head) return;
  row.classList.toggle("head", head);
  el(row, ".av").hidden = !head;
  el(row, ".by").hidden = !head;
  el(row, ".t").hidden = head;
}

/** What a screen reader says of the row. @param {HTMLElement} row @param {Message} message @param {Item} [item] */
export function label(row, message, item) {
  if (item) {
    row.setAttribute("aria-label", t(item.state === "failed" ? "js-row-failed" : "js-row-sending"));
    return;
  }
  const parts = [message.sender, clock(message.at)];
  if (message.quote ?? quotes.get(message.reply ?? 0)) parts.push(t("js-row-reply", { name: (message.quote ?? quotes.get(message.reply ?? 0))?.nickname ?? "" }));
  if (message.forMe) parts.push(t("js-row-forme"));
  parts.push(...attached(row));
  const count = message.reactions.reduce((sum, { users }) => sum + users.length, 0);
  if (count > 0) parts.push(t("js-row-reactions", { n: count }));
  row.setAttribute("aria-label", parts.join(", "));
}

/** Sending, waiting, or not sent with its reason and what can be done. @param {HTMLElement} row @param {Item | null} item @param {Message} message */
export function progress(row, item, message) {
  row.classList.toggle("wait", item !== null && item.state !== "failed");
  row.classList.toggle("fail", item?.state === "failed");
  row.toggleAttribute("data-waiting", item?.state === "waiting");
  row.querySelectorAll(".fix, .up, .note").forEach((part) => part.remove());
  const time = el(row, ".by time");
  if (item === null) {
    row.removeAttribute("aria-live");
    time.textContent = clock(message.at);
  } else {
    row.setAttribute("aria-live", "off");
    time.textContent = item.state === "failed" ? clock(message.at) : t(item.state === "sending" ? "js-sending" : "js-waiting");
  }
  if (item?.state === "failed") fix(row, item);
  if (item?.files) void import("./attach.js").then(({ pending }) => pending(row, item), () => {});
  label(row, message, item ?? undefined);
}

/** @param {HTMLElement} row @param {Item} item */
function fix(row, item) {
  const line = document.createElement("div");
  line.className = "fix";
  const why = document.createElement("span");
  why.textContent = item.reason ? t(`js-fail-${item.reason}`) : t("js-fail");
  line.append(why);
  for (const [command, key] of [["again", "js-send-again"], ["rewrite", "js-edit"], ["drop", "js-remove"]]) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.do = command;
    button.textContent = t(key ?? "");
    line.append(button);
  }
  el(row, ".main").append(line);
}

const FENCE = /^```[^\n]*\n([\s\S]*?)(?:\n```|$)/m;
const INLINE = /`([^`\n]+)`|\*\*([^*\n]+)\*\*|(?<![\w*])[*_]([^*_\n]+)[*_](?![\w*])|(https?:\/\/[^\s<>"']*[^\s<>"'.,;:!?)\]])/g;

/**
 * How a text of one's own looks until the server's HTML is there: escaped, with line breaks, links, code,
 * bold and italic. Everything else waits for the server. No HTML is parsed.
 * @param {string} text @returns {DocumentFragment}
 */
function format(text) {
  const out = document.createDocumentFragment();
  let rest = text;
  for (let block = FENCE.exec(rest); block; block = FENCE.exec(rest)) {
    inline(out, rest.slice(0, block.index).replace(/\n$/, ""));
    const pre = out.appendChild(document.createElement("pre"));
    pre.tabIndex = 0;
    pre.appendChild(document.createElement("code")).textContent = block[1] ?? "";
    rest = rest.slice(block.index + block[0].length).replace(/^\n/, "");
  }
  inline(out, rest);
  return out;
}

/** @param {ParentNode & Node} into @param {string} text */
function inline(into, text) {
  let from = 0;
  for (const found of text.matchAll(INLINE)) {
    lines(into, text.slice(from, found.index));
    from = found.index + found[0].length;
    const [, code, bold, italic, link] = found;
    const name = code ? "code" : bold ? "strong" : italic ? "em" : "a";
    const element = document.createElement(name);
    element.textContent = code ?? bold ?? italic ?? link ?? "";
    if (link) Object.assign(element, { href: link, rel: "noopener noreferrer nofollow", target: "_blank" });
    into.appendChild(element);
  }
  lines(into, text.slice(from));
}

/** @param {ParentNode & Node} into @param {string} text */
function lines(into, text) {
  text.split("\n").forEach((line, index) => {
    if (index > 0) into.appendChild(document.createElement("br"));
    if (line) into.appendChild(document.createTextNode(line));
  });
}
