//! The engine contract suite: what callpop promises whatever its engine. `main.rs` compiles it
//! once for each engine; the name of that module says which.

mod acts;
mod begin;
mod board;
mod call_model;
mod closed_days;
mod directory;
mod displays;
mod endings;
mod frames;
mod goodbyes;
mod groups_claim;
mod isolation;
mod lifetime;
mod notices;
mod numbers;
mod operators;
mod receipts;
mod restart;
mod resume;
mod scenarios;
mod shutdown;
mod slow_reader;
mod sources;
mod summaries;
mod token_refresh;
mod webhook_content;
mod wrap_up;

use begin::{config, engine, gateway, timeless_gateway};
