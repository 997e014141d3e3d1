// @ts-check
/** The clients that others wrote, against the real server. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { io, Manager } from "socket.io-client";
import parser from "socket.io-msgpack-parser";
import { Server } from "../../lib/server.mjs";

const DOCUMENT = new URL("../../../docs/protocol/socket-io.md", import.meta.url);
/** The last of the 2.x clients. @type {(url: string, options: object) => any} */
const io2 = createRequire(import.meta.url)("socket.io-client-2");
const run = promisify(execFile);

/** @type {Server} */
let server;
/** @type {string[]} */
let tokens;
/** @type {number} */
let room;

/** @param {string} path @param {object} body @param {string} [token] @param {string} [method] */
async function call(path, body, token, method = "POST") {
  const headers = { "content-type": "application/json", ...(token ? { authorization: `Token ${token}` } : {}) };
  const answer = await fetch(server.url + path, { method, headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${path}: ${answer.status}`);
  return answer.json();
}

/** @param {string} text */
const say = (text) => call("/api/v1/chats/messages/", { room, text }, tokens[0]);

/** @param {import("socket.io-client").Socket} socket @param {string} name @param {(x: any) => boolean} [fits] */
function next(socket, name, fits = () => true) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no ${name}`)), 20_000);
    const listen = (/** @type {any} */ argument) => {
      if (!fits(argument)) return;
      clearTimeout(late);
      socket.off(name, listen);
      resolve(argument);
    };
    socket.on(name, listen);
  });
}

/** @param {object} [options] @param {string} [space] */
async function open(options = {}, space = "/") {
  const socket = io(server.url + space, { auth: { token: tokens[1] }, forceNew: true, ...options });
  await next(socket, "hello");
  return socket;
}

/** @param {string} kind */
async function example(kind) {
  const text = await readFile(DOCUMENT, "utf8");
  const found = new RegExp("```" + kind + "\\n([^]*?)```").exec(text);
  assert.ok(found, kind);
  return found[1];
}

before(async () => {
  server = await Server.start({ SOCKETIO_EIO3: "on" });
  tokens = [];
  for (const username of ["ada", "bob"]) {
    const account = { username, password: "difference of squares" };
    await call("/api/v1/users/", account);
    tokens.push((await call("/api/v1/auth/login/", account)).token);
  }
  room = (await call("/api/v1/chats/rooms/", { name: "Tea" }, tokens[0])).id;
  await call(`/api/v1/chats/rooms/${room}/join/`, {}, tokens[1], "PUT");
});

after(() => server.remove());

for (const [name, transports, expected] of /** @type {[string, string[], string][]} */ ([
  ["polling only", ["polling"], "polling"],
  ["websocket only", ["websocket"], "websocket"],
  ["upgrade", ["polling", "websocket"], "websocket"],
])) {
  test(`socket.io-client: ${name}`, async () => {
    const socket = await open({ transports });
    if (socket.io.engine.transport.name !== expected) {
      await new Promise((resolve) => socket.io.engine.once("upgrade", resolve));
    }
    assert.equal(socket.io.engine.transport.name, expected);
    for (let number = 0; number < 30; number++) {
      const text = `${name} ${number}`;
      const heard = next(socket, "message", (message) => message.text === text);
      const ack = await socket.emitWithAck("message", { room, text });
      assert.equal(ack.ok, true);
      assert.deepEqual(await heard, ack.message);
    }
    const refused = await socket.emitWithAck("message", { room: 999_999, text: "x" });
    assert.deepEqual([refused.ok, refused.code], [false, "invalid"]);
    const bytes = await socket.emitWithAck("message", { room, text: new Uint8Array([1, 2, 3]) });
    assert.deepEqual([bytes.ok, bytes.code], [false, "invalid"]);
    socket.disconnect();
  });
}

test("socket.io-client: nothing is lost or repeated while it upgrades", async () => {
  const socket = io(server.url, { auth: { token: tokens[1] }, forceNew: true });
  /** @type {string[]} */
  const heard = [];
  socket.on("message", (message) => heard.push(message.text));
  await next(socket, "hello");
  const all = [];
  for (let number = 0; number < 60; number++) {
    all.push(`during ${number}`);
    await say(`during ${number}`);
  }
  if (heard.at(-1) !== all.at(-1)) await next(socket, "message", (message) => message.text === all.at(-1));
  assert.deepEqual(heard, all);
  assert.equal(socket.io.engine.transport.name, "websocket");
  socket.disconnect();
});

for (const [name, transports] of /** @type {[string, string[]][]} */ ([
  ["polling only", ["polling"]],
  ["websocket only", ["websocket"]],
  ["upgrade", ["polling", "websocket"]],
])) {
  test(`socket.io-msgpack-parser: ${name}`, async () => {
    const options = { parser, query: { parser: "msgpack" }, transports };
    const [socket, other] = [await open(options), await open()];
    const one = await open(options, `/room-${room}`);
    if (transports.length > 1 && socket.io.engine.transport.name !== "websocket") {
      await new Promise((resolve) => socket.io.engine.once("upgrade", resolve));
    }
    for (let number = 0; number < 30; number++) {
      const text = `packed, ${name} 안녕 ${"x".repeat(number * 10)} ${number}`;
      const heard = [socket, other, one].map((each) => next(each, "message", (message) => message.text === text));
      const ack = await socket.emitWithAck("message", { room, text, nonce: undefined });
      assert.equal(ack.ok, true, JSON.stringify(ack));
      for (const message of await Promise.all(heard)) assert.deepEqual(message, ack.message);
    }
    const ack = await one.emitWithAck("history", { after: 0, limit: 200 });
    assert.deepEqual(ack, await other.emitWithAck("history", { room, after: 0, limit: 200 }));
    const bytes = await socket.emitWithAck("message", { room, text: new Uint8Array([1, 2, 3]) });
    assert.deepEqual([bytes.ok, bytes.code], [false, "invalid"]);
    const refused = io(server.url, { ...options, auth: { token: "nobody" }, forceNew: true });
    const error = await next(refused, "connect_error");
    assert.equal(error.data.code, "invalid_token");
    for (const each of [socket, other, one, refused]) each.disconnect();
  });
}

test("the example with msgpack", async () => {
  const code = (await example("js msgpack")).replace(/^import .*$/gm, "");
  const AsyncFunction = async function () {}.constructor;
  // @ts-ignore
  const main = new AsyncFunction("io", "parser", "URL", "TOKEN", `${code}\nreturn socket;`);
  const socket = await main(io, parser, server.url, tokens[1]);
  const hello = await next(socket, "hello");
  assert.equal(typeof hello.cursors[room], "number");
  socket.disconnect();
});

for (const [name, transports] of /** @type {[string, string[]][]} */ ([
  ["polling only", ["polling"]],
  ["websocket only", ["websocket"]],
  ["upgrade", ["polling", "websocket"]],
])) {
  test(`socket.io-client 2: ${name}`, async () => {
    const options = { query: { token: tokens[1] }, transports, forceNew: true };
    const [socket, one] = [io2(server.url, options), io2(`${server.url}/room-${room}`, options)];
    await Promise.all([next(socket, "hello"), next(one, "hello")]);
    if (transports.length > 1 && socket.io.engine.transport.name !== "websocket") {
      await new Promise((resolve) => socket.io.engine.once("upgrade", resolve));
    }
    assert.equal(socket.io.engine.transport.name, transports.at(-1));
    const ask = (/** @type {any} */ to, /** @type {string} */ event, /** @type {any} */ argument) =>
      new Promise((resolve) => to.emit(event, argument, resolve));
    for (let number = 0; number < 30; number++) {
      const text = `old, ${name} 안녕 👍 ${number}`;
      const heard = [socket, one].map((each) => next(each, "message", (message) => message.text === text));
      const ack = await ask(number % 2 ? socket : one, "message", { room, text });
      assert.equal(ack.ok, true, JSON.stringify(ack));
      for (const message of await Promise.all(heard)) assert.deepEqual(message, ack.message);
    }
    const bytes = await ask(socket, "message", { room, text: Buffer.from([1, 2, 3]) });
    assert.deepEqual([bytes.ok, bytes.code], [false, "invalid"]);
    const pong = next(socket, "pong");
    socket.io.engine.ping();
    await pong;
    const refused = io2(server.url, { ...options, query: { token: "nobody" } });
    assert.match(await next(refused, "error"), /^invalid_token: /);
    for (const each of [socket, one, refused]) each.close();
  });
}

test("the example for old clients", async () => {
  const code = await example("js old");
  // @ts-ignore
  const main = new Function("io", "URL", "TOKEN", `${code}\nreturn socket;`);
  const socket = main(io2, server.url, tokens[1]);
  const hello = await next(socket, "hello");
  assert.equal(typeof hello.cursors[room], "number");
  socket.close();
});

test("socket.io-client: refusals name their code", async () => {
  for (const [space, token, begins] of [
    ["/", "nobody", "invalid_token: "],
    ["/room-999999", tokens[1], "not_found: "],
    ["/elsewhere", tokens[1], "Invalid namespace"],
  ]) {
    const socket = io(server.url + space, { auth: { token }, forceNew: true });
    const error = await next(socket, "connect_error");
    assert.ok(error.message.startsWith(begins), error.message);
    if (space !== "/elsewhere") assert.ok(error.message.startsWith(error.data.code));
    socket.disconnect();
  }
});

test("socket.io-client: namespaces share a connection", async () => {
  const manager = new Manager(server.url);
  const auth = { token: tokens[1] };
  const [all, one] = [manager.socket("/", { auth }), manager.socket(`/room-${room}`, { auth })];
  await Promise.all([next(all, "hello"), next(one, "hello")]);
  const heard = [next(all, "message"), next(one, "message")];
  const ack = await one.emitWithAck("message", { text: "to both" });
  for (const message of await Promise.all(heard)) assert.deepEqual(message, ack.message);
  one.disconnect();
  // Listening before it is said: it may come before the answer to the request.
  const told = next(all, "message", (message) => message.text === "to one");
  await say("to one");
  assert.equal((await told).room, room);
  all.disconnect();
});

test("socket.io-client: what was missed while the line was down comes first", async () => {
  const socket = await open({ reconnectionDelay: 100, reconnectionDelayMax: 200 });
  /** @type {number[]} */
  const seqs = [];
  socket.on("message", (message) => {
    seqs.push(message.seq);
    socket.auth = { token: tokens[1], after: { [room]: message.seq } };
  });
  await say("before");
  if (seqs.length === 0) await next(socket, "message");
  for (let round = 0; round < 5; round++) {
    socket.io.engine.close();
    for (let number = 0; number < 10; number++) await say(`missed ${round} ${number}`);
    if (!socket.connected) await next(socket, "hello");
  }
  const last = await say("after");
  if (seqs.at(-1) !== last.seq) await next(socket, "message", (message) => message.seq === last.seq);
  assert.deepEqual(seqs, Array.from(seqs, (_, index) => seqs[0] + index));
  assert.equal(seqs.length, 52);
  socket.disconnect();
});

test("socket.io-client: retries store a message once", async () => {
  const socket = await open({ retries: 20, ackTimeout: 1, transports: ["websocket"] });
  for (let number = 0; number < 20; number++) {
    await new Promise((resolve) => {
      // Each try has an id of its own: the nonce says that it is the same.
      const argument = { room, text: `retried ${number}`, nonce: `retried-${number}` };
      socket.emit("message", argument, (/** @type {any} */ error) => resolve(error));
    });
  }
  const other = await open();
  const history = await other.emitWithAck("history", { room, limit: 200 });
  other.disconnect();
  /** @type {string[]} */
  const texts = history.messages.map((/** @type {any} */ message) => message.text);
  const retried = texts.filter((text) => text.startsWith("retried"));
  assert.deepEqual(retried, Array.from({ length: 20 }, (_, number) => `retried ${number}`));
  socket.disconnect();
});

test("socket.io-client: a restart of the server is survived", async () => {
  const socket = await open({ reconnectionDelay: 100, reconnectionDelayMax: 300 });
  const port = new URL(server.url).port;
  await server.end();
  server = await server.again({ PARLOUR_LISTEN: `127.0.0.1:${port}` });
  if (!socket.connected) await next(socket, "hello");
  const ack = await socket.emitWithAck("message", { room, text: "still here" });
  assert.equal(ack.ok, true);
  socket.disconnect();
});

test("the example for browsers", async () => {
  const code = (await example("js"))
    .replace(/^import .*$/m, "")
    .replace(/^socket\.on\("connect_error".*$/m, "$&\nsockets.push(socket);");
  /** @type {string[]} */
  const printed = [];
  /** @type {import("socket.io-client").Socket[]} */
  const sockets = [];
  const AsyncFunction = async function () {}.constructor;
  const log = (/** @type {any[]} */ ...words) => printed.push(words.join(" "));
  // @ts-ignore
  const main = new AsyncFunction("io", "URL", "TOKEN", "ROOM", "console", "sockets", code);
  await main(io, server.url, tokens[1], room, { log }, sockets);
  // The acknowledgement may overtake the message.
  if (printed.length < 2) await next(sockets[0], "message");
  sockets[0].disconnect();
  assert.equal(printed.sort()[0], "bob: Hello");
  assert.match(printed[1], /^true \d+$/);
  assert.ok(code.split("\n").length <= 32);
});

test("rust_socketio", async (context) => {
  const client = process.env.PARLOUR_TEST_RUST_CLIENT;
  if (!client) {
    context.skip("PARLOUR_TEST_RUST_CLIENT names no program");
    return;
  }
  const { stdout } = await run(client, [server.url, tokens[1], String(room)], { timeout: 120_000 });
  assert.deepEqual(stdout.trim().split("\n"), ["polling ok", "websocket ok", "upgrade ok"]);
});

test("python-socketio, and the example for Python", async (context) => {
  const python = process.env.PARLOUR_TEST_PYTHON;
  if (!python) {
    context.skip("PARLOUR_TEST_PYTHON names no python3 with python-socketio");
    return;
  }
  const code = await example("python");
  assert.ok(code.split("\n").length <= 17);
  const file = join(server.folder, "example.py");
  await writeFile(file, code);
  const args = [file, server.url, tokens[1], String(room)];
  const { stdout } = await run(python, args, { timeout: 60_000 });
  // Two threads print: a line may end behind the next one.
  const printed = stdout.replace(/True/g, "\nTrue\n").split(/\n+/).filter(Boolean);
  assert.deepEqual(printed.sort(), ["True", "True", "bob Hello from Python"]);
  for (const transport of ["polling", "websocket"]) {
    const only = code.replace("wait_timeout=10", `wait_timeout=10, transports=["${transport}"]`);
    await writeFile(file, only);
    const { stdout } = await run(python, args, { timeout: 60_000 });
    assert.match(stdout, /bob Hello from Python/, transport);
  }
});
