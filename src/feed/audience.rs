//! Those who watch some extensions of a tenant: sessions that a token keeps to groups of the directory. These may be
//! thousands of extensions, so a session does not stand at each of them as a user does at theirs: it would be written
//! there, and taken out again, while the tenant's changes wait. Sessions that watch the same stand together instead,
//! and what changed is looked up once for all of them. Where nobody is kept to groups, there is nothing to look up.

use super::{Outbox, take_one};
use crate::id::{Extension, Kind};
use std::sync::Arc;

/// All of a tenant.
#[derive(Default)]
pub(super) struct Audiences(Vec<Audience>);

/// Those who watch the same.
struct Audience {
    /// In the order of texts.
    only: Arc<[Extension]>,
    /// By kind of item; each of them listens to calls.
    outboxes: [Vec<Arc<Outbox>>; Kind::ALL.len()],
}

impl Audiences {
    pub(super) fn add(&mut self, only: &Arc<[Extension]>, kinds: &[Kind], outbox: &Arc<Outbox>) {
        let at = self.at(only).unwrap_or_else(|| {
            self.0.push(Audience { only: only.clone(), outboxes: Default::default() });
            self.0.len() - 1
        });
        for kind in kinds {
            self.0[at].outboxes[kind.number()].push(outbox.clone());
        }
    }

    /// Takes an outbox out once.
    pub(super) fn remove(&mut self, only: &Arc<[Extension]>, outbox: &Arc<Outbox>) {
        let Some(at) = self.at(only) else { return };
        let outboxes = &mut self.0[at].outboxes;
        outboxes.iter_mut().for_each(|of_kind| take_one(of_kind, outbox));
        if outboxes.iter().all(Vec::is_empty) {
            self.0.swap_remove(at);
        }
    }

    /// Those who are to hear of an extension's items of a kind.
    pub(super) fn of(&self, extension: &str, kind: Kind) -> impl Iterator<Item = &Arc<Outbox>> {
        let hear = self.0.iter().filter(move |audience| {
            !audience.outboxes[kind.number()].is_empty()
                && audience.only.binary_search_by(|one| one.as_str().cmp(extension)).is_ok()
        });
        hear.flat_map(move |audience| &audience.outboxes[kind.number()])
    }

    /// Each once.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Outbox>> {
        self.0.iter().flat_map(|audience| &audience.outboxes[Kind::Call.number()])
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn at(&self, only: &Arc<[Extension]>) -> Option<usize> {
        self.0.iter().position(|audience| Arc::ptr_eq(&audience.only, only) || audience.only == *only)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extensions(names: &[&str]) -> Arc<[Extension]> {
        names.iter().map(|name| Extension::try_from(*name).unwrap()).collect()
    }

    #[test]
    fn who_watches_the_same_stands_together_and_hears_of_nothing_else() {
        let [first, second, third] = [(); 3].map(|()| Arc::new(Outbox::new(Arc::default())));
        let mut audiences = Audiences::default();
        audiences.add(&extensions(&["200", "210"]), &[Kind::Call], &first);
        audiences.add(&extensions(&["200", "210"]), &Kind::ALL, &second);
        audiences.add(&extensions(&["210"]), &[Kind::Call], &third);
        audiences.add(&extensions(&[]), &[Kind::Call], &third);
        assert_eq!((audiences.0.len(), audiences.all().count()), (3, 4));
        let hear = |audiences: &Audiences, extension, kind| {
            let heard: Vec<_> = audiences.of(extension, kind).cloned().collect();
            [&first, &second, &third].map(|outbox| heard.iter().filter(|it| Arc::ptr_eq(it, outbox)).count())
        };
        assert_eq!(hear(&audiences, "200", Kind::Call), [1, 1, 0]);
        assert_eq!(hear(&audiences, "210", Kind::Call), [1, 1, 1]);
        assert_eq!(hear(&audiences, "210", Kind::Notice), [0, 1, 0]);
        assert_eq!(hear(&audiences, "21", Kind::Call), [0, 0, 0]);
        audiences.remove(&extensions(&["200", "210"]), &first);
        assert_eq!(hear(&audiences, "200", Kind::Call), [0, 1, 0]);
        audiences.remove(&extensions(&["200", "210"]), &second);
        audiences.remove(&extensions(&["210"]), &third);
        audiences.remove(&extensions(&[]), &third);
        assert!(audiences.is_empty());
    }
}
