//! What kinds of calls there are, and how many of each. They are drawn as cards are: a deck holds every
//! kind, and a new one begins when all have been drawn. So even a short day has all of them.

use super::deal::Deal;

/// A kind of call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Inbound(Ringing, Fate),
    /// Two callers behind one number, at the same time.
    Twins,
    /// To a number outside; none: nobody answers.
    Outbound(Option<After>),
    /// From one member to another.
    Internal(Reception),
    /// The caller hangs up in the queue, before any phone rings.
    Leaves,
}

/// How an inbound call finds somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ringing {
    /// One phone.
    Direct,
    /// All phones of a group at once.
    Group,
    /// One more phone of a group every ten seconds.
    Staggered,
    /// One phone after the other.
    Hunt,
    /// The same phone again.
    Retry,
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Taken(After),
    /// By a member without integration.
    TakenUnseen,
    Missed,
    /// The caller hangs up within five seconds.
    Short,
}

/// How an answered call goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    Talk,
    Hold,
    Blind(Reception),
    Attended(Reception),
}

/// How a colleague receives a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reception {
    Taken,
    /// By a member without integration.
    TakenUnseen,
    NotTaken,
    /// It goes back to whoever transferred it. A consultation was answered; a blind transfer was not.
    Back,
}

impl Reception {
    /// Whether whoever receives it has an integration.
    pub(super) fn is_seen(self) -> bool {
        self != Self::TakenUnseen
    }
}

/// What befalls the events of a leg on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mishap {
    Nothing,
    Late,
    Twice,
    NoHangup,
}

use {
    After::{Attended, Blind, Hold, Talk},
    Fate::{Missed, Short, Taken, TakenUnseen},
    Ringing::{Direct, Group, Hunt, Retry, Staggered},
    Sort::{Inbound, Internal, Leaves, Outbound, Twins},
};

/// How many of each kind are in a deck.
pub(super) const SORTS: [(usize, Sort); 33] = [
    (9, Inbound(Direct, Taken(Talk))),
    (2, Inbound(Direct, Taken(Hold))),
    (1, Inbound(Direct, Taken(Blind(Reception::Taken)))),
    (1, Inbound(Direct, Taken(Blind(Reception::Back)))),
    (1, Inbound(Direct, Taken(Attended(Reception::Taken)))),
    (1, Inbound(Direct, Taken(Attended(Reception::Back)))),
    (1, Inbound(Direct, Taken(Attended(Reception::NotTaken)))),
    (1, Inbound(Direct, TakenUnseen)),
    (2, Inbound(Direct, Missed)),
    (1, Inbound(Direct, Short)),
    (9, Inbound(Group, Taken(Talk))),
    (2, Inbound(Group, Taken(Hold))),
    (1, Inbound(Group, Taken(Blind(Reception::Taken)))),
    (1, Inbound(Group, Taken(Blind(Reception::TakenUnseen)))),
    (1, Inbound(Group, Taken(Blind(Reception::NotTaken)))),
    (1, Inbound(Group, Taken(Attended(Reception::Taken)))),
    (1, Inbound(Group, Taken(Attended(Reception::TakenUnseen)))),
    (1, Inbound(Group, TakenUnseen)),
    (3, Inbound(Group, Missed)),
    (1, Inbound(Group, Short)),
    (2, Inbound(Staggered, Taken(Talk))),
    (1, Inbound(Staggered, Missed)),
    (2, Inbound(Hunt, Taken(Talk))),
    (1, Inbound(Hunt, TakenUnseen)),
    (1, Inbound(Hunt, Missed)),
    (1, Inbound(Retry, Taken(Talk))),
    (2, Twins),
    (6, Outbound(Some(Talk))),
    (1, Outbound(Some(Blind(Reception::Taken)))),
    (2, Outbound(None)),
    (2, Internal(Reception::Taken)),
    (1, Internal(Reception::NotTaken)),
    (1, Leaves),
];

/// How many legs of a deck suffer what.
pub(super) const MISHAPS: [(usize, Mishap); 4] =
    [(35, Mishap::Nothing), (2, Mishap::Late), (2, Mishap::Twice), (1, Mishap::NoHangup)];

/// Cards that are drawn by chance, each as often as it is in the deck.
pub(super) struct Deck<T> {
    all: Vec<T>,
    left: Vec<T>,
}

impl<T: Copy> Deck<T> {
    pub(super) fn new(counts: &[(usize, T)]) -> Self {
        let all = counts.iter().flat_map(|(count, card)| std::iter::repeat_n(*card, *count)).collect();
        Self { all, left: Vec::new() }
    }

    /// The next card; a new deck is begun when there is none.
    pub(super) fn draw(&mut self, deal: &mut Deal) -> Option<T> {
        if self.left.is_empty() {
            self.left.clone_from(&self.all);
            deal.shuffle(&mut self.left);
        }
        self.left.pop()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_card_is_drawn_before_any_comes_again() {
        let mut deal = Deal::of(1);
        let mut deck = Deck::new(&[(2, 'a'), (1, 'b')]);
        for _ in 0..9 {
            let mut drawn: Vec<_> = (0..3).filter_map(|_| deck.draw(&mut deal)).collect();
            drawn.sort_unstable();
            assert_eq!(drawn, ['a', 'a', 'b']);
        }
    }

    #[test]
    fn a_deck_is_as_long_as_it_is_said_to_be() {
        assert_eq!(SORTS.iter().map(|(count, _)| count).sum::<usize>(), 64);
    }
}
