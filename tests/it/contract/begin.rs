//! What every file of the suite begins with: a configuration, or a gateway, on the engine that the
//! suite's module is named after.

use crate::support::{Config, Engine, Gateway};

pub fn engine() -> Engine {
    Engine::of(module_path!())
}

/// What `serve` needs on this engine, where no other test's data is.
pub async fn config() -> Config {
    engine().config().await
}

/// A gateway on the usual test configuration.
pub async fn gateway() -> Gateway {
    config().await.start().await
}

/// A gateway for events of years ago: nothing expires and nothing is forgotten.
pub async fn timeless_gateway() -> Gateway {
    config().await.timeless().start().await
}
