// @ts-check
/** Completion in the composer: @ people, : emoji, / commands. A combobox: the focus stays in the field. */
import { api } from "./api.js";
import { announce, urgent } from "./announce.js";
import { make } from "./dom.js";
import { askPeople, store } from "./store.js";
import { t } from "./texts.js";

/**
 * @typedef {import("./composer.js").Composer} Composer
 * @typedef {{text: string, mark: string, note: string, insert: string}} Choice
 */

const MOST = 8;
/** `/name`, and who may use it. */
const COMMANDS = [
  { name: "topic", may: () => store.room?.is_host === true },
  { name: "invite", may: () => store.room?.is_host === true },
  { name: "leave", may: () => store.room?.is_member === true },
];

/** @param {Composer} composer */
export function attach(composer) {
  const field = composer.field;
  const form = composer.form;
  if (!field || !form) return;
  const list = make("div", { class: "complete", role: "listbox", id: "complete", "aria-label": t("js-complete"), hidden: "" });
  /** @type {Choice[]} */
  let choices = [];
  let active = 0;
  let from = 0;
  form.append(list);
  // One field cannot have lines and be a combobox by itself; the relation is said by these.
  field.setAttribute("aria-controls", "complete");
  field.setAttribute("aria-autocomplete", "list");

  const close = () => {
    list.hidden = true;
    composer.completion = null;
    field.removeAttribute("aria-activedescendant");
  };
  const draw = () => {
    list.replaceChildren(...choices.map(({ text, mark, note }, index) => make("div", {
      role: "option", id: `complete-${index}`, "aria-selected": String(index === active), "data-index": String(index),
    }, ...(mark ? [make("span", { "aria-hidden": "true" }, mark)] : []), text, ...(note ? [make("small", {}, note)] : []))));
    field.setAttribute("aria-activedescendant", `complete-${active}`);
  };
  const take = (/** @type {number} */ index) => {
    const choice = choices[index];
    close();
    if (choice) composer.insert(`${choice.insert} `, from, field.selectionStart);
  };
  const keydown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      active = (active + (event.key === "ArrowDown" ? 1 : -1) + choices.length) % choices.length;
      draw();
    } else if ((event.key === "Enter" && !event.shiftKey) || event.key === "Tab") {
      take(active);
    } else if (event.key === "Escape") {
      close();
      event.stopPropagation();
    } else {
      return false;
    }
    event.preventDefault();
    return true;
  };
  const look = async () => {
    const before = field.value.slice(0, field.selectionStart);
    const found = /(?:^|\s)([@:/])([^\s@:/]*)$/u.exec(before);
    if (!found) return close();
    const [, sign = "", word = ""] = found;
    from = before.length - word.length - 1;
    choices = (await suggest(sign, word.toLocaleLowerCase(), from === 0)).slice(0, MOST);
    if (choices.length === 0 || before !== field.value.slice(0, field.selectionStart)) return close();
    active = 0;
    list.hidden = false;
    composer.completion = keydown;
    draw();
  };
  composer.on(field, "input", () => void look());
  composer.on(field, "blur", close);
  composer.on(list, "pointerdown", (event) => {
    event.preventDefault();
    const option = event.target.closest("[data-index]");
    if (option) take(Number(option.dataset.index));
  });
  void look();
}

/** @param {string} sign @param {string} word @param {boolean} first at the beginning of the text @returns {Promise<Choice[]>} */
async function suggest(sign, word, first) {
  if (sign === "@") {
    const fits = (/** @type {string} */ name) => name.toLocaleLowerCase().split(/\s+/).some((part) => part.startsWith(word)) || name.toLocaleLowerCase().startsWith(word);
    return [...store.people.values()].filter(({ is_me: me, nickname }) => !me && fits(nickname))
      .sort((a, b) => Number(b.here) - Number(a.here) || a.nickname.localeCompare(b.nickname))
      .map(({ nickname, is_host: host }) => ({ text: nickname, mark: "@", note: host ? t("js-host") : "", insert: `@${nickname}` }));
  }
  if (sign === ":") {
    if (word.length < 2) return [];
    const { search } = await import("./emoji.js");
    return search(word).map(({ emoji, name }) => ({ text: name, mark: emoji, note: "", insert: emoji }));
  }
  if (!first) return [];
  return COMMANDS.filter(({ name, may }) => may() && name.startsWith(word))
    .map(({ name }) => ({ text: `/${name}`, mark: "", note: t(`js-command-${name}`), insert: `/${name}` }));
}

/** Carries out a command of the composer. @param {Composer} composer @param {string} name @param {string} rest */
export async function run(composer, name, rest) {
  const room = store.room;
  if (!room || !COMMANDS.find((command) => command.name === name)?.may()) return urgent(t("js-command-not"));
  const base = `/api/v1/chats/rooms/${room.id}/`;
  try {
    if (name === "topic") {
      await api("PATCH", base, { topic: rest });
    } else if (name === "leave") {
      await api("PUT", `${base}leave/`, {});
      composer.write("");
      location.assign("/chat/list/");
      return;
    } else {
      const user = await named(rest.replace(/^@/, "").trim());
      if (!user) return urgent(t("js-command-nobody", { name: rest }));
      await api("POST", `${base}invite/`, { user });
      askPeople();
    }
    composer.write("");
    announce(t(`js-command-${name}-done`));
  } catch (error) {
    urgent(/** @type {any} */ (error).text || t("js-fail-server"));
  }
}

/** @param {string} name a nickname or username @returns {Promise<number | null>} */
async function named(name) {
  const wanted = name.toLocaleLowerCase();
  for (let page = 1, pages = 1; page <= pages && page <= 20; page += 1) {
    const answer = await api("GET", `/api/v1/users/?page_size=100&page=${page}`);
    pages = answer.page_metadata.total_pages;
    const found = answer.results.find((/** @type {any} */ user) => [user.nickname, user.username].some((text) => text?.toLocaleLowerCase() === wanted));
    if (found) return found.id;
  }
  return null;
}
