//! The engine contract suite on a Redis cluster, without what takes long and is about the sessions
//! of one node alone.

mod acts;
mod begin;
mod board;
mod call_model;
mod closed_days;
mod directory;
mod displays;
mod frames;
mod isolation;
mod lifetime;
mod notices;
mod operators;
mod restart;
mod resume;
mod scenarios;
mod shutdown;
mod token_refresh;
mod webhook_content;
mod wrap_up;

use begin::{config, engine, gateway, timeless_gateway};
