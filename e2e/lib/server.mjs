// @ts-check
/** A real server with a fresh SQLite database, on a free port. */

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const PROGRAM =
  process.env.PARLOUR_TEST_SERVER ??
  new URL("../../target/debug/parlour", import.meta.url).pathname;

export class Server {
  /**
   * @param {import("node:child_process").ChildProcess} child
   * @param {string} url without a slash at the end
   * @param {string} folder
   */
  constructor(child, url, folder) {
    this.child = child;
    this.url = url;
    this.folder = folder;
    /** What it wrote to standard error. */
    this.log = "";
    child.stderr?.on("data", (piece) => (this.log += piece));
  }

  /**
   * @param {Record<string, string>} [settings] environment variables
   * @param {string} [kept] a data dir to go on with
   * @returns {Promise<Server>}
   */
  static async start(settings = {}, kept) {
    const folder = kept ?? (await mkdtemp(join(tmpdir(), "parlour-e2e-")));
    const child = spawn(PROGRAM, [], {
      cwd: folder,
      env: {
        PATH: process.env.PATH,
        PARLOUR_DATA_DIR: join(folder, "data"),
        PARLOUR_LISTEN: "127.0.0.1:0",
        RATE_LIMITS: "off",
        ...(process.env.THEME_DIR ? { THEME_DIR: process.env.THEME_DIR } : {}),
        ...settings,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const lines = createInterface({ input: /** @type {any} */ (child.stdout) });
    const server = new Server(child, "", folder);
    server.url = await new Promise((resolve, reject) => {
      lines.on("line", (line) => {
        const found = /^listening on (http\S+)$/.exec(line);
        if (found) resolve(found[1]);
      });
      child.once("exit", (code) => reject(new Error(`the server ended with ${code}:\n${server.log}`)));
      setTimeout(() => reject(new Error(`no ready line:\n${server.log}`)), 30_000).unref();
    });
    return server;
  }

  /** Ends it and waits. @param {NodeJS.Signals} [signal] */
  async end(signal = "SIGTERM") {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.child.once("exit", resolve));
    this.child.kill(signal);
    await gone;
  }

  /** Ends it and removes what it kept. */
  async remove() {
    await this.end();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The same data under a new process. @param {Record<string, string>} [settings] */
  async again(settings = {}) {
    return Server.start(settings, this.folder);
  }
}
