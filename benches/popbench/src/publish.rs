//! The publishers: events over HTTP at the rate asked, or one after the other.

use crate::{
    Args,
    dial::dial,
    subscribe::{Arrivals, now_ns},
    usage::Usage,
};
use anyhow::{Context, Result, ensure};
use memchr::memmem;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::sleep,
};

/// What was published once it counted.
pub struct Published {
    pub sent: u64,
    pub errors: u64,
    pub secs: f64,
    /// The server's CPU time when the measuring began.
    pub cpu_before_s: f64,
}

/// The events of one run, in their order and at their times.
struct Schedule {
    start: Instant,
    stop: Instant,
    next: AtomicU64,
    sent: AtomicU64,
    errors: AtomicU64,
}

/// Publishes through the warm-up and the time that is measured.
pub async fn run(args: &Arc<Args>, arrivals: &Arc<Arrivals>) -> Result<Published> {
    let warm_up = Duration::from_secs((args.secs / 5).max(1));
    let start = Instant::now();
    let stop = start + warm_up + Duration::from_secs(args.secs);
    let zero = AtomicU64::default;
    let schedule = Arc::new(Schedule { start, stop, next: zero(), sent: zero(), errors: zero() });
    let mut publishers = JoinSet::new();
    for _ in 0..args.publishers {
        publishers.spawn(publish(args.clone(), arrivals.clone(), schedule.clone()));
    }
    sleep(warm_up).await;
    let cpu_before_s = Usage::of(&args.pid).cpu_s;
    arrivals.measure();
    let began = Instant::now();
    while let Some(ended) = publishers.join_next().await {
        ended??;
    }
    let secs = began.elapsed().as_secs_f64();
    let (sent, errors) = (schedule.sent.load(Relaxed), schedule.errors.load(Relaxed));
    Ok(Published { sent, errors, secs, cpu_before_s })
}

/// One publisher: takes the next event, waits for its time, and for its answer.
async fn publish(args: Arc<Args>, arrivals: Arc<Arrivals>, schedule: Arc<Schedule>) -> Result<()> {
    let server = args.pub_addr.unwrap_or(args.addr);
    let mut tcp = dial(server, 0).await.context("dial")?;
    let (mut request, mut answer) = (Vec::with_capacity(4096), vec![0; 16 * 1024]);
    loop {
        let event = schedule.next.fetch_add(1, Relaxed);
        let planned = (event * 1_000_000_000).checked_div(args.rate).map(Duration::from_nanos);
        let at = planned.map_or_else(Instant::now, |planned| schedule.start + planned);
        if at >= schedule.stop {
            return Ok(());
        }
        let wait = at.saturating_duration_since(Instant::now());
        if wait > Duration::from_micros(200) {
            sleep(wait).await;
        }
        // The scheduled time, so that a server that stalls is charged for its queue.
        let late = Instant::now().saturating_duration_since(at);
        let stamp = now_ns() - late.as_nanos() as u64;
        let channel = args.channel(event as usize);
        let round = event / args.conns as u64;
        request.clear();
        args.target.http_request(
            &mut request,
            &server,
            channel,
            round,
            event,
            stamp,
            &args.webhook_secret,
        )?;
        tcp.write_all(&request).await?;
        let is_good = read_answer(&mut tcp, &mut answer).await?;
        if arrivals.counts(stamp) {
            schedule.sent.fetch_add(1, Relaxed);
            schedule.errors.fetch_add(u64::from(!is_good), Relaxed);
        }
    }
}

/// Reads one HTTP/1.1 response to its end; true where its status is 2xx.
async fn read_answer(tcp: &mut TcpStream, buffer: &mut [u8]) -> Result<bool> {
    let mut length = 0;
    loop {
        let read = tcp.read(&mut buffer[length..]).await?;
        ensure!(read > 0, "the publisher's connection was closed");
        length += read;
        if let Some(is_good) = whole(&buffer[..length])? {
            return Ok(is_good);
        }
    }
}

/// Whether the status is 2xx, once all of the response is there.
fn whole(bytes: &[u8]) -> Result<Option<bool>> {
    let Some(end) = memmem::find(bytes, b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..end])?.to_ascii_lowercase();
    let body = &bytes[end + 4..];
    let is_whole = if let Some((_, length)) = head.split_once("content-length:") {
        body.len() >= length.lines().next().unwrap_or_default().trim().parse::<usize>()?
    } else {
        !head.contains("transfer-encoding: chunked") || body.ends_with(b"0\r\n\r\n")
    };
    Ok(is_whole.then(|| head.as_bytes().get(9) == Some(&b'2')))
}
