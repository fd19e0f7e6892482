//! The rules of the machine one by one. What holds after any inputs is in [`super::proptests`].

use super::{Answer, Due, Input, InputRefusal, Policy, due::MOST_SENT};
use crate::{
    clock::Micros,
    protocol::IntegrationStatus,
    sidecar::integration::{Asked, Callback, Cause, Claim, Integration, Key, State, Tokens},
};
use std::time::Duration;
use uuid::Uuid;

const SECOND: Micros = 1_000_000;
/// An access token's life.
const LIFE: Micros = 3600 * SECOND;
const NEAR_END: Micros = LIFE - 30 * SECOND;
const CLAIMED_FOR: Micros = 30 * SECOND;
pub(super) const STRICT: Policy = Policy { reuse_grace: Duration::ZERO };
pub(super) const GRACE: Policy = Policy { reuse_grace: Duration::from_secs(60) };

fn attempt(nth: u128) -> Uuid {
    Uuid::from_u128(nth)
}

pub(super) fn tokens(now: Micros) -> Tokens {
    let sealed = || serde_json::from_str(&format!("\"v2.k.{:A>96}.{:A>54}\"", "", "")).unwrap();
    Tokens { refresh: sealed(), access: sealed(), issued_at: now, expires_at: now + LIFE }
}

pub(super) fn connect(key: &str) -> Input {
    Input::Connect(Asked { key_hash: key.into(), sub: "u".into(), expires_at: 10 * LIFE })
}

pub(super) fn activate(key: &str, now: Micros) -> Input {
    let callback = Callback { key_hash: key.into(), tokens_hash: format!("tokens of {key}") };
    Input::Activate { callback, tokens: tokens(now) }
}

pub(super) fn claim(nth: u128, now: Micros) -> Input {
    let owner = Uuid::from_u128(100 + nth);
    Input::Claim(Claim { attempt: attempt(nth), owner, until: now + CLAIMED_FOR, is_armed: false })
}

pub(super) fn arm(nth: u128) -> Input {
    Input::Arm { attempt: attempt(nth) }
}

pub(super) fn lost(nth: u128) -> Input {
    Input::Lost { attempt: attempt(nth) }
}

pub(super) fn orphaned(nth: u128) -> Input {
    Input::Orphaned { attempt: attempt(nth) }
}

pub(super) fn not_sent(nth: u128, retry_at: Micros) -> Input {
    Input::NotSent { attempt: attempt(nth), retry_at }
}

pub(super) fn refused(nth: u128, retry_at: Micros) -> Input {
    Input::Refused { attempt: attempt(nth), retry_at }
}

fn answer(integration: &Integration, nth: u128) -> Answer {
    Answer { consent: integration.consent, generation: integration.generation, attempt: attempt(nth) }
}

fn issued(to: &Integration, nth: u128, now: Micros) -> Input {
    Input::Issued { answer: answer(to, nth), tokens: tokens(now) }
}

fn rejected(to: &Integration, nth: u128) -> Input {
    Input::Rejected(answer(to, nth))
}

pub(super) fn new() -> Integration {
    Integration::new(
        Key {
            source: "s".try_into().unwrap(),
            tenant: "t".try_into().unwrap(),
            extension: "200".try_into().unwrap(),
        },
        0,
    )
}

fn active() -> Integration {
    after(&new(), 0, [connect("a"), activate("a", 0)])
}

/// All of them go.
fn after<const N: usize>(from: &Integration, now: Micros, inputs: [Input; N]) -> Integration {
    inputs.into_iter().fold(from.clone(), |it, input| it.on(input, now, STRICT).unwrap())
}

fn refuses(it: &Integration, now: Micros, input: Input) -> InputRefusal {
    it.on(input, now, STRICT).unwrap_err()
}

/// A refresh whose answer did not come.
fn ambiguous() -> Integration {
    after(&active(), 0, [claim(1, 0), arm(1), lost(1)])
}

fn probing() -> Integration {
    after(&ambiguous(), NEAR_END, [claim(2, NEAR_END)])
}

#[test]
fn claim_is_exclusive_per_generation() {
    let claimed = after(&active(), 0, [claim(1, 0)]);
    assert_eq!(refuses(&claimed, 0, claim(2, 0)), InputRefusal::NotNow);
    assert_eq!(refuses(&claimed, 0, claim(1, 0)), InputRefusal::NotNow);
    assert_eq!(refuses(&probing(), NEAR_END, claim(3, NEAR_END)), InputRefusal::NotNow);
    let renewed = after(&claimed, 0, [arm(1), issued(&claimed, 1, 0)]);
    assert_eq!((renewed.generation, &renewed.state), (1, &State::Active));
    assert!(renewed.on(claim(2, 0), 0, STRICT).is_ok());
}

#[test]
fn claim_never_expires() {
    for claimed in [after(&active(), 0, [claim(1, 0)]), after(&active(), 0, [claim(1, 0), arm(1)])] {
        let late = 1000 * LIFE;
        assert_eq!(refuses(&claimed, late, claim(2, late)), InputRefusal::NotNow);
        assert_eq!(claimed.due(late, STRICT), Due::Settle(CLAIMED_FOR));
    }
}

#[test]
fn stale_owner_cannot_send() {
    let claimed = after(&active(), 0, [claim(1, 0)]);
    assert!(claimed.on(arm(1), CLAIMED_FOR - 1, STRICT).is_ok());
    assert_eq!(refuses(&claimed, CLAIMED_FOR, arm(1)), InputRefusal::NotNow);
    let settled = after(&claimed, CLAIMED_FOR, [orphaned(1)]);
    assert_eq!(refuses(&settled, 0, arm(1)), InputRefusal::NotNow);
    let taken = after(&settled, CLAIMED_FOR, [claim(2, CLAIMED_FOR)]);
    assert_eq!(refuses(&taken, 0, arm(1)), InputRefusal::NotNow);
    let armed = after(&taken, CLAIMED_FOR, [arm(2)]);
    assert_eq!(refuses(&armed, CLAIMED_FOR, arm(2)), InputRefusal::NotNow);
}

#[test]
fn crash_before_claim_retries() {
    let it = active();
    let Due::Refresh(at) = it.due(0, STRICT) else { panic!("{:?}", it.due(0, STRICT)) };
    assert!((LIFE * 6 / 10..LIFE * 8 / 10).contains(&at), "{at}");
    assert!(it.on(claim(1, at), at, STRICT).is_ok());
}

#[test]
fn crash_between_claim_and_arming_sends_nothing_and_retries() {
    let settled = after(&active(), 0, [claim(1, 0), orphaned(1)]);
    assert_eq!(settled, active());
}

#[test]
fn crash_after_claim_is_ambiguous() {
    let settled = after(&active(), 0, [claim(1, 0), arm(1), orphaned(1)]);
    assert_eq!((&settled.state, settled.status()), (&State::Ambiguous, IntegrationStatus::Ambiguous));
    assert!(settled.vendible(LIFE - 1).is_some());
    assert_eq!(refuses(&settled, 0, claim(2, 0)), InputRefusal::NotNow);
    assert_eq!(settled.due(0, STRICT), Due::Probe(LIFE - 60 * SECOND));
}

#[test]
fn connect_error_releases_claim() {
    let released = after(&active(), 0, [claim(1, 0), not_sent(1, 5)]);
    assert_eq!((&released.state, released.failures, released.retry_at), (&State::Active, 1, 5));
    assert_eq!(refuses(&released, 4, claim(2, 4)), InputRefusal::NotNow);
    assert!(released.on(claim(2, 5), 5, STRICT).is_ok());
    let armed = after(&active(), 0, [claim(1, 0), arm(1)]);
    assert_eq!(refuses(&armed, 0, not_sent(1, 5)), InputRefusal::NotNow);
}

#[test]
fn reactivation_epoch_beats_late_result() {
    let armed = after(&active(), 0, [claim(1, 0), arm(1)]);
    let again = after(&armed, 7, [connect("b"), activate("b", 7)]);
    assert_eq!((again.consent, again.generation, &again.state, again.since), (2, 0, &State::Active, 7));
    for late in [issued(&armed, 1, 8), rejected(&armed, 1)] {
        assert_eq!(refuses(&again, 8, late), InputRefusal::Stray);
    }
    for late in [lost(1), refused(1, 0), orphaned(1)] {
        assert_eq!(refuses(&again, 8, late), InputRefusal::NotNow);
    }
}

#[test]
fn late_response_wins_over_probe() {
    for probing in [probing(), after(&probing(), NEAR_END, [arm(2)])] {
        let won = after(&probing, NEAR_END, [issued(&probing, 1, NEAR_END)]);
        assert_eq!((won.generation, &won.state, won.sent.len()), (1, &State::Active, 0));
        assert_eq!(refuses(&won, NEAR_END, arm(2)), InputRefusal::NotNow);
        assert_eq!(refuses(&won, NEAR_END, rejected(&probing, 2)), InputRefusal::Superseded);
    }
    let given_up = after(&probing(), NEAR_END, [arm(2), rejected(&probing(), 2)]);
    assert_eq!((given_up.cause(), given_up.tokens.is_none()), (Some(Cause::ResponseLost), true));
    assert_eq!(after(&given_up, LIFE, [issued(&given_up, 1, LIFE)]).state, State::Active);
}

#[test]
fn a_probe_waits_until_the_access_token_is_nearly_over_and_is_the_last_word() {
    let early = LIFE - 60 * SECOND - 1;
    assert_eq!(refuses(&ambiguous(), early, claim(2, early)), InputRefusal::NotNow);
    assert_eq!(probing().status(), IntegrationStatus::Ambiguous);
    for end in [lost(2), orphaned(2), rejected(&probing(), 2)] {
        let ended = after(&probing(), NEAR_END, [arm(2), end]);
        assert_eq!((ended.cause(), ended.due(LIFE, STRICT)), (Some(Cause::ResponseLost), Due::Never));
        assert_eq!(refuses(&ended, LIFE, claim(3, LIFE)), InputRefusal::NotNow);
    }
    // What certainly consumed nothing was no probe.
    for end in [not_sent(2, NEAR_END), orphaned(2)] {
        assert_eq!(after(&probing(), NEAR_END, [end]).state, State::Ambiguous);
    }
    assert_eq!(after(&probing(), NEAR_END, [arm(2), refused(2, LIFE)]).due(0, STRICT), Due::Probe(LIFE));
}

#[test]
fn refused_consumes_nothing_also_when_it_comes_late() {
    for sent in [after(&active(), 0, [claim(1, 0), arm(1)]), ambiguous()] {
        let refused = after(&sent, 0, [refused(1, 9)]);
        assert_eq!((&refused.state, refused.sent.len(), refused.retry_at), (&State::Active, 0, 9));
    }
    assert_eq!(refuses(&active(), 0, refused(1, 9)), InputRefusal::NotNow);
}

#[test]
fn a_first_rejection_is_told_apart_from_a_lost_answer() {
    let armed = after(&active(), 0, [claim(1, 0), arm(1)]);
    let rejected = after(&armed, 0, [rejected(&armed, 1)]);
    assert_eq!((rejected.cause(), rejected.vendible(0)), (Some(Cause::Rejected), None));
}

#[test]
fn an_answer_that_was_applied_is_known_and_an_older_one_superseded() {
    let armed = after(&active(), 0, [claim(1, 0), arm(1)]);
    let first = issued(&armed, 1, 0);
    let once = after(&armed, 0, [first.clone()]);
    assert_eq!(refuses(&once, 0, first.clone()), InputRefusal::Known);
    let again = after(&once, 0, [claim(2, 0), arm(2)]);
    let twice = after(&again, 0, [issued(&again, 2, 0)]);
    assert_eq!(refuses(&twice, 0, first), InputRefusal::Superseded);
    assert_eq!(refuses(&again, 0, issued(&again, 9, 0)), InputRefusal::NotNow);
}

#[test]
fn within_the_grace_the_same_token_is_sent_again_and_never_after_it() {
    let grace = 60 * SECOND;
    let it = ambiguous();
    assert_eq!(it.due(SECOND, GRACE), Due::Again(0));
    let claimed = it.on(claim(2, grace - 1), grace - 1, GRACE).unwrap();
    assert_eq!((claimed.status(), claimed.due(0, GRACE)), (IntegrationStatus::Ambiguous, Due::Settle(grace)));
    assert_eq!(claimed.on(arm(2), grace, GRACE), Err(InputRefusal::NotNow));
    let armed = claimed.on(arm(2), grace - 1, GRACE).unwrap();
    assert_eq!(armed.on(issued(&armed, 2, grace), grace, GRACE).unwrap().state, State::Active);
    assert_eq!(it.on(claim(2, grace), grace, GRACE), Err(InputRefusal::NotNow));
    assert_eq!(it.due(grace, GRACE), Due::Probe(LIFE - 60 * SECOND));
}

#[test]
fn the_grace_is_no_licence_to_send_without_end() {
    let mut it = active();
    for nth in 0..MOST_SENT as u128 {
        for input in [claim(nth, 0), arm(nth), lost(nth)] {
            it = it.on(input, 0, GRACE).unwrap();
        }
    }
    assert_eq!(it.on(claim(99, 0), 0, GRACE), Err(InputRefusal::NotNow));
    assert!(matches!(it.due(0, GRACE), Due::Probe(_)));
}

#[test]
fn deactivation_wins_and_what_was_under_way_is_revoked_when_it_comes() {
    let armed = after(&active(), 0, [claim(1, 0), arm(1)]);
    let off = after(&armed, 0, [Input::Deactivate { revoke: true }]);
    assert_eq!((&off.state, &off.tokens), (&State::Deactivated, &None));
    assert_eq!(refuses(&off, 0, issued(&armed, 1, 0)), InputRefusal::Stray);
    for resting in [active(), ambiguous(), after(&active(), 0, [claim(1, 0)])] {
        let going = after(&resting, 0, [Input::Deactivate { revoke: true }]);
        assert_eq!((going.due(0, STRICT), going.vendible(0)), (Due::Revoke(0), None));
        assert_eq!(refuses(&going, 0, arm(1)), InputRefusal::NotNow);
        assert_eq!(
            after(&going, 0, [Input::Revoked { consent: 1 }]),
            after(&going, 0, [Input::Deactivate { revoke: false }])
        );
    }
    assert_eq!(refuses(&off, 0, Input::Deactivate { revoke: true }), InputRefusal::Known);
    assert_eq!(refuses(&off, 0, activate("a", 0)), InputRefusal::Known);
}

#[test]
fn a_callback_activates_once_and_only_who_asked() {
    assert_eq!(refuses(&new(), 0, activate("a", 0)), InputRefusal::NotAsked);
    assert_eq!(
        refuses(&after(&new(), 0, [connect("a")]), 10 * LIFE, activate("a", 0)),
        InputRefusal::NotAsked
    );
    assert_eq!(refuses(&active(), 0, activate("a", 0)), InputRefusal::Known);
    let callback = Callback { key_hash: "a".into(), tokens_hash: "others".into() };
    let other = Input::Activate { callback, tokens: tokens(0) };
    assert_eq!(refuses(&active(), 0, other), InputRefusal::NotAsked);
}

#[test]
fn restored_backup_goes_suspect() {
    let armed = after(&active(), 0, [claim(1, 0), arm(1)]);
    for before in [active(), after(&active(), 0, [claim(1, 0)]), armed, ambiguous(), probing()] {
        let restored = after(&before, 0, [Input::Restore]);
        assert_eq!((&restored.state, restored.status()), (&State::Suspect, IntegrationStatus::Ambiguous));
        assert_eq!(restored.due(0, GRACE), Due::Probe(LIFE - 60 * SECOND));
        assert_eq!(refuses(&restored, 0, claim(3, 0)), InputRefusal::NotNow);
        let probing = after(&restored, NEAR_END, [claim(3, NEAR_END), arm(3)]);
        let well = after(&probing, NEAR_END, [issued(&probing, 3, NEAR_END)]);
        assert_eq!((&well.state, well.is_restored), (&State::Active, false));
        let ill = after(&probing, NEAR_END, [rejected(&probing, 3)]);
        assert_eq!(ill.cause(), Some(Cause::Restored));
    }
    for settled in [new(), after(&active(), 0, [Input::Deactivate { revoke: false }])] {
        assert_eq!(refuses(&settled, 0, Input::Restore), InputRefusal::Known);
    }
}

#[test]
fn an_answer_from_before_the_backup_is_kept_but_not_trusted() {
    let restored = after(&active(), 0, [claim(1, 0), arm(1), Input::Restore]);
    let newer = after(&restored, 0, [issued(&restored, 1, 0)]);
    assert_eq!((newer.generation, &newer.state, newer.is_restored), (1, &State::Suspect, true));
    let mut ahead = answer(&newer, 7);
    ahead.generation += 3;
    assert_eq!(refuses(&newer, 0, Input::Issued { answer: ahead, tokens: tokens(0) }), InputRefusal::NotNow);
    ahead.consent += 1;
    assert_eq!(refuses(&newer, 0, Input::Issued { answer: ahead, tokens: tokens(0) }), InputRefusal::NotNow);
}

#[test]
fn tokens_are_rewrapped_while_they_are_the_same_whatever_is_under_way() {
    let was = |stands: &Integration| stands.tokens.clone().unwrap();
    let mut rewrapped = tokens(0);
    rewrapped.access = serde_json::from_str(&format!("\"v2.new.{:A>96}.{:A>54}\"", "", "")).unwrap();
    let armed = after(&active(), 0, [claim(1, 0), arm(1)]);
    for before in [active(), armed, ambiguous(), probing()] {
        let next = after(&before, 1, [Input::Rewrap { was: was(&before), tokens: rewrapped.clone() }]);
        let expected = Integration { tokens: Some(rewrapped.clone()), ..before.clone() };
        assert_eq!(next, expected);
        let again = Input::Rewrap { was: was(&before), tokens: tokens(0) };
        assert_eq!(refuses(&next, 1, again), InputRefusal::Superseded);
    }
    let off = after(&active(), 0, [Input::Deactivate { revoke: false }]);
    assert_eq!(
        refuses(&off, 0, Input::Rewrap { was: tokens(0), tokens: rewrapped }),
        InputRefusal::Superseded
    );
}
