//! Days of the past, as calls make them and as figures tell them.

use super::{Config, Gateway, Leg, Token, eventually, now, telsmart::NUMBER};
use serde_json::{Value, json};

const MINUTE: u64 = 60_000_000;
const DAY: u64 = 24 * 60 * MINUTE;

/// Calls stay for a few seconds, long enough to be rolled up whoever's turn it is.
pub fn short_lived(config: Config) -> Config {
    config.set("calls.keep_ended", "10s")
}

/// A quarter hour of two days ago.
pub fn two_days_ago() -> u64 {
    let at = now() - 2 * DAY;
    at - at % (15 * MINUTE)
}

/// Some calls that begin then: answered, missed and outbound ones, over two hours.
pub fn calls(tenant: &str, begin: u64) -> Vec<Leg> {
    let leg = |nth: u64| {
        let leg = match nth % 3 {
            2 => Leg::outbound(tenant, "201"),
            _ => Leg::inbound(tenant, "200").with("caller_number", format!("+3247011223{}", nth % 4)),
        };
        leg.starting_at(begin + nth * 11 * MINUTE)
    };
    (0..12).map(leg).collect()
}

/// Has calls taken; each third is missed, or not answered.
pub async fn play(gateway: &Gateway, legs: &[Leg]) {
    let events = |(nth, leg): (usize, &Leg)| match nth % 4 {
        1 => vec![leg.ringing(0), leg.hangup(30)],
        _ => leg.whole(),
    };
    let events: Vec<Value> = legs.iter().enumerate().flat_map(events).collect();
    gateway.deliver(&json!(events)).await;
}

/// A late call of that day, which nobody took.
pub fn late(tenant: &str, begin: u64) -> [Value; 2] {
    let leg = Leg::inbound(tenant, "202").starting_at(begin + 40 * MINUTE).with("caller_number", NUMBER);
    [leg.ringing(0), leg.hangup(25)]
}

/// What is asked about the day around a time, and more.
pub async fn ask(gateway: &Gateway, tenant: &str, path: &str, begin: u64, more: &str) -> Value {
    let (from, to) = (begin - DAY, begin + DAY);
    let request = gateway.request("GET", &format!("/v1/{path}?from={from}&to={to}{more}"));
    let answer = request.bearer_auth(Token::supervisor(tenant).mint()).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{more}");
    answer.json().await.unwrap()
}

/// All rows of figures, whole and by step.
pub async fn figures(gateway: &Gateway, tenant: &str, begin: u64) -> Vec<Value> {
    let mut rows = Vec::new();
    for more in ["", "&step=1d", "&step=1h", "&step=15m", "&within_ms=3000"] {
        let by = format!("&by=tenant,line,extension{more}");
        rows.push(ask(gateway, tenant, "figures", begin, &by).await["rows"].take());
    }
    rows
}

/// The tenant's figures of the whole time.
pub async fn of_tenant(gateway: &Gateway, tenant: &str, begin: u64) -> Value {
    ask(gateway, tenant, "figures", begin, "").await["rows"][0]["values"].take()
}

/// Waits until no call of that time is there any more.
pub async fn gone(gateway: &Gateway, tenant: &str, begin: u64) {
    eventually("the calls to be forgotten", async || {
        let items = ask(gateway, tenant, "conversations", begin, "").await["items"].take();
        (items == json!([])).then_some(())
    })
    .await;
}

/// Waits until a day was stored more often than so many times before.
pub async fn stored(gateway: &Gateway, before: f64) {
    eventually("a day to be stored", async || (times_stored(gateway).await > before).then_some(())).await;
}

/// How often a day was stored.
pub async fn times_stored(gateway: &Gateway) -> f64 {
    gateway.metric("callpop_board_days_stored_total").await
}
