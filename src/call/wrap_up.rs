//! What a user may say of a call: bounds of what is stored, and sent to all who see it. Texts are
//! taken as they are or not at all, and what is refused is never repeated.

use crate::config::{BadDisposition, check_disposition};

/// The longest note, in characters.
pub(crate) const MAX_NOTE_CHARS: usize = 2000;

/// Why a wrap-up is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadWrapUp {
    #[error("the note has more than {MAX_NOTE_CHARS} characters")]
    LongNote,
    #[error("the note has a control character other than a line break or a tab")]
    ControlInNote,
    #[error(transparent)]
    Disposition(#[from] BadDisposition),
    #[error("the disposition is not one of those that are configured")]
    UnknownDisposition,
}

/// Whether a wrap-up is taken, where a disposition is to be one of `among`, or any, if there are none.
pub(crate) fn check_wrap_up(
    disposition: Option<&str>,
    note: &str,
    among: &[String],
) -> Result<(), BadWrapUp> {
    if let Some(disposition) = disposition {
        check_disposition(disposition)?;
        if !among.is_empty() && !among.iter().any(|known| known == disposition) {
            return Err(BadWrapUp::UnknownDisposition);
        }
    }
    if note.chars().count() > MAX_NOTE_CHARS {
        return Err(BadWrapUp::LongNote);
    }
    match note.chars().any(|it| it.is_control() && !matches!(it, '\n' | '\t')) {
        true => Err(BadWrapUp::ControlInNote),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_counted_in_characters_and_has_lines_and_tabs() {
        let check = |note: &str| check_wrap_up(None, note, &[]);
        for good in ["", "one\n\ttwo", &"é".repeat(MAX_NOTE_CHARS)] {
            assert_eq!(check(good), Ok(()));
        }
        assert_eq!(check(&"é".repeat(MAX_NOTE_CHARS + 1)), Err(BadWrapUp::LongNote));
        for bad in ["a\r", "a\0", "\u{1b}[31m", "\u{85}"] {
            assert_eq!(check(bad), Err(BadWrapUp::ControlInNote), "{bad:?}");
        }
    }

    #[test]
    fn a_disposition_is_one_of_those_that_are_configured_or_any() {
        let known = ["Resolved".to_owned(), "Call back".to_owned()];
        assert_eq!(check_wrap_up(Some("Resolved"), "", &known), Ok(()));
        assert_eq!(check_wrap_up(None, "x", &known), Ok(()));
        for strange in ["resolved", "Else"] {
            assert_eq!(check_wrap_up(Some(strange), "", &known), Err(BadWrapUp::UnknownDisposition));
            assert_eq!(check_wrap_up(Some(strange), "", &[]), Ok(()));
        }
        for bad in ["", " ", "a\nb", &"x".repeat(65)] {
            assert_eq!(
                check_wrap_up(Some(bad), "", &[]),
                Err(BadWrapUp::Disposition(BadDisposition)),
                "{bad:?}"
            );
        }
    }
}
