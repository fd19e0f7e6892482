//! Who stands behind extensions, as the directory has it: names and groups.

use crate::{board::Membership, directory::Directory, id::Extension};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The people of one tenant.
#[derive(Debug, Default)]
pub(crate) struct People {
    rev: Arc<str>,
    names: BTreeMap<Extension, Option<Arc<str>>>,
    directory: Arc<Directory>,
    pub(crate) membership: Arc<Membership>,
}

impl People {
    pub(crate) fn of(directory: &Arc<Directory>) -> Self {
        let mut people =
            Self { rev: directory.etag().as_str().into(), directory: directory.clone(), ..Self::default() };
        let mut membership = Membership::new();
        let mut known: BTreeSet<Arc<str>> = BTreeSet::new();
        for (extension, name, groups) in directory.people() {
            let name = (!name.is_empty()).then(|| name.into());
            people.names.insert(extension.clone(), name);
            let groups = groups.iter().map(|group| {
                let shared = known.get(group.as_str()).cloned().unwrap_or_else(|| group.as_str().into());
                known.insert(shared.clone());
                shared
            });
            membership.insert(extension.clone(), groups.collect());
        }
        people.membership = Arc::new(membership);
        people
    }

    /// Which directory they are of.
    pub(crate) fn rev(&self) -> &str {
        &self.rev
    }

    /// All extensions of the directory.
    pub(crate) fn extensions(&self) -> impl Iterator<Item = &Extension> {
        self.names.keys()
    }

    pub(crate) fn has(&self, extension: &Extension) -> bool {
        self.names.contains_key(extension)
    }

    pub(crate) fn name(&self, of: &Extension) -> Option<&Arc<str>> {
        self.names.get(of)?.as_ref()
    }

    pub(crate) fn groups(&self, of: &Extension) -> &[Arc<str>] {
        self.membership.get(of).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether an extension is in one of these groups.
    pub(crate) fn is_in(&self, extension: &Extension, groups: &[Arc<str>]) -> bool {
        self.groups(extension).iter().any(|group| groups.contains(group))
    }

    /// What the directory gives to whoever a token names.
    pub(crate) fn assigned(&self, sub: &str) -> Arc<[Extension]> {
        self.directory.extensions_of(sub)
    }

    /// All groups that there are.
    pub(crate) fn all_groups(&self) -> BTreeSet<&Arc<str>> {
        self.membership.values().flatten().collect()
    }
}
