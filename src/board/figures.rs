//! The figures of the calls of a window: sums over its conversations, by the start of each, so they can be added up over
//! windows that do not overlap. Each figure has one meaning, which is its formula here.

use super::{
    BoardRules,
    agents::AgentTally,
    conversation::Conversation,
    handover::HandoverResult,
    outcome::{ConversationKind, ConversationOutcome},
    turn::Turn,
    waits::Waits,
    window::Window,
};
use crate::{clock::Micros, id::Extension};
use serde::Serialize;
use std::{borrow::Borrow, collections::BTreeMap, iter, sync::Arc};

/// The groups of each extension.
pub(crate) type Membership = BTreeMap<Extension, Vec<Arc<str>>>;

/// The figures of a window: of the tenant, and of each group, line and extension in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Figures {
    pub(crate) tenant: Tally,
    /// A conversation counts once for each group of which a telephone had part in it.
    pub(crate) groups: BTreeMap<Arc<str>, Tally>,
    pub(crate) lines: BTreeMap<Arc<str>, Tally>,
    pub(crate) extensions: BTreeMap<Extension, AgentTally>,
}

/// What conversations add up to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Inbound conversations: `answered + missed + short + unknown + open`.
    pub(crate) offered: u64,
    pub(crate) answered: u64,
    pub(crate) missed: u64,
    pub(crate) short: u64,
    pub(crate) unknown: u64,
    pub(crate) open: u64,
    /// Answered ones with a known wait that is not above `answer_within`.
    pub(crate) within: u64,
    /// Open ones that rang for longer than `answer_within`.
    pub(crate) late: u64,
    /// Answered ones of which nobody knows when they began to ring.
    pub(crate) unknown_start: u64,
    /// The known waits of those that were answered.
    pub(crate) waits: Waits,
    pub(crate) waits_missed: Waits,
    /// Answered ones of which talk and hold are known, and their sums.
    pub(crate) timed: u64,
    pub(crate) talk: Micros,
    pub(crate) hold: Micros,
    /// How often somebody wrote of an answered one so long after its end.
    pub(crate) note_delays: BTreeMap<Micros, u64>,
    /// Answered ones with a transfer that was completed or not answered.
    pub(crate) transferred: u64,
    /// Outbound conversations: `reached + connected + no_answer`, and those that are open or unknown.
    pub(crate) out: u64,
    pub(crate) reached: u64,
    pub(crate) connected: u64,
    pub(crate) no_answer: u64,
    /// Conversations within the tenant, in none of the above, and how long they were talked.
    pub(crate) internal: u64,
    pub(crate) internal_talk: Micros,
    /// Conversations that began before the window and went on in it, in none of the above.
    pub(crate) carried: u64,
    /// How often each number called.
    pub(crate) callers: BTreeMap<Arc<str>, u32>,
    /// Inbound conversations of withheld numbers, which are in no `callers`.
    pub(crate) withheld: u64,
}

/// A tally as it is shown: durations in whole milliseconds, cut off; what is divided by nothing is null.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Values {
    pub(crate) offered: u64,
    pub(crate) answered: u64,
    pub(crate) missed: u64,
    pub(crate) short: u64,
    pub(crate) unknown: u64,
    pub(crate) open: u64,
    /// `missed / (answered + missed)`.
    pub(crate) missed_share: Option<f64>,
    /// `within / (answered with a known wait + missed + late)`: who gave up counts against it, also before the time was
    /// over, and who rings for too long counts at once.
    pub(crate) service_level: Option<f64>,
    /// Over answered ones: the mean, and what ninety of a hundred did not exceed.
    pub(crate) wait_mean_ms: Option<u64>,
    pub(crate) wait_p90_ms: Option<u64>,
    /// The mean over missed ones.
    pub(crate) wait_missed_mean_ms: Option<u64>,
    /// The greatest wait, answered or missed.
    pub(crate) wait_longest_ms: Option<u64>,
    /// `talk / timed`, `hold / timed`, and their sum. There is no work after calls in it.
    pub(crate) talk_mean_ms: Option<u64>,
    pub(crate) hold_mean_ms: Option<u64>,
    pub(crate) handle_mean_ms: Option<u64>,
    /// The median from the end to what was written of it, where that was after the end.
    pub(crate) note_delay_median_ms: Option<u64>,
    /// `transferred / answered`.
    pub(crate) transferred: Option<f64>,
    pub(crate) callers: u64,
    /// Callers of two conversations or more.
    pub(crate) repeat_callers: u64,
    pub(crate) withheld: u64,
    pub(crate) unknown_start: u64,
    pub(crate) carried: u64,
    pub(crate) out: u64,
    pub(crate) reached: u64,
    pub(crate) connected: u64,
    pub(crate) no_answer: u64,
    pub(crate) internal: u64,
    pub(crate) internal_talk_ms: u64,
}

/// Adds fields of one to those of the other.
macro_rules! add_up {
    ($one:expr, $other:expr; $($field:ident),*) => {
        $($one.$field += $other.$field;)*
    };
}

impl Figures {
    /// The figures of a window, of conversations of which others may be outside.
    pub(crate) fn of(
        conversations: impl IntoIterator<Item = impl Borrow<Conversation>>,
        window: Window,
        membership: &Membership,
        rules: &BoardRules,
        now: Micros,
    ) -> Self {
        let mut figures = Self::default();
        for conversation in conversations {
            let conversation: &Conversation = conversation.borrow();
            let is_late = conversation.is_late(rules.answer_within, now);
            figures.count(Turn::Comes, conversation, window, membership, (rules, is_late));
        }
        figures
    }

    /// Counts a conversation in, or out again as it was counted in.
    pub(super) fn count(
        &mut self,
        turn: Turn,
        conversation: &Conversation,
        window: Window,
        membership: &Membership,
        (rules, is_late): (&BoardRules, bool),
    ) {
        let is_within = window.holds(conversation.start);
        let is_carried = conversation.start < window.from && !conversation.is_over(window.from);
        if !is_within && !is_carried {
            return;
        }
        let groups = groups(conversation, membership);
        let mut count = |tally: &mut Tally| match is_within {
            true => tally.take(turn, conversation, rules, is_late),
            false => turn.count(&mut tally.carried, 1),
        };
        count(&mut self.tenant);
        for group in groups {
            of_key(&mut self.groups, group, turn, &mut count);
        }
        for line in &conversation.lines {
            of_key(&mut self.lines, line, turn, &mut count);
        }
        if is_within {
            AgentTally::take_all(turn, &mut self.extensions, conversation);
        }
    }

    /// Nothing is carried in, as far as it is known.
    pub(super) fn forget_carried(&mut self) {
        self.tenant.carried = 0;
        for tallies in [&mut self.groups, &mut self.lines] {
            tallies.values_mut().for_each(|tally| tally.carried = 0);
            tallies.retain(|_, tally| !tally.is_empty());
        }
    }

    /// Whether of some the longest wait is not known any more, after conversations were counted out.
    pub(super) fn is_lost(&self) -> bool {
        let mut all = iter::once(&self.tenant).chain(self.groups.values()).chain(self.lines.values());
        all.any(|tally| tally.waits.is_lost() || tally.waits_missed.is_lost())
    }

    /// Adds the figures of another window. What is carried into the later of two is no figure of both.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.tenant.merge(&other.tenant);
        for (ours, others) in [(&mut self.groups, &other.groups), (&mut self.lines, &other.lines)] {
            for (key, tally) in others {
                ours.entry(key.clone()).or_default().merge(tally);
            }
        }
        for (extension, tally) in &other.extensions {
            self.extensions.entry(extension.clone()).or_default().merge(tally);
        }
    }
}

/// The groups of which a telephone had part in a conversation, each once.
fn groups<'a>(conversation: &Conversation, membership: &'a Membership) -> Vec<&'a Arc<str>> {
    let of_legs = conversation.legs.iter().filter_map(|leg| membership.get(&leg.key.extension));
    let mut groups: Vec<&Arc<str>> = of_legs.flatten().collect();
    groups.sort_unstable();
    groups.dedup();
    groups
}

/// Counts in the tally of a key; one of nothing is not there.
fn of_key(
    tallies: &mut BTreeMap<Arc<str>, Tally>,
    key: &Arc<str>,
    turn: Turn,
    count: &mut impl FnMut(&mut Tally),
) {
    if !tallies.contains_key(key) {
        tallies.insert(key.clone(), Tally::default());
    }
    if let Some(tally) = tallies.get_mut(key) {
        count(tally);
        if turn == Turn::Goes && tally.is_empty() {
            tallies.remove(key);
        }
    }
}

impl Tally {
    fn take(&mut self, turn: Turn, conversation: &Conversation, rules: &BoardRules, is_late: bool) {
        match conversation.kind {
            ConversationKind::Inbound => self.take_inbound(turn, conversation, rules, is_late),
            ConversationKind::Outbound => {
                turn.count(&mut self.out, 1);
                match conversation.outcome {
                    ConversationOutcome::Reached => turn.count(&mut self.reached, 1),
                    ConversationOutcome::Connected => turn.count(&mut self.connected, 1),
                    ConversationOutcome::NoAnswer => turn.count(&mut self.no_answer, 1),
                    _ => {}
                }
            }
            ConversationKind::Internal => {
                turn.count(&mut self.internal, 1);
                turn.count(&mut self.internal_talk, conversation.talk);
            }
        }
    }

    fn take_inbound(&mut self, turn: Turn, conversation: &Conversation, rules: &BoardRules, is_late: bool) {
        turn.count(&mut self.offered, 1);
        match &conversation.number {
            Some(number) => turn.times(&mut self.callers, number.clone()),
            None => turn.count(&mut self.withheld, 1),
        }
        match conversation.outcome {
            ConversationOutcome::Answered => self.take_answered(turn, conversation, rules),
            ConversationOutcome::Missed => {
                turn.count(&mut self.missed, 1);
                conversation.wait.into_iter().for_each(|wait| turn.wait(&mut self.waits_missed, wait));
            }
            ConversationOutcome::Short => turn.count(&mut self.short, 1),
            ConversationOutcome::Open => {
                turn.count(&mut self.open, 1);
                turn.count(&mut self.late, u64::from(is_late));
            }
            _ => turn.count(&mut self.unknown, 1),
        }
    }

    fn take_answered(&mut self, turn: Turn, conversation: &Conversation, rules: &BoardRules) {
        turn.count(&mut self.answered, 1);
        match conversation.wait {
            Some(wait) => {
                turn.wait(&mut self.waits, wait);
                turn.count(&mut self.within, u64::from(wait <= rules.answer_within));
            }
            None => turn.count(&mut self.unknown_start, 1),
        }
        if conversation.timed {
            turn.count(&mut self.timed, 1);
            turn.count(&mut self.talk, conversation.talk);
            turn.count(&mut self.hold, conversation.hold);
        }
        if let Some(delay) = conversation.note_delay {
            turn.times(&mut self.note_delays, delay);
        }
        let mut results = conversation.handovers.iter().filter_map(|handover| handover.result);
        let is_transferred = results.any(|it| it != HandoverResult::Consulted);
        turn.count(&mut self.transferred, u64::from(is_transferred));
    }

    /// Nothing is counted in it.
    fn is_empty(&self) -> bool {
        self.offered + self.out + self.internal + self.carried == 0
    }

    fn merge(&mut self, other: &Self) {
        add_up!(self, other; offered, answered, missed, short, unknown, open, within, late, unknown_start, timed);
        add_up!(self, other; talk, hold, transferred, out, reached, connected, no_answer, internal, internal_talk);
        add_up!(self, other; withheld);
        self.waits.merge(&other.waits);
        self.waits_missed.merge(&other.waits_missed);
        for (number, times) in &other.callers {
            *self.callers.entry(number.clone()).or_default() += times;
        }
        for (delay, times) in &other.note_delays {
            *self.note_delays.entry(*delay).or_default() += times;
        }
    }

    /// Callers of two conversations or more.
    fn repeats(&self) -> u64 {
        self.callers.values().filter(|times| **times > 1).count() as u64
    }

    /// `within / (answered with a known wait + missed + late)`; none of none.
    pub(crate) fn service_level(&self) -> Option<f64> {
        share(self.within, self.waits.count() + self.missed + self.late)
    }

    /// The tally as it is shown.
    pub(crate) fn values(&self) -> Values {
        let mean = |sum: Micros| sum.checked_div(self.timed).map(shown);
        let longest = self.waits.longest().max(self.waits_missed.longest());
        Values {
            offered: self.offered,
            answered: self.answered,
            missed: self.missed,
            short: self.short,
            unknown: self.unknown,
            open: self.open,
            missed_share: share(self.missed, self.answered + self.missed),
            service_level: self.service_level(),
            wait_mean_ms: self.waits.mean().map(shown),
            wait_p90_ms: self.waits.percentile(90).map(shown),
            wait_missed_mean_ms: self.waits_missed.mean().map(shown),
            wait_longest_ms: longest.map(shown),
            talk_mean_ms: mean(self.talk),
            hold_mean_ms: mean(self.hold),
            handle_mean_ms: mean(self.talk + self.hold),
            note_delay_median_ms: median(self.note_delays.iter().map(|(delay, times)| (*delay, *times)))
                .map(shown),
            transferred: share(self.transferred, self.answered),
            callers: self.callers.len() as u64,
            repeat_callers: self.repeats(),
            withheld: self.withheld,
            unknown_start: self.unknown_start,
            carried: self.carried,
            out: self.out,
            reached: self.reached,
            connected: self.connected,
            no_answer: self.no_answer,
            internal: self.internal,
            internal_talk_ms: shown(self.internal_talk),
        }
    }
}

/// The value in the middle of sorted ones; of two, the lower.
fn median(times: impl Iterator<Item = (Micros, u64)> + Clone) -> Option<Micros> {
    let middle = times.clone().map(|(_, times)| times).sum::<u64>().div_ceil(2);
    let mut seen = 0;
    let mut reached = times.skip_while(|(_, times)| {
        seen += times;
        seen < middle
    });
    reached.next().map(|(value, _)| value)
}

/// A duration as it is shown: whole milliseconds, cut off.
pub(super) fn shown(duration: Micros) -> u64 {
    duration / 1000
}

/// A part of a whole; none where there is no whole.
pub(super) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
