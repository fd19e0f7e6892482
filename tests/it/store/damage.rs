//! Damage is noticed, whatever it is: a store starts with everything, or says which file.

use super::{Filled, config, filled, settled, shown};
use crate::support::{
    Config, Leg, new_tenant,
    process::{callpop, run},
    store, times,
};
use futures_util::future::join_all;
use rand::{RngExt, SeedableRng, rngs::SmallRng};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};
use tokio::{runtime::Handle, task::spawn_blocking};

/// Stores that are damaged at the same time, by a thread each.
const WORKERS: usize = 16;

/// A folder that is put back after each damage.
struct Spare {
    from: PathBuf,
    to: PathBuf,
}

impl Spare {
    fn of(config: &Config) -> Self {
        let from = config.data_dir();
        let to = from.with_extension("spare");
        copy(&from, &to);
        Self { from, to }
    }

    fn put_back(&self) {
        fs::remove_dir_all(&self.from).unwrap();
        copy(&self.to, &self.from);
    }
}

impl Filled {
    /// The same store once more.
    fn copied(&self) -> Self {
        let copied = Self { config: config(), tenant: self.tenant.clone(), calls: self.calls.clone() };
        copy(&self.config.data_dir(), &copied.config.data_dir());
        copied
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        match path.is_dir() {
            true => copy(&path, &to),
            false => assert!(fs::copy(&path, &to).is_ok()),
        }
    }
}

fn store(config: &Config, arguments: &[&str]) -> (Output, String) {
    let output = run(callpop().arg("store").args(arguments).arg("--config").arg(config.write()));
    let said = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned();
    (output, said)
}

/// The name of a file within its store.
fn name(config: &Config, path: &Path) -> String {
    path.strip_prefix(config.data_dir()).unwrap().to_str().unwrap().to_owned()
}

/// Fails unless the damage of a file is named, or nothing is lost for it. Tells whether it is named.
async fn is_noticed(filled: &Filled, path: &Path, what: &str, also_serve: bool) -> bool {
    let name = name(&filled.config, path);
    let (output, said) = store(&filled.config, &["verify"]);
    match output.status.code() {
        // The start reads by the same means; it is looked at now and then.
        Some(1) if !also_serve => {
            assert!(said.contains(&name), "{what}: {said}");
            true
        }
        Some(1) => {
            assert!(said.contains(&name), "{what}: {said}");
            let output = run(callpop().arg("serve").arg("--config").arg(filled.config.write()));
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{what}: {said}");
            assert!(said.contains(&name) && said.contains("engine.data_dir"), "{what}: {said}");
            true
        }
        Some(0) => {
            let mut gateway = filled.config.start().await;
            assert_eq!(shown(&gateway, &filled.tenant).await, filled.calls, "{what}: lost in silence");
            gateway.stop().await;
            false
        }
        other => panic!("{what}: {other:?} {said}"),
    }
}

/// Damages a store again and again, and puts it back. Tells how often it was named.
async fn damage(filled: Filled, turns: impl Iterator<Item = usize>) -> usize {
    let spare = Spare::of(&filled.config);
    let files: Vec<_> = store::files(&filled.config.data_dir());
    let mut named = 0;
    for nth in turns {
        let mut random = SmallRng::seed_from_u64(nth as u64);
        let path = &files[nth % files.len()];
        let mut bytes = fs::read(path).unwrap();
        let at = random.random_range(0..bytes.len());
        let what = if nth % 5 == 4 {
            bytes.truncate(at);
            format!("{} cut at {at}", path.display())
        } else {
            let bit = random.random_range(0..8);
            bytes[at] ^= 1 << bit;
            format!("{} bit {bit} of byte {at}", path.display())
        };
        fs::write(path, bytes).unwrap();
        named += usize::from(is_noticed(&filled, path, &what, nth % 10 == 0).await);
        spare.put_back();
    }
    named
}

#[tokio::test]
async fn a_flipped_bit_anywhere_is_noticed() {
    let filled = filled().await;
    let damages = times(300, 10_000);
    // Of a damaged store, `verify` waits whether somebody is writing it: several wait at the same time.
    let several = (0..WORKERS).map(|first| {
        let store = filled.copied();
        let runtime = Handle::current();
        spawn_blocking(move || runtime.block_on(damage(store, (first..damages).step_by(WORKERS))))
    });
    let named: usize = join_all(several).await.into_iter().map(Result::unwrap).sum();
    let harmless = damages - named;
    eprintln!(
        "{damages} flips and cuts: {named} named, {harmless} of which all was there; none lost anything"
    );
}

#[tokio::test]
async fn a_missing_file_is_noticed() {
    let filled = filled().await;
    let spare = Spare::of(&filled.config);
    for path in store::files(&filled.config.data_dir()) {
        fs::remove_file(&path).unwrap();
        is_noticed(&filled, &path, &format!("{} is missing", path.display()), true).await;
        spare.put_back();
    }
}

#[tokio::test]
async fn a_file_of_another_store_is_noticed() {
    let (filled, other) = (filled().await, filled().await);
    let spare = Spare::of(&filled.config);
    for path in store::files(&filled.config.data_dir()) {
        let theirs = other.config.data_dir().join(name(&filled.config, &path));
        fs::copy(theirs, &path).unwrap();
        let (output, said) = store(&filled.config, &["verify"]);
        assert_eq!(output.status.code(), Some(1), "{}: {said}", path.display());
        spare.put_back();
    }
}

#[tokio::test]
async fn what_is_whole_of_a_damaged_store_is_kept() {
    let filled = filled().await;
    let events = store::row_files(&filled.config.data_dir(), "events").swap_remove(0);
    let mut bytes = fs::read(&events).unwrap();
    // In the name of a group near the end: the live calls are the last.
    let at = bytes.windows(4).rposition(|part| part == b"rows").unwrap();
    bytes[at + 20] ^= 1;
    fs::write(&events, &bytes).unwrap();
    let (output, said) = store(&filled.config, &["repair"]);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("--accept-loss"), "{said}");
    let (output, said) = store(&filled.config, &["repair", "--accept-loss"]);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("lost      1 rows"), "{said}");
    let aside = fs::read_dir(filled.config.data_dir()).unwrap().map(|entry| entry.unwrap().path());
    let is_cut = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("cut-");
    let aside = aside.filter(is_cut).collect::<Vec<_>>().pop();
    let kept = aside.expect("what was cut is kept").join(name(&filled.config, &events));
    assert_eq!(fs::read(kept).unwrap(), bytes);
    let mut gateway = filled.config.start().await;
    let calls = shown(&gateway, &filled.tenant).await;
    assert_eq!(calls.len(), filled.calls.len() - 1);
    assert!(calls.iter().all(|(key, call)| filled.calls.get(key) == Some(call)));
    // It goes on from there.
    let leg = Leg::inbound(&filled.tenant, "220");
    gateway.deliver(&leg.ringing(0)).await;
    gateway.stop().await;
    let (output, said) = store(&filled.config, &["verify"]);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let gateway = filled.config.start().await;
    assert!(gateway.agent(&filled.tenant, "220").await.call(&leg).is_some());
}

#[tokio::test]
async fn a_repair_brings_back_what_a_missing_file_does_not_have() {
    let filled = filled().await;
    let spare = Spare::of(&filled.config);
    for lost in ["store", "events/manifest", "events/mark", "items/manifest", "items/mark"] {
        fs::remove_file(filled.config.data_dir().join(lost)).unwrap();
        let (output, said) = store(&filled.config, &["repair", "--accept-loss"]);
        assert_eq!(output.status.code(), Some(0), "{lost}: {said}");
        assert!(said.contains("lost      0 rows"), "{lost}: {said}");
        let mut gateway = filled.config.start().await;
        assert_eq!(shown(&gateway, &filled.tenant).await, filled.calls, "{lost}");
        gateway.stop().await;
        spare.put_back();
    }
    for lost in ["events/0000000001.rows", "items/0000000001.rows"] {
        fs::remove_file(filled.config.data_dir().join(lost)).unwrap();
        let (output, said) = store(&filled.config, &["repair", "--accept-loss"]);
        assert_eq!(output.status.code(), Some(0), "{lost}: {said}");
        let mut gateway = filled.config.start().await;
        let leg = Leg::inbound(&filled.tenant, "220");
        gateway.deliver(&leg.ringing(0)).await;
        gateway.stop().await;
        let gateway = filled.config.start().await;
        assert!(gateway.agent(&filled.tenant, "220").await.call(&leg).is_some(), "{lost}");
        drop(gateway);
        spare.put_back();
    }
}

#[tokio::test]
async fn a_store_is_verified_while_it_is_written() {
    let (config, tenant) = (config(), new_tenant());
    let gateway = config.start().await;
    super::ended(&gateway, &tenant, 3, 100).await;
    settled(&config, 3).await;
    let (output, said) = store(&config, &["verify"]);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("events") && said.contains("3 rows in 1 files"), "{said}");
    let (output, said) = store(&config, &["repair", "--accept-loss"]);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("another process uses it"), "{said}");
}
