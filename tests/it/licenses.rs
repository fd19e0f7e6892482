//! What is bundled is named, with its terms, in the binary and in the package; and nothing that is not.

use crate::support::process::{callpop, run};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What `callpop --licenses` prints.
fn printed() -> String {
    let output = run(callpop().arg("--licenses"));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The names and versions in the list under a heading.
fn listed(text: &str, heading: &str) -> BTreeSet<String> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with(heading)).skip(2);
    let mut named = BTreeSet::new();
    for line in lines.by_ref().take_while(|line| !line.is_empty()) {
        named.insert(line.split_once(": ").unwrap_or_else(|| panic!("{line}")).0.to_owned());
    }
    assert!(!named.is_empty(), "{heading} has none: run `make licenses`");
    named
}

/// Whose terms are there.
fn with_terms(text: &str) -> BTreeSet<String> {
    let terms = text.split("\nTerms\n=====\n").nth(1).unwrap();
    let whose = terms.lines().filter_map(|line| line.strip_prefix("Of "));
    whose.flat_map(|line| line.trim_end_matches(':').split("), ")).map(name_of).collect()
}

/// `NAME VERSION` of `NAME VERSION (FILE)`.
fn name_of(entry: &str) -> String {
    entry.split(" (").next().unwrap().to_owned()
}

/// Every crate that the binary is made of.
fn bundled_crates() -> BTreeSet<String> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root()).args(["metadata", "--format-version=1", "--locked", "--offline"]);
    let output = run(cargo.arg("--filter-platform=x86_64-unknown-linux-gnu"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let by_id = |list: &Value| -> BTreeMap<String, Value> {
        let entries = list.as_array().unwrap().iter();
        entries.map(|entry| (entry["id"].as_str().unwrap().to_owned(), entry.clone())).collect()
    };
    let (packages, nodes) = (by_id(&metadata["packages"]), by_id(&metadata["resolve"]["nodes"]));
    let root = metadata["resolve"]["root"].as_str().unwrap();
    let (mut found, mut open) = (BTreeSet::new(), vec![root.to_owned()]);
    while let Some(id) = open.pop() {
        let is_bundled =
            |of: &&Value| of["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"].is_null());
        for needed in nodes[&id]["deps"].as_array().unwrap().iter().filter(is_bundled) {
            let needed = needed["pkg"].as_str().unwrap().to_owned();
            if found.insert(needed.clone()) {
                open.push(needed);
            }
        }
    }
    let name = |id| {
        format!("{} {}", packages[id]["name"].as_str().unwrap(), packages[id]["version"].as_str().unwrap())
    };
    found.iter().map(name).collect()
}

/// The packages of npm that the sources of the web client import, by their locked versions.
fn bundled_packages() -> BTreeSet<String> {
    let web = root().join("web-client");
    let lock: Value =
        serde_json::from_str(&fs::read_to_string(web.join("package-lock.json")).unwrap()).unwrap();
    let mut found = BTreeSet::new();
    for source in sources(&web.join("packages")) {
        for part in fs::read_to_string(source).unwrap().split(" from \"").skip(1) {
            let path = part.split('"').next().unwrap();
            let name = path
                .splitn(3, '/')
                .take(if path.starts_with('@') { 2 } else { 1 })
                .collect::<Vec<_>>()
                .join("/");
            let locked = &lock["packages"][format!("node_modules/{name}")];
            if let Some(version) = locked["version"].as_str() {
                found.insert(format!("{name} {version}"));
            }
        }
    }
    found
}

/// The TypeScript of packages that is built, without their tests.
fn sources(packages: &Path) -> Vec<PathBuf> {
    let (mut open, mut found) = (vec![packages.to_owned()], Vec::new());
    while let Some(folder) = open.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() && !["node_modules", "dist", "test"].contains(&name) {
                open.push(path);
            } else if name.ends_with(".ts") && path.components().any(|part| part.as_os_str() == "src") {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn every_bundled_crate_is_named_with_its_terms() {
    let printed = printed();
    let (listed, terms) = (listed(&printed, "In the binary"), with_terms(&printed));
    let mut bundled = bundled_crates();
    assert!(bundled.len() > 100 && bundled.iter().any(|name| name.starts_with("tokio ")), "{bundled:?}");
    bundled.insert("std (Rust)".to_owned());
    assert_eq!(listed, bundled, "run `make licenses`");
    assert!(bundled.is_subset(&terms.into_iter().chain(["std (Rust)".to_owned()]).collect()));
    for holder in
        ["Amazon.com", "Microsoft", "The Rust Project contributors", "Apache License", "UNICODE LICENSE"]
    {
        assert!(printed.contains(holder), "{holder}");
    }
}

#[test]
fn every_bundled_package_of_npm_is_named_with_its_terms_in_the_binary_and_in_the_package() {
    let package = root().join("web-client/packages/callpop");
    let in_package = fs::read_to_string(package.join("THIRD-PARTY.txt")).unwrap();
    for (text, heading) in [(printed(), "In the pages"), (in_package, "In this package")] {
        let bundled = bundled_packages();
        assert!(bundled.iter().any(|name| name.starts_with("preact ")), "{bundled:?}");
        assert_eq!(listed(&text, heading), bundled, "run `make licenses`");
        assert!(bundled.is_subset(&with_terms(&text)));
        assert!(text.contains("Jason Miller"), "it has no holder of preact");
    }
    let about: Value =
        serde_json::from_str(&fs::read_to_string(package.join("package.json")).unwrap()).unwrap();
    assert!(about["files"].as_array().unwrap().contains(&"THIRD-PARTY.txt".into()), "it is not published");
}

#[test]
fn who_closes_the_pipe_has_read_enough() {
    let mut child =
        callpop().arg("--licenses").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0), "{output:?}");
}
