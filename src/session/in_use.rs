//! What several may use under one key at the same time. It is made for the first of them, and forgotten with the last.

use dashmap::DashMap;
use std::{hash::Hash, sync::Arc};

/// All that is used now, and by how many.
pub(super) struct InUse<K: Eq + Hash, V>(Arc<DashMap<K, (Arc<V>, usize)>>);

/// One use, until it is dropped.
pub(super) struct Hold<K: Eq + Hash, V> {
    all: Arc<DashMap<K, (Arc<V>, usize)>>,
    key: K,
    pub(super) value: Arc<V>,
}

impl<K: Eq + Hash, V> Default for InUse<K, V> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash + Clone, V> InUse<K, V> {
    /// Uses what stands under a key, which is made where nobody does.
    pub(super) fn hold(&self, key: K, make: impl FnOnce() -> V) -> Hold<K, V> {
        let mut entry = self.0.entry(key.clone()).or_insert_with(|| (Arc::new(make()), 0));
        let (value, uses) = entry.value_mut();
        *uses += 1;
        Hold { all: self.0.clone(), key, value: value.clone() }
    }
}

impl<K: Eq + Hash, V> Drop for Hold<K, V> {
    fn drop(&mut self) {
        self.all.remove_if_mut(&self.key, |_, (_, uses)| {
            *uses -= 1;
            *uses == 0
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn it_is_one_for_all_who_use_it_and_forgotten_with_the_last() {
        let (all, made) = (InUse::<u8, usize>::default(), AtomicUsize::new(0));
        let hold = |key| all.hold(key, || made.fetch_add(1, Ordering::Relaxed));
        let (first, second, other) = (hold(1), hold(1), hold(2));
        assert_eq!([*first.value, *second.value, *other.value], [0, 0, 1]);
        drop(first);
        assert_eq!(*hold(1).value, 0);
        drop((second, other));
        assert!(all.0.is_empty());
        assert_eq!(*hold(1).value, 2);
    }
}
