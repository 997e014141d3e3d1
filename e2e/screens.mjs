// @ts-check
/** Every screen and state of the pages, each with the way to it. Screenshots and the checks of all screens walk this list. */

import { pdf, png } from "./lib/things.mjs";
import { World } from "./lib/world.mjs";

/** @typedef {import("./lib/cast.mjs").Cast} Cast */
/** @typedef {import("playwright-core").Page} Page */
/** @typedef {"visitor" | "ada" | "kim" | "touch"} Who */
/**
 * `go` brings the page there; `leave` puts back what would be in the next one's way; `only` names the one width at
 * which the state exists; `again` says that something hangs at a place, so that each width goes its own way there;
 * `full` asks for a picture of the whole page.
 * @typedef {{name: string, as: Who, go: (cast: Cast, page: Page) => Promise<unknown>, leave?: (cast: Cast, page: Page) => Promise<unknown>, only?: "wide" | "narrow", again?: boolean, full?: boolean}} Screen
 */

/** @param {Page} page @param {Record<string, string>} values */
async function fill(page, values) {
  for (const [name, value] of Object.entries(values)) await page.fill(`main [name="${name}"]`, value);
}

/** @param {Page} page */
async function submit(page) {
  await page.locator("main form button.go").first().click();
  await page.locator('main [role="alert"], main [aria-invalid="true"]').first().waitFor();
}

/** A page by its address. @param {string} name @param {Who} as @param {string | ((cast: Cast) => string)} path @param {Partial<Screen>} [more] @returns {Screen} */
const at = (name, as, path, more = {}) => ({
  name, as, go: (cast, page) => page.goto(cast.url + (typeof path === "string" ? path : path(cast))), ...more,
});

/** A room, live. @param {Cast} cast @param {Page} page @param {number} id */
async function room(cast, page, id) {
  await page.goto(`${cast.url}/chat/${id}/`);
  await page.waitForFunction(() => document.documentElement.dataset.net === "open");
}

/** The night market as Ada finds it: with something new, and one message of hers that did not leave. @param {Cast} cast @param {Page} page */
async function market(cast, page) {
  const { ada } = cast.people;
  await ada.api("POST", `/chats/rooms/${cast.rooms.market.id}/read/`, { seq: cast.readSeq, back: true });
  await room(cast, page, cast.rooms.market.id);
  if ((await page.locator(".msg.fail").count()) === 0) {
    await page.fill("#chat-message-input", "Done! Sheet is above, three free slots left.");
    await page.press("#chat-message-input", "Enter");
  }
  await page.locator(".msg.fail").waitFor();
}

/** The row that says so. @param {Page} page @param {string} text */
const row = (page, text) => page.locator("#chat-log article.msg", { hasText: text }).first();

/** A message that was just removed; the offer to undo stands for six seconds. @param {Cast} cast @param {Page} page */
async function undo(cast, page) {
  await market(cast, page);
  const { id } = await cast.people.ada.sends(cast.rooms.market.id, "A slip of the pen");
  await page.locator(`#m-${id}`).hover();
  await page.locator('.tools [data-do="menu"]').click();
  await page.locator('.menu [data-do="remove"]').click();
  await page.locator(".undo").waitFor();
}

/** The night market where its pictures are in sight. @param {Cast} cast @param {Page} page */
async function pictures(cast, page) {
  await market(cast, page);
  await page.locator(".pics").first().scrollIntoViewIfNeeded();
  await page.waitForFunction(() => [...document.querySelectorAll(".pics img")].every((img) => /** @type {HTMLImageElement} */ (img).complete));
}

/** @type {Screen[]} before there is an administrator */
export const FIRST = [
  at("landing-empty", "visitor", "/"),
  at("list-empty", "visitor", "/chat/list/"),
  at("setup-open", "visitor", (cast) => `/setup/?code=${cast.code}`, { full: true }),
  {
    name: "setup-errors", as: "visitor", full: true,
    async go(cast, page) {
      await page.goto(`${cast.url}/setup/?code=${cast.code}`);
      await fill(page, { email: "nobody", nickname: "Ada", password1: "short", password2: "other" });
      await submit(page);
    },
  },
  {
    name: "setup-wrong-code", as: "visitor", full: true,
    async go(cast, page) {
      await page.goto(`${cast.url}/setup/?code=wrong`);
      await page.evaluate((values) => {
        for (const [name, value] of Object.entries(values)) /** @type {HTMLInputElement} */ (document.querySelector(`main [name="${name}"]`)).value = value;
      }, { code: "wrong", site_name: "Harbour Street", email: "seo@example.org", nickname: "Seo", password1: World.password, password2: World.password });
      await submit(page);
    },
  },
];

/** Makes the administrator through the setup page. @param {Cast} cast */
export async function setUp(cast) {
  const { context, page } = await cast.world.visitor();
  await page.goto(`${cast.url}/setup/?code=${cast.code}`);
  await fill(page, { site_name: "Harbour Street", email: "admin@example.org", nickname: "Harbour Admin", password1: World.password, password2: World.password });
  await page.locator("main form button.go").click();
  await page.waitForURL((url) => !url.pathname.startsWith("/setup"));
  if (new URL(page.url()).pathname.startsWith("/accounts/login")) await cast.world.logIn(page, "admin@example.org");
  return { context, page };
}

/** @type {Screen[]} */
const PUBLIC = [
  at("setup-done", "visitor", "/setup/"),
  at("landing", "visitor", "/"),
  at("landing-ko", "visitor", "/?lang=ko", { leave: (cast, page) => page.goto(`${cast.url}/?lang=en`) }),
  at("list-visitor", "visitor", "/chat/list/"),
  at("register", "visitor", "/accounts/register/"),
  {
    name: "register-errors", as: "visitor",
    async go(cast, page) {
      await page.goto(`${cast.url}/accounts/register/`);
      await fill(page, { email: "ada.example.org", nickname: "Ada", password1: "short", password2: "shorter" });
      await submit(page);
    },
  },
  {
    name: "register-taken", as: "visitor",
    async go(cast, page) {
      await page.goto(`${cast.url}/accounts/register/`);
      await fill(page, { email: cast.people.ada.email, nickname: "Ada", password1: World.password, password2: World.password });
      await submit(page);
    },
  },
  at("login", "visitor", "/accounts/login/?next=/chat/list/"),
  {
    name: "login-failed", as: "visitor",
    async go(cast, page) {
      await page.goto(`${cast.url}/accounts/login/`);
      await fill(page, { username: cast.people.ada.email, password: "not-this-one" });
      await submit(page);
    },
  },
  {
    name: "login-too-many", as: "visitor",
    async go(cast, page) {
      const base = cast.strict?.url ?? "";
      for (let tries = 0; tries < 30; tries += 1) {
        await page.goto(`${base}/accounts/login/`);
        await fill(page, { username: "nobody@example.org", password: "not-this-one" });
        const [answer] = await Promise.all([page.waitForResponse((one) => one.request().method() === "POST"), page.locator("main form button.go").click()]);
        await page.waitForLoadState();
        if (answer.status() === 429) return;
      }
      throw new Error("nobody counted the tries");
    },
  },
  at("error-404", "visitor", "/no/such/page/"),
  at("error-410", "visitor", (cast) => `/chat/${cast.rooms.removed.id}/`),
  {
    name: "error-413", as: "visitor",
    async go(cast, page) {
      await page.goto(`${cast.url}/accounts/login/`);
      await page.locator('main [name="username"]').evaluate((/** @type {HTMLInputElement} */ field) => {
        field.type = "text";
        field.value = "x".repeat(3_000_000);
        field.form?.submit();
      });
      await page.waitForFunction(() => /413/.test(document.body.textContent ?? ""));
    },
  },
];

/** @type {Screen[]} */
const MEMBER = [
  at("landing-member", "ada", "/"),
  at("list-member", "ada", "/chat/list/"),
  at("list-member-ko", "kim", "/chat/list/"),
  {
    name: "list-filter-none", as: "ada",
    async go(cast, page) {
      await page.goto(`${cast.url}/chat/list/`);
      await page.waitForFunction(() => document.documentElement.dataset.net === "open");
      await page.fill("#filter", "nothing like it");
      await page.locator("#no-match").waitFor();
    },
  },
  at("create", "ada", "/chat/create/"),
  {
    name: "create-errors", as: "ada",
    async go(cast, page) {
      await page.goto(`${cast.url}/chat/create/`);
      await fill(page, { title: "   ", max_users: "9999" });
      await page.evaluate(() => { for (const form of document.querySelectorAll("form")) form.noValidate = true; });
      await submit(page);
    },
  },
  {
    name: "create-dialog", as: "ada",
    async go(cast, page) {
      await page.goto(`${cast.url}/chat/list/`);
      await page.waitForFunction(() => document.documentElement.dataset.net === "open");
      await page.locator("#create-room").click();
      await page.locator("dialog[open], main form").first().waitFor();
    },
  },
  at("logout", "ada", "/accounts/logout/"),
  at("room-full", "touch", (cast) => `/chat/${cast.rooms.full.id}/`),
  at("room-invited", "ada", (cast) => `/chat/${cast.rooms.invited.id}/`),
  {
    name: "room-ask", as: "touch",
    async go(cast, page) {
      await page.goto(`data:text/html,<a href="${cast.url}/chat/${cast.rooms.quiet.id}/">from elsewhere</a>`);
      await page.locator("a").click();
      await page.locator('main form[action$="join/"]').waitFor();
    },
  },
  at("settings", "ada", (cast) => `/chat/${cast.rooms.empty.id}/settings/`, { full: true }),
  at("settings-private", "ada", (cast) => `/chat/${cast.rooms.committee.id}/settings/`, { full: true }),
  {
    name: "settings-errors", as: "ada",
    async go(cast, page) {
      await page.goto(`${cast.url}/chat/${cast.rooms.empty.id}/settings/`);
      await fill(page, { title: "   " });
      await page.evaluate(() => { for (const form of document.querySelectorAll("form")) form.noValidate = true; });
      await submit(page);
    },
  },
  at("error-404-member", "ada", "/admin/"),
  {
    name: "error-403", as: "touch",
    async go(cast, page) {
      await page.goto(`${cast.url}/me/`);
      await page.evaluate(() => { for (const field of document.querySelectorAll('[name^="csrf"]')) /** @type {HTMLInputElement} */ (field).value = "wrong"; });
      await page.locator("main form button.go").first().click();
      await page.waitForFunction(() => /403/.test(document.body.textContent ?? ""));
    },
  },
  at("error-410-host", "ada", (cast) => `/chat/${cast.rooms.gone.id}/`),
  ...["profile", "appearance", "language", "keys", "password", "sessions", "tokens"].map((section) => at(`me-${section}`, "ada", `/me/?section=${section}`, { full: true })),
  at("me-profile-ko", "kim", "/me/"),
  {
    name: "me-new-token", as: "ada",
    async go(cast, page) {
      await page.goto(`${cast.url}/me/?section=tokens`);
      await fill(page, { label: "Lamp timer" });
      await page.locator('main form button.go').first().click();
      await page.locator("#new-token").waitFor();
    },
  },
];

/** @type {Screen[]} */
const ROOM = [
  { name: "room", as: "ada", go: market },
  { name: "room-ko", as: "kim", go: (cast, page) => room(cast, page, cast.rooms.market.id) },
  {
    name: "room-top", as: "ada",
    async go(cast, page) {
      await market(cast, page);
      await page.locator("#chat-log").evaluate((log) => log.scrollTo(0, 0));
      await page.locator(".latest").waitFor();
    },
  },
  { name: "room-empty", as: "ada", go: (cast, page) => room(cast, page, cast.rooms.empty.id) },
  { name: "room-soon", as: "ada", go: (cast, page) => room(cast, page, cast.rooms.soon.id) },
  {
    name: "room-hover", as: "ada", again: true,
    async go(cast, page) { await market(cast, page); await row(page, "kettles").hover(); await page.locator(".tools").waitFor(); },
  },
  {
    name: "room-menu", as: "ada", again: true,
    async go(cast, page) {
      await market(cast, page);
      await row(page, "ladders").hover();
      await page.locator('.tools [data-do="menu"]').click();
      await page.locator(".menu").waitFor();
    },
  },
  {
    name: "room-emoji", as: "ada", again: true,
    async go(cast, page) {
      await market(cast, page);
      await row(page, "kettles").hover();
      await page.locator('.tools [data-do="pick"]').click();
      await page.locator(".picker, dialog[open]").first().waitFor();
    },
  },
  {
    name: "room-keys", as: "ada",
    async go(cast, page) { await market(cast, page); await page.keyboard.press("Control+/"); await page.locator("dialog.keysheet").waitFor(); },
    leave: (_cast, page) => page.keyboard.press("Escape"),
  },
  {
    name: "room-switcher", as: "ada",
    async go(cast, page) { await market(cast, page); await page.keyboard.press("Control+k"); await page.locator("dialog[open]").waitFor(); },
    leave: (_cast, page) => page.keyboard.press("Escape"),
  },
  {
    name: "room-complete", as: "ada", again: true,
    async go(cast, page) {
      await market(cast, page);
      await page.locator("#chat-message-input").pressSequentially("Ask @");
      await page.locator('[role="listbox"]').waitFor();
    },
    leave: (_cast, page) => page.fill("#chat-message-input", ""),
  },
  {
    name: "room-edit", as: "ada",
    async go(cast, page) {
      await market(cast, page);
      await row(page, "ladders").hover();
      await page.locator('.tools [data-do="menu"]').click();
      await page.locator('.menu [data-do="edit"]').click();
      await page.locator(".edit textarea").waitFor();
    },
    leave: (_cast, page) => page.keyboard.press("Escape"),
  },
  {
    name: "room-reply", as: "ada",
    async go(cast, page) {
      await market(cast, page);
      await row(page, "kettles").hover();
      await page.locator('.tools [data-do="reply"]').click();
      await page.locator(".replying").waitFor();
      await page.fill("#chat-message-input", "The blue kettle leaks a little.\nBring the other one?\nI have a third at home, in case.");
    },
    async leave(_cast, page) { await page.fill("#chat-message-input", ""); await page.keyboard.press("Escape"); },
  },
  { name: "room-undo", as: "ada", only: "wide", go: undo },
  { name: "room-undo-narrow", as: "ada", only: "narrow", go: undo },
  {
    name: "room-drawer", as: "ada", only: "narrow",
    async go(cast, page) {
      await market(cast, page);
      await page.locator(".people-btn").click();
      await page.locator("#participants").waitFor();
    },
  },
  {
    name: "room-sheet", as: "touch", only: "narrow",
    async go(cast, page) {
      await room(cast, page, cast.rooms.market.id);
      await row(page, "at four").locator(".body").tap();
      await page.locator("dialog.sheet").waitFor();
    },
  },
  { name: "room-files", as: "ada", again: true, go: pictures },
  {
    name: "room-tray", as: "ada",
    async go(cast, page) {
      await market(cast, page);
      await page.setInputFiles("p-composer input[type=file]", [png("poster.png", 300, 400, [140, 40, 60]), png("map.png", 400, 300), pdf("prices.pdf"), { name: "nothing.txt", mimeType: "text/plain", buffer: Buffer.alloc(0) }]);
      await page.locator(".tray [role=alert]").waitFor();
    },
    async leave(_cast, page) { for (let left = 3; left > 0; left -= 1) await page.locator(".tray li button").first().click(); },
  },
  {
    name: "room-drop", as: "ada",
    async go(cast, page) {
      await market(cast, page);
      await page.evaluate(() => {
        const data = new DataTransfer();
        data.items.add(new File(["x"], "x.txt", { type: "text/plain" }));
        document.querySelector("#chat-log")?.dispatchEvent(new DragEvent("dragenter", { bubbles: true, cancelable: true, dataTransfer: data }));
      });
      await page.locator(".drop").waitFor();
    },
  },
  {
    name: "room-upload", as: "ada", again: true,
    async go(cast, page) {
      await page.route("**/api/v1/chats/messages/", () => {});
      await market(cast, page);
      if ((await page.locator(".up").count()) === 0) {
        await page.setInputFiles("p-composer input[type=file]", [pdf("stall-plan.pdf", 1_200_000)]);
        await page.locator(".tray li").waitFor();
        await page.press("#chat-message-input", "Enter");
      }
      await page.locator(".up [role=progressbar]").waitFor();
    },
    async leave(_cast, page) {
      await page.locator(".up [data-do=stop]").click();
      await page.locator(".msg.fail", { hasText: "stall-plan" }).locator("[data-do=drop]").click();
      await page.unroute("**/api/v1/chats/messages/");
    },
  },
  {
    name: "room-viewer", as: "ada",
    async go(cast, page) {
      await pictures(cast, page);
      await page.locator(".pics .pic").nth(1).click();
      await page.locator("dialog.viewer img").waitFor();
    },
    leave: (_cast, page) => page.keyboard.press("Escape"),
  },
  {
    name: "room-gallery", as: "ada",
    async go(cast, page) {
      await market(cast, page);
      await page.locator("[data-open=gallery]").click();
      await page.locator(".files-dialog .gallery li").first().waitFor();
    },
    leave: (_cast, page) => page.keyboard.press("Escape"),
  },
  at("files", "ada", (cast) => `/chat/${cast.rooms.market.id}/files/`, { full: true }),
  {
    name: "room-offline", as: "ada",
    async go(cast, page) {
      await market(cast, page);
      await page.context().setOffline(true);
      await cast.cutLine(true);
      await page.locator(".conn:visible").waitFor();
      await page.fill("#chat-message-input", "This one waits for the line.");
      await page.press("#chat-message-input", "Enter");
      await page.locator(".msg.wait").waitFor();
    },
    async leave(cast, page) {
      await cast.cutLine(false);
      await page.context().setOffline(false);
    },
  },
];

/** @type {Screen[]} the administrator's, whose window is `admin` */
export const ADMIN = ["overview", "look", "people", "rooms", "limits"].map((section) => at(`admin-${section}`, "ada", `/admin/?section=${section}`, { full: true }));

/** @type {Screen[]} */
export const SCREENS = [...PUBLIC, ...MEMBER, ...ROOM];

export const SIZES = /** @type {const} */ ({ wide: { width: 1280, height: 800 }, narrow: { width: 390, height: 844 } });

/**
 * Brings a cast through all screens, one after the other, and shows each at its widths.
 * @param {Cast} cast @param {(screen: Screen, page: Page, size: "wide" | "narrow") => Promise<unknown>} look @param {RegExp} [wanted] names
 */
export async function walk(cast, look, wanted = /./) {
  /** @param {Screen} screen @param {Page} page */
  const visit = async (screen, page) => {
    if (!wanted.test(screen.name)) return;
    for (const size of /** @type {("wide" | "narrow")[]} */ (["wide", "narrow"])) {
      if (screen.only && screen.only !== size) continue;
      await page.setViewportSize(SIZES[size]);
      try {
        if (size === "wide" || screen.only || screen.again) await screen.go(cast, page);
      } catch (error) {
        throw new Error(`on the way to ${screen.name}: ${error instanceof Error ? error.message : error}`);
      }
      await look(screen, page, size);
    }
    await screen.leave?.(cast, page);
  };
  for (const screen of FIRST) await visit(screen, cast.visitor);
  const admin = await setUp(cast);
  await cast.fill();
  for (const screen of SCREENS) await visit(screen, screen.as === "visitor" ? cast.visitor : cast.people[screen.as].page);
  for (const screen of ADMIN) await visit(screen, admin.page);
  return admin;
}
