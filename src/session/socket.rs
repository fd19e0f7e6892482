//! One WebSocket: tungstenite reads it and answers its control frames; text frames are
//! written straight from their shared buffers, so that a connection holds no copy of them.

use crate::protocol::{CloseCode, Frame, MAX_CLIENT_FRAME};
use futures_util::{SinkExt, StreamExt};
use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message, Utf8Bytes,
        error::ProtocolError,
        protocol::{CloseFrame, Role, WebSocketConfig},
    },
};

/// Clients send small frames, so a small buffer, which grows for a larger one.
const READ_BUFFER: usize = 256;
/// Small frames that wait together are written together, up to so many bytes, and large ones in such parts.
const WRITE_TOGETHER: usize = 32 * 1024;
/// How long, and how much, is still read from a client that was told goodbye, so that the
/// system does not cut the goodbye off.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 8 * 1024 * 1024;

/// A connection after its handshake.
pub(crate) struct Socket {
    inner: WebSocketStream<TcpStream>,
    write_timeout: Duration,
}

/// What came from a client.
pub(crate) enum Incoming {
    Text(Utf8Bytes),
    /// A ping or a pong.
    SignOfLife,
    /// It said goodbye.
    Closed,
    /// The connection broke.
    Lost,
    /// It broke the protocol.
    Refused(&'static str),
}

impl Socket {
    /// Takes over a connection; `read` is what came after the handshake already.
    pub(crate) async fn new(stream: TcpStream, read: Vec<u8>, write_timeout: Duration) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_write_buffer_size(4096)
            .max_frame_size(Some(MAX_CLIENT_FRAME))
            .max_message_size(Some(MAX_CLIENT_FRAME));
        let inner = if read.is_empty() {
            WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await
        } else {
            WebSocketStream::from_partially_read(stream, read, Role::Server, Some(config)).await
        };
        Self { inner, write_timeout }
    }

    /// Waits for something from the client. Cancel safe.
    pub(crate) async fn receive(&mut self) -> Incoming {
        match self.inner.next().await {
            Some(Ok(Message::Text(text))) => Incoming::Text(text),
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Incoming::SignOfLife,
            Some(Ok(Message::Binary(_))) => Incoming::Refused("binary frames are not taken"),
            Some(Err(Error::Capacity(_))) => Incoming::Refused("a frame is larger than 64 KiB"),
            Some(Err(Error::Utf8(_))) => Incoming::Refused("a text frame is not UTF-8"),
            Some(Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))) => Incoming::Lost,
            Some(Err(Error::Protocol(_))) => Incoming::Refused("not the WebSocket protocol"),
            Some(Ok(Message::Close(_))) => {
                let _ = timeout(LINGER, self.inner.flush()).await;
                Incoming::Closed
            }
            Some(Ok(Message::Frame(_)) | Err(_)) | None => Incoming::Lost,
        }
    }

    /// Writes frames in order. An error, or a client that takes nothing for too long, is the end.
    pub(crate) async fn send(&mut self, frames: &[Frame]) -> io::Result<()> {
        if let [frame] = frames {
            return self.write(frame.as_bytes()).await;
        }
        let mut together = Vec::new();
        for frame in frames {
            if !together.is_empty() && together.len() + frame.as_bytes().len() > WRITE_TOGETHER {
                self.write(&together).await?;
                together.clear();
            }
            together.extend_from_slice(frame.as_bytes());
        }
        self.write(&together).await
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        // The deadline is for each part, so that a large frame may take longer than a small one.
        for part in bytes.chunks(WRITE_TOGETHER) {
            let written = async {
                // What tungstenite has not written whole, a pong, goes first.
                self.inner.flush().await.map_err(io::Error::other)?;
                self.inner.get_mut().write_all(part).await
            };
            timeout(self.write_timeout, written).await.map_err(io::Error::from)??;
        }
        Ok(())
    }

    /// Asks the client for a sign of life.
    pub(crate) async fn ping(&mut self) -> io::Result<()> {
        let ping = Message::Ping(bytes::Bytes::new());
        let sent = timeout(self.write_timeout, self.inner.send(ping)).await;
        sent.map_err(io::Error::from)?.map_err(io::Error::other)
    }

    /// Who is at the other end, while it is connected.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.inner.get_ref().peer_addr().ok()
    }

    /// Says why, and ends the connection in order: the client answers the goodbye first (RFC 6455,
    /// 7.1.1). To a client that sees the end of the connection before, it is as if nothing was said.
    pub(crate) async fn close(mut self, code: CloseCode, reason: &str) {
        let end = Instant::now() + LINGER;
        let frame = CloseFrame { code: code.number().into(), reason: reason.into() };
        let goodbye = async {
            self.inner.close(Some(frame)).await.map_err(io::Error::other)?;
            self.answered().await;
            io::Result::Ok(())
        };
        // What cannot be written needs no answer.
        if let Ok(Err(_)) = timeout_at(end, goodbye).await {
            return;
        }
        let stream = self.inner.get_mut();
        let _ = stream.shutdown().await;
        let mut rest = stream.take(LINGER_BYTES as u64);
        let _ = timeout_at(end, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
    }

    /// Waits for the client's own goodbye, within a bound of what it still sends.
    async fn answered(&mut self) {
        let mut left = LINGER_BYTES;
        while let Some(Ok(message)) = self.inner.next().await {
            left = left.saturating_sub(message.len());
            if message.is_close() || left == 0 {
                return;
            }
        }
    }
}
