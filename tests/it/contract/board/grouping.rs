//! Which legs are one conversation, and how sure that is.

use super::{call, gateway, lately, of, only, post, rang, timeless_gateway, took};
use crate::support::{
    Board, Token,
    board::{ask, conversations, read},
    gateway::problem,
    new_tenant, now, telsmart,
};
use rand::{rng, seq::SliceRandom};
use serde_json::{Value, json};

const CALLER: &str = "+32470000001";
/// All that is recorded began in these days of December 2025.
const RECORDED: (u64, u64) = (1_764_547_200_000_000, 1_766_016_000_000_000);

#[tokio::test]
async fn the_fixtures_group_as_the_table_says() {
    let gateway = timeless_gateway().await;
    let tenant = new_tenant();
    let mut events: Vec<Value> = (1..=7).flat_map(|number| telsmart::scenario(number, &tenant)).collect();
    events.shuffle(&mut rng());
    post(&gateway, &events).await;
    let told = conversations(&gateway, &tenant, RECORDED).await;
    let fields = [
        "kind",
        "outcome",
        "basis",
        "rules",
        "certainty",
        "wait_ms",
        "talk_ms",
        "hold_ms",
        "limbo_ms",
        "answered_by",
        "summary",
    ];
    let shown: Vec<Value> = told.iter().map(|it| json!(of(it, fields))).collect();
    let by_kind = |kind: &str, wait: u64| {
        let is_it = |it: &&Value| it[0] == kind && it[5] == wait;
        shown.iter().find(is_it).unwrap_or_else(|| panic!("no {kind} of {wait} in {shown:#?}"))
    };
    assert_eq!(told.len(), 6, "{shown:#?}");
    let alone = |kind, outcome, wait: u64, talk: u64, hold: u64, by: Option<&str>, summary: bool| {
        json!([kind, outcome, "observed", [], "high", wait, talk, hold, null, by, summary])
    };
    assert_eq!(*by_kind("inbound", 9520), alone("inbound", "answered", 9520, 24_199, 0, Some("200"), true));
    assert_eq!(
        *by_kind("outbound", 19_079),
        alone("outbound", "reached", 19_079, 11_720, 0, Some("200"), false)
    );
    assert_eq!(
        *by_kind("inbound", 16_560),
        alone("inbound", "answered", 16_560, 24_799, 12_140, Some("200"), false)
    );
    let joined = |kind, rules: &[&str], wait: u64, talk: u64, hold: u64, limbo: Option<u64>| {
        json!([kind, "answered", "inferred", rules, "high", wait, talk, hold, limbo, "200", false])
    };
    assert_eq!(*by_kind("internal", 6120), joined("internal", &["pair"], 6120, 8900, 0, None));
    assert_eq!(*by_kind("inbound", 6300), joined("inbound", &["blind"], 6300, 10_960, 4820, Some(19_600)));
    assert_eq!(
        *by_kind("inbound", 5500),
        joined("inbound", &["pair", "attended"], 5500, 14_759, 18_200, None)
    );
    let legs: usize = told.iter().map(|it| it["legs"].as_array().unwrap().len()).sum();
    assert_eq!(legs, 1 + 1 + 1 + 2 + 2 + 3);
}

#[tokio::test]
async fn a_ring_group_is_one_call() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let legs = ["200", "201", "202", "203"].map(|extension| call(&tenant, extension, CALLER, 60));
    let rings: Vec<Value> = legs.iter().map(|leg| leg.ringing(0)).collect();
    post(&gateway, &rings).await;
    let board = Board::of_tenant(&gateway, &tenant).await;
    assert_eq!(board.figure("now", "tenant", "", "ringing"), 1, "one caller");
    let ids: Vec<&Value> = board.tiles.values().map(|tile| &tile["conversation"]).collect();
    assert!(ids.len() == 4 && ids.iter().all(|id| *id == ids[0] && id.is_string()), "{ids:?}");
    let (taker, others) = legs.split_last().unwrap();
    post(&gateway, &[taker.active(8), taker.hangup(30)]).await;
    post(&gateway, &others.iter().map(|leg| leg.hangup(8)).collect::<Vec<_>>()).await;
    let told = conversations(&gateway, &tenant, lately()).await;
    let it = only(&told);
    let fields = ["outcome", "basis", "rules", "certainty", "wait_ms", "talk_ms", "answered_by", "hops"];
    let expected = json!(["answered", "inferred", ["ring_group"], "high", 8000, 22_000, "203", 0]);
    assert_eq!((json!(of(it, fields)), it["legs"].as_array().unwrap().len()), (expected, 4));
}

#[tokio::test]
async fn two_callers_of_one_number_stay_two() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    // Two people of one company, who talk at the same time.
    let legs = ["200", "201"].map(|extension| call(&tenant, extension, CALLER, 120));
    let both: Vec<Value> = [took(&legs[0], 0, 4, 60), took(&legs[1], 1, 6, 50)].concat();
    post(&gateway, &both).await;
    let told = conversations(&gateway, &tenant, lately()).await;
    assert_eq!(told.iter().map(|it| &it["answered_by"]).collect::<Vec<_>>(), ["201", "200"]);
    assert!(told.iter().all(|it| it["rules"] == json!([])), "{told:?}");
}

#[tokio::test]
async fn withheld_callers_are_not_joined() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let of_nobody = |extension, ago| call(&tenant, extension, "anonymous", ago);
    // They ring together, and neither their beginnings nor their ends are those of one call.
    let [one, two] = [of_nobody("200", 120), of_nobody("201", 120)];
    post(&gateway, &[rang(&one, 0, 20), rang(&two, 2, 26)].concat()).await;
    // Of a hop, too, nobody knows that it is the same caller.
    post(&gateway, &rang(&of_nobody("202", 92), 0, 20)).await;
    let told = conversations(&gateway, &tenant, lately()).await;
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told.iter().all(|it| it["number"] == Value::Null && it["outcome"] == "missed"), "{told:?}");
    let values = crate::support::board::figures_of_tenant(&gateway, &tenant, lately()).await;
    assert_eq!((&values["withheld"], &values["callers"]), (&json!(3), &json!(0)));
}

#[tokio::test]
async fn an_ambiguous_leg_says_who_it_may_be() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    // Two callers of one number were put on hold and hung up within a moment; then the number rings elsewhere.
    let start = now() - 120_000_000;
    let legs = ["200", "201", "202"].map(|it| call(&tenant, it, CALLER, 0).starting_at(start));
    let later = |mut event: Value, by: u64| {
        event["timestamp"] =
            (event["timestamp"].as_str().unwrap().parse::<u64>().unwrap() + by).to_string().into();
        event
    };
    let mut events = Vec::new();
    for leg in &legs[..2] {
        events.extend([leg.ringing(0), leg.active(4), leg.held(30)]);
    }
    events.extend([legs[0].hangup(40), later(legs[1].hangup(40), 50_000)]);
    events.extend([later(legs[2].ringing(40), 200_000), legs[2].active(45), legs[2].hangup(70)]);
    post(&gateway, &events).await;
    let told = conversations(&gateway, &tenant, lately()).await;
    let open: Vec<&Value> = told.iter().filter(|it| it["ambiguous"] == true).collect();
    let [it] = open[..] else { panic!("{told:#?}") };
    assert_eq!(it["certainty"], "low");
    let doubt = only(it["doubts"].as_array().unwrap());
    assert_eq!((&doubt["extension"], &doubt["leg_id"]), (&json!("202"), &json!(legs[2].id)));
    let candidates = doubt["candidates"].as_array().unwrap();
    let ids: Vec<&Value> = told.iter().map(|it| &it["conversation_id"]).collect();
    assert!(candidates.len() == 2 && candidates.iter().all(|id| ids.contains(&id)), "{told:#?}");
}

#[tokio::test]
async fn a_changed_id_is_told() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let boss = Token::supervisor(&tenant);
    let [first, second] = ["200", "201"].map(|extension| call(&tenant, extension, CALLER, 60));
    post(&gateway, &took(&second, 1, 9, 30)).await;
    let mut board = Board::of_tenant(&gateway, &tenant).await;
    let old = board.tile("201")["conversation"].clone();
    let old = match old {
        Value::Null => only(&conversations(&gateway, &tenant, lately()).await)["conversation_id"].clone(),
        id => id,
    };
    board.watch(&old).await;
    board.until("what is watched", |board| board.conversations.len() == 1).await;

    // A leg that began before it comes late.
    post(&gateway, &rang(&first, 0, 9)).await;
    board
        .until("its new name", |board| board.conversations.values().any(|it| it["conversation_id"] != old))
        .await;
    let told = board.conversations.values().next().unwrap().clone();
    assert_eq!((board.conversations.len(), &told["replaces"]), (1, &json!([old])));
    assert_eq!(told["legs"].as_array().unwrap().len(), 2);

    // By its old name, its new one, and each of its legs.
    let new = told["conversation_id"].as_str().unwrap();
    for name in [old.as_str().unwrap(), new, &first.id, &second.id] {
        assert_eq!(read(&gateway, &boss, &format!("/v1/conversations/{name}")).await, told);
    }
    let elsewhere = Token::supervisor(&new_tenant());
    for (token, name) in
        [(&boss, "0".repeat(32)), (&boss, "no-such".to_owned()), (&elsewhere, new.to_owned())]
    {
        problem(ask(&gateway, token, &format!("/v1/conversations/{name}")).await, 404).await;
    }
    // It is still followed, and nothing that does not exist is.
    post(&gateway, &[second.summary(40, json!({"text": "x"}))]).await;
    board.until("its summary", |board| board.conversations.values().all(|it| it["summary"] == true)).await;
    assert_eq!(
        board.error_for(&json!({"type": "watch", "conversation": "0".repeat(32)})).await,
        "unknown_conversation"
    );
    assert_eq!(board.error_for(&json!({"type": "watch", "conversation": "x"})).await, "unknown_conversation");
}
