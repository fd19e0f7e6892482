//! A TCP connection as HTTP needs it: one whose client takes nothing is given up, and one that
//! ends while its client still sends is read on for a while. Without that, a client that sends
//! a large body before it reads would see a reset instead of the reply. One whose body was not
//! read is read before it ends, too: some clients take the end for a failure while they send.

use super::Unread;
use crate::places::Place;
use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};

/// A client may take nothing for so long.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);
/// How long, and how much, is read from a client that was answered early.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 8 * 1024 * 1024;

/// A connection of the HTTP server.
pub(crate) struct Connection {
    stream: TcpStream,
    /// Held until the end of the connection.
    place: Place,
    /// Runs while a write waits, and while the connection ends.
    deadline: Option<Pin<Box<Sleep>>>,
    ending: Option<usize>,
    unread: Unread,
    /// Our end was said.
    is_shut: bool,
}

impl Connection {
    /// Takes a connection that was accepted.
    pub(crate) fn new(stream: TcpStream, place: Place, unread: Unread) -> Self {
        Self { stream, place, deadline: None, ending: None, unread, is_shut: false }
    }

    /// The connection as it was, with its place, for another protocol.
    pub(crate) fn into_inner(self) -> (TcpStream, Place) {
        (self.stream, self.place)
    }

    /// Fails once what is waited for has taken too long.
    fn poll_deadline(&mut self, context: &mut Context<'_>, after: Duration) -> Poll<io::Error> {
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(sleep(after)));
        deadline.as_mut().poll(context).map(|()| io::ErrorKind::TimedOut.into())
    }

    fn written(
        &mut self,
        context: &mut Context<'_>,
        result: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if result.is_pending() {
            return self.poll_deadline(context, WRITE_DEADLINE).map(Err);
        }
        self.deadline = None;
        result
    }

    /// Reads what still comes until the client ends, within bounds of time and size.
    fn poll_linger(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.poll_drain(context).is_ready() || self.poll_deadline(context, LINGER).is_ready() {
            return Poll::Ready(());
        }
        Poll::Pending
    }

    /// Reads what still comes and throws it away, up to a bound, until the client ends.
    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut sink = [0; 8 * 1024];
        while self.ending.is_some_and(|drained| drained < LINGER_BYTES) {
            let mut buffer = ReadBuf::new(&mut sink);
            let read = ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer));
            let length = buffer.filled().len();
            if read.is_err() || length == 0 {
                break;
            }
            self.ending = self.ending.map(|drained| drained + length);
        }
        Poll::Ready(())
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.written(context, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.ending.is_none() {
            (self.ending, self.deadline) = (Some(0), None);
        }
        if !self.is_shut && self.unread.is_some() {
            ready!(self.poll_linger(context));
        }
        if !self.is_shut {
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            self.is_shut = true;
        }
        self.poll_linger(context).map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        metrics::Metrics,
        places::{Group, Places},
    };
    use tokio::{
        io::AsyncWriteExt,
        net::TcpListener,
        time::{Instant, timeout},
    };

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let stream = listener.accept().await.unwrap().0;
        let place = Places::new(None, &Metrics::default()).enter(Group::Private).await.unwrap();
        let mut connection = Connection::new(stream, place, Unread::default());
        let began = Instant::now();
        let given_up = async {
            loop {
                if let Err(error) = connection.write(&[0; 64 * 1024]).await {
                    return error.kind();
                }
            }
        };
        let why = timeout(WRITE_DEADLINE * 100, given_up).await;
        assert_eq!(why.expect("it is waited for without end"), io::ErrorKind::TimedOut);
        assert!(began.elapsed() >= WRITE_DEADLINE, "{:?}", began.elapsed());
        drop(client);
    }
}
