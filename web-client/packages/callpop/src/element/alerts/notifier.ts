// Desktop notifications: one for each call that rings, gone when it rings no more; and for notices.

import { Wishes } from "./wishes.ts";

/** `unsupported`: this browser, or this page (a frame, no https), has none. */
export type NotificationState = NotificationPermission | "unsupported";

/** A notification as it should be. */
export interface Note {
  readonly tag: string;
  readonly title: string;
  readonly body: string;
  readonly lang: string;
  /** Something else is heard already. */
  readonly silent: boolean;
  /** The system may take it away after a while. */
  readonly isFleeting?: boolean;
  readonly click: () => void;
}

/** In a frame of another origin a browser has the constructor, but never asks. */
export function notificationState(): NotificationState {
  if (!("Notification" in globalThis) || !isSecureContext) return "unsupported";
  return Notification.permission;
}

/** Calls `changed` when the user allows or blocks notifications, wherever that happens. */
export function watchNotifications(changed: () => void): () => void {
  let status: PermissionStatus | undefined;
  let isOver = false;
  void navigator.permissions
    ?.query({ name: "notifications" })
    .then((found) => {
      status = found;
      if (!isOver) found.addEventListener("change", changed);
    })
    .catch(() => undefined);
  return () => {
    isOver = true;
    status?.removeEventListener("change", changed);
  };
}

interface Shown {
  readonly notification: Notification;
  readonly note: Note;
}

const shown = new Map<string, Shown>();

/** What the popups of this page want to be shown; the same call of two popups is one. */
export const notifications: Wishes<readonly Note[]> = new Wishes((wishes) => {
  const notes = new Map(wishes.flat().map((note) => [note.tag, note]));
  for (const [tag, { notification }] of shown) {
    if (notes.has(tag)) continue;
    shown.delete(tag);
    notification.close();
  }
  for (const note of notes.values()) show(note);
});

function show(note: Note): void {
  const before = shown.get(note.tag)?.note;
  if (before?.title === note.title && before.body === note.body) return;
  if (notificationState() !== "granted") return;
  try {
    const { title, body, tag, lang, silent, isFleeting = false, click } = note;
    const requireInteraction = !isFleeting;
    const notification = new Notification(title, { body, tag, lang, silent, requireInteraction });
    notification.onclick = (): void => {
      notification.close();
      click();
    };
    shown.set(tag, { notification, note });
  } catch {
    // A browser that shows notifications from a service worker only.
  }
}
