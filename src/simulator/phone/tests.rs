use super::*;
use crate::simulator::{pace::Speed, scenario::Scenario};
use serde_json::Value;
use std::collections::HashMap;

const NOW: Micros = 1_800_000_000_000_000;

/// An exchange that keeps what it sent.
struct Bench {
    exchange: Exchange,
    sent: Vec<Webhook>,
    ids: u32,
}

impl Bench {
    fn new() -> Self {
        Self { exchange: Exchange::new(TENANT), sent: Vec::new(), ids: 0 }
    }

    fn on(&mut self, input: Input) -> Result<Vec<String>, PressRefusal> {
        let ids = &mut self.ids;
        let (next, webhooks) = self.exchange.on(input, NOW, || {
            *ids += 1;
            format!("leg-{ids}")
        })?;
        self.exchange = next;
        assert!(webhooks.len() <= MOST_WEBHOOKS as usize);
        let said =
            |webhook: &Webhook| format!("{} {}", webhook.text("user_extension"), webhook.text("state"));
        let said = webhooks.iter().map(said).collect();
        self.sent.extend(webhooks);
        Ok(said)
    }

    fn incoming(&mut self, extension: &str) -> String {
        let caller = Party::new(SOMEONE, None);
        self.on(Input::Incoming { extension: extension.to_owned(), caller }).unwrap();
        self.newest(extension)
    }

    fn dial(&mut self, extension: &str, number: &str) -> String {
        let callee = Party::new(number, None);
        self.on(Input::Dial { extension: extension.to_owned(), callee }).unwrap();
        self.newest(extension)
    }

    fn press(&mut self, leg: &str, action: Action) -> Vec<String> {
        self.try_press(leg, action).unwrap()
    }

    fn try_press(&mut self, leg: &str, action: Action) -> Result<Vec<String>, PressRefusal> {
        self.on(Input::Press { leg: leg.to_owned(), action, to: None })
    }

    fn summary(&mut self, extension: &str) -> Result<Vec<String>, PressRefusal> {
        self.on(Input::SendSummary { extension: extension.to_owned() })
    }

    fn newest(&self, extension: &str) -> String {
        self.exchange.legs_of(extension).last().unwrap().id.clone()
    }

    fn actions(&self, leg: &str) -> Vec<Action> {
        self.exchange.actions(self.exchange.leg(leg).unwrap())
    }
}

/// The events with ids numbered in the order of their appearance, and without timestamps.
fn shape(events: impl IntoIterator<Item = Webhook>) -> Vec<Value> {
    let mut legs = HashMap::new();
    let number = |event: Webhook| {
        let next = legs.len();
        let leg = *legs.entry(event.leg_id().to_owned()).or_insert(next);
        let event = event.with("id", leg).with("timestamp", 0);
        serde_json::from_str(&event.to_json()).unwrap()
    };
    events.into_iter().map(number).collect()
}

#[track_caller]
fn assert_recorded(bench: &Bench, scenario: &str) {
    let recorded = Scenario::find(scenario).unwrap().as_recorded(Speed::INSTANT);
    assert_eq!(shape(bench.sent.clone()), shape(recorded.into_iter().map(|step| step.webhook)));
    let stamps: Vec<_> = bench.sent.iter().map(|event| event.timestamp().unwrap()).collect();
    assert!(stamps[0] >= NOW && stamps.is_sorted_by(|a, b| a < b), "{stamps:?}");
}

#[test]
fn an_answered_inbound_call_is_as_recorded() {
    let mut bench = Bench::new();
    let leg = bench.incoming("200");
    bench.press(&leg, Action::Answer);
    bench.press(&leg, Action::HangUp);
    assert_recorded(&bench, "1-answered-inbound");
}

#[test]
fn an_answered_outbound_call_is_as_recorded() {
    let mut bench = Bench::new();
    let leg = bench.dial("200", SOMEONE);
    bench.press(&leg, Action::Answer);
    bench.press(&leg, Action::HangUp);
    assert_recorded(&bench, "2-answered-outbound");
}

#[test]
fn hold_and_resume_are_as_recorded() {
    let mut bench = Bench::new();
    let leg = bench.incoming("200");
    for action in [Action::Answer, Action::Hold, Action::Resume, Action::HangUp] {
        bench.press(&leg, action);
    }
    assert_recorded(&bench, "3-held-and-resumed");
}

#[test]
fn an_internal_call_is_as_recorded_whoever_hangs_up() {
    for who in ["200", "210"] {
        let mut bench = Bench::new();
        bench.dial("210", "200");
        bench.press(&bench.newest("200"), Action::Answer);
        bench.press(&bench.newest(who), Action::HangUp);
        assert_recorded(&bench, "4-internal");
    }
}

#[test]
fn a_blind_transfer_is_as_recorded() {
    let mut bench = Bench::new();
    let leg = bench.incoming("200");
    bench.press(&leg, Action::Answer);
    assert_eq!(bench.press(&leg, Action::BlindTransfer), ["200 HELD", "200 HANGUP", "210 RINGING"]);
    let leg = bench.newest("210");
    bench.press(&leg, Action::Answer);
    bench.press(&leg, Action::HangUp);
    assert_recorded(&bench, "5-blind-transfer");
}

#[test]
fn an_attended_transfer_is_as_recorded_from_either_leg() {
    for completed_from in [0, 1] {
        let mut bench = Bench::new();
        let original = bench.incoming("200");
        bench.press(&original, Action::Answer);
        bench.press(&original, Action::AttendedTransfer);
        let johns = [original, bench.newest("200")];
        let janes = bench.newest("210");
        bench.press(&janes, Action::Answer);
        bench.press(&johns[completed_from], Action::CompleteTransfer);
        assert_eq!(bench.exchange.legs_of("200").count(), 0);
        assert_eq!(bench.exchange.leg(&janes).unwrap().remote(), &Party::new(SOMEONE, None));
        bench.press(&janes, Action::HangUp);
        assert_recorded(&bench, "6-attended-transfer");
    }
}

#[test]
fn a_held_call_is_transferred_without_holding_it_again() {
    for (action, said) in [(Action::BlindTransfer, "200 HANGUP"), (Action::AttendedTransfer, "200 RINGING")] {
        let mut bench = Bench::new();
        let leg = bench.incoming("200");
        bench.press(&leg, Action::Answer);
        bench.press(&leg, Action::Hold);
        assert_eq!(bench.press(&leg, action), [said, "210 RINGING"]);
    }
}

#[test]
fn a_consultation_that_fails_leaves_the_call_on_hold() {
    let mut bench = Bench::new();
    let original = bench.incoming("200");
    bench.press(&original, Action::Answer);
    bench.press(&original, Action::AttendedTransfer);
    let consultation = bench.newest("200");
    let refused = bench.try_press(&original, Action::CompleteTransfer);
    assert_eq!(refused, Err(PressRefusal::NotNow("the colleague has not answered yet")));
    assert_eq!(bench.actions(&original), [Action::Resume, Action::HangUp]);
    bench.press(&bench.newest("210"), Action::HangUp);
    assert!(bench.exchange.leg(&consultation).is_err());
    assert!(bench.actions(&original).contains(&Action::AttendedTransfer));
    assert_eq!(bench.press(&original, Action::Resume), ["200 ACTIVE"]);
}

#[test]
fn a_consultation_whose_caller_gave_up_is_an_ordinary_call() {
    let mut bench = Bench::new();
    let original = bench.incoming("200");
    bench.press(&original, Action::Answer);
    bench.press(&original, Action::AttendedTransfer);
    bench.press(&original, Action::HangUp);
    bench.press(&bench.newest("210"), Action::Answer);
    let answered = &bench.sent[bench.sent.len() - 2..];
    assert!(answered.iter().all(|event| event.text("transfer_caller_number").is_empty()));
    assert_eq!(bench.actions(&bench.newest("200")), [Action::Hold, Action::HangUp]);
}

#[test]
fn a_phone_talks_on_one_leg_at_a_time() {
    let mut bench = Bench::new();
    let first = bench.incoming("200");
    bench.press(&first, Action::Answer);
    let second = bench.incoming("200");
    assert_eq!(bench.press(&second, Action::Answer), ["200 HELD", "200 ACTIVE"]);
    assert_eq!(bench.press(&first, Action::Resume), ["200 HELD", "200 ACTIVE"]);
    bench.dial("200", SOMEONE);
    assert_eq!(bench.exchange.leg(&first).unwrap().state, LegState::Held);
}

#[test]
fn a_refused_input_says_why_and_changes_nothing() {
    let mut bench = Bench::new();
    let leg = bench.incoming("200");
    let sent = bench.sent.clone();
    let refused = [
        (bench.try_press("no-leg", Action::Hold), "there is no leg \"no-leg\", or it has ended"),
        (bench.try_press(&leg, Action::Hold), "the call has not been answered yet"),
        (bench.try_press(&leg, Action::CompleteTransfer), "no colleague is being asked to take this call"),
        (bench.summary("200"), "no answered call has ended"),
        (bench.summary("999"), "there is no phone \"999\""),
    ];
    for (answer, why) in refused {
        assert!(answer.unwrap_err().to_string().starts_with(why));
    }
    let dialled = bench.on(Input::Dial { extension: "200".into(), callee: Party::new("200", None) });
    assert_eq!(dialled, Err(PressRefusal::NotNow("a phone cannot call itself")));
    bench.press(&leg, Action::Answer);
    let to = Some("200".to_owned());
    assert!(bench.on(Input::Press { leg: leg.clone(), action: Action::BlindTransfer, to }).is_err());
    let to = Some("999".to_owned());
    let unknown = bench.on(Input::Press { leg: leg.clone(), action: Action::BlindTransfer, to });
    assert_eq!(unknown, Err(PressRefusal::NoPhone("999".into())));
    assert_eq!(bench.sent.len(), sent.len() + 1);
    assert_eq!(bench.exchange.leg(&leg).unwrap().state, LegState::Active);
}

#[test]
fn a_phone_shows_a_bounded_number_of_calls() {
    let mut bench = Bench::new();
    for _ in 0..MAX_LEGS {
        bench.incoming("200");
    }
    let callee = Party::new("200", None);
    assert!(bench.on(Input::Dial { extension: "210".into(), callee }).is_err());
    assert_eq!(bench.exchange.legs_of("210").count(), 0);
}

#[test]
fn only_an_answered_call_has_a_summary_and_only_one() {
    let mut bench = Bench::new();
    let missed = bench.incoming("200");
    bench.press(&missed, Action::HangUp);
    assert!(bench.summary("200").is_err());
    let caller = Party::new(SOMEONE, Some("Ann"));
    bench.on(Input::Incoming { extension: "200".into(), caller }).unwrap();
    let leg = bench.newest("200");
    bench.press(&leg, Action::Answer);
    bench.press(&leg, Action::HangUp);
    assert_eq!(bench.summary("200").unwrap(), ["200 SUMMARY_REPORTING"]);
    assert!(bench.summary("200").is_err());
    let summary: Value = serde_json::from_str(&bench.sent.last().unwrap().to_json()).unwrap();
    assert!(summary["timestamp"].is_u64());
    assert_eq!((&summary["id"], &summary["caller_name"]), (&leg.into(), &"".into()));
    let title = "Phone call between Ann and John Doe - 15th January 2027";
    assert_eq!(summary["summary"]["content"]["meeting_title"], title);
}

/// Every path to a value in an object, those of a list's items once.
fn paths(value: &Value, at: &str, into: &mut std::collections::BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| paths(value, &format!("{at}.{key}"), into))
        }
        Value::Array(items) if !items.is_empty() => {
            items.iter().for_each(|item| paths(item, &format!("{at}[]"), into));
        }
        _ => drop(into.insert(at.trim_end_matches("[]").to_owned())),
    }
}

#[test]
fn a_summary_has_the_recorded_fields() {
    let mut bench = Bench::new();
    let leg = bench.incoming("200");
    bench.press(&leg, Action::Answer);
    bench.press(&leg, Action::HangUp);
    bench.summary("200").unwrap();
    let fields = |webhook: &Webhook| {
        let mut set = Default::default();
        paths(&serde_json::from_str(&webhook.to_json()).unwrap(), "", &mut set);
        set
    };
    let recorded = Scenario::find("7-summary").unwrap().as_recorded(Speed::INSTANT);
    assert_eq!(fields(bench.sent.last().unwrap()), fields(&recorded[0].webhook));
}
