//! The user that docs/operations.md has operators make, made from that very line: where the line lacks
//! a right, whatever runs as that user fails.

use super::Server;
use crate::support::docs;

/// The command as it stands on the page, word by word.
fn command() -> Vec<String> {
    let page = docs::page("operations.md");
    let lines: Vec<&str> = page.lines().filter(|line| line.starts_with("ACL SETUSER ")).collect();
    let [line] = lines.as_slice() else { panic!("one line makes the user: {lines:?}") };
    line.split_whitespace().map(str::to_owned).collect()
}

/// Makes the user on a server.
pub async fn grant(server: &Server) {
    server.command(&command().iter().map(String::as_str).collect::<Vec<_>>()).await;
}

/// For `engine.redis_url`: the server as that user reaches it.
pub fn url(server: &Server) -> String {
    let words = command();
    let password = words.iter().find_map(|word| word.strip_prefix('>')).expect("it has a password");
    format!("redis://{}:{password}@{}", words[2], server.address())
}
