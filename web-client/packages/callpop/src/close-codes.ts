// What the gateway means when it closes a connection.

/** Why the gateway does not want this client as it is. */
export type RefusalReason =
  "token" | "forbidden" | "too_many_sessions" | "too_many_frames" | "malformed_frame";

/** The session needs a better token: worth one more attempt when the provider has another. */
export const TOKEN_REFUSED = 4401;
/** Of this page, by the gateway or by the browser. */
export const FORBIDDEN = 4403;

const REFUSALS: Readonly<Record<number, RefusalReason>> = {
  4400: "malformed_frame",
  [TOKEN_REFUSED]: "token",
  [FORBIDDEN]: "forbidden",
  4409: "too_many_sessions",
  4429: "too_many_frames",
};

/** The refusal behind a close code, or undefined where connecting again is right. */
export function refusalOf(code: number): RefusalReason | undefined {
  return REFUSALS[code];
}
