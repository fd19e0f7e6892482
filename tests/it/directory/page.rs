//! What docs/directory.md shows works as it stands there.

use crate::support::{
    Config, Gateway,
    directory::{CSV, JSON, get, put},
    docs::{blocks, page},
    process::{callpop, run},
};
use serde_json::{Value, json};

/// The token that the page mints by that command.
fn token(config: &Config, arguments: &[&str]) -> String {
    let mut command = callpop();
    command.arg("token").arg("--config").arg(config.write()).args(["--tenant", "acme"]).args(arguments);
    let output = run(&mut command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn the_quickstart_shows_marie_her_calls() {
    let config = Config::new();
    let gateway = config.start().await;
    let people = blocks(&page("directory.md"), "csv").remove(0);
    let boss = token(&config, &["--sub", "boss", "--role", "supervisor"]);
    let request = gateway.request("PUT", "/v1/directory").bearer_auth(boss);
    let request = request.header("Content-Type", CSV).header("If-Match", "*").body(people);
    assert_eq!(request.send().await.unwrap().status(), 204);
    let marie = gateway.stream_by(&token(&config, &["--sub", "marie"])).open().await;
    assert_eq!(marie.first["extensions"], json!(["200"]));
}

#[test]
fn a_token_without_an_extension_needs_a_sub() {
    let mut command = callpop();
    command.arg("token").arg("--config").arg(Config::new().write()).args(["--tenant", "acme"]);
    let output = run(&mut command);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--extension"));
}

#[tokio::test]
async fn the_row_and_the_problem_of_the_page_are_what_is_taken_and_answered() {
    let gateway = Gateway::new().await;
    let text = page("directory.md");
    let json_blocks = blocks(&text, "json");
    let row: Value = serde_json::from_str(&json_blocks[0]).unwrap();
    let all = json!({"rows": [row]});
    assert!(put(&gateway, "acme", "*", JSON, &all.to_string()).await.status().is_success());
    assert_eq!(get(&gateway, "acme").await.1, all);
    let mut twice = row.clone();
    twice["extension"] = json!("210");
    let refused = put(&gateway, "acme", "*", JSON, &json!({"rows": [row, twice]}).to_string()).await;
    let mut problem: Value = refused.json().await.unwrap();
    problem["request_id"] = json!("…");
    assert_eq!(problem, serde_json::from_str::<Value>(&json_blocks[1]).unwrap());
}

#[tokio::test]
async fn the_file_of_the_page_is_one() {
    let config = Config::new();
    let file = config.file("directory.csv", &blocks(&page("directory.md"), "csv")[1]);
    let gateway = config.set("directory.file", file).start().await;
    for (tenant, name) in [("acme", "Marie Peeters"), ("globex", "Ann Wouters")] {
        assert_eq!(get(&gateway, tenant).await.1["rows"][0]["name"], name);
    }
}
