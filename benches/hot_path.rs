//! The hot path of an event without its I/O: parse what came, fold the leg, encode the frame.

use callpop::hot_path::{BoardLegs, Parsed, parse};
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

/// Legs of one number that ring, and partly talk, in each other's time: the most that there is to compare.
fn crowd(legs: u64, number: impl Fn(u64) -> u64, apart: u64) -> String {
    let line = |nth: u64, state, at: u64| {
        let (extension, caller) = (1000 + nth % 500, 32_255_500_000 + number(nth));
        let at = 1_765_209_600_000_000 + nth * apart + at;
        format!(
            r#"{{"tenant_id":"t","user_extension":"{extension}","id":"{nth}","direction":"in","state":"{state}","caller_number":"+{caller}","callee_number":"{extension}","timestamp":"{at}"}}"#
        )
    };
    let events = |nth: u64| match nth % 10 {
        0 => vec![("RINGING", 0), ("ACTIVE", 9_000_000), ("HANGUP", 90_000_000)],
        _ => vec![("RINGING", 0), ("HANGUP", 9_000_000)],
    };
    let lines = |nth| events(nth).into_iter().map(move |(state, at)| line(nth, state, at));
    (0..legs).flat_map(lines).collect::<Vec<_>>().join("\n")
}

fn board(bench: &mut Criterion) {
    let now = 1_765_213_200_000_000;
    let legs = |bodies: String| BoardLegs::lines(&bodies, "Europe/Brussels").expect("the zone is built in");
    let one_number = legs(crowd(200, |_| 0, 10_000));
    bench.bench_function("group 200 legs of one number", |b| b.iter(|| black_box(&one_number).group(0, now)));
    let mut busy = legs(crowd(10_000, |nth| nth / 2, 300_000));
    bench.bench_function("board update", |b| b.iter(|| black_box(&mut busy).update(5000, now)));
    bench.bench_function("chart of 10,000 legs", |b| b.iter(|| black_box(&busy).chart(now)));
    bench.bench_function("all of a board of 10,000 legs", |b| b.iter(|| black_box(&busy).show(now)));
}

criterion_group!(benches, hot_path, board);
criterion_main!(benches);
