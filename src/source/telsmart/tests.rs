use super::*;
use serde_json::{Value, json};

fn ringing() -> Value {
    let line = include_str!("../../../tests/fixtures/telsmart/1-answered-inbound.jsonl").lines().next();
    serde_json::from_str(line.unwrap()).unwrap()
}

fn parse_all(body: &[u8]) -> Result<Vec<Received>, EventRefusal> {
    parse(&Source::unguarded(PROVIDER.kind).unwrap(), body)
}

fn call_event(event: &Value) -> Event {
    let item::Event::Call(event) = parse_one(event).unwrap().event else { panic!("{event}") };
    event
}

fn parse_one(event: &Value) -> Result<ItemEvent, EventRefusal> {
    match parse_all(event.to_string().as_bytes())?.pop() {
        Some(Received::Item(event)) => Ok(event),
        other => panic!("{other:?}"),
    }
}

fn refused_field(event: &Value) -> String {
    match parse_one(event) {
        Err(EventRefusal::Invalid { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_required_field_is_named_when_it_is_missing_or_of_the_wrong_type() {
    let required = [
        "tenant_id",
        "user_extension",
        "id",
        "state",
        "direction",
        "timestamp",
        "caller_number",
        "callee_number",
    ];
    for field in required {
        let mut event = ringing();
        event[field] = json!({"not": "a text"});
        assert_eq!(refused_field(&event), field);
        event.as_object_mut().unwrap().remove(field);
        assert_eq!(refused_field(&event), field);
    }
    let mut event = ringing();
    event["caller_name"] = json!(5);
    assert_eq!(refused_field(&event), "caller_name");
}

#[test]
fn timestamps_are_texts_or_numbers_within_reason() {
    let text = parse_one(&ringing()).unwrap();
    let mut event = ringing();
    event["timestamp"] = json!(1_765_209_366_386_177_u64);
    assert_eq!(parse_one(&event).unwrap(), text);
    for bad in [
        json!(0),
        json!("0"),
        json!(32_503_680_000_000_000_u64),
        json!(-5),
        json!(1.5),
        json!("+1765209366386177"),
        json!(""),
        json!(" 1765209366386177"),
        json!(null),
        json!(true),
    ] {
        event["timestamp"] = bad;
        assert_eq!(refused_field(&event), "timestamp");
    }
}

#[test]
fn the_same_event_with_fields_that_say_nothing_new_is_the_same() {
    let mut event = ringing();
    event["attempt"] = json!(2);
    event["caller_name"] = json!("");
    let parsed = call_event(&event);
    assert_eq!(parsed, call_event(&ringing()));
    assert_eq!(parsed.extra.as_deref(), Some("{\"attempt\":2}"));
}

#[test]
fn an_array_is_taken_whole_or_not_at_all() {
    let mut bad = ringing();
    bad["direction"] = json!("up");
    let body = json!([ringing(), bad]).to_string();
    let Err(EventRefusal::Invalid { field, .. }) = parse_all(body.as_bytes()) else { panic!() };
    assert_eq!(field, "[1].direction");
    assert_eq!(parse_all(b"[]").unwrap().len(), 0);
}

#[test]
fn what_is_not_json_is_told_from_what_is_not_an_event() {
    for body in ["", "{", "nonsense", "{\"id\": \"a\", ", "[{]", "{\"id\":\"\\ud800\"}", "{} {}"] {
        assert!(matches!(parse_all(body.as_bytes()), Err(EventRefusal::NotJson(_))), "{body}");
    }
    for body in ["5", "null", "\"x\"", "[5]", "[[]]", "{}"] {
        assert!(matches!(parse_all(body.as_bytes()), Err(EventRefusal::Invalid { .. })), "{body}");
    }
    assert!(matches!(parse_all(b"{\"id\": \"\xff\"}"), Err(EventRefusal::NotJson(_))));
}

#[test]
fn an_unknown_state_is_kept_as_it_came() {
    let mut event = ringing();
    event["state"] = json!("PARKED");
    event.as_object_mut().unwrap().remove("direction");
    let body = event.to_string();
    let Received::Unknown(unknown) = parse_all(body.as_bytes()).unwrap().pop().unwrap() else { panic!() };
    assert_eq!((unknown.source.as_str(), unknown.state.as_str(), unknown.raw), ("telsmart", "PARKED", body));
}

#[test]
fn the_other_side_of_an_internal_call_is_an_extension() {
    for (number, internal) in [("210", true), ("+3228992675", false), ("", false), ("0228992675", false)] {
        let mut event = ringing();
        event["caller_number"] = json!(number);
        let What::Phase { sides, .. } = call_event(&event).what else { panic!() };
        assert_eq!(sides.internal, internal, "{number}");
    }
}

#[test]
fn a_summary_needs_its_language_and_content() {
    let line = include_str!("../../../tests/fixtures/telsmart/7-summary.jsonl").lines().next().unwrap();
    let whole: Value = serde_json::from_str(line).unwrap();
    assert!(matches!(call_event(&whole).what, What::Summary { .. }));
    for part in ["language", "content"] {
        let mut event = whole.clone();
        event["summary"].as_object_mut().unwrap().remove(part);
        assert_eq!(refused_field(&event), format!("summary.{part}"));
        event["summary"][part] = json!(null);
        assert_eq!(refused_field(&event), format!("summary.{part}"));
    }
    let mut event = whole;
    event["summary"]["language"] = json!(5);
    assert_eq!(refused_field(&event), "summary.language");
}
