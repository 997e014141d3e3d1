// @ts-check
/** A page of its own that sends through a socket, at a rate or as fast as it is answered. */

/** @typedef {import("../world.mjs").World} World */

/** @param {World} world @param {string} token */
export async function sender(world, token) {
  const { page, context } = await world.visitor();
  await page.goto(`${world.url}/`);
  await page.evaluate((address) => new Promise((resolve, reject) => {
    const here = /** @type {any} */ (globalThis);
    const socket = new WebSocket(address);
    here.socket = socket;
    here.answered = 0;
    here.refused = 0;
    socket.onmessage = ({ data }) => {
      const { type } = JSON.parse(String(data).slice(0, 200).includes('"type":"ack"') ? '{"type":"ack"}' : data);
      if (type === "hello") resolve(null);
      if (type === "ack") here.answered += 1;
      if (type === "error") here.refused += 1;
      here.pump?.();
    };
    socket.onclose = ({ code }) => reject(new Error(`closed with ${code}`));
  }), `${world.url.replace("http", "ws")}/?token=${token}&v=2`);
  return {
    context,
    /** So many, at most 64 of them on the way. @param {number} room @param {number} count */
    fill: (room, count) => page.evaluate(([room, count]) => new Promise((resolve) => {
      const here = /** @type {any} */ (globalThis);
      let sent = 0;
      here.answered = 0;
      here.pump = () => {
        while (sent < count && sent - here.answered - here.refused < 64) {
          sent += 1;
          here.socket.send(JSON.stringify({ type: "send", room, text: `Message ${sent}: who brings the lamps, and when do the doors open?`, nonce: `fill-${sent}` }));
        }
        if (here.answered + here.refused >= count) { here.pump = null; resolve(here.answered); }
      };
      here.pump();
    }), /** @type {[number, number]} */ ([room, count])),
    /** So many a second for so long; answers how many were sent and taken. @param {number} room @param {number} rate @param {number} seconds */
    flow: (room, rate, seconds) => page.evaluate(([room, rate, seconds]) => new Promise((resolve) => {
      const here = /** @type {any} */ (globalThis);
      const start = performance.now();
      let sent = 0;
      here.answered = 0;
      const timer = setInterval(() => {
        const due = Math.min(rate * seconds, Math.floor(((performance.now() - start) / 1000) * rate));
        for (; sent < due; sent += 1) here.socket.send(JSON.stringify({ type: "send", room, text: `Flood ${sent}: the lamps are on`, nonce: `flow-${sent}` }));
        if (sent >= rate * seconds) { clearInterval(timer); setTimeout(() => resolve({ sent, answered: here.answered, took: performance.now() - start }), 1500); }
      }, 50);
    }), /** @type {[number, number, number]} */ ([room, rate, seconds])),
  };
}
