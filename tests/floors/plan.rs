//! The table of floors, and what goes against it.

use crate::imports::Import;
use std::collections::{BTreeMap, BTreeSet};

/// Which room is on which floor.
pub struct Plan {
    floors: BTreeMap<String, u32>,
}

impl Plan {
    /// Reads the rows `| 3 | \`feed\`, \`protocol\` | … |` below `## Floors`.
    pub fn read(page: &str) -> Self {
        let section = page.split("\n## ").find(|section| section.starts_with("Floors\n"));
        let mut floors = BTreeMap::new();
        for row in section.expect("docs/architecture.md has a section Floors").lines() {
            let mut cells = row.split('|').map(str::trim).skip(1);
            let Some(Ok(floor)) = cells.next().map(str::parse) else { continue };
            for room in cells.next().unwrap_or_default().split('`').skip(1).step_by(2) {
                assert!(floors.insert(room.to_owned(), floor).is_none(), "{room} stands on two floors");
            }
        }
        Self { floors }
    }

    /// All rooms, sorted.
    pub fn rooms(&self) -> Vec<&str> {
        self.floors.keys().map(String::as_str).collect()
    }

    /// What is wrong with imports, in words: those that go up, and those of a circle on one floor.
    pub fn check(&self, imports: &[Import]) -> Vec<String> {
        let floor = |room: &str| self.floors.get(room).copied();
        let mut wrong = Vec::new();
        let mut level: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for Import { place, from, to } in imports {
            match (floor(from), floor(to)) {
                (Some(above), Some(below)) if above > below => {}
                (Some(one), Some(other)) if one == other => _ = level.entry(from).or_default().insert(to),
                (Some(below), Some(above)) => {
                    wrong.push(format!("{place}: {from} (floor {below}) imports {to} (floor {above}): up"));
                }
                _ => wrong.push(format!("{place}: {from} imports {to}, and one of them has no floor")),
            }
        }
        for Import { place, from, to } in imports {
            let is_level = floor(from) == floor(to) && floor(from).is_some();
            if is_level && reaches(&level, to, from) {
                wrong.push(format!("{place}: {from} imports {to}, which leads back to {from}: round"));
            }
        }
        wrong
    }
}

/// Whether imports lead from one room to another.
fn reaches<'a>(level: &BTreeMap<&'a str, BTreeSet<&'a str>>, from: &'a str, to: &str) -> bool {
    let (mut seen, mut next) = (BTreeSet::new(), vec![from]);
    while let Some(room) = next.pop() {
        if room == to {
            return true;
        }
        if seen.insert(room) {
            next.extend(level.get(room).into_iter().flatten());
        }
    }
    false
}

fn planted(imports: &[(&str, &str)]) -> Vec<String> {
    let plan = Plan::read(
        "# Page\n\n## Floors\n| floor | rooms |\n| --- | --- |\n| 2 | `session` |\n| 1 | `feed`, `auth`, `config` |\n\n## Else\n| 9 | `none` |\n",
    );
    let import = |(from, to): &(&str, &str)| Import {
        place: format!("src/{from}.rs:1"),
        from: (*from).to_owned(),
        to: (*to).to_owned(),
    };
    plan.check(&imports.iter().map(import).collect::<Vec<_>>())
}

#[test]
fn an_import_that_goes_up_is_wrong() {
    assert_eq!(planted(&[("session", "feed"), ("auth", "config")]), [""; 0]);
    assert_eq!(
        planted(&[("feed", "session")]),
        ["src/feed.rs:1: feed (floor 1) imports session (floor 2): up"]
    );
    assert_eq!(planted(&[("feed", "none")]).len(), 1);
}

#[test]
fn a_circle_on_one_floor_is_wrong() {
    assert_eq!(planted(&[("auth", "config"), ("config", "auth")]).len(), 2);
    let round = planted(&[("auth", "config"), ("config", "feed"), ("feed", "auth")]);
    assert_eq!(round[0], "src/auth.rs:1: auth imports config, which leads back to auth: round");
    assert_eq!(round.len(), 3);
}
