// Which of a user's pages rings and notifies.

import type { Duties, Peer, Reach } from "./reach.ts";

/** What the first of `all` is to do; every page comes to the same answer about all of them. */
export function dutiesOf(me: Peer, others: readonly Peer[]): Duties {
  const all = [me, ...others].sort((a, b) =>
    a.leads === b.leads ? compare(a.id, b.id) : a.leads ? -1 : 1,
  );
  const first = (can: (reach: Reach) => boolean): Peer | undefined =>
    all.find(({ reach }) => can(reach));
  const rings =
    first(({ visible, sound }) => visible && sound) ?? first(({ sound }) => sound) ?? all[0];
  const notifies = first(({ notifications }) => notifications) ?? all[0];
  return {
    leads: me.leads,
    rings: rings === me,
    notifies: notifies === me && !first(({ focused }) => focused),
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : 1;
}
