//! `[directory] file`: read at the start, when it changes and at SIGHUP; a bad one never takes away what is good.

use crate::support::{
    Config, Engine, Gateway, Leg, Token,
    directory::{JSON, assign, get, put, rows, user},
    eventually,
    gateway::problem,
    new_tenant,
    process::{callpop, run},
};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::path::PathBuf;

const HEAD: &str = "tenant_id,extension,name,groups,numbers,ids\n";

/// A configuration with such a file.
fn with_file(config: Config, lines: &str) -> (Config, PathBuf) {
    let file = config.file("directory.csv", &format!("{HEAD}{lines}"));
    (config.set("directory.file", file.clone()), file.into())
}

/// Puts another file in its place, as a whole.
fn write(config: &Config, file: &PathBuf, lines: &str) {
    let fresh = config.file("directory.new", &format!("{HEAD}{lines}"));
    std::fs::rename(fresh, file).unwrap();
}

async fn reloads(gateway: &Gateway, result: &str) -> f64 {
    let name = format!("callpop_config_reloads_total{{key=\"directory.file\",result=\"{result}\"}}");
    gateway.metric(&name).await
}

async fn hang_up(gateway: &Gateway, result: &str, times: f64) {
    gateway.process.signal(Signal::HUP);
    let what = format!("the file to be read: {result}");
    eventually(&what, async || (reloads(gateway, result).await == times).then_some(())).await;
}

fn extensions(all: &Value) -> Vec<&str> {
    all["rows"].as_array().unwrap().iter().map(|row| row["extension"].as_str().unwrap()).collect()
}

#[test]
fn a_bad_file_at_the_start_is_named_with_its_row_and_column() {
    for (lines, named) in [
        ("t,200,John Doe,,,sub:john\nt,210,,,,sub:john\n", "row 2, column ids"),
        ("t,200,John Doe,,,\nt,200,,,,\n", "row 2, column extension"),
        (",200,John Doe,,,\n", "row 1, column tenant_id"),
        ("t,200,John Doe,,\n", "row 1, column ids"),
        ("t,200,John Doe,,John Doe,\n", "row 1, column numbers"),
    ] {
        let (config, file) = with_file(Config::new(), lines);
        refused(&config, &["directory.file", file.to_str().unwrap(), named]);
    }
    let (config, file) = with_file(Config::new(), "");
    std::fs::write(&file, "extension,name,groups,numbers,ids\n200,,,,\n").unwrap();
    refused(&config, &["directory.file", "the first line must be tenant_id,"]);
    std::fs::remove_file(&file).unwrap();
    refused(&config, &["directory.file", file.to_str().unwrap(), "cannot be read"]);
}

/// `check` and `serve` both refuse with code 2, and tell nothing of a person.
fn refused(config: &Config, named: &[&str]) {
    for command in ["check", "serve"] {
        let output = run(callpop().arg(command).arg("--config").arg(config.write()));
        let said =
            [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it).into_owned()).concat();
        assert_eq!(output.status.code(), Some(2), "{command}: {said}");
        for name in named {
            assert!(said.contains(name), "{command} does not name {name}: {said}");
        }
        assert!(!said.contains("John"), "{said}");
    }
}

#[test]
fn a_good_file_is_fine() {
    let (config, _) = with_file(Config::new(), "t,200,John Doe,,,sub:john\n");
    let output = run(callpop().arg("check").arg("--config").arg(config.write()));
    assert_eq!(output.status.code(), Some(0));
}

#[tokio::test]
async fn its_tenants_are_read_only_over_http_and_others_are_not() {
    let (tenant, other) = (new_tenant(), new_tenant());
    let lines = format!("{tenant},200,John Doe,sales,+32470123456,sub:ann\n{tenant},210,,,,\n");
    let (config, _) = with_file(Config::new(), &lines);
    let gateway = config.start().await;
    let (etag, all) = get(&gateway, &tenant).await;
    assert_eq!(extensions(&all), ["200", "210"]);
    assert_eq!(all["rows"][0]["numbers"], json!(["+32470123456"]));
    for if_match in ["*", &etag] {
        problem(put(&gateway, &tenant, if_match, JSON, &rows(&[])).await, 409).await;
    }
    assert_eq!(get(&gateway, &tenant).await.0, etag);
    let ann = gateway.stream(&user(&tenant, "ann")).open().await;
    assert_eq!(ann.first["extensions"], json!(["200"]));
    assign(&gateway, &other, &[("ann", "220")]).await;
    let other_ann = gateway.stream(&user(&other, "ann")).open().await;
    assert_eq!(other_ann.first["extensions"], json!(["220"]));
}

#[tokio::test]
async fn a_hangup_reads_it_again_and_sessions_follow() {
    for engine in [Engine::Embedded, Engine::Redis] {
        let (tenant, joins) = (new_tenant(), new_tenant());
        let (config, file) = with_file(engine.config().await, &format!("{tenant},200,,,,sub:ann\n"));
        let gateway = config.start().await;
        assign(&gateway, &joins, &[("ann", "300")]).await;
        let mut ann = gateway.stream(&user(&tenant, "ann")).open().await;
        let mut joining = gateway.stream(&user(&joins, "ann")).open().await;
        write(&config, &file, &format!("{tenant},210,,,,sub:ann\n{joins},310,,,,sub:ann\n"));
        hang_up(&gateway, "done", 1.0).await;
        assert_eq!(ann.next_of("snapshot").await["extensions"], json!(["210"]));
        assert_eq!(joining.next_of("snapshot").await["extensions"], json!(["310"]));
        problem(put(&gateway, &joins, "*", JSON, &rows(&[])).await, 409).await;
        // A tenant that leaves the file has what was written over HTTP.
        write(&config, &file, &format!("{tenant},210,,,,sub:ann\n"));
        hang_up(&gateway, "done", 2.0).await;
        assert_eq!(joining.next_of("snapshot").await["extensions"], json!(["300"]));
        assign(&gateway, &joins, &[("ann", "320")]).await;
        assert_eq!(joining.next_of("snapshot").await["extensions"], json!(["320"]));
        ann.assert_open().await;
    }
}

#[tokio::test]
async fn its_groups_keep_supervisors_and_a_hangup_moves_them() {
    let tenant = new_tenant();
    let (config, file) = with_file(Config::new(), &format!("{tenant},200,,sales,,\n{tenant},210,,,,\n"));
    let gateway = config.start().await;
    let legs = ["200", "210"].map(|extension| Leg::inbound(&tenant, extension));
    gateway.deliver_each(&[legs[0].ringing(0), legs[1].ringing(0)]).await;
    let token = Token::supervisor(&tenant).claim("groups", ["sales"]);
    let mut client = gateway.stream(&token).scope("tenant").open().await;
    assert!(client.call(&legs[0]).is_some() && client.call(&legs[1]).is_none());
    write(&config, &file, &format!("{tenant},200,,,,\n{tenant},210,,sales,,\n"));
    hang_up(&gateway, "done", 1.0).await;
    client.next_of("snapshot").await;
    assert!(client.call(&legs[0]).is_none() && client.call(&legs[1]).is_some());
}

#[tokio::test]
async fn a_changed_one_is_read_without_a_word() {
    let tenant = new_tenant();
    let (config, file) = with_file(Config::new(), &format!("{tenant},200,,,,sub:ann\n"));
    let gateway = config.start().await;
    let mut ann = gateway.stream(&user(&tenant, "ann")).open().await;
    write(&config, &file, &format!("{tenant},210,,,,sub:ann\n"));
    // Within thirty seconds, which is what a test waits for anything.
    assert_eq!(ann.next_of("snapshot").await["extensions"], json!(["210"]));
    assert_eq!(reloads(&gateway, "done").await, 1.0);
}

#[tokio::test]
async fn a_bad_one_later_changes_nothing_and_is_told() {
    let tenant = new_tenant();
    let (config, file) = with_file(Config::new(), &format!("{tenant},200,,,,sub:ann\n"));
    let gateway = config.start().await;
    let before = get(&gateway, &tenant).await;
    let mut ann = gateway.stream(&user(&tenant, "ann")).open().await;
    write(&config, &file, &format!("{tenant},210,John Doe,,,sub:ann\n{tenant},210,John Doe,,,\n"));
    hang_up(&gateway, "refused", 1.0).await;
    gateway.process.logged("row 2, column extension").await;
    gateway.process.logged("directory.file").await;
    let warnings = gateway.warnings().await;
    assert!(warnings.contains("row 2, column extension") && !warnings.contains("John"), "{warnings}");
    std::fs::remove_file(&file).unwrap();
    hang_up(&gateway, "refused", 2.0).await;
    assert_eq!(get(&gateway, &tenant).await, before);
    ann.assert_open().await;
    // Not a line for each time.
    assert_eq!(gateway.process.log().matches("the file cannot be used").count(), 1);
    write(&config, &file, &format!("{tenant},220,,,,sub:ann\n"));
    hang_up(&gateway, "done", 1.0).await;
    assert_eq!(ann.next_of("snapshot").await["extensions"], json!(["220"]));
    assert_eq!(gateway.warnings().await, "[]");
}
