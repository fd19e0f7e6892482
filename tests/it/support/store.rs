//! The files of the embedded engine's store, as their format says (`src/engine/embedded/series/bytes.rs`): written here
//! by hand, so that a change of the format is noticed.

use super::{
    Gateway, Leg, eventually,
    process::{callpop, run},
};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
};
use tokio::task::spawn_blocking;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

const FILE_HEAD: usize = 64;
const GROUP_HEAD: usize = 32;
const ROW_HEAD: usize = 12;

/// All files of a store.
pub fn files(data_dir: &Path) -> Vec<PathBuf> {
    let folders = ["events", "items"].map(|folder| data_dir.join(folder));
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.push(data_dir.join("store"));
    files.sort();
    files
}

/// The files of rows of a series, oldest first.
pub fn row_files(data_dir: &Path, series: &str) -> Vec<PathBuf> {
    let all = files(data_dir).into_iter();
    let is_rows = |path: &PathBuf| {
        path.parent().unwrap().ends_with(series) && path.extension().is_some_and(|end| end == "rows")
    };
    all.filter(is_rows).collect()
}

/// What the rows of a series say.
pub fn rows(data_dir: &Path, series: &str) -> Vec<Vec<u8>> {
    let mut rows = Vec::new();
    for file in row_files(data_dir, series) {
        let bytes = fs::read(file).unwrap();
        let mut at = FILE_HEAD;
        while at < bytes.len() {
            let count = u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap());
            at += GROUP_HEAD;
            for _ in 0..count {
                let length = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
                rows.push(bytes[at + ROW_HEAD..at + ROW_HEAD + length].to_vec());
                at += ROW_HEAD + length;
            }
        }
    }
    rows
}

/// Adds a row to the events of a gateway that does not run.
pub fn append(data_dir: &Path, says: &[u8]) {
    let file = row_files(data_dir, "events").pop().unwrap();
    let mut bytes = fs::read(&file).unwrap();
    let first = u64::from_le_bytes(bytes[40..48].try_into().unwrap());
    let (mut at, mut next) = (FILE_HEAD, first);
    while at < bytes.len() {
        next += u64::from(u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()));
        at += GROUP_HEAD + u64::from_le_bytes(bytes[at + 8..at + 16].try_into().unwrap()) as usize;
    }
    let mut row = (says.len() as u32).to_le_bytes().to_vec();
    row.extend(xxh3_64(says).to_le_bytes());
    row.extend(says);
    let mut head = b"rows".to_vec();
    head.extend(1_u32.to_le_bytes());
    head.extend((row.len() as u64).to_le_bytes());
    head.extend(next.to_le_bytes());
    let seed = xxh3_64(&bytes[..40]);
    let check = xxh3_64_with_seed(&head, seed);
    head.extend(check.to_le_bytes());
    bytes.extend(head);
    bytes.extend(row);
    fs::write(file, bytes).unwrap();
}

/// Takes from a mark what was written last: it is overwritten in place, and a disk that loses power may spoil that.
pub fn spoil_mark(path: &Path) {
    const SLOT: usize = 512;
    let mut bytes = fs::read(path).unwrap();
    let turn = |slot: &[u8]| u64::from_le_bytes(slot[..8].try_into().unwrap());
    let latest = bytes.chunks_mut(SLOT).max_by_key(|slot| turn(slot)).unwrap();
    latest.fill(0xff);
    fs::write(path, bytes).unwrap();
}

/// `callpop store`, which must succeed.
pub async fn command(gateway: &Gateway, arguments: &[&str]) {
    let mut command = callpop();
    command.env("CALLPOP_OPERATOR_LISTEN", gateway.lookups().to_string()).arg("store").args(arguments);
    command.arg("--config").arg(gateway.config().write());
    let output = spawn_blocking(move || run(&mut command)).await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Plays calls of a tenant until the first file of events is gone.
pub async fn outlive_first_file(gateway: &Gateway, tenant: &str) {
    let first = row_files(&gateway.config().data_dir(), "events")[0].clone();
    eventually("the first file to go", async || {
        let leg = Leg::inbound(tenant, "200");
        gateway.deliver_each(&leg.whole()).await;
        gateway.deliver(&leg.summary(60, json!({"title": "s".repeat(20_000)}))).await;
        (!first.exists()).then_some(())
    })
    .await;
}
