//! The engine contract suite: what callpop promises whatever its engine. `main.rs` compiles it
//! once for each engine; the name of that module says which.

mod call_model;
mod frames;
mod isolation;
mod lifetime;
mod operators;
mod restart;
mod resume;
mod scenarios;
mod shutdown;
mod slow_reader;
mod token_refresh;
mod webhook_content;

use crate::support::{Config, Engine, Gateway};

fn engine() -> Engine {
    Engine::of(module_path!())
}

/// What `serve` needs on this engine, where no other test's data is.
async fn config() -> Config {
    engine().config().await
}

/// A gateway on the usual test configuration.
async fn gateway() -> Gateway {
    config().await.start().await
}

/// A gateway for events of years ago: nothing expires and nothing is forgotten.
async fn timeless_gateway() -> Gateway {
    config().await.timeless().start().await
}
