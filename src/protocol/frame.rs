//! A text frame as it goes over the wire. A server's frames are not masked, so one encoding
//! serves every connection.

use super::ServerFrame;
use bytes::Bytes;

/// The header of a whole, unmasked text frame is at most so long (RFC 6455, 5.2).
const MAX_HEADER: usize = 10;
/// The final frame of a message, of text.
const FINAL_TEXT: u8 = 0x81;
/// Where a call without a summary fits without growing.
const USUAL_SIZE: usize = 1024;

/// A frame with its header, shared by all who are to get it.
#[derive(Clone, Debug)]
pub(crate) struct Frame(Bytes);

impl Frame {
    /// What it says, without its header.
    pub(crate) fn payload(&self) -> Bytes {
        let header = match self.0[1] {
            126 => 4,
            127 => MAX_HEADER,
            _ => 2,
        };
        self.0.slice(header..)
    }

    /// All of it, for whoever writes it later.
    pub(crate) fn to_bytes(&self) -> Bytes {
        self.0.clone()
    }

    /// What is to be written to the connection.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&ServerFrame<'_>> for Frame {
    fn from(frame: &ServerFrame<'_>) -> Self {
        let mut bytes = Vec::with_capacity(USUAL_SIZE);
        bytes.resize(MAX_HEADER, 0);
        // Frames hold numbers, texts and JSON that was parsed before, and memory takes what is
        // written: they always encode.
        let _ = serde_json::to_writer(&mut bytes, frame);
        let payload = bytes.len() - MAX_HEADER;
        // The length stands at the end of the header, in as many bytes as it needs.
        bytes[2..MAX_HEADER].copy_from_slice(&(payload as u64).to_be_bytes());
        let (start, length) = match payload {
            0..=125 => (MAX_HEADER - 2, payload as u8),
            126..=0xffff => (MAX_HEADER - 4, 126),
            _ => (0, 127),
        };
        bytes[start..start + 2].copy_from_slice(&[FINAL_TEXT, length]);
        Self(Bytes::from(bytes).slice(start..))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::ErrorCode;
    use tokio_tungstenite::tungstenite::protocol::frame::FrameSocket;

    #[test]
    fn what_is_framed_is_read_by_others() {
        for length in [0, 50, 125, 126, 1000, 65_535, 65_536, 200_000] {
            let detail = "x".repeat(length);
            let frame = ServerFrame::Error {
                code: ErrorCode::UnknownCall,
                detail: &detail,
                item: Default::default(),
            };
            let bytes = Frame::from(&frame);
            assert_eq!(bytes.payload(), serde_json::to_vec(&frame).unwrap());
            let mut reader = FrameSocket::new(bytes.as_bytes());
            let read = reader.read(None).unwrap().unwrap();
            assert!(read.header().is_final);
            assert_eq!(read.into_text().unwrap().as_str(), serde_json::to_string(&frame).unwrap());
            assert!(reader.into_inner().1.is_empty());
        }
    }
}
