// @ts-check
/** Carries a message with its files to the server. Loaded when the first one leaves. */
import { ApiError, csrf, refusal } from "./api.js";

/**
 * @typedef {import("./outbox.js").Item} Item
 * @typedef {(sent: number, total: number) => void} Progress bytes
 * @typedef {{item: Item, files: Blob[], gone: () => boolean, save: () => void}} Parcel `gone`: it arrived some other
 *   way meanwhile; `save` keeps the item
 */

/** What is larger goes in pieces that can go on. */
const BIG = 8 * 1024 * 1024;
const UPLOADS = "/api/v1/uploads/";
const MESSAGES = "/api/v1/chats/messages/";

/**
 * Sends a message with files; the same nonce makes one message of it, however often it is sent. Rejects with an
 * ApiError: status 0 and code `unreachable` when the line broke, `stopped` when the signal said so.
 * @param {Parcel} parcel @param {Progress} onProgress @param {AbortSignal} signal
 * @returns {Promise<any>} the message
 */
export async function upload(parcel, onProgress, signal) {
  const { item, files } = parcel;
  const run = () => {
    if (signal.aborted || parcel.gone()) throw new ApiError(0, "stopped", "");
    if (item.parts || files.some(({ size }) => size > BIG)) return pieces(parcel, onProgress, signal);
    return post(parcel, onProgress, signal).catch((error) => {
      if (error.code === "unreachable") item.parts = [];
      throw error;
    });
  };
  // Two tabs may hold the same message: one carries it, the other hears that it arrived.
  const { locks } = navigator;
  if (!locks) return run();
  return locks.request(`parlour-upload-${item.nonce}`, { signal }, run)
    .catch((error) => { throw error?.name === "AbortError" ? new ApiError(0, "stopped", "") : error; });
}

/** @param {Blob[]} files */
const size = (files) => files.reduce((sum, file) => sum + file.size, 0);

/** In one request. @param {Parcel} parcel @param {Progress} onProgress @param {AbortSignal} signal @returns {Promise<any>} */
async function post({ item, files }, onProgress, signal) {
  const body = new FormData();
  body.set("room", String(item.room));
  body.set("text", item.text);
  if (item.reply_to) body.set("reply_to", String(item.reply_to));
  files.forEach((file, index) => {
    const meta = item.files?.[index];
    body.append("files", file, meta?.name ?? "file");
    body.append("alt", meta?.alt ?? "");
  });
  const total = size(files);
  const request = await ask("POST", MESSAGES, { "Idempotency-Key": item.nonce }, signal, body, (sent) => onProgress(Math.min(sent, total), total));
  return request.response;
}

/** Each file by itself, from where it stopped, then the message. @param {Parcel} parcel @param {Progress} onProgress @param {AbortSignal} signal */
async function pieces(parcel, onProgress, signal) {
  const { item, files } = parcel;
  const total = size(files);
  let before = 0;
  const ids = [];
  for (const [index, file] of files.entries()) {
    const base = before;
    ids.push(await whole(parcel, index, (sent) => onProgress(Math.min(base + sent, total), total), signal));
    before += file.size;
  }
  const { room, text, reply_to, nonce } = item;
  const body = JSON.stringify({ room, text, nonce, files: ids, ...(reply_to ? { reply_to } : {}) });
  return (await ask("POST", MESSAGES, { "Content-Type": "application/json" }, signal, body)).response;
}

/** The id of one file, when all of it is there. @param {Parcel} parcel @param {number} index @param {(sent: number) => void} onProgress @param {AbortSignal} signal @returns {Promise<number>} */
async function whole({ item, files, save }, index, onProgress, signal) {
  const file = /** @type {Blob} */ (files[index]);
  const parts = item.parts ??= [];
  const tus = { "Tus-Resumable": "1.0.0" };
  for (let tries = 0; ; tries += 1) {
    let path = parts[index];
    let at = 0;
    if (path) {
      const seen = await ask("HEAD", path, tus, signal).catch((error) => {
        if (error.status !== 404) throw error;
        // Its time was up: from the beginning.
        path = null;
      });
      if (seen) {
        at = Number(seen.getResponseHeader("Upload-Offset"));
        const id = Number(seen.getResponseHeader("X-Parlour-File"));
        if (id) return id;
      }
    }
    if (!path) {
      const meta = item.files?.[index];
      const said = `filename ${base64(meta?.name || "file")},alt ${base64(meta?.alt ?? "")}`;
      const begun = await ask("POST", UPLOADS, { ...tus, "Upload-Length": String(file.size), "Upload-Metadata": said }, signal);
      path = parts[index] = /** @type {string} */ (begun.getResponseHeader("Location"));
      save();
    }
    const head = { ...tus, "Upload-Offset": String(at), "Content-Type": "application/offset+octet-stream" };
    try {
      const done = await ask("PATCH", path, head, signal, file.slice(at), (sent) => onProgress(at + sent));
      return Number(done.getResponseHeader("X-Parlour-File"));
    } catch (error) {
      // The server still holds the request that broke, or knows better how far it came.
      if (tries > 9 || ![409, 423].includes(/** @type {ApiError} */ (error).status)) throw error;
      await new Promise((go) => setTimeout(go, 500));
    }
  }
}

/** @param {string} text */
const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

/**
 * @param {string} method @param {string} path @param {Record<string, string>} headers @param {AbortSignal} signal
 * @param {XMLHttpRequestBodyInit | null} [body] @param {(sent: number) => void} [onProgress]
 * @returns {Promise<XMLHttpRequest>}
 */
function ask(method, path, headers, signal, body = null, onProgress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const fail = (/** @type {string} */ code) => reject(new ApiError(0, code, ""));
    if (signal.aborted) return fail("stopped");
    request.open(method, path);
    request.responseType = "json";
    for (const [name, value] of Object.entries({ Accept: "application/json", "X-CSRFToken": csrf(), ...headers })) request.setRequestHeader(name, value);
    if (onProgress) request.upload.onprogress = ({ loaded }) => onProgress(loaded);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(request);
      else reject(refusal(request.status, (name) => request.getResponseHeader(name), request.response));
    };
    request.onerror = () => fail("unreachable");
    request.onabort = () => fail("stopped");
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body);
  });
}
