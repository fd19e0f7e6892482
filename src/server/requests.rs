//! Listeners, and the HTTP connections that come to them: how many at a time, how long one may be
//! idle, and how it ends.

use super::{files, refusals::Refusals};
use crate::{
    http::{Connection, Peer, Proxies, Unread, Watched, Written, network_of},
    log::Seldom,
    metrics::Metrics,
    places::{Group, Place, Places, UnderWay},
    tasks::{Kept, Tasks},
};
use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use futures_util::TryFutureExt;
use hyper::{body::Body as _, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use ipnet::IpNet;
use std::{
    io,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    time::{Sleep, sleep},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_service::Service as _;

/// A client has so long for its first request's head.
const FIRST_HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// So long a kept connection may be idle, and a later head may take: longer than proxies keep theirs.
const IDLE_DEADLINE: Duration = Duration::from_secs(75);
/// The largest head of a request, in bytes: a token has at most 32 KiB. Each connection may hold so much.
const MAX_HEAD: usize = 64 * 1024;
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

/// Whom a listener is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listens {
    ToAll,
    /// To operators, and to servers of ours: a few places are theirs alone.
    ToFew,
}

/// Who has come.
struct Client {
    stream: TcpStream,
    peer: SocketAddr,
    place: Place,
}

/// How whoever comes to a listener is served.
#[derive(Clone)]
struct Service {
    routes: Router,
    proxies: Proxies,
    refusals: Arc<Refusals>,
    finish: CancellationToken,
}

/// A listener, and what those who come to it find.
struct Entrance {
    listener: TcpListener,
    listens: Listens,
    service: Service,
}

/// The HTTP connections of a process.
#[derive(Clone)]
pub(crate) struct Requests {
    tasks: Tasks,
    connections: TaskTracker,
    places: Places,
    proxies: Proxies,
    refusals: Arc<Refusals>,
    /// Of all listeners: their reason is one, mostly.
    complaints: Arc<Seldom>,
    finish: CancellationToken,
}

impl Requests {
    /// None yet.
    pub(crate) fn new(tasks: Tasks, metrics: &Metrics, trusted_proxies: &[IpNet]) -> Self {
        Self {
            tasks,
            connections: TaskTracker::new(),
            places: Places::new(files::limit(), metrics),
            proxies: Proxies::new(trusted_proxies),
            refusals: Arc::default(),
            complaints: Arc::new(Seldom::new(COMPLAIN_EVERY)),
            finish: CancellationToken::new(),
        }
    }

    /// The task that ends who waits too long, while there are many.
    pub(crate) fn watch(&self) -> Kept {
        self.tasks.keep("places", self.places.clone().watch())
    }

    /// Serves who comes to a listener, until both tasks are dropped. One task alone would have a single core at
    /// most, and in a flood of connections it shares that one with whoever makes the flood.
    pub(crate) fn accept(
        &self,
        name: &'static str,
        listener: TcpListener,
        routes: Router,
        listens: Listens,
    ) -> [Kept; 2] {
        let (proxies, refusals, finish) = (self.proxies.clone(), self.refusals.clone(), self.finish.clone());
        let service = Service { routes, proxies, refusals, finish };
        let entrance = Arc::new(Entrance { listener, listens, service });
        [entrance.clone(), entrance]
            .map(|entrance| self.tasks.keep(name, self.clone().accept_one_by_one(entrance)))
    }

    async fn accept_one_by_one(self, entrance: Arc<Entrance>) {
        let Entrance { listener, listens, service } = &*entrance;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    // Who finds no place is gone at once, and may try another node.
                    if let Some(place) = self.places.enter(self.group(*listens, Peer(peer))).await {
                        let serving = serve(Client { stream, peer, place }, service.clone());
                        self.tasks.contain(&self.connections, "connection", serving);
                    }
                }
                Err(error) => {
                    self.places.on_accept_failed();
                    // Mostly: too many open files. Others end meanwhile.
                    if let Some(unsaid) = self.complaints.may_say("accept") {
                        tracing::warn!(%error, unsaid, "a connection could not be accepted");
                    }
                    sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    /// Where a connection comes from that has said nothing yet.
    fn group(&self, listens: Listens, peer: Peer) -> Group {
        match listens {
            Listens::ToFew => Group::Private,
            Listens::ToAll if self.proxies.have(peer) => Group::Proxy,
            Listens::ToAll => Group::Network(network_of(peer.0.ip())),
        }
    }

    /// Lets what is under way end, and ends what is idle.
    pub(crate) async fn finish(self) {
        self.finish.cancel();
        self.connections.close();
        self.connections.wait().await;
    }
}

/// One HTTP connection, until it ends, has to go, or becomes a WebSocket.
async fn serve(client: Client, service: Service) {
    let (mut first_head, mut first) = (pin!(sleep(FIRST_HEAD_DEADLINE)), [0]);
    let holder = client.place.holder();
    // Who says nothing needs no parser and no buffer: in a flood that is nearly everybody.
    tokio::select! {
        biased;
        // Not what is called readable: a new connection may be so before anything came.
        spoken = client.stream.peek(&mut first) => {
            if !matches!(spoken, Ok(1..)) {
                return;
            }
        }
        () = &mut first_head => return,
        () = holder.told_to_go() => return,
        () = service.finish.cancelled() => return,
    }
    Box::pin(converse(client, service, first_head)).await;
}

/// A connection whose client has begun to say something.
async fn converse(
    Client { stream, peer, place }: Client,
    Service { routes, proxies, refusals, finish }: Service,
    mut first_head: Pin<&mut Sleep>,
) {
    let _ = stream.set_nodelay(true);
    let has_spoken = Arc::new(AtomicBool::new(false));
    let spoken = has_spoken.clone();
    let unread = Unread::default();
    let watch = unread.clone();
    let holder = place.holder().clone();
    let asking = holder.clone();
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        spoken.store(true, Ordering::Relaxed);
        let whom = || Group::Network(network_of(proxies.client(Peer(peer), request.headers())));
        let under_way = asking.begin(whom);
        let watched = |body| Body::new(Watched::new(body, watch.clone()));
        let mut request: Request = request.map(watched);
        request.extensions_mut().insert(Peer(peer));
        let (refusals, unread) = (refusals.clone(), watch.clone());
        asking.asking(routes.clone().call(request)).map_ok(move |mut response| {
            refusals.note(&response, peer);
            if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                under_way.stays();
                return response;
            }
            // The next request would be taken for the rest of this one's body: its client is to know.
            if unread.is_some() {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            until_written(response, under_way)
        })
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE_DEADLINE)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(Connection::new(stream, place, unread)), service)
            .with_upgrades()
    );
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
            // At once, since another one is there for its place.
            () = holder.told_to_go() => return,
            () = finish.cancelled(), if !is_finishing => {
                is_finishing = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// A response whose request is under way until all of it is written.
fn until_written(response: Response, under_way: UnderWay) -> Response {
    // What has no body is done.
    if response.body().is_end_stream() {
        return response;
    }
    response.map(|body| Body::new(Written::new(body, under_way)))
}
