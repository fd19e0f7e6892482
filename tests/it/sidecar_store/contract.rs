//! What holds for every kind of store.

use super::{Place, add_one, all, done};
use crate::support::{PATIENCE, eventually};
use callpop::integration_store::{
    MOST_CHANGES, MOST_NAME, MOST_SECRETS, MOST_VALUE, Row, Store, StoreError, Swap,
};
use futures_util::{StreamExt, future::join_all, stream};
use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tokio::{task::yield_now, time::timeout};

const HOUR: Duration = Duration::from_secs(3600);

async fn place() -> Place {
    Place::of(module_path!()).await
}

#[tokio::test]
async fn a_swap_is_done_only_at_the_revision_that_it_names() {
    let store = place().await.open().await;
    assert_eq!(store.get("a").await, Ok(None));
    assert_eq!(store.swap("a", 3, "x").await, Ok(Swap::Lost(None)));
    let first = done(&store, "a", 0, "x").await;
    assert_eq!(store.swap("a", 0, "y").await, Ok(Swap::Lost(Some(first.clone()))));
    assert_eq!(store.swap("a", 2, "y").await, Ok(Swap::Lost(Some(first.clone()))));
    let second = done(&store, "a", 1, "y").await;
    assert!(second.seq > first.seq);
    assert_eq!(store.swap("a", 1, "z").await, Ok(Swap::Lost(Some(second.clone()))));
    assert_eq!(store.get("a").await, Ok(Some(second.clone())));
    assert_eq!(store.get_durable("a").await, Ok(Some(second)));
    assert_eq!(store.get("b").await, Ok(None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_revision_is_won_by_exactly_one_of_many() {
    const EACH: usize = 25;
    let place = place().await;
    let handles = join_all((0..4).map(|_| place.open())).await;
    let adding = (0..8).map(|task| {
        let store = &handles[task % handles.len()];
        async move {
            let mut made = Vec::new();
            for _ in 0..EACH {
                made.push(add_one(store, "counter").await);
            }
            made
        }
    });
    let mut made: Vec<u64> = join_all(adding).await.concat();
    made.sort_unstable();
    assert_eq!(made, (1..=8 * EACH as u64).collect::<Vec<_>>());
    let row = handles[0].get("counter").await.unwrap().unwrap();
    assert_eq!((row.revision, row.value), (8 * EACH as u64, (8 * EACH).to_string()));
}

/// A reader that goes on from where it was, in small steps.
#[derive(Default)]
struct Reader {
    lineage: String,
    after: u64,
    rows: HashMap<String, Row>,
}

impl Reader {
    /// Reads on; gives how many rows came.
    async fn read(&mut self, store: &Store) -> usize {
        let changes = store.changes(&self.lineage, self.after, 7).await.unwrap();
        assert!(self.lineage.is_empty() || changes.lineage == self.lineage);
        assert!(changes.rows.len() <= 7);
        self.lineage = changes.lineage;
        for row in &changes.rows {
            assert!(row.seq > self.after, "{row:?} after {}", self.after);
            self.after = row.seq;
            let before = self.rows.insert(row.name.clone(), row.clone());
            assert!(before.is_none_or(|before| before.revision < row.revision));
        }
        changes.rows.len()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_reader_misses_nothing_while_many_write() {
    let place = place().await;
    let handles = join_all((0..3).map(|_| place.open())).await;
    let is_over = AtomicBool::new(false);
    let writing = async {
        join_all((0..6_usize).map(|task| {
            let store = &handles[task % 2];
            async move {
                for round in 0..40 {
                    add_one(store, &format!("row {}", (task * 7 + round) % 20)).await;
                }
            }
        }))
        .await;
        is_over.store(true, Ordering::Relaxed);
    };
    let reading = async {
        let mut reader = Reader::default();
        while !is_over.load(Ordering::Relaxed) {
            reader.read(&handles[2]).await;
            yield_now().await;
        }
        while reader.read(&handles[2]).await > 0 {}
        reader
    };
    // Each of the 240 waits for the disk, which all the machine uses.
    let both = async { tokio::join!(writing, reading) };
    let ((), reader) = timeout(PATIENCE * 4, both).await.expect("writers and reader come to an end");
    assert_eq!(reader.rows.len(), 20);
    for (name, row) in &reader.rows {
        assert_eq!(handles[0].get(name).await.unwrap().as_ref(), Some(row));
    }
    let total: u64 = reader.rows.values().map(|row| row.revision).sum();
    assert_eq!((total, reader.after), (240, 240));
}

#[tokio::test]
async fn a_row_is_listed_once_at_its_last_change() {
    let store = place().await.open().await;
    for name in ["a", "b", "c"] {
        done(&store, name, 0, "1").await;
    }
    let before = all(&store).await;
    assert_eq!(before.rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    let again = done(&store, "a", 1, "2").await;
    let after = store.changes(&before.lineage, before.rows[2].seq, 10).await.unwrap();
    assert_eq!((after.lineage, after.rows), (before.lineage.clone(), vec![again]));
    assert_eq!(
        all(&store).await.rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(),
        ["b", "c", "a"]
    );
    let none = store.changes(&before.lineage, before.rows[2].seq + 1, 10).await.unwrap();
    assert_eq!((none.lineage, none.rows), (before.lineage, vec![]));
}

#[tokio::test]
async fn a_reader_of_another_line_reads_from_the_beginning() {
    let place = place().await;
    let store = place.open().await;
    let row = done(&store, "a", 0, "1").await;
    let lineage = all(&store).await.lineage;
    for stranger in ["", "another"] {
        let changes = store.changes(stranger, 99, 10).await.unwrap();
        assert_eq!((&changes.lineage, &changes.rows), (&lineage, &vec![row.clone()]));
    }
    assert_eq!(all(&place.open().await).await.lineage, lineage);
}

/// As after a backup was restored.
#[tokio::test]
async fn a_store_that_went_back_begins_a_new_line() {
    let store = place().await.open().await;
    let row = done(&store, "a", 0, "1").await;
    let lineage = all(&store).await.lineage;
    let changes = store.changes(&lineage, row.seq + 1, 10).await.unwrap();
    assert_ne!(changes.lineage, lineage);
    assert_eq!(changes.rows, std::slice::from_ref(&row));
    let next = done(&store, "b", 0, "1").await;
    let more = store.changes(&changes.lineage, row.seq, 10).await.unwrap();
    assert_eq!((more.lineage, more.rows), (changes.lineage, vec![next]));
}

#[tokio::test]
async fn changes_are_given_in_bounded_parts() {
    let store = place().await.open().await;
    let names: Vec<String> = (0..=MOST_CHANGES).map(|nth| format!("row {nth}")).collect();
    let writing = stream::iter(&names).map(|name| done(&store, name, 0, "1")).buffer_unordered(32);
    assert_eq!(writing.count().await, MOST_CHANGES + 1);
    let first = all(&store).await;
    assert_eq!(first.rows.len(), MOST_CHANGES);
    let rest = store.changes(&first.lineage, first.rows[MOST_CHANGES - 1].seq, usize::MAX).await.unwrap();
    assert_eq!(rest.rows.len(), 1);
    assert_eq!(store.changes(&first.lineage, 0, 0).await.unwrap().rows, []);
}

#[tokio::test]
async fn what_is_stored_is_any_text() {
    let store = place().await.open().await;
    let values = ["", "{\"a\":\"b:c\"}", "1:2:3", "line\nline\r\n", "\u{0}\u{1e}é☎"];
    for (nth, value) in values.into_iter().enumerate() {
        let name = format!("{value}:{nth}");
        let row = done(&store, &name, 0, value).await;
        assert_eq!(store.get(&name).await, Ok(Some(row)));
        store.put_once(&name, value, HOUR).await.unwrap();
        assert_eq!(store.take(&name).await, Ok(Some(value.to_owned())));
    }
    assert_eq!(all(&store).await.rows.iter().map(|row| row.value.as_str()).collect::<Vec<_>>(), values);
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_changes_nothing() {
    let store = place().await.open().await;
    let (name, value) = ("n".repeat(MOST_NAME), "v".repeat(MOST_VALUE));
    let large = value.clone() + "v";
    assert_eq!(store.swap(&name, 0, &large).await, Err(StoreError::TooLarge));
    assert_eq!(store.put_once(&name, &large, HOUR).await, Err(StoreError::TooLarge));
    assert_eq!(store.swap(&(name.clone() + "n"), 0, &value).await, Err(StoreError::TooLarge));
    assert_eq!(all(&store).await.rows, []);
    let row = done(&store, &name, 0, &value).await;
    assert_eq!(all(&store).await.rows, [row]);
    store.put_once(&name, &value, HOUR).await.unwrap();
    assert_eq!(store.take(&name).await, Ok(Some(value)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_secret_is_taken_by_one_only() {
    let place = place().await;
    let handles = join_all((0..4).map(|_| place.open())).await;
    for round in 0..20 {
        let name = format!("secret {round}");
        handles[0].put_once(&name, "value", HOUR).await.unwrap();
        let taking = (0..8).map(|task| handles[task % handles.len()].take(&name));
        let taken: Vec<String> = join_all(taking).await.into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(taken, ["value"]);
        assert_eq!(handles[1].take(&name).await, Ok(None));
    }
    assert_eq!(handles[0].take("no such").await, Ok(None));
}

#[tokio::test]
async fn a_secret_has_its_name_for_all_its_time() {
    let store = place().await.open().await;
    store.put_once("a", "1", HOUR).await.unwrap();
    assert_eq!(store.put_once("a", "1", HOUR).await, Err(StoreError::Taken));
    assert_eq!(store.take("a").await, Ok(Some("1".to_owned())));
    assert_eq!(store.put_once("a", "2", HOUR).await, Err(StoreError::Taken));
    assert_eq!(store.take("a").await, Ok(None));
}

#[tokio::test]
async fn a_secret_is_not_given_after_its_time() {
    let store = place().await.open().await;
    let soon = Duration::from_millis(40);
    store.put_once("a", "1", soon).await.unwrap();
    store.put_once("b", "1", soon).await.unwrap();
    store.put_once("c", "1", HOUR).await.unwrap();
    // When the name of the second is free, the time of the first is over too.
    eventually("the secret to expire", async || store.put_once("b", "2", HOUR).await.ok()).await;
    assert_eq!(store.take("a").await, Ok(None));
    assert_eq!(store.take("b").await, Ok(Some("2".to_owned())));
    assert_eq!(store.take("c").await, Ok(Some("1".to_owned())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_are_bounded() {
    let store = place().await.open().await;
    let names: Vec<String> = (0..MOST_SECRETS).map(|nth| format!("secret {nth}")).collect();
    // Few at a time: they wait for each other's turn at the disk, and not for long.
    let put = stream::iter(&names).map(|name| store.put_once(name, "value", HOUR)).buffer_unordered(8);
    put.for_each(async |put| assert_eq!(put, Ok(()))).await;
    assert_eq!(store.put_once("one more", "value", HOUR).await, Err(StoreError::Full));
    assert_eq!(store.take("one more").await, Ok(None));
    assert_eq!(store.take(&names[7]).await, Ok(Some("value".to_owned())));
    done(&store, "a", 0, "1").await;
}
