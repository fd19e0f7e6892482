//! What each figure is a sum of, and what a phone's time on calls is.

use super::{call, config, gateway, lately, of, post, put_in_groups, rang, timeless_gateway, took};
use crate::support::{
    Board, Leg, Token,
    board::{conversations, figures, figures_of, figures_of_tenant, read},
    centre::{self, day, in_tenant},
    eventually, new_tenant, now, telsmart,
};
use serde_json::{Value, json};

const OUTCOMES: [&str; 5] = ["answered", "missed", "short", "unknown", "open"];
const STANDS: [&str; 6] = ["took", "passed", "not_taken", "brief", "unknown", "open"];

fn count(values: &Value, name: &str) -> u64 {
    values[name].as_u64().unwrap_or_else(|| panic!("{name} in {values}"))
}

fn sum(values: &Value, names: &[&str]) -> u64 {
    names.iter().map(|name| count(values, name)).sum()
}

#[tokio::test]
async fn a_centre_adds_up() {
    let gateway = gateway().await;
    let (tenant, window) = (new_tenant(), lately());
    centre::post(&[&gateway], &in_tenant(&day(12, 140, 7, window.0), &tenant)).await;
    let (from, to) = window;
    let rows = figures(&gateway, &tenant, &format!("from={from}&to={to}&by=tenant,extension")).await;
    let of_tenant = &rows[&("tenant".to_owned(), String::new(), 0)];
    let phones: Vec<&Value> =
        rows.iter().filter(|((by, ..), _)| by == "extension").map(|(_, values)| values).collect();
    let over_phones = |name: &str| phones.iter().map(|values| count(values, name)).sum::<u64>();
    assert!(count(of_tenant, "answered") > 30 && count(of_tenant, "missed") > 3, "{of_tenant}");

    // offered_is_the_sum_of_its_outcomes
    assert_eq!(count(of_tenant, "offered"), sum(of_tenant, &OUTCOMES));
    let share = count(of_tenant, "missed") as f64 / sum(of_tenant, &["answered", "missed"]) as f64;
    assert_eq!(of_tenant["missed_share"], share);

    // rang_is_the_sum_of_its_parts
    for phone in &phones {
        assert_eq!(count(phone, "rang"), sum(phone, &STANDS), "{phone}");
        assert!(count(phone, "missed") <= count(phone, "not_taken"), "{phone}");
        let parts = sum(phone, &["talk_ms", "hold_ms", "internal_ms"]);
        assert!(count(phone, "on_call_ms").abs_diff(parts) <= 2, "cut off: {phone}");
    }

    // the_sum_of_first_takes_is_what_was_answered
    assert_eq!(over_phones("took_first"), count(of_tenant, "answered"));
    assert!(over_phones("took") >= over_phones("took_first"));

    // Parts of the time add up to the whole of it.
    let steps =
        figures(&gateway, &tenant, &format!("from={from}&to={to}&step=15m&by=tenant,extension")).await;
    for name in [&OUTCOMES[..], &["offered", "out", "reached", "internal", "withheld"]].concat() {
        let parts =
            steps.iter().filter(|((by, ..), _)| by == "tenant").map(|(_, values)| count(values, name));
        assert_eq!(parts.sum::<u64>(), count(of_tenant, name), "{name}");
    }
    for name in ["rang", "took", "not_taken", "on_call_ms"] {
        let parts =
            steps.iter().filter(|((by, ..), _)| by == "extension").map(|(_, values)| count(values, name));
        // Of each phone and quarter a part of a millisecond is cut off.
        let (parts, most) = (parts.sum::<u64>(), steps.len() as u64);
        let lost = over_phones(name) - parts;
        assert!(lost == 0 || (name == "on_call_ms" && lost < most), "{name}: {lost}");
    }

    // What is listed is what is counted.
    let listed = conversations(&gateway, &tenant, window).await;
    for outcome in OUTCOMES {
        let of_it = listed.iter().filter(|it| it["kind"] == "inbound" && it["outcome"] == outcome).count();
        assert_eq!(of_it as u64, count(of_tenant, outcome), "{outcome}");
    }
    let is_there = |field: &str| listed.iter().filter(move |it| it["kind"] == field).count() as u64;
    assert_eq!(
        (is_there("outbound"), is_there("internal")),
        (count(of_tenant, "out"), count(of_tenant, "internal"))
    );
}

#[tokio::test]
async fn a_hunt_says_who_did_not_take_it() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let caller = "+32470000001";
    let legs = ["200", "201", "202"].map(|extension| call(&tenant, extension, caller, 90));
    post(&gateway, &rang(&legs[0], 0, 12)).await;
    post(&gateway, &rang(&legs[1], 12, 14)).await;
    post(&gateway, &took(&legs[2], 15, 18, 40)).await;
    // Another, whom nobody takes.
    let again = ["200", "201"].map(|extension| call(&tenant, extension, "+32470000002", 90));
    post(&gateway, &[rang(&again[0], 0, 12), rang(&again[1], 13, 25)].concat()).await;

    let stands = async |extension: &str| {
        let values = figures_of(&gateway, &tenant, extension, lately()).await;
        ["rang", "took", "passed", "not_taken", "brief", "missed", "took_first"]
            .map(|name| count(&values, name))
    };
    assert_eq!(stands("200").await, [2, 0, 0, 2, 0, 1, 0], "missed is what nobody took");
    assert_eq!(stands("201").await, [2, 0, 0, 1, 1, 1, 0]);
    assert_eq!(stands("202").await, [1, 1, 0, 0, 0, 0, 1]);
    let told = conversations(&gateway, &tenant, lately()).await;
    let hunt = told.iter().find(|it| it["number"] == caller).unwrap();
    let expected = json!(["answered", "inferred", ["hop"], "medium", 2, "202", 18_000]);
    let fields = ["outcome", "basis", "rules", "certainty", "hops", "answered_by", "wait_ms"];
    assert_eq!(json!(of(hunt, fields)), expected);
}

#[tokio::test]
async fn time_on_calls_is_the_union_of_legs() {
    let gateway = timeless_gateway().await;
    let tenant = new_tenant();
    post(&gateway, &telsmart::scenario(6, &tenant)).await;
    let day = (1_765_238_400_000_000, 1_765_324_800_000_000);
    let times = ["on_call_ms", "talk_ms", "internal_ms", "hold_ms"];
    let own = figures_of(&gateway, &tenant, "200", day).await;
    assert_eq!(json!(of(&own, times)), json!([20_639, 2_419, 8_300, 9_919]), "cut off");
    let receiver = figures_of(&gateway, &tenant, "210", day).await;
    assert_eq!(json!(of(&receiver, times)), json!([20_640, 12_339, 8_300, 0]));
}

/// The recorded attended transfer, as if it had begun so many seconds ago.
fn attended(tenant: &str, ago: u64) -> Vec<Value> {
    let mut events = telsmart::scenario(6, tenant);
    let at = |event: &Value| event["timestamp"].as_str().unwrap().parse::<u64>().unwrap();
    let first = events.iter().map(at).min().unwrap();
    for event in &mut events {
        event["timestamp"] = (at(event) - first + now() - ago * 1_000_000).to_string().into();
    }
    events
}

fn is_hangup_of(event: &Value, direction: &str, extension: &str) -> bool {
    event["state"] == "HANGUP" && event["direction"] == direction && event["user_extension"] == extension
}

#[tokio::test]
async fn a_consult_tail_is_cut_at_the_transfer() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let mut board = Board::of_tenant(&gateway, &tenant).await;
    // The end of the consultation is not told yet.
    let events = attended(&tenant, 60);
    let (tail, before): (Vec<Value>, Vec<Value>) =
        events.into_iter().partition(|event| is_hangup_of(event, "out", "200"));
    assert_eq!(tail.len(), 1);
    post(&gateway, &before).await;
    board.until("the transfer", |board| board.tile("200")["clamped"] == true).await;
    assert_eq!(board.tile("200")["state"], Value::Null);
    let calls = gateway.agent(&tenant, "200").await.calls;
    assert!(calls.values().any(|call| call["state"] == "active"), "the leg and its popup stay as they are");
    post(&gateway, &tail).await;
    board.until("its end", |board| board.tile("200")["clamped"] == false).await;
    assert_eq!(board.tile("200")["state"], Value::Null);
}

#[tokio::test]
async fn a_conference_is_not_cut() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    // The transferor stays on the line with the caller.
    let mut events = attended(&tenant, 60);
    events.retain(|event| !is_hangup_of(event, "in", "200") && !is_hangup_of(event, "out", "200"));
    post(&gateway, &events).await;
    let board = Board::of_tenant(&gateway, &tenant).await;
    let tile = board.tile("200");
    assert_eq!(json!(of(tile, ["state", "clamped", "legs"])), json!(["active", false, 2]), "{tile}");
}

#[tokio::test]
async fn no_calls_have_no_service_level() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let board = Board::of_tenant(&gateway, &tenant).await;
    let values = figures_of_tenant(&gateway, &tenant, lately()).await;
    let shown = &board.figures[&("today".to_owned(), "tenant".to_owned(), String::new())];
    for values in [&values, shown] {
        assert_eq!(values["offered"], 0);
        for name in
            ["service_level", "missed_share", "wait_mean_ms", "talk_mean_ms", "wait_p90_ms", "transferred"]
        {
            assert_eq!(values[name], Value::Null, "{name}");
        }
    }
}

#[tokio::test]
async fn the_service_level_is_what_was_answered_in_time_of_what_could_be() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let ring = |number: u64, seconds: u64| {
        let leg = call(&tenant, "200", &format!("+3247000000{number}"), 600 - number * 60);
        (rang(&leg, 0, seconds).to_vec(), took(&leg, 0, seconds, seconds + 10).to_vec())
    };
    // In time, just in time, late; missed sooner and later; too short; not known since when.
    let answered = [(0, 5), (1, 20), (2, 21)].map(|(number, seconds)| ring(number, seconds).1);
    let missed = [(3, 6), (4, 40), (5, 2)].map(|(number, seconds)| ring(number, seconds).0);
    let unknown = call(&tenant, "200", "+32470000006", 200);
    post(
        &gateway,
        &[answered.concat(), missed.concat(), vec![unknown.active(0), unknown.hangup(9)]].concat(),
    )
    .await;
    let values = figures_of_tenant(&gateway, &tenant, lately()).await;
    let fields =
        ["offered", "answered", "missed", "short", "unknown_start", "service_level", "wait_longest_ms"];
    assert_eq!(json!(of(&values, fields)), json!([7, 4, 2, 1, 1, 2.0 / 5.0, 40_000]));
    let (from, to) = lately();
    let query = format!("/v1/figures?from={from}&to={to}&within_ms=30000");
    let other = read(&gateway, &Token::supervisor(&tenant), &query).await;
    assert_eq!(other["rows"][0]["values"]["service_level"], 3.0 / 5.0);
}

#[tokio::test]
async fn a_call_that_rings_too_long_is_late_at_once() {
    let gateway = config().await.set("board.answer_within", "2s").start().await;
    let tenant = new_tenant();
    let mut board = Board::of_tenant(&gateway, &tenant).await;
    let leg = call(&tenant, "200", "+32470000001", 0);
    post(&gateway, &[leg.ringing(0)]).await;
    let level = |board: &Board| board.figure("today", "tenant", "", "service_level");
    board.until("it to ring", |board| board.figure("now", "tenant", "", "ringing") == 1).await;
    assert_eq!(board.figure("now", "tenant", "", "ringing_since"), leg.start);
    board.until("it to be late", |board| level(board) == 0.0).await;
    assert_eq!(board.figure("today", "tenant", "", "open"), 1);
    // No event of it came after the first.
    assert_eq!(gateway.supervisor(&tenant).await.seq, 1);
}

#[tokio::test]
async fn an_expired_call_is_unknown_until_it_is_not() {
    let gateway = config().await.set("calls.expire_after", "1s").start().await;
    let tenant = new_tenant();
    let leg = Leg::inbound(&tenant, "200");
    post(&gateway, &[leg.ringing(0)]).await;
    let outcome = async |expected: &str| {
        eventually(expected, async || {
            let told = conversations(&gateway, &tenant, lately()).await;
            (told[0]["outcome"] == expected).then_some(())
        })
        .await;
        let values = figures_of_tenant(&gateway, &tenant, lately()).await;
        assert_eq!((count(&values, "offered"), count(&values, expected)), (1, 1));
    };
    outcome("unknown").await;
    let phone = figures_of(&gateway, &tenant, "200", lately()).await;
    assert_eq!(json!(of(&phone, ["rang", "unknown", "not_taken"])), json!([1, 1, 0]));
    post(&gateway, &[leg.hangup(20)]).await;
    outcome("missed").await;
    post(&gateway, &[leg.active(10)]).await;
    outcome("answered").await;
}

#[tokio::test]
async fn a_ghost_does_not_keep_a_ring_group_open() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let legs = ["200", "201", "202"].map(|extension| call(&tenant, extension, "+32470000001", 60));
    let [one, two, ghost] = &legs;
    post(&gateway, &[rang(one, 0, 10).to_vec(), rang(two, 0, 10).to_vec(), vec![ghost.ringing(1)]].concat())
        .await;
    let told = conversations(&gateway, &tenant, lately()).await;
    assert_eq!(json!([told.len(), told[0]["outcome"], told[0]["basis"]]), json!([1, "missed", "inferred"]));
    let board = Board::of_tenant(&gateway, &tenant).await;
    assert_eq!(json!(of(board.tile("202"), ["state", "unconfirmed"])), json!(["ringing", true]));
    let now = |name| board.figure("now", "tenant", "", name);
    assert_eq!((now("ringing"), now("unconfirmed")), (json!(0), json!(1)));
    let phone = figures_of(&gateway, &tenant, "202", lately()).await;
    assert_eq!(json!(of(&phone, ["rang", "not_taken", "open"])), json!([1, 1, 0]));
}

#[tokio::test]
async fn the_waits_are_there_to_be_counted_anew() {
    let gateway = gateway().await;
    let (tenant, (from, to)) = (new_tenant(), lately());
    let mut board = Board::of_tenant(&gateway, &tenant).await;
    put_in_groups(&gateway, &tenant, &[("200", &["sales"]), ("300", &[])]).await;
    let leg = |nth: u64| {
        let leg = call(&tenant, "200", &format!("+32470000{nth:03}"), 7000 - nth * 500);
        leg.with("callee_number", "+3225550000")
    };
    for (nth, wait) in [0, 5, 5, 61, 299, 301].into_iter().enumerate() {
        let leg = leg(nth as u64);
        post(&gateway, &took(&leg, 0, wait, wait + 20)).await;
    }
    for (nth, wait) in [(10, 30), (11, 4)] {
        post(&gateway, &rang(&leg(nth), 0, wait)).await;
    }
    // Nobody knows for how long this one rang, and nobody waits for whom we call.
    let half = leg(12);
    post(&gateway, &[half.active(0), half.hangup(9)]).await;
    let out = Leg::outbound(&tenant, "200").starting_at(now() - 60_000_000);
    post(&gateway, &took(&out, 0, 9, 20)).await;
    let query = format!("/v1/figures?from={from}&to={to}&by=tenant,group,line,extension");
    let answer = read(&gateway, &Token::supervisor(&tenant), &query).await;
    let expected = json!({
        "answered": [[1, 1], [6, 2], [65, 1], [300, 1], [null, 1]],
        "missed": [[31, 1]],
    });
    for row in answer["rows"].as_array().unwrap() {
        match row["by"].as_str().unwrap() {
            "extension" => assert!(row.get("histogram").is_none(), "{row}"),
            _ => assert_eq!(row["histogram"], expected, "{row}"),
        }
    }
    // So the level is to be had for another time, and by another formula.
    let within = |histogram: &Value, limit: u64| {
        let buckets = histogram.as_array().unwrap().iter();
        let is_in = |bucket: &&Value| bucket[0].as_u64().is_some_and(|edge| edge <= limit);
        buckets.filter(is_in).map(|bucket| bucket[1].as_u64().unwrap()).sum::<u64>()
    };
    let seven = read(&gateway, &Token::supervisor(&tenant), &format!("{query}&within_ms=7000")).await;
    let values = &seven["rows"][0]["values"];
    let counted = within(&expected["answered"], 7) as f64 / (6 + count(values, "missed")) as f64;
    assert_eq!(values["service_level"], counted);
    // Parts of the time add up to it; frames do without.
    let steps = read(&gateway, &Token::supervisor(&tenant), &format!("{query}&step=15m")).await;
    let of_tenant = steps["rows"].as_array().unwrap().iter().filter(|row| row["by"] == "tenant");
    let parts: Vec<&Value> = of_tenant.map(|row| &row["histogram"]).collect();
    for kind in ["answered", "missed"] {
        for bucket in expected[kind].as_array().unwrap() {
            let same =
                parts.iter().flat_map(|part| part[kind].as_array().unwrap()).filter(|it| it[0] == bucket[0]);
            assert_eq!(same.map(|it| it[1].as_u64().unwrap()).sum::<u64>(), bucket[1], "{kind} {bucket}");
        }
    }
    board.until("the calls", |board| board.figure("today", "tenant", "", "out") == 1).await;
    assert!(!board.text.contains("histogram"));
}
