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

pub mod auth;
pub mod body;
pub mod call;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod engine;
pub mod gateway;
pub mod integrations;
mod link;
pub mod method;
pub mod metrics;
pub mod operator;
pub mod problem;
pub mod protocol;
pub mod registry;
pub mod server;
pub mod session;
pub mod sidecar;
pub mod simulator;
pub mod source;
pub mod web;
pub mod webhook;
