//! What docs/architecture.md names is there: every path, and every type.

use crate::{files, root};
use std::{collections::BTreeSet, fs};

/// The page.
pub fn text() -> String {
    fs::read_to_string(root().join("docs/architecture.md")).unwrap()
}

/// What stands between backticks, outside of blocks of code.
fn names(page: &str) -> Vec<String> {
    let prose = page.split("\n```").step_by(2).collect::<Vec<_>>().join("\n");
    prose.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Whether a name is of a file or a folder.
fn is_path(name: &str) -> bool {
    let has_ending =
        [".rs", ".ts", ".tsx", ".lua", ".md", ".toml"].iter().any(|ending| name.ends_with(ending));
    !name.contains(' ') && !name.starts_with('/') && (has_ending || name.ends_with('/'))
}

/// Whether a name is of a type: `CamelCase`, without a path.
fn is_type(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.chars().all(|it| it.is_ascii_alphanumeric())
        && name.contains(|it: char| it.is_ascii_lowercase())
}

/// The names of all types that the code defines.
fn types() -> BTreeSet<String> {
    let rust = files(&root().join("src"), "rs");
    let web = root().join("web-client/packages");
    let web = ["callpop/src", "site/src"].map(|folder| web.join(folder));
    let web = web.iter().flat_map(|folder| [files(folder, "ts"), files(folder, "tsx")].concat());
    let mut found = BTreeSet::new();
    for file in rust.into_iter().chain(web) {
        let text = fs::read_to_string(file).unwrap();
        let words: Vec<&str> = text.split(|it: char| !it.is_ascii_alphanumeric() && it != '_').collect();
        let kinds = ["struct", "enum", "trait", "type", "interface", "class"];
        let named = words.windows(2).filter(|pair| kinds.contains(&pair[0])).map(|pair| pair[1].to_owned());
        found.extend(named);
    }
    found
}

#[test]
fn every_path_that_the_page_names_exists() {
    let page = text();
    let paths: Vec<String> = names(&page).into_iter().filter(|name| is_path(name)).collect();
    assert!(paths.len() > 10, "only {} paths were found", paths.len());
    for path in paths {
        let is_there =
            ["", "src", "web-client/packages"].iter().any(|folder| root().join(folder).join(&path).exists());
        assert!(is_there, "docs/architecture.md names {path}, which is not there");
    }
}

#[test]
fn every_path_that_the_readme_names_exists() {
    let page = fs::read_to_string(root().join("README.md")).unwrap();
    for path in names(&page).into_iter().filter(|name| is_path(name) && name.contains('/')) {
        let is_there = root().join(&path).exists() || root().join("src").join(&path).exists();
        assert!(is_there, "README.md names {path}, which is not there");
    }
}

#[test]
fn every_type_that_the_page_names_exists() {
    let known = types();
    let page = text();
    let named: Vec<String> = names(&page).into_iter().filter(|name| is_type(name)).collect();
    assert!(named.len() > 10, "only {} types were found", named.len());
    for name in named {
        assert!(known.contains(&name), "docs/architecture.md names the type {name}, which nothing defines");
    }
}

#[test]
fn a_path_and_a_type_are_told_apart() {
    assert!(is_path("src/feed.rs") && is_path("engine/redis/") && !is_path("Feed") && !is_path("/v1/stream"));
    assert!(
        is_type("Feed")
            && is_type("CallEvent")
            && !is_type("POST")
            && !is_type("feed")
            && !is_type("Feed::tell")
    );
    assert_eq!(names("a `b` c\n```\n`d`\n```\nand `e`"), ["b", "e"]);
}
