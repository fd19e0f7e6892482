// Generated from src/protocol.rs and the types that its frames hold by `make types`. Do not edit.

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
 * Who called whom, by the first leg.
 */
export type ConversationKind = "inbound" | "outbound" | "internal";

/**
 * How a conversation went.
 */
export type ConversationOutcome = "open" | "answered" | "missed" | "short" | "reached" | "connected" | "no_answer" | "unknown";

/**
 * Whether a conversation was seen or inferred.
 */
export type Basis = "observed" | "inferred";

/**
 * What a list of conversations and their frame carry.
 */
export type Conversation = { conversation_id: string, tenant_id: TenantId, source: SourceName, kind: ConversationKind, outcome: ConversationOutcome, basis: Basis, rules: Array<"pair" | "attended" | "ring_group" | "hop" | "blind">, certainty: "low" | "medium" | "high", ambiguous: boolean, 
/**
 * There were too many legs around it for any inference.
 */
capped?: boolean, 
/**
 * Where a leg may belong, of those of which that is open.
 */
doubts?: Array<{ candidates: Array<string>, extension: Extension, leg_id: ItemId, }>, number: string | null, name: string | null, started_at: number, answered_at: number | null, ended_at: number | null, wait_ms: number | null, 
/**
 * What is finished; null where it is over and no stamp says when it was answered, or when it ended.
 */
talk_ms: number | null, hold_ms: number | null, limbo_ms: number | null, answered_by: Extension | null, talked: Array<{ extension: Extension, talk_ms: number, }>, hops: number, transfers: Array<{ kind: "blind" | "attended", from: Extension, 
/**
 * Who took it; where nobody did, who rang first.
 */
to: Extension, 
/**
 * When the caller came on the receiver's line or, of a blind transfer, left the transferor's; of one that was only
 * asked about, when the receiver's telephone rang.
 */
at: number, 
/**
 * None while it rings.
 */
result: "completed" | "consulted" | "unanswered" | null, }>, legs: Array<{ extension: Extension, leg_id: ItemId, }>, replaces: Array<string>, summary: boolean, };

/**
 * A local day, from its first moment to that of the next.
 */
export type BoardDay = { from: number, to: number, };

/**
 * By which figures are read, in milliseconds.
 */
export type ShownRules = { answer_within_ms: number, short_ms: number, reached_ms: number, alarms: AlarmRule[], };

/**
 * What the values of figures by extension are, in their order.
 */
export type FigureColumns = { extension: string[], };

/**
 * What the tile of an extension shows.
 */
export type TileRow = { extension: Extension, 
/**
 * As the directory has it, or as colleagues' telephones showed it.
 */
name: string | null, groups: Array<string>, 
/**
 * None where there is no call.
 */
state: "ringing" | "active" | "held" | null, 
/**
 * Since when; with no call, since the end of the last.
 */
since: number | null, direction: Direction | null, 
/**
 * The other side is a colleague.
 */
internal: boolean, number: string | null, 
/**
 * The name of the other side.
 */
party: string | null, 
/**
 * How many calls it has at that moment.
 */
legs: number, conversation: string | null, 
/**
 * Nothing came of it for so long that it may be over.
 */
unconfirmed: boolean, 
/**
 * The telephone system says that a call goes on which is over, as the events tell.
 */
clamped: boolean, 
/**
 * 0, or how loudly it gives alarm: 1, or 2 for what is worse.
 */
alarm: number, };

/**
 * Figures of one window by one key, whole; those of an extension in the order of the columns.
 */
export type FigureRow = { window: "now" | "today" | "m15" | "m30" | "m60", by: "tenant" | "group" | "line" | "extension", key: string, values: Record<string, number | null | Array<BoardAlarm>> | Array<number | null>, };

/**
 * A rule by which a board gives alarm: a figure is at least, or at most, a value for so long. The value is in seconds of
 * what lasts, a share of 1, or a count.
 */
export type AlarmRule = { figure: string, at_least: boolean, value: number, level: 1 | 2, lasting_ms: number, };

/**
 * An alarm that is raised: among the figures of the present moment.
 */
export type BoardAlarm = { figure: string, level: 1 | 2, since: number, };

/**
 * A whole board: replaces everything that the client shows.
 */
export type BoardState = { 
/**
 * Another one begins when the store lost or replaced its data.
 */
epoch: string, 
/**
 * Callpop's clock.
 */
at: number, 
/**
 * Of which `day` is one.
 */
time_zone: string, day: BoardDay, 
/**
 * Which part of the calls is counted already; below 1 all figures are too low.
 */
complete: number, rules: ShownRules, 
/**
 * The version of callpop: a page of another one is to be loaded again.
 */
build: string, tiles: TileRow[], columns: FigureColumns, figures: FigureRow[], 
/**
 * Changes with the directory, by which names and groups are shown.
 */
directory_rev: string, 
/**
 * How often a client sends `tick`.
 */
heartbeat_ms: number, };

/**
 * What half of the events did not exceed, and 95 of a hundred.
 */
export type HealthLag = { p50_ms: number | null, p95_ms: number | null, };

/**
 * How a board is fed. Times are callpop's, durations are in milliseconds.
 */
export type HealthState = { at: number, 
/**
 * When all that was committed before was read; where that is long ago, the store cannot be read.
 */
as_of: number, 
/**
 * When an event came last, by callpop's clock; none where none came since this node began to look.
 */
last_event_at: number | null, 
/**
 * From when something happened to when it was committed, over the last quarter of an hour.
 */
lag: HealthLag, 
/**
 * The least of these: below 0 the provider's clock is ahead of callpop's, by as much or more.
 */
skew_ms: number | null, 
/**
 * Events of today that came more than a minute after they happened; that came once more; after one of the same
 * call that happened later.
 */
late: number, duplicate: number, out_of_order: number, 
/**
 * How many nodes there are; null until this one knows.
 */
nodes: number | null, 
/**
 * Calls of today of which nothing was heard for so long that they may be over; that ended for want of news; of
 * which nobody knows how they went, or when they began; of which it is open where a leg belongs.
 */
unconfirmed: number, expired: number, unknown: number, unknown_start: number, ambiguous: number, 
/**
 * Calls whose start is more than five minutes ahead of callpop's clock.
 */
ahead: number, 
/**
 * Extensions of the directory, and those of them that were ever heard of in two days.
 */
extensions: number, connected: number, complete: number, };

/**
 * What was wrong with a client's frame.
 */
export type ErrorCode = "malformed_frame" | "unknown_type" | "token_refused" | "unknown_call" | "unknown_conversation" | "unknown_notice" | "invalid_wrap_up" | "full_call" | "full_notice" | "unavailable";

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
t2: number, } | { "type": "board" } & BoardState | { "type": "tiles", at: number, rows: TileRow[], } | { "type": "figures", 
/**
 * Goes up with each of them.
 */
rev: number, at: number, complete: number, columns: FigureColumns, rows: FigureRow[], } | { "type": "conversation", conversation: Conversation, } | { "type": "health" } & HealthState | { "type": "token_expiring", in_ms: number, } | { "type": "token_accepted", 
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
notifications: boolean, } | { "type": "board", windows: ("today" | "m15" | "m30" | "m60")[], by: ("tenant" | "group" | "line" | "extension")[], } | { "type": "watch", conversation: string, };
