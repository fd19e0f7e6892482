//! The hot path of an event without its I/O: parse what came, fold the leg, encode the frame.

use callpop::{
    call::{CallEvent, Leg, Rules},
    protocol::ServerFrame,
    source::{Received, telsmart},
};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use std::{hint::black_box, time::Duration};

const HELD_AND_RESUMED: &str = include_str!("../tests/fixtures/telsmart/3-held-and-resumed.jsonl");
const SUMMARY: &str = include_str!("../tests/fixtures/telsmart/7-summary.jsonl");
const RULES: Rules =
    Rules { ringing_stale_after: Duration::from_secs(180), active_stale_after: Duration::from_secs(14_400) };

fn events(fixture: &str) -> Vec<CallEvent> {
    let parsed = fixture.lines().flat_map(|line| telsmart::parse(line.as_bytes()).expect("a fixture"));
    let calls = parsed.filter_map(|received| match received {
        Received::Call(event) => Some(event),
        Received::Unknown(_) => None,
    });
    calls.collect()
}

fn hot_path(bench: &mut Criterion) {
    let ringing = HELD_AND_RESUMED.lines().next().expect("a fixture has lines");
    bench.bench_function("parse an event", |b| b.iter(|| telsmart::parse(black_box(ringing.as_bytes()))));
    bench.bench_function("parse a summary", |b| b.iter(|| telsmart::parse(black_box(SUMMARY.as_bytes()))));

    let events = events(HELD_AND_RESUMED);
    let key = events[0].key();
    let mut leg = Leg::default();
    for event in &events {
        leg.add(event.event.clone());
    }
    bench.bench_function("add five events", |b| {
        let all = || events.iter().map(|event| event.event.clone()).collect::<Vec<_>>();
        b.iter_batched(
            all,
            |all| {
                let mut leg = Leg::default();
                for event in all {
                    leg.add(event);
                }
                leg
            },
            BatchSize::SmallInput,
        );
    });
    bench.bench_function("fold five events", |b| b.iter(|| black_box(&leg).fold(&key, &RULES)));

    let call = leg.fold(&key, &RULES).expect("the leg has a line");
    bench.bench_function("encode a call frame", |b| {
        b.iter(|| ServerFrame::Call { seq: 1, call: black_box(&call) }.encode())
    });
}

criterion_group!(benches, hot_path);
criterion_main!(benches);
