//! A connection to Redis, of either kind: to one server, or to all of a cluster. Many may use a
//! clone of it at the same time; their commands go out one after the other without waiting.

use futures_util::{StreamExt, stream};
use redis::{
    Cmd, FromRedisValue, Pipeline, RedisFuture, RedisResult, Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster_async::ClusterConnection,
    cluster_routing::{MultipleNodeRoutingInfo, ResponsePolicy, RoutingInfo, SingleNodeRoutingInfo},
    cmd,
};
use std::collections::HashMap;

/// Channels of a cluster that are subscribed to at the same time.
const AT_ONCE: usize = 64;

/// An open connection.
#[derive(Clone)]
pub(crate) enum Wire {
    One(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Wire {
    /// Whether channels belong to slots.
    pub(crate) fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }

    /// A section of what each primary says about itself.
    pub(crate) async fn info(&mut self, section: &str) -> RedisResult<Vec<String>> {
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

    /// Whether every primary keeps a log on its disk.
    pub(crate) async fn has_log(&mut self) -> RedisResult<bool> {
        let infos = self.info("persistence").await?;
        Ok(infos.iter().all(|info| field(info, "aof_enabled") == Some("1")))
    }

    /// Whether a cluster can do its work, as any of its primaries says.
    pub(crate) async fn is_well(&mut self) -> RedisResult<bool> {
        let info: String = match self {
            Self::One(_) => return Ok(true),
            Self::Cluster(cluster) => {
                let mut info = cmd("CLUSTER");
                info.arg("INFO");
                let any = RoutingInfo::SingleNode(SingleNodeRoutingInfo::RandomPrimary);
                FromRedisValue::from_redis_value(cluster.route_command(info, any).await?)?
            }
        };
        Ok(field(&info, "cluster_state") == Some("ok"))
    }

    /// Sends commands to the server that has the key of any of them; gives every answer.
    pub(crate) async fn together(&mut self, commands: &Pipeline) -> RedisResult<Vec<Value>> {
        let answers = self.req_packed_commands(commands, 0, commands.len()).await?;
        answers.into_iter().map(Value::extract_error).collect()
    }

    /// Begins to receive what is published on channels, on a cluster sharded; tells of each
    /// whether that went well.
    pub(crate) async fn subscribe(&mut self, channels: &[&str]) -> Vec<bool> {
        match self {
            Self::One(one) => {
                let went = one.subscribe(channels).await.is_ok();
                vec![went; channels.len()]
            }
            Self::Cluster(cluster) => {
                let channels: Vec<String> = channels.iter().map(|&channel| channel.to_owned()).collect();
                let each = channels.into_iter().map(|channel| {
                    let mut cluster = cluster.clone();
                    async move { cluster.ssubscribe(channel).await.is_ok() }
                });
                stream::iter(each).buffered(AT_ONCE).collect().await
            }
        }
    }

    /// No longer receives what is published on channels.
    pub(crate) async fn unsubscribe(&mut self, channels: &[&str]) -> RedisResult<()> {
        match self {
            Self::One(one) => one.unsubscribe(channels).await,
            Self::Cluster(cluster) => {
                let channels: Vec<String> = channels.iter().map(|&channel| channel.to_owned()).collect();
                let each = channels.into_iter().map(|channel| {
                    let mut cluster = cluster.clone();
                    async move { cluster.sunsubscribe(channel).await }
                });
                // Who is away forgets its subscribers anyway.
                stream::iter(each).buffered(AT_ONCE).for_each(|_| async {}).await;
                Ok(())
            }
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
pub(crate) fn field<'a>(info: &'a str, name: &str) -> Option<&'a str> {
    info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}
