//! The engines that the contract suite runs on, and what each needs in a configuration.

use super::{Config, redis};
use uuid::Uuid;

/// An engine, with the store behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Embedded,
    Redis,
    /// The Redis engine, on a cluster.
    Cluster,
}

impl Engine {
    /// The one that a module of the test binary is named after.
    pub fn of(module: &str) -> Self {
        match module.split("::").nth(1) {
            Some("embedded") => Self::Embedded,
            Some("redis") => Self::Redis,
            Some("cluster") => Self::Cluster,
            _ => panic!("{module} is not named after an engine"),
        }
    }

    /// What `serve` needs on it, where no other test's data is; on Redis as the user with the documented rights.
    pub async fn config(self) -> Config {
        match self {
            Self::Embedded => Config::new(),
            Self::Redis => on_redis(redis::rights::url(redis::shared().await)),
            Self::Cluster => on_redis(redis::cluster::shared().await.url_by_rights()),
        }
    }

    /// Whether a new process on the same data continues the epoch: then nobody has to be told everything again.
    pub fn keeps_its_epoch(self) -> bool {
        self != Self::Embedded
    }
}

/// What `serve` needs on the Redis of that URL, where no other test's data is.
pub fn on_redis(url: String) -> Config {
    Config::new()
        .without("engine.data_dir")
        .set("engine.kind", "redis")
        .set("engine.redis_url", url)
        .set("engine.redis_prefix", format!("callpop:test-{}", Uuid::new_v4().simple()))
}
