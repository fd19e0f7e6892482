//! What a row of a settled item says: a head that is read at start, and the events, which are read when they are wanted.

use crate::{
    clock::Micros,
    id::{ItemKey, ItemName, Kind},
    item::{Event, ItemSet},
};

/// Between events: no JSON text has it.
const SEPARATOR: char = '\u{1e}';
/// The first byte: the form of what follows.
const FORM: u8 = 1;

const LIVE: u8 = 1;
const SHOWS: u8 = 2;
const FORGOTTEN: u8 = 4;

/// What an item is, without its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) key: ItemKey,
    pub(crate) version: u32,
    /// When its last change came, by callpop's clock.
    pub(crate) touched: Micros,
    /// The last row of the journal that this stands for.
    pub(crate) through: u64,
    pub(crate) is_live: bool,
    /// Whether the events make an item yet.
    pub(crate) shows: bool,
    pub(crate) is_forgotten: bool,
}

/// A row that was read.
pub(crate) struct SettledRow<'a> {
    flags: u8,
    kind: Kind,
    version: u32,
    pub(crate) touched: Micros,
    pub(crate) through: u64,
    /// Tenant, extension, source, id.
    names: [&'a str; 4],
    events: &'a [u8],
}

impl Head {
    pub(crate) fn new(key: ItemKey, set: &ItemSet, touched: Micros, through: u64) -> Self {
        let (is_live, shows) = (set.is_live(), set.makes_item());
        Self { key, version: set.version(), touched, through, is_live, shows, is_forgotten: false }
    }

    pub(super) fn forgotten(key: ItemKey, through: u64) -> Self {
        Self { key, version: 0, touched: 0, through, is_live: false, shows: false, is_forgotten: true }
    }

    pub(super) fn encode(&self, set: Option<&ItemSet>) -> serde_json::Result<Vec<u8>> {
        let Self { key, version, touched, through, is_live, shows, is_forgotten } = self;
        let flag = |is: &bool, flag| if *is { flag } else { 0 };
        let flags = flag(is_live, LIVE) | flag(shows, SHOWS) | flag(is_forgotten, FORGOTTEN);
        let mut says = vec![FORM, flags, key.kind.number() as u8];
        says.extend(version.to_le_bytes());
        says.extend(touched.to_le_bytes());
        says.extend(through.to_le_bytes());
        let ItemKey { tenant, extension, name, .. } = key;
        for name in [tenant.as_str(), extension.as_str(), name.source.as_str(), name.id.as_str()] {
            // An id has at most 128 bytes.
            says.push(name.len() as u8);
            says.extend(name.bytes());
        }
        if let Some(set) = set {
            set.pack(SEPARATOR, &mut says)?;
        }
        Ok(says)
    }
}

impl<'a> SettledRow<'a> {
    /// None where another version wrote it.
    pub(crate) fn decode(says: &'a [u8]) -> Option<Self> {
        let (fixed, mut rest) = says.split_at_checked(23)?;
        let kind = *Kind::ALL.get(usize::from(fixed[2]))?;
        let mut names = [""; 4];
        for name in &mut names {
            let (length, after) = rest.split_first()?;
            let (bytes, after) = after.split_at_checked(usize::from(*length))?;
            (*name, rest) = (std::str::from_utf8(bytes).ok()?, after);
        }
        (fixed[0] == FORM).then_some(Self {
            flags: fixed[1],
            kind,
            version: u32::from_le_bytes(fixed[3..7].try_into().ok()?),
            touched: u64::from_le_bytes(fixed[7..15].try_into().ok()?),
            through: u64::from_le_bytes(fixed[15..23].try_into().ok()?),
            names,
            events: rest,
        })
    }

    pub(crate) fn is_forgotten(&self) -> bool {
        self.flags & FORGOTTEN != 0
    }

    /// The row without its events.
    pub(crate) fn head(&self) -> Option<Head> {
        let [tenant, extension, source, id] = self.names;
        let name = ItemName { source: source.try_into().ok()?, id: id.try_into().ok()? };
        let (tenant, extension) = (tenant.try_into().ok()?, extension.try_into().ok()?);
        Some(Head {
            key: ItemKey { tenant, extension, kind: self.kind, name },
            version: self.version,
            touched: self.touched,
            through: self.through,
            is_live: self.flags & LIVE != 0,
            shows: self.flags & SHOWS != 0,
            is_forgotten: self.is_forgotten(),
        })
    }

    /// The whole item; none where another version wrote an event.
    pub(crate) fn set(&self) -> Option<(Head, ItemSet)> {
        let events = std::str::from_utf8(self.events).ok()?.split(SEPARATOR);
        let events: Option<Vec<_>> = events.map(|event| Event::unpack(self.kind, event).ok()).collect();
        Some((self.head()?, ItemSet::of(self.kind, events?, self.version)))
    }
}
