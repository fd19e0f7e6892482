//! What the fault tests stand on: servers that come back with their data, links that break as they are told,
//! and a load whose truth is exact.

use crate::support::{
    Config,
    fleet::Fleet,
    load::{Load, Plan},
    proxy::Proxy,
    redis::{self, Aof, Cluster, Sentinels, Server, tls::TlsServer},
    viewer::Viewer,
};
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_redis_keeps_its_port_and_its_data() {
    let mut server = Server::start(Aof::Always).await;
    server.command(&["SET", "key", "value"]).await;
    server.kill();
    assert!(server.try_command(&["PING"]).await.is_err());
    server.restart().await;
    assert_eq!(server.command(&["GET", "key"]).await, "value");
    server.pause();
    let ask = server.try_command(&["GET", "key"]);
    assert!(tokio::time::timeout(Duration::from_millis(100), ask).await.is_err());
    server.unpause();
    assert_eq!(server.command(&["GET", "key"]).await, "value");
    assert_eq!(redis::shared().await.command(&["EXISTS", "key"]).await, json!(0));
}

#[tokio::test]
async fn a_sentinel_set_fails_over() {
    let mut set = Sentinels::start(Aof::EverySecond).await;
    assert_eq!(set.primary().await, Some(0));
    set.servers[0].kill();
    let primary = set.failed_over(0).await;
    set.servers[primary].command(&["SET", "key", "value"]).await;
}

#[tokio::test]
async fn a_cluster_moves_a_slot() {
    let cluster = Cluster::start(Aof::EverySecond).await;
    let slot = cluster.slot("{0}").await;
    let from = redis::cluster::SLOTS.iter().position(|slots| slots.contains(&slot)).unwrap();
    let to = (from + 1) % 3;
    cluster.nodes[from].command(&["SET", "{0}:key", "value"]).await;
    cluster.migrate(slot, from, to).await;
    assert_eq!(cluster.nodes[to].command(&["GET", "{0}:key"]).await, "value");
    assert!(cluster.nodes[from].try_command(&["GET", "{0}:key"]).await.unwrap_err().starts_with("MOVED"));
}

#[tokio::test]
async fn a_redis_speaks_tls() {
    let server = TlsServer::start(Aof::EverySecond).await;
    let mut ask = std::process::Command::new("redis-cli");
    ask.args(["--tls", "--cacert", &server.ca_file, "-u", &server.url(), "PING"]);
    let output = crate::support::process::run(&mut ask);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "PONG", "{output:?}");
}

#[tokio::test]
async fn the_oracle_of_a_load_is_exact() {
    let config = Config::new().set("calls.recent_per_user", 100_000).set("calls.recent_per_tenant", 100_000);
    let mut fleet = Fleet::start(vec![config]).await;
    let plan = Plan::of(vec![crate::support::new_tenant(), crate::support::new_tenant()], 300);
    let mut viewers = Vec::new();
    for tenant in &plan.tenants {
        viewers.push(Viewer::supervisor(&fleet.addresses, 0, tenant).await);
        viewers.push(Viewer::agent(&fleet.addresses, 0, tenant, "200").await);
    }
    let load = Load::begin(&plan, &fleet.addresses);
    load.flows(200).await;
    fleet.kill(0);
    fleet.revive(0).await;
    load.flows(200).await;
    fleet.stop(0).await;
    fleet.revive(0).await;
    load.flows(200).await;
    let tally = load.tally.clone();
    let truth = load.end().await;
    let behind = truth.is_seen_by(&mut viewers).await;
    truth.is_told_by(fleet.node(0)).await;
    let view = viewers[0].view().await;
    eprintln!("{tally}; the viewers were {behind:?} behind; {:?} {:?}", view.frames, view.ends);
    assert_eq!(view.epochs.len(), 3);
}

/// A link to a Redis of its own.
async fn link() -> (Server, Proxy, Connection) {
    let server = Server::start(Aof::Off).await;
    let proxy = Proxy::to(&server.address()).await;
    let connection = Connection::to(&proxy).await;
    (server, proxy, connection)
}

/// One connection, by hand.
struct Connection(tokio::net::TcpStream);

impl Connection {
    async fn to(proxy: &Proxy) -> Self {
        Self(tokio::net::TcpStream::connect(proxy.address).await.unwrap())
    }

    /// What comes back within 300 ms; none where the connection ended, nothing where nothing came.
    async fn says(&mut self, line: &str) -> Option<String> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut answer = vec![0; 4096];
        let _ = self.0.write_all(line.as_bytes()).await;
        match tokio::time::timeout(Duration::from_millis(300), self.0.read(&mut answer)).await {
            Ok(Ok(0) | Err(_)) => None,
            Ok(Ok(read)) => Some(String::from_utf8_lossy(&answer[..read]).into_owned()),
            Err(_) => Some(String::new()),
        }
    }
}

const PING: &str = "PING\r\n";
const PONG: Option<&str> = Some("+PONG\r\n");

#[tokio::test]
async fn a_link_is_cut_and_heals() {
    let (_server, proxy, mut connection) = link().await;
    assert_eq!(connection.says(PING).await.as_deref(), PONG);
    proxy.cut();
    assert_eq!(connection.says(PING).await, None);
    assert_eq!(Connection::to(&proxy).await.says(PING).await, None);
    proxy.heal();
    assert_eq!(Connection::to(&proxy).await.says(PING).await.as_deref(), PONG);
}

#[tokio::test]
async fn a_half_open_link_swallows_and_is_never_the_same_again() {
    let (_server, proxy, mut connection) = link().await;
    assert_eq!(connection.says(PING).await.as_deref(), PONG);
    proxy.half_open();
    assert_eq!(connection.says(PING).await.as_deref(), Some(""));
    assert_eq!(Connection::to(&proxy).await.says(PING).await.as_deref(), Some(""));
    proxy.heal();
    assert_eq!(connection.says(PING).await.as_deref(), Some(""));
    assert_eq!(Connection::to(&proxy).await.says(PING).await.as_deref(), PONG);
}

#[tokio::test]
async fn subscribers_alone_are_cut() {
    const SUBSCRIBE: &str = "*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n";
    let (_server, proxy, mut commands) = link().await;
    let mut subscriber = Connection::to(&proxy).await;
    assert!(subscriber.says(SUBSCRIBE).await.unwrap().contains("subscribe"));
    proxy.swallow_subscribers();
    assert_eq!(commands.says("PUBLISH c 1\r\n").await.as_deref(), Some(":1\r\n"));
    assert_eq!(subscriber.says("").await.as_deref(), Some(""));
    proxy.cut_subscribers();
    assert_eq!(subscriber.says("").await, None);
    assert_eq!(Connection::to(&proxy).await.says(SUBSCRIBE).await, None);
    assert_eq!(commands.says(PING).await.as_deref(), PONG);
    proxy.heal();
    assert!(Connection::to(&proxy).await.says(SUBSCRIBE).await.unwrap().contains("subscribe"));
}

#[tokio::test]
async fn a_link_is_slow() {
    let (_server, proxy, mut connection) = link().await;
    proxy.delay(Duration::from_millis(100));
    let began = Instant::now();
    assert_eq!(connection.says(PING).await.as_deref(), PONG);
    assert!(began.elapsed() >= Duration::from_millis(200));
    proxy.heal();
    proxy.throttle(100);
    let began = Instant::now();
    assert_eq!(connection.says(PING).await.as_deref(), PONG);
    assert!(began.elapsed() >= Duration::from_millis(100), "6 bytes there, 7 back");
    assert_eq!(proxy.connections(), 1);
}
