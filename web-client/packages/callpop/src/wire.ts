// Generated from src/protocol.rs, src/call.rs and src/notice.rs by `make types`. Do not edit.

/**
 * A customer of the telephony provider; everything is separate by tenant.
 */
export type TenantId = string;

/**
 * A user's extension, unique within its tenant only.
 */
export type Extension = string;

/**
 * An item, as its source names it: one participant's part of a call, or a notice.
 */
export type ItemId = string;

/**
 * Where something came from: the name that a source has in the configuration.
 */
export type SourceName = string;

/**
 * From the side of the user whose leg it is.
 */
export type Direction = "inbound" | "outbound";

/**
 * Where a call stands.
 */
export type CallState = "ringing" | "active" | "held" | "ended";

/**
 * How an ended call went.
 */
export type Outcome = "answered" | "missed" | "no_answer" | "expired";

/**
 * One side of a call. A withheld number is null; so is a name that says nothing.
 */
export type Party = { number: string | null, name: string | null, };

/**
 * The only kind of transfer that a provider announces on the receiver's leg.
 */
export type TransferKind = "attended";

/**
 * A call that a colleague hands over.
 */
export type Transfer = { kind: TransferKind, original_number: string, 
/**
 * The colleague who hands it over.
 */
via: Party, 
/**
 * When the original caller came on the line.
 */
completed_at: number | null, };

/**
 * The provider's AI summary of a call.
 */
export type Summary = { language: string, reported_at: number, 
/**
 * As the provider sent it; null where that is too long for the frames of its call.
 */
content: unknown, 
/**
 * The content is too long: ask for it by a frame `summary`.
 */
more?: boolean, };

/**
 * What its user says of a call, once it is over or before.
 */
export type WrapUp = { disposition: string | null, note: string, 
/**
 * When it was said, by callpop's clock.
 */
at: number, 
/**
 * The `sub` of the token of whoever said it.
 */
by: string, };

/**
 * A call as it now stands: the fold of its leg's events.
 */
export type Call = { leg_id: ItemId, 
/**
 * Where its events come from.
 */
source: SourceName, tenant_id: TenantId, extension: Extension, 
/**
 * How many distinct events made this call; it only grows.
 */
version: number, direction: Direction, 
/**
 * The other side is an extension too.
 */
internal: boolean, state: CallState, remote: Party, local: Party, transfer: Transfer | null, started_at: number, answered_at: number | null, 
/**
 * When the present state began.
 */
since: number, ended_at: number | null, 
/**
 * The latest timestamp among the provider's events.
 */
updated_at: number, 
/**
 * Finished time in each state, in milliseconds.
 */
ring_ms: number, talk_ms: number, hold_ms: number, outcome: Outcome | null, 
/**
 * After this a live call is to be shown as unconfirmed.
 */
stale_at: number | null, 
/**
 * When its user closed the popup, at last, by callpop's clock.
 */
dismissed_at: number | null, summary: Summary | null, 
/**
 * Its user has closed the popup that showed this summary.
 */
summary_seen: boolean, 
/**
 * What its user said of it last; null where that was taken back.
 */
wrap_up: WrapUp | null, };

/**
 * What a notice is about.
 */
export type NoticeKind = "message" | "ticket" | "appointment" | "chat" | "voicemail" | "automation" | "other";

/**
 * Whether something is still to be done.
 */
export type NoticeState = "open" | "done";

/**
 * A notice as it now stands: the fold of its events.
 */
export type Notice = { notice_id: ItemId, 
/**
 * Where its events come from.
 */
source: SourceName, tenant_id: TenantId, extension: Extension, 
/**
 * How many distinct events made this notice; it only grows.
 */
version: number, kind: NoticeKind, title: string, body: string | null, 
/**
 * Whom it is from or about.
 */
remote: Party | null, 
/**
 * Where to read on: https only.
 */
link: string | null, 
/**
 * When it was posted last.
 */
at: number, 
/**
 * After this it is no card any more.
 */
expires_at: number | null, state: NoticeState, 
/**
 * When it was done, unless it was posted again since.
 */
done_at: number | null, 
/**
 * When its user closed it, unless it was posted again since.
 */
dismissed_at: number | null, attributes: Record<string, string>, };

/**
 * Where a stream stands.
 */
export type State = { 
/**
 * Changes when the store lost or replaced its data; `seq` counts within it.
 */
epoch: string, seq: number, 
/**
 * Names what is streamed: resume with it, and a change of extensions or scope gets a snapshot.
 */
stream: string, 
/**
 * Callpop's clock.
 */
server_time: number, session_id: string, 
/**
 * How often a client sends `tick`.
 */
heartbeat_ms: number, 
/**
 * Seconds since 1970.
 */
token_expires_at: number, 
/**
 * What is seen, where that is a user's calls; nothing where it is a whole tenant's.
 */
extensions: Array<Extension>, 
/**
 * What a wrap-up may say; where there are none, any text.
 */
dispositions: Array<string>, 
/**
 * Newest first.
 */
calls: Array<Call>, 
/**
 * Newest first; none where notices are no part of the stream. They are the last, since many share one encoding.
 */
notices: Array<Notice>, };

/**
 * What others are told of an integration.
 */
export type IntegrationStatus = "pending" | "active" | "refreshing" | "ambiguous" | "reauth_required" | "deactivated";

/**
 * How an extension is connected to its provider; never a token.
 */
export type Integration = { 
/**
 * Where: an extension may be connected to several sources.
 */
source: SourceName, 
/**
 * What kind of provider that is.
 */
provider: string, extension: Extension, status: IntegrationStatus, 
/**
 * When the status began, by callpop's clock.
 */
since: number, 
/**
 * Seconds since 1970; null when there is no access token.
 */
access_token_expires_at: number | null, 
/**
 * Why it must be connected again: `rejected`, `response_lost`, `restored`, or another word.
 */
cause: string | null, };

/**
 * What was wrong with a client's frame.
 */
export type ErrorCode = "malformed_frame" | "unknown_type" | "token_refused" | "unknown_call" | "unknown_notice" | "invalid_wrap_up" | "full_call" | "full_notice" | "unavailable";

/**
 * A frame to the client.
 */
export type ServerFrame = { "type": "snapshot" } & State | { "type": "resumed" } & State | { "type": "call", seq: number, call: Call, } | { "type": "notice", seq: number, notice: Notice, } | { "type": "durable", seq: number, leg_id?: ItemId, notice_id?: ItemId, source?: SourceName, extension?: Extension, } | { "type": "integration" } & Integration | { "type": "tock", 
/**
 * As the client sent it.
 */
t0: number, 
/**
 * Received.
 */
t1: number, 
/**
 * Sent.
 */
t2: number, } | { "type": "token_expiring", in_ms: number, } | { "type": "token_accepted", 
/**
 * Seconds since 1970.
 */
token_expires_at: number, } | { "type": "reconnect", after_ms: number, } | { "type": "error", code: ErrorCode, detail: string, leg_id?: ItemId, notice_id?: ItemId, source?: SourceName, extension?: Extension, };

/**
 * Which item a frame is about: a leg or a notice; nothing where it is about none.
 */
export type Mention = { leg_id?: ItemId, notice_id?: ItemId, source?: SourceName, extension?: Extension, };

/**
 * An item as a client names it, a leg or a notice; what it leaves out may be any of the user's.
 */
export type NamedItem = { leg_id?: ItemId, notice_id?: ItemId, source?: SourceName, extension?: Extension, };

/**
 * A frame from the client.
 */
export type ClientFrame = { "type": "tick", t0: number, } | { "type": "token", token: string, } | { "type": "dismiss", 
/**
 * The version that the user saw; where it is missing, the one that there is.
 */
seen?: number, leg_id?: ItemId, notice_id?: ItemId, source?: SourceName, extension?: Extension, } | { "type": "done", 
/**
 * The version that the user saw; where it is missing, the one that there is.
 */
seen?: number, leg_id?: ItemId, notice_id?: ItemId, source?: SourceName, extension?: Extension, } | { "type": "wrap_up", disposition: string | null, note: string, leg_id?: ItemId, notice_id?: ItemId, source?: SourceName, extension?: Extension, } | { "type": "summary", leg_id?: ItemId, notice_id?: ItemId, source?: SourceName, extension?: Extension, } | { "type": "painted", 
/**
 * Microseconds of callpop's clock.
 */
painted_at: number, leg_id?: ItemId, notice_id?: ItemId, source?: SourceName, extension?: Extension, } | { "type": "beat", 
/**
 * A page of it can be seen.
 */
visible: boolean, 
/**
 * A page of it may play sound.
 */
sound: boolean, 
/**
 * A page of it may show notifications.
 */
notifications: boolean, };
