//! What holds after any inputs at any times, in any order.

use super::{
    Answer, Due, Input, InputRefusal, Policy,
    due::MOST_SENT,
    tests::{GRACE, STRICT, activate, arm, claim, connect, lost, new, not_sent, orphaned, refused, tokens},
};
use crate::{
    clock::Micros,
    protocol::IntegrationStatus,
    sidecar::integration::{Claim, Integration, State},
};
use proptest::{collection::vec, prelude::*};
use uuid::Uuid;

/// What is asked of the machine, by numbers; an answer is about a generation `back` from now.
#[derive(Clone, Copy, Debug)]
struct Step {
    what: u8,
    attempt: u128,
    back: u64,
    later: Micros,
}

fn any_step() -> impl Strategy<Value = Step> {
    let later = prop_oneof![4 => Just(0), 4 => 0..40_000_000_u64, 1 => any::<Micros>()];
    (0..16_u8, 0..4_u128, prop_oneof![4 => Just(0), 1 => 0..3_u64], later)
        .prop_map(|(what, attempt, back, later)| Step { what, attempt, back, later })
}

fn input(step: Step, it: &Integration, now: Micros) -> Input {
    let nth = step.attempt;
    // An attempt's id is never used for another generation.
    let own = nth + u128::from(it.consent * 1000 + it.generation) * 10;
    let key = format!("{nth}");
    let answer = Answer {
        consent: it.consent,
        generation: it.generation.saturating_sub(step.back),
        attempt: Uuid::from_u128(
            nth + u128::from(it.consent * 1000 + it.generation.saturating_sub(step.back)) * 10,
        ),
    };
    match step.what {
        0 => connect(&format!("{}", it.consent)),
        1 => activate(&format!("{}", it.consent), now),
        2 => activate(&key, now),
        3..=5 => claim(own, now),
        6..=8 => arm(own),
        9 => not_sent(own, now),
        10 => refused(own, now),
        11 => lost(own),
        12 => Input::Rejected(answer),
        13 => Input::Issued { answer, tokens: tokens(now) },
        14 => orphaned(own),
        _ if nth == 0 => Input::Deactivate { revoke: step.back == 0 },
        _ if nth == 1 => Input::Restore,
        _ if nth == 2 => Input::Revoked { consent: 1 },
        _ => lost(own),
    }
}

/// Whoever is live has tokens and something due; nobody else gives tokens away.
fn is_consistent(it: &Integration, now: Micros, policy: Policy) -> Result<(), TestCaseError> {
    prop_assert_eq!(it.is_live() || it.state == State::Deactivating, it.tokens.is_some());
    prop_assert_eq!(it.tokens.is_some(), it.due(now, policy) != Due::Never);
    prop_assert_eq!(
        it.is_live(),
        matches!(
            it.status(),
            IntegrationStatus::Active | IntegrationStatus::Refreshing | IntegrationStatus::Ambiguous
        )
    );
    prop_assert!(it.is_live() || it.vendible(now).is_none());
    prop_assert!(it.state != State::Active || it.sent.is_empty() && !it.is_restored);
    prop_assert!(it.state != State::Ambiguous || !it.sent.is_empty());
    prop_assert!(it.state != State::Suspect || it.is_restored);
    prop_assert!(it.sent.len() <= MOST_SENT + 1, "{} sent", it.sent.len());
    let stored: Integration = serde_json::from_str(&serde_json::to_string(it).unwrap()).unwrap();
    prop_assert_eq!(&stored, it);
    Ok(())
}

/// From one to the next by what went: numbers only grow, and a token leaves only by its claim's
/// arming, once, outside a probe and the grace only when it never left before.
fn is_lawful(
    before: &Integration,
    input: &Input,
    after: &Integration,
    now: Micros,
    policy: Policy,
) -> Result<(), TestCaseError> {
    prop_assert!((before.consent, before.generation) <= (after.consent, after.generation));
    let is_activation = matches!(input, Input::Activate { .. });
    prop_assert!(after.consent == before.consent || is_activation);
    let is_off = |it: &Integration| it.status() == IntegrationStatus::Deactivated;
    prop_assert!(!is_off(before) || is_off(after) || is_activation);
    let is_same = |claim: &Claim| before.claim().is_none_or(|held| held.attempt == claim.attempt);
    prop_assert!(after.claim().is_none_or(is_same));
    if after.sent.len() > before.sent.len() {
        let claim = before.claim().filter(|claim| !claim.is_armed && now < claim.until);
        let is_its =
            matches!(input, Input::Arm { attempt } if claim.is_some_and(|it| it.attempt == *attempt));
        prop_assert!(is_its);
        let is_probe = matches!(before.state, State::Probing(_));
        let in_grace = before
            .sent
            .first()
            .is_none_or(|first| now < first.at.saturating_add(policy.reuse_grace.as_micros() as u64));
        prop_assert!(is_probe || in_grace && !before.is_restored);
    }
    if let Input::Issued { .. } = input {
        prop_assert_eq!(after.generation, before.generation + 1);
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_inputs_at_any_times_keep_the_law(
        steps in vec(any_step(), 1..60),
        has_grace in any::<bool>(),
    ) {
        let policy = if has_grace { GRACE } else { STRICT };
        let mut now: Micros = 1;
        let mut it = new().on(connect("0"), now, policy).unwrap();
        it = it.on(activate("0", now), now, policy).unwrap();
        for step in steps {
            now = now.saturating_add(step.later).min(Micros::MAX / 4);
            let input = input(step, &it, now);
            // An attempt has an id of its own.
            if matches!(&input, Input::Claim(claim) if it.sent.iter().any(|sent| sent.attempt == claim.attempt)) {
                continue;
            }
            let outcome = it.on(input.clone(), now, policy);
            prop_assert_eq!(&outcome, &it.on(input.clone(), now, policy));
            if let Ok(next) = outcome {
                is_lawful(&it, &input, &next, now, policy)?;
                is_consistent(&next, now, policy)?;
                // What was applied is not applied twice.
                if let Input::Issued { .. } = &input {
                    prop_assert_eq!(next.on(input, now, policy), Err(InputRefusal::Known));
                }
                it = next;
            }
        }
    }
}
