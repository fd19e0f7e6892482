//! Where Redis is, and how to get a connection to it: one server, the primary that sentinels
//! name, or a cluster. Which of them the configured addresses are, they say themselves.

use super::wire::{Wire, field};
use crate::config::{self, Durability};
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, FromRedisValue,
    IntoConnectionInfo, ProtocolVersion, RedisError, RedisResult, TlsCertificates, TlsMode,
    aio::{AsyncPushSender, ConnectionLike, MultiplexedConnection},
    cluster::{ClusterClientBuilder, ClusterConfig},
    cmd,
    io::tcp::TcpSettings,
    sentinel::{SentinelClientBuilder, SentinelServerType},
};
use secrecy::{ExposeSecret, SecretString};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{sync::OnceCell, time::timeout};

/// How long one try to connect to one server may take.
const CONNECT: Duration = Duration::from_secs(1);
/// How long one server of a cluster may take to answer: more than any of our own deadlines.
const CLUSTER_ANSWER: Duration = Duration::from_secs(5);
/// A connection is broken whose other end does not even take bytes for so long.
const UNACKNOWLEDGED: Duration = Duration::from_secs(3);
/// Commands that may wait for a connection to write them.
const WAITING: usize = 1024;

/// What receives the messages of subscribed channels, and is told when the connection ends.
pub(crate) type Listener = Arc<dyn AsyncPushSender>;

/// The configured Redis.
pub(crate) struct Source {
    servers: Vec<ConnectionInfo>,
    ca: Option<Vec<u8>>,
    master: Option<String>,
    /// What the sentinels want, where they want something of their own.
    sentinel_login: Option<Login>,
    /// Refuse a server that would forget everything in a restart.
    needs_aof: bool,
    topology: OnceCell<Topology>,
}

/// Who we are to a server; without a password nobody in particular.
#[derive(Clone, Default)]
struct Login {
    user: Option<String>,
    password: Option<SecretString>,
}

enum Topology {
    One,
    /// Of the set that goes by this name, whose sentinels let that one in.
    Sentinels(String, Login),
    Cluster,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotConnected {
    #[error("{0}")]
    Redis(#[from] RedisError),
    #[error(
        "this Redis does not persist what it is told: set appendonly yes there, or engine.redis_require_aof = false, \
        or engine.durability = \"memory\""
    )]
    NoAof,
    #[error("the sentinels watch {0}; name one of them in engine.redis_master")]
    WhichMaster(String),
    #[error("no answer in time")]
    TimedOut,
}

impl NotConnected {
    /// Whether to try again is of no use.
    pub(crate) fn is_final(&self) -> bool {
        match self {
            Self::NoAof | Self::WhichMaster(_) => true,
            Self::Redis(error) => {
                let is_unwelcome = matches!(error.code(), Some("WRONGPASS" | "NOAUTH" | "NOPERM"));
                is_unwelcome
                    || matches!(
                        error.kind(),
                        ErrorKind::AuthenticationFailed | ErrorKind::InvalidClientConfig
                    )
            }
            Self::TimedOut => false,
        }
    }
}

impl Source {
    pub(crate) fn new(engine: &config::Engine) -> RedisResult<Self> {
        let urls = engine.redis_url.expose_secret().split(',').map(str::trim);
        let servers = urls.map(|url| {
            let info = url.into_connection_info()?;
            let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
            Ok(info.set_redis_settings(settings).set_tcp_settings(tcp()))
        });
        Ok(Self {
            servers: servers.collect::<RedisResult<_>>()?,
            ca: engine.redis_ca.clone().map(String::into_bytes),
            master: engine.redis_master.clone(),
            sentinel_login: engine
                .redis_sentinel_password
                .clone()
                .map(|password| Login { user: engine.redis_sentinel_user.clone(), password: Some(password) }),
            needs_aof: engine.durability == Durability::Fsync && engine.redis_require_aof,
            topology: OnceCell::new(),
        })
    }

    /// A new connection.
    pub(crate) async fn connect(&self, listener: Option<&Listener>) -> Result<Wire, NotConnected> {
        let mut wire = match self.topology.get_or_try_init(|| self.detect()).await? {
            Topology::One => self.to_primary(listener).await?,
            Topology::Sentinels(master, login) => {
                let mut sentinels = self.sentinels(master, login)?;
                let client = sentinels.async_get_client().await?;
                Wire::One(client.get_multiplexed_async_connection_with_config(&options(listener)).await?)
            }
            Topology::Cluster => Wire::Cluster(self.to_cluster(listener).await?),
        };
        if self.needs_aof && !in_time(async { Ok(wire.has_log().await?) }).await? {
            return Err(NotConnected::NoAof);
        }
        Ok(wire)
    }

    /// Asks the first server that answers what it is.
    async fn detect(&self) -> Result<Topology, NotConnected> {
        let mut why = None;
        for server in &self.servers {
            for login in self.logins(server) {
                match in_time(self.topology_of(server, login)).await {
                    Ok(kind) => return Ok(kind),
                    // What the first way leads to says most.
                    Err(error) => why = why.or(Some(error)),
                }
            }
        }
        Err(why.unwrap_or(NotConnected::TimedOut))
    }

    /// A sentinel may want what the servers want, something of its own, or nothing.
    fn logins(&self, server: &ConnectionInfo) -> Vec<Login> {
        let of_servers = Login::of(server);
        let may_be_open = of_servers.password.is_some();
        let mut logins = vec![of_servers];
        logins.extend(self.sentinel_login.clone());
        if may_be_open {
            logins.push(Login::default());
        }
        logins
    }

    async fn topology_of(&self, server: &ConnectionInfo, login: Login) -> Result<Topology, NotConnected> {
        let client = self.client(login.at(server))?;
        let mut connection = client.get_multiplexed_async_connection_with_config(&options(None)).await?;
        let info: String = cmd("INFO").arg("server").query_async(&mut connection).await?;
        match field(&info, "redis_mode") {
            Some("cluster") => Ok(Topology::Cluster),
            Some("sentinel") => {
                self.name_of_set(&mut connection).await.map(|name| Topology::Sentinels(name, login))
            }
            _ => Ok(Topology::One),
        }
    }

    async fn name_of_set(&self, sentinel: &mut MultiplexedConnection) -> Result<String, NotConnected> {
        if let Some(name) = &self.master {
            return Ok(name.clone());
        }
        let sets: Vec<HashMap<String, redis::Value>> =
            cmd("SENTINEL").arg("MASTERS").query_async(sentinel).await?;
        let names = sets.into_iter().filter_map(|mut set| String::from_redis_value(set.remove("name")?).ok());
        let mut names: Vec<String> = names.collect();
        match (names.pop(), names.is_empty()) {
            (Some(only), true) => Ok(only),
            (last, _) => {
                names.extend(last);
                Err(NotConnected::WhichMaster(names.join(", ")))
            }
        }
    }

    /// The first of the servers that answers and is no replica.
    async fn to_primary(&self, listener: Option<&Listener>) -> Result<Wire, NotConnected> {
        let mut why = NotConnected::TimedOut;
        for server in &self.servers {
            let client = self.client(server.clone())?;
            match client.get_multiplexed_async_connection_with_config(&options(listener)).await {
                Err(error) => why = error.into(),
                Ok(mut connection) => match in_time(is_primary(&mut connection)).await {
                    Ok(true) => return Ok(Wire::One(connection)),
                    Ok(false) => why = RedisError::from((ErrorKind::Client, "it is a replica")).into(),
                    Err(error) => why = error,
                },
            }
        }
        Err(why)
    }

    fn client(&self, server: ConnectionInfo) -> RedisResult<Client> {
        match &self.ca {
            Some(_) if is_tls(&server) => Client::build_with_tls(server, self.certificates()),
            _ => Client::open(server),
        }
    }

    fn certificates(&self) -> TlsCertificates {
        TlsCertificates { client_tls: None, root_cert: self.ca.clone() }
    }

    fn sentinels(&self, master: &str, login: &Login) -> RedisResult<redis::sentinel::SentinelClient> {
        let first = &self.servers[0];
        let settings = first.redis_settings();
        let addresses = self.servers.iter().map(|server| server.addr().clone());
        let mut builder = SentinelClientBuilder::new(addresses, master, SentinelServerType::Master)?
            .set_client_to_redis_protocol(ProtocolVersion::RESP3)
            .set_client_to_redis_tcp_settings(tcp())
            .set_client_to_redis_db(settings.db());
        if let Some(username) = settings.username() {
            builder = builder.set_client_to_redis_username(username);
        }
        if let Some(password) = settings.password() {
            builder = builder.set_client_to_redis_password(password);
        }
        if let Some(user) = &login.user {
            builder = builder.set_client_to_sentinel_username(user);
        }
        if let Some(password) = &login.password {
            builder = builder.set_client_to_sentinel_password(password.expose_secret());
        }
        if is_tls(first) {
            builder = builder
                .set_client_to_redis_tls_mode(TlsMode::Secure)
                .set_client_to_sentinel_tls_mode(TlsMode::Secure);
            if self.ca.is_some() {
                builder = builder
                    .set_client_to_redis_certificates(self.certificates())
                    .set_client_to_sentinel_certificates(self.certificates());
            }
        }
        builder.build()
    }

    async fn to_cluster(
        &self,
        listener: Option<&Listener>,
    ) -> RedisResult<redis::cluster_async::ClusterConnection> {
        let mut builder = ClusterClientBuilder::new(self.servers.clone())
            .tcp_settings(tcp())
            .connection_timeout(CONNECT)
            .response_timeout(CLUSTER_ANSWER)
            .overall_response_timeout(None)
            .retries(4)
            .min_retry_wait(20)
            .max_retry_wait(400);
        if self.ca.is_some() {
            builder = builder.certs(self.certificates());
        }
        let mut config = ClusterConfig::new();
        if let Some(listener) = listener.cloned() {
            config = config.set_push_sender(listener);
        }
        builder.build()?.get_async_connection_with_config(config).await
    }
}

impl Login {
    /// Who the URL says that we are.
    fn of(server: &ConnectionInfo) -> Self {
        let settings = server.redis_settings();
        Self {
            user: settings.username().map(str::to_owned),
            password: settings.password().map(SecretString::from),
        }
    }

    /// The server, to be reached as that one. What is asked of it is in no database.
    fn at(&self, server: &ConnectionInfo) -> ConnectionInfo {
        let mut settings = redis::RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3);
        if let Some(user) = &self.user {
            settings = settings.set_username(user);
        }
        if let Some(password) = &self.password {
            settings = settings.set_password(password.expose_secret());
        }
        server.clone().set_redis_settings(settings)
    }
}

fn options(listener: Option<&Listener>) -> AsyncConnectionConfig {
    // Deadlines of calls are the caller's: each has one, for all that it does.
    let options = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(None)
        .set_pipeline_buffer_size(WAITING);
    match listener.cloned() {
        Some(listener) => options.set_push_sender(listener),
        None => options,
    }
}

/// Answers at once, as is the custom of small frames.
fn tcp() -> TcpSettings {
    TcpSettings::default().set_nodelay(true).set_user_timeout(UNACKNOWLEDGED)
}

/// One step of a connection's making.
async fn in_time<T>(step: impl Future<Output = Result<T, NotConnected>>) -> Result<T, NotConnected> {
    timeout(CONNECT, step).await.unwrap_or(Err(NotConnected::TimedOut))
}

async fn is_primary(connection: &mut impl ConnectionLike) -> Result<bool, NotConnected> {
    let info: String = cmd("INFO").arg("replication").query_async(connection).await?;
    Ok(field(&info, "role") == Some("master"))
}

fn is_tls(server: &ConnectionInfo) -> bool {
    matches!(server.addr(), ConnectionAddr::TcpTls { .. })
}
