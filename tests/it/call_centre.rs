//! `callpop simulate --centre`: a call centre that plays itself, and the truth that it tells of it.

use crate::support::{
    Config, Gateway, new_tenant, now,
    process::{callpop, run},
    token::WEBHOOK_SECRET,
};
use serde_json::Value;
use std::collections::BTreeMap;

/// Runs `callpop simulate`; gives the exit code, what is printed, and what is said beside it.
fn simulate(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = run(callpop().arg("simulate").args(arguments));
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Plays to a gateway in a tenant; all must be taken.
fn play(gateway: &Gateway, tenant: &str, arguments: &[&str]) -> String {
    let url = format!("http://{}", gateway.public);
    let to = ["--gateway", &url, "--secret", WEBHOOK_SECRET, "--tenant", tenant];
    let (code, printed, said) = simulate(&[&to, arguments].concat());
    assert_eq!(code, Some(0), "{printed}{said}");
    assert!(printed.ends_with(" 0 refused, 0 unanswered\n"), "{printed}");
    printed
}

fn lines(path: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The calls of a tenant by leg.
async fn calls(gateway: &Gateway, tenant: &str) -> BTreeMap<String, Value> {
    let calls = gateway.supervisor(tenant).await.calls.into_iter();
    calls.map(|((_, leg), call)| (leg, call)).collect()
}

/// Fails unless a gateway's call is what the leg truly was.
fn assert_agrees(call: &Value, leg: &Value) {
    let skew = leg["skew_us"].as_i64().unwrap();
    let is_over = !has(&leg["disturbed"], "no_hangup");
    for field in ["started_at", "answered_at", "ended_at"] {
        let truth = leg[field].as_u64().filter(|_| is_over || field != "ended_at");
        let stamp = truth.map(|at| at.saturating_add_signed(skew));
        assert_eq!(call[field].as_u64(), stamp, "{field} of {call}\nin truth {leg}");
    }
    for (field, truth) in [("ring_ms", "ring_us"), ("talk_ms", "talk_us"), ("hold_ms", "hold_us")] {
        // A call that has not ended has not finished its last state.
        if is_over {
            let truth = leg[truth].as_u64().unwrap() / 1000;
            assert_eq!(call[field].as_u64(), Some(truth), "{field} of {call}\nin truth {leg}");
        }
    }
    assert_eq!(call["extension"], leg["extension"]);
    assert_eq!(call["direction"], if leg["direction"] == "in" { "inbound" } else { "outbound" });
    let number = call["remote"]["number"].as_str().unwrap_or("anonymous");
    assert_eq!(number, leg["remote"], "{call}\nin truth {leg}");
    assert_eq!(call["state"] == "ended", is_over, "{call}");
    assert_eq!(call["summary"].is_null(), leg["summary_at"].is_null(), "{call}");
}

fn has(list: &Value, word: &str) -> bool {
    list.as_array().unwrap().iter().any(|other| other == word)
}

#[tokio::test]
async fn a_centre_is_played_to_a_gateway() {
    let gateway = Gateway::new().await;
    let (tenant, truth) = (new_tenant(), gateway.config().file("truth.jsonl", ""));
    let printed =
        play(&gateway, &tenant, &["--instant", "--centre", "12", "--calls", "80", "--truth", &truth]);
    let sent: usize = printed.split(' ').next().unwrap().parse().unwrap();
    assert!(printed.contains(&format!("{sent} accepted")), "{printed}");
    let truth = lines(&truth);
    assert_eq!((truth.len(), &truth[0]["tenant_id"]), (81, &Value::from(tenant.as_str())));
    let mut shown = calls(&gateway, &tenant).await;
    let (mut told, mut disturbed) = (0, 0);
    for leg in truth[1..].iter().flat_map(|call| call["legs"].as_array().unwrap()) {
        // A member without integration is in the truth alone.
        let Some(id) = leg["id"].as_str() else { continue };
        let call = shown.remove(id).unwrap_or_else(|| panic!("{leg} is not shown"));
        assert_agrees(&call, leg);
        told += 1;
        disturbed += usize::from(leg["disturbed"] != Value::Array(Vec::new()));
    }
    assert!(shown.is_empty(), "shown, and in no truth: {shown:?}");
    assert!(told > 100 && disturbed > 5, "{told} legs, {disturbed} of them disturbed");
    assert!(gateway.metric("callpop_events_duplicate_total").await > 0.0);
}

#[tokio::test]
async fn scaled_stamps_run_with_the_clock() {
    let gateway = Gateway::new().await;
    let (tenant, truth) = (new_tenant(), gateway.config().file("truth.jsonl", ""));
    let centre = ["--centre", "12", "--calls", "12", "--seed", "4", "--truth", &truth];
    let before = now();
    play(&gateway, &tenant, &[&centre[..], &["--speed", "1000", "--stamps", "scaled"]].concat());
    let after = now();
    let scaled = lines(&truth);
    let begins = scaled[0]["begins_at"].as_u64().unwrap();
    assert!((before..after).contains(&begins), "{before} {begins} {after}");
    for call in calls(&gateway, &tenant).await.values() {
        // The clocks that are off are off by less than half a millisecond at that speed.
        for field in ["started_at", "updated_at"] {
            let at = call[field].as_u64().unwrap();
            assert!((before - 500..=after + 500).contains(&at), "{field}: {before} {at} {after}");
        }
    }
    // The same day as it was recorded is a thousand times as long.
    simulate(&[&centre[..], &["--to", &gateway.config().file("events.jsonl", "")]].concat());
    let recorded = lines(&truth);
    for (scaled, recorded) in scaled[1..].iter().zip(&recorded[1..]) {
        let (short, long) = (scaled["talk_us"].as_u64().unwrap(), recorded["talk_us"].as_u64().unwrap());
        assert!((short * 1000).abs_diff(long) < 10_000, "{short} {long}");
        assert_eq!(scaled["phenomena"], recorded["phenomena"]);
    }
}

#[tokio::test]
async fn a_scenario_runs_with_the_clock_too() {
    let gateway = Gateway::new().await;
    let tenant = new_tenant();
    let before = now();
    play(&gateway, &tenant, &["--speed", "100", "--stamps", "scaled", "3-held-and-resumed"]);
    let after = now();
    let calls = calls(&gateway, &tenant).await;
    let call = calls.values().next().unwrap();
    assert_eq!(
        (call["ring_ms"].as_u64(), call["talk_ms"].as_u64(), call["hold_ms"].as_u64()),
        (Some(165), Some(247), Some(121))
    );
    let (started, ended) = (call["started_at"].as_u64().unwrap(), call["ended_at"].as_u64().unwrap());
    assert!(before <= started && ended <= after, "{before} {started} {ended} {after}");
}

#[test]
fn the_same_seed_writes_the_same_bytes() {
    let config = Config::new();
    let write = |seed: &str, name: &str| {
        let (events, truth) = (config.file(name, ""), config.file("truth.jsonl", ""));
        let centre = ["--centre", "8", "--lasts", "30m", "--seed", seed];
        let (code, printed, said) = simulate(&[&centre[..], &["--to", &events, "--truth", &truth]].concat());
        assert_eq!(code, Some(0), "{said}");
        let events = std::fs::read_to_string(events).unwrap();
        assert!(printed.starts_with(&format!("{} written (", events.lines().count())), "{printed}");
        let (_, to_stdout, _) = simulate(&[&centre[..], &["--to", "-"]].concat());
        assert_eq!(to_stdout, events);
        (events, std::fs::read_to_string(truth).unwrap())
    };
    let once = write("5", "once.jsonl");
    assert_eq!(once, write("5", "again.jsonl"));
    assert_ne!(once.0, write("6", "other.jsonl").0);
    assert!(once.0.lines().count() > 50);
}

#[test]
fn a_scenario_may_be_written_over_itself() {
    let event = r#"{"id":"leg","state":"RINGING","timestamp":"1765209366386177"}"#;
    let config = Config::new();
    let file = config.file("scenario.jsonl", &format!("{event}\n{event}\n"));
    let (code, printed, said) = simulate(&["--as-recorded", "--duplicate", "1", "--to", &file, &file]);
    assert_eq!((code, printed.as_str()), (Some(0), "4 written (2 duplicates)\n"), "{said}");
    assert_eq!(std::fs::read_to_string(file).unwrap(), format!("{event}\n").repeat(4));
}

#[tokio::test]
async fn what_is_written_can_be_played() {
    let gateway = Config::new().timeless().start().await;
    let (tenant, events) = (new_tenant(), gateway.config().file("events.jsonl", ""));
    let (truth, centre) = (gateway.config().file("truth.jsonl", ""), ["--centre", "6", "--calls", "20"]);
    simulate(&[&centre[..], &["--to", &events, "--truth", &truth]].concat());
    play(&gateway, &tenant, &["--instant", "--as-recorded", &events]);
    let shown = calls(&gateway, &tenant).await;
    let legs = lines(&truth)[1..]
        .iter()
        .flat_map(|call| call["legs"].as_array().unwrap().clone())
        .collect::<Vec<_>>();
    let told: Vec<_> = legs.iter().filter_map(|leg| Some((leg["id"].as_str()?, leg))).collect();
    assert_eq!(told.len(), shown.len());
    for (id, leg) in told {
        assert_agrees(&shown[id], leg);
    }
}

#[test]
fn bad_arguments_are_2_and_say_why() {
    for (arguments, says) in [
        (vec!["--to", "-", "--centre", "5"], "6..=5000"),
        (vec!["--to", "-", "--centre", "many"], "--centre"),
        (vec!["--to", "-", "--centre", "6", "--as-recorded"], "--as-recorded"),
        (vec!["--to", "-", "--centre", "6", "1-answered-inbound"], "SCENARIO"),
        (vec!["--to", "-", "--centre", "6", "--begin", "2026"], "between the years 2000 and 2100"),
        (vec!["--to", "-", "--centre", "5000", "--lasts", "1000h"], "the most are 1000000"),
        (vec!["--to", "-", "--instant", "--stamps", "scaled"], "--stamps scaled needs a speed"),
        (vec!["--to", "-", "--truth", "truth.jsonl"], "--centre"),
        (vec!["--centre", "6"], "--secret"),
    ] {
        let (code, printed, said) = simulate(&arguments);
        assert_eq!((code, printed.as_str()), (Some(2), ""), "{arguments:?}: {said}");
        assert!(said.contains(says), "{arguments:?}: {said}");
    }
}

#[test]
fn a_file_that_cannot_be_written_is_1_and_named() {
    for file in ["--to", "--truth"] {
        let nowhere = ["--centre", "6", file, "/no/such/folder/file.jsonl"];
        let rest: &[&str] = if file == "--to" { &[] } else { &["--to", "-"] };
        let (code, _, said) = simulate(&[&nowhere[..], rest].concat());
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(file) && said.contains("/no/such/folder/file.jsonl"), "{said}");
    }
}
