//! An independent program counts a simulated centre's day anew (`scripts/recount.py`), and the server agrees with it in
//! every conversation and every figure: on one node and on three, whatever came twice, late, or out of order.

use crate::support::{
    Config, Engine, Gateway, Token,
    board::{QUARTER, figures, listed, since_hours},
    centre, directory, new_tenant, now, times,
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

const HOUR: u64 = 4 * QUARTER;

/// What only the server knows, or only it says.
const NOT_RECOUNTED: [&str; 6] = ["conversation_id", "tenant_id", "source", "replaces", "doubts", "capped"];
const FIGURES_NOT_RECOUNTED: [&str; 1] = ["on_call_share"];

/// A day's events and directory as files, and when one looks at them.
struct Recount {
    files: Config,
    now: u64,
}

impl Recount {
    fn new(events: &[Value], directory: &[(&str, Vec<&str>)]) -> Self {
        let files = Config::new();
        files.file("events.jsonl", &lines(events));
        let rows = directory.iter().map(|(extension, groups)| format!("{extension},{}\n", groups.join(";")));
        files.file("directory.csv", &format!("extension,groups\n{}", rows.collect::<String>()));
        Self { files, now: now() }
    }

    /// What the program says of a time.
    fn of(&self, (from, to): (u64, u64)) -> Value {
        let (from, to) = (from.to_string(), to.to_string());
        let (code, told) = self.run(&["--from", &from, "--to", &to, "--directory", "directory.csv"]);
        assert_eq!(code, Some(0));
        serde_json::from_str(&told).unwrap()
    }

    /// Fails unless it agrees with what truly happened.
    fn assert_true(&self, truth: &str) {
        self.files.file("truth.jsonl", truth);
        let (code, told) = self.run(&["--truth", "truth.jsonl"]);
        assert_eq!((code, told.lines().last()), (Some(0), Some("0 differences")), "{told}");
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/recount.py");
        let folder = self.files.file("here", "");
        let mut python = Command::new("python3");
        python.args(["-B", script, "events.jsonl", "--now", &self.now.to_string()]).args(arguments);
        let output = python.current_dir(Path::new(&folder).parent().unwrap()).output().unwrap();
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }
}

/// The groups of an extension: none, one or two.
fn groups(extension: &str) -> Vec<&'static str> {
    let number: u32 = extension.parse().unwrap();
    [(2, "even"), (3, "third")]
        .into_iter()
        .filter(|(by, _)| number.is_multiple_of(*by))
        .map(|(_, name)| name)
        .collect()
}

fn lines(events: &[Value]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

/// Without what is not recounted.
fn shown(row: &Value, left_out: &[&str]) -> Value {
    let fields = row.as_object().unwrap().iter().filter(|(name, _)| !left_out.contains(&name.as_str()));
    fields.map(|(name, value)| (name.clone(), value.clone())).collect::<serde_json::Map<_, _>>().into()
}

/// Conversations by their legs.
fn by_legs(all: &[Value]) -> BTreeMap<String, Value> {
    let legs = |it: &Value| {
        let legs = it["legs"].as_array().unwrap().iter();
        legs.map(|leg| format!("{} {}", leg["extension"], leg["leg_id"])).collect::<BTreeSet<_>>()
    };
    all.iter().map(|it| (format!("{:?}", legs(it)), shown(it, &NOT_RECOUNTED))).collect()
}

/// Fails where two say different things; says what of the first few.
fn assert_agrees(what: &str, server: &BTreeMap<String, Value>, recount: &BTreeMap<String, Value>) {
    let keys: BTreeSet<&String> = server.keys().chain(recount.keys()).collect();
    let mut differences = Vec::new();
    for key in keys {
        match (server.get(key), recount.get(key)) {
            (Some(one), Some(other)) => {
                let fields: BTreeSet<&String> =
                    one.as_object().unwrap().keys().chain(other.as_object().unwrap().keys()).collect();
                let of = |field: &&String| one[field.as_str()] != other[field.as_str()];
                let differ = fields.into_iter().filter(of);
                let told = differ
                    .map(|field| format!("{field} {} or {}", one[field.as_str()], other[field.as_str()]));
                let told: Vec<String> = told.collect();
                if !told.is_empty() {
                    differences.push(format!("{key}: {}", told.join(", ")));
                }
            }
            (one, other) => differences.push(format!("{key}: {one:?} or {other:?}")),
        }
    }
    let some = differences.iter().take(5).cloned().collect::<Vec<_>>().join("\n");
    assert!(differences.is_empty(), "{what}: {} differ, server or recount:\n{some}", differences.len());
}

async fn assert_node_agrees(node: &Gateway, tenant: &str, counted: &Value, (from, to): (u64, u64)) {
    let told = listed(node, &Token::supervisor(tenant), &format!("from={from}&to={to}&limit=200")).await;
    assert_agrees("conversations", &by_legs(&told), &by_legs(counted["conversations"].as_array().unwrap()));
    let query = format!("from={from}&to={to}&by=tenant,group,line,extension");
    let rows = figures(node, tenant, &query).await.into_iter();
    let rows =
        rows.map(|((by, key, _), values)| (format!("{by} {key}"), shown(&values, &FIGURES_NOT_RECOUNTED)));
    let of_row = |row: &Value| {
        let text = |field: &str| row[field].as_str().unwrap().to_owned();
        (format!("{} {}", text("by"), text("key")), row["values"].clone())
    };
    let counted = counted["figures"].as_array().unwrap().iter().map(of_row).collect();
    assert_agrees("figures", &has_something(rows.collect()), &has_something(counted));
}

/// Whoever had nothing to do with anything may be left out.
fn has_something(rows: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let is_something = |values: &Value| {
        values.as_object().unwrap().values().any(|it| it.as_f64().is_some_and(|it| it != 0.0))
    };
    rows.into_iter().filter(|(_, values)| is_something(values)).collect()
}

/// Plays a centre's day to nodes of one store, and compares what each of them says of it.
async fn a_day_is_recounted(nodes: &[Gateway], seed: u64, (extensions, calls): (usize, usize)) {
    let mut rng = StdRng::seed_from_u64(seed);
    let tenant = new_tenant();
    let (begins, end) = since_hours(10);
    let day = centre::day_with_truth(extensions, calls, seed, begins);
    let mut events = centre::in_tenant(&day.events, &tenant);
    let extensions: BTreeSet<String> =
        events.iter().map(|event| event["user_extension"].as_str().unwrap().to_owned()).collect();
    let directory: Vec<(&str, Vec<&str>)> = extensions.iter().map(|it| (it.as_str(), groups(it))).collect();
    let row = |(extension, groups): &(&str, Vec<&str>)| {
        let mut row = directory::row(extension, &[]);
        row["groups"] = json!(groups);
        row
    };
    directory::replace(&nodes[0], &tenant, &directory.iter().map(row).collect::<Vec<_>>()).await;

    // Whatever comes twice comes a second time anywhere.
    let twice: Vec<Value> = events.iter().filter(|_| rng.random_ratio(1, 10)).cloned().collect();
    events.extend(twice);
    events.shuffle(&mut rng);
    centre::post(&nodes.iter().collect::<Vec<_>>(), &events).await;
    let recount = Recount::new(&events, &directory);
    recount.assert_true(&day.truth);
    // All of it, and a part before which some had begun already.
    for window in [(begins, end), (begins + HOUR, begins + 2 * HOUR)] {
        let counted = recount.of(window);
        for node in nodes {
            assert_node_agrees(node, &tenant, &counted, window).await;
        }
    }
}

/// Of some 20,000 events or, in the long form, a million.
fn large_day() -> (usize, usize) {
    (times(60, 2000), times(2800, 145_000))
}

#[tokio::test]
async fn one_node_agrees_with_the_recount() {
    let node = [Config::new().timeless().start().await];
    for (seed, size) in [(1, large_day()), (2, (20, 700)), (3, (6, 200))] {
        a_day_is_recounted(&node, seed, size).await;
    }
}

#[tokio::test]
async fn three_nodes_agree_with_the_recount() {
    let config = Engine::Redis.config().await.timeless();
    let nodes = [config.start().await, config.start().await, config.start().await];
    for (seed, size) in [(4, (60, 2800)), (5, (20, 700)), (6, (6, 200))] {
        a_day_is_recounted(&nodes, seed, size).await;
    }
}
