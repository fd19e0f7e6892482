use super::*;
use proptest::prelude::*;
use serde_json::json;

const LIFE: Duration = Duration::from_secs(300);

/// A token server whose clock is moved by hand; the nth pair is `a<n>` and `r<n>`.
struct Bench {
    tokens: Tokens,
    now: Instant,
    pairs: usize,
}

fn owner(extension: &str) -> Owner {
    Owner { tenant_id: "t".into(), extension: extension.into() }
}

impl Bench {
    fn new(reuse_grace: Duration) -> Self {
        let policy = Policy { access_life: LIFE, reuse_grace, max_families: 3, max_tokens: 50 };
        Self { tokens: Tokens::new(policy), now: Instant::now(), pairs: 0 }
    }

    fn strict() -> Self {
        Self::new(Duration::ZERO)
    }

    fn pair(&mut self) -> Pair {
        self.pairs += 1;
        Pair { access: format!("a{}", self.pairs), refresh: format!("r{}", self.pairs) }
    }

    fn grant(&mut self, extension: &str) -> Result<u64, Full> {
        let pair = self.pair();
        self.tokens.grant(owner(extension), &pair, self.now)
    }

    fn refresh(&mut self, token: &str) -> Result<(), Refused> {
        self.exchange(token, Rotation::Rotate)
    }

    fn exchange(&mut self, token: &str, rotation: Rotation) -> Result<(), Refused> {
        let pair = self.pair();
        self.tokens.on_presented(token);
        self.tokens.refresh(token, rotation, &pair, self.now)
    }

    fn is_valid(&self, access: &str) -> bool {
        self.tokens.owner_of(access, self.now).is_some()
    }

    fn family(&self, number: u64) -> &Family {
        self.tokens.families().find(|(known, _)| *known == number).unwrap().1
    }
}

#[test]
fn a_refresh_token_rotates_and_old_access_tokens_live_on() {
    let mut bench = Bench::strict();
    bench.grant("200").unwrap();
    assert_eq!(bench.refresh("r1"), Ok(()));
    assert_eq!(bench.refresh("r2"), Ok(()));
    assert!(["a1", "a2", "a3"].into_iter().all(|access| bench.is_valid(access)));
    assert_eq!(bench.tokens.owner_of("a3", bench.now), Some(&owner("200")));
    assert!(!bench.is_valid("r3") && !bench.is_valid("a4"));
    bench.now += LIFE;
    assert!(["a1", "a2", "a3"].into_iter().all(|access| !bench.is_valid(access)));
    assert_eq!(bench.refresh("r3"), Ok(()));
    assert!(bench.is_valid("a4"));
    assert_eq!(bench.family(1).access_tokens(bench.now), 1);
}

#[test]
fn a_second_use_ends_the_whole_family_and_no_other() {
    let mut bench = Bench::strict();
    bench.grant("200").unwrap();
    bench.grant("210").unwrap();
    bench.refresh("r1").unwrap();
    assert_eq!(bench.refresh("r1"), Err(Refused::Reused));
    assert_eq!(bench.refresh("r3"), Err(Refused::Ended));
    assert_eq!(bench.refresh("r1"), Err(Refused::Ended));
    assert!(!bench.is_valid("a1") && !bench.is_valid("a3"));
    assert!(bench.is_valid("a2"));
    assert_eq!(bench.refresh("r2"), Ok(()));
    assert_eq!((bench.family(1).end, bench.family(1).reuses), (Some(End::Reuse), 2));
    assert_eq!(bench.family(2).end, None);
}

#[test]
fn within_the_grace_a_consumed_token_gives_a_further_pair() {
    let mut bench = Bench::new(Duration::from_secs(10));
    bench.grant("200").unwrap();
    bench.refresh("r1").unwrap();
    bench.now += Duration::from_secs(9);
    assert_eq!(bench.refresh("r1"), Ok(()));
    assert_eq!(bench.family(1).graced, 1);
    // Both answers are good: the one that was lost may still come.
    assert_eq!(bench.refresh("r2"), Ok(()));
    // But the token before the previous one is not.
    assert_eq!(bench.refresh("r1"), Err(Refused::Reused));
    assert_eq!(bench.refresh("r3"), Err(Refused::Ended));
}

#[test]
fn the_grace_counts_from_the_first_use() {
    let mut bench = Bench::new(Duration::from_secs(10));
    bench.grant("200").unwrap();
    bench.refresh("r1").unwrap();
    bench.now += Duration::from_secs(6);
    bench.refresh("r1").unwrap();
    bench.now += Duration::from_secs(4);
    assert_eq!(bench.refresh("r1"), Err(Refused::Reused));
}

#[test]
fn a_refresh_token_that_is_not_replaced_stays_valid() {
    let mut bench = Bench::strict();
    bench.grant("200").unwrap();
    assert_eq!(bench.exchange("r1", Rotation::Keep), Ok(()));
    assert!(bench.is_valid("a2"));
    assert_eq!(bench.refresh("r2"), Err(Refused::Unknown));
    assert_eq!(bench.refresh("r1"), Ok(()));
    assert_eq!(bench.refresh("r1"), Err(Refused::Reused));
}

#[test]
fn revoking_either_token_ends_the_family() {
    for token in ["r2", "a2", "a1", "r1"] {
        let mut bench = Bench::strict();
        bench.grant("200").unwrap();
        bench.refresh("r1").unwrap();
        bench.tokens.revoke(token);
        bench.tokens.revoke("unheard-of");
        assert_eq!(bench.refresh("r2"), Err(Refused::Ended), "{token}");
        assert!(!bench.is_valid("a1") && !bench.is_valid("a2"));
        assert_eq!((bench.family(1).end, bench.family(1).revocations), (Some(End::Client), 1));
    }
}

#[test]
fn the_portal_ends_all_families_of_a_user() {
    let mut bench = Bench::strict();
    for extension in ["200", "210", "200"] {
        bench.grant(extension).unwrap();
    }
    assert_eq!(bench.tokens.end_all(&owner("200"), End::Portal), 2);
    assert_eq!(bench.tokens.end_all(&owner("200"), End::Portal), 0);
    assert_eq!(bench.tokens.end_all(&Owner { tenant_id: "u".into(), ..owner("210") }, End::Portal), 0);
    assert_eq!(bench.refresh("r2"), Ok(()));
    assert_eq!(bench.refresh("r3"), Err(Refused::Ended));
}

#[test]
fn families_and_tokens_are_bounded() {
    let mut bench = Bench::strict();
    for number in 1..=3 {
        assert_eq!(bench.grant("200"), Ok(number));
    }
    assert_eq!(bench.grant("200"), Err(Full));
    bench.tokens.end(2, End::Portal);
    assert_eq!(bench.grant("200"), Ok(4));
    let numbers: Vec<_> = bench.tokens.families().map(|(number, _)| number).collect();
    assert_eq!(numbers, [1, 3, 4]);
    assert_eq!(bench.refresh("r2"), Err(Refused::Unknown));

    let mut latest = "r1".to_owned();
    for _ in 0..60 {
        bench.refresh(&latest).unwrap();
        latest = format!("r{}", bench.pairs);
    }
    assert_eq!((bench.family(1).refresh.len(), bench.family(1).access.len()), (50, 50));
    assert_eq!((bench.tokens.refresh.len(), bench.tokens.access.len()), (52, 52));
    assert_eq!(bench.family(1).generation, 61);
    assert_eq!(bench.refresh("r1"), Err(Refused::Unknown));
    assert_eq!(bench.tokens.unknown(), 2);
    assert_eq!(bench.refresh(&latest), Ok(()));
}

#[test]
fn a_family_is_shown_without_its_tokens() {
    let mut bench = Bench::strict();
    bench.grant("200").unwrap();
    bench.tokens.on_activated(1);
    bench.tokens.on_fault("r1", "late");
    bench.refresh("r1").unwrap();
    bench.refresh("r1").unwrap_err();
    let mut shown = serde_json::to_value(bench.family(1)).unwrap();
    let tokens = shown["refresh_tokens"].take();
    let counts = json!({"tenant_id": "t", "extension": "200", "activated": true, "revoked": "reuse", "generation": 2,
        "rotations": 1, "graced": 0, "reuses": 1, "revocations": 0, "refresh_tokens": null});
    assert_eq!(shown, counts);
    let first = json!({"hash": "82f3e9c695dc6b8d", "generation": 1, "presented": 2, "accepted": 1, "consumed": true, "suffered": ["late"]});
    assert_eq!(tokens[0], first);
    assert_eq!((&tokens[1]["presented"], &tokens[1]["consumed"]), (&json!(0), &json!(false)));
}

#[derive(Clone, Debug)]
enum Step {
    Refresh(usize),
    Keep(usize),
    Revoke(usize),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (0..12_usize).prop_map(Step::Refresh),
        2 => (0..12_usize).prop_map(Step::Keep),
        1 => (0..12_usize).prop_map(Step::Revoke),
        3 => (0..20_u64).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..60)
}

/// Two families; steps choose among the latest tokens that were given out.
fn run(grace: Duration, steps: &[Step]) -> Result<(), TestCaseError> {
    let mut bench = Bench::new(grace);
    bench.grant("200").unwrap();
    bench.grant("210").unwrap();
    let mut given: Vec<(u64, String)> = vec![(1, "r1".into()), (2, "r2".into())];
    let mut first_use = HashMap::<String, Instant>::new();
    for step in steps {
        let (chosen, rotation) = match *step {
            Step::Wait(seconds) => {
                bench.now += Duration::from_secs(seconds);
                continue;
            }
            Step::Refresh(back) => (back, Some(Rotation::Rotate)),
            Step::Keep(back) => (back, Some(Rotation::Keep)),
            Step::Revoke(back) => (back, None),
        };
        let (number, token) = given[given.len() - 1 - chosen % given.len()].clone();
        let ended = bench.family(number).end.is_some();
        let Some(rotation) = rotation else {
            bench.tokens.revoke(&token);
            prop_assert!(bench.family(number).end.is_some());
            continue;
        };
        let used = first_use.get(&token).copied();
        let answer = bench.exchange(&token, rotation);
        if answer.is_ok() {
            prop_assert!(!ended, "an ended family gave tokens");
            let access = format!("a{}", bench.pairs);
            prop_assert!(bench.is_valid(&access));
            if let Some(used) = used {
                prop_assert!(bench.now - used < grace, "accepted twice outside the grace");
            }
            if rotation == Rotation::Rotate {
                first_use.entry(token).or_insert(bench.now);
                given.push((number, format!("r{}", bench.pairs)));
            }
        } else {
            prop_assert!(ended || used.is_some(), "an unused token was refused");
            let family = bench.family(number);
            prop_assert!(family.end.is_some() && family.access_tokens(bench.now) == 0);
            for (other, token) in given.clone() {
                let before = bench.family(other).end;
                prop_assert!(
                    other != number || bench.refresh(&token).is_err(),
                    "a token outlived its family"
                );
                prop_assert_eq!(bench.family(other).end, before, "another family was touched");
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_refresh_token_is_accepted_at_most_once(steps in steps()) {
        run(Duration::ZERO, &steps)?;
    }

    #[test]
    fn a_refresh_token_is_accepted_again_only_within_the_grace(steps in steps()) {
        run(Duration::from_secs(15), &steps)?;
    }
}
