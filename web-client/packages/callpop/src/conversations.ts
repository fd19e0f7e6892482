// What the gateway makes of the legs of one caller, kept for the calls that are held and forgotten with
// them; loaded when the first comes. What it means to a user is the popup's business.

import { keyOf } from "./item-key.ts";
import type { Store } from "./store.ts";
import type { Conversation } from "./wire.ts";

/** Takes a conversation as it now stands, in place of those that it replaces; false: it has no call here. */
export function keep(store: Store, conversation: Conversation): boolean {
  const { conversation_id, source, legs, replaces } = conversation;
  const { conversations } = store;
  const calls = new Set(store.calls.list.map(keyOf));
  const gone = [conversation_id, ...replaces];
  for (const [key, { conversation_id: id }] of conversations) {
    if (gone.includes(id) || !calls.has(key)) conversations.delete(key);
  }
  const keys = legs.map((leg) => keyOf({ source, ...leg })).filter((key) => calls.has(key));
  for (const key of keys) conversations.set(key, conversation);
  return keys.length > 0;
}
