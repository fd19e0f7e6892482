//! A connection to Redis, of either kind: to one server, or to all of a cluster. Many may use a
//! clone of it at the same time; their commands go out one after the other without waiting.

use redis::{
    Cmd, FromRedisValue, Pipeline, RedisFuture, RedisResult, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster_async::ClusterConnection,
    cluster_routing::{MultipleNodeRoutingInfo, ResponsePolicy, RoutingInfo},
    cmd,
};
use std::collections::HashMap;

/// An open connection.
#[derive(Clone)]
pub enum Wire {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Wire {
    /// Whether channels belong to slots.
    pub fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    /// A section of what each primary says about itself.
    pub async fn info(&mut self, section: &str) -> RedisResult<Vec<String>> {
        let mut info = cmd("INFO");
        info.arg(section);
        match self {
            Self::One(one) => Ok(vec![info.query_async(one).await?]),
            Self::Cluster(cluster) => {
                let primaries = (MultipleNodeRoutingInfo::AllMasters, Some(ResponsePolicy::Special));
                let answers = cluster.route_command(info, RoutingInfo::MultiNode(primaries)).await?;
                let answers: HashMap<String, String> = FromRedisValue::from_redis_value(answers)?;
                Ok(answers.into_values().collect())
            }
        }
    }

    /// Begins to receive what is published on channels; on a cluster, sharded.
    pub async fn subscribe(&mut self, channels: &[&str]) -> RedisResult<()> {
        match self {
            Self::One(one) => one.subscribe(channels).await,
            Self::Cluster(cluster) => {
                for channel in channels {
                    cluster.ssubscribe(*channel).await?;
                }
                Ok(())
            }
        }
    }

    /// No longer receives what is published on a channel.
    pub async fn unsubscribe(&mut self, channel: &str) -> RedisResult<()> {
        match self {
            Self::One(one) => one.unsubscribe(channel).await,
            Self::Cluster(cluster) => cluster.sunsubscribe(channel).await,
        }
    }
}

impl ConnectionLike for Wire {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::One(one) => one.req_packed_command(command),
            Self::Cluster(cluster) => cluster.req_packed_command(command),
        }
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::One(one) => one.req_packed_commands(pipeline, offset, count),
            Self::Cluster(cluster) => cluster.req_packed_commands(pipeline, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::One(one) => one.get_db(),
            Self::Cluster(cluster) => cluster.get_db(),
        }
    }
}

/// A field of an `INFO` text.
pub fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}
