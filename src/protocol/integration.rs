//! What a user is told of an integration: the frame `integration`, and the words for where one stands.

use crate::{
    clock::Micros,
    id::{Extension, SourceName},
};
use serde::Serialize;

/// How an extension is connected to its provider; never a token.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) struct Integration<'a> {
    /// Where: an extension may be connected to several sources.
    pub(crate) source: &'a SourceName,
    /// What kind of provider that is.
    pub(crate) provider: &'a str,
    pub(crate) extension: &'a Extension,
    pub(crate) status: IntegrationStatus,
    /// When the status began, by callpop's clock.
    #[cfg_attr(test, ts(type = "number"))]
    pub(crate) since: Micros,
    /// Seconds since 1970; null when there is no access token.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub(crate) access_token_expires_at: Option<u64>,
    /// Why it must be connected again: `rejected`, `response_lost`, `restored`, or another word.
    pub(crate) cause: Option<&'a str>,
}

/// What others are told of an integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(test, derive(ts_rs::TS))]
pub(crate) enum IntegrationStatus {
    /// The user was sent to the provider, whose activation has not come.
    Pending,
    Active,
    /// Active, and a refresh is under way.
    Refreshing,
    /// A refresh ended without a clear answer; the old access token still counts.
    Ambiguous,
    /// There will be no access token until the user consents again.
    ReauthRequired,
    /// Ended from either side; its tokens are wiped.
    Deactivated,
}

impl IntegrationStatus {
    pub(crate) const ALL: [Self; 6] = [
        Self::Pending,
        Self::Active,
        Self::Refreshing,
        Self::Ambiguous,
        Self::ReauthRequired,
        Self::Deactivated,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Refreshing => "refreshing",
            Self::Ambiguous => "ambiguous",
            Self::ReauthRequired => "reauth_required",
            Self::Deactivated => "deactivated",
        }
    }
}
