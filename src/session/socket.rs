//! One WebSocket: tungstenite reads it and answers its control frames; text frames are
//! written straight from their shared buffers (`write`), so that a connection holds no copy of them.

mod write;

use super::{
    meter::{Metered, TooManyFrames},
    state::Budget,
};
use crate::{
    places::{Holder, Place},
    protocol::{CloseCode, MAX_CLIENT_FRAME},
};
use futures_util::{SinkExt, StreamExt};
use std::{io, net::SocketAddr, sync::Arc, time::Duration};
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
use write::Rest;

/// Clients send small frames, so a small buffer, which grows for a larger one.
const READ_BUFFER: usize = 256;
/// How long, and how much, is still read from a client that was told goodbye, so that the
/// system does not cut the goodbye off.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 8 * 1024 * 1024;

/// A connection after its handshake.
pub(crate) struct Socket {
    inner: WebSocketStream<Metered>,
    write_timeout: Duration,
    /// What of a frame was begun and is not written yet.
    rest: Rest,
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
    /// It sent more frames than its budget has.
    TooMany,
}

impl Socket {
    /// Takes over a connection; `read` is what came after the handshake already.
    pub(crate) async fn new(
        (stream, place): (TcpStream, Place),
        read: Vec<u8>,
        budget: Budget,
        write_timeout: Duration,
    ) -> Self {
        let stream = Metered::new(stream, place, budget, &read);
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
        Self { inner, write_timeout, rest: Rest::default() }
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
            Some(Err(Error::Io(error))) if error.get_ref().is_some_and(|why| why.is::<TooManyFrames>()) => {
                Incoming::TooMany
            }
            Some(Err(Error::Protocol(_))) => Incoming::Refused("not the WebSocket protocol"),
            Some(Ok(Message::Close(_))) => {
                let _ = timeout(LINGER, self.inner.flush()).await;
                Incoming::Closed
            }
            Some(Ok(Message::Frame(_)) | Err(_)) | None => Incoming::Lost,
        }
    }

    /// Asks the client for a sign of life.
    pub(crate) async fn ping(&mut self) -> io::Result<()> {
        let ping = Message::Ping(bytes::Bytes::new());
        let sent = timeout(self.write_timeout, self.inner.send(ping)).await;
        sent.map_err(io::Error::from)?.map_err(io::Error::other)
    }

    /// Who is at the other end, while it is connected.
    pub(crate) fn peer(&self) -> Option<SocketAddr> {
        self.inner.get_ref().stream.peer_addr().ok()
    }

    /// Who has the connection's place.
    pub(crate) fn holder(&self) -> Arc<Holder> {
        self.inner.get_ref().place.holder().clone()
    }

    /// Says why, and ends the connection in order: the client answers the goodbye first (RFC 6455,
    /// 7.1.1). To a client that sees the end of the connection before, it is as if nothing was said.
    pub(crate) async fn close(mut self, code: CloseCode, reason: &str) {
        let end = Instant::now() + LINGER;
        self.inner.get_mut().last(LINGER_BYTES);
        let frame = CloseFrame { code: code.number().into(), reason: reason.into() };
        let goodbye = async {
            self.finish().await?;
            self.inner.close(Some(frame)).await.map_err(io::Error::other)?;
            // Its own goodbye is waited for, within a bound of what it still sends.
            while let Some(Ok(message)) = self.inner.next().await
                && !message.is_close()
            {}
            io::Result::Ok(())
        };
        // What cannot be written needs no answer.
        if let Ok(Err(_)) = timeout_at(end, goodbye).await {
            return;
        }
        let stream = &mut self.inner.get_mut().stream;
        let _ = stream.shutdown().await;
        let mut rest = stream.take(LINGER_BYTES as u64);
        let _ = timeout_at(end, tokio::io::copy(&mut rest, &mut tokio::io::sink())).await;
    }
}
