//! Telsmart's side of an integration's lifecycle: the consent page of MyTelsmart, the activation
//! and deactivation callbacks, a strict token server, and a REST resource that needs its tokens.
//! Tests make it consent and fail as they need it, through `/telsmart`.
//!
//! Everything is in memory, and bounded. A token is shown to the client that gets it, and to who
//! asks `/telsmart/activate` for one; otherwise as a hash, and never in a log.

mod callbacks;
mod control;
mod faults;
mod holds;
mod oauth;
mod options;
mod pages;
mod phonebook;
mod portal;
mod tokens;

pub(crate) use options::TelsmartOptions;

use super::{
    phone::{Exchange, Phone},
    sender::SenderError,
};
use axum::{Router, extract::DefaultBodyLimit};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use callbacks::{Callback, Callbacks};
use faults::Faults;
use holds::Holds;
use oauth::Registered;
use parking_lot::Mutex;
use phonebook::Asked;
use serde_json::{Value, json};
use std::{
    sync::{Arc, atomic::AtomicU64},
    time::{Duration, Instant},
};
use tokens::{End, Full, Owner, Pair, Policy, Tokens};
use tokio_util::sync::CancellationToken;

/// How many consents are remembered.
const MAX_FAMILIES: usize = 2_000;
/// How many tokens of one consent are remembered.
const MAX_TOKENS: usize = 10_000;
/// The longest request body.
const MAX_BODY: usize = 64 * 1024;

/// A running Telsmart. It has no tasks of its own: what happens, happens within a request.
#[derive(Clone)]
pub(crate) struct Telsmart(Arc<Running>);

struct Running {
    tenant: String,
    slug: String,
    users: Vec<Phone>,
    client: Registered,
    access_life: Duration,
    callbacks: Callbacks,
    tokens: Mutex<Tokens>,
    faults: Mutex<Faults>,
    holds: Holds,
    asked: Asked,
    /// How often a 307 of the token server was followed.
    followed: AtomicU64,
    stopped: CancellationToken,
}

/// A callback that was sent: the answer's status, none where nobody answered, and what was sent.
struct Called {
    status: Option<u16>,
    body: Value,
}

impl Telsmart {
    /// Starts without any consent. The callbacks go to `gateway` unless the options say where.
    pub(crate) fn start(options: &TelsmartOptions, gateway: &str, tenant: &str) -> Result<Self, SenderError> {
        let at =
            |callback: Callback, url: &Option<String>| url.clone().unwrap_or_else(|| callback.at(gateway));
        let callbacks = Callbacks::new(
            &at(Callback::Activation, &options.activation_url),
            &at(Callback::Deactivation, &options.deactivation_url),
            &options.callback_header,
            options.callback_secret.as_ref(),
        )?;
        let policy = Policy {
            access_life: options.access_token_life,
            reuse_grace: options.reuse_grace,
            max_families: MAX_FAMILIES,
            max_tokens: MAX_TOKENS,
        };
        let stopped = CancellationToken::new();
        Ok(Self(Arc::new(Running {
            tenant: tenant.to_owned(),
            slug: options.slug.clone(),
            users: Exchange::new(tenant).phones().to_vec(),
            client: Registered { id: options.client_id.clone(), secret: options.client_secret.clone() },
            access_life: options.access_token_life,
            callbacks,
            tokens: Tokens::new(policy).into(),
            faults: Mutex::default(),
            holds: Holds::new(stopped.clone()),
            asked: Asked::default(),
            followed: AtomicU64::new(0),
            stopped,
        })))
    }

    /// Everything under `/mytelsmart`, `/oauth`, `/api/v1/contacts` and `/telsmart`.
    pub(crate) fn routes(&self) -> Router {
        Router::new()
            .merge(portal::routes())
            .merge(oauth::routes())
            .merge(phonebook::routes())
            .merge(control::routes())
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .with_state(self.clone())
    }

    /// Ends what waits, which would hold up a graceful stop.
    pub(crate) fn stop(&self) {
        self.0.stopped.cancel();
    }

    /// The user consents: tokens are issued and delivered. They are good from now on; a refusal
    /// ends them, while no answer or trouble at the other end does not: it may have kept them.
    async fn activate(&self, owner: Owner, confirmation_key: &str) -> Result<Called, Full> {
        let pair = new_pair();
        let body = json!({
            "tenant_id": owner.tenant_id,
            "user_extension": owner.extension,
            "access_token": pair.access,
            "refresh_token": pair.refresh,
            "token_type": "Bearer",
            "expires_in": self.expires_in(),
            "confirmation_key": confirmation_key,
        });
        let family = self.0.tokens.lock().grant(owner, &pair, Instant::now())?;
        let status = self.call(Callback::Activation, &body).await;
        match status {
            Some(200) => self.0.tokens.lock().on_activated(family),
            Some(500..) | None => {}
            Some(_) => self.0.tokens.lock().end(family, End::Portal),
        }
        Ok(Called { status, body })
    }

    /// The user disconnects: the client is told, and whatever it says, the tokens end.
    async fn deactivate(&self, owner: &Owner) -> Called {
        let body = json!({ "tenant_id": owner.tenant_id, "user_extension": owner.extension });
        let status = self.call(Callback::Deactivation, &body).await;
        Called { status, body }
    }

    async fn call(&self, callback: Callback, body: &Value) -> Option<u16> {
        let call = self.0.callbacks.call(callback, body);
        self.0.stopped.run_until_cancelled(call).await.flatten()
    }

    fn end_all(&self, owner: &Owner) -> usize {
        self.0.tokens.lock().end_all(owner, End::Portal)
    }

    /// A user of this tenant, unless another is named.
    fn owner(&self, tenant: Option<String>, extension: String) -> Owner {
        Owner { tenant_id: tenant.unwrap_or_else(|| self.0.tenant.clone()), extension }
    }

    /// In whole seconds, rounded down: no token ends before it says.
    fn expires_in(&self) -> u64 {
        self.0.access_life.as_secs()
    }
}

fn new_pair() -> Pair {
    let random = || URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>());
    Pair { access: format!("tsa_{}", random()), refresh: format!("tsr_{}", random()) }
}
