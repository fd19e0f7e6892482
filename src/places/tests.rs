use super::state::NoRoom;
use super::*;
use std::net::Ipv4Addr;

/// A process with few places, whose clock stands where a test sets it.
struct Crowd {
    places: Places,
    now: u64,
}

impl Crowd {
    /// With 64 places: 8 of them for private listeners, scarce from 42 on, 8 for strangers of one address.
    fn new() -> Self {
        Self { places: Places::new(Some(128), &Metrics::default()), now: 0 }
    }

    fn enter(&mut self, group: Group) -> Result<(Place, Option<Cause>), NoRoom> {
        let shared = &self.places.shared;
        let mut state = shared.state.lock();
        let cause = state.make_room(group, self.now)?;
        let holder = Arc::new(Holder::new(shared.clone(), state.next_id(), self.now));
        state.add(group, holder.clone(), self.now);
        shared.metrics.taken.inc();
        drop(state);
        Ok((Place { holder }, cause))
    }

    /// So many of one group, a millisecond apart; none of them is there for another.
    fn fill(&mut self, group: Group, count: usize) -> Vec<Place> {
        let entered = (0..count).map(|_| {
            self.now += 1;
            let (place, cause) = self.enter(group).unwrap();
            assert_eq!(cause, None);
            place
        });
        entered.collect()
    }
}

fn address(last: u8) -> Group {
    Group::Network(Ipv4Addr::new(192, 0, 2, last).into())
}

async fn was_told(place: &Place) -> bool {
    tokio::time::timeout(Duration::ZERO, place.holder().told_to_go()).await.is_ok()
}

#[tokio::test]
async fn an_address_that_has_its_share_gives_up_who_waits_longest_of_its_own() {
    let mut crowd = Crowd::new();
    let others = crowd.fill(address(1), 36);
    let own = crowd.fill(address(2), 8);
    crowd.now += 1000;
    let (_, cause) = crowd.enter(address(2)).unwrap();
    assert_eq!(cause, Some(Cause::Share));
    assert!(was_told(&own[0]).await && !was_told(&own[1]).await && !was_told(&others[0]).await);
}

#[tokio::test]
async fn who_comes_alone_is_not_the_one_to_go() {
    let mut crowd = Crowd::new();
    // The address that would be the last of any order comes last, and stays.
    let mut all: Vec<Place> = (0..56).flat_map(|nth| crowd.fill(address(nth), 1)).collect();
    all.extend(crowd.fill(Group::Private, 8));
    let (alone, cause) = crowd.enter(address(255)).unwrap();
    assert_eq!(cause, Some(Cause::Longest));
    let (_, _) = crowd.enter(address(254)).unwrap();
    assert!(was_told(&all[0]).await && was_told(&all[1]).await && !was_told(&all[2]).await);
    assert!(!was_told(&alone).await);
}

#[tokio::test]
async fn the_known_stay_until_nobody_else_is_left_and_sockets_for_good() {
    let mut crowd = Crowd::new();
    let known = crowd.fill(address(1), 50);
    for place in &known[..48] {
        place.holder().prove(Proof::Secret);
    }
    let [busy, socket] = [&known[48], &known[49]];
    let _under_way = busy.holder().begin(|| address(1));
    busy.holder().prove(Proof::Token);
    assert!(socket.holder().sit_down());
    let strangers = crowd.fill(address(2), 6);
    let mut causes = Vec::new();
    let mut entered = Vec::new();
    for _ in 0..2 {
        let (place, cause) = crowd.enter(address(3)).unwrap();
        place.holder().prove(Proof::Secret);
        entered.push((place.holder().begin(|| address(3)), place));
        causes.push(cause.unwrap());
    }
    assert_eq!(causes, [Cause::Longest, Cause::Longest]);
    assert!(was_told(&strangers[0]).await && was_told(&strangers[1]).await);
    for stranger in &strangers[2..] {
        stranger.holder().prove(Proof::Token);
    }
    for _ in 0..(48 + 4 + 1) {
        let (place, cause) = crowd.enter(address(3)).unwrap();
        assert_eq!(cause, Some(Cause::Known));
        place.holder().prove(Proof::Secret);
        entered.push((place.holder().begin(|| address(3)), place));
    }
    assert!(was_told(busy).await && !was_told(socket).await);
    assert!(crowd.enter(address(3)).is_err(), "who is busy with a webhook, and a WebSocket, go for nobody");
    assert!(crowd.enter(Group::Private).is_ok(), "and a private listener has places of its own");
}

#[tokio::test]
async fn who_waits_for_seconds_goes_where_places_are_scarce() {
    let mut crowd = Crowd::new();
    let mut places = crowd.fill(address(1), 41);
    let busy = places[0].holder().begin(|| address(1));
    places[1].holder().prove(Proof::Secret);
    places[2].holder().sit_down();
    let thin = |crowd: &Crowd| crowd.places.shared.state.lock().thin(crowd.now);
    crowd.now += 60_000;
    assert_eq!(thin(&crowd), 0, "there is room enough");
    places.extend(crowd.fill(address(1), 1));
    assert_eq!(thin(&crowd), 39, "all but who is busy, the WebSocket, and who has just come");
    drop(busy);
    drop(places);
    assert_eq!(crowd.places.shared.metrics.taken.get(), 0);
    assert_eq!(crowd.fill(address(1), 56).len(), 56, "all places are free again");
}

#[tokio::test]
async fn private_listeners_have_places_of_their_own() {
    let mut crowd = Crowd::new();
    let public = crowd.fill(address(1), 56);
    for place in &public {
        place.holder().prove(Proof::Secret);
        std::mem::forget(place.holder().begin(|| address(1)));
    }
    assert!(crowd.enter(address(2)).is_err());
    let private = crowd.fill(Group::Private, 8);
    let (_, cause) = crowd.enter(Group::Private).unwrap();
    assert_eq!(cause, Some(Cause::Longest), "the ninth has that of the first");
    assert!(was_told(&private[0]).await);
}

#[tokio::test]
async fn who_comes_while_too_many_have_not_gone_yet_waits_until_one_of_them_has() {
    let mut crowd = Crowd::new();
    // As many as there are places, and so many more that as many were told to go.
    let mut all: Vec<Place> = crowd.fill(address(1), 56);
    while !crowd.places.shared.state.lock().is_overfull() {
        all.push(crowd.enter(address(2)).unwrap().0);
    }
    let places = crowd.places.clone();
    let mut waiting = std::pin::pin!(places.enter(address(3)));
    assert!(tokio::time::timeout(Duration::ZERO, &mut waiting).await.is_err());
    drop(all.remove(0));
    assert!(waiting.await.is_some());
}
