//! The floors of the code, held to the table in docs/architecture.md: imports go down, never up or
//! round. What counts as an import is in `imports.rs`; what the page names, in `page.rs`.

#![allow(unreachable_pub, reason = "nothing outside can use a test")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "floors/imports.rs"]
mod imports;
#[path = "floors/page.rs"]
mod page;
#[path = "floors/plan.rs"]
mod plan;

use imports::Import;
use plan::Plan;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// No room holds more of the lines than one in so many.
const SHARE: usize = 4;

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files with that ending below a folder.
pub fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The text of every file of `src/`, by its path from there.
fn sources() -> BTreeMap<String, String> {
    let src = root().join("src");
    let read = |path: &PathBuf| {
        let name = path.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    files(&src, "rs").iter().map(read).collect()
}

/// The room of a file; none for `lib.rs` and `main.rs`, which only name the rooms.
fn room(file: &str) -> Option<&str> {
    let first = file.split('/').next()?.trim_end_matches(".rs");
    (!matches!(first, "lib" | "main")).then_some(first)
}

#[test]
fn imports_go_down_never_up_or_round() {
    let plan = Plan::read(&page::text());
    let imports: Vec<Import> = sources().iter().flat_map(|(file, text)| imports::of(file, text)).collect();
    assert!(imports.len() > 200, "only {} imports were found", imports.len());
    let wrong = plan.check(&imports);
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn every_room_has_its_floor() {
    let plan = Plan::read(&page::text());
    let sources = sources();
    let mut built: Vec<&str> = sources.keys().filter_map(|file| room(file)).collect();
    built.dedup();
    built.sort_unstable();
    built.dedup();
    assert_eq!(built, plan.rooms(), "left: the rooms of src/, right: those of docs/architecture.md");
}

#[test]
fn no_room_holds_more_than_a_quarter_of_the_lines() {
    let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
    let sources = sources();
    for (file, text) in &sources {
        if let Some(room) = room(file) {
            *lines.entry(room).or_default() += text.lines().count();
        }
    }
    let all: usize = lines.values().sum();
    for (room, lines) in lines {
        assert!(lines * SHARE <= all, "{room} holds {lines} of {all} lines");
    }
}
