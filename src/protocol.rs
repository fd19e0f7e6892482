//! The WebSocket protocol: every frame and every close code. What a frame does is in `session`.
//!
//! The TypeScript types of the web client are generated from this room and from the types of `call`,
//! `notice` and `id` that frames hold: `make types` writes them, and a test fails when they drift.

mod board;
mod frame;
mod integration;

pub(crate) use board::{BoardDay, BoardState, FigureColumns, HealthLag, HealthState, ShownRules, TileRow};
pub(crate) use frame::Frame;
pub(crate) use integration::{Integration, IntegrationStatus};

use crate::{
    call::Call,
    clock::Micros,
    id::{Extension, ItemId, ItemKey, ItemName, Kind, SourceName},
    notice::Notice,
};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

/// The subprotocol that a client offers.
pub(crate) const SUBPROTOCOL: &str = "callpop.v1";
/// A browser's token comes as a second offered subprotocol with this prefix.
pub(crate) const BEARER_PREFIX: &str = "bearer.";
/// A display's secret comes the same way.
pub(crate) const DISPLAY_PREFIX: &str = "display.";
/// The largest frame that is taken from a client, in bytes.
pub(crate) const MAX_CLIENT_FRAME: usize = 64 * 1024;

/// A frame to the client.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) enum ServerFrame<'a> {
    /// Replaces everything that the client holds.
    Snapshot(State<'a>),
    /// Answers `resume`: the items that changed since; the others stand.
    Resumed(State<'a>),
    /// A call as it now stands.
    Call {
        #[cfg_attr(test, ts(type = "number"))]
        seq: u64,
        call: &'a Call,
    },
    /// A notice as it now stands.
    Notice {
        #[cfg_attr(test, ts(type = "number"))]
        seq: u64,
        notice: &'a Notice,
    },
    /// What this session said of an item is durable: the change of that number. What changed nothing is answered with
    /// the number of a change of the item by which it was known.
    Durable {
        #[cfg_attr(test, ts(type = "number"))]
        seq: u64,
        #[serde(flatten)]
        item: Mention<'a>,
    },
    /// An integration of the user, whenever its status changes; no part of what `seq` counts.
    Integration(Integration<'a>),
    /// Answers `tick`, in microseconds of callpop's clock.
    Tock {
        /// As the client sent it.
        #[cfg_attr(test, ts(type = "number"))]
        t0: serde_json::Number,
        /// Received.
        #[cfg_attr(test, ts(type = "number"))]
        t1: Micros,
        /// Sent.
        #[cfg_attr(test, ts(type = "number"))]
        t2: Micros,
    },
    /// All that a board shows: with `view=board` in the place of `snapshot`.
    Board(BoardState<'a>),
    /// Tiles that changed, whole; at most ten times a second.
    Tiles {
        #[cfg_attr(test, ts(type = "number"))]
        at: Micros,
        #[cfg_attr(test, ts(type = "TileRow[]"))]
        rows: Vec<&'a RawValue>,
    },
    /// Figures that changed, whole; at most once a second.
    Figures {
        /// Goes up with each of them.
        #[cfg_attr(test, ts(type = "number"))]
        rev: u64,
        #[cfg_attr(test, ts(type = "number"))]
        at: Micros,
        complete: f64,
        columns: FigureColumns,
        #[cfg_attr(test, ts(type = "FigureRow[]"))]
        rows: Vec<&'a RawValue>,
    },
    /// A conversation that is watched, or that a call of the user's is part of: whenever it changes.
    Conversation {
        #[cfg_attr(test, ts(type = "Conversation"))]
        conversation: &'a RawValue,
    },
    /// Every five seconds, how a board is fed.
    Health(&'a HealthState),
    /// The token ends soon: send a fresh one.
    TokenExpiring {
        #[cfg_attr(test, ts(type = "number"))]
        in_ms: u64,
    },
    /// The fresh token counts from now on.
    TokenAccepted {
        /// Seconds since 1970.
        #[cfg_attr(test, ts(type = "number"))]
        token_expires_at: u64,
    },
    /// The node is draining: connect again after that long.
    Reconnect {
        #[cfg_attr(test, ts(type = "number"))]
        after_ms: u64,
    },
    /// About a frame of the client's; the connection stays.
    Error {
        code: ErrorCode,
        detail: &'a str,
        /// The item that the frame was about, where it was about one.
        #[serde(flatten)]
        item: Mention<'a>,
    },
}

/// Which item a frame is about: a leg or a notice; nothing where it is about none.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Mention<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub(crate) leg_id: Option<&'a ItemId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub(crate) notice_id: Option<&'a ItemId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub(crate) source: Option<&'a SourceName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub(crate) extension: Option<&'a Extension>,
}

/// Where a stream stands.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct State<'a> {
    /// Changes when the store lost or replaced its data; `seq` counts within it.
    pub(crate) epoch: &'a str,
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) seq: u64,
    /// Names what is streamed: resume with it, and a change of extensions or scope gets a snapshot.
    pub(crate) stream: &'a str,
    /// Callpop's clock.
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) server_time: Micros,
    #[cfg_attr(test, ts(type = "string"))]
    pub(crate) session_id: Uuid,
    /// How often a client sends `tick`.
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) heartbeat_ms: u64,
    /// Seconds since 1970.
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) token_expires_at: u64,
    /// What is seen, where that is a user's calls; nothing where it is a whole tenant's.
    pub(crate) extensions: &'a [Extension],
    /// What a wrap-up may say; where there are none, any text.
    pub(crate) dispositions: &'a [String],
    /// Newest first.
    pub(crate) calls: Vec<&'a Call>,
    /// Newest first; none where notices are no part of the stream. They are the last, since many share one encoding.
    pub(crate) notices: Vec<&'a Notice>,
}

/// How a state without items ends.
const NO_ITEMS: &str = r#""calls":[],"notices":[]}"#;

/// What was wrong with a client's frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) enum ErrorCode {
    /// Not JSON, not an object, or a field is missing or of the wrong type.
    MalformedFrame,
    /// A `type` that this server does not know.
    UnknownType,
    /// The fresh token is bad, or another user's; the old one still counts.
    TokenRefused,
    /// No call of that leg among the calls of the token's extensions; of a summary that is asked for, none that has one.
    UnknownCall,
    /// No such conversation among those that the user sees.
    UnknownConversation,
    /// No such notice among theirs.
    UnknownNotice,
    /// The wrap-up cannot be taken as it is: too long, or not one of the dispositions.
    InvalidWrapUp,
    /// The call holds as many events as it may.
    FullCall,
    /// The notice does.
    FullNotice,
    /// The engine could not store it: try again.
    Unavailable,
}

/// A frame from the client.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) enum ClientFrame {
    /// Asks for the server's time, and shows that the page lives.
    Tick {
        #[cfg_attr(test, ts(type = "number"))]
        t0: serde_json::Number,
    },
    /// A fresh JWT of the same user.
    Token { token: String },
    /// The user closed the popup of that leg, or the card of that notice.
    Dismiss {
        #[serde(flatten)]
        item: NamedItem,
        /// The version that the user saw; where it is missing, the one that there is.
        #[cfg_attr(test, ts(optional, type = "number"))]
        seen: Option<u32>,
    },
    /// Nothing is to be done any more about that notice.
    Done {
        #[serde(flatten)]
        item: NamedItem,
        /// The version that the user saw; where it is missing, the one that there is.
        #[cfg_attr(test, ts(optional, type = "number"))]
        seen: Option<u32>,
    },
    /// What the user says of a call, in place of what was said before; an empty note without a
    /// disposition takes it back.
    WrapUp {
        #[serde(flatten)]
        item: NamedItem,
        disposition: Option<String>,
        note: String,
    },
    /// Asks for all that a summary says, where that is too long for the frames of its call. Answered by a `call` that
    /// has it, to nobody else; its `seq` is that of the frame before.
    Summary {
        #[serde(flatten)]
        item: NamedItem,
    },
    /// The popup of that leg, while it rang, was on the screen. Never answered.
    Painted {
        #[serde(flatten)]
        item: NamedItem,
        /// Microseconds of callpop's clock.
        #[cfg_attr(test, ts(type = "number"))]
        painted_at: Micros,
    },
    /// Whether the user can be alerted by this connection: at once when it changes, and with every
    /// heartbeat. Never answered.
    Beat {
        /// A page of it can be seen.
        visible: bool,
        /// A page of it may play sound.
        sound: bool,
        /// A page of it may show notifications.
        notifications: bool,
    },
    /// Which figures a board is to be sent, in the place of those that it was sent before.
    Board {
        #[cfg_attr(test, ts(type = "(\"today\" | \"m15\" | \"m30\" | \"m60\")[]"))]
        windows: Vec<String>,
        #[cfg_attr(test, ts(type = "(\"tenant\" | \"group\" | \"line\" | \"extension\")[]"))]
        by: Vec<String>,
    },
    /// Lets a board be sent a conversation, now and whenever it changes; the latest four of those that were asked for.
    Watch { conversation: String },
    /// Of a type that this server does not know.
    #[serde(other)]
    #[cfg_attr(test, ts(skip))]
    Unknown,
}

/// An item as a client names it, a leg or a notice; what it leaves out may be any of the user's.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct NamedItem {
    #[cfg_attr(test, ts(optional))]
    leg_id: Option<ItemId>,
    #[cfg_attr(test, ts(optional))]
    notice_id: Option<ItemId>,
    #[cfg_attr(test, ts(optional))]
    pub(crate) source: Option<SourceName>,
    #[cfg_attr(test, ts(optional))]
    pub(crate) extension: Option<Extension>,
}

/// Why the server closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(test, derive(Serialize))]
#[repr(u16)]
pub(crate) enum CloseCode {
    /// A binary frame, one over [`MAX_CLIENT_FRAME`], or a handshake that makes no sense.
    Malformed = 4400,
    /// No token, a bad one, or an expired one.
    Unauthorized = 4401,
    /// The origin, the scope or the role is not allowed.
    Forbidden = 4403,
    /// Too many sessions of one user.
    TooManySessions = 4409,
    /// Too many frames.
    TooManyFrames = 4429,
    /// Our own fault.
    Internal = 4500,
    /// The node is draining.
    Draining = 4503,
    /// The engine is lost.
    EngineLost = 4504,
}

impl CloseCode {
    /// The number on the wire.
    pub(crate) fn number(self) -> u16 {
        self as u16
    }
}

impl NamedItem {
    /// What it names; none where that is not one item.
    pub(crate) fn id(&self) -> Option<(Kind, &ItemId)> {
        match (&self.leg_id, &self.notice_id) {
            (Some(id), None) => Some((Kind::Call, id)),
            (None, Some(id)) => Some((Kind::Notice, id)),
            _ => None,
        }
    }
}

impl<'a> Mention<'a> {
    /// That of an id, of whichever source and extension.
    pub(crate) fn of_id(kind: Kind, id: &'a ItemId) -> Self {
        match kind {
            Kind::Call => Self { leg_id: Some(id), ..Self::default() },
            Kind::Notice => Self { notice_id: Some(id), ..Self::default() },
        }
    }
}

impl<'a> From<&'a ItemKey> for Mention<'a> {
    fn from(ItemKey { extension, kind, name: ItemName { source, id }, .. }: &'a ItemKey) -> Self {
        Self { source: Some(source), extension: Some(extension), ..Self::of_id(*kind, id) }
    }
}

impl ServerFrame<'_> {
    /// The frame as it goes over the wire.
    pub(crate) fn encode(&self) -> Frame {
        self.into()
    }

    /// The beginning of a `snapshot` or `resumed` without items, up to where the lists of those are to follow.
    pub(crate) fn encode_before_lists(&self) -> Bytes {
        let mut json = serde_json::to_vec(self).unwrap_or_default();
        json.truncate(json.len().saturating_sub(NO_ITEMS.len()));
        json.into()
    }
}

#[cfg(test)]
#[path = "protocol/tests.rs"]
mod tests;
