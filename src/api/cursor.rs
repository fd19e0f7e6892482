//! From where a list goes on: opaque to whoever asks, and of no use with another question.

use crate::{board::ConversationId, clock::Micros};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use xxhash_rust::xxh3::xxh3_64;

/// The last conversation that was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) start: Micros,
    pub(super) id: ConversationId,
}

impl Cursor {
    /// As it is handed out, for a question.
    pub(super) fn write(&self, question: &str) -> String {
        let says = format!("{}.{}", self.start, self.id);
        URL_SAFE_NO_PAD.encode(format!("{says}.{:016x}", mark(question, &says)))
    }

    /// None where it was changed on the way, or is of another question.
    pub(super) fn read(text: &str, question: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (says, marked) = text.rsplit_once('.')?;
        let (start, id) = says.split_once('.')?;
        let is_ours = format!("{:016x}", mark(question, says)) == marked;
        is_ours.then_some(Self { start: start.parse().ok()?, id: ConversationId::parse(id)? })
    }
}

/// No secret: a cursor lets nobody see more, since who asks is looked at anew each time.
fn mark(question: &str, says: &str) -> u64 {
    xxh3_64(format!("{question}\n{says}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_with_its_question_only() {
        let cursor = Cursor { start: 7, id: ConversationId::parse(&"0a".repeat(16)).unwrap() };
        let written = cursor.write("t kind=inbound");
        assert_eq!(Cursor::read(&written, "t kind=inbound"), Some(cursor));
        assert_eq!(Cursor::read(&written, "t kind=outbound"), None);
        for nth in 0..written.len() {
            let other = if written.as_bytes()[nth] == b'A' { "B" } else { "A" };
            let mut changed = written.clone();
            changed.replace_range(nth..=nth, other);
            assert_eq!(Cursor::read(&changed, "t kind=inbound"), None, "{changed}");
        }
    }
}
