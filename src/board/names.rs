//! The names that colleagues' telephones showed of extensions. Of several the last counts, the same one on every node.

use super::fact::LegFact;
use crate::{clock::Micros, id::Extension};
use std::{collections::BTreeMap, sync::Arc};

/// By extension: how many of the legs that are known showed which name, by when they began.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<Extension, BTreeMap<(Micros, Arc<str>), u32>>);

impl Names {
    /// Takes what a leg shows in the place of what it showed before, and forgets that: nobody who comes later could know
    /// it. Gives the extensions whose names may be others.
    pub(super) fn learn(
        &mut self,
        before: Option<&LegFact>,
        fact: Option<&LegFact>,
    ) -> [Option<Extension>; 2] {
        let (old, new) = (before.and_then(shown), fact.and_then(shown));
        if old == new {
            return [None, None];
        }
        if let Some((of, at, name)) = &old
            && let Some(known) = self.0.get_mut(of)
        {
            let key = (*at, name.clone());
            let times = known.get(&key).copied().unwrap_or_default();
            match times {
                0 | 1 => _ = known.remove(&key),
                _ => _ = known.insert(key, times - 1),
            }
            if known.is_empty() {
                self.0.remove(of);
            }
        }
        if let Some((of, at, name)) = &new {
            let known = self.0.entry(of.clone()).or_default();
            // Most legs show the same one.
            let last = known.last_key_value().map(|((_, last), _)| last).filter(|last| *last == name);
            let name = last.unwrap_or(name).clone();
            *known.entry((*at, name)).or_default() += 1;
        }
        [old.map(|(of, ..)| of), new.map(|(of, ..)| of)]
    }

    /// The name that was shown last of an extension, where one was.
    pub(super) fn get(&self, of: &Extension) -> Option<&Arc<str>> {
        last(self.0.get(of)?)
    }

    /// All extensions with a name, in their order.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Extension, &Arc<str>)> {
        self.0.iter().filter_map(|(extension, known)| Some((extension, last(known)?)))
    }
}

fn last(known: &BTreeMap<(Micros, Arc<str>), u32>) -> Option<&Arc<str>> {
    known.last_key_value().map(|((_, name), _)| name)
}

/// Of whom a leg shows which name.
fn shown(fact: &LegFact) -> Option<(Extension, Micros, Arc<str>)> {
    let peer = Extension::try_from(fact.peer.as_deref()?).ok()?;
    Some((peer, fact.start, fact.peer_name.clone()?))
}
