//! The figures of windows that are asked for again and again. A conversation is counted in as it is, and counted out
//! again before it is another: what they come to is what counting all of them anew would.

use super::{
    BoardRules,
    conversation::Conversation,
    figures::{Figures, Membership},
    turn::Turn,
    window::{Window, WindowName},
};
use std::{collections::BTreeMap, sync::Arc};

/// The figures of some windows.
#[derive(Debug, Default)]
pub(super) struct Totals {
    membership: Arc<Membership>,
    kept: BTreeMap<WindowName, Total>,
}

/// Those of one.
#[derive(Debug, Default)]
pub(super) struct Total {
    pub(super) window: Window,
    pub(super) figures: Figures,
}

impl Totals {
    /// Takes other groups; all is to be counted anew.
    pub(super) fn meet(&mut self, membership: Arc<Membership>) {
        // Mostly a name is another.
        if self.membership == membership {
            return;
        }
        self.membership = membership;
        self.kept.clear();
    }

    /// Counts a conversation in, or out as it was counted in.
    pub(super) fn count(&mut self, turn: Turn, conversation: &Conversation, rules: &BoardRules) {
        for total in self.kept.values_mut() {
            total.count(turn, conversation, &self.membership, rules);
        }
    }

    /// Takes the figures of a window out, to be put in its place again.
    pub(super) fn take(&mut self, name: WindowName) -> Option<Total> {
        self.kept.remove(&name).filter(|total| !total.figures.is_lost())
    }

    pub(super) fn put(&mut self, name: WindowName, total: Total) -> &Figures {
        let place = self.kept.entry(name).or_default();
        *place = total;
        &place.figures
    }

    pub(super) fn membership(&self) -> &Arc<Membership> {
        &self.membership
    }
}

impl Total {
    pub(super) fn count(
        &mut self,
        turn: Turn,
        conversation: &Conversation,
        membership: &Membership,
        rules: &BoardRules,
    ) {
        self.figures.count(turn, conversation, self.window, membership, (rules, conversation.late));
    }
}
