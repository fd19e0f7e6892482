//! The sidecar's store, by the library: what is in `contract.rs` holds for both kinds.

#[path = "sidecar_store/contract.rs"]
mod embedded;
#[path = "sidecar_store/contract.rs"]
mod redis;

mod disk;
mod servers;

use crate::support::redis as servers_of;
use callpop::integration_store::{
    Changes, Durability, Engine, EngineKind, Metrics, Row, Store, StoreError, Swap, Tasks,
};
use std::{path::PathBuf, time::Duration};
use tempfile::TempDir;
use tokio::task::yield_now;
use uuid::Uuid;

/// Where a store is that no other test has.
struct Place {
    engine: Engine,
    _folder: TempDir,
}

impl Place {
    /// Of the kind that a module of the test binary is named after.
    async fn of(module: &str) -> Self {
        match module.rsplit("::").next() {
            Some("embedded") => Self::on_disk(),
            Some("redis") => Self::on_redis(servers_of::rights::url(servers_of::shared().await)),
            _ => panic!("{module} is not named after a store"),
        }
    }

    fn on_disk() -> Self {
        Self::new(EngineKind::Embedded, "redis://127.0.0.1:1".to_owned())
    }

    fn on_redis(url: String) -> Self {
        Self::new(EngineKind::Redis, url)
    }

    fn new(kind: EngineKind, url: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine {
            kind,
            data_dir: folder.path().join("data"),
            durability: Durability::Fsync,
            settle_after: Duration::from_secs(60),
            file_bytes: 64 << 20,
            redis_url: url.into(),
            redis_prefix: format!("callpop:test-{}", Uuid::new_v4().simple()),
            redis_master: None,
            unready_after: Duration::ZERO,
            redis_sentinel_user: None,
            redis_sentinel_password: None,
            redis_ca: None,
            redis_require_aof: true,
            redis_wait_replicas: None,
        };
        Self { engine, _folder: folder }
    }

    /// A handle of its own.
    async fn open(&self) -> Store {
        self.try_open().await.unwrap()
    }

    async fn try_open(&self) -> Result<Store, StoreError> {
        let metrics = Metrics::default();
        Store::open(&self.engine, &self.engine.data_dir, &metrics, &Tasks::new(&metrics)).await
    }

    fn file(&self) -> PathBuf {
        self.engine.data_dir.join("sidecar.db")
    }
}

/// The row that a swap has written.
async fn done(store: &Store, name: &str, was: u64, value: &str) -> Row {
    match store.swap(name, was, value).await {
        Ok(Swap::Done(row)) => {
            assert_eq!((row.name.as_str(), row.revision, row.value.as_str()), (name, was + 1, value));
            row
        }
        other => panic!("{other:?}"),
    }
}

/// Adds one to the number that a row holds, whoever else does; gives what it was made to be. Where the store cannot be
/// used now, as on a machine that has too much to do, it is tried again.
async fn add_one(store: &Store, name: &str) -> u64 {
    loop {
        yield_now().await;
        let row = match store.get(name).await {
            Err(StoreError::Unavailable(_)) => continue,
            row => row.unwrap(),
        };
        let (was, number) = row.map_or((0, 0), |row| (row.revision, row.value.parse::<u64>().unwrap()));
        match store.swap(name, was, &(number + 1).to_string()).await {
            Err(StoreError::Unavailable(_)) => {}
            swap => match swap.unwrap() {
                Swap::Done(row) => return row.value.parse().unwrap(),
                Swap::Lost(stands) => assert!(stands.unwrap().revision > was),
            },
        }
    }
}

/// All rows there are.
async fn all(store: &Store) -> Changes {
    store.changes("", 0, usize::MAX).await.unwrap()
}
