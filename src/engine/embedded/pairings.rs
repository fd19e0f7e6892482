//! Pairings in memory: they are over within minutes, and a restart ends them sooner. Their screens ask for another then.

use crate::{
    clock::{Micros, micros, now},
    display::{Code, Pairing, SECRET_LIFE},
    engine::{Claim, Paired},
    id::TenantId,
};
use parking_lot::Mutex;
use std::collections::HashMap;

/// Those that are not over. Above it is seen that they are not too many.
#[derive(Default)]
pub(crate) struct Pairings(Mutex<HashMap<Code, Kept>>);

struct Kept {
    pairing: Pairing,
    is_claimed: bool,
    /// For whom it was answered, and until when that is told.
    answered: Option<(TenantId, Micros)>,
}

impl Pairings {
    pub(in crate::engine) fn begin(&self, code: &Code, pairing: &Pairing) -> bool {
        self.begin_at(code, pairing, now())
    }

    pub(in crate::engine) fn get(&self, code: &Code) -> Option<Paired> {
        self.get_at(code, now())
    }

    pub(in crate::engine) fn claim(&self, code: &Code) -> Claim {
        self.claim_at(code, now())
    }

    pub(in crate::engine) fn release(&self, code: &Code) {
        if let Some(kept) = self.0.lock().get_mut(code) {
            kept.is_claimed = false;
        }
    }

    pub(in crate::engine) fn answer(&self, code: &Code, tenant: &TenantId) {
        self.answer_at(code, tenant, now());
    }

    pub(in crate::engine) fn was_claimed(&self, code: &Code) -> bool {
        self.0.lock().get(code).is_some_and(|kept| kept.is_claimed)
    }

    fn begin_at(&self, code: &Code, pairing: &Pairing, now: Micros) -> bool {
        let mut all = self.0.lock();
        // Whoever asks whether one was claimed asks when it has just ended.
        all.retain(|_, kept| now < kept.end() + micros(SECRET_LIFE));
        if all.contains_key(code) {
            return false;
        }
        let kept = Kept { pairing: pairing.clone(), is_claimed: false, answered: None };
        all.insert(code.clone(), kept);
        true
    }

    fn get_at(&self, code: &Code, now: Micros) -> Option<Paired> {
        let all = self.0.lock();
        let kept = all.get(code)?;
        match &kept.answered {
            Some((tenant, until)) => {
                (now < *until).then(|| Paired::Answered(kept.pairing.clone(), tenant.clone()))
            }
            None => (now < kept.pairing.until).then(|| Paired::Waiting(kept.pairing.clone())),
        }
    }

    fn claim_at(&self, code: &Code, now: Micros) -> Claim {
        match self.0.lock().get_mut(code).filter(|kept| now < kept.end()) {
            None => Claim::Unknown,
            Some(Kept { is_claimed: true, .. }) => Claim::Taken,
            Some(kept) => {
                kept.is_claimed = true;
                Claim::Theirs(kept.pairing.clone())
            }
        }
    }

    fn answer_at(&self, code: &Code, tenant: &TenantId, now: Micros) {
        if let Some(kept) = self.0.lock().get_mut(code) {
            kept.answered = Some((tenant.clone(), now + micros(SECRET_LIFE)));
        }
    }
}

impl Kept {
    /// From then on nothing is told of it.
    fn end(&self) -> Micros {
        self.answered.as_ref().map_or(0, |(_, until)| *until).max(self.pairing.until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::display::Poll;

    const SECOND: Micros = 1_000_000;

    #[test]
    fn a_code_can_be_entered_for_five_minutes() {
        let (pairings, (poll, pairing)) = (Pairings::default(), Poll::begin(0));
        let code = poll.code();
        assert!(pairings.begin_at(&code, &pairing, 0));
        assert!(!pairings.begin_at(&code, &pairing, 1), "the code is taken");
        assert!(matches!(pairings.get_at(&code, 300 * SECOND - 1), Some(Paired::Waiting(_))));
        assert!(pairings.get_at(&code, 300 * SECOND).is_none());
        assert!(matches!(pairings.claim_at(&code, 300 * SECOND), Claim::Unknown));
        assert!(!pairings.was_claimed(&code));
        assert!(pairings.begin_at(&code, &pairing, 400 * SECOND), "it is forgotten");
    }

    #[test]
    fn an_answer_is_told_for_a_minute_though_the_code_ends_before() {
        let (pairings, (poll, pairing)) = (Pairings::default(), Poll::begin(0));
        let (code, tenant) = (poll.code(), TenantId::try_from("t").unwrap());
        assert!(pairings.begin_at(&code, &pairing, 0));
        let at = 299 * SECOND;
        assert!(matches!(pairings.claim_at(&code, at), Claim::Theirs(_)));
        assert!(matches!(pairings.claim_at(&code, at), Claim::Taken));
        pairings.release(&code);
        assert!(matches!(pairings.claim_at(&code, at), Claim::Theirs(_)));
        pairings.answer_at(&code, &tenant, at);
        assert!(
            matches!(pairings.get_at(&code, at + 59 * SECOND), Some(Paired::Answered(_, to)) if to == tenant)
        );
        assert!(matches!(pairings.claim_at(&code, at + 59 * SECOND), Claim::Taken));
        assert!(pairings.get_at(&code, at + 60 * SECOND).is_none());
        assert!(pairings.was_claimed(&code));
    }
}
