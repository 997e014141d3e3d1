// @ts-check
/** Large files: they go on where they stopped. */

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { eventually, quiet, suite } from "../lib/suite.mjs";

/** @typedef {import("../lib/world.mjs").Person} Person */

const MIB = 1024 * 1024;
const SIZE = 12 * MIB;
const here = suite({});

/** Somebody in a room with a file of random bytes, and what the page asks of the uploads. @param {string} name */
async function ready(name) {
  const ada = await here.world.person(`Ada ${name}`);
  const room = await ada.makes(`Room ${name}`);
  await ada.opens(room.id);
  const bytes = randomBytes(SIZE);
  /** @type {{method: string, at: number}[]} */
  const asked = [];
  ada.page.on("request", (request) => {
    if (!request.url().includes("/api/v1/uploads/")) return;
    asked.push({ method: request.method(), at: Number(request.headers()["upload-offset"] ?? -1) });
  });
  return { ada, room, bytes, asked, offsets: () => asked.filter(({ method }) => method === "PATCH").map(({ at }) => at) };
}

/** The line upwards, in bytes a second; -1: any. @param {Person} person */
async function line(person) {
  const client = await person.context.newCDPSession(person.page);
  await client.send("Network.enable");
  return (/** @type {number} */ rate) =>
    client.send("Network.emulateNetworkConditions", { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: rate });
}

/** @param {Person} person @param {string} text @param {Buffer} buffer */
async function sends(person, text, buffer) {
  await person.page.setInputFiles("p-composer input[type=file]", [{ name: "large.bin", mimeType: "application/octet-stream", buffer }]);
  await person.page.locator(".tray li").waitFor();
  await person.says(text);
}

/** Waits until so much of a message's files is on the way. @param {Person} person @param {string} text @param {number} percent */
const on = (person, text, percent) => eventually(
  async () => Number(await person.row(text).locator("[role=progressbar]").getAttribute("aria-valuenow")) >= percent, "on its way", 30_000);

/** The message came once, with these very bytes. @param {Person} person @param {number} room @param {Buffer} bytes */
async function arrived(person, room, bytes) {
  /** @type {any[]} */
  let results = [];
  await eventually(async () => {
    ({ results } = await person.api("GET", `/chats/messages/?room=${room}`));
    return results.length > 0;
  }, "arrived", 30_000);
  assert.equal(results.length, 1);
  assert.equal(results[0].files[0].name, "large.bin");
  const path = new URL(results[0].files[0].url).pathname;
  const sum = await person.page.evaluate(async (path) => {
    const body = await (await fetch(path)).arrayBuffer();
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
    return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }, path);
  assert.equal(sum, createHash("sha256").update(bytes).digest("hex"));
}

test("a large file that was stopped half way goes on there with Send again", async () => {
  const { ada, room, bytes, offsets } = await ready("Stopped");
  const set = await line(ada);
  await set(3 * MIB);
  await sends(ada, "stopped", bytes);
  await on(ada, "stopped", 40);
  const row = ada.row("stopped");
  await row.getByRole("button", { name: "Stop the upload" }).click();
  await row.getByText("Not sent: you stopped it.").waitFor();
  await set(-1);
  await row.getByRole("button", { name: "Send again" }).click();
  await arrived(ada, room.id, bytes);
  const [first, ...later] = offsets();
  assert.equal(first, 0);
  assert.ok(later.length > 0 && later.every((at) => at > 2 * MIB && at < SIZE), `${offsets()}`);
  quiet(here.world, /ERR_|423|409/);
});

test("when the server dies under a large file it goes on by itself, also after a reload of the page", async () => {
  const { ada, room, bytes, asked, offsets } = await ready("Cut");
  const set = await line(ada);
  await set(2 * MIB);
  await sends(ada, "cut", bytes);
  await on(ada, "cut", 30);
  const { server } = here.world;
  await server.end("SIGKILL");
  here.world.server = await server.again({ PARLOUR_LISTEN: new URL(here.world.url).host });
  await on(ada, "cut", 60);
  await ada.page.reload();
  await set(-1);
  await arrived(ada, room.id, bytes);
  assert.equal(asked.filter(({ method }) => method === "POST").length, 1, "begun once");
  const [first, ...later] = offsets();
  assert.equal(first, 0);
  assert.ok(later.length > 1 && later.every((at) => at > MIB && at <= SIZE), `${offsets()}`);
  assert.ok(Math.max(...later) > 5 * MIB, `${offsets()}`);
  quiet(here.world, /ERR_|423|409|WebSocket|502|503/);
});

test("a large file that is taken back is forgotten by the server", async () => {
  const { ada, bytes, asked } = await ready("Dropped");
  const set = await line(ada);
  await set(3 * MIB);
  await sends(ada, "dropped", bytes);
  await on(ada, "dropped", 20);
  const row = ada.row("dropped");
  await row.getByRole("button", { name: "Stop the upload" }).click();
  await row.getByText("Not sent: you stopped it.").waitFor();
  await set(-1);
  await row.getByRole("button", { name: "Remove" }).click();
  await eventually(async () => asked.some(({ method }) => method === "DELETE"), "told");
  quiet(here.world, /ERR_|423/);
});
