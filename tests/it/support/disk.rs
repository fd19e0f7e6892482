//! A disk that obeys a test, under one program: the test sees its syncs, holds them, lets them fail, and cuts
//! the power, after which nothing is left that was not synced. What does so is a library, `disk.c`.

use super::{eventually, store};
use std::{
    fs::{self, File},
    os::unix::fs::{FileExt, MetadataExt},
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};
use tempfile::TempDir;

/// A folder by which the library is told what to do, and tells what it did.
pub struct Disk {
    folder: TempDir,
}

impl Disk {
    /// One that does as disks do.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// The command with this under its files.
    pub fn under(&self, mut command: Command) -> Command {
        command.env("LD_PRELOAD", &*LIBRARY).env("TEST_DISK", self.folder.path());
        command
    }

    /// From now on syncs of what has such a path wait.
    pub fn hold(&self, pattern: &str) {
        self.rule(&format!("hold {pattern}"));
    }

    /// From now on syncs of what has such a path fail.
    pub fn fail(&self, pattern: &str) {
        self.rule(&format!("fail {pattern}"));
    }

    /// Ends both.
    pub fn heal(&self) {
        self.rule("");
    }

    /// Whether a sync waits, or did since that was asked for.
    pub fn has_held(&self) -> bool {
        let seen = fs::read_to_string(self.path("seen")).unwrap_or_default();
        seen.lines().any(|line| line.starts_with("held "))
    }

    /// Waits for that.
    pub async fn holds(&self) {
        eventually("a sync to be held", async || self.has_held().then_some(())).await;
    }

    /// Takes from the files in a folder, if there is one, what no sync has put on the disk, and what follows it:
    /// so they are to be files that are written from their beginning to their end, or marks of a store. Who wrote them was killed before.
    pub fn cut_power(&self, folder: &Path) {
        if !folder.exists() {
            return;
        }
        let marks = fs::read(self.path("dirty")).unwrap();
        let words: Vec<u64> =
            marks.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap())).collect();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let about = path.symlink_metadata().unwrap();
            if about.is_dir() {
                self.cut_power(&path);
            } else if path.ends_with("mark") {
                store::spoil_mark(&path);
            } else if let Some((nth, mark)) =
                (0..).zip(words.chunks_exact(4)).find(|(_, mark)| mark[..2] == [about.dev(), about.ino()])
            {
                lose(&path, mark[2].min(mark[3]), about.len());
                self.forgive(nth);
            }
        }
    }

    /// What is left of a file is on the disk.
    fn forgive(&self, nth: u64) {
        let marks = File::options().write(true).open(self.path("dirty")).unwrap();
        marks.write_all_at(&[0xff; 16], nth * 32 + 16).unwrap();
    }

    fn rule(&self, rule: &str) {
        let _ = fs::remove_file(self.path("seen"));
        let new = self.path("rule-to-be");
        fs::write(&new, rule).unwrap();
        fs::rename(new, self.path("rule")).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

/// The library, which is compiled once: where it is there, it is younger than its source.
static LIBRARY: LazyLock<PathBuf> = LazyLock::new(|| {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/disk.c");
    let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join("disk.so");
    let age = |path: &Path| path.metadata().and_then(|about| about.modified()).ok();
    if age(&library) <= age(&source) {
        let new = library.with_extension(std::process::id().to_string());
        let mut compile = Command::new("cc");
        compile.args(["-shared", "-fPIC", "-O2", "-Wall", "-Werror", "-pthread", "-o"]).arg(&new).arg(source);
        let output = compile.output().expect("a C compiler (scripts/need compiler)");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        // Other processes may do the same.
        fs::rename(new, &library).unwrap();
    }
    library
});

/// The file keeps its length, as on a disk that was told of that before it had the bytes.
fn lose(path: &Path, from: u64, length: u64) {
    if from < length {
        let file = File::options().write(true).open(path).unwrap();
        file.set_len(from).unwrap();
        file.set_len(length).unwrap();
    }
}
