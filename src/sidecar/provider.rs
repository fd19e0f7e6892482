//! A source's token endpoint, as Telsmart has it: how a refresh token is sent, and what an answer means. What is not
//! known of it follows RFC 6749 (section 6, and 5.2 for errors) and RFC 7009.
//!
//! A request is sent at most once: no retry, no redirect, no connection that was used before. The
//! token is in the body, and the body is not given away before the caller says so.

use crate::{config::Portal, id::SourceName};
use bytes::Bytes;
use futures_util::stream;
use reqwest::{Body, Client, RequestBuilder, header, redirect::Policy, retry};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::{
    collections::HashMap,
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};
use zeroize::Zeroizing;

/// How long a connection may take to stand.
pub(crate) const CONNECT: Duration = Duration::from_secs(5);
/// How long a revocation may take.
const REVOKE: Duration = Duration::from_secs(10);
/// The largest answer that is taken, in bytes.
const MOST: usize = 64 * 1024;
/// The longest life of an access token that is believed: a year, in seconds.
pub(crate) const MAX_LIFE: u64 = 366 * 24 * 60 * 60;

/// Speaks with the token endpoint of one source's provider.
pub(crate) struct Provider {
    client: Client,
    portal: Portal,
}

/// One for each source that has a portal, with nothing in common.
pub(crate) struct Providers(HashMap<SourceName, Provider>);

/// What became of a request with a refresh token.
pub(crate) enum Sending {
    /// The token has certainly not left the process.
    NotSent,
    /// The whole answer came.
    Answered { status: u16, body: SecretString },
    /// It left, or may have, and there is no answer.
    Unanswered,
}

/// What an answer says.
pub(crate) enum Reading {
    Issued(Issued),
    /// The refresh token is not accepted.
    Rejected,
    /// The client or the request is not accepted, before the token was looked at.
    Refused(&'static str),
    /// Nothing that can be relied upon.
    Unclear,
}

/// Tokens that were issued.
#[derive(Deserialize)]
pub(crate) struct Issued {
    pub(crate) access_token: SecretString,
    /// Where it is left out, the old one stays good.
    pub(crate) refresh_token: Option<SecretString>,
    /// Seconds. Tokens are worth more than how it is written: what makes no sense is left out.
    #[serde(default, deserialize_with = "seconds")]
    pub(crate) expires_in: Option<u64>,
}

#[derive(Deserialize)]
struct Failure {
    error: String,
}

/// What becomes of a token on its way out: decided once, by whoever is first.
#[derive(Clone, Default)]
struct Fate(Arc<AtomicU8>);

const LEFT: u8 = 1;
const ABANDONED: u8 = 2;

impl Fate {
    /// Decides, unless it is decided; whether it is so.
    fn is(&self, fate: u8) -> bool {
        let decided = self.0.compare_exchange(0, fate, Ordering::SeqCst, Ordering::SeqCst);
        decided.map_or_else(|before| before == fate, |_| true)
    }
}

impl Providers {
    /// # Errors
    /// No HTTP client can be made.
    pub(crate) fn new(portals: &[Portal]) -> reqwest::Result<Self> {
        let one = |portal: &Portal| Ok((portal.source.clone(), Provider::new(portal.clone())?));
        portals.iter().map(one).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn of(&self, source: &SourceName) -> Option<&Provider> {
        self.0.get(source)
    }
}

impl Provider {
    /// # Errors
    /// No HTTP client can be made.
    fn new(portal: Portal) -> reqwest::Result<Self> {
        let client = Client::builder()
            .redirect(Policy::none())
            .retry(retry::never())
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT)
            .tcp_user_timeout(CONNECT)
            .build()?;
        Ok(Self { client, portal })
    }

    /// After this an answer counts as lost …
    pub(crate) fn answer_timeout(&self) -> Duration {
        self.portal.answer_timeout
    }

    /// … but is still taken until then.
    pub(crate) fn late_timeout(&self) -> Duration {
        self.portal.late_timeout
    }

    /// Sends a refresh token, once `arm` allows it: that is asked when the connection stands, as the
    /// last thing before the token leaves. Ends when there is an answer, or can be none.
    pub(crate) async fn refresh<E>(
        &self,
        token: &SecretString,
        arm: impl Future<Output = Result<(), E>> + Send + 'static,
    ) -> Sending
    where
        E: Error + Send + Sync + 'static,
    {
        let form = [("grant_type", "refresh_token"), ("refresh_token", token.expose_secret())];
        let fate = Fate::default();
        let leaving = fate.clone();
        let body = move |body: Bytes| async move {
            arm.await?;
            if leaving.is(LEFT) {
                Ok::<_, Box<dyn Error + Send + Sync>>(body)
            } else {
                Err("nobody waits for the answer any more".into())
            }
        };
        let request =
            self.form(&self.portal.token_url, &form, |form| Body::wrap_stream(stream::once(body(form))));
        let answer = answer(request).await;
        // A server may answer before it has read anything: then nothing of ours has left, nor will.
        if fate.is(ABANDONED) {
            return Sending::NotSent;
        }
        match answer {
            Some((status, body)) => Sending::Answered { status, body },
            None => Sending::Unanswered,
        }
    }

    /// Revokes a token, with all that come of the same consent; false where that failed. There may
    /// be nothing that revokes, which is no failure.
    pub(crate) async fn revoke(&self, token: &SecretString) -> bool {
        let Some(url) = &self.portal.revoke_url else { return true };
        let form = [("token", token.expose_secret()), ("token_type_hint", "refresh_token")];
        let request = self.form(url, &form, Body::from).timeout(REVOKE);
        request.send().await.is_ok_and(|answer| answer.status().is_success())
    }

    /// A form with the client's name; a secret is shown by HTTP Basic.
    fn form(&self, url: &str, form: &[(&str, &str)], body: impl FnOnce(Bytes) -> Body) -> RequestBuilder {
        let id = ("client_id", self.portal.client_id.as_str());
        let secret = &self.portal.client_secret;
        let public = secret.is_none().then_some(id);
        let fields: Vec<_> = form.iter().copied().chain(public).collect();
        // Texts always encode.
        let text = Zeroizing::new(serde_urlencoded::to_string(fields).unwrap_or_default().into_bytes());
        let request = self
            .client
            .post(url)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::CONTENT_LENGTH, text.len())
            .header(header::ACCEPT, "application/json")
            .body(body(Bytes::from_owner(text)));
        match secret {
            // RFC 6749, 2.3.1: both are form-encoded first.
            Some(secret) => {
                request.basic_auth(encoded(&self.portal.client_id), Some(encoded(secret.expose_secret())))
            }
            None => request,
        }
    }
}

fn encoded(text: &str) -> String {
    let pair = serde_urlencoded::to_string([("", text)]).unwrap_or_default();
    pair.trim_start_matches('=').to_owned()
}

/// The status and the whole body, if all of it comes.
async fn answer(request: RequestBuilder) -> Option<(u16, SecretString)> {
    let mut answer = request.send().await.ok()?;
    let mut body = Zeroizing::new(Vec::with_capacity(MOST));
    while let Some(part) = answer.chunk().await.ok()? {
        if body.len() + part.len() > MOST {
            return None;
        }
        body.extend_from_slice(&part);
    }
    let text = String::from_utf8_lossy(&body);
    Some((answer.status().as_u16(), text.into_owned().into()))
}

/// What an answer of the token endpoint says.
pub(crate) fn read(status: u16, body: &SecretString) -> Reading {
    let body = body.expose_secret();
    match status {
        200..=299 => match serde_json::from_str::<Issued>(body) {
            Ok(grant) if grant.is_sound() => Reading::Issued(grant),
            _ => Reading::Unclear,
        },
        400 | 401 => {
            match serde_json::from_str::<Failure>(body).as_ref().map(|failure| failure.error.as_str()) {
                Ok("invalid_grant") => Reading::Rejected,
                Ok("invalid_client") => Reading::Refused("invalid_client"),
                Ok("unauthorized_client") => Reading::Refused("unauthorized_client"),
                Ok("invalid_request") => Reading::Refused("invalid_request"),
                Ok("unsupported_grant_type") => Reading::Refused("unsupported_grant_type"),
                Ok("invalid_scope") => Reading::Refused("invalid_scope"),
                _ => Reading::Unclear,
            }
        }
        _ => Reading::Unclear,
    }
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let given = Value::deserialize(deserializer)?;
    let text = given.as_str().and_then(|text| text.trim().parse().ok());
    Ok(given
        .as_f64()
        .or(text)
        .filter(|seconds| (1.0..=MAX_LIFE as f64).contains(seconds))
        .map(|seconds| seconds as u64))
}

/// Whether a text can be a token: RFC 6749, appendix A.12 and A.17.
pub(crate) fn is_token(token: &SecretString) -> bool {
    let token = token.expose_secret();
    !token.is_empty() && token.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

impl Issued {
    fn is_sound(&self) -> bool {
        is_token(&self.access_token) && self.refresh_token.as_ref().is_none_or(is_token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issued(expires_in: &str) -> Option<Option<u64>> {
        let body = format!("{{\"access_token\":\"a\",\"refresh_token\":\"r\",\"expires_in\":{expires_in}}}");
        match read(200, &body.into()) {
            Reading::Issued(grant) => Some(grant.expires_in),
            _ => None,
        }
    }

    #[test]
    fn tokens_are_taken_however_their_life_is_written() {
        for (written, meant) in
            [("300", Some(300)), ("\"300\"", Some(300)), ("299.9", Some(299)), ("null", None)]
        {
            assert_eq!(issued(written), Some(meant), "{written}");
        }
        for senseless in ["0", "-1", "1e300", "\"soon\"", "[]", "18446744073709551615"] {
            assert_eq!(issued(senseless), Some(None), "{senseless}");
        }
    }

    #[test]
    fn only_clear_answers_tell_anything() {
        let reads = |status, body: &str| match read(status, &body.to_owned().into()) {
            Reading::Issued(_) => "issued",
            Reading::Rejected => "rejected",
            Reading::Refused(_) => "refused",
            Reading::Unclear => "unclear",
        };
        assert_eq!(reads(200, r#"{"access_token":"a"}"#), "issued");
        assert_eq!(reads(200, r#"{"access_token":"a""#), "unclear");
        assert_eq!(reads(200, r#"{"access_token":""}"#), "unclear");
        assert_eq!(reads(200, r#"{"access_token":"a","refresh_token":"\u0001"}"#), "unclear");
        assert_eq!(reads(400, r#"{"error":"invalid_grant"}"#), "rejected");
        assert_eq!(reads(401, r#"{"error":"invalid_client"}"#), "refused");
        for status in [302, 307, 403, 404, 429, 500, 503] {
            assert_eq!(reads(status, r#"{"error":"invalid_grant"}"#), "unclear", "{status}");
        }
        assert_eq!(reads(400, "<html>"), "unclear");
    }
}
