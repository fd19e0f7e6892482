//! The bytes of a WebSocket, with every frame counted as it comes: also those that never make a message,
//! as empty fragments do. A frame beyond the budget is not read.

use super::state::Budget;
use crate::places::Place;
use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A connection whose client may send so many frames.
pub(crate) struct Metered {
    pub(crate) stream: TcpStream,
    /// Held until the end of the connection.
    pub(crate) place: Place,
    frames: Frames,
    allowance: Allowance,
}

/// How much is still taken.
enum Allowance {
    Frames(Budget),
    /// The last frames are read; what comes is too much.
    Spent,
    /// So many bytes, of whatever frames: a client is told goodbye, and its own is looked for.
    Bytes(usize),
}

/// Why nothing more is read.
#[derive(Debug, thiserror::Error)]
#[error("too many frames")]
pub(crate) struct TooManyFrames;

impl Metered {
    /// Counts from now on; `read` is what came before.
    pub(crate) fn new(stream: TcpStream, place: Place, budget: Budget, read: &[u8]) -> Self {
        let mut metered =
            Self { stream, place, frames: Frames::default(), allowance: Allowance::Frames(budget) };
        if metered.allowed(read) < read.len() {
            metered.allowance = Allowance::Spent;
        }
        metered
    }

    /// From now on takes so many bytes, and then no more.
    pub(crate) fn last(&mut self, bytes: usize) {
        self.allowance = Allowance::Bytes(bytes);
    }

    /// How many of these bytes are taken, from the first on.
    fn allowed(&mut self, bytes: &[u8]) -> usize {
        match &mut self.allowance {
            Allowance::Spent => 0,
            Allowance::Bytes(left) => {
                let taken = bytes.len().min(*left);
                *left -= taken;
                taken
            }
            Allowance::Frames(budget) => {
                let now = Instant::now();
                let taken = self.frames.read(bytes, || budget.spend(now));
                if taken < bytes.len() {
                    self.allowance = Allowance::Spent;
                }
                taken
            }
        }
    }
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let read = buffer.filled().len() - before;
        let taken = self.allowed(&buffer.filled()[before..]);
        buffer.set_filled(before + taken);
        // Nothing at all would be the end of the connection.
        Poll::Ready(if taken == 0 && read > 0 { Err(io::Error::other(TooManyFrames)) } else { Ok(()) })
    }
}

impl AsyncWrite for Metered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Where frames begin (RFC 6455, 5.2), as far as it takes to count them. What is no frame is for whoever
/// reads it to refuse.
#[derive(Default)]
struct Frames {
    head: Head,
    /// Of the frame's mask and payload, in bytes.
    left: u64,
}

#[derive(Default)]
enum Head {
    /// A frame begins with the next byte.
    #[default]
    First,
    /// The byte with the length is next.
    Second,
    /// So many bytes of the length are still to come, after which the mask may.
    Length { bytes: u8, is_masked: bool },
    /// The frame's head is read.
    Whole,
}

const MASK: u64 = 4;

impl Frames {
    /// Reads on, asking for each frame that begins whether it may; says how many bytes were read.
    fn read(&mut self, bytes: &[u8], mut may_begin: impl FnMut() -> bool) -> usize {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            match self.head {
                Head::Whole => {
                    let skipped = self.left.min((bytes.len() - at) as u64);
                    self.left -= skipped;
                    at += skipped as usize;
                    self.end_head();
                    continue;
                }
                Head::First if !may_begin() => break,
                Head::First => self.head = Head::Second,
                Head::Second => self.on_second(byte),
                Head::Length { bytes, is_masked } => {
                    self.left = self.left << 8 | u64::from(byte);
                    self.on_length(bytes - 1, is_masked);
                }
            }
            at += 1;
        }
        at
    }

    fn on_second(&mut self, byte: u8) {
        let is_masked = byte & 0x80 != 0;
        let (bytes, length) = match byte & 0x7f {
            126 => (2, 0),
            127 => (8, 0),
            short => (0, u64::from(short)),
        };
        self.left = length;
        self.on_length(bytes, is_masked);
    }

    fn on_length(&mut self, bytes: u8, is_masked: bool) {
        if bytes > 0 {
            self.head = Head::Length { bytes, is_masked };
            return;
        }
        self.left = self.left.saturating_add(if is_masked { MASK } else { 0 });
        self.head = Head::Whole;
        self.end_head();
    }

    /// The next frame begins where nothing is left of this one.
    fn end_head(&mut self) {
        if self.left == 0 {
            self.head = Head::First;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A masked frame with a payload of so many bytes.
    fn frame(length: usize) -> Vec<u8> {
        let mut frame = vec![0x81];
        match length {
            0..=125 => frame.push(0x80 | length as u8),
            126..=0xffff => {
                frame.push(0x80 | 126);
                frame.extend((length as u16).to_be_bytes());
            }
            _ => {
                frame.push(0x80 | 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.resize(frame.len() + 4 + length, 0x81);
        frame
    }

    #[test]
    fn every_frame_is_counted_however_it_comes() {
        let lengths = [0, 1, 125, 126, 300, 0xffff, 0x1_0000, 0, 0, 70_000];
        let bytes: Vec<u8> = lengths.iter().flat_map(|length| frame(*length)).collect();
        for part in [1, 2, 7, 256, 4096, bytes.len()] {
            let (mut frames, mut count) = (Frames::default(), 0);
            for part in bytes.chunks(part) {
                let all = frames.read(part, || {
                    count += 1;
                    true
                });
                assert_eq!(all, part.len());
            }
            assert_eq!(count, lengths.len(), "in parts of {part}");
        }
    }

    #[test]
    fn a_frame_that_may_not_begin_is_not_read() {
        let bytes = [frame(5), frame(0), frame(9)].concat();
        let mut left = 2;
        let read = Frames::default().read(&bytes, || {
            left -= 1;
            left >= 0
        });
        assert_eq!(read, frame(5).len() + frame(0).len());
    }

    #[test]
    fn what_is_no_frame_is_read_to_its_end() {
        let endless = [0xff; 100];
        assert_eq!(Frames::default().read(&endless, || true), 100);
        // Without a mask and without a payload a frame is two bytes.
        let mut count = 0;
        Frames::default().read(&[0, 0, 0, 0, 0], || {
            count += 1;
            true
        });
        assert_eq!(count, 3);
    }
}
