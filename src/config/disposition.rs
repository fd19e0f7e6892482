//! What a disposition may be: the same for those that are configured and those that a user writes.

/// The longest disposition, in characters.
pub(crate) const MAX_DISPOSITION_CHARS: usize = 64;

/// A text that cannot be a disposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a disposition is 1 to {MAX_DISPOSITION_CHARS} characters, not only spaces, without control characters"
)]
pub(crate) struct BadDisposition;

/// Whether a text can be a disposition.
pub(crate) fn check_disposition(text: &str) -> Result<(), BadDisposition> {
    let is_sound = !text.trim().is_empty()
        && text.chars().count() <= MAX_DISPOSITION_CHARS
        && !text.chars().any(char::is_control);
    if is_sound { Ok(()) } else { Err(BadDisposition) }
}
