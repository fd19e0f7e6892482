// Whether a page that changes its token has only renewed it, or has signed in somebody else.

import { groupOf } from "../../group.ts";

/** Whether both tokens say the same about their user; false when one of them does not tell. */
export function isSameUser(token: string, other: string): boolean {
  const group = groupOf(token);
  return group !== null && group === groupOf(other);
}
