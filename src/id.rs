//! The ids that everything is kept and delivered by: short texts, taken as a provider or a token
//! writes them. What an id belongs to is not known here.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::{borrow::Borrow, fmt};

/// Why a text cannot be an id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("must be {0}")]
pub(crate) struct BadId(&'static str);

/// The longest id that is taken, in bytes.
pub(crate) const MAX_ID_BYTES: usize = 128;
/// The longest name of a source, in bytes.
const MAX_SOURCE_BYTES: usize = 32;

/// What a provider or a token writes.
const GIVEN: (fn(&str) -> bool, BadId) =
    (is_short_text, BadId("1 to 128 bytes of text without control characters"));
/// What an operator calls something.
const CHOSEN: (fn(&str) -> bool, BadId) =
    (is_plain_name, BadId("a lower-case letter, and then at most 31 of a to z, 0 to 9 and _"));

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $form:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        #[cfg_attr(test, derive(ts_rs::TS), ts(type = "string"))]
        pub(crate) struct $name(SmolStr);

        impl $name {
            /// The id as text.
            pub(crate) fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<&str> for $name {
            type Error = BadId;

            fn try_from(text: &str) -> Result<Self, BadId> {
                let (is_sound, bad) = $form;
                if is_sound(text) { Ok(Self(text.into())) } else { Err(bad) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;

            fn try_from(text: String) -> Result<Self, BadId> {
                Self::try_from(text.as_str())
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn is_short_text(text: &str) -> bool {
    // Mostly ASCII, of which a byte is a character.
    let has_control = if text.is_ascii() {
        text.bytes().any(|byte| byte.is_ascii_control())
    } else {
        text.chars().any(char::is_control)
    };
    (1..=MAX_ID_BYTES).contains(&text.len()) && !has_control
}

fn is_plain_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    text.len() <= MAX_SOURCE_BYTES
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(is_plain)
}

id! {
    /// A customer of the telephony provider; everything is separate by tenant.
    TenantId, GIVEN
}
id! {
    /// A user's extension, unique within its tenant only.
    Extension, GIVEN
}
id! {
    /// An item, as its source names it: one participant's part of a call, or a notice.
    ItemId, GIVEN
}
id! {
    /// Where something came from: the name that a source has in the configuration.
    SourceName, CHOSEN
}

/// The kinds of item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Call,
    Notice,
}

/// Whose item it is, and which: the key of everything that is stored and delivered.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct ItemKey {
    pub(crate) tenant: TenantId,
    pub(crate) extension: Extension,
    pub(crate) kind: Kind,
    pub(crate) name: ItemName,
}

/// An item among those of its kind and user: the same id from two sources is two items.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct ItemName {
    pub(crate) source: SourceName,
    pub(crate) id: ItemId,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::Call, Self::Notice];

    /// What stands for it where it is stored, and whose place it has in a list by kind.
    pub(crate) fn number(self) -> usize {
        self as usize
    }

    /// That number as it is written in the name of a key.
    pub(crate) fn digit(self) -> &'static str {
        match self {
            Self::Call => "0",
            Self::Notice => "1",
        }
    }

    /// The kind of a number.
    pub(crate) fn of_number(number: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.digit() == number)
    }
}

#[cfg(test)]
impl ItemName {
    /// An item of the usual source.
    pub(crate) fn of(id: &str) -> Self {
        Self { source: "telsmart".try_into().unwrap(), id: id.try_into().unwrap() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_found_by_its_number() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of_number(&kind.number().to_string()), Some(kind));
        }
        for strange in ["", "2", "00", "-1", "call"] {
            assert_eq!(Kind::of_number(strange), None, "{strange:?}");
        }
    }

    #[test]
    fn ids_are_short_printable_text() {
        assert!(ItemId::try_from("590e9492-cbbc-4252-8205-7eb595099b5f").is_ok());
        for bad in ["", "a\nb", &"x".repeat(MAX_ID_BYTES + 1)] {
            assert!(ItemId::try_from(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_source_has_a_plain_name() {
        for good in ["telsmart", "a", "clinic_2", &"x".repeat(32)] {
            assert!(SourceName::try_from(good).is_ok(), "{good}");
        }
        for bad in ["", "Clinic", "2nd", "_a", "a-b", "a.b", "é", &"x".repeat(33)] {
            assert!(SourceName::try_from(bad).is_err(), "{bad}");
        }
    }
}
