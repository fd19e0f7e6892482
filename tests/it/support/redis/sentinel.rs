//! A Sentinel set: a primary, two replicas and three sentinels that fail over within seconds.

use super::{Aof, Server, tls::TlsServer};
use crate::support::{eventually_within, soon};
use futures_util::future::join_all;
use serde_json::json;
use std::time::Duration;

/// The name by which the sentinels know the set.
pub const MASTER: &str = "mymaster";
/// The longest that the set may take to know itself, or to fail over.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The first of the servers is the primary, until it is failed over.
pub struct Sentinels {
    pub servers: Vec<Server>,
    pub sentinels: Vec<Server>,
}

impl Sentinels {
    /// Starts all six, and waits until all know each other.
    pub async fn start(aof: Aof) -> Self {
        let primary = Server::start(aof).await;
        let port = primary.port.to_string();
        let replicas = join_all((0..2).map(|_| async {
            Server::start_with(aof, &["--replicaof", &format!("127.0.0.1 {port}")]).await
        }))
        .await;
        let sentinels = join_all((0..3).map(|_| sentinel(primary.port))).await;
        let servers = std::iter::once(primary).chain(replicas).collect();
        let set = Self { servers, sentinels };
        set.whole().await;
        set
    }

    /// For `engine.redis_url`.
    pub fn url(&self) -> String {
        let urls: Vec<String> = self.sentinels.iter().map(Server::url).collect();
        urls.join(",")
    }

    /// Waits until every sentinel knows the others and two replicas, which are in step.
    pub async fn whole(&self) {
        eventually_within(PATIENCE, "the Sentinel set to be whole", async || {
            for sentinel in &self.sentinels {
                let fields = sentinel.try_command(&["SENTINEL", "MASTER", MASTER]).await.ok()?;
                let fields = fields.as_array()?.clone();
                let field = |name: &str| {
                    Some(fields.get(fields.iter().position(|field| field == name)? + 1)?.clone())
                };
                let knows = field("num-slaves")? == "2" && field("num-other-sentinels")? == "2";
                (knows && field("flags")? == "master").then_some(())?;
            }
            let primary = &self.servers[self.primary().await?];
            (primary.info("connected_slaves").await? == "2").then_some(())?;
            for replica in 0..2 {
                primary.info(&format!("slave{replica}")).await?.contains("state=online").then_some(())?;
            }
            Some(())
        })
        .await;
    }

    /// Which server the sentinels agree on as the primary, if they do and it says so too.
    pub async fn primary(&self) -> Option<usize> {
        let mut named = Vec::new();
        for sentinel in &self.sentinels {
            let ask = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER];
            let address = soon("a sentinel", sentinel.try_command(&ask)).await.ok()?;
            named.push(address.as_array()?.get(1)?.as_str()?.to_owned());
        }
        named.dedup();
        let [port] = named.as_slice() else { return None };
        let index = self.servers.iter().position(|server| server.port.to_string() == *port)?;
        (self.servers[index].try_command(&["ROLE"]).await.ok()?[0] == json!("master")).then_some(index)
    }

    /// Waits until another server than `before` is the primary.
    pub async fn failed_over(&self, before: usize) -> usize {
        eventually_within(PATIENCE, "a failover", async || {
            self.primary().await.filter(|primary| *primary != before)
        })
        .await
    }
}

async fn sentinel(primary: u16) -> Server {
    sentinel_of(primary, 2, |_| String::new()).await
}

/// A sentinel that knows no other.
pub async fn alone(primary: u16) -> Server {
    sentinel_of(primary, 1, |_| String::new()).await
}

/// One that is reached by TLS, and watches a server by it; gives its port for that.
pub async fn alone_by_tls(primary: &TlsServer) -> (Server, u16) {
    let certificates = primary.server.folder().to_str().unwrap();
    let server = sentinel_of(primary.tls_port, 1, |port| {
        format!(
            "tls-port {}\ntls-replication yes\ntls-auth-clients no\ntls-cert-file {certificates}/server.pem\n\
             tls-key-file {certificates}/server.key\ntls-ca-cert-file {certificates}/ca.pem\n",
            port + 10_000
        )
    })
    .await;
    let port = server.port + 10_000;
    (server, port)
}

/// With more lines of configuration, by its port.
async fn sentinel_of(primary: u16, quorum: u8, more: impl Fn(u16) -> String) -> Server {
    Server::start_by(|folder, port| {
        let file = folder.join("sentinel.conf");
        let text = format!(
            "{}sentinel monitor {MASTER} 127.0.0.1 {primary} {quorum}\n\
             sentinel down-after-milliseconds {MASTER} 500\n\
             sentinel failover-timeout {MASTER} 3000\n\
             sentinel parallel-syncs {MASTER} 2\n",
            more(port)
        );
        std::fs::write(&file, text).unwrap();
        vec![file.to_str().unwrap().to_owned(), "--sentinel".to_owned()]
    })
    .await
}
