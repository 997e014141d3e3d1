// @ts-check
/** A server, a browser and people in it. */

import { chromium } from "playwright-core";
import { Server } from "./server.mjs";

const BROWSER = process.env.PARLOUR_TEST_BROWSER ?? "/usr/bin/chromium";

const FLAGS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-dev-shm-usage",
  // Pages that a test rewrites count as public, and may not talk to a server on loopback otherwise.
  "--disable-features=LocalNetworkAccessChecks",
];

const PASSWORD = "plum-kettle-velvet-19";

/** @typedef {import("playwright-core").BrowserContextOptions} ContextOptions */

/** Somebody with an account, an API token and a browser window of their own. */
export class Person {
  /**
   * @param {World} world
   * @param {{id: number, nickname: string, email: string, token: string}} account
   * @param {import("playwright-core").BrowserContext} context
   * @param {import("playwright-core").Page} page
   */
  constructor(world, account, context, page) {
    this.world = world;
    this.id = account.id;
    this.nickname = account.nickname;
    this.email = account.email;
    this.token = account.token;
    this.context = context;
    this.page = page;
  }

  /** Calls the REST API with the token. Throws when the answer is no success.
   * @param {string} method @param {string} path below /api/v1 @param {object} [body] @returns {Promise<any>} */
  async api(method, path, body) {
    return this.world.api(method, path, body, this.token);
  }

  /** Makes a room. @param {string} name @param {object} [more] @returns {Promise<any>} */
  async makes(name, more = {}) {
    return this.api("POST", "/chats/rooms/", { name, ...more });
  }

  /** Sends a message by REST. @param {number} room @param {string} text @param {object} [more] @returns {Promise<any>} */
  async sends(room, text, more = {}) {
    return this.api("POST", "/chats/messages/", { room, text, ...more });
  }

  /** Joins by REST. @param {number} room @returns {Promise<any>} */
  async joins(room) {
    return this.api("PUT", `/chats/rooms/${room}/join/`);
  }

  /** Opens a room's page and waits until it is live. @param {number} room @param {string} [query] */
  async opens(room, query = "") {
    await this.page.goto(`${this.world.url}/chat/${room}/${query}`);
    await this.live();
  }

  /** Waits until the page's socket is open. */
  async live() {
    await this.page.waitForFunction(() => document.documentElement.dataset.net === "open", null, {
      timeout: 15_000,
    });
  }

  /** Types into the composer and presses Enter. @param {string} text */
  async says(text) {
    await this.page.fill("#chat-message-input", text);
    await this.page.press("#chat-message-input", "Enter");
  }

  /** The row with this text. @param {string} text */
  row(text) {
    return this.page.locator("#chat-log article.msg", { has: this.page.locator(".body", { hasText: text }) });
  }

  /** Another tab of the same person. */
  async tab() {
    return this.context.newPage();
  }
}

export class World {
  /** @param {Server} server @param {import("playwright-core").Browser} browser */
  constructor(server, browser) {
    this.server = server;
    this.browser = browser;
    /** What pages said on their consoles as errors, and exceptions that nobody caught. @type {string[]} */
    this.complaints = [];
  }

  get url() {
    return this.server.url;
  }

  /** @param {Record<string, string>} [settings] */
  static async open(settings = {}) {
    const server = await Server.start(settings);
    const browser = await chromium.launch({ executablePath: BROWSER, args: FLAGS });
    return new World(server, browser);
  }

  async close() {
    await this.browser.close();
    await this.server.remove();
  }

  /** Closes every window and forgets what it said. */
  async tidy() {
    await Promise.all(this.browser.contexts().map((context) => context.close()));
    this.complaints.length = 0;
  }

  /** @param {string} method @param {string} path @param {object} [body] @param {string} [token] @returns {Promise<any>} */
  async api(method, path, body, token) {
    const answer = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: {
        ...(body ? { "Content-Type": "application/json" } : {}),
        ...(token ? { Authorization: `Token ${token}` } : {}),
      },
      body: body ? JSON.stringify(body) : undefined,
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  /** A window without an account. @param {ContextOptions} [options] */
  async visitor(options = {}) {
    const context = await this.browser.newContext({ locale: "en-GB", timezoneId: "UTC", ...options });
    context.setDefaultTimeout(15_000);
    const page = await context.newPage();
    this.listen(page);
    context.on("page", (other) => this.listen(other));
    return { context, page };
  }

  /** @param {import("playwright-core").Page} page */
  listen(page) {
    page.on("pageerror", (error) => this.complaints.push(`${page.url()}: ${error.message}`));
    page.on("console", (message) => {
      if (message.type() === "error") this.complaints.push(`${page.url()}: ${message.text()} ${message.location().url}`);
    });
  }

  /** Somebody new without a window: only the API. @param {string} nickname */
  async account(nickname) {
    const username = `${nickname.replaceAll(/[^\p{L}\p{N}]/gu, "_")}_${Math.random().toString(36).slice(2, 7)}`;
    const email = `${username.toLowerCase().replaceAll(/[^a-z0-9_]/g, "x")}@example.org`;
    const user = await this.api("POST", "/users/", { username, password: PASSWORD, nickname, email });
    const { token } = await this.api("POST", "/auth/login/", { username, password: PASSWORD });
    return new Person(this, { id: user.id, nickname, email, token }, /** @type {any} */ (null), /** @type {any} */ (null));
  }

  /** Somebody new, logged in by the form. @param {string} nickname @param {ContextOptions} [options] */
  async person(nickname, options = {}) {
    const person = await this.account(nickname);
    Object.assign(person, await this.visitor(options));
    await this.logIn(person.page, person.email);
    return person;
  }

  /** Fills in the log-in form. @param {import("playwright-core").Page} page @param {string} email */
  async logIn(page, email, password = PASSWORD) {
    await page.goto(`${this.url}/accounts/login/`);
    await page.fill('input[name="username"]', email);
    await page.fill('input[name="password"]', password);
    await Promise.all([page.waitForURL(/\/chat\//), page.press('input[name="password"]', "Enter")]);
  }

  static get password() {
    return PASSWORD;
  }
}
