//! What every test uses: the real process, tokens, webhooks, a WebSocket client that keeps the
//! calls as a web page does, and waits that are bounded.

pub mod board;
pub mod centre;
pub mod client;
pub mod closed_days;
pub mod config;
pub mod connect;
pub mod directory;
pub mod disk;
pub mod displays;
pub mod docs;
pub mod engine;
pub mod fleet;
pub mod gateway;
pub mod keys;
pub mod load;
pub mod oracle;
pub mod process;
pub mod proxy;
pub mod raw;
pub mod redis;
pub mod store;
pub mod telsmart;
pub mod token;
pub mod token_server;
pub mod truth;
pub mod viewer;

use std::{future::Future, time::Duration};
use tokio::time::{Instant, sleep, timeout};

pub use board::Board;
pub use client::Client;
pub use config::Config;
pub use disk::Disk;
pub use engine::Engine;
pub use gateway::Gateway;
pub use telsmart::Leg;
pub use token::Token;
pub use token_server::TokenServer;

/// How often something is done: in `make test`, and in the long form, which `scripts/soak` asks for.
pub fn times(short: usize, long: usize) -> usize {
    if std::env::var_os("CALLPOP_SOAK").is_some() { long } else { short }
}

/// The longest that a test waits for one thing. It says that something never comes, not how fast it comes: on a
/// busy machine everything takes ten times as long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Awaits `future`, and fails where that takes longer than anyone would wait.
pub async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    match timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(_) => panic!("waited {PATIENCE:?} for {what}"),
    }
}

/// Asks again and again until `probe` has an answer.
pub async fn eventually<T>(what: &str, probe: impl AsyncFnMut() -> Option<T>) -> T {
    eventually_within(PATIENCE, what, probe).await
}

/// Asks again and again for so long.
pub async fn eventually_within<T>(
    patience: Duration,
    what: &str,
    mut probe: impl AsyncFnMut() -> Option<T>,
) -> T {
    let end = Instant::now() + patience;
    loop {
        if let Some(answer) = probe().await {
            return answer;
        }
        assert!(Instant::now() < end, "waited {patience:?} for {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Microseconds since 1970.
pub fn now() -> u64 {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap();
    u64::try_from(now.as_micros()).unwrap()
}

/// A tenant that no other test uses.
pub fn new_tenant() -> String {
    uuid::Uuid::new_v4().to_string()
}
