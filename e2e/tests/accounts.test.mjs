// @ts-check
/** Registration, log-in, log-out: behaviours 1 to 6. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, focused, quiet, suite } from "../lib/suite.mjs";
import { World } from "../lib/world.mjs";

const here = suite();

/** @param {import("playwright-core").Page} page @param {Record<string, string>} values */
async function fill(page, values) {
  for (const [name, value] of Object.entries(values)) await page.fill(`[name="${name}"]`, value);
}

test("1: an email without @ is said at its field, the nickname stays, the focus is on the summary", async () => {
  const { page, context } = await here.world.visitor();
  await page.goto(`${here.world.url}/accounts/register/`);
  await fill(page, { email: "ada.example.org", nickname: "Ada One", password1: World.password, password2: World.password });
  await page.press('[name="password2"]', "Enter");
  const field = page.locator('[name="email"][aria-invalid="true"]');
  await field.waitFor();
  const described = await field.getAttribute("aria-describedby");
  const texts = await Promise.all(
    (described ?? "").split(" ").filter(Boolean).map((id) => page.locator(`[id="${id}"]`).textContent()),
  );
  assert.match(texts.join(" "), /Enter a valid email address\./);
  assert.equal(await page.inputValue('[name="nickname"]'), "Ada One");
  await eventually(async () => (await focused(page)) === "error-summary", "focus on the summary");
  quiet(here.world);
  await context.close();
});

test("2: an email in use offers to log in, and no account is made", async () => {
  const ada = await here.world.person("Ada Two");
  const before = (await here.world.api("GET", "/users/")).page_metadata.count;
  const { page, context } = await here.world.visitor();
  await page.goto(`${here.world.url}/accounts/register/`);
  await fill(page, { email: ada.email.toUpperCase(), nickname: "Other", password1: World.password, password2: World.password });
  await page.press('[name="password2"]', "Enter");
  await page.locator("#error-summary").waitFor();
  assert.match(String(await page.locator("main, body").first().textContent()), /Already existing email/);
  assert.ok((await page.locator('main a[href^="/accounts/login/"]').count()) > 0, "a link to log in");
  assert.equal((await here.world.api("GET", "/users/")).page_metadata.count, before);
  await context.close();
  await ada.context.close();
});

test("3: registering opens the log-in page with the email filled in and a status line", async () => {
  const { page, context } = await here.world.visitor();
  await page.goto(`${here.world.url}/accounts/register/`);
  await fill(page, { email: "three@example.org", nickname: "Ada Three", password1: World.password, password2: World.password });
  await page.press('[name="password2"]', "Enter");
  await page.waitForURL(/\/accounts\/login\/$/);
  assert.equal(await page.inputValue('[name="username"]'), "three@example.org");
  assert.ok((await page.locator('[role="status"]').first().textContent())?.trim(), "a status line");
  assert.ok(!page.url().includes("three"), "the email is not in the URL");
  await page.fill('[name="password"]', World.password);
  await page.press('[name="password"]', "Enter");
  await page.waitForURL(/\/chat\/list\/$/);
  quiet(here.world);
  await context.close();
});

test("4: wrong credentials get one neutral error, and the email stays", async () => {
  const { page, context } = await here.world.visitor();
  await page.goto(`${here.world.url}/accounts/login/`);
  await fill(page, { username: "nobody@example.org", password: "wrong-password-19" });
  await page.press('[name="password"]', "Enter");
  await page.locator('[role="alert"]').first().waitFor();
  assert.match(String(await page.locator('[role="alert"]').first().textContent()), /Login failed\./);
  assert.equal(await page.inputValue('[name="username"]'), "nobody@example.org");
  assert.equal(await page.inputValue('[name="password"]'), "");
  quiet(here.world);
  await context.close();
});

test("5: without JavaScript one registers, logs in, makes a room and posts", async () => {
  const { page, context } = await here.world.visitor({ javaScriptEnabled: false });
  await page.goto(`${here.world.url}/accounts/register/`);
  await fill(page, { email: "five@example.org", nickname: "Plain Five", password1: World.password, password2: World.password });
  await page.press('[name="password2"]', "Enter");
  await page.waitForURL(/login/);
  await page.fill('[name="password"]', World.password);
  await page.press('[name="password"]', "Enter");
  await page.waitForURL(/\/chat\/list\//);
  await page.goto(`${here.world.url}/chat/create/`);
  await page.fill('[name="title"]', "Without scripts");
  await page.press('[name="title"]', "Enter");
  await page.waitForURL(/\/chat\/\d+\/$/);
  await page.fill("#chat-message-input", "Hello from <plain> HTML & forms");
  await page.click("#chat-message-submit");
  await page.waitForURL(/\/chat\/\d+\/$/);
  const row = page.locator("#chat-log article", { hasText: "Hello from <plain> HTML & forms" });
  assert.equal(await row.count(), 1);
  await page.locator('form[action$="/leave/"] button').first().waitFor();
  // Without scripts there is no socket, and still who reads the page is here.
  assert.match(String(await page.textContent('#participants [data-list="here"]')), /Plain Five/);
  await context.close();
});

test("6: logging out in one tab empties the other within 2 s", async () => {
  const ada = await here.world.person("Ada Six");
  const room = await ada.makes("Six");
  await ada.sends(room.id, "a secret of six");
  await ada.opens(room.id);
  const other = await ada.tab();
  await other.goto(`${here.world.url}/accounts/logout/`);
  await other.click("main button[type=submit], main form button");
  await other.waitForURL(/\/chat\/list\//);
  await eventually(
    async () => !(await ada.page.content()).includes("a secret of six"),
    "no messages remain in the other tab",
    2_000,
  );
  assert.ok((await ada.page.locator('a[href^="/accounts/login/"]').count()) > 0, "a way to log in");
  await ada.context.close();
});
