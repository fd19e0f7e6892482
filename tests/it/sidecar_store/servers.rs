//! The store of many nodes: what it says while Redis is away, slow, replaced or emptied.

use super::{Place, add_one, all, done};
use crate::support::{
    eventually, eventually_within,
    proxy::Proxy,
    redis::{
        Aof, Cluster, Sentinels, Server, cluster,
        sentinel::{MASTER, PATIENCE},
    },
};
use callpop::integration_store::{Row, Store, StoreError, Swap};
use futures_util::future::join_all;
use std::time::{Duration, Instant};

const HOUR: Duration = Duration::from_secs(3600);
/// The longest that any call may take: a step, and then its confirmation.
const BOUND: Duration = Duration::from_secs(5);

/// Makes every call; none may succeed, and all answer in time. Gives whether nothing can have been written.
async fn all_fail(store: &Store) -> bool {
    let began = Instant::now();
    let (get, durable, changes, swap, put, take) = tokio::join!(
        store.get("a"),
        store.get_durable("a"),
        store.changes("", 0, 10),
        store.swap("a", 1, "2"),
        store.put_once("t", "value", HOUR),
        store.take("s"),
    );
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    for error in [get.unwrap_err(), durable.unwrap_err(), changes.unwrap_err()] {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }
    let errors = [swap.unwrap_err(), put.unwrap_err(), take.unwrap_err()];
    assert!(
        errors.iter().all(|error| matches!(error, StoreError::Unavailable(_) | StoreError::Unknown(_))),
        "{errors:?}"
    );
    errors.iter().all(|error| matches!(error, StoreError::Unavailable(_)))
}

/// Waits until a row can be read.
async fn comes_back(store: &Store, name: &str) -> Row {
    eventually_within(PATIENCE, "the store to come back", async || store.get(name).await.ok()?).await
}

/// The key of a place that ends like that.
fn key(place: &Place, part: &str) -> String {
    format!("{}:{{sidecar}}:integrations:{part}", place.engine.redis_prefix)
}

#[tokio::test]
async fn a_redis_that_is_away_is_unavailable_at_once() {
    let mut server = Server::start(Aof::Always).await;
    let place = Place::on_redis(server.url());
    let store = place.open().await;
    let row = done(&store, "a", 0, "1").await;
    store.put_once("s", "value", HOUR).await.unwrap();
    let lineage = all(&store).await.lineage;
    server.kill();
    all_fail(&store).await;
    // Now it is known to be away.
    eventually("it to be given up", async || {
        matches!(store.swap("a", 1, "2").await, Err(StoreError::Unavailable(_))).then_some(())
    })
    .await;
    assert!(all_fail(&store).await);
    // A node may start meanwhile.
    let other = place.open().await;
    assert!(all_fail(&other).await);
    server.restart().await;
    assert_eq!(comes_back(&store, "a").await, row);
    let durable = async || other.get_durable("a").await.ok()?;
    assert_eq!(eventually("the other to come back", durable).await, row);
    // A restarted one may have lost something: all is read again.
    let again = store.changes(&lineage, row.seq, 10).await.unwrap();
    assert_ne!(again.lineage, lineage);
    assert_eq!(again.rows, [row]);
    done(&other, "a", 1, "2").await;
    assert_eq!(store.take("s").await, Ok(Some("value".to_owned())));
}

/// To connect to it takes longer than a call waits for a connection.
#[tokio::test]
async fn a_redis_that_is_far_away_can_be_written_to_as_soon_as_it_is_open() {
    let server = Server::start(Aof::Always).await;
    // Now the server knows the scripts.
    done(&Place::on_redis(server.url()).open().await, "a", 0, "1").await;
    let proxy = Proxy::to(&server.address()).await;
    proxy.delay(Duration::from_millis(100));
    done(&Place::on_redis(proxy.url()).open().await, "a", 0, "1").await;
}

#[tokio::test]
async fn a_redis_that_hangs_is_given_up_in_time() {
    let server = Server::start(Aof::EverySecond).await;
    let store = Place::on_redis(server.url()).open().await;
    done(&store, "a", 0, "1").await;
    store.put_once("s", "value", HOUR).await.unwrap();
    server.pause();
    assert!(!all_fail(&store).await, "what was sent may come to be");
    server.unpause();
    // It was sent, and is done when the server wakes up.
    let row = eventually("the swap to be done", async || {
        store.get_durable("a").await.ok()?.filter(|row| row.revision == 2)
    })
    .await;
    assert_eq!(row.value, "2");
}

#[tokio::test]
async fn a_swap_whose_answer_is_lost_is_unknown_and_is_read_again() {
    let server = Server::start(Aof::EverySecond).await;
    let proxy = Proxy::to(&server.address()).await;
    let store = Place::on_redis(proxy.url()).open().await;
    done(&store, "a", 0, "1").await;
    proxy.mute();
    let lost = store.swap("a", 1, "2").await;
    assert!(matches!(lost, Err(StoreError::Unknown(_))), "{lost:?}");
    // The connection is silent, not broken; a new one is not.
    proxy.heal();
    let row = eventually("the store to come back", async || store.get_durable("a").await.ok()?).await;
    assert_eq!((row.revision, row.value.as_str()), (2, "2"));
}

/// Breaks all connections when a sign is seen.
async fn breaks_at(proxy: &Proxy, sign: impl AsyncFnMut() -> Option<()>) {
    eventually("the server to have done it", sign).await;
    proxy.cut();
    eventually("the connections to break", async || (proxy.connections() == 0).then_some(())).await;
    proxy.heal();
}

/// It is the same attempt.
#[tokio::test]
async fn what_is_tried_again_on_a_new_connection_is_done_once() {
    let server = Server::start(Aof::EverySecond).await;
    let proxy = Proxy::to(&server.address()).await;
    let place = Place::on_redis(proxy.url());
    let store = place.open().await;
    // Now the server knows the scripts.
    assert_eq!(store.take("s").await, Ok(None));
    store.put_once("s", "value", HOUR).await.unwrap();
    assert_eq!(store.swap("a", 9, "1").await, Ok(Swap::Lost(None)));
    let stored = async |name: &str| server.command(&["GET", &key(&place, name)]).await;

    proxy.mute();
    let is_written = async || (server.command(&["HLEN", &key(&place, "rows")]).await == 1).then_some(());
    let (swap, ()) = tokio::join!(store.swap("a", 0, "1"), breaks_at(&proxy, is_written));
    let Ok(Swap::Done(row)) = swap else { panic!("{swap:?}") };
    assert_eq!((row.revision, row.seq), (1, 1));
    assert_eq!(store.get("a").await, Ok(Some(row)));

    proxy.mute();
    let is_taken = async || (!stored("secret:s").await.as_str()?.contains("::")).then_some(());
    let (taken, ()) = tokio::join!(store.take("s"), breaks_at(&proxy, is_taken));
    assert_eq!(taken, Ok(Some("value".to_owned())));
    assert_eq!(store.take("s").await, Ok(None));

    proxy.mute();
    let is_put = async || stored("secret:t").await.is_string().then_some(());
    let (put, ()) = tokio::join!(store.put_once("t", "other", HOUR), breaks_at(&proxy, is_put));
    assert_eq!(put, Ok(()));
    assert_eq!(store.put_once("t", "other", HOUR).await, Err(StoreError::Taken));
    assert_eq!(store.take("t").await, Ok(Some("other".to_owned())));
}

#[tokio::test]
async fn what_no_replica_confirms_is_unknown_until_one_does() {
    let server = Server::start(Aof::EverySecond).await;
    let mut place = Place::on_redis(server.url());
    place.engine.redis_wait_replicas = Some(1);
    let store = place.open().await;
    let began = Instant::now();
    let swap = store.swap("a", 0, "1").await;
    assert!(matches!(swap, Err(StoreError::Unknown(_))), "{swap:?}");
    assert!(began.elapsed() < BOUND);
    assert_eq!(store.get("a").await.unwrap().unwrap().value, "1");
    let unsure = store.get_durable("a").await;
    assert!(matches!(unsure, Err(StoreError::Unavailable(_))), "{unsure:?}");
    let put = store.put_once("s", "value", HOUR).await;
    assert!(matches!(put, Err(StoreError::Unknown(_))), "{put:?}");

    let of = format!("127.0.0.1 {}", server.port);
    let replica = Server::start_with(Aof::EverySecond, &["--replicaof", &of]).await;
    let row = eventually("a replica to confirm", async || store.get_durable("a").await.ok()?).await;
    assert_eq!((row.revision, row.value.as_str()), (1, "1"));
    done(&store, "a", 1, "2").await;
    let rows = key(&place, "rows");
    assert!(replica.command(&["HGET", &rows, "a"]).await.as_str().unwrap().ends_with(":2"));
}

#[tokio::test]
async fn script_flush_is_survived() {
    let server = Server::start(Aof::EverySecond).await;
    let store = Place::on_redis(server.url()).open().await;
    for round in 0..20 {
        server.command(&["SCRIPT", "FLUSH"]).await;
        let name = format!("secret {round}");
        let (number, put) = tokio::join!(add_one(&store, "a"), store.put_once(&name, "value", HOUR));
        assert_eq!((number, put), (round + 1, Ok(())));
    }
}

#[tokio::test]
async fn an_emptied_redis_is_reported_to_its_readers() {
    let server = Server::start(Aof::EverySecond).await;
    let store = Place::on_redis(server.url()).open().await;
    for _ in 0..5 {
        add_one(&store, "a").await;
    }
    let before = all(&store).await;
    server.command(&["FLUSHALL"]).await;
    let after = store.changes(&before.lineage, 5, 10).await.unwrap();
    assert_ne!(after.lineage, before.lineage);
    assert_eq!(after.rows, []);
    assert_eq!(store.swap("a", 5, "6").await, Ok(Swap::Lost(None)));
    // Also where as much was written again since.
    server.command(&["FLUSHALL"]).await;
    for _ in 0..9 {
        add_one(&store, "b").await;
    }
    let again = store.changes(&after.lineage, 5, 10).await.unwrap();
    assert_ne!(again.lineage, after.lineage);
    assert_eq!(again.rows.len(), 1);
}

#[tokio::test]
async fn a_redis_that_forgets_everything_is_refused() {
    let server = Server::start(Aof::Off).await;
    let mut place = Place::on_redis(server.url());
    let Err(StoreError::CannotOpen(why)) = place.try_open().await else { panic!("it was opened") };
    assert!(why.contains("appendonly"), "{why}");
    place.engine.redis_require_aof = false;
    done(&place.open().await, "a", 0, "1").await;
}

#[tokio::test]
async fn a_redis_that_refuses_to_write_is_unavailable() {
    let server = Server::start(Aof::EverySecond).await;
    let store = Place::on_redis(server.url()).open().await;
    done(&store, "a", 0, "1").await;
    for [setting, value] in [["maxmemory", "1mb"], ["min-replicas-to-write", "1"]] {
        server.command(&["CONFIG", "SET", setting, value]).await;
        let swap = store.swap("a", 1, "2").await;
        assert!(matches!(swap, Err(StoreError::Unavailable(_))), "{swap:?}");
        server.command(&["CONFIG", "SET", setting, "0"]).await;
        assert_eq!(all(&store).await.rows[0].revision, 1);
    }
}

#[tokio::test]
async fn it_is_in_one_slot_of_a_cluster() {
    let place = Place::on_redis(cluster::shared().await.url_by_rights());
    let handles = join_all((0..2).map(|_| place.open())).await;
    let adding = (0..4).map(|task| {
        let store = &handles[task % 2];
        async move {
            for _ in 0..10 {
                add_one(store, "a").await;
            }
        }
    });
    join_all(adding).await;
    let changes = all(&handles[0]).await;
    assert_eq!((changes.rows[0].revision, changes.rows[0].seq), (40, 40));
    assert_eq!(handles[1].get_durable("a").await, Ok(Some(changes.rows[0].clone())));
    handles[0].put_once("s", "value", HOUR).await.unwrap();
    let taken = join_all(handles.iter().map(|store| store.take("s"))).await;
    assert_eq!(taken.into_iter().filter_map(Result::unwrap).count(), 1);
}

/// A server of the cluster takes the slot over: another history, and the same rows.
#[tokio::test]
async fn a_slot_that_moves_takes_the_store_along() {
    let cluster = Cluster::start(Aof::EverySecond).await;
    let place = Place::on_redis(cluster.url());
    let store = place.open().await;
    for _ in 0..5 {
        add_one(&store, "a").await;
    }
    let lineage = all(&store).await.lineage;
    let slot = cluster.slot(&key(&place, "rows")).await;
    let from = cluster::SLOTS.iter().position(|slots| slots.contains(&slot)).unwrap();
    cluster.migrate_slowly(slot, from, (from + 1) % 3, Duration::ZERO).await;
    eventually("the next swap", async || match store.swap("a", 5, "6").await {
        Ok(Swap::Done(row)) => Some(row),
        Ok(Swap::Lost(stands)) => stands.filter(|row| row.value == "6"),
        Err(_) => None,
    })
    .await;
    let changes = store.changes(&lineage, 5, 10).await.unwrap();
    assert_ne!(changes.lineage, lineage);
    assert_eq!((changes.rows[0].revision, changes.rows[0].seq), (6, 6));
}

#[tokio::test]
async fn what_is_done_survives_a_failover() {
    let mut set = Sentinels::start(Aof::EverySecond).await;
    let mut place = Place::on_redis(set.url());
    place.engine.redis_master = Some(MASTER.to_owned());
    place.engine.redis_wait_replicas = Some(1);
    let store = place.open().await;
    for nth in 0..30 {
        done(&store, &format!("row {nth}"), 0, "1").await;
    }
    let before = all(&store).await;
    set.servers[0].kill();
    set.failed_over(0).await;
    comes_back(&store, "row 0").await;
    let after = store.changes(&before.lineage, 30, 100).await.unwrap();
    assert_ne!(after.lineage, before.lineage);
    assert_eq!(after.rows, before.rows);
    eventually_within(PATIENCE, "a swap", async || match store.swap("row 0", 1, "2").await {
        Ok(Swap::Done(_)) => Some(()),
        Ok(Swap::Lost(Some(row))) if row.value == "2" => Some(()),
        _ => None,
    })
    .await;
}
