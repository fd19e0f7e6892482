//! The endpoints: a screen that has no token asks for a code and then for its secret; supervisors enter codes, and see
//! and revoke the displays of their tenant.

use super::{Answered, Displays, Polled, metrics::Fate};
use crate::{
    auth::{Identity, Role, Verifier},
    clock::now,
    display::{BadWish, CODE_LIFE, Code, Display, Language, MOST_OF_TENANT, Poll, Wish},
    http::{Peer, Problem, Proxies, Recent, body, network_of, no_store, too_many, unavailable},
    id::TenantId,
};
use axum::{
    Json,
    extract::{Extension, Path, Request, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use ipnet::IpNet;
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

/// Codes that one address may ask for within so long.
const MOST_CODES: usize = 5;
const CODES_WITHIN: Duration = Duration::from_secs(60);
/// Unknown codes that one supervisor may enter within so long.
const MOST_WRONG: usize = 5;
const WRONG_WITHIN: Duration = CODE_LIFE;
/// Requests at the same time that show nothing and make the node ask its engine.
const MOST_AT_ONCE: usize = 64;
/// The largest body.
const MOST_BYTES: usize = 64 * 1024;

/// What the endpoints need.
pub(crate) struct DisplayDoor {
    displays: Arc<Displays>,
    verifier: Arc<Verifier>,
    proxies: Proxies,
    codes: Recent<IpAddr>,
    wrong: Recent<(TenantId, Arc<str>)>,
    places: Semaphore,
}

/// A display, as supervisors see it.
#[derive(Serialize)]
struct Shown<'a> {
    display_id: Uuid,
    name: Option<&'a str>,
    groups: &'a [String],
    language: Language,
    paired_at: u64,
    last_seen_at: Option<u64>,
}

/// `POST /v1/displays/pair`.
pub(crate) async fn pair(
    State(door): State<Arc<DisplayDoor>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let client = network_of(door.proxies.client(peer, &headers));
    let counted = door.codes.count(client, Instant::now());
    counted.map_err(|wait| too_many("too many codes were asked for from this address", wait))?;
    let _place = door.place()?;
    let poll = door.displays.begin().await?;
    let answer = json!({
        "code": poll.code().as_str(),
        "poll": poll.text().expose_secret(),
        "expires_in": CODE_LIFE.as_secs(),
    });
    Ok((no_store(), Json(answer)).into_response())
}

/// `GET /v1/displays/pair/{poll}`.
pub(crate) async fn poll(
    State(door): State<Arc<DisplayDoor>>,
    named: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let _place = door.place()?;
    let polled = match named.ok().and_then(|Path(poll)| Poll::parse(&poll)) {
        Some(poll) => door.displays.poll(&poll).await?,
        None => Polled::Unknown,
    };
    let answer = match polled {
        Polled::Waiting { left } => json!({ "state": "waiting", "expires_in": left.as_secs() }),
        Polled::Paired { secret, tenant, display: Display { id, name, groups, language, .. } } => json!({
            "state": "paired",
            "secret": secret.expose_secret(),
            "tenant_id": tenant,
            "display_id": id,
            "name": name,
            "groups": groups,
            "language": language,
        }),
        Polled::Unknown => {
            let detail = "there is no such pairing, or its time is over: ask for another code";
            return Err(Problem::new(StatusCode::NOT_FOUND, "no-pairing", detail));
        }
        Polled::Over => {
            let detail = "the secret of this pairing was used already, or the display was revoked: ask for another code";
            return Err(Problem::new(StatusCode::GONE, "pairing-over", detail));
        }
    };
    Ok((no_store(), Json(answer)).into_response())
}

/// `GET /v1/displays`.
pub(crate) async fn list(
    State(door): State<Arc<DisplayDoor>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let supervisor = door.admit(&headers).await?;
    let all = door.displays.list(&supervisor.tenant, now()).await?;
    let shown: Vec<Shown<'_>> = all.iter().map(Shown::of).collect();
    Ok((no_store(), Json(json!({ "displays": shown }))).into_response())
}

/// `POST /v1/displays`.
pub(crate) async fn answer(
    State(door): State<Arc<DisplayDoor>>,
    request: Request,
) -> Result<Response, Problem> {
    let (head, body) = request.into_parts();
    let supervisor = door.admit(&head.headers).await?;
    may_write(&supervisor)?;
    let body = body::read_json(&head.headers, body, MOST_BYTES).await?;
    let (code, wish) = read(&body)?;
    let display = door.pair(supervisor, &code, wish).await?;
    Ok((StatusCode::CREATED, no_store(), Json(Shown::of(&display))).into_response())
}

/// `DELETE /v1/displays/{display}`.
pub(crate) async fn revoke(
    State(door): State<Arc<DisplayDoor>>,
    named: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let supervisor = door.admit(&headers).await?;
    may_write(&supervisor)?;
    let tenant = supervisor.tenant;
    let revoked = match named.ok().and_then(|Path(id)| Uuid::try_parse(&id).ok()) {
        Some(id) => door.displays.revoke(&tenant, id).await?.then_some(id),
        None => None,
    };
    let unknown = || Problem::new(StatusCode::NOT_FOUND, "no-display", "the tenant has no such display");
    let id = revoked.ok_or_else(unknown)?;
    tracing::info!(%tenant, %id, "a display was revoked");
    Ok((StatusCode::NO_CONTENT, no_store()).into_response())
}

/// Whether a supervisor may pair and revoke displays.
fn may_write(supervisor: &Identity) -> Result<(), Problem> {
    if supervisor.groups.is_none() {
        return Ok(());
    }
    // A display shows whatever groups it is paired with.
    let why =
        "whom the claim `groups` keeps to some groups cannot pair or revoke displays: use a token without it";
    Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", why))
}

impl DisplayDoor {
    pub(crate) fn new(displays: Arc<Displays>, verifier: Arc<Verifier>, proxies: &[IpNet]) -> Self {
        Self {
            displays,
            verifier,
            proxies: Proxies::new(proxies),
            codes: Recent::new(MOST_CODES, CODES_WITHIN),
            wrong: Recent::new(MOST_WRONG, WRONG_WITHIN),
            places: Semaphore::new(MOST_AT_ONCE),
        }
    }

    fn place(&self) -> Result<SemaphorePermit<'_>, Problem> {
        self.places.try_acquire().map_err(|_| unavailable("too many screens ask at the same time"))
    }

    /// The supervisor whose token is shown.
    async fn admit(&self, headers: &HeaderMap) -> Result<Identity, Problem> {
        let identity = self.verifier.identify(headers).await?;
        if identity.role == Role::Supervisor {
            return Ok(identity);
        }
        Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", "displays are for the role supervisor"))
    }

    /// Makes a display of the screen that shows a code.
    async fn pair(&self, by: Identity, code: &Code, wish: Wish) -> Result<Display, Problem> {
        let Identity { tenant, sub, .. } = by;
        let whose = (tenant.clone(), sub);
        let refuse = |wait| too_many("too many codes that no screen shows: wait, and read it again", wait);
        self.wrong.check(&whose, Instant::now()).map_err(refuse)?;
        let refused = match self.displays.answer(&tenant, code, wish).await? {
            Answered::Paired(paired) => {
                tracing::info!(%tenant, id = %paired.id, "a display was paired");
                return Ok(paired);
            }
            Answered::Unknown => {
                self.displays.metrics.count(Fate::WrongCode);
                self.wrong.count(whose, Instant::now()).map_err(refuse)?;
                let detail = "no screen shows this code now: read it again, or let the screen show another";
                Problem::new(StatusCode::NOT_FOUND, "no-pairing", detail)
            }
            Answered::Taken => {
                let detail = "somebody has entered this code already: let the screen show another";
                Problem::new(StatusCode::CONFLICT, "already-paired", detail)
            }
            Answered::Full => {
                let detail =
                    format!("there are {MOST_OF_TENANT} displays, and no more may be: revoke one first");
                Problem::new(StatusCode::CONFLICT, "too-many-displays", detail)
            }
        };
        Err(refused)
    }
}

/// What a body says: the code, and how the display is to be.
fn read(body: &[u8]) -> Result<(Code, Wish), Problem> {
    let unprocessable =
        |detail: &str| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", detail);
    let mut fields = match body::parse::<Value>(body)? {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    let code = fields.remove("code").ok_or_else(|| unprocessable("missing field `code`"))?;
    let code = code.as_str().and_then(Code::parse);
    let code = code.ok_or_else(|| {
        unprocessable("`code` must be the 8 letters and digits that the screen shows, of which none is 0, 1, 2, 5, 8, B, I, L, O, Q, S, U, V or Z")
    })?;
    let wish = Wish::take(&mut fields)?;
    if !fields.is_empty() {
        return Err(unprocessable(
            "beside `code` there may be `name`, `groups` and `language`, and nothing else",
        ));
    }
    Ok((code, wish))
}

impl<'a> Shown<'a> {
    fn of(display: &'a Display) -> Self {
        let Display { id, name, groups, language, paired_at, last_seen_at, .. } = display;
        Self {
            display_id: *id,
            name: name.as_deref(),
            groups,
            language: *language,
            paired_at: *paired_at,
            last_seen_at: *last_seen_at,
        }
    }
}

impl From<BadWish> for Problem {
    fn from(bad: BadWish) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", bad).with("field", bad.field)
    }
}
