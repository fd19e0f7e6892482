//! The gateway from outside: real processes, real HTTP, real WebSockets. One file a subject;
//! [`support`] has what they share.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod call_model;
mod command_line;
mod demo;
mod durability;
mod faults;
mod frames;
mod handshake;
mod isolation;
mod keys;
mod kill;
mod lifetime;
mod operators;
mod resume;
mod scenarios;
mod shutdown;
mod simulate;
mod slow_reader;
mod support;
mod token_refresh;
mod webhook_bodies;
mod webhook_content;
mod webhook_fields;
mod webhook_senders;
