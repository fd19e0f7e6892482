//! Whether a request was answered before its body was read. Its client may still be sending, and
//! would see the end of the connection before the answer, if that came at once.

use axum::body::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

/// Whether something of a request of a connection was never read. That was its last one, then.
#[derive(Clone, Default)]
pub(crate) struct Unread(Arc<AtomicBool>);

/// A request's body, which tells when it is given up before its end.
pub(crate) struct Watched<B: Body> {
    body: B,
    unread: Unread,
    is_read: bool,
}

impl Unread {
    /// Whether there is something.
    pub(crate) fn is_some(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl<B: Body> Watched<B> {
    /// A body from its beginning.
    pub(crate) fn new(body: B, unread: Unread) -> Self {
        let is_read = body.is_end_stream();
        Self { body, unread, is_read }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Watched<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        self.is_read = matches!(frame, None | Some(Err(_))) || self.body.is_end_stream();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B: Body> Drop for Watched<B> {
    fn drop(&mut self) {
        if !self.is_read {
            self.unread.0.store(true, Ordering::Relaxed);
        }
    }
}
