//! The hot path of an event without its I/O: parse what came, fold the leg, encode the frame.

use callpop::hot_path::{Parsed, parse};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

const HELD_AND_RESUMED: &str = include_str!("../tests/fixtures/telsmart/3-held-and-resumed.jsonl");
const SUMMARY: &str = include_str!("../tests/fixtures/telsmart/7-summary.jsonl");

fn hot_path(bench: &mut Criterion) {
    let ringing = HELD_AND_RESUMED.lines().next().expect("a fixture has lines");
    bench.bench_function("parse an event", |b| b.iter(|| parse(black_box(ringing))));
    bench.bench_function("parse a summary", |b| b.iter(|| parse(black_box(SUMMARY))));

    let parsed = Parsed::lines(HELD_AND_RESUMED).expect("a fixture has events");
    bench.bench_function("add five events", |b| b.iter(|| black_box(&parsed).take()));
    let taken = parsed.take();
    bench.bench_function("fold five events", |b| b.iter(|| black_box(&taken).fold()));
    let call = taken.fold().expect("the leg says who is on it");
    bench.bench_function("encode a call frame", |b| b.iter(|| black_box(&call).encode()));
}

criterion_group!(benches, hot_path);
criterion_main!(benches);
