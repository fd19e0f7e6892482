//! Two listeners, public and private, and the life of a node from its start to its drained end.

mod connection;
mod files;
mod sidecar;

pub use connection::Connection;
pub use files::raise_limit;
pub use sidecar::SidecarServer;

use crate::{
    config::Shutdown,
    gateway::Gateway,
    integrations::{self, Contacts},
    method::get_only,
    operator,
    problem::Problem,
    session,
    sidecar::{
        activation,
        users::{self, Users},
        vending,
    },
    web,
    webhook::{self, Peer},
};
use anyhow::Context;
use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header},
    routing::post,
};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    future::Future,
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
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_service::Service;

/// A client has so long for its first request's head.
const FIRST_HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// So long a kept connection may be idle, and a later head may take: longer than proxies keep theirs.
const IDLE_DEADLINE: Duration = Duration::from_secs(75);
/// The most HTTP connections at a time; more wait in the system's queue.
const MAX_CONNECTIONS: usize = 16 * 1024;
const BACKLOG: u32 = 4096;
const SWEEP: Duration = Duration::from_millis(250);

/// A node that listens.
pub struct Server {
    gateway: Arc<Gateway>,
    public: TcpListener,
    admin: TcpListener,
    /// Of the sidecar, where it is in this process.
    private: Option<TcpListener>,
    routes: Router,
}

impl Server {
    /// Binds the listeners.
    pub fn bind(gateway: Gateway) -> anyhow::Result<Self> {
        let addr = gateway.config.listen;
        Self::bind_others(listen(addr).with_context(|| format!("listen = {addr}"))?, gateway)
    }

    /// The same, where the public listener is there already.
    pub fn bind_others(public: TcpListener, gateway: Gateway) -> anyhow::Result<Self> {
        let gateway = Arc::new(gateway);
        let admin = gateway.config.admin_listen;
        let admin = listen(admin).with_context(|| format!("admin_listen = {admin}"))?;
        let private = gateway.sidecar.as_ref().map(|sidecar| sidecar.listen());
        let private = private.map(|addr| listen(addr).with_context(|| format!("sidecar.listen = {addr}")));
        let routes = routes(gateway.clone()).merge(integrations(&gateway)?);
        Ok(Self { gateway, public, admin, private: private.transpose()?, routes })
    }

    /// Where the public listener is, with the port that the system chose.
    pub fn public_addr(&self) -> io::Result<SocketAddr> {
        self.public.local_addr()
    }

    /// Where the private listener is.
    pub fn admin_addr(&self) -> io::Result<SocketAddr> {
        self.admin.local_addr()
    }

    /// Where the sidecar's private listener is, if it is here.
    pub fn private_addr(&self) -> Option<SocketAddr> {
        self.private.as_ref()?.local_addr().ok()
    }

    /// With more public routes.
    pub fn with(self, more: Router) -> Self {
        Self { routes: self.routes.merge(more), ..self }
    }

    /// Serves until `stop`, then drains: not ready, clients told, what is under way finished,
    /// everything on the disk.
    pub async fn run(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Self { gateway, public, admin, private, routes } = self;
        let (public_addr, admin_addr) = (public.local_addr()?, admin.local_addr()?);
        tracing::info!(public = %public_addr, admin = %admin_addr, "listening");
        let requests = Requests::default();
        let mut tasks = JoinSet::new();
        let public = tasks.spawn(requests.clone().accept(public, routes));
        tasks.spawn(requests.clone().accept(admin, operator::routes(gateway.clone())));
        tasks.spawn(sweep(gateway.clone()));
        if let (Some(private), Some(sidecar)) = (private, &gateway.sidecar) {
            tracing::info!(private = %private.local_addr()?, "access tokens are given there");
            tasks.spawn(requests.clone().accept(private, vending::routes(sidecar.clone())));
        }
        if let Some(followed) = &gateway.integrations {
            tasks.spawn(integrations::tell(followed.directory.clone(), gateway.registry.clone()));
        }
        stop.await;
        let Shutdown { delay, grace, .. } = gateway.config.shutdown;
        tracing::info!(sessions = gateway.sessions.len(), "draining");
        gateway.leave();
        if let Some(sidecar) = &gateway.sidecar {
            sidecar.stop();
        }
        sleep(delay).await;
        // Who comes now is to go to another node.
        public.abort();
        gateway.registry.drain();
        gateway.sessions.close();
        let drained = timeout(grace, async {
            let refreshes = async {
                if let Some(sidecar) = &gateway.sidecar {
                    sidecar.drain().await;
                }
            };
            tokio::join!(gateway.sessions.wait(), refreshes);
            tasks.shutdown().await;
            requests.finish().await;
        });
        if drained.await.is_err() {
            tracing::warn!(
                sessions = gateway.sessions.len(),
                "cut off what was not done after shutdown.grace"
            );
        }
        let closed = timeout(grace, gateway.engine.close()).await;
        closed.context("the engine could not be closed in time")??;
        tracing::info!("stopped");
        Ok(())
    }
}

/// Every public route.
fn routes(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/webhooks/telsmart", post(webhook::telsmart))
        .route("/v1/stream", get_only(session::stream))
        .merge(web::routes())
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .with_state(gateway)
}

/// The routes of users' integrations, where there is a sidecar: those that need its key only
/// where it is in this process.
fn integrations(gateway: &Arc<Gateway>) -> anyhow::Result<Router> {
    let Some(followed) = &gateway.integrations else { return Ok(Router::new()) };
    let users = Users::new(followed.directory.clone(), gateway.verifier.clone());
    let contacts = Contacts::new(&gateway.config, users.clone(), gateway.sidecar.clone())?;
    let contacts = contacts.map(|contacts| {
        Router::new()
            .route("/v1/contacts", get_only(integrations::lookup))
            .method_not_allowed_fallback(method_not_allowed)
            .with_state(Arc::new(contacts))
    });
    let activation = gateway.sidecar.clone().map(activation::routes);
    let origins = &gateway.config.auth.allowed_origins;
    let routes =
        users::routes(users).merge(activation.unwrap_or_default()).merge(contacts.unwrap_or_default());
    Ok(routes.layer(cors(origins)).merge(web::page_at("/integrations", "integrations.html")))
}

/// Pages of these origins may ask; a token goes in a header, never in a cookie.
fn cors(origins: &[String]) -> CorsLayer {
    let origins = origins.iter().filter_map(|origin| HeaderValue::try_from(origin).ok());
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE])
        .max_age(Duration::from_secs(600))
}

pub(crate) async fn not_found() -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "not-found", "there is nothing at this path")
}

pub(crate) async fn method_not_allowed() -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "this path has no such method")
}

/// A listener; who comes waits until it is served.
pub fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// The HTTP connections of a node.
#[derive(Clone, Default)]
struct Requests {
    connections: TaskTracker,
    finish: CancellationToken,
}

impl Requests {
    async fn accept(self, listener: TcpListener, routes: Router) {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        loop {
            let Ok(place) = places.clone().acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let serving = serve(stream, peer, routes.clone(), self.finish.clone());
                    self.connections.spawn(async move {
                        serving.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    // Mostly: too many open files. Others end meanwhile.
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    /// Lets what is under way end, and ends what is idle.
    async fn finish(self) {
        self.finish.cancel();
        self.connections.close();
        self.connections.wait().await;
    }
}

/// One HTTP connection, until it ends or becomes a WebSocket.
async fn serve(stream: TcpStream, peer: SocketAddr, routes: Router, finish: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let has_spoken = Arc::new(AtomicBool::new(false));
    let spoken = has_spoken.clone();
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        spoken.store(true, Ordering::Relaxed);
        let mut request: Request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        routes.clone().call(request)
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE_DEADLINE)
            .serve_connection(TokioIo::new(Connection::new(stream)), service)
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

async fn sweep(gateway: Arc<Gateway>) {
    let mut ticks = interval(SWEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        gateway.engine.sweep().await;
        gateway.telsmart.sweep();
    }
}
