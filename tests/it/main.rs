//! The gateway from outside: real processes, real HTTP, real WebSockets. One file a subject;
//! [`support`] has what they share. What does not depend on the engine is in `contract/`, and
//! runs on every engine.

#![allow(unreachable_pub, reason = "nothing outside can use a test")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::duplicate_mod, reason = "the contract suite is compiled once for each engine")]

#[path = "contract/cluster.rs"]
mod cluster;
#[path = "contract/suite.rs"]
mod embedded;
#[path = "contract/suite.rs"]
mod redis;

mod boards;
mod budgets_page;
mod call_centre;
mod closed_days;
mod command_line;
mod demo;
mod directory;
mod displays;
mod durability;
mod faults;
mod folder;
mod groups;
mod handshake;
mod keys;
mod kill;
mod licenses;
mod methods;
mod nodes;
mod places;
mod recount;
mod retention;
mod rights;
mod search;
mod settling;
mod sidecar;
mod sidecar_store;
mod simulate;
mod store;
mod stored;
mod strange_rows;
mod strangers;
mod support;
mod tasks;
mod telsmart_simulator;
mod vault;
mod web;
mod webhook_bodies;
mod webhook_fields;
mod webhook_page;
mod webhook_senders;
mod weight;
