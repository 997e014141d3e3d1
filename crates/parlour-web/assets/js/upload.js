// @ts-check
/** Carries a message with its files to the server. Loaded when the first one leaves. */
import { ApiError, csrf, refusal } from "./api.js";

/**
 * @typedef {import("./outbox.js").Item} Item
 * @typedef {{item: Item, files: Blob[], gone: () => boolean}} Parcel `gone`: it arrived some other way meanwhile
 */

/**
 * Sends a message with files; the same nonce makes one message of it, however often it is sent. Rejects with an
 * ApiError: status 0 and code `unreachable` when the line broke, `stopped` when the signal said so.
 * @param {Parcel} parcel @param {(sent: number, total: number) => void} onProgress bytes @param {AbortSignal} signal
 * @returns {Promise<any>} the message
 */
export async function upload(parcel, onProgress, signal) {
  const run = () => {
    if (signal.aborted || parcel.gone()) throw new ApiError(0, "stopped", "");
    return post(parcel, onProgress, signal);
  };
  // Two tabs may hold the same message: one carries it, the other hears that it arrived.
  const { locks } = navigator;
  if (!locks) return run();
  return locks.request(`parlour-upload-${parcel.item.nonce}`, { signal }, run)
    .catch((error) => { throw error?.name === "AbortError" ? new ApiError(0, "stopped", "") : error; });
}

/** In one request. @param {Parcel} parcel @param {(sent: number, total: number) => void} onProgress @param {AbortSignal} signal @returns {Promise<any>} */
function post({ item, files }, onProgress, signal) {
  const body = new FormData();
  body.set("room", String(item.room));
  body.set("text", item.text);
  if (item.reply_to) body.set("reply_to", String(item.reply_to));
  files.forEach((file, index) => {
    const meta = item.files?.[index];
    body.append("files", file, meta?.name ?? "file");
    body.append("alt", meta?.alt ?? "");
  });
  const total = files.reduce((sum, { size }) => sum + size, 0);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const fail = (/** @type {string} */ code) => reject(new ApiError(0, code, ""));
    request.open("POST", "/api/v1/chats/messages/");
    request.responseType = "json";
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", csrf());
    request.setRequestHeader("Idempotency-Key", item.nonce);
    request.upload.onprogress = ({ loaded }) => onProgress(Math.min(loaded, total), total);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300 && request.response) resolve(request.response);
      else reject(refusal(request.status, (name) => request.getResponseHeader(name), request.response));
    };
    request.onerror = () => fail("unreachable");
    request.onabort = () => fail("stopped");
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(body);
  });
}
