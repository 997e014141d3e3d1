// @ts-check
/** A server with a life of its own: people, rooms and talk for the screens. */

import { Server } from "./server.mjs";
import { pdf, png, sendThings, wav } from "./things.mjs";
import { Person, World } from "./world.mjs";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("playwright-core").Request} Request */
/** @typedef {{id: number, nickname: string, token: string}} Guest */
/** @typedef {{market: any, empty: any, soon: any, full: any, gone: any, committee: any, invited: any, quiet: any, removed: any}} Rooms */

const DAY = 86_400_000;

export class Cast {
  /** @param {World} world @param {Page} visitor */
  constructor(world, visitor) {
    this.world = world;
    this.visitor = visitor;
    /** @type {Record<string, Guest>} */
    this.guests = {};
    /** @type {Record<string, Person>} */
    this.people = {};
    this.rooms = /** @type {Rooms} */ ({});
    /** Whether Ada's line is down. */
    this.cut = false;
    /** @type {import("playwright-core").WebSocketRoute[]} */
    this.lines = [];
    this.code = "";
    /** Up to where Ada had read when the others went on. */
    this.readSeq = 0;
    /** A server that counts tries and has no administrator. @type {Server | null} */
    this.strict = null;
  }

  get url() {
    return this.world.url;
  }

  /** Everybody in place. */
  static async open() {
    const world = await World.open({ DEFAULT_MAX_USERS: "24" });
    const { page } = await world.visitor();
    const cast = new Cast(world, page);
    cast.strict = await Server.start({ RATE_LIMITS: "on" });
    cast.code = await cast.setupCode(world.server);
    return cast;
  }

  async close() {
    await this.strict?.remove();
    await this.world.close();
  }

  /** The code that the log prints at the first start. @param {Server} server */
  async setupCode(server) {
    for (let tries = 0; tries < 100; tries += 1) {
      const found = /setup\/?\?code=([A-Za-z0-9_-]+)/.exec(server.log);
      if (found) return found[1];
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`no setup code in the log:\n${server.log}`);
  }

  /** Somebody who is only heard through the API. @param {string} nickname @returns {Promise<Guest>} */
  async guest(nickname) {
    const username = `guest_${Math.random().toString(36).slice(2, 10)}`;
    const account = { username, password: World.password, nickname, email: `${username}@example.org` };
    const user = await this.world.api("POST", "/users/", account);
    const { token } = await this.world.api("POST", "/auth/login/", { username, password: World.password });
    return { id: user.id, nickname, token };
  }

  /** @param {Guest | Person} who @param {number} room @param {string} text @param {object} [more] @returns {Promise<any>} */
  says(who, room, text, more = {}) {
    return this.world.api("POST", "/chats/messages/", { room, text, ...more }, who.token);
  }

  /** @param {Guest | Person} who @param {string} name @param {object} [more] @returns {Promise<any>} */
  makes(who, name, more = {}) {
    return this.world.api("POST", "/chats/rooms/", { name, ...more }, who.token);
  }

  /** @param {Guest | Person} who @param {number} room */
  joins(who, room) {
    return this.world.api("PUT", `/chats/rooms/${room}/join/`, undefined, who.token);
  }

  /** People come, rooms open, talk begins. */
  async fill() {
    await this.gather();
    await this.build();
    await this.seat(["seo", "mina", "jonas"]);
  }

  /** The people: those with windows and those without. */
  async gather() {
    const names = ["Seo-yeon Lim", "Mina Park", "Jonas Weber", "Tomás Brito", "Elif Lale", "Hana Novák", "Gil Duarte"];
    for (const name of names) this.guests[name.split(/[ -]/)[0].toLowerCase()] = await this.guest(name);
    this.people.ada = await this.world.person("Ada Okafor");
    await this.line(this.people.ada.page);
    this.people.touch = await this.world.person("Ruth Kimani", { hasTouch: true, isMobile: true, viewport: { width: 390, height: 844 } });
    this.people.kim = await this.world.person("김하늘", { locale: "ko-KR" });
    await this.people.kim.api("PATCH", `/users/${this.people.kim.id}/preferences/`, { language: "ko" });
  }

  /** Puts Ada's socket under our hand. @param {Page} page */
  async line(page) {
    await page.routeWebSocket(/\/ws$/, (socket) => {
      if (this.cut) return void socket.close({ code: 4000 });
      this.lines.push(socket);
      const server = socket.connectToServer();
      socket.onMessage((text) => {
        const frame = JSON.parse(String(text));
        if (frame.type === "send" && frame.text.startsWith("Done!")) socket.send(JSON.stringify({ type: "error", error: "refused", code: "internal", nonce: frame.nonce }));
        else server.send(text);
      });
    });
  }

  /** Takes Ada's line away, or gives it back. @param {boolean} cut */
  async cutLine(cut) {
    this.cut = cut;
    if (cut) for (const line of this.lines.splice(0)) await line.close({ code: 4000 });
  }

  /** The rooms, all made by other people than Ada but two. */
  async build() {
    const { seo, mina, jonas, ...rest } = this.guests;
    const { ada, touch, kim } = this.people;
    const soon = new Date(Date.now() + 5 * 3_600_000 + 60_000).toISOString();
    const market = await this.makes(seo, "Night market", { topic: "Friday 28 November, doors at six. Stalls, lamps, tea.", expires_at: new Date(Date.now() + 4.9 * DAY).toISOString() });
    const volunteers = await this.makes(mina, "Volunteers", { topic: "Who is around this weekend, and for what", expires_at: new Date(Date.now() + 2.9 * DAY).toISOString() });
    const posters = await this.makes(jonas, "Poster ideas", { topic: "Colours, paper, where to hang them", max_users: 12 });
    const empty = await this.makes(ada, "Sound and lights", { topic: "Cables live in the blue box" });
    const welcome = await this.makes(seo, "새로 오신 분들", { topic: "처음 오셨나요? 여기서 인사해요" });
    const soonRoom = await this.makes(mina, "Saturday rota", { topic: "Opening, closing, and the big clean", expires_at: soon });
    const full = await this.makes(jonas, "Two chairs", { max_users: 2, topic: "Only ever two of us" });
    const committee = await this.makes(ada, "Committee", { type: "PRIVATE", topic: "Minutes on Mondays" });
    const invited = await this.makes(mina, "Budget", { type: "PRIVATE", topic: "Receipts, please" });
    const quiet = await this.makes(seo, "Everybody welcome");
    const gone = await this.makes(ada, "Harvest supper", { expires_at: new Date(Date.now() + 2_000).toISOString() });
    const removed = await this.makes(ada, "Last year");
    this.rooms = { market, empty, soon: soonRoom, full, gone, committee, invited, quiet, removed };
    for (const who of [seo, mina, jonas, ...Object.values(rest), ada, touch, kim]) await this.joins(who, market.id);
    for (const room of [volunteers, posters, welcome, soonRoom]) for (const who of [ada, kim, touch]) await this.joins(who, room.id);
    for (const who of [seo, mina]) await this.joins(who, full.id);
    await this.world.api("POST", `/chats/rooms/${invited.id}/invite/`, { user: ada.id }, mina.token);
    await ada.api("POST", `/chats/rooms/${committee.id}/invite/`, { user: kim.id });
    await ada.joins(committee.id);
    for (const who of [seo, mina, jonas]) await this.joins(who, empty.id);
    await this.says(mina, volunteers.id, "@Ada Okafor can you open on Saturday?");
    await this.says(mina, volunteers.id, "@Ada Okafor and @Ruth Kimani, keys are with me");
    await this.says(jonas, posters.id, "Two drafts are up");
    await ada.api("DELETE", `/chats/rooms/${removed.id}/`);
    await this.talk();
  }

  /** What is said at the night market. */
  async talk() {
    const { seo, mina, jonas, elif } = this.guests;
    const { ada, touch, kim } = this.people;
    const room = this.rooms.market.id;
    const takes = [png("lanterns-1.png", 900, 600, [22, 45, 70]), png("lanterns-2.png", 600, 600, [244, 234, 214]), png("lanterns-3.png", 480, 640, [120, 60, 30])];
    const first = await sendThings(this.world, mina.token, room, "Three takes on the lantern wall. The first one survives rain, the others need the awning.", takes, ["Lanterns in two rows, dark blue", "A plan of the wall"]);
    for (const who of [ada, jonas, seo, elif]) await this.react(who, first.id, "🏮");
    for (const who of [jonas, kim]) await this.react(who, first.id, "☔");
    await this.says(jonas, room, "First one. I can wire it from the workshop, the timer already takes a list:\n\n```rust\nlet rows = lamps.chunks(12);      // one breaker per row, and a line that is longer than the column is wide\nfor (i, row) in rows.enumerate() { row.fade_in(i * 400); }\n```", { reply_to: first.id });
    const load = await this.says(jonas, room, "Load is 340 W, so the quay socket is enough.");
    await this.world.api("PATCH", `/chats/messages/${load.id}/`, { text: "Load is 340 W, so the quay socket is enough. See https://example.org/sockets/quay-east/and/a/rather/long/path?with=parameters" }, jonas.token);
    await sendThings(this.world, elif.token, room, "", [pdf("stall-sign-up.pdf", 1_900_000), wav("quay-bell.wav")]);
    const mine = await this.says(ada, room, "Lovely. I bring **two ladders** and the `12 V` tester:\n\n- ladders\n- tester\n\n> the first one survives rain");
    this.readSeq = mine.seq;
    await this.says(seo, room, "차 부스는 제가 맡을게요. 주전자 두 개 있어요. Tea stall is mine, I have two big kettles.");
    const asked = await this.says(seo, room, "@Ada Okafor could you take the sign-up sheet? We have 12 stalls and 9 names.");
    await this.react(mina, asked.id, "👍");
    await this.says(kim, room, "저는 조명 설치를 도와드릴 수 있어요. 금요일 오후 네 시부터 시간이 됩니다.");
    await this.says(touch, room, "I can be there at four.");
  }

  /** @param {Guest | Person} who @param {number} message @param {string} emoji */
  react(who, message, emoji) {
    return this.world.api("PUT", `/chats/messages/${message}/reactions/${encodeURIComponent(emoji)}/`, undefined, who.token);
  }

  /** Opens sockets for guests, so that they are here. @param {string[]} names */
  async seat(names) {
    const { page } = await this.world.visitor();
    await page.goto(`${this.url}/`);
    await page.evaluate(({ base, tokens }) => Promise.all(tokens.map((token) => new Promise((resolve) => {
      const socket = new WebSocket(`${base}/?token=${token}&v=2`);
      socket.onmessage = () => resolve(null);
      socket.onclose = () => resolve(null);
      /** @type {any} */ (globalThis).seats = [.../** @type {any} */ (globalThis).seats ?? [], socket];
    }))), { base: this.url.replace("http", "ws"), tokens: names.map((name) => this.guests[name].token) });
  }
}
