//! The chain over restarts and crashes, and what breaks it.

use super::*;
use crate::metrics::Metrics;
use std::{
    fs::{self, File, OpenOptions},
    io::Write,
    os::unix::fs::PermissionsExt,
};
use tempfile::TempDir;

fn event(generation: u64) -> AuditEvent {
    AuditEvent {
        at: 1_795_384_800_000_000 + generation,
        key: Key {
            source: "telsmart".try_into().unwrap(),
            tenant: "8b29ce07-8d2b-4d46-95f1-5af3a5d1a5c0".try_into().unwrap(),
            extension: "201".try_into().unwrap(),
        },
        consent: 1,
        generation,
        event: "ambiguous",
        cause: Some("connection_lost"),
    }
}

fn log() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sidecar").join(FILE);
    (folder, path)
}

fn open(path: &Path) -> Result<Audit, AuditError> {
    Audit::open(path, 5, &Tasks::new(&Metrics::default()), |_| {})
}

/// The same, once the thread that wrote it before has ended.
async fn open_at_last(path: &Path) -> Result<Audit, AuditError> {
    loop {
        match open(path) {
            Err(AuditError::InUse { .. }) => tokio::task::yield_now().await,
            opened => return opened,
        }
    }
}

async fn reopen(path: &Path) -> Audit {
    open_at_last(path).await.unwrap()
}

async fn filled(path: &Path, events: u64) {
    let audit = reopen(path).await;
    for generation in 1..=events {
        audit.note(event(generation)).await.unwrap();
    }
}

fn broken(path: &Path) -> u64 {
    match verify(path) {
        Err(AuditError::Broken { line: Some(line), .. }) => line,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_line_says_what_happened_and_is_as_long_as_documented() {
    let (_folder, path) = log();
    let audit = open(&path).unwrap();
    audit.note(event(7)).await.unwrap();
    audit.note(AuditEvent { cause: None, ..event(8) }).await.unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = text.lines().collect();
    let hash = |line: &str| line[line.len() - 66..line.len() - 2].to_owned();
    let first = format!(
        r#"{{"n":1,"at":1795384800000007,"source":"telsmart","tenant_id":"8b29ce07-8d2b-4d46-95f1-5af3a5d1a5c0","extension":"201","consent":1,"generation":7,"event":"ambiguous","cause":"connection_lost","prev":"{}","hash":"{}"}}"#,
        "0".repeat(64),
        hash(lines[0])
    );
    assert_eq!(lines[0], first);
    assert!((300..400).contains(&first.len()), "{}", first.len());
    let second: serde_json::Value = serde_json::from_str(lines[1]).unwrap();
    assert_eq!((&second["prev"], &second["cause"]), (&hash(lines[0]).into(), &serde_json::Value::Null));
    assert_eq!(verify(&path).unwrap(), Verified { entries: 2, head: hash(lines[1]) });
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn the_chain_goes_on_after_a_restart() {
    let (_folder, path) = log();
    assert!(matches!(verify(&path), Err(AuditError::CannotOpen { .. })));
    filled(&path, 0).await;
    assert_eq!(verify(&path).unwrap().entries, 0);
    filled(&path, 3).await;
    filled(&path, 0).await;
    filled(&path, 40).await;
    assert_eq!(verify(&path).unwrap().entries, 43);
}

#[tokio::test]
async fn a_torn_last_line_is_removed_and_an_event_says_so() {
    let (_folder, path) = log();
    filled(&path, 3).await;
    let whole = fs::read(&path).unwrap();
    let line = whole.len() / 3;
    for torn in [1, line / 2, line - 1] {
        fs::write(&path, &whole[..2 * line + torn]).unwrap();
        assert_eq!(broken(&path), 3);
        filled(&path, 1).await;
        assert_eq!(verify(&path).unwrap().entries, 4);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.as_bytes().starts_with(&whole[..2 * line]));
        let noted = text.lines().nth(2).unwrap();
        assert!(noted.starts_with(r#"{"n":3,"at":5,"event":"torn_line_removed","prev":""#), "{noted}");
    }
    fs::write(&path, &whole[..line / 2]).unwrap();
    filled(&path, 0).await;
    assert_eq!(verify(&path).unwrap().entries, 1, "the only line was torn");
}

#[tokio::test]
async fn every_changed_byte_is_found_in_its_line() {
    let (_folder, path) = log();
    filled(&path, 2).await;
    let whole = fs::read(&path).unwrap();
    let second = whole.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for at in 0..whole.len() {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(&path, &changed).unwrap();
        assert_eq!(broken(&path), if at < second { 1 } else { 2 }, "byte {at}");
    }
}

#[tokio::test]
async fn a_line_that_is_missing_added_or_moved_is_found() {
    let (_folder, path) = log();
    filled(&path, 4).await;
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    for (order, at) in
        [(vec![0, 2, 3], 2), (vec![1, 2, 3], 1), (vec![0, 2, 1, 3], 2), (vec![0, 1, 1, 2, 3], 3)]
    {
        fs::write(&path, order.iter().map(|line| lines[*line]).collect::<String>()).unwrap();
        assert_eq!(broken(&path), at, "{order:?}");
    }
    // The fifth line of another log.
    let (_other, other) = log();
    filled(&other, 2).await;
    filled(&other, 3).await;
    let other = fs::read_to_string(&other).unwrap();
    fs::write(&path, text + other.lines().last().unwrap() + "\n").unwrap();
    assert_eq!(broken(&path), 5);
}

#[tokio::test]
async fn a_log_whose_end_was_changed_does_not_open_and_stays_as_it_is() {
    let (_folder, path) = log();
    filled(&path, 2).await;
    let changed = fs::read_to_string(&path).unwrap().replace("\"generation\":2", "\"generation\":3");
    let too_long = format!("{changed}{}", "x".repeat(3 * MAX_LINE as usize));
    for bad in [changed, too_long.clone(), too_long + "\n", "no log\n".into()] {
        fs::write(&path, &bad).unwrap();
        let refused = open_at_last(&path).await.err().unwrap();
        assert!(matches!(refused, AuditError::Broken { line: None, .. }), "{refused}");
        assert!(refused.to_string().contains("broken at the end of"), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), bad);
    }
}

#[tokio::test]
async fn a_log_is_written_by_one_process() {
    let (_folder, path) = log();
    let audit = open(&path).unwrap();
    assert!(matches!(open(&path), Err(AuditError::InUse { .. })));
    drop(audit);
    reopen(&path).await;
}

#[tokio::test]
async fn a_failed_write_is_an_error_and_leaves_nothing_in_the_chain() {
    let (_folder, path) = log();
    let audit = open(&path).unwrap();
    audit.note(event(1)).await.unwrap();
    // A handle that can only read; a part of a line is there, as after a full disk.
    let sound = {
        let mut writer = audit.writer.lock();
        std::mem::replace(&mut writer.file, File::open(&path).unwrap())
    };
    assert!(matches!(audit.note(event(2)).await, Err(AuditError::CannotWrite(_))));
    assert!(matches!(audit.note(event(2)).await, Err(AuditError::CannotWrite(_))));
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"n\":2,").unwrap();
    audit.writer.lock().file = sound;
    audit.note(event(3)).await.unwrap();
    assert_eq!(verify(&path).unwrap().entries, 2);
    assert!(!fs::read_to_string(&path).unwrap().contains("\"generation\":2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_many_make_one_chain() {
    let (_folder, path) = log();
    let audit = Arc::new(open(&path).unwrap());
    let notes: Vec<_> = (1..=50)
        .map(|generation| {
            let audit = audit.clone();
            tokio::spawn(async move { audit.note(event(generation)).await })
        })
        .collect();
    for note in notes {
        note.await.unwrap().unwrap();
    }
    assert_eq!(verify(&path).unwrap().entries, 50);
}

#[tokio::test]
async fn a_file_that_is_full_is_put_aside_and_the_chain_goes_on() {
    let (_folder, path) = log();
    let audit = open(&path).unwrap();
    audit.writer.lock().most = 1000;
    for generation in 1..=10 {
        audit.note(event(generation)).await.unwrap();
    }
    let full = full_files(&path).unwrap();
    let names: Vec<_> = full.iter().map(|file| file.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["audit-000000000003.jsonl", "audit-000000000006.jsonl", "audit-000000000009.jsonl"]);
    assert_eq!(verify(&path).unwrap().entries, 10);
    drop(audit);
    // Also where the present file has nothing yet.
    fs::write(&path, "").unwrap();
    filled(&path, 1).await;
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with(r#"{"n":10,"#), "{text}");
    assert_eq!(verify(&path).unwrap().entries, 10);
    // Also where a crash tore the first line of the present file.
    let begun = fs::read(&path).unwrap();
    fs::write(&path, &begun[..begun.len() / 2]).unwrap();
    filled(&path, 0).await;
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with(r#"{"n":10,"at":5,"event":"torn_line_removed""#), "{text}");
    assert_eq!(verify(&path).unwrap().entries, 10);
    // The oldest may be gone; one in between may not.
    fs::remove_file(&full[0]).unwrap();
    assert_eq!(verify(&path).unwrap().entries, 7);
    fs::remove_file(&full[2]).unwrap();
    assert!(matches!(verify(&path), Err(AuditError::Broken { line: Some(1), .. })));
}

#[tokio::test]
async fn a_disk_that_hangs_holds_up_nobody_and_the_order_stays() {
    let (_folder, path) = log();
    let audit = Arc::new(open(&path).unwrap());
    let (release, released) = std::sync::mpsc::channel::<()>();
    let (writer, (hangs, hung)) = (audit.writer.clone(), std::sync::mpsc::channel());
    let disk = std::thread::spawn(move || {
        let _writer = writer.lock();
        hangs.send(()).unwrap();
        // It ends with the sender.
        let _ = released.recv();
    });
    hung.recv().unwrap();
    for generation in 1..=50 {
        audit.note_soon(event(generation)).await.unwrap();
    }
    for _ in 50..MOST_WAITING {
        audit.note_soon(event(51)).await.unwrap();
    }
    // One is with the writer already.
    let one_more = audit.note_soon(event(52)).await.and(audit.note_soon(event(52)).await);
    assert!(matches!(one_more, Err(AuditError::TooMany)));
    drop(release);
    disk.join().unwrap();
    // However long the disk takes: what was noted last is written last.
    while audit.note(event(53)).await.is_err() {}
    let text = fs::read_to_string(&path).unwrap();
    let in_order = (1..=50).map(|generation| format!("\"generation\":{generation},"));
    assert!(text.lines().zip(in_order).all(|(line, part)| line.contains(&part)));
    assert!(verify(&path).unwrap().entries >= MOST_WAITING as u64);
}

#[tokio::test]
async fn a_file_that_is_aside_without_a_new_one_is_followed_by_one() {
    let (_folder, path) = log();
    let audit = open(&path).unwrap();
    audit.writer.lock().most = 1000;
    for generation in 1..=2 {
        audit.note(event(generation)).await.unwrap();
    }
    // As after a try that could not make the new file.
    fs::rename(&path, path.with_file_name("audit-000000000002.jsonl")).unwrap();
    for generation in 3..=5 {
        audit.note(event(generation)).await.unwrap();
    }
    assert_eq!(verify(&path).unwrap().entries, 5);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
}
