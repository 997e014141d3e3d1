// @ts-check
/** Mentions outside of the room: the number in the title, on the app's icon, and as a notification when allowed. */
import { store } from "./store.js";
import { t } from "./texts.js";

/** Answers to the same message are one notification. */
const shown = new Set();

/** @param {{room?: number, mention?: boolean, message?: any}} detail */
export function update({ room, mention, message }) {
  const total = [...store.rooms.values()]
    .reduce((sum, link) => sum + (link.id === store.room?.id && !document.hidden ? 0 : link.mentions), 0);
  const plain = document.title.replace(/^\(\d+\) /, "");
  const title = total > 0 ? `(${total}) ${plain}` : plain;
  if (document.title !== title) document.title = title;
  const app = /** @type {any} */ (navigator);
  if (total > 0) app.setAppBadge?.(total).catch(() => {});
  else app.clearAppBadge?.().catch(() => {});
  if (mention && message && room && document.hidden) notification(room, message);
}

/** @param {number} id @param {any} message */
function notification(id, message) {
  if (!("Notification" in window) || Notification.permission !== "granted" || shown.has(message.id)) return;
  shown.add(message.id);
  const room = store.rooms.get(id);
  const note = new Notification(t("js-notify-title", { name: message.sender, room: room?.name ?? "" }), {
    body: String(message.text || (message.files?.[0]?.name ?? "")).slice(0, 160), tag: `parlour-${message.id}`, lang: document.documentElement.lang,
  });
  note.onclick = () => {
    window.focus();
    if (room && id !== store.room?.id) location.href = `${room.url}?at=${message.id}`;
    note.close();
  };
}
