//! What a leg's events make, worked out a second time from the protocol's text alone and as
//! plainly as possible. For legs whose events have distinct timestamps.

use serde_json::{Map, Value, json};

/// The call that Telsmart's events of one leg make.
pub fn call(events: &[Value]) -> Value {
    let mut events: Vec<&Value> = events.iter().collect();
    events.sort_by_key(|event| at(event));
    events.dedup();
    let names = names(&events);
    let (summaries, phases): (Vec<&Value>, Vec<&Value>) =
        events.iter().partition(|event| event["state"] == "SUMMARY_REPORTING");
    let hangup = phases.iter().position(|event| event["state"] == "HANGUP");
    let phases = &without_late_ringing(&phases[..hangup.map_or(phases.len(), |index| index + 1)]);
    let (first, last) = (phases.first().expect("a phase"), phases.last().expect("a phase"));
    let answered_at = phases.iter().find(|event| event["state"] == "ACTIVE").map(|event| at(event));
    let opening = phases.iter().rev().take_while(|event| event["state"] == last["state"]).last();
    // Without a hangup, a summary of what was before says that the call is over.
    let is_over = |summary: &&&Value| hangup.is_none() && at(summary) > at(last);
    let over = summaries.iter().find(is_over);
    let state = if over.is_some() { "ended" } else { state(last) };
    let since = at(over.or(opening).expect("a phase"));
    let outbound = first["direction"] == "out";
    let outcome = match (hangup, answered_at) {
        _ if over.is_some() => "answered".into(),
        (None, _) => Value::Null,
        (_, Some(_)) => "answered".into(),
        (_, None) => if outbound { "no_answer" } else { "missed" }.into(),
    };
    let stale_after =
        json!({"ringing": 180_000_000_u64, "active": 14_400_000_000_u64, "held": 14_400_000_000_u64});
    let party = |event: &Value, side: &str| {
        let number = event[format!("{side}_number")].clone();
        json!({"name": names.get(number.as_str().unwrap()), "number": number})
    };
    let (remote, local) = if outbound { ("callee", "caller") } else { ("caller", "callee") };
    let remote_party = party(last, remote);
    let announcement = phases.iter().find(|event| event["transfer_caller_number"].is_string());
    let transfer = announcement.map(|event| {
        let original = &event["transfer_caller_number"];
        let completed = phases.iter().find(|later| {
            at(later) > at(event)
                && later["state"] == "ACTIVE"
                && later["transfer_caller_number"].is_null()
                && later[format!("{remote}_number")] == *original
        });
        json!({"kind": "attended", "original_number": original, "via": party(event, remote),
            "completed_at": completed.map(|event| at(event))})
    });
    let summary = summaries.last().map(|event| summary(event));
    json!({
        "leg_id": first["id"], "source": "telsmart", "tenant_id": first["tenant_id"], "extension": first["user_extension"],
        "version": events.len(), "direction": if outbound { "outbound" } else { "inbound" },
        "internal": is_extension(remote_party["number"].as_str().unwrap()),
        "state": state, "remote": remote_party, "local": party(last, local), "transfer": transfer,
        "started_at": at(first), "answered_at": answered_at, "since": since,
        "ended_at": (state == "ended").then_some(since), "updated_at": at(events.last().expect("an event")),
        "ring_ms": spent(phases, "RINGING"), "talk_ms": spent(phases, "ACTIVE"), "hold_ms": spent(phases, "HELD"),
        "outcome": outcome, "stale_at": stale_after[state].as_u64().map(|after| since + after),
        "dismissed_at": null, "summary": summary, "summary_seen": false, "wrap_up": null,
    })
}

/// The longest content that frames carry, in bytes of JSON.
pub const MOST_CONTENT: usize = 16 * 1024;

fn summary(event: &Value) -> Value {
    let content = &event["summary"]["content"];
    let mut summary =
        json!({"language": event["summary"]["language"], "content": content, "reported_at": at(event)});
    if content.to_string().len() > MOST_CONTENT {
        (summary["content"], summary["more"]) = (Value::Null, true.into());
    }
    summary
}

/// The phases that count: once a leg was active, ringing events do not.
fn without_late_ringing<'a>(phases: &[&'a Value]) -> Vec<&'a Value> {
    let answered = phases.iter().position(|event| event["state"] == "ACTIVE").unwrap_or(phases.len());
    let counts = |(at, event): &(usize, &&Value)| *at < answered || event["state"] != "RINGING";
    phases.iter().enumerate().filter(counts).map(|(_, event)| *event).collect()
}

/// The provider's timestamp.
pub fn at(event: &Value) -> u64 {
    let timestamp = &event["timestamp"];
    timestamp.as_u64().unwrap_or_else(|| timestamp.as_str().unwrap().parse().unwrap())
}

fn state(event: &Value) -> &'static str {
    match event["state"].as_str().unwrap() {
        "RINGING" => "ringing",
        "ACTIVE" => "active",
        "HELD" => "held",
        "HANGUP" => "ended",
        other => panic!("{other} is no phase"),
    }
}

fn is_extension(number: &str) -> bool {
    (1..=6).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Milliseconds in a state until the next event of another.
fn spent(phases: &[&Value], state: &str) -> u64 {
    let mut turns = phases.to_vec();
    turns.dedup_by(|later, earlier| later["state"] == earlier["state"]);
    let pairs = turns.windows(2).filter(|pair| pair[0]["state"] == state);
    pairs.map(|pair| at(pair[1]) - at(pair[0])).sum::<u64>() / 1000
}

/// The latest name that says something, by number.
fn names(events: &[&Value]) -> Map<String, Value> {
    let mut names = Map::new();
    for event in events {
        for side in ["caller", "callee"] {
            let (number, name) = (&event[format!("{side}_number")], &event[format!("{side}_name")]);
            if name != "" && name != number {
                names.insert(number.as_str().unwrap().to_owned(), name.clone());
            }
        }
    }
    names
}
