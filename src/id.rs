//! The ids that everything is kept and delivered by: short texts, taken as a provider or a token
//! writes them. What an id belongs to is not known here.

use serde::{Deserialize, Serialize};
use std::{borrow::Borrow, fmt, sync::Arc};

/// Why a text cannot be an id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("must be 1 to {MAX_ID_BYTES} bytes of text without control characters")]
pub(crate) struct BadId;

/// The longest id that is taken, in bytes.
pub(crate) const MAX_ID_BYTES: usize = 128;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String")]
        #[cfg_attr(test, derive(ts_rs::TS), ts(type = "string"))]
        pub(crate) struct $name(Arc<str>);

        impl $name {
            /// The id as text.
            pub(crate) fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<&str> for $name {
            type Error = BadId;

            fn try_from(text: &str) -> Result<Self, BadId> {
                let sound = (1..=MAX_ID_BYTES).contains(&text.len())
                    && !text.chars().any(char::is_control);
                if sound { Ok(Self(text.into())) } else { Err(BadId) }
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

id! {
    /// A customer of the telephony provider; everything is separate by tenant.
    TenantId
}
id! {
    /// A user's extension, unique within its tenant only.
    Extension
}
id! {
    /// One participant's part of a call, as the provider names it.
    LegId
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_printable_text() {
        assert!(LegId::try_from("590e9492-cbbc-4252-8205-7eb595099b5f").is_ok());
        for bad in ["", "a\nb", &"x".repeat(MAX_ID_BYTES + 1)] {
            assert_eq!(LegId::try_from(bad), Err(BadId));
        }
    }
}
