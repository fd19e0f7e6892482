//! What summaries say. It is kept apart from the events, so that whoever reads those does not move it, and compressed.
//! Of a leg only the latest is kept, since nobody is shown another; which one it is stands before it.

use super::{
    keys::SEPARATOR,
    keyspace::{Found, Keyspace, UNREADABLE},
};
use crate::{call::Content, engine::EngineError, event_set::Identity, id::TenantId, link::Request};
use redis::pipe;
use serde_json::value::RawValue;

/// Of zstd: more takes longer and saves little of a text of some KiB.
const LEVEL: i32 = 3;
/// So much is read in one go, in bytes of JSON, unless one alone has more.
const AT_ONCE: usize = 256 * 1024;
/// No content has more: no webhook may have more bytes, whatever is configured.
const MAX_BYTES: usize = 32 * 1024 * 1024;
/// What is compressed has any byte; the separator of what is published is written as two others.
const ESCAPE: u8 = 0x1d;
const SEPARATING: u8 = SEPARATOR as u8;

/// Compresses what a summary says.
pub(super) fn shrink(json: &str) -> Result<Vec<u8>, EngineError> {
    let small = zstd::bulk::compress(json.as_bytes(), LEVEL).map_err(|_| UNREADABLE)?;
    let mut escaped = Vec::with_capacity(small.len() + small.len() / 64);
    for byte in small {
        match byte {
            SEPARATING | ESCAPE => escaped.extend([ESCAPE, byte ^ 0x40]),
            byte => escaped.push(byte),
        }
    }
    Ok(escaped)
}

/// What was compressed, of that event and so many bytes; none where it is of another one, or cannot be read.
pub(super) fn told(stored: &[u8], which: Identity, bytes: usize) -> Option<Content> {
    let of = which.to_string();
    let escaped = stored.strip_prefix(of.as_bytes())?.strip_prefix(b"=")?;
    let (mut small, mut rest) = (Vec::with_capacity(escaped.len()), escaped.iter());
    while let Some(byte) = rest.next() {
        small.push(if *byte == ESCAPE { rest.next()? ^ 0x40 } else { *byte });
    }
    let json = zstd::bulk::decompress(&small, bytes.min(MAX_BYTES)).ok()?;
    let json = RawValue::from_string(String::from_utf8(json).ok()?).ok()?;
    Some(Content::new(json))
}

impl Keyspace {
    /// Adds to items what their latest summaries say, where that has no more than so many bytes, piece by piece. What
    /// has been replaced meanwhile is left out: the change by which it was is still to come.
    pub(super) async fn tell(
        &self,
        tenant: &TenantId,
        found: &mut [Found],
        most: usize,
    ) -> Result<(), EngineError> {
        let names = self.keys.tenant(tenant);
        let mut gone = Vec::new();
        for piece in pieces(found, most) {
            let mut read = pipe();
            for (nth, ..) in &piece {
                read.cmd("GET").arg(names.content(&found[*nth].key));
            }
            let stored: Vec<Option<Vec<u8>>> = self.link.ask(Request::Pipeline(&read)).await?;
            for ((nth, which, bytes), stored) in piece.into_iter().zip(stored) {
                match stored.and_then(|stored| told(&stored, which, bytes)) {
                    Some(content) => {
                        found[nth].stored.bytes += bytes;
                        found[nth].stored.set.tell(which, content);
                    }
                    None => gone.push(nth),
                }
            }
        }
        self.tell_of_settled(tenant, found, gone).await
    }

    /// What has been settled since it was read has what its summary says in its one value.
    async fn tell_of_settled(
        &self,
        tenant: &TenantId,
        found: &mut [Found],
        gone: Vec<usize>,
    ) -> Result<(), EngineError> {
        if gone.is_empty() {
            return Ok(());
        }
        let keys = gone.iter().map(|nth| found[*nth].key.clone()).collect();
        let mut items = self.read(tenant, keys, None).await?.unwrap_or_default();
        for nth in gone {
            let Found { key, stored } = &mut found[nth];
            // Where something happened to it besides, that change is still to come.
            if let Some(now) = items.remove(&*key).filter(|now| now.set.version() == stored.set.version()) {
                *stored = now;
            }
        }
        Ok(())
    }
}

/// A place among the items that were found, which of its events says something apart, and how many bytes.
type Wanted = (usize, Identity, usize);

/// What is wanted of items, in parts that may be read in one go.
fn pieces(found: &[Found], most: usize) -> Vec<Vec<Wanted>> {
    let (mut pieces, mut together) = (Vec::<Vec<Wanted>>::new(), 0);
    for (nth, found) in found.iter().enumerate() {
        let Some((which, bytes)) = found.stored.set.apart().filter(|(_, bytes)| *bytes <= most) else {
            continue;
        };
        together += bytes;
        match pieces.last_mut() {
            Some(piece) if together <= AT_ONCE => piece.push((nth, which, bytes)),
            _ => {
                together = bytes;
                pieces.push(vec![(nth, which, bytes)]);
            }
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHICH: Identity = Identity { at: 1_765_209_708_105_127, rank: 4, digest: 0xabc };

    fn stored(json: &str) -> Vec<u8> {
        [format!("{WHICH}=").as_bytes(), &shrink(json).unwrap()].concat()
    }

    #[test]
    fn what_is_compressed_is_read_back_and_holds_no_separator() {
        for length in [0, 1, 100, 5_000, 20_000] {
            let json = serde_json::to_string(&"aé\u{1e}\u{1d}x".repeat(length)).unwrap();
            let stored = stored(&json);
            assert!(!stored.contains(&SEPARATING));
            assert_eq!(told(&stored, WHICH, json.len()).unwrap().text(), Some(&*json));
        }
        // Of all bytes, as they are where little can be compressed.
        let noise = |at: u32| char::from(b'0' + (at.wrapping_mul(2_654_435_761) >> 24) as u8 % 64);
        let noise = serde_json::to_string(&(0..20_000).map(noise).collect::<String>()).unwrap();
        assert_eq!(told(&stored(&noise), WHICH, noise.len()).unwrap().text(), Some(&*noise));
    }

    #[test]
    fn what_is_of_another_summary_or_no_such_thing_is_not_told() {
        let stored = stored("{}");
        let other = Identity { digest: 0xabd, ..WHICH };
        assert!(told(&stored, other, 2).is_none() && told(&stored, WHICH, 1).is_none());
        assert!(told(&stored[..stored.len() - 1], WHICH, 2).is_none());
        for strange in [&b""[..], b"=", b"x", &[ESCAPE]] {
            assert!(told(strange, WHICH, 2).is_none());
        }
    }
}
