//! From an HTTP request to a session. A browser cannot read the status of a refused handshake,
//! so whoever offers our subprotocol is upgraded and told by a close code.

use super::{
    Resume, Session, Sessions,
    end::{Cause, Handshake},
    seats::{NoSeat, Seat},
    socket::Socket,
    state::Budget,
    watching::View,
};
use crate::{
    auth::{self, Identity, Role},
    displays::DisplayPass,
    feed::Stream,
    http::{self, Connection, Peer, Problem},
    id::Kind,
    places,
    protocol::{BEARER_PREFIX, CloseCode, DISPLAY_PREFIX, SUBPROTOCOL},
};
use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// So much of an origin is logged, in characters.
const MAX_LOGGED_ORIGIN: usize = 128;
/// Words for refusals that pass.
const TOO_OFTEN: &str = "too_often";
const FULL: &str = "full";

/// Who may have a session, and of what.
struct Admitted {
    identity: Identity,
    /// Of a display.
    pass: Option<DisplayPass>,
    stream: Stream,
    view: View,
    resume: Option<Resume>,
    seat: Seat,
}

/// Why not.
struct RefusedHandshake {
    code: CloseCode,
    /// One word for it, of few.
    word: &'static str,
    reason: String,
    /// It may come again after so long.
    wait: Option<Duration>,
}

/// `GET /v1/stream`.
pub(crate) async fn stream(State(sessions): State<Arc<Sessions>>, mut request: Request) -> Response {
    let Some((accept, upgrade)) = websocket(&mut request) else {
        return Problem::new(
            StatusCode::UPGRADE_REQUIRED,
            "upgrade-required",
            "This is a WebSocket endpoint",
        )
        .with_header(header::UPGRADE, HeaderValue::from_static("websocket"))
        .into_response();
    };
    let offers = Offers::read(request.headers());
    let admitted = admit(&sessions, request.headers(), request.uri(), &offers).await;
    if let Err(refused) = &admitted {
        log(&sessions, refused, &request, offers.bearer);
        if !offers.ours {
            return refused.response();
        }
    }
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    if offers.ours {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
    }
    let run = run(sessions.clone(), upgrade, admitted);
    sessions.gateway.tasks.contain(&sessions.running, "session", run);
    response
}

/// Logs a refusal, with what helps to mend it and is no secret.
fn log(sessions: &Sessions, refused: &RefusedHandshake, request: &Request, bearer: Option<&str>) {
    let headers = request.headers();
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    let seen = || Handshake {
        peer: request.extensions().get::<Peer>().map(|peer| peer.0),
        origin: origin.map(|origin| origin.chars().take(MAX_LOGGED_ORIGIN).collect()),
        key: bearer.or(auth::bearer(headers)).and_then(auth::key_id),
    };
    sessions.metrics.end(Cause::Refused);
    sessions.endings.on_refused(refused.word, &refused.reason, seen);
}

/// The session's task, from the upgraded connection to its end.
async fn run(sessions: Arc<Sessions>, upgrade: OnUpgrade, admitted: Result<Admitted, RefusedHandshake>) {
    let Some(socket) = connection(&sessions, upgrade).await else { return };
    match admitted {
        Ok(Admitted { identity, pass, stream, view, resume, seat }) => {
            Session::new(sessions, socket, (identity, pass), (stream, view), seat).run(resume).await;
        }
        Err(RefusedHandshake { code, reason, .. }) => {
            sessions.metrics.close(code);
            let holder = socket.holder();
            tokio::select! {
                () = socket.close(code, &reason) => {}
                // Another one is there for its place.
                () = holder.told_to_go() => {}
            }
        }
    }
}

async fn connection(sessions: &Sessions, upgrade: OnUpgrade) -> Option<Socket> {
    let upgraded: Upgraded = upgrade.await.ok()?;
    // Without the wrapping of HTTP a session is smaller.
    let parts = upgraded.downcast::<TokioIo<Connection>>().ok()?;
    let limits = &sessions.gateway.config.sessions;
    let budget = Budget::new(limits.max_frames_per_second, Instant::now());
    let connection = parts.io.into_inner().into_inner();
    Some(Socket::new(connection, parts.read_buf.into(), budget, limits.write_timeout).await)
}

/// The accept key, and the connection to come, of a request that is a WebSocket handshake (RFC 6455, 4.2.1).
fn websocket(request: &mut Request) -> Option<(HeaderValue, OnUpgrade)> {
    let headers = request.headers();
    let says = |name, word: &str| list(headers, name).any(|item| item.eq_ignore_ascii_case(word));
    let is_handshake = says(header::CONNECTION, "upgrade")
        && says(header::UPGRADE, "websocket")
        && says(header::SEC_WEBSOCKET_VERSION, "13");
    let key = headers.get(header::SEC_WEBSOCKET_KEY).filter(|_| is_handshake)?;
    let accept = HeaderValue::try_from(derive_accept_key(key.as_bytes())).ok()?;
    Some((accept, request.extensions_mut().remove::<OnUpgrade>()?))
}

/// What the client offers as subprotocols.
struct Offers<'a> {
    ours: bool,
    bearer: Option<&'a str>,
    /// The secret of a display.
    display: Option<&'a str>,
}

impl<'a> Offers<'a> {
    fn read(headers: &'a HeaderMap) -> Self {
        let mut offers = Self { ours: false, bearer: None, display: None };
        for offer in list(headers, header::SEC_WEBSOCKET_PROTOCOL) {
            if let Some(token) = offer.strip_prefix(BEARER_PREFIX) {
                offers.bearer = Some(token);
            } else if let Some(secret) = offer.strip_prefix(DISPLAY_PREFIX) {
                offers.display = Some(secret);
            } else {
                offers.ours |= offer == SUBPROTOCOL;
            }
        }
        offers
    }
}

/// The items of a comma separated header.
fn list(headers: &HeaderMap, name: header::HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

async fn admit(
    sessions: &Sessions,
    headers: &HeaderMap,
    uri: &Uri,
    offers: &Offers<'_>,
) -> Result<Admitted, RefusedHandshake> {
    let gateway = &sessions.gateway;
    if gateway.feed.is_draining() {
        return Err(RefusedHandshake::new(CloseCode::Draining, "draining", "the node is going away"));
    }
    if !sessions.origins.allow(headers) {
        return Err(RefusedHandshake::new(CloseCode::Forbidden, "origin", "this origin is not allowed"));
    }
    let (identity, pass) = match (offers.display, offers.bearer.or(auth::bearer(headers))) {
        (None, token) => (bearer(sessions, token).await?, None),
        (Some(secret), None) => {
            let pass = display(sessions, secret).await?;
            (pass.identity(), Some(pass))
        }
        (Some(_), Some(_)) => {
            let reason = "there is a token and a display's secret: who is it?";
            return Err(RefusedHandshake::new(CloseCode::Malformed, "two_identities", reason));
        }
    };
    let query = uri.query().unwrap_or_default();
    let query: HashMap<String, String> = serde_urlencoded::from_str(query).unwrap_or_default();
    let scope = query.get("scope").map_or("user", String::as_str);
    let view = View::of(&query)?;
    let stream = choose(&identity, scope, view, gateway.config.notices.supervisors)?;
    let seat = sessions.seats.take(&identity.tenant, &identity.sub)?;
    if !places::sit_down() {
        return Err(RefusedHandshake::later(FULL, "the node is full", http::RETRY_AFTER));
    }
    let resume = query.get("resume").and_then(|text| Resume::parse(text));
    Ok(Admitted { resume, identity, pass, stream, view, seat })
}

/// The bearer of a token.
async fn bearer(sessions: &Sessions, token: Option<&str>) -> Result<Identity, RefusedHandshake> {
    let token = token
        .ok_or_else(|| RefusedHandshake::new(CloseCode::Unauthorized, "no_token", "there is no token"))?;
    let verified = sessions.gateway.verifier.verify(token).await;
    verified.map_err(|why| {
        // A 4401 would keep the client away for good; keys that cannot be fetched come back.
        let code = if why.is_transient() { CloseCode::Internal } else { CloseCode::Unauthorized };
        RefusedHandshake::new(code, why.word(), why)
    })
}

/// The display that has a secret.
async fn display(sessions: &Sessions, secret: &str) -> Result<DisplayPass, RefusedHandshake> {
    let known = sessions.gateway.displays.authenticate(secret).await;
    let known = known.map_err(|_| {
        let reason = "displays cannot be looked up at the moment";
        RefusedHandshake::new(CloseCode::Internal, "displays_unavailable", reason)
    })?;
    known.ok_or_else(|| {
        let reason = "the display is unknown or revoked, or was not used for long: pair it again";
        RefusedHandshake::new(CloseCode::Unauthorized, "unknown_display", reason)
    })
}

fn choose(
    identity: &Identity,
    scope: &str,
    view: View,
    with_notices: bool,
) -> Result<Stream, RefusedHandshake> {
    let (tenant, extensions) = (identity.tenant.clone(), identity.extensions.clone());
    let forbidden = |why| Err(RefusedHandshake::new(CloseCode::Forbidden, "scope", why));
    match (scope, identity.role) {
        (_, Role::Service) => forbidden("a service has no stream"),
        ("tenant", Role::Display) if view.board => {
            Ok(Stream::Tenant { tenant, kinds: &[Kind::Call], only: None, own: extensions })
        }
        (_, Role::Display) => forbidden("a display may have view=board with scope=tenant, and nothing else"),
        ("user", _) => Ok(Stream::User { tenant, extensions }),
        ("tenant", Role::Supervisor) => {
            let kinds = if with_notices { &Kind::ALL[..] } else { &[Kind::Call] };
            // Which extensions are in the groups is asked where changes of that are heard.
            let only = identity.groups.is_some().then(Arc::default);
            Ok(Stream::Tenant { tenant, kinds, only, own: extensions })
        }
        ("tenant", Role::Agent) => forbidden("scope=tenant is for supervisors"),
        _ => Err(RefusedHandshake::new(CloseCode::Malformed, "scope", "scope is neither user nor tenant")),
    }
}

impl View {
    /// What the query of a handshake asks for. Frames that are wanted and not known are left out: a newer server has them.
    fn of(query: &HashMap<String, String>) -> Result<Self, RefusedHandshake> {
        let board = match query.get("view").map(String::as_str) {
            None | Some("calls") => false,
            Some("board") => true,
            Some(_) => {
                let why = "view is neither calls nor board";
                return Err(RefusedHandshake::new(CloseCode::Malformed, "view", why));
            }
        };
        let wanted = query.get("want").into_iter().flat_map(|wanted| wanted.split(','));
        let conversations = wanted.map(str::trim).any(|word| word == "conversation");
        Ok(Self { board, conversations })
    }
}

impl Resume {
    /// Reads `<epoch>:<seq>`, or `<epoch>:<seq>:<stream>`; what cannot be read is answered by a
    /// snapshot, as what is no longer held.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ':');
        let (epoch, seq) = (parts.next()?.into(), parts.next()?.parse().ok()?);
        Some(Self { epoch, seq, stream: parts.next().map(str::to_owned) })
    }
}

impl RefusedHandshake {
    fn new(code: CloseCode, word: &'static str, reason: impl ToString) -> Self {
        Self { code, word, reason: reason.to_string(), wait: None }
    }

    /// Whom a client may ask again: clients do so by themselves after this code, and not after those that say
    /// that there is too much of something.
    fn later(word: &'static str, reason: &str, wait: Duration) -> Self {
        Self { wait: Some(wait), ..Self::new(CloseCode::Draining, word, reason) }
    }

    /// The same for a client that did not offer our subprotocol. It is in the log already.
    fn response(&self) -> Response {
        let mut response = self.problem().into_response();
        response.extensions_mut().remove::<http::Refused>();
        response
    }

    fn problem(&self) -> Problem {
        let (status, kind) = match self.code {
            CloseCode::Draining if self.word == TOO_OFTEN => {
                (StatusCode::TOO_MANY_REQUESTS, "too-many-requests")
            }
            CloseCode::Draining if self.word == FULL => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            CloseCode::Unauthorized => (StatusCode::UNAUTHORIZED, "unauthorized"),
            CloseCode::Forbidden => (StatusCode::FORBIDDEN, "forbidden"),
            CloseCode::TooManySessions => (StatusCode::TOO_MANY_REQUESTS, "too-many-sessions"),
            CloseCode::Draining => (StatusCode::SERVICE_UNAVAILABLE, "draining"),
            CloseCode::Internal => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
            _ => (StatusCode::BAD_REQUEST, "bad-request"),
        };
        let problem = Problem::new(status, kind, &self.reason);
        match self.wait {
            Some(wait) => problem.retry_after(wait),
            None => problem,
        }
    }
}

impl From<NoSeat> for RefusedHandshake {
    fn from(why: NoSeat) -> Self {
        match why {
            NoSeat::User => {
                let reason = "too many sessions of this user";
                Self::new(CloseCode::TooManySessions, "too_many_sessions", reason)
            }
            NoSeat::Node => Self::later(FULL, "the node is full", http::RETRY_AFTER),
            NoSeat::TooOften(wait) => Self::later(TOO_OFTEN, "this user connects too often", wait),
        }
    }
}
