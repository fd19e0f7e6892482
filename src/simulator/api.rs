//! The simulator's HTTP API: its state, scenarios to play, and the phones' buttons.

use super::{
    courier::Courier,
    desk::Desk,
    error::SimulatorError,
    pace::{Speed, Stamps},
    phone::{Action, Exchange, Input, MOST_WEBHOOKS, Party, Phone, PressRefusal, SOMEONE},
    scenario::{Cast, Scenario, Step},
    sender::{Destination, Retries, Sender},
    webhook,
};
use crate::http::{Problem, get_only};
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State, rejection::BytesRejection},
    http::{StatusCode, header},
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
    routing::post,
};
use futures_util::stream::{self, Stream};
use parking_lot::Mutex;
use serde::{Deserialize, de::DeserializeOwned};
use std::{convert::Infallible, sync::Arc, time::Duration};
use tokio::{task::JoinSet, time::Instant};
use uuid::Uuid;

/// How many scenarios may be played at the same time.
const MAX_PLAYS: usize = 20;
/// The longest request body.
const MAX_BODY: usize = 16 * 1024;
/// What `Retry-After` says when there is too much to do.
const COME_AGAIN: Duration = Duration::from_secs(1);
/// The longest number, and name, in bytes.
const MAX_TEXT: usize = 256;

/// A running simulator. The last clone that is dropped, router included, ends its tasks.
#[derive(Clone)]
pub(crate) struct Simulator(Arc<Running>);

struct Running {
    desk: Arc<Desk>,
    courier: Arc<Courier>,
    plays: Mutex<JoinSet<()>>,
    phones: Vec<Phone>,
    scenarios: Vec<Scenario>,
    tenant: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlayBody {
    scenario: String,
    #[serde(default)]
    speed: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct PhoneBody {
    number: Option<String>,
    name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LegBody {
    to: Option<String>,
}

type Body = Result<Bytes, BytesRejection>;

impl Simulator {
    /// Starts the phones of a tenant; must be called within a tokio runtime. Nothing is sent
    /// until someone does something.
    pub(crate) fn start(
        gateway: &Destination,
        retries: Retries,
        tenant: &str,
    ) -> Result<Self, SimulatorError> {
        let sender = Sender::new(gateway, retries)?;
        let exchange = Exchange::new(tenant);
        let phones = exchange.phones().to_vec();
        let desk = Arc::new(Desk::new(exchange));
        let courier = Courier::start(&sender, {
            let desk = desk.clone();
            move |receipt| desk.on_receipt(receipt)
        });
        let scenarios = Scenario::built_in()?.into_iter().map(|scenario| scenario.in_tenant(tenant));
        Ok(Self(Arc::new(Running {
            desk,
            courier: Arc::new(courier),
            plays: Mutex::default(),
            phones,
            scenarios: scenarios.collect(),
            tenant: tenant.to_owned(),
        })))
    }

    pub(crate) fn tenant(&self) -> &str {
        &self.0.tenant
    }

    /// The phones, as they were at the start.
    pub(crate) fn phones(&self) -> &[Phone] {
        &self.0.phones
    }

    /// The scenarios that can be played.
    pub(crate) fn scenarios(&self) -> &[Scenario] {
        &self.0.scenarios
    }

    /// Everything under `/simulator`.
    pub(crate) fn routes(&self) -> Router {
        Router::new()
            .route("/simulator/state", get_only(state))
            .route("/simulator/events", get_only(events))
            .route("/simulator/play", post(play))
            .route("/simulator/phones/{extension}/{action}", post(use_phone))
            .route("/simulator/legs/{leg_id}/{action}", post(press))
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .with_state(self.clone())
    }

    /// Ends the plays and the event streams, which would hold up a graceful stop.
    pub(crate) fn stop(&self) {
        self.0.plays.lock().abort_all();
        self.0.desk.close();
    }

    /// The state as JSON.
    fn shown(&self) -> Result<Response, Problem> {
        let shown = self.0.desk.watch().borrow().clone();
        let json = shown.ok_or_else(|| unavailable("the simulator has stopped"))?;
        Ok(as_json(StatusCode::OK, &json))
    }

    fn on(&self, input: Input) -> Result<Response, Problem> {
        let full = || unavailable("too many webhooks wait for the gateway");
        let mut room = self.0.courier.try_room(MOST_WEBHOOKS).ok_or_else(full)?;
        let view = self.0.desk.on(input, &self.0.courier, &mut room)?;
        Ok(as_json(StatusCode::OK, &view))
    }

    fn play(&self, scenario: &Scenario, speed: Speed) -> Result<Uuid, Problem> {
        let mut plays = self.0.plays.lock();
        while plays.try_join_next().is_some() {}
        if plays.len() >= MAX_PLAYS {
            let detail = format!("{MAX_PLAYS} scenarios are being played already");
            let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail);
            return Err(problem.retry_after(COME_AGAIN));
        }
        let steps = scenario.script(&mut Cast::default(), speed, Stamps::Recorded, webhook::now());
        plays.spawn(run_play(steps, self.0.desk.clone(), self.0.courier.clone()));
        Ok(Uuid::new_v4())
    }
}

async fn run_play(steps: Vec<Step>, desk: Arc<Desk>, courier: Arc<Courier>) {
    let begun = Instant::now();
    for step in steps {
        tokio::time::sleep(step.at.saturating_sub(begun.elapsed())).await;
        let Some(mut room) = courier.room().await else { return };
        desk.send(step.webhook, &courier, &mut room);
    }
}

async fn state(State(simulator): State<Simulator>) -> Result<Response, Problem> {
    simulator.shown()
}

async fn events(State(simulator): State<Simulator>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let changes = stream::unfold(simulator.0.desk.watch(), |mut watch| async {
        watch.changed().await.ok()?;
        let shown = watch.borrow_and_update().clone()?;
        Some((Ok(Event::default().data(&*shown)), watch))
    });
    Sse::new(changes).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

async fn play(State(simulator): State<Simulator>, body: Body) -> Result<Response, Problem> {
    let PlayBody { scenario, speed } = read(&body.map_err(unread)?)?;
    let speed = speed.map_or(Ok(Speed::REAL), Speed::try_from);
    let speed = speed.map_err(|bad| unprocessable(format!("speed {bad}")))?;
    let found = simulator.scenarios().iter().find(|built_in| built_in.id == scenario);
    let found = found.ok_or_else(|| not_found(format!("there is no scenario {scenario:?}")))?;
    let run_id = simulator.play(found, speed)?;
    Ok(as_json(StatusCode::ACCEPTED, &format!("{{\"run_id\":\"{run_id}\"}}")))
}

async fn use_phone(
    State(simulator): State<Simulator>,
    Path((extension, action)): Path<(String, String)>,
    body: Body,
) -> Result<Response, Problem> {
    let PhoneBody { number, name } = read_or_default(&body.map_err(unread)?)?;
    let name = name.filter(|name| !name.trim().is_empty());
    if name.as_ref().is_some_and(|name| name.len() > MAX_TEXT) {
        return Err(unprocessable(format!("name must be at most {MAX_TEXT} bytes")));
    }
    let number = number.unwrap_or_else(|| SOMEONE.to_owned());
    if number.trim().is_empty() || number.len() > MAX_TEXT {
        return Err(unprocessable(format!("number must be 1 to {MAX_TEXT} bytes")));
    }
    let party = Party { number, name };
    simulator.on(match action.as_str() {
        "incoming" => Input::Incoming { extension, caller: party },
        "dial" => Input::Dial { extension, callee: party },
        "send_summary" => Input::SendSummary { extension },
        _ => return Err(no_action(&action)),
    })
}

async fn press(
    State(simulator): State<Simulator>,
    Path((leg, name)): Path<(String, String)>,
    body: Body,
) -> Result<Response, Problem> {
    let LegBody { to } = read_or_default(&body.map_err(unread)?)?;
    let action: Action = serde_json::from_value(name.as_str().into()).map_err(|_| no_action(&name))?;
    simulator.on(Input::Press { leg, action, to })
}

/// An empty body says as much as `{}`.
fn read_or_default<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, Problem> {
    if body.is_empty() { Ok(T::default()) } else { read(body) }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| unprocessable(error.to_string()))
}

impl From<PressRefusal> for Problem {
    fn from(refusal: PressRefusal) -> Self {
        match refusal {
            PressRefusal::NoPhone(_) | PressRefusal::NoLeg(_) => not_found(refusal.to_string()),
            PressRefusal::NotNow(why) => Self::new(StatusCode::CONFLICT, "not-now", why),
        }
    }
}

fn unread(rejection: BytesRejection) -> Problem {
    let kind = if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE { "too-large" } else { "broken-body" };
    Problem::new(rejection.status(), kind, rejection.body_text())
}

fn unprocessable(detail: String) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", detail)
}

fn not_found(detail: String) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not-found", detail)
}

fn no_action(name: &str) -> Problem {
    not_found(format!("there is no action {name:?}"))
}

fn unavailable(detail: &str) -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).retry_after(COME_AGAIN)
}

fn as_json(status: StatusCode, json: &str) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], json.to_owned()).into_response()
}

#[cfg(test)]
mod tests;
