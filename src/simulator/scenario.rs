//! Scenarios: recorded calls, one webhook body a line, that can be played again.
//!
//! The order of the file is the order of arrival. Playing gives the legs fresh ids and moves
//! the timestamps to the present; the times between events stay as recorded.

use super::{
    pace::{Speed, Stamps},
    webhook::{Micros, Webhook},
};
use crate::text::utf_8;
use std::{collections::HashMap, fs, io, time::Duration};
use uuid::Uuid;

/// How long after its call a summary comes, when both are played together. Telsmart takes
/// minutes; nobody who watches wants to.
const SUMMARY_AFTER: Duration = Duration::from_secs(4);

/// The recordings of the provider's documentation: id, title, what the call was that the
/// recording is only the sequel of, and the recording itself.
const BUILT_IN: [(&str, &str, Option<&str>, &str); 7] = [
    (
        "1-answered-inbound",
        "Answered inbound call",
        None,
        include_str!("../../tests/fixtures/telsmart/1-answered-inbound.jsonl"),
    ),
    (
        "2-answered-outbound",
        "Answered outbound call",
        None,
        include_str!("../../tests/fixtures/telsmart/2-answered-outbound.jsonl"),
    ),
    (
        "3-held-and-resumed",
        "Held and resumed",
        None,
        include_str!("../../tests/fixtures/telsmart/3-held-and-resumed.jsonl"),
    ),
    ("4-internal", "Internal call", None, include_str!("../../tests/fixtures/telsmart/4-internal.jsonl")),
    (
        "5-blind-transfer",
        "Blind transfer",
        None,
        include_str!("../../tests/fixtures/telsmart/5-blind-transfer.jsonl"),
    ),
    (
        "6-attended-transfer",
        "Attended transfer",
        None,
        include_str!("../../tests/fixtures/telsmart/6-attended-transfer.jsonl"),
    ),
    (
        "7-summary",
        "Call summary",
        Some(include_str!("../../tests/fixtures/telsmart/1-answered-inbound.jsonl")),
        include_str!("../../tests/fixtures/telsmart/7-summary.jsonl"),
    ),
];

/// Why a scenario cannot be played.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ScenarioError {
    #[error(
        "scenario {name:?} is neither built in ({}) nor a file that can be read: {source}",
        built_in_ids()
    )]
    Unreadable { name: String, source: io::Error },
    #[error("scenario {name:?}, line {line}: not a JSON object: {source}")]
    Line { name: String, line: usize, source: serde_json::Error },
    #[error("scenario {name:?} has no events")]
    Empty { name: String },
}

/// A recorded call, or several.
#[derive(Clone, Debug)]
pub(crate) struct Scenario {
    pub(crate) id: String,
    pub(crate) title: String,
    /// The call that must have been for the events to make sense, when they do not hold it.
    prologue: Vec<Webhook>,
    events: Vec<Webhook>,
}

/// Who plays which recorded leg. Scenarios that share a cast share their legs, as recorded
/// files do when one continues another.
#[derive(Debug, Default)]
pub(crate) struct Cast(HashMap<String, String>);

/// An event and when it is to be sent, counted from the start of the play.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Step<W = Webhook> {
    pub(crate) at: Duration,
    pub(crate) webhook: W,
}

impl Cast {
    fn leg(&mut self, recorded: &str) -> &str {
        self.0.entry(recorded.to_owned()).or_insert_with(|| Uuid::new_v4().to_string())
    }
}

impl Scenario {
    /// The scenarios of the provider's documentation.
    pub(crate) fn built_in() -> Result<Vec<Self>, ScenarioError> {
        BUILT_IN
            .iter()
            .map(|(id, title, prologue, text)| {
                let prologue = prologue.map_or(Ok(Vec::new()), |text| read_lines(id, text))?;
                let (id, title) = ((*id).to_owned(), (*title).to_owned());
                Ok(Self { prologue, events: read_lines(&id, text)?, id, title })
            })
            .collect()
    }

    /// Finds a built-in scenario by its id, or reads the file of that path.
    pub(crate) fn find(name: &str) -> Result<Self, ScenarioError> {
        if let Some(found) = Self::built_in()?.into_iter().find(|scenario| scenario.id == name) {
            return Ok(found);
        }
        let unreadable = |source| ScenarioError::Unreadable { name: name.to_owned(), source };
        let bytes = fs::read(name).map_err(unreadable)?;
        let text =
            utf_8(&bytes).map_err(|why| unreadable(io::Error::new(io::ErrorKind::InvalidData, why)))?;
        Self::parse(name, text)
    }

    /// Reads a scenario from JSON lines.
    pub(crate) fn parse(name: &str, text: &str) -> Result<Self, ScenarioError> {
        let events = read_lines(name, text)?;
        Ok(Self { id: name.to_owned(), title: name.to_owned(), prologue: Vec::new(), events })
    }

    /// The same scenario in another tenant.
    pub(crate) fn in_tenant(mut self, tenant: &str) -> Self {
        for webhook in self.prologue.iter_mut().chain(&mut self.events) {
            *webhook = webhook.clone().with("tenant_id", tenant);
        }
        self
    }

    /// The events as recorded, ids and timestamps included.
    pub(crate) fn as_recorded(&self, speed: Speed) -> Vec<Step> {
        let offsets = offsets(&self.events);
        arrivals(&offsets, speed).zip(self.events.iter().cloned()).map(Step::new).collect()
    }

    /// The events as a call of the present. At real speed the first is now; faster than that
    /// they begin in the past, so that no event is stamped later than it is sent and the
    /// durations are the recorded ones. With scaled stamps the first is always now.
    pub(crate) fn script(&self, cast: &mut Cast, speed: Speed, stamps: Stamps, now: Micros) -> Vec<Step> {
        let (events, offsets) = self.with_prologue(cast);
        let arrivals: Vec<_> = arrivals(&offsets, speed).collect();
        let offsets: Vec<_> = offsets.iter().map(|offset| stamps.offset(*offset, speed)).collect();
        let sent = arrivals.iter().map(|at| i64::try_from(at.as_micros()).unwrap_or(i64::MAX));
        let ahead = offsets.iter().zip(sent).map(|(offset, sent)| offset.saturating_sub(sent)).max();
        let start = now.saturating_sub_signed(ahead.unwrap_or(0).max(0));
        let retimed = events.into_iter().zip(&offsets).map(|(webhook, offset)| {
            let webhook = webhook.at(start.saturating_add_signed(*offset));
            match webhook.leg_id() {
                "" => webhook,
                leg => {
                    let leg = cast.leg(leg).to_owned();
                    webhook.with("id", leg)
                }
            }
        });
        arrivals.iter().copied().zip(retimed).map(Step::new).collect()
    }

    /// How many events a play of this scenario alone sends, and how long it takes at real speed.
    pub(crate) fn extent(&self) -> (usize, Duration) {
        let steps = self.script(&mut Cast::default(), Speed::REAL, Stamps::Recorded, 0);
        (steps.len(), steps.last().map_or(Duration::ZERO, |step| step.at))
    }

    /// The events with their offsets in microseconds; first the prologue, unless the cast
    /// already played that call.
    fn with_prologue(&self, cast: &Cast) -> (Vec<Webhook>, Vec<i64>) {
        let played = self.prologue.first().is_none_or(|event| cast.0.contains_key(event.leg_id()));
        if played {
            return (self.events.clone(), offsets(&self.events));
        }
        let mut all = offsets(&self.prologue);
        let then = all.iter().max().unwrap_or(&0) + SUMMARY_AFTER.as_micros() as i64;
        all.extend(offsets(&self.events).iter().map(|offset| then + offset));
        (self.prologue.iter().chain(&self.events).cloned().collect(), all)
    }
}

impl Step {
    fn new((at, webhook): (Duration, Webhook)) -> Self {
        Self { at, webhook }
    }
}

/// Microseconds from the first event; an event without a timestamp has its predecessor's.
fn offsets(events: &[Webhook]) -> Vec<i64> {
    let first = events.iter().find_map(Webhook::timestamp).unwrap_or(0);
    let mut last = 0;
    let offset = |event: &Webhook| {
        last = event.timestamp().map_or(last, |at| at.wrapping_sub(first).cast_signed());
        last
    };
    events.iter().map(offset).collect()
}

/// When each is sent: at its own time, or at once when its predecessor was later than that.
fn arrivals(offsets: &[i64], speed: Speed) -> impl Iterator<Item = Duration> {
    offsets.iter().scan(0, move |latest, offset| {
        *latest = (*latest).max(*offset);
        Some(speed.scale(Duration::from_micros(latest.cast_unsigned())))
    })
}

fn read_lines(name: &str, text: &str) -> Result<Vec<Webhook>, ScenarioError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let events: Vec<_> = lines
        .map(|(at, line)| match serde_json::from_str(line) {
            Ok(fields) => Ok(Webhook::new(fields)),
            Err(source) => Err(ScenarioError::Line { name: name.to_owned(), line: at + 1, source }),
        })
        .collect::<Result<_, _>>()?;
    if events.is_empty() { Err(ScenarioError::Empty { name: name.to_owned() }) } else { Ok(events) }
}

fn built_in_ids() -> String {
    BUILT_IN.map(|(id, ..)| id).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = 1_800_000_000_000_000;

    fn play(id: &str, speed: Speed) -> Vec<Step> {
        Scenario::find(id).unwrap().script(&mut Cast::default(), speed, Stamps::Recorded, NOW)
    }

    fn stamps(steps: &[Step]) -> Vec<Micros> {
        steps.iter().map(|step| step.webhook.timestamp().unwrap()).collect()
    }

    #[test]
    fn at_real_speed_the_first_event_is_now_and_the_gaps_stay() {
        let steps = play("1-answered-inbound", Speed::REAL);
        assert_eq!(stamps(&steps), [NOW, NOW + 9_520_050, NOW + 33_719_996]);
        assert_eq!(steps[1].at, Duration::from_micros(9_520_050));
    }

    #[test]
    fn no_event_is_stamped_later_than_it_is_sent() {
        for (speed, kind) in [0.0, 0.5, 1.0, 4.0, 1000.0]
            .into_iter()
            .flat_map(|speed| [(speed, Stamps::Recorded), (speed, Stamps::Scaled)])
        {
            for scenario in Scenario::built_in().unwrap() {
                let steps = scenario.script(&mut Cast::default(), speed.try_into().unwrap(), kind, NOW);
                for (step, stamp) in steps.iter().zip(stamps(&steps)) {
                    assert!(stamp <= NOW + step.at.as_micros() as Micros + 1, "{} at {speed}", scenario.id);
                }
            }
        }
    }

    #[test]
    fn scaled_stamps_are_when_the_events_are_sent() {
        let script = |id| {
            let speed = "10".parse().unwrap();
            Scenario::find(id).unwrap().script(&mut Cast::default(), speed, Stamps::Scaled, NOW)
        };
        let steps = script("3-held-and-resumed");
        let sent: Vec<_> = steps.iter().map(|step| NOW + step.at.as_micros() as Micros).collect();
        assert_eq!(stamps(&steps), sent);
        assert_eq!(steps[1].at, Duration::from_nanos(1_656_003_500));
        // One that comes late was late when it was recorded.
        let late = stamps(&script("6-attended-transfer"));
        assert_eq!(late[7] - late[8], 2_000 - 1);
    }

    #[test]
    fn an_event_earlier_than_its_predecessor_goes_at_once() {
        let steps = play("6-attended-transfer", 2.0.try_into().unwrap());
        assert_eq!(steps[7].at, steps[8].at);
        assert!(stamps(&steps)[8] < stamps(&steps)[7]);
        assert_eq!(steps[9].at, steps[10].at);
        assert!(steps.is_sorted_by_key(|step| step.at));
    }

    #[test]
    fn legs_are_fresh_and_stay_apart() {
        let (once, again) = (play("4-internal", Speed::INSTANT), play("4-internal", Speed::INSTANT));
        assert_ne!(once[0].webhook.leg_id(), once[1].webhook.leg_id());
        assert_eq!(once[0].webhook.leg_id(), once[2].webhook.leg_id());
        assert_ne!(once[0].webhook.leg_id(), again[0].webhook.leg_id());
        assert!(once.iter().all(|step| step.at.is_zero()));
    }

    #[test]
    fn a_timestamp_keeps_its_kind() {
        let kinds: Vec<_> = play("7-summary", Speed::REAL)
            .iter()
            .map(|step| step.webhook.to_json().contains("\"timestamp\":\""))
            .collect();
        assert_eq!(kinds, [true, true, true, false]);
    }

    #[test]
    fn a_summary_alone_brings_its_call() {
        let steps = play("7-summary", Speed::REAL);
        assert!(steps.iter().all(|step| step.webhook.leg_id() == steps[0].webhook.leg_id()));
        assert_eq!(steps[3].at - steps[2].at, SUMMARY_AFTER);
        let (events, lasts) = Scenario::find("7-summary").unwrap().extent();
        assert_eq!((events, lasts), (4, Duration::from_micros(37_719_996)));
    }

    #[test]
    fn all_scenarios_in_one_cast_are_the_recorded_events() {
        let mut cast = Cast::default();
        let scenarios = Scenario::built_in().unwrap();
        let plays: Vec<_> =
            scenarios.iter().map(|s| s.script(&mut cast, Speed::INSTANT, Stamps::Recorded, NOW)).collect();
        assert_eq!(plays.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 5, 6, 7, 11, 1]);
        assert_eq!(plays[0][0].webhook.leg_id(), plays[6][0].webhook.leg_id());
    }

    #[test]
    fn as_recorded_changes_nothing() {
        for (id, _, _, text) in BUILT_IN {
            let lines = text.lines().map(|line| serde_json::from_str(line).unwrap()).map(Webhook::new);
            let steps = Scenario::find(id).unwrap().as_recorded(Speed::REAL);
            assert!(steps.iter().map(|step| step.webhook.clone()).eq(lines));
        }
    }

    #[test]
    fn a_bad_file_is_named_with_its_line() {
        let text = |result: Result<Scenario, ScenarioError>| result.unwrap_err().to_string();
        assert!(text(Scenario::parse("x", "{}\n\n[1]")).contains("\"x\", line 3"));
        assert!(text(Scenario::parse("x", "\n")).contains("no events"));
        assert!(text(Scenario::find("/no/such")).contains("7-summary"));
    }

    #[test]
    fn a_file_without_ids_or_times_is_played_too() {
        let scenario = Scenario::parse("x", "{\"state\": 5}\n{\"timestamp\": \"soon\"}").unwrap();
        let steps = scenario.script(&mut Cast::default(), Speed::REAL, Stamps::Recorded, NOW);
        assert_eq!(steps, scenario.as_recorded(Speed::REAL));
    }
}
