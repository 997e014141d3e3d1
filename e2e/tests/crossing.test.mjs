// @ts-check
/** What other doors bring into the page, and the page to them. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, quiet, suite } from "../lib/suite.mjs";

const here = suite();

test("what is said by Socket.IO is in the page at once, and what the page says is heard by Socket.IO", async () => {
  const [ada, mina] = await Promise.all([here.world.person("Ada Crossing"), here.world.person("Mina Crossing")]);
  const room = await ada.makes("Crossing");
  await mina.joins(room.id);
  await ada.opens(room.id);
  // From our own pages the session is enough.
  await mina.page.goto(`${here.world.url}/chat/list/`);
  const heard = /** @type {string[]} */ ([]);
  await mina.page.exposeFunction("hear", (/** @type {string} */ packet) => heard.push(packet));
  await mina.page.evaluate((id) => {
    const socket = new WebSocket(`${location.origin.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
    socket.onmessage = ({ data }) => {
      if (data.startsWith("0{")) socket.send("40");
      else if (data === "2") socket.send("3");
      else if (data.startsWith("40")) socket.send(`420${JSON.stringify(["message", { room: id, text: "by Socket.IO" }])}`);
      // @ts-expect-error It is there: see above.
      window.hear(data);
    };
  }, room.id);
  await ada.row("by Socket.IO").waitFor({ timeout: 5_000 });
  await eventually(async () => heard.some((packet) => packet.startsWith('430[{"ok":true')), "it is acknowledged");
  await ada.says("by the page");
  const event = (/** @type {string} */ packet) => packet.startsWith('42["message"') && packet.includes("by the page");
  await eventually(async () => heard.some(event), "the page is heard");
  assert.equal(await ada.row("by Socket.IO").count(), 1);
  quiet(here.world);
});
