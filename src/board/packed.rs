//! Figures as few bytes: numbers of seven bits a byte, texts behind their length, no names. What is read may be cut off
//! or damaged: then it is nothing.

use super::{agents::AgentTally, figures::Tally, tile::TimeOnCalls};
use crate::id::Extension;
use std::{collections::BTreeMap, sync::Arc};

/// What can be written so, and read again.
pub(super) trait Pack: Sized {
    /// Writes it behind what is there.
    fn pack(&self, to: &mut Vec<u8>);

    /// Reads it, and takes it away from the front.
    fn unpack(from: &mut &[u8]) -> Option<Self>;
}

/// Writes several things, or reads them in the same order.
macro_rules! pack_fields {
    ($of:ty: $($field:ident),*) => {
        impl Pack for $of {
            fn pack(&self, to: &mut Vec<u8>) {
                $(self.$field.pack(to);)*
            }

            fn unpack(from: &mut &[u8]) -> Option<Self> {
                Some(Self { $($field: Pack::unpack(from)?),* })
            }
        }
    };
}

pack_fields!(Tally: offered, answered, missed, short, unknown, open, within, late, unknown_start, waits, waits_missed,
    timed, talk, hold, note_delays, transferred, out, reached, connected, no_answer, internal, internal_talk, carried,
    callers, withheld);
pack_fields!(AgentTally: rang, took, passed, not_taken, brief, unknown, open, missed, took_first, received, out,
    reached, internal);
pack_fields!(TimeOnCalls: talk, internal, hold, ringing);

impl Pack for u64 {
    fn pack(&self, to: &mut Vec<u8>) {
        let mut rest = *self;
        while rest >= 0x80 {
            to.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        to.push(rest as u8);
    }

    fn unpack(from: &mut &[u8]) -> Option<Self> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = from.split_first()?;
            *from = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

impl Pack for u32 {
    fn pack(&self, to: &mut Vec<u8>) {
        u64::from(*self).pack(to);
    }

    fn unpack(from: &mut &[u8]) -> Option<Self> {
        u64::unpack(from)?.try_into().ok()
    }
}

impl Pack for Option<u64> {
    fn pack(&self, to: &mut Vec<u8>) {
        self.map_or(0, |number| number.saturating_add(1)).pack(to);
    }

    fn unpack(from: &mut &[u8]) -> Option<Self> {
        Some(u64::unpack(from)?.checked_sub(1))
    }
}

impl Pack for Arc<str> {
    fn pack(&self, to: &mut Vec<u8>) {
        (self.len() as u64).pack(to);
        to.extend(self.as_bytes());
    }

    fn unpack(from: &mut &[u8]) -> Option<Self> {
        let length = usize::try_from(u64::unpack(from)?).ok()?;
        let (text, rest) = from.split_at_checked(length)?;
        *from = rest;
        std::str::from_utf8(text).ok().map(Self::from)
    }
}

impl Pack for Extension {
    fn pack(&self, to: &mut Vec<u8>) {
        Arc::<str>::from(self.as_str()).pack(to);
    }

    fn unpack(from: &mut &[u8]) -> Option<Self> {
        Self::try_from(&*Arc::<str>::unpack(from)?).ok()
    }
}

impl<A: Pack, B: Pack> Pack for (A, B) {
    fn pack(&self, to: &mut Vec<u8>) {
        self.0.pack(to);
        self.1.pack(to);
    }

    fn unpack(from: &mut &[u8]) -> Option<Self> {
        Some((A::unpack(from)?, B::unpack(from)?))
    }
}

impl<K: Pack + Ord, V: Pack> Pack for BTreeMap<K, V> {
    fn pack(&self, to: &mut Vec<u8>) {
        (self.len() as u64).pack(to);
        for (key, value) in self {
            key.pack(to);
            value.pack(to);
        }
    }

    fn unpack(from: &mut &[u8]) -> Option<Self> {
        // One by one: a count that is not true takes no room.
        (0..u64::unpack(from)?).map(|_| <(K, V)>::unpack(from)).collect()
    }
}
