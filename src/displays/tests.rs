//! Who is let in by a secret, and who hears that it was revoked: on the engine in memory.

use super::*;
use secrecy::ExposeSecret;
use tokio::time::timeout;

const SOON: Duration = Duration::from_secs(30);

fn tenant() -> TenantId {
    "t".try_into().unwrap()
}

fn displays(unused: Duration) -> Arc<Displays> {
    let metrics = Metrics::default();
    Arc::new(Displays::new(
        config::Displays { unused, people: false },
        StoredDisplays::in_memory(unused),
        &metrics,
    ))
}

/// A display that is paired, and its secret.
async fn paired(displays: &Displays) -> (Display, String) {
    let poll = displays.begin().await.unwrap();
    let answered = displays.answer(&tenant(), &poll.code(), Wish::default()).await.unwrap();
    let Answered::Paired(display) = answered else { panic!("not paired") };
    let Polled::Paired { secret, .. } = displays.poll(&poll).await.unwrap() else { panic!("not told") };
    (display, secret.expose_secret().to_owned())
}

#[tokio::test]
async fn whoever_holds_a_pass_hears_that_it_was_revoked() {
    let displays = displays(SEE);
    let (display, secret) = paired(&displays).await;
    let (other, others) = paired(&displays).await;
    let pass = displays.authenticate(&secret).await.unwrap().unwrap();
    let twin = displays.authenticate(&secret).await.unwrap().unwrap();
    let kept = displays.authenticate(&others).await.unwrap().unwrap();
    assert_eq!((&pass.tenant, pass.display.id, kept.display.id), (&tenant(), display.id, other.id));
    assert!(displays.revoke(&tenant(), display.id).await.unwrap());
    timeout(SOON, futures_util::future::join(pass.revoked(), twin.revoked())).await.unwrap();
    assert!(displays.authenticate(&secret).await.unwrap().is_none());
    displays.look().await;
    assert!(timeout(Duration::ZERO, kept.revoked()).await.is_err());
}

#[tokio::test]
async fn a_look_tells_of_what_was_revoked_elsewhere() {
    let displays = displays(SEE);
    let (display, secret) = paired(&displays).await;
    let pass = displays.authenticate(&secret).await.unwrap().unwrap();
    displays.look().await;
    assert!(timeout(Duration::ZERO, pass.revoked()).await.is_err());
    displays.stored.remove(&tenant(), display.id).await.unwrap().unwrap();
    displays.look().await;
    timeout(SOON, pass.revoked()).await.unwrap();
}

#[tokio::test]
async fn a_display_that_is_connected_is_in_use() {
    let unused = Duration::from_micros(4);
    let displays = displays(unused);
    let (display, _) = paired(&displays).await;
    let presence = displays.connected.enter(&tenant(), &display);
    displays.look().await;
    let seen = displays.stored.get(&tenant(), display.id).await.unwrap().unwrap().last_seen_at.unwrap();
    while now() <= seen + 1 {}
    displays.look().await;
    let again = displays.stored.get(&tenant(), display.id).await.unwrap().unwrap().last_seen_at.unwrap();
    assert!(again > seen);
    drop(presence);
    displays.look().await;
    let still = displays.stored.get(&tenant(), display.id).await.unwrap().unwrap().last_seen_at.unwrap();
    assert_eq!(still, again);
}

#[tokio::test]
async fn one_that_was_not_used_for_long_is_neither_let_in_nor_listed() {
    let displays = displays(Duration::from_nanos(1000));
    let poll = displays.begin().await.unwrap();
    let answered = displays.answer(&tenant(), &poll.code(), Wish::default()).await.unwrap();
    let Answered::Paired(display) = answered else { panic!("not paired") };
    let Polled::Paired { secret, .. } = displays.poll(&poll).await.unwrap() else { panic!("not told") };
    while now() <= display.paired_at + 1 {}
    assert!(displays.authenticate(secret.expose_secret()).await.unwrap().is_none());
    assert!(displays.list(&tenant(), now()).await.unwrap().is_empty());
}

#[tokio::test]
async fn there_are_so_many_pairings_at_most_until_some_are_over() {
    let displays = displays(SEE);
    let first = displays.begin().await.unwrap();
    for _ in 1..MOST_PAIRINGS {
        displays.begin().await.unwrap();
    }
    assert!(displays.begin().await.is_err());
    assert!(displays.over(Instant::now()).is_none());
    assert_eq!(displays.over(Instant::now() + CODE_LIFE), Some(first.code()));
    displays.begin().await.unwrap();
}
