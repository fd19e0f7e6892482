//! What `callpop demo` adds to a gateway: the simulator's routes, what its page needs to know to
//! begin, and test notices. The gateway does not know that it is part of a demo.

mod notices;

use crate::{
    auth::AuthError,
    http::{Problem, get_only},
    simulator::{Phone, Scenario, Sender, Simulator},
};
use axum::{
    Json, Router,
    extract::{Query, State, rejection::QueryRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

#[derive(Clone)]
struct Demo {
    simulator: Simulator,
    /// Sends what a system of one's own would.
    desk: Sender,
    mint: Arc<Mint>,
}

type Mint = dyn Fn(&str) -> Result<String, AuthError> + Send + Sync;

#[derive(Serialize)]
struct Config<'a> {
    tenant_id: &'a str,
    phones: Vec<PhoneConfig>,
    scenarios: Vec<ScenarioConfig<'a>>,
    /// Users can connect theirs.
    integrations: bool,
}

#[derive(Serialize)]
struct PhoneConfig {
    extension: &'static str,
    name: &'static str,
}

#[derive(Serialize)]
struct ScenarioConfig<'a> {
    id: &'a str,
    title: &'a str,
    events: usize,
    /// At real speed.
    duration_ms: u64,
}

#[derive(Deserialize)]
struct TokenQuery {
    extension: String,
}

/// Everything under `/demo` and `/simulator`. `desk` sends to a source of notices; `mint` makes a
/// token for the user of an extension. Anyone who can reach these routes gets both.
pub(crate) fn routes(
    simulator: &Simulator,
    desk: Sender,
    mint: impl Fn(&str) -> Result<String, AuthError> + Send + Sync + 'static,
) -> Router {
    let demo = Demo { simulator: simulator.clone(), desk, mint: Arc::new(mint) };
    Router::new()
        .route("/demo/config", get_only(config))
        .route("/demo/token", get_only(token))
        .merge(notices::routes())
        .with_state(demo)
        .merge(simulator.routes())
}

async fn config(State(demo): State<Demo>) -> Response {
    let simulator = &demo.simulator;
    Json(Config {
        tenant_id: simulator.tenant(),
        phones: simulator.phones().iter().map(PhoneConfig::of).collect(),
        scenarios: simulator.scenarios().iter().map(ScenarioConfig::of).collect(),
        integrations: true,
    })
    .into_response()
}

async fn token(
    State(demo): State<Demo>,
    query: Result<Query<TokenQuery>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(TokenQuery { extension }) = query
        .map_err(|bad| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", bad.body_text()))?;
    demo.check_phone(&extension)?;
    let token = (demo.mint)(&extension).map_err(|error| {
        tracing::error!(%error, "no token could be minted");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "no token could be minted")
    })?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(json!({ "token": token }))).into_response())
}

impl Demo {
    /// Refuses an extension that no phone has.
    fn check_phone(&self, extension: &str) -> Result<(), Problem> {
        if self.simulator.phones().iter().any(|phone| phone.extension == extension) {
            return Ok(());
        }
        let detail = format!("there is no phone {extension:?}");
        Err(Problem::new(StatusCode::NOT_FOUND, "not-found", detail))
    }
}

impl PhoneConfig {
    fn of(phone: &Phone) -> Self {
        Self { extension: phone.extension, name: phone.name }
    }
}

impl<'a> ScenarioConfig<'a> {
    fn of(scenario: &'a Scenario) -> Self {
        let (events, lasts) = scenario.extent();
        let duration_ms = lasts.as_millis() as u64;
        Self { id: &scenario.id, title: &scenario.title, events, duration_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::{Destination, Retries, TELSMART, TENANT};
    use serde_json::Value;
    use tokio::{net::TcpListener, task::JoinSet};

    async fn get(path: &str) -> (u16, Value) {
        let (url, header, secret) = ("http://127.0.0.1:9".into(), "x".into(), "y".into());
        let gateway = Destination { url, source: TELSMART, header, secret };
        let desk = Sender::new(&gateway, Retries::default()).unwrap();
        let simulator = Simulator::start(&gateway, Retries::default(), TENANT).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}{path}", listener.local_addr().unwrap());
        let app = routes(&simulator, desk, |extension| Ok(format!("token of {extension}")));
        let mut server = JoinSet::new();
        server.spawn(async { axum::serve(listener, app).await.unwrap() });
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(url).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    #[tokio::test]
    async fn the_page_learns_what_there_is() {
        let (status, config) = get("/demo/config").await;
        assert_eq!((status, &config["tenant_id"]), (200, &json!(TENANT)));
        assert_eq!(config["phones"][1], json!({"extension": "210", "name": "Jane Doe"}));
        let scenarios = config["scenarios"].as_array().unwrap();
        let events: Vec<_> = scenarios.iter().map(|scenario| scenario["events"].clone()).collect();
        assert_eq!(events, [3, 3, 5, 6, 7, 11, 4]);
        let first = json!({"id": "1-answered-inbound", "title": "Answered inbound call", "events": 3, "duration_ms": 33719});
        assert_eq!(scenarios[0], first);
    }

    #[tokio::test]
    async fn tokens_are_for_the_phones_only() {
        assert_eq!(get("/demo/token?extension=200").await, (200, json!({"token": "token of 200"})));
        let (status, problem) = get("/demo/token?extension=999").await;
        assert_eq!((status, &problem["status"]), (404, &json!(404)));
        assert_eq!(get("/demo/token").await.0, 422);
        assert_eq!(get("/simulator/state").await.0, 200);
    }
}
