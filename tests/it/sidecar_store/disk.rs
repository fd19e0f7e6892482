//! The store of one machine: what its file survives, and what it refuses.

use super::{Place, add_one, all, done};
use crate::support::{process::bound_to_us, soon};
use callpop::integration_store::{Store, StoreError, Swap};
use rusqlite::Connection;
use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};
use tokio::{task::spawn_blocking, time::sleep};

const DIR: &str = "STORE_TEST_DIR";
const MOST: &str = "STORE_TEST_MOST";
const ROUNDS: u64 = 15;

/// Another process: this test binary again. It adds one, and one again, and prints each that is done.
fn another(place: &Place, most: u64) -> Child {
    let mut command = bound_to_us(std::env::current_exe().unwrap().to_str().unwrap());
    command.args(["sidecar_store::disk::a_process_adds_one_and_one", "--exact", "--nocapture"]);
    command.env(DIR, &place.engine.data_dir).env(MOST, most.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// As a process of its own, on the file of the test that starts it.
#[tokio::test]
async fn a_process_adds_one_and_one() {
    let given = |name: &str| std::env::var(name).ok();
    // One that is killed could not remove a folder of its own.
    let own = given(DIR).is_none().then(Place::on_disk);
    let dir = own.as_ref().map_or_else(|| given(DIR).unwrap().into(), |place| place.engine.data_dir.clone());
    let most: u64 = given(MOST).map_or(2, |most| most.parse().unwrap());
    let store = Store::embedded(&dir).await.unwrap();
    let mut last = 0;
    for _ in 0..most {
        let next = add_one(&store, "counter").await;
        assert!(next > last);
        last = next;
        println!("done {last}");
    }
    assert!(last >= most);
}

/// The number that a line says.
fn printed(line: std::io::Result<String>) -> Option<u64> {
    line.unwrap().split("done ").nth(1)?.parse().ok()
}

#[tokio::test]
async fn what_is_done_survives_kill_9() {
    let place = Place::on_disk();
    let mut last = 0;
    for _ in 0..ROUNDS {
        let mut child = another(&place, u64::MAX);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // It has begun; nobody knows what it is at when it is killed.
        let first = spawn_blocking(move || lines.find_map(printed).map(|_| lines));
        let lines = soon("the first swap", first).await.unwrap().expect("it was killed before");
        sleep(Duration::from_micros(rand::random_range(0..100_000))).await;
        child.kill().unwrap();
        child.wait().unwrap();
        last = lines.filter_map(printed).last().unwrap_or(last + 1);
        let store = place.open().await;
        let stored = store.get("counter").await.unwrap().unwrap().value.parse::<u64>().unwrap();
        assert!(stored == last || stored == last + 1, "{last} was done, and {stored} is stored");
        last = stored;
    }
    eprintln!("{ROUNDS} times killed, {last} swaps done, none lost");
    // More than the one that each of them began with.
    assert!(last > ROUNDS, "hardly anything was done: {last}");
}

#[tokio::test]
async fn two_processes_share_the_file() {
    let place = Place::on_disk();
    let store = place.open().await;
    let mut child = another(&place, 100);
    let mut ours = Vec::new();
    for _ in 0..100 {
        ours.push(add_one(&store, "counter").await);
    }
    let theirs = BufReader::new(child.stdout.take().unwrap()).lines().filter_map(printed);
    let mut made: Vec<u64> = theirs.chain(ours).collect();
    child.wait().unwrap();
    made.sort_unstable();
    assert_eq!(made, (1..=200).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_may_open_a_new_file_at_the_same_time() {
    let place = Place::on_disk();
    let stores = futures_util::future::join_all((0..8).map(|_| place.open())).await;
    let lines = futures_util::future::join_all(stores.iter().map(all)).await;
    assert!(lines.iter().all(|changes| changes.lineage == lines[0].lineage));
}

#[tokio::test]
async fn the_file_is_for_its_owner_only() {
    let place = Place::on_disk();
    let store = place.open().await;
    done(&store, "a", 0, "1").await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&place.engine.data_dir), 0o700);
    let names = ["sidecar.db", "sidecar.db-wal", "sidecar.db-shm"];
    assert_eq!(names.map(|name| mode(&place.engine.data_dir.join(name))), [0o600; 3]);
    drop(store);
    fs::set_permissions(place.file(), PermissionsExt::from_mode(0o644)).unwrap();
    place.open().await;
    assert_eq!(mode(&place.file()), 0o600);
}

#[tokio::test]
async fn it_is_all_there_when_opened_again() {
    let place = Place::on_disk();
    let store = place.open().await;
    let row = done(&store, "a", 0, "1").await;
    store.put_once("s", "value", Duration::from_secs(3600)).await.unwrap();
    let before = all(&store).await;
    drop(store);
    let store = place.open().await;
    assert_eq!(all(&store).await, before);
    assert_eq!(store.get("a").await, Ok(Some(row)));
    assert_eq!(store.take("s").await, Ok(Some("value".to_owned())));
}

/// What opening a file says that is no good; it must leave it as it is.
async fn refused(place: &Place) -> String {
    let before = fs::read(place.file()).unwrap();
    let Err(StoreError::CannotOpen(why)) = place.try_open().await else { panic!("it was opened") };
    assert!(fs::read(place.file()).unwrap() == before, "it was changed");
    assert!(why.contains("sidecar.db"), "{why}");
    why
}

/// A file with some rows, closed.
async fn filled() -> Place {
    let place = Place::on_disk();
    let store = place.open().await;
    for nth in 0..50 {
        done(&store, &format!("row {nth}"), 0, &"v".repeat(1000)).await;
    }
    drop(store);
    assert!(!place.engine.data_dir.join("sidecar.db-wal").exists());
    place
}

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let place = filled().await;
    let mut bytes = fs::read(place.file()).unwrap();
    let (from, to) = (4096, bytes.len() - 4096);
    bytes[from..to].fill(0xff);
    fs::write(place.file(), bytes).unwrap();
    let why = refused(&place).await;
    assert!(why.contains("damaged") && why.contains("backup"), "{why}");
}

#[tokio::test]
async fn what_is_no_file_of_ours_is_refused() {
    let place = Place::on_disk();
    fs::create_dir(&place.engine.data_dir).unwrap();
    fs::write(place.file(), "hello, I am a text ".repeat(500)).unwrap();
    assert!(refused(&place).await.contains("not a file of callpop"));
    fs::remove_file(place.file()).unwrap();
    Connection::open(place.file()).unwrap().execute_batch("CREATE TABLE pets (name TEXT)").unwrap();
    assert!(refused(&place).await.contains("not a file of callpop"));
}

#[tokio::test]
async fn a_file_of_another_version_is_refused() {
    for version in [1, 2, 7] {
        let place = filled().await;
        let raw = Connection::open(place.file()).unwrap();
        raw.pragma_update(None, "user_version", version).unwrap();
        drop(raw);
        let why = refused(&place).await;
        assert!(why.contains(&format!("version {version}")) && why.contains("version 3"), "{why}");
    }
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_is_an_error() {
    let place = Place::on_disk();
    fs::write(&place.engine.data_dir, "a file").unwrap();
    let Err(StoreError::CannotOpen(why)) = place.try_open().await else { panic!("it was opened") };
    assert!(why.contains("sidecar.db"), "{why}");
}

#[tokio::test]
async fn a_file_that_another_process_holds_is_unavailable_for_a_while() {
    let place = Place::on_disk();
    let store = place.open().await;
    let row = done(&store, "a", 0, "1").await;
    let other = Connection::open(place.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; UPDATE head SET seq = seq").unwrap();
    let began = Instant::now();
    assert!(matches!(store.swap("a", 1, "2").await, Err(StoreError::Unavailable(_))));
    assert!(matches!(store.take("s").await, Err(StoreError::Unavailable(_))));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(store.get("a").await, Ok(Some(row)));
    // Those that wait for each other are told in time as well.
    let began = Instant::now();
    let many = futures_util::future::join_all((0..20).map(|_| store.swap("a", 1, "2"))).await;
    assert!(many.iter().all(|swap| matches!(swap, Err(StoreError::Unavailable(_) | StoreError::Unknown(_)))));
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    other.execute_batch("ROLLBACK").unwrap();
    let stands = store.get_durable("a").await.unwrap().unwrap();
    assert!(matches!(store.swap("a", stands.revision, "3").await, Ok(Swap::Done(_))));
}
