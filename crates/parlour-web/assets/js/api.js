// @ts-check
/** REST with the session cookie: the double-submit token goes along, answers are JSON. */

/** A refusal of the server, or `status` 0 when it could not be reached. */
export class ApiError extends Error {
  /**
   * @param {number} status @param {string} code @param {string} text
   * @param {Record<string, string[]>} [fields] @param {number} [retryAfter] seconds
   */
  constructor(status, code, text, fields = {}, retryAfter = 0) {
    super(text);
    this.status = status;
    this.code = code;
    this.text = text;
    this.fields = fields;
    this.retryAfter = retryAfter;
  }
}

/** @returns {string} the token of the cookie `csrftoken` */
export function csrf() {
  const found = /(?:^|;\s*)(?:__Host-)?csrftoken=([^;]*)/.exec(document.cookie);
  return found ? decodeURIComponent(found[1] ?? "") : "";
}

/**
 * @param {string} method @param {string} path @param {unknown} [body]
 * @param {{keepalive?: boolean, headers?: Record<string, string>, signal?: AbortSignal}} [more]
 * @returns {Promise<any>} the JSON, or null; rejects with an ApiError
 */
export async function api(method, path, body, more = {}) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json", "X-CSRFToken": csrf(), ...more.headers };
  /** @type {RequestInit} */
  const init = { method, headers, credentials: "same-origin", cache: "no-store", keepalive: more.keepalive ?? false };
  if (more.signal) init.signal = more.signal;
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  /** @type {Response} */
  let answer;
  try {
    answer = await fetch(path, init);
  } catch {
    throw new ApiError(0, "unreachable", "");
  }
  const data = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (answer.ok) return data;
  throw refusal(answer.status, (name) => answer.headers.get(name), data);
}

/** What an answer that is no success says. @param {number} status @param {(name: string) => string | null} header @param {any} data */
export function refusal(status, header, data) {
  /** @type {Record<string, string[]>} */
  const fields = {};
  let text = "";
  if (Array.isArray(data)) text = String(data[0] ?? "");
  else if (data && typeof data === "object") {
    for (const [name, value] of Object.entries(data)) {
      if (Array.isArray(value)) fields[name] = value.map(String);
    }
    text = String(data.detail ?? Object.values(fields)[0]?.[0] ?? "");
  }
  const code = header("X-Parlour-Error") ?? (status >= 500 ? "internal" : "invalid");
  return new ApiError(status, code, text, fields, Number(header("Retry-After")) || 0);
}
