// Notices to test with.

import type { Notice } from "callpop";
import { secondsAgo } from "./calls.ts";

/** An open ticket of a minute ago, with what is given put over it. */
export function notice(over: Partial<Notice> = {}): Notice {
  return {
    notice_id: "t-17",
    source: "desk",
    tenant_id: "b11d749b-8eb7-4236-a068-3d94ba3860d6",
    extension: "200",
    version: 1,
    kind: "ticket",
    title: "Invoice charged twice",
    body: "Marie asks for the second payment of invoice 2025-1187 back.",
    remote: { number: "+32470123456", name: "Marie Peeters" },
    link: "https://crm.example/tickets/17",
    at: secondsAgo(60),
    expires_at: null,
    state: "open",
    done_at: null,
    dismissed_at: null,
    attributes: {},
    ...over,
  };
}
