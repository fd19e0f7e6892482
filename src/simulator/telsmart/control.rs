//! What tests do to the simulated Telsmart, and ask of it. Bodies must say that they are JSON, so
//! that no page of a browser can post them from elsewhere.

use super::{
    Called, Telsmart,
    callbacks::Callback,
    faults::Told,
    tokens::{End, Family},
};
use crate::http::{Problem, get_only};
use axum::{
    Json, Router,
    extract::{State, rejection::JsonRejection},
    http::StatusCode,
    routing::post,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::{sync::atomic::Ordering::Relaxed, time::Instant};

/// The longest tenant, extension or confirmation key, in bytes.
const MAX_TEXT: usize = 1024;

/// Everything under `/telsmart`.
pub(crate) fn routes() -> Router<Telsmart> {
    Router::new()
        .route("/telsmart/activate", post(activate))
        .route("/telsmart/deactivate", post(deactivate))
        .route("/telsmart/families", get_only(families))
        .route("/telsmart/faults", post(faults))
        .route("/telsmart/release", post(release))
        .route("/telsmart/urls", post(urls))
}

type Body<T> = Result<Json<T>, JsonRejection>;
type Answer = Result<Json<Value>, Problem>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Consent {
    tenant_id: Option<String>,
    extension: String,
    confirmation_key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Disconnect {
    tenant_id: Option<String>,
    extension: String,
    /// False: the tokens stay good, so that one sees whether the client revokes them.
    #[serde(default = "yes")]
    revoke: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    /// True: what is held becomes an ordinary refresh. False: nothing is consumed, and the answer is 503.
    #[serde(default = "yes")]
    consume: bool,
    /// False: the connection is dropped without the answer.
    #[serde(default = "yes")]
    answer: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Urls {
    /// Both callbacks at this gateway.
    gateway: Option<String>,
    activation_url: Option<String>,
    deactivation_url: Option<String>,
}

#[derive(Serialize)]
struct Shown<'a> {
    family: u64,
    access_tokens: usize,
    #[serde(flatten)]
    rest: &'a Family,
}

async fn activate(State(telsmart): State<Telsmart>, body: Body<Consent>) -> Answer {
    let Consent { tenant_id, extension, confirmation_key } = read(body)?;
    let texts = [tenant_id.as_deref().unwrap_or_default(), &extension, &confirmation_key];
    if texts.iter().any(|text| text.len() > MAX_TEXT) {
        return Err(unprocessable(format!("a text is longer than {MAX_TEXT} bytes")));
    }
    let owner = telsmart.owner(tenant_id, extension);
    let called = telsmart.activate(owner, &confirmation_key).await;
    let Called { status, body } = called.map_err(|_| {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "full", "too many families, and none of them has ended")
    })?;
    Ok(Json(json!({ "status": status, "body": body })))
}

async fn deactivate(State(telsmart): State<Telsmart>, body: Body<Disconnect>) -> Answer {
    let Disconnect { tenant_id, extension, revoke } = read(body)?;
    let owner = telsmart.owner(tenant_id, extension);
    let Called { status, body } = telsmart.deactivate(&owner).await;
    let revoked = if revoke { telsmart.end_all(&owner) } else { 0 };
    Ok(Json(json!({ "status": status, "body": body, "revoked": revoked })))
}

async fn families(State(telsmart): State<Telsmart>) -> Json<Value> {
    let running = &*telsmart.0;
    let faults = json!(running.faults.lock().counts());
    let tokens = running.tokens.lock();
    let now = Instant::now();
    let sum = |count: fn(&Family) -> u64| tokens.families().map(|(_, family)| count(family)).sum::<u64>();
    let ended = |end: End| tokens.families().filter(|(_, family)| family.end == Some(end)).count();
    let active = tokens.families().filter(|(_, family)| family.end.is_none()).count();
    let access: usize = tokens.families().map(|(_, family)| family.access_tokens(now)).sum();
    let summary = json!({
        "families": tokens.families().count(),
        "active": active,
        "revoked": { "reuse": ended(End::Reuse), "client": ended(End::Client), "portal": ended(End::Portal) },
        "rotations": sum(|family| family.rotations),
        "graced": sum(|family| family.graced),
        "reuses": sum(|family| family.reuses),
        "presented": sum(Family::presented),
        "presented_unknown": tokens.unknown(),
        "access_tokens": access,
        "faults": faults,
        "held": running.holds.count(),
        "redirects_followed": running.followed.load(Relaxed),
        "contacts": {
            "answered": running.asked.answered.load(Relaxed),
            "unauthorized": running.asked.unauthorized.load(Relaxed),
        },
    });
    let shown: Vec<_> = tokens
        .families()
        .map(|(family, rest)| Shown { family, access_tokens: rest.access_tokens(now), rest })
        .collect();
    Json(json!({ "summary": summary, "families": shown }))
}

async fn faults(State(telsmart): State<Telsmart>, body: Body<Told>) -> Result<StatusCode, Problem> {
    let told = read(body)?;
    telsmart.0.faults.lock().tell(told).map_err(unprocessable)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn release(State(telsmart): State<Telsmart>, body: Body<Release>) -> Answer {
    let Release { consume, answer } = read(body)?;
    let (answered, gone) = telsmart.release(consume, answer);
    Ok(Json(json!({ "answered": answered, "gone": gone })))
}

async fn urls(State(telsmart): State<Telsmart>, body: Body<Urls>) -> Result<StatusCode, Problem> {
    let Urls { gateway, activation_url, deactivation_url } = read(body)?;
    let at = |callback: Callback| gateway.as_deref().map(|gateway| callback.at(gateway));
    let activation = activation_url.or(at(Callback::Activation));
    let deactivation = deactivation_url.or(at(Callback::Deactivation));
    let done = telsmart.0.callbacks.redirect(activation.as_deref(), deactivation.as_deref());
    done.map_err(|bad| unprocessable(bad.to_string()))?;
    Ok(StatusCode::NO_CONTENT)
}

fn read<T>(body: Body<T>) -> Result<T, Problem> {
    let Json(body) = body.map_err(|bad| Problem::new(bad.status(), "unprocessable", bad.body_text()))?;
    Ok(body)
}

fn unprocessable(detail: String) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", detail)
}

fn yes() -> bool {
    true
}
