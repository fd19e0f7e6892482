//! An independent load generator: the same work for every server.
//!
//! Many WebSocket subscribers, each on its own channel (or all on one), HTTP publishers at a fixed rate or as fast
//! as they go, the latency from the scheduled send to the frame's arrival, and the server's own CPU and memory
//! from `/proc`. It knows nothing of the server's inside. One JSON line a run.
mod dial;
mod publish;
mod subscribe;
mod target;
mod usage;

use anyhow::Result;
use clap::{Parser, ValueEnum};
use serde_json::{Value, json};
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use subscribe::{Arrivals, Subscribers};
use target::Target;
use tokio::time::sleep;
use usage::Usage;

#[derive(Parser, Clone)]
#[command(about = "Subscribes and publishes, and prints one JSON line of figures")]
struct Args {
    #[arg(value_enum)]
    target: Target,
    /// host:port of the server
    #[arg(long)]
    addr: SocketAddr,
    /// host:port for publishing, when it differs
    #[arg(long)]
    pub_addr: Option<SocketAddr>,
    /// Process ids of the server, comma separated (children are included)
    #[arg(long, value_delimiter = ',')]
    pid: Vec<u32>,
    /// How many subscribers
    #[arg(long, default_value_t = 1000, value_parser = at_least_one)]
    conns: usize,
    /// Events a second; 0: as fast as the publishers can (closed loop)
    #[arg(long, default_value_t = 1000)]
    rate: u64,
    /// How long is measured; the warm-up before it takes a fifth of that
    #[arg(long, default_value_t = 10)]
    secs: u64,
    #[arg(long, default_value_t = 32)]
    publishers: usize,
    /// Each subscriber on a channel of its own, or all on one
    #[arg(long, value_enum, default_value_t = Shape::Own)]
    shape: Shape,
    /// JWT secret (callpop, centrifugo)
    #[arg(long, default_value = "")]
    secret: String,
    /// Shared secret of the webhook's header (callpop)
    #[arg(long, default_value = "")]
    webhook_secret: String,
    /// Connect only, hold, and report memory per connection
    #[arg(long)]
    idle: bool,
    /// How many connects in flight
    #[arg(long, default_value_t = 64)]
    ramp: usize,
}

#[derive(Clone, Copy, ValueEnum, PartialEq)]
enum Shape {
    Own,
    Shared,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "a number of 1 or more".to_owned())
}

impl Args {
    /// The channel of a subscriber, or of the event of that number.
    fn channel(&self, number: usize) -> usize {
        match self.shape {
            Shape::Own => number % self.conns,
            Shape::Shared => 0,
        }
    }

    /// How many subscribers should get an event.
    fn listeners(&self) -> u64 {
        match self.shape {
            Shape::Own => 1,
            Shape::Shared => self.conns as u64,
        }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Arc::new(Args::parse());
    let before = Usage::of(&args.pid);
    let arrivals = Arc::<Arrivals>::default();
    let began = Instant::now();
    let subscribers = subscribe::connect(&args, &arrivals).await;
    let connect_s = began.elapsed().as_secs_f64();
    sleep(Duration::from_secs(2)).await;
    let connected = Usage::of(&args.pid);
    let memory = (connected.bytes - before.bytes) / args.conns as f64;
    let mut line = if args.idle {
        idle(&args, &subscribers, &before, &connected).await
    } else {
        loaded(&args, &subscribers, &arrivals, memory).await?
    };
    line["target"] = args.target.name().into();
    line["connect_s"] = connect_s.into();
    println!("{line}");
    Ok(())
}

/// Holds the connections for a while: what they cost in memory, and in CPU.
async fn idle(args: &Args, subscribers: &Subscribers, before: &Usage, connected: &Usage) -> Value {
    sleep(Duration::from_secs(5)).await;
    let held = Usage::of(&args.pid);
    let conns = args.conns as f64;
    json!({
        "idle_conns": subscribers.ready, "failed": subscribers.failed, "base_bytes": before.bytes,
        "cpu_us_per_connect": (connected.cpu_s - before.cpu_s) * 1e6 / conns,
        "bytes_per_conn": (held.bytes - before.bytes) / conns,
        "idle_cpu_s_per_5s": held.cpu_s - connected.cpu_s,
    })
}

/// Publishes for the time asked, and waits for the last frames.
async fn loaded(
    args: &Arc<Args>,
    subscribers: &Subscribers,
    arrivals: &Arc<Arrivals>,
    memory: f64,
) -> Result<Value> {
    let published = publish::run(args, arrivals).await?;
    sleep(Duration::from_millis(1500)).await;
    let after = Usage::of(&args.pid);
    let latencies = arrivals.latencies()?;
    let us = |quantile: f64| latencies.value_at_quantile(quantile) as f64 / 1000.0;
    let cpu_us = (after.cpu_s - published.cpu_before_s) * 1e6;
    let (sent, received) = (published.sent, arrivals.received());
    Ok(json!({
        "conns": args.conns, "failed_conns": subscribers.failed, "rate": args.rate, "secs": published.secs,
        "shape": if args.shape == Shape::Shared { "shared" } else { "own" },
        "sent": sent, "http_errors": published.errors,
        "expected": sent * args.listeners(), "received": received,
        "events_per_s": sent as f64 / published.secs, "deliveries_per_s": received as f64 / published.secs,
        "p50_us": us(0.5), "p99_us": us(0.99), "p999_us": us(0.999), "max_us": us(1.0),
        "server_cpu_us_per_event": cpu_us / sent.max(1) as f64,
        "server_cpu_us_per_delivery": cpu_us / received.max(1) as f64,
        "bytes_per_conn": memory, "rss_after": after.bytes,
    }))
}
