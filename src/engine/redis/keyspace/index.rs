//! What Redis says that a stream has: which items are live, and which changed when. What these items are is read after
//! it.
//!
//! A tenant's stream of some extensions is read from the tenant's indexes, and others' items are left out here: it may
//! be of thousands of extensions, and as many indexes of users would keep everybody waiting in the script for longer.
//! The tenant's are then read as far back as they go, since others' items stand between; what is further back in a busy
//! tenant is in no snapshot of it.

use super::{Keyspace, millis};
use crate::{
    clock::now,
    engine::{
        EngineError,
        redis::{keys, stored::Head},
    },
    feed::Stream,
    id::{Extension, ItemKey, Kind},
    link::{Request, call},
};
use redis::Cmd;

/// What an index says.
pub(super) struct Index {
    pub(super) head: Head,
    pub(super) floor: u64,
    pub(super) live: Vec<ItemKey>,
    pub(super) lists: Vec<Indexed>,
}

/// What one of a stream's indexes holds: items of one kind, of one user or of the tenant, and their numbers.
pub(super) struct Indexed {
    pub(super) kind: Kind,
    /// It may have been cut: not all that changed is in it.
    pub(super) is_full: bool,
    pub(super) items: Vec<(ItemKey, u64)>,
}

/// Which part of an index is read.
#[derive(Clone, Copy)]
pub(super) enum Part<'a> {
    /// The live items, and those that changed last.
    Latest,
    /// Those that changed after a number of an epoch.
    After { epoch: &'a str, seq: u64 },
}

/// Members and their numbers, as an index holds them.
type List = Vec<(String, u64)>;

/// The epoch, number and floor, the live members, and a list of each index.
type Answer = (String, u64, u64, Vec<String>, Vec<List>);

impl Keyspace {
    /// Reads which items a stream has.
    pub(super) async fn index(&self, stream: &Stream, part: Part<'_>) -> Result<Index, EngineError> {
        let indexes = self.indexes(stream);
        let ask = self.ask_index(stream, part, &indexes);
        let (epoch, seq, floor, live, lists): Answer =
            self.link.ask(Request::Script(&self.index, &ask)).await?;
        let is_all = !is_some_of_tenant(stream);
        let item = |member: &str| {
            let is_theirs = is_all || stream.has(keys::extension_of(member));
            is_theirs.then(|| keys::item_of(stream.tenant(), member)).flatten()
        };
        let live: Vec<ItemKey> = live.iter().filter_map(|member| item(member)).collect();
        let listed = |((kind, _), list): ((Kind, String), List)| {
            let is_full = list.len() >= self.indexed(stream, kind);
            // Live items stand among the others.
            let most = match part {
                Part::Latest => self.recent(stream, kind) + live.len(),
                Part::After { .. } => usize::MAX,
            };
            let items = list.into_iter().filter_map(|(member, seq)| Some((item(&member)?, seq))).take(most);
            Indexed { kind, is_full, items: items.collect() }
        };
        let lists = indexes.into_iter().zip(lists).map(listed).collect();
        Ok(Index { head: Head { epoch: epoch.into(), seq }, floor, live, lists })
    }

    /// The keys of a stream's indexes.
    fn indexes(&self, stream: &Stream) -> Vec<(Kind, String)> {
        let keys = self.keys.tenant(stream.tenant());
        match stream {
            Stream::Tenant { kinds, .. } => kinds.iter().map(|kind| (*kind, keys.changes(*kind))).collect(),
            Stream::User { extensions, .. } => {
                let of_user = |user| Kind::ALL.map(|kind| (kind, keys.user(kind, user)));
                extensions.iter().flat_map(of_user).collect()
            }
        }
    }

    fn ask_index(&self, stream: &Stream, part: Part<'_>, indexes: &[(Kind, String)]) -> Cmd {
        let keys = self.keys.tenant(stream.tenant());
        // Some of nobody are nobody's: without the word, the script would take them for all.
        let (whose, users): (&str, &[Extension]) = match stream {
            Stream::Tenant { .. } => ("all", &[]),
            Stream::User { extensions, .. } => ("some", extensions),
        };
        let mut ask = call(&self.index, 2 + indexes.len());
        ask.arg(keys.head()).arg(keys.live());
        indexes.iter().for_each(|(_, index)| _ = ask.arg(index));
        ask.arg(self.fresh_epoch()).arg(now() / 1000).arg(millis(self.hold));
        match part {
            Part::Latest => ask.arg("latest").arg(0),
            Part::After { epoch, seq } => ask.arg(epoch).arg(seq),
        };
        for (kind, _) in indexes {
            ask.arg(match part {
                Part::Latest if !is_some_of_tenant(stream) => self.recent(stream, *kind),
                _ => self.indexed(stream, *kind),
            });
        }
        ask.arg(whose);
        users.iter().for_each(|user| _ = ask.arg(user.as_str()));
        ask
    }
}

fn is_some_of_tenant(stream: &Stream) -> bool {
    matches!(stream, Stream::Tenant { only: Some(_), .. })
}
