//! The chain over restarts and crashes, and what breaks it.

use super::*;
use std::{fs, os::unix::fs::PermissionsExt};
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

/// A log of so many events.
async fn filled(path: &Path, events: u64) {
    let audit = Audit::open(path, 5).unwrap();
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
    let audit = Audit::open(&path, 5).unwrap();
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
        let refused = Audit::open(&path, 5).err().unwrap();
        assert!(matches!(refused, AuditError::Broken { line: None, .. }), "{refused}");
        assert!(refused.to_string().contains("broken at its end"), "{refused}");
        assert_eq!(fs::read_to_string(&path).unwrap(), bad);
    }
}

#[tokio::test]
async fn a_log_is_written_by_one_process() {
    let (_folder, path) = log();
    let audit = Audit::open(&path, 5).unwrap();
    assert!(matches!(Audit::open(&path, 5), Err(AuditError::InUse { .. })));
    drop(audit);
    Audit::open(&path, 5).unwrap();
}

#[tokio::test]
async fn a_failed_write_is_an_error_and_leaves_nothing_in_the_chain() {
    let (_folder, path) = log();
    let audit = Audit::open(&path, 5).unwrap();
    audit.note(event(1)).await.unwrap();
    // A handle that can only read; a part of a line is there, as after a full disk.
    let sound = {
        let mut writer = audit.writer.lock().await;
        std::mem::replace(&mut writer.file, File::open(&path).unwrap())
    };
    assert!(matches!(audit.note(event(2)).await, Err(AuditError::CannotWrite(_))));
    assert!(matches!(audit.note(event(2)).await, Err(AuditError::CannotWrite(_))));
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"n\":2,").unwrap();
    audit.writer.lock().await.file = sound;
    audit.note(event(3)).await.unwrap();
    assert_eq!(verify(&path).unwrap().entries, 2);
    assert!(!fs::read_to_string(&path).unwrap().contains("\"generation\":2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_many_make_one_chain() {
    let (_folder, path) = log();
    let audit = Arc::new(Audit::open(&path, 5).unwrap());
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
