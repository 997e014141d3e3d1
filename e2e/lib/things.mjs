// @ts-check
/** Files for tests, made on the spot. */

import { deflateSync } from "node:zlib";

/** @typedef {{name: string, mimeType: string, buffer: Buffer}} Thing */

/** @param {Buffer} data @returns {number} */
function crc32(data) {
  let crc = -1;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** @param {string} type @param {Buffer} data */
function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

/**
 * A picture of one colour with a diagonal across. `noise` makes it hard to pack: about three bytes a pixel.
 * @param {string} name @param {number} width @param {number} height @param {[number, number, number]} [colour] @param {boolean} [noise] @returns {Thing}
 */
export function png(name, width, height, colour = [20, 101, 93], noise = false) {
  const rows = Buffer.alloc((width * 3 + 1) * height);
  let seed = 7;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const on = Math.abs(x / width - y / height) < 0.05;
      for (let c = 0; c < 3; c += 1) {
        seed = (seed * 1103515245 + 12345) & 0x7fffffff;
        rows[y * (width * 3 + 1) + 1 + x * 3 + c] = noise ? seed >> 16 : on ? 240 : colour[c] ?? 0;
      }
    }
  }
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  const buffer = Buffer.concat([signature, chunk("IHDR", head), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
  return { name, mimeType: "image/png", buffer };
}

/** A tone of one second. @param {string} name @returns {Thing} */
export function wav(name) {
  const rate = 8000;
  const buffer = Buffer.alloc(44 + rate);
  buffer.write("RIFF", 0, "latin1");
  buffer.writeUInt32LE(36 + rate, 4);
  buffer.write("WAVEfmt ", 8, "latin1");
  buffer.writeUInt32LE(16, 16);
  buffer.writeUInt16LE(1, 20);
  buffer.writeUInt16LE(1, 22);
  buffer.writeUInt32LE(rate, 24);
  buffer.writeUInt32LE(rate, 28);
  buffer.writeUInt16LE(1, 32);
  buffer.writeUInt16LE(8, 34);
  buffer.write("data", 36, "latin1");
  buffer.writeUInt32LE(rate, 40);
  for (let at = 0; at < rate; at += 1) buffer[44 + at] = 128 + Math.round(60 * Math.sin(at / 3));
  return { name, mimeType: "audio/wav", buffer };
}

/** @param {string} name @param {number} [size] bytes @returns {Thing} */
export const pdf = (name, size = 2_000) => ({ name, mimeType: "application/pdf", buffer: Buffer.concat([Buffer.from("%PDF-1.4\n%\xe2\xe3\n", "latin1"), Buffer.alloc(size, "x ")]) });

/** Something without a known form. @param {string} name @param {number} size bytes @returns {Thing} */
export const blob = (name, size) => ({ name, mimeType: "application/octet-stream", buffer: Buffer.alloc(size, 1) });

/** Sends a message with files by REST. @param {import("./world.mjs").World} world @param {string} token @param {number} room @param {string} text @param {Thing[]} things @param {string[]} [alts] @returns {Promise<any>} */
export async function sendThings(world, token, room, text, things, alts = []) {
  const body = new FormData();
  body.set("room", String(room));
  body.set("text", text);
  for (const [index, { name, mimeType, buffer }] of things.entries()) {
    body.append("files", new File([new Uint8Array(buffer)], name, { type: mimeType }));
    body.append("alt", alts[index] ?? "");
  }
  const answer = await fetch(`${world.url}/api/v1/chats/messages/`, { method: "POST", headers: { Authorization: `Token ${token}` }, body });
  const said = await answer.text();
  if (!answer.ok) throw new Error(`message with files: ${answer.status} ${said}`);
  return JSON.parse(said);
}
