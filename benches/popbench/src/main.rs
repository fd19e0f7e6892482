//! An independent load generator: the same work for every server.
//!
//! N WebSocket subscribers, each on its own channel (or all on one), an
//! open-loop HTTP publisher at a fixed rate, end-to-end latency measured from
//! the scheduled send time to the frame's arrival, and the server's own CPU and
//! memory read from /proc. One JSON line per run.
mod target;

use anyhow::{Context, Result};
use clap::{Parser, ValueEnum};
use futures_util::{SinkExt, StreamExt};
use hdrhistogram::Histogram;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use target::Target;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    sync::{Mutex, Semaphore, mpsc},
};
use tokio_tungstenite::tungstenite::{Message, protocol::WebSocketConfig};

#[derive(Parser, Clone)]
struct Args {
    #[arg(value_enum)]
    target: Target,
    /// host:port of the server
    #[arg(long)]
    addr: SocketAddr,
    /// host:port for publishing, when it differs
    #[arg(long)]
    pub_addr: Option<SocketAddr>,
    /// process ids of the server, comma separated (children are included)
    #[arg(long, value_delimiter = ',')]
    pid: Vec<u32>,
    #[arg(long, default_value_t = 1000)]
    conns: usize,
    /// events per second; 0: as fast as the publishers can (closed loop)
    #[arg(long, default_value_t = 1000)]
    rate: u64,
    #[arg(long, default_value_t = 10)]
    secs: u64,
    #[arg(long, default_value_t = 32)]
    publishers: usize,
    /// all subscribers on one channel
    #[arg(long, value_enum, default_value_t = Shape::Own)]
    shape: Shape,
    /// JWT secret (callpop)
    #[arg(long, default_value = "")]
    secret: String,
    /// shared webhook header value (callpop)
    #[arg(long, default_value = "")]
    webhook_secret: String,
    /// connect only, hold, and report memory per connection
    #[arg(long)]
    idle: bool,
    /// how many connects in flight
    #[arg(long, default_value_t = 64)]
    ramp: usize,
}

#[derive(Clone, Copy, ValueEnum, PartialEq)]
enum Shape {
    Own,
    Shared,
}

fn now_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64
}

/// CPU seconds and resident bytes of the processes and their children.
fn usage(pids: &[u32]) -> (f64, u64) {
    let mut all: Vec<u32> = pids.to_vec();
    let mut i = 0;
    while i < all.len() {
        let p = format!("/proc/{0}/task/{0}/children", all[i]);
        if let Ok(s) = std::fs::read_to_string(p) {
            all.extend(s.split_whitespace().filter_map(|x| x.parse::<u32>().ok()));
        }
        i += 1;
    }
    all.sort();
    all.dedup();
    let (mut cpu, mut rss) = (0.0, 0);
    for p in all {
        if let Ok(s) = std::fs::read_to_string(format!("/proc/{p}/stat")) {
            let f: Vec<&str> = s[s.rfind(')').unwrap() + 2..].split(' ').collect();
            cpu += (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) / 100.0;
        }
        if let Ok(s) = std::fs::read_to_string(format!("/proc/{p}/smaps_rollup")) {
            for l in s.lines() {
                if let Some(v) = l.strip_prefix("Pss:") {
                    rss += v.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() * 1024;
                }
            }
        }
    }
    (cpu, rss)
}

async fn dial(addr: SocketAddr, i: usize) -> Result<TcpStream> {
    let sock = TcpSocket::new_v4()?;
    // Spread the clients over loopback addresses, 20,000 each. Every run has its own: the ports of
    // the runs before it stay taken for a minute after their connections end.
    let [_, _, high, low] = std::process::id().to_be_bytes();
    let src = Ipv4Addr::new(127, 1 + high % 250, low, 1 + (i / 20_000) as u8);
    if addr.ip().is_loopback() {
        sock.bind(SocketAddr::new(IpAddr::V4(src), 0))?;
    }
    sock.set_nodelay(true)?;
    Ok(sock.connect(addr).await?)
}

struct Stats {
    received: AtomicU64,
    lat: Vec<Mutex<Histogram<u64>>>,
    measuring: AtomicU64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let a = Args::parse();
    let stats = Arc::new(Stats {
        received: AtomicU64::new(0),
        lat: (0..16).map(|_| Mutex::new(Histogram::new(3).unwrap())).collect(),
        measuring: AtomicU64::new(0),
    });
    let (cpu_start, rss0) = usage(&a.pid);
    let ready = Arc::new(AtomicU64::new(0));
    let gate = Arc::new(Semaphore::new(a.ramp));
    let t0 = Instant::now();
    let mut fails = 0usize;
    let (err_tx, mut err_rx) = mpsc::unbounded_channel::<String>();
    for i in 0..a.conns {
        let (a, stats, ready, gate, err_tx) =
            (a.clone(), stats.clone(), ready.clone(), gate.clone(), err_tx.clone());
        tokio::spawn(async move {
            if let Err(e) = subscriber(i, a, stats, ready, gate).await {
                let _ = err_tx.send(format!("{e:#}"));
            }
        });
    }
    loop {
        tokio::time::sleep(Duration::from_millis(20)).await;
        while let Ok(e) = err_rx.try_recv() {
            fails += 1;
            if fails <= 3 {
                eprintln!("subscriber: {e}");
            }
        }
        if ready.load(Relaxed) as usize + fails >= a.conns {
            break;
        }
        if t0.elapsed() > Duration::from_secs(300) {
            break;
        }
    }
    let connect_s = t0.elapsed().as_secs_f64();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (cpu_conn, rss1) = usage(&a.pid);
    if a.idle {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let (cpu2, rss1) = usage(&a.pid);
        println!(
            "{}",
            serde_json::json!({"target": a.target.name(), "idle_conns": ready.load(Relaxed), "failed": fails,
            "connect_s": connect_s, "cpu_us_per_connect": (cpu_conn-cpu_start)*1e6/a.conns as f64,
            "bytes_per_conn": (rss1 as f64 - rss0 as f64)/a.conns as f64, "base_bytes": rss0, "idle_cpu_s_per_5s": cpu2-cpu_conn})
        );
        return Ok(());
    }

    // warm up for a fifth of the time, then measure
    let (cpu_a, sent, errors, secs) = publish(&a, &stats).await?;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let (cpu_b, rss2) = usage(&a.pid);
    let mut h = Histogram::<u64>::new(3)?;
    for l in &stats.lat {
        h.add(&*l.lock().await)?;
    }
    let got = stats.received.load(Relaxed);
    let per = if a.shape == Shape::Shared { a.conns as u64 } else { 1 };
    let us = |q: f64| h.value_at_quantile(q) as f64 / 1000.0;
    println!(
        "{}",
        serde_json::json!({"target": a.target.name(), "conns": a.conns, "failed_conns": fails,
        "shape": if per > 1 {"shared"} else {"own"}, "rate": a.rate, "secs": secs,
        "sent": sent, "http_errors": errors, "expected": sent*per, "received": got,
        "events_per_s": sent as f64/secs, "deliveries_per_s": got as f64/secs,
        "p50_us": us(0.5), "p99_us": us(0.99), "p999_us": us(0.999), "max_us": us(1.0),
        "server_cpu_us_per_event": (cpu_b-cpu_a)*1e6/sent.max(1) as f64,
        "server_cpu_us_per_delivery": (cpu_b-cpu_a)*1e6/got.max(1) as f64,
        "bytes_per_conn": (rss1 as f64-rss0 as f64)/a.conns as f64, "rss_after": rss2, "connect_s": connect_s})
    );
    Ok(())
}

async fn subscriber(
    i: usize,
    a: Args,
    stats: Arc<Stats>,
    ready: Arc<AtomicU64>,
    gate: Arc<Semaphore>,
) -> Result<()> {
    let chan = if a.shape == Shape::Shared { 0 } else { i };
    let permit = gate.acquire_owned().await?;
    let tcp = dial(a.addr, i).await.context("dial")?;
    let cfg = WebSocketConfig::default()
        .read_buffer_size(2048)
        .write_buffer_size(0)
        .max_write_buffer_size(64 * 1024);
    let req = a.target.ws_request(&a.addr, chan, i, &a.secret)?;
    let (mut ws, _) =
        tokio_tungstenite::client_async_with_config(req, tcp, Some(cfg)).await.context("ws handshake")?;
    for m in a.target.hello(chan, i, &a.secret) {
        ws.send(Message::text(m)).await?;
    }
    if let Some(mark) = a.target.ready_mark() {
        loop {
            let m = ws.next().await.context("closed before ready")??;
            if let Message::Text(t) = &m {
                if let Some(p) = a.target.pong(t) {
                    ws.send(Message::text(p)).await?;
                }
                if memchr::memmem::find(t.as_bytes(), mark.as_bytes()).is_some() {
                    break;
                }
            }
        }
    }
    drop(permit);
    ready.fetch_add(1, Relaxed);
    let slot = i % stats.lat.len();
    while let Some(m) = ws.next().await {
        let t = match m? {
            Message::Text(t) => t,
            Message::Ping(p) => {
                ws.send(Message::Pong(p)).await?;
                continue;
            }
            Message::Close(_) => break,
            _ => continue,
        };
        if let Some(p) = a.target.pong(&t) {
            ws.send(Message::text(p)).await?;
            continue;
        }
        let now = now_ns();
        // frames may hold several events: count every stamp
        let b = t.as_bytes();
        for at in memchr::memmem::find_iter(b, b"t0=") {
            let end = b[at + 3..].iter().position(|c| !c.is_ascii_digit()).unwrap_or(b.len() - at - 3);
            let sent: u64 = std::str::from_utf8(&b[at + 3..at + 3 + end])?.parse()?;
            let from = stats.measuring.load(Relaxed);
            if from != 0 && sent >= from {
                stats.received.fetch_add(1, Relaxed);
                let _ = stats.lat[slot].lock().await.record(now.saturating_sub(sent).max(1));
            }
        }
    }
    Ok(())
}

async fn publish(a: &Args, stats: &Arc<Stats>) -> Result<(f64, u64, u64, f64)> {
    let addr = a.pub_addr.unwrap_or(a.addr);
    let sent = Arc::new(AtomicU64::new(0));
    let errors = Arc::new(AtomicU64::new(0));
    let warm = Duration::from_secs((a.secs / 5).max(1));
    let start = Instant::now();
    let stop = start + warm + Duration::from_secs(a.secs);
    let next = Arc::new(AtomicU64::new(0));
    let mut tasks = vec![];
    for _ in 0..a.publishers {
        let (a, sent, errors, next, stats) =
            (a.clone(), sent.clone(), errors.clone(), next.clone(), stats.clone());
        tasks.push(tokio::spawn(async move {
            let mut tcp = dial(addr, 10_000_000 % 19_999).await?;
            let mut buf = Vec::with_capacity(4096);
            let mut rb = vec![0u8; 16384];
            loop {
                let k = next.fetch_add(1, Relaxed);
                let at = if a.rate > 0 {
                    start + Duration::from_nanos(k * 1_000_000_000 / a.rate)
                } else {
                    Instant::now()
                };
                if at >= stop {
                    break;
                }
                let wait = at.saturating_duration_since(Instant::now());
                if wait > Duration::from_micros(200) {
                    tokio::time::sleep(wait).await;
                }
                // stamp = the scheduled time, so a stalled server is charged for its queue
                let stamp = if a.rate > 0 {
                    now_ns() - Instant::now().saturating_duration_since(at).as_nanos() as u64
                } else {
                    now_ns()
                };
                let chan = if a.shape == Shape::Shared { 0 } else { (k as usize) % a.conns };
                buf.clear();
                a.target.http_request(
                    &mut buf,
                    &addr,
                    chan,
                    k / a.conns.max(1) as u64,
                    k,
                    stamp,
                    &a.webhook_secret,
                );
                tcp.write_all(&buf).await?;
                let ok = read_response(&mut tcp, &mut rb).await?;
                let from = stats.measuring.load(Relaxed);
                if from != 0 && stamp >= from {
                    sent.fetch_add(1, Relaxed);
                    if !ok {
                        errors.fetch_add(1, Relaxed);
                    }
                }
            }
            Ok::<_, anyhow::Error>(())
        }));
    }
    tokio::time::sleep(warm).await;
    let (cpu, _) = usage(&a.pid);
    stats.measuring.store(now_ns(), Relaxed);
    let m0 = Instant::now();
    for t in tasks {
        t.await??;
    }
    Ok((cpu, sent.load(Relaxed), errors.load(Relaxed), m0.elapsed().as_secs_f64()))
}

/// Reads one HTTP/1.1 response with a content length (or none); true on 2xx.
async fn read_response(tcp: &mut TcpStream, buf: &mut [u8]) -> Result<bool> {
    let mut n = 0;
    loop {
        let r = tcp.read(&mut buf[n..]).await?;
        anyhow::ensure!(r > 0, "publisher connection closed");
        n += r;
        if let Some(h) = memchr::memmem::find(&buf[..n], b"\r\n\r\n") {
            let head = std::str::from_utf8(&buf[..h])?.to_ascii_lowercase();
            let ok = head.as_bytes().get(9) == Some(&b'2');
            if let Some(p) = head.find("content-length:") {
                let len: usize = head[p + 15..].split("\r\n").next().unwrap().trim().parse()?;
                if n >= h + 4 + len {
                    return Ok(ok);
                }
            } else if head.contains("transfer-encoding: chunked") {
                if buf[..n].ends_with(b"0\r\n\r\n") {
                    return Ok(ok);
                }
            } else {
                return Ok(ok);
            }
        }
    }
}
