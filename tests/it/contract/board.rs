//! The wallboard: what its figures, conversations and frames say, and to whom. What they must say of a day is worked
//! out by an independent program, in `recount.rs`.

mod bad_input;
mod crowds;
mod days;
mod figures;
mod frames;
mod grouping;
mod lists;
mod orders;
mod roles;
mod screens;
mod search;
mod tables;
mod tokens;
mod wanted;

use super::{config, gateway, timeless_gateway};
use crate::support::{Gateway, Leg, board::since_hours, directory, now};
use serde_json::{Value, json};

/// Somebody's call to an extension that began so many seconds ago.
fn call(tenant: &str, extension: &str, number: &str, ago: u64) -> Leg {
    let leg = Leg::inbound(tenant, extension).with("caller_number", number).with("caller_name", number);
    leg.starting_at(now() - ago * 1_000_000)
}

/// What an extension has of a call that it did not take: it rang between those seconds.
fn rang(leg: &Leg, from: u64, to: u64) -> [Value; 2] {
    [leg.ringing(from), leg.hangup(to)]
}

/// What it has of one that it took.
fn took(leg: &Leg, from: u64, answer: u64, to: u64) -> [Value; 3] {
    [leg.ringing(from), leg.active(answer), leg.hangup(to)]
}

/// Posts events in one webhook.
async fn post(gateway: &Gateway, events: &[Value]) {
    gateway.deliver(&json!(events)).await;
}

/// The last hours, in quarters.
fn lately() -> (u64, u64) {
    since_hours(2)
}

/// A directory of extensions with their groups.
async fn put_in_groups(gateway: &Gateway, tenant: &str, all: &[(&str, &[&str])]) {
    let row = |(extension, groups): &(&str, &[&str])| {
        let mut row = directory::row(extension, &[]);
        row["groups"] = json!(groups);
        row
    };
    directory::replace(gateway, tenant, &all.iter().map(row).collect::<Vec<_>>()).await;
}

/// The only one.
fn only(all: &[Value]) -> &Value {
    assert_eq!(all.len(), 1, "{all:?}");
    &all[0]
}

/// The fields of a conversation, row or tile, in that order.
fn of<const N: usize>(row: &Value, fields: [&str; N]) -> [Value; N] {
    fields.map(|field| row[field].clone())
}
