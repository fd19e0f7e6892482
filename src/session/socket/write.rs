//! Writing to a client that may read slowly. A large message goes in fragments (RFC 6455, 5.4), and what is begun of one
//! is remembered: so a write may be given up at any moment, and the goodbye still comes where a frame may stand.

use super::Socket;
use crate::protocol::Frame;
use bytes::{Buf, Bytes};
use futures_util::{FutureExt, SinkExt};
use std::{
    io::{self, IoSlice},
    pin::{Pin, pin},
    time::Duration,
};
use tokio::{io::AsyncWriteExt, time::timeout};

/// Small frames that wait together are written together, up to so many bytes; a larger one goes in fragments.
const WRITE_TOGETHER: usize = 32 * 1024;
const FRAGMENT: usize = 16 * 1024;
/// What a client reads of something large at least, in bytes a second, once its `write_timeout` is over.
const LEAST_PER_SECOND: usize = 64 * 1024;
/// The first bits of a frame.
const FINAL: u8 = 0x80;
const TEXT: u8 = 0x01;
const CONTINUED: u8 = 0x00;

/// What is to be written next: a header, and what it is of.
#[derive(Default)]
pub(super) struct Rest([Bytes; 3]);

impl Socket {
    /// Writes frames in order. An error, or a client that takes nothing for too long, is the end.
    pub(crate) async fn send(&mut self, frames: &[Frame]) -> io::Result<()> {
        let frames = match frames {
            [frame] if self.begin(frame)? => &[],
            frames => frames,
        };
        if frames.is_empty() && self.rest.is_empty() {
            return Ok(());
        }
        let bytes = frames.iter().map(|frame| frame.as_bytes().len()).sum();
        let patience = self.patience(bytes);
        let written = pin!(self.write_frames(frames));
        within(patience, written).await
    }

    /// Writes one message, which these are the parts of.
    pub(crate) async fn send_parts(&mut self, parts: [Bytes; 2]) -> io::Result<()> {
        let bytes = parts.iter().map(Bytes::len).sum();
        let patience = self.patience(bytes);
        let written = pin!(self.write_message(parts));
        within(patience, written).await
    }

    /// How long so many bytes may take together, beside the deadline for each piece of them.
    fn patience(&self, bytes: usize) -> Duration {
        self.write_timeout + Duration::from_secs((bytes / LEAST_PER_SECOND) as u64)
    }

    /// Writes a small frame as far as the system takes it now, nearly always whole: deadlines would cost more than the
    /// write. False where nothing of it is written.
    fn begin(&mut self, frame: &Frame) -> io::Result<bool> {
        let bytes = frame.as_bytes();
        if bytes.len() > WRITE_TOGETHER || !self.rest.is_empty() {
            return Ok(false);
        }
        // What tungstenite has not written whole, a pong, goes first.
        match SinkExt::flush(&mut self.inner).now_or_never() {
            Some(flushed) => flushed.map_err(io::Error::other)?,
            None => return Ok(false),
        }
        match self.inner.get_ref().stream.try_write(bytes) {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => {
                if written < bytes.len() {
                    self.rest = Rest([frame.to_bytes().slice(written..), Bytes::new(), Bytes::new()]);
                }
                Ok(true)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn write_frames(&mut self, frames: &[Frame]) -> io::Result<()> {
        if let [frame] = frames {
            return self.write_frame(frame).await;
        }
        let mut together = Vec::new();
        for frame in frames {
            if !together.is_empty() && together.len() + frame.as_bytes().len() > WRITE_TOGETHER {
                self.put([std::mem::take(&mut together).into(), Bytes::new(), Bytes::new()]).await?;
            }
            if frame.as_bytes().len() > WRITE_TOGETHER {
                self.write_frame(frame).await?;
            } else {
                together.extend_from_slice(frame.as_bytes());
            }
        }
        self.put([together.into(), Bytes::new(), Bytes::new()]).await
    }

    async fn write_frame(&mut self, frame: &Frame) -> io::Result<()> {
        if frame.as_bytes().len() > WRITE_TOGETHER {
            return self.write_message([frame.payload(), Bytes::new()]).await;
        }
        self.put([frame.to_bytes(), Bytes::new(), Bytes::new()]).await
    }

    async fn write_message(&mut self, [mut own, mut shared]: [Bytes; 2]) -> io::Result<()> {
        let mut opcode = TEXT;
        loop {
            let size = FRAGMENT.min(own.len() + shared.len());
            let of_own = own.split_to(size.min(own.len()));
            let of_shared = shared.split_to(size - of_own.len());
            let is_last = own.is_empty() && shared.is_empty();
            let header = header(if is_last { FINAL | opcode } else { opcode }, size as u16);
            self.put([header, of_own, of_shared]).await?;
            if is_last {
                return Ok(());
            }
            opcode = CONTINUED;
        }
    }

    /// Writes a piece, for which there is a deadline, so that a large message may take longer than a small one.
    async fn put(&mut self, piece: [Bytes; 3]) -> io::Result<()> {
        let limit = self.write_timeout;
        let written = pin!(async {
            self.finish().await?;
            // What tungstenite has not written whole, a pong, goes first.
            SinkExt::flush(&mut self.inner).await.map_err(io::Error::other)?;
            self.rest = Rest(piece);
            self.finish().await
        });
        within(limit, written).await
    }

    /// Writes the rest of what was begun. Cancel safe: what is left is known.
    pub(super) async fn finish(&mut self) -> io::Result<()> {
        let Self { inner, rest, .. } = self;
        while !rest.is_empty() {
            let written = inner.get_mut().write_vectored(&rest.slices()).await?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            rest.advance(written);
        }
        // What was shared is not held any longer.
        *rest = Rest::default();
        Ok(())
    }
}

impl Rest {
    fn is_empty(&self) -> bool {
        self.0.iter().all(Bytes::is_empty)
    }

    fn slices(&self) -> [IoSlice<'_>; 3] {
        self.0.each_ref().map(|part| IoSlice::new(part))
    }

    fn advance(&mut self, mut written: usize) {
        for part in &mut self.0 {
            let of_this = written.min(part.len());
            part.advance(of_this);
            written -= of_this;
        }
    }
}

/// The header of a fragment of a server, which is not masked.
fn header(first: u8, size: u16) -> Bytes {
    match size {
        0..=125 => Bytes::copy_from_slice(&[first, size as u8]),
        _ => {
            let [high, low] = size.to_be_bytes();
            Bytes::copy_from_slice(&[first, 126, high, low])
        }
    }
}

/// Pinned where it is asked for: what is handed over by value would be in the session twice.
async fn within(limit: Duration, written: Pin<&mut impl Future<Output = io::Result<()>>>) -> io::Result<()> {
    timeout(limit, written).await.map_err(io::Error::from)?
}
