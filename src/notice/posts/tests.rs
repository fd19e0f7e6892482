use super::{super::event::MAX_POSTS, *};
use crate::{
    event_set::{Added, shuffled},
    id::{ItemName, Kind},
};
use proptest::{collection::vec, prelude::*, sample::Index};

fn key() -> ItemKey {
    ItemKey {
        tenant: "t".try_into().unwrap(),
        extension: "200".try_into().unwrap(),
        kind: Kind::Notice,
        name: ItemName::of("n"),
    }
}

fn posted(at: Micros, title: &str) -> Event {
    Event::new(at, What::Posted(Arc::new(Post { title: title.into(), ..Post::default() })))
}

fn posts(events: impl IntoIterator<Item = Event>) -> Posts {
    let mut posts = Posts::default();
    events.into_iter().for_each(|event| _ = posts.add(event));
    posts
}

fn fold(events: impl IntoIterator<Item = Event>) -> Notice {
    posts(events).fold(&key()).unwrap()
}

fn any_event() -> impl Strategy<Value = Event> {
    // Few timestamps and texts, so that ties and duplicates are common.
    (0..5_u64, 0..4_u8).prop_map(|(at, what)| match what {
        0 => posted(at, "a"),
        1 => posted(at, "b"),
        2 => Event::new(at, What::Done),
        _ => Event::new(at, What::Dismissed),
    })
}

proptest! {
    #[test]
    fn any_order_any_duplication_gives_the_same_notice(
        events in vec(any_event(), 1..12),
        order in vec(any::<Index>(), 40),
    ) {
        let otherwise = posts(shuffled(&events, &order));
        prop_assert_eq!(otherwise.version() as usize, otherwise.events().len());
        prop_assert_eq!(otherwise.fold(&key()), posts(events).fold(&key()));
    }

    #[test]
    fn what_its_user_does_counts_at_once(events in vec(any_event(), 0..12), now in 0..9_u64) {
        let mut set = posts(events);
        if let Some(done) = set.done(now, None) {
            set.add(done);
            prop_assert_eq!(set.fold(&key()).unwrap().state, NoticeState::Done);
            prop_assert_eq!(set.check(&set.done(now, None).unwrap()), Added::Known);
        }
        if let Some(dismissal) = set.dismissal(now, None) {
            set.add(dismissal);
            prop_assert!(set.fold(&key()).unwrap().dismissed_at.is_some());
            prop_assert_eq!(set.check(&set.dismissal(now, Some(0)).unwrap()), Added::Known);
        }
    }
}

#[test]
fn it_says_what_was_posted_last_by_the_providers_time() {
    let notice = fold([posted(9, "new"), posted(7, "old")]);
    assert_eq!((&*notice.title, notice.at, notice.version), ("new", 9, 2));
}

#[test]
fn what_is_posted_again_is_open_again() {
    let [done, dismissed] = [What::Done, What::Dismissed].map(|what| Event::new(5, what));
    let notice = fold([posted(5, "a"), done.clone(), dismissed.clone()]);
    assert_eq!((notice.state, notice.done_at, notice.dismissed_at), (NoticeState::Done, Some(5), Some(5)));
    let notice = fold([posted(5, "a"), done, dismissed, posted(6, "b")]);
    assert_eq!((notice.state, notice.done_at, notice.dismissed_at), (NoticeState::Open, None, None));
}

#[test]
fn what_was_never_posted_is_no_notice() {
    let set = posts([Event::new(5, What::Done)]);
    assert_eq!((set.fold(&key()), set.done(9, None), set.dismissal(9, None)), (None, None, None));
}

#[test]
fn what_is_said_of_an_earlier_version_does_not_hold_for_what_was_posted_since() {
    let set = posts([posted(5, "a"), posted(8, "b")]);
    for act in [Posts::dismissal, Posts::done] {
        let at = |now, seen| act(&set, now, seen).unwrap().at;
        assert_eq!((at(20, Some(1)), at(6, Some(1)), at(20, Some(2)), at(6, Some(2))), (7, 6, 20, 8));
    }
}

#[test]
fn it_is_bounded() {
    let mut set = posts((0..MAX_POSTS as u64).map(|at| posted(at, "a")));
    assert_eq!(set.add(posted(9999, "a")), Added::Full);
    for at in 0..MAX_POSTS as u64 {
        assert_eq!(set.add(Event::new(at, What::Done)), Added::New);
        assert_eq!(set.add(Event::new(at, What::Dismissed)), Added::New);
    }
    assert_eq!(set.add(Event::new(9999, What::Done)), Added::Full);
    assert_eq!(set.add(Event::new(3, What::Done)), Added::Known);
}
