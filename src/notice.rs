//! What a notice is: anything beside a call that a person should see now, such as a text message or a ticket. Pure, as
//! `call` is.
//!
//! A [`Posts`] is the set of a notice's [`Event`]s; a [`Notice`] is what they fold to, and is exactly what a client
//! receives.

mod event;
mod post;
mod posts;

pub(crate) use event::{Event, What};
pub(crate) use post::{BadPost, Post};
pub(crate) use posts::Posts;

use crate::{
    call::Party,
    clock::Micros,
    id::{Extension, ItemId, SourceName, TenantId},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// What a notice is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) enum NoticeKind {
    Message,
    Ticket,
    Appointment,
    Chat,
    Voicemail,
    Automation,
    #[default]
    Other,
}

/// Whether something is still to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) enum NoticeState {
    Open,
    Done,
}

/// A notice as it now stands: the fold of its events.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Notice {
    pub(crate) notice_id: ItemId,
    /// Where its events come from.
    pub(crate) source: SourceName,
    pub(crate) tenant_id: TenantId,
    pub(crate) extension: Extension,
    /// How many distinct events made this notice; it only grows.
    pub(crate) version: u32,
    pub(crate) kind: NoticeKind,
    pub(crate) title: Arc<str>,
    pub(crate) body: Option<Arc<str>>,
    /// Whom it is from or about.
    pub(crate) remote: Option<Party>,
    /// Where to read on: https only.
    pub(crate) link: Option<Arc<str>>,
    /// When it was posted last.
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) at: Micros,
    /// After this it is no card any more.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub(crate) expires_at: Option<Micros>,
    pub(crate) state: NoticeState,
    /// When it was done, unless it was posted again since.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub(crate) done_at: Option<Micros>,
    /// When its user closed it, unless it was posted again since.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub(crate) dismissed_at: Option<Micros>,
    #[cfg_attr(test, ts(type = "Record<string, string>"))]
    pub(crate) attributes: Arc<BTreeMap<String, String>>,
}
