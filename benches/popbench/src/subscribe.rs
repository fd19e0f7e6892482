//! The subscribers: connect, hold, and note when each event came.

use crate::{Args, dial::dial};
use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt};
use hdrhistogram::Histogram;
use memchr::memmem;
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, UNIX_EPOCH},
};
use tokio::{
    net::TcpStream,
    sync::{Semaphore, mpsc},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

/// The longest that all connects together may take.
const CONNECT: Duration = Duration::from_secs(300);
/// What precedes the time of sending in a frame.
const STAMP: &[u8] = b"t0=";

/// Nanoseconds since 1970.
pub fn now_ns() -> u64 {
    UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos() as u64
}

/// The events that came, and how long each was on its way.
pub struct Arrivals {
    received: AtomicU64,
    /// Events that were sent earlier are the warm-up's; 0: all are.
    from_ns: AtomicU64,
    /// Subscribers share them by number, so that few wait for a lock.
    latencies: Vec<Mutex<Histogram<u64>>>,
}

impl Default for Arrivals {
    fn default() -> Self {
        let histogram = || Mutex::new(Histogram::new(3).expect("3 digits are allowed"));
        let latencies = (0..16).map(|_| histogram()).collect();
        Self { received: AtomicU64::default(), from_ns: AtomicU64::default(), latencies }
    }
}

impl Arrivals {
    /// From now on events count.
    pub fn measure(&self) {
        self.from_ns.store(now_ns(), Relaxed);
    }

    /// Whether an event counts that was sent then.
    pub fn counts(&self, sent_ns: u64) -> bool {
        let from = self.from_ns.load(Relaxed);
        from != 0 && sent_ns >= from
    }

    pub fn received(&self) -> u64 {
        self.received.load(Relaxed)
    }

    /// All that count, in nanoseconds.
    pub fn latencies(&self) -> Result<Histogram<u64>> {
        let mut all = Histogram::new(3)?;
        for part in &self.latencies {
            all.add(&*part.lock().unwrap_or_else(PoisonError::into_inner))?;
        }
        Ok(all)
    }

    /// Notes every stamp of a frame, which may hold several events.
    fn note(&self, subscriber: usize, frame: &[u8]) {
        let now = now_ns();
        for sent in memmem::find_iter(frame, STAMP).filter_map(|at| number(&frame[at + STAMP.len()..])) {
            if self.counts(sent) {
                self.received.fetch_add(1, Relaxed);
                let part = &self.latencies[subscriber % self.latencies.len()];
                let mut part = part.lock().unwrap_or_else(PoisonError::into_inner);
                part.saturating_record(now.saturating_sub(sent).max(1));
            }
        }
    }
}

/// The number that the text begins with.
fn number(text: &[u8]) -> Option<u64> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    std::str::from_utf8(&text[..end]).ok()?.parse().ok()
}

/// How many are connected, and how many could not.
pub struct Subscribers {
    pub ready: usize,
    pub failed: usize,
}

/// Connects all of them, a few at a time; they then listen until the process ends.
pub async fn connect(args: &Arc<Args>, arrivals: &Arc<Arrivals>) -> Subscribers {
    let gate = Arc::new(Semaphore::new(args.ramp));
    let (tell, mut told) = mpsc::channel(args.conns);
    for number in 0..args.conns {
        let (args, arrivals, gate, tell) = (args.clone(), arrivals.clone(), gate.clone(), tell.clone());
        tokio::spawn(async move {
            let stream = {
                let _permit = gate.acquire_owned().await?;
                subscribe(number, &args).await
            };
            let (stream, outcome) = match stream {
                Ok(stream) => (Some(stream), Ok(())),
                Err(error) => (None, Err(error)),
            };
            tell.send(outcome).await?;
            drop(tell);
            match stream {
                Some(stream) => listen(number, stream, &args, &arrivals).await,
                None => Ok(()),
            }
        });
    }
    drop(tell);
    let mut subscribers = Subscribers { ready: 0, failed: 0 };
    let counting = async {
        while let Some(outcome) = told.recv().await {
            subscribers.count(outcome);
        }
    };
    let _ = timeout(CONNECT, counting).await;
    subscribers
}

impl Subscribers {
    fn count(&mut self, outcome: Result<()>) {
        match outcome {
            Ok(()) => self.ready += 1,
            Err(error) => {
                self.failed += 1;
                if self.failed <= 3 {
                    eprintln!("subscriber: {error:#}");
                }
            }
        }
    }
}

type Stream = WebSocketStream<TcpStream>;

/// Connects, and waits until the subscription stands.
async fn subscribe(number: usize, args: &Args) -> Result<Stream> {
    let channel = args.channel(number);
    let tcp = dial(args.addr, number).await.context("dial")?;
    let config = WebSocketConfig::default()
        .read_buffer_size(2048)
        .write_buffer_size(0)
        .max_write_buffer_size(64 * 1024);
    let request = args.target.ws_request(&args.addr, channel, number, &args.secret)?;
    let (mut stream, _) =
        client_async_with_config(request, tcp, Some(config)).await.context("WebSocket handshake")?;
    for message in args.target.hello(channel, number, &args.secret) {
        stream.send(Message::text(message)).await?;
    }
    let Some(mark) = args.target.ready_mark() else { return Ok(stream) };
    loop {
        let Message::Text(text) = stream.next().await.context("closed before it was ready")?? else {
            continue;
        };
        if let Some(pong) = args.target.pong(&text) {
            stream.send(Message::text(pong)).await?;
        }
        if memmem::find(text.as_bytes(), mark.as_bytes()).is_some() {
            return Ok(stream);
        }
    }
}

async fn listen(number: usize, mut stream: Stream, args: &Args, arrivals: &Arrivals) -> Result<()> {
    while let Some(message) = stream.next().await {
        match message? {
            Message::Text(text) => match args.target.pong(&text) {
                Some(pong) => stream.send(Message::text(pong)).await?,
                None => arrivals.note(number, text.as_bytes()),
            },
            Message::Ping(payload) => stream.send(Message::Pong(payload)).await?,
            Message::Close(_) => break,
            _ => {}
        }
    }
    Ok(())
}
