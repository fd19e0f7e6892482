//! Listeners, and the HTTP connections that come to them: how many at a time, how long one may be
//! idle, and how it ends.

use super::refusals::Refusals;
use crate::{
    http::{Connection, Peer, Unread, Watched},
    log::Seldom,
    tasks::Tasks,
};
use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
};
use futures_util::TryFutureExt;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::Semaphore,
    time::sleep,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_service::Service;

/// A client has so long for its first request's head.
const FIRST_HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// So long a kept connection may be idle, and a later head may take: longer than proxies keep theirs.
const IDLE_DEADLINE: Duration = Duration::from_secs(75);
/// The largest head of a request, in bytes: a token has at most 32 KiB. Each connection may hold so much.
const MAX_HEAD: usize = 64 * 1024;
/// The most HTTP connections at a time; more wait in the system's queue.
const MAX_CONNECTIONS: usize = 16 * 1024;
const BACKLOG: u32 = 4096;
/// Between two lines about connections that could not be accepted.
const COMPLAIN_EVERY: Duration = Duration::from_secs(10);

/// A listener; who comes waits until it is served.
pub(crate) fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// The HTTP connections of a node.
#[derive(Clone)]
pub(crate) struct Requests {
    tasks: Tasks,
    connections: TaskTracker,
    refusals: Arc<Refusals>,
    finish: CancellationToken,
}

impl Requests {
    /// None yet.
    pub(crate) fn new(tasks: Tasks) -> Self {
        Self {
            tasks,
            connections: TaskTracker::new(),
            refusals: Arc::default(),
            finish: CancellationToken::new(),
        }
    }

    /// Serves who comes to a listener, for ever.
    pub(crate) async fn accept(self, listener: TcpListener, routes: Router) {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let complaints = Seldom::new(COMPLAIN_EVERY);
        loop {
            let Ok(place) = places.clone().acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let serving =
                        serve(stream, peer, routes.clone(), self.refusals.clone(), self.finish.clone());
                    self.tasks.contain(&self.connections, "connection", async move {
                        serving.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    // Mostly: too many open files. Others end meanwhile.
                    if let Some(unsaid) = complaints.may_say("accept") {
                        tracing::warn!(%error, unsaid, "a connection could not be accepted");
                    }
                    sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    /// Lets what is under way end, and ends what is idle.
    pub(crate) async fn finish(self) {
        self.finish.cancel();
        self.connections.close();
        self.connections.wait().await;
    }
}

/// One HTTP connection, until it ends or becomes a WebSocket.
async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    routes: Router,
    refusals: Arc<Refusals>,
    finish: CancellationToken,
) {
    let _ = stream.set_nodelay(true);
    let has_spoken = Arc::new(AtomicBool::new(false));
    let spoken = has_spoken.clone();
    let unread = Unread::default();
    let watch = unread.clone();
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        spoken.store(true, Ordering::Relaxed);
        let watched = |body| Body::new(Watched::new(body, watch.clone()));
        let mut request: Request = request.map(watched);
        request.extensions_mut().insert(Peer(peer));
        let (refusals, unread) = (refusals.clone(), watch.clone());
        routes.clone().call(request).map_ok(move |mut response| {
            refusals.note(&response, peer);
            // The next request would be taken for the rest of this one's body: its client is to know.
            if unread.is_some() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            response
        })
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE_DEADLINE)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(Connection::new(stream, unread)), service)
            .with_upgrades()
    );
    let mut first_head = pin!(sleep(FIRST_HEAD_DEADLINE));
    let (mut is_checked, mut is_finishing) = (false, false);
    loop {
        tokio::select! {
            // How a connection ends is its client's affair.
            _ = &mut connection => return,
            () = &mut first_head, if !is_checked => {
                is_checked = true;
                if !has_spoken.load(Ordering::Relaxed) {
                    return;
                }
            }
            () = finish.cancelled(), if !is_finishing => {
                is_finishing = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}
