//! callpop: telephony webhooks in, the right person's browser rings.
//!
//! The path of a call, one room a hop:
//!
//! ```text
//! source  ->  engine  ->  feed  ->  session  ->  socket
//! (webhook)  (commit)  (who listens)  (outbox)  (browser)
//! ```
//!
//! [`webhook`] takes what a provider posts, [`source`] says what it means, [`call`] what a call is.
//! [`engine`] commits it and tells [`feed`], where every [`session`] listens. [`protocol`] is what goes
//! over the WebSocket, [`auth`] says who is asking, and [`routes`] shows every endpoint on one screen.
//! [`sidecar`] keeps users' consents and tokens. docs/architecture.md has the floors that these rooms
//! stand on, which a test holds them to, two walks through the code, and the words.

mod api;
mod auth;
mod board;
mod boards;
mod call;
mod cli;
mod clock;
mod config;
#[cfg(feature = "simulator")]
mod demo;
mod directories;
mod directory;
mod display;
mod displays;
mod engine;
mod event_set;
mod feed;
mod files;
mod gateway;
pub mod hot_path;
mod http;
mod id;
mod integrations;
mod item;
mod link;
mod log;
mod metrics;
mod notice;
mod number;
mod operator;
mod places;
mod protocol;
mod routes;
mod server;
mod session;
mod sidecar;
#[cfg(feature = "simulator")]
mod simulator;
mod source;
mod summaries;
mod tasks;
mod text;
mod warnings;
mod web;
mod webhook;

pub use cli::run;

/// The store of integrations, for the suite that holds both kinds of it to the same promises.
pub mod integration_store {
    pub use crate::{
        config::{Durability, Engine, EngineKind},
        metrics::Metrics,
        sidecar::store::{
            Changes, MOST_CHANGES, MOST_NAME, MOST_SECRETS, MOST_VALUE, Row, Store, StoreError, Swap,
        },
        tasks::Tasks,
    };
}
