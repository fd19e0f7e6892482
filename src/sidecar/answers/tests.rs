//! What is kept is there after the process, and nothing else is.

use super::*;
use crate::sidecar::vault::{Kind, Label, Ring, Vault};
use base64::{Engine, prelude::BASE64_STANDARD};
use std::slice;
use tempfile::TempDir;

fn entry(received_at: Micros) -> KeptAnswer {
    let ring = Ring::parse(&format!("a:{}", BASE64_STANDARD.encode([7; 32])).into()).unwrap();
    let (source, tenant, extension) = ("telsmart", "t-1", "201");
    let label = Label { source, tenant, extension, kind: Kind::Response, consent: 1, generation: 2 };
    let key = Key {
        source: source.try_into().unwrap(),
        tenant: tenant.try_into().unwrap(),
        extension: extension.try_into().unwrap(),
    };
    KeptAnswer {
        attempt: Uuid::new_v4(),
        key,
        consent: 1,
        generation: 2,
        received_at,
        status: 200,
        body: Vault::new(ring).seal(&label, &r#"{"access_token":"at"}"#.into()),
    }
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("sidecar/responses");
    (folder, dir)
}

fn names(dir: &Path) -> Vec<String> {
    let names = fs::read_dir(dir).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn what_is_kept_is_there_after_a_restart_until_it_is_forgotten() {
    let (_folder, dir) = folder();
    let (later, earlier) = (entry(20), entry(10));
    let journal = Answers::open(&dir).unwrap();
    assert_eq!(journal.entries().unwrap().entries, []);
    journal.keep(&later).await.unwrap();
    journal.keep(&earlier).await.unwrap();
    drop(journal);

    let journal = Answers::open(&dir).unwrap();
    assert_eq!(journal.entries().unwrap().entries, [earlier.clone(), later.clone()]);
    journal.forget(earlier.attempt).await;
    journal.forget(earlier.attempt).await;
    assert_eq!(journal.entries().unwrap().entries, [later]);
}

#[tokio::test]
async fn nobody_else_on_the_machine_can_read_it() {
    let (_folder, dir) = folder();
    let journal = Answers::open(&dir).unwrap();
    let entry = entry(10);
    journal.keep(&entry).await.unwrap();
    assert_eq!(mode(&dir), 0o700);
    assert_eq!(mode(dir.parent().unwrap()), 0o700);
    assert_eq!(mode(&journal.shared.path(entry.attempt)), 0o600);
}

#[tokio::test]
async fn a_half_written_answer_is_removed_and_a_damaged_one_is_left_alone() {
    let (_folder, dir) = folder();
    let sound = entry(10);
    let journal = Answers::open(&dir).unwrap();
    journal.keep(&sound).await.unwrap();
    drop(journal);
    let text = fs::read_to_string(dir.join(format!("{}.json", sound.attempt))).unwrap();
    let damaged = [
        (format!("{}.json", Uuid::new_v4()), text.clone()),
        (format!("{}.json", Uuid::new_v4()), text[..text.len() / 2].to_owned()),
        (format!("{}.json", Uuid::new_v4()), String::new()),
        ("notes.json".into(), text.clone()),
    ];
    for (name, text) in &damaged {
        fs::write(dir.join(name), text).unwrap();
    }
    fs::write(dir.join(".tmpAbCdEf.tmp"), &text[..10]).unwrap();

    let journal = Answers::open(&dir).unwrap();
    let kept = journal.entries().unwrap();
    assert_eq!((kept.entries, kept.damaged), (vec![sound.clone()], damaged.len()));
    let mut left: Vec<_> = damaged.into_iter().map(|(name, _)| name).collect();
    left.extend([format!("{}.json", sound.attempt), "lock".into()]);
    left.sort();
    assert_eq!(names(&dir), left);
}

#[tokio::test]
async fn the_reason_why_a_file_is_no_entry_quotes_nothing_of_it() {
    let (_folder, dir) = folder();
    fs::create_dir_all(&dir).unwrap();
    let path = dir.join(format!("{}.json", Uuid::new_v4()));
    fs::write(&path, r#"{"attempt":"secret-one","tenant":7777,"body":"secret-two"}"#).unwrap();
    let why = read(&path).unwrap_err();
    assert!(why.contains("line 1") && !why.contains("secret") && !why.contains("7777"), "{why}");
}

#[tokio::test]
async fn the_same_entry_again_is_kept_once_and_another_of_its_attempt_is_refused() {
    let (_folder, dir) = folder();
    let journal = Answers::open(&dir).unwrap();
    let first = entry(10);
    journal.keep(&first).await.unwrap();
    journal.keep(&first).await.unwrap();
    let other = KeptAnswer { status: 500, ..first.clone() };
    let refused = journal.keep(&other).await.unwrap_err();
    assert!(matches!(refused, AnswersError::Taken(attempt) if attempt == first.attempt), "{refused}");
    assert_eq!(journal.entries().unwrap().entries, slice::from_ref(&first));
    assert_eq!(names(&dir), [format!("{}.json", first.attempt), "lock".into()], "no temp file stays");
}

#[tokio::test]
async fn a_folder_is_for_one_process() {
    let (_folder, dir) = folder();
    let journal = Answers::open(&dir).unwrap();
    assert!(matches!(Answers::open(&dir), Err(AnswersError::InUse { .. })));
    drop(journal);
    Answers::open(&dir).unwrap();
}

#[tokio::test]
async fn a_full_journal_says_so_until_something_is_forgotten() {
    let (_folder, dir) = folder();
    let journal = Answers::open(&dir).unwrap();
    let kept = entry(10);
    journal.keep(&kept).await.unwrap();
    journal.shared.attempts.lock().extend((1..MAX_ENTRIES).map(|_| Uuid::new_v4()));
    let refused = journal.keep(&entry(20)).await.unwrap_err();
    assert!(matches!(refused, AnswersError::Full), "{refused}");
    journal.keep(&kept).await.unwrap();
    journal.forget(kept.attempt).await;
    journal.keep(&entry(30)).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_cannot_be_written_is_an_error_and_takes_no_place() {
    let (_folder, dir) = folder();
    let journal = Answers::open(&dir).unwrap();
    fs::remove_dir_all(&dir).unwrap();
    let entry = entry(10);
    let refused = journal.keep(&entry).await.unwrap_err();
    assert!(matches!(refused, AnswersError::CannotWrite(_)), "{refused}");
    assert!(journal.shared.attempts.lock().is_empty());
    fs::create_dir(&dir).unwrap();
    journal.keep(&entry).await.unwrap();
    assert_eq!(journal.entries().unwrap().entries, [entry]);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_are_kept_at_once() {
    let (_folder, dir) = folder();
    let journal = Arc::new(Answers::open(&dir).unwrap());
    let writes: Vec<_> = (0..50)
        .map(|at| {
            let journal = journal.clone();
            tokio::spawn(async move { journal.keep(&entry(at)).await })
        })
        .collect();
    for write in writes {
        write.await.unwrap().unwrap();
    }
    let times: Vec<_> = journal.entries().unwrap().entries.iter().map(|entry| entry.received_at).collect();
    assert_eq!(times, (0..50).collect::<Vec<_>>());
}
