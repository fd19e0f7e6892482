//! callpop: telephony webhooks in, the right person's browser rings.
//!
//! The path of a call, one module a hop:
//!
//! ```text
//! webhook  ->  engine  ->  registry  ->  session  ->  socket
//!  (HTTP)     (commit)   (who listens)  (outbox)    (browser)
//! ```
//!
//! [`source`] says what a provider's JSON means, [`call`] what a call is, [`protocol`] what
//! goes over the WebSocket, [`auth`] who is asking. [`server`] puts them on two listeners;
//! [`operator`] is the private one. [`sidecar`] keeps the users' integrations alive,
//! and [`integrations`] is what the gateway makes of them. [`simulator`] is a Telsmart to develop against, and
//! [`demo`] shows both in a browser.

mod auth;
mod call;
mod cli;
mod clock;
mod config;
#[cfg(feature = "simulator")]
mod demo;
mod engine;
mod feed;
mod gateway;
pub mod hot_path;
mod http;
mod id;
mod integrations;
mod link;
mod log;
mod metrics;
mod operator;
mod protocol;
mod routes;
mod server;
mod session;
mod sidecar;
#[cfg(feature = "simulator")]
mod simulator;
mod source;
mod tasks;
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
