//! Pairings in Redis, each as keys of its code that end by themselves. Any node may claim, answer and tell one.
//!
//! A claim is of whoever wrote it first, and says who that is: what is asked of Redis may be asked twice.

use super::keys::Keys;
use crate::{
    display::{CODE_LIFE, Code, Pairing, SECRET_LIFE},
    engine::{Claim, EngineError, Paired},
    id::TenantId,
    link::{Link, Request},
};
use redis::{ExistenceCheck, Pipeline, SetExpiry, SetOptions, pipe};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

/// Those of all nodes.
pub(crate) struct PairingKeys {
    keys: Keys,
    link: Arc<Link>,
}

/// A pairing that was answered, as it is stored.
#[derive(Serialize, Deserialize)]
struct Answered {
    pairing: Pairing,
    tenant: TenantId,
}

impl PairingKeys {
    pub(super) fn new(keys: Keys, link: Arc<Link>) -> Self {
        Self { keys, link }
    }

    pub(in crate::engine) async fn begin(&self, code: &Code, pairing: &Pairing) -> Result<bool, EngineError> {
        let [waiting, ..] = self.keys.pairing(code);
        let text = encode(pairing)?;
        let (now_there,): (Option<String>,) = self.ask(set_first(&waiting, &text, CODE_LIFE)).await?;
        Ok(now_there.as_ref() == Some(&text))
    }

    pub(in crate::engine) async fn get(&self, code: &Code) -> Result<Option<Paired>, EngineError> {
        let [waiting, _, answered] = self.keys.pairing(code);
        let mut ask = pipe();
        // In this order: an answer comes before the other goes.
        ask.get(waiting).get(answered);
        let (waiting, answered): (Option<String>, Option<String>) = self.ask(ask).await?;
        if let Some(Answered { pairing, tenant }) = decode(answered) {
            return Ok(Some(Paired::Answered(pairing, tenant)));
        }
        Ok(decode(waiting).map(Paired::Waiting))
    }

    pub(in crate::engine) async fn claim(&self, code: &Code) -> Result<Claim, EngineError> {
        let [waiting, claim, _] = self.keys.pairing(code);
        let mut ask = pipe();
        ask.get(waiting).get(&claim);
        let (waiting, claimed): (Option<String>, Option<String>) = self.ask(ask).await?;
        if claimed.is_some() {
            return Ok(Claim::Taken);
        }
        let Some(pairing) = decode(waiting) else { return Ok(Claim::Unknown) };
        let ours = Uuid::new_v4().to_string();
        let (theirs,): (Option<String>,) = self.ask(set_first(&claim, &ours, CODE_LIFE)).await?;
        Ok(if theirs == Some(ours) { Claim::Theirs(pairing) } else { Claim::Taken })
    }

    pub(in crate::engine) async fn release(&self, code: &Code) -> Result<(), EngineError> {
        let [_, claim, _] = self.keys.pairing(code);
        let mut ask = pipe();
        ask.del(claim).ignore();
        self.ask(ask).await
    }

    pub(in crate::engine) async fn answer(
        &self,
        code: &Code,
        pairing: &Pairing,
        tenant: &TenantId,
    ) -> Result<(), EngineError> {
        let [waiting, _, answered] = self.keys.pairing(code);
        let text = encode(&Answered { pairing: pairing.clone(), tenant: tenant.clone() })?;
        let mut ask = pipe();
        ask.set_options(answered, text, SetOptions::default().with_expiration(life(SECRET_LIFE))).ignore();
        ask.del(waiting).ignore();
        self.ask(ask).await
    }

    pub(in crate::engine) async fn was_claimed(&self, code: &Code) -> Result<bool, EngineError> {
        let [_, claim, _] = self.keys.pairing(code);
        let mut ask = pipe();
        ask.exists(claim);
        let (was,): (bool,) = self.ask(ask).await?;
        Ok(was)
    }

    async fn ask<T: redis::FromRedisValue>(&self, ask: Pipeline) -> Result<T, EngineError> {
        Ok(self.link.ask(Request::Pipeline(&ask)).await?)
    }
}

/// Writes where nothing is, and reads what is there then.
fn set_first(key: &str, value: &str, stays: Duration) -> Pipeline {
    let mut ask = pipe();
    let first = SetOptions::default().conditional_set(ExistenceCheck::NX).with_expiration(life(stays));
    ask.set_options(key, value, first).ignore().get(key);
    ask
}

fn life(stays: Duration) -> SetExpiry {
    SetExpiry::PX(stays.as_millis() as u64)
}

fn encode(value: &impl Serialize) -> Result<String, EngineError> {
    serde_json::to_string(value).map_err(|_| EngineError::Unavailable("it cannot be written as JSON"))
}

/// What cannot be read is over within minutes, and is none until then.
fn decode<T: for<'a> Deserialize<'a>>(stored: Option<String>) -> Option<T> {
    serde_json::from_str(&stored?).ok()
}
