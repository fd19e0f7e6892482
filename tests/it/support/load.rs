//! A steady load, as a telephone exchange makes it: calls come, are answered, held, ended and summarised;
//! every event is sent until a node takes it, to any node, now and then twice, now and then out of order.

use super::{Leg, fleet::Addresses, token::WEBHOOK_SECRET, truth::Truth};
use rand::{RngExt, seq::IndexedRandom};
use reqwest::{StatusCode, header};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};
use tokio::{
    task::JoinHandle,
    time::{MissedTickBehavior, interval, sleep},
};

/// Who gets calls, and how many events.
#[derive(Clone)]
pub struct Plan {
    pub tenants: Vec<String>,
    pub extensions: Vec<String>,
    pub events_per_second: u32,
}

/// An event that was taken.
#[derive(Clone)]
pub struct Acked {
    pub event: Value,
    /// When it was first sent, and when a node had taken it.
    pub sent: Instant,
    pub acked: Instant,
}

/// Legs, each with its events in the order in which they were sent.
pub type Sent = Vec<(Leg, Vec<Acked>)>;

/// What the senders have met.
#[derive(Default)]
pub struct Tally {
    pub acked: AtomicU64,
    /// 503 and 429.
    pub refused: AtomicU64,
    /// Connections that could not be made, or broke.
    pub broken: AtomicU64,
    /// The longest that any answer took.
    pub slowest_us: AtomicU64,
}

/// Senders at work.
pub struct Load {
    stop: Arc<AtomicBool>,
    senders: Vec<JoinHandle<Sent>>,
    pub tally: Arc<Tally>,
}

const SENDERS: u32 = 8;
/// So many calls of one sender live at a time.
const LIVE: usize = 4;

impl Plan {
    /// Two tenants with three extensions each, 150 events a second.
    pub fn usual() -> Self {
        Self::of([super::new_tenant(), super::new_tenant()].into(), 150)
    }

    /// Three extensions in each of these tenants.
    pub fn of(tenants: Vec<String>, events_per_second: u32) -> Self {
        Self { tenants, extensions: ["200", "210", "220"].map(str::to_owned).into(), events_per_second }
    }
}

impl Load {
    /// Begins to send.
    pub fn begin(plan: &Plan, addresses: &Addresses) -> Self {
        let (stop, tally) = (Arc::<AtomicBool>::default(), Arc::<Tally>::default());
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).timeout(super::PATIENCE);
        let http = http.build().unwrap();
        let sender = |_| {
            let sender = Sender {
                plan: plan.clone(),
                addresses: addresses.clone(),
                http: http.clone(),
                stop: stop.clone(),
                tally: tally.clone(),
            };
            tokio::spawn(sender.run())
        };
        Self { senders: (0..SENDERS).map(sender).collect(), stop, tally }
    }

    /// Waits until so many more events are taken.
    pub async fn flows(&self, events: u64) {
        let enough = self.tally.acked.load(Relaxed) + events;
        super::eventually_within(super::PATIENCE * 3, "the load to flow", async || {
            assert!(!self.senders.iter().any(JoinHandle::is_finished), "a sender met what must not be");
            (self.tally.acked.load(Relaxed) >= enough).then_some(())
        })
        .await;
    }

    /// Sends until nothing is doubtful any more, and gives what is true then.
    pub async fn end(self) -> Truth {
        self.stop.store(true, Relaxed);
        let mut legs = Vec::new();
        for sender in self.senders {
            let sent = tokio::time::timeout(super::PATIENCE * 3, sender).await;
            legs.extend(sent.expect("the nodes take events again").expect("a sender met what must not be"));
        }
        Truth::of(legs)
    }
}

impl Tally {
    /// The longest that any answer took.
    pub fn slowest(&self) -> Duration {
        Duration::from_micros(self.slowest_us.load(Relaxed))
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [acked, refused, broken] =
            [&self.acked, &self.refused, &self.broken].map(|count| count.load(Relaxed));
        write!(out, "{acked} acked, {refused} refused, {broken} broken, slowest {:?}", self.slowest())
    }
}

struct Sender {
    plan: Plan,
    addresses: Addresses,
    http: reqwest::Client,
    stop: Arc<AtomicBool>,
    tally: Arc<Tally>,
}

impl Sender {
    async fn run(self) -> Sent {
        let mut pace = interval(Duration::from_secs(1) * SENDERS / self.plan.events_per_second);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut legs = Sent::new();
        let mut live: Vec<(usize, VecDeque<Value>)> = Vec::new();
        while !self.stop.load(Relaxed) {
            pace.tick().await;
            if live.len() < LIVE {
                let leg = self.new_leg();
                live.push((legs.len(), life(&leg)));
                legs.push((leg, Vec::new()));
            }
            let chosen = rand::random_range(0..live.len());
            let (leg, life) = &mut live[chosen];
            let event = life.pop_front().expect("a life that goes on");
            legs[*leg].1.push(self.send(event).await);
            if life.is_empty() {
                live.swap_remove(chosen);
            }
        }
        legs
    }

    fn new_leg(&self) -> Leg {
        let mut random = rand::rng();
        let tenant = self.plan.tenants.choose(&mut random).expect("a tenant");
        let extension = self.plan.extensions.choose(&mut random).expect("an extension");
        if random.random_bool(0.5) {
            Leg::inbound(tenant, extension)
        } else {
            Leg::outbound(tenant, extension)
        }
    }

    /// Sends an event until it is taken, sometimes to two nodes at once.
    async fn send(&self, event: Value) -> Acked {
        let sent = Instant::now();
        let body = event.to_string();
        if rand::random_bool(0.05) {
            tokio::join!(self.insist(&body), self.insist(&body));
        } else {
            self.insist(&body).await;
        }
        self.tally.acked.fetch_add(1, Relaxed);
        Acked { event, sent, acked: Instant::now() }
    }

    async fn insist(&self, body: &str) {
        while !self.is_taken(body).await {
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Sends to any node, once.
    async fn is_taken(&self, body: &str) -> bool {
        let Some(address) = self.addresses.running().choose(&mut rand::rng()).copied() else { return false };
        let began = Instant::now();
        let request = self.http.post(format!("http://{address}/webhooks/telsmart"));
        let request = request.header("X-Webhook-Secret", WEBHOOK_SECRET);
        let answer =
            request.header(header::CONTENT_TYPE, "application/json").body(body.to_owned()).send().await;
        self.tally.slowest_us.fetch_max(began.elapsed().as_micros() as u64, Relaxed);
        let Ok(answer) = answer else {
            self.tally.broken.fetch_add(1, Relaxed);
            return false;
        };
        match answer.status() {
            StatusCode::NO_CONTENT => true,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                assert!(answer.headers().contains_key(header::RETRY_AFTER), "{answer:?} says not when");
                self.tally.refused.fetch_add(1, Relaxed);
                false
            }
            other => panic!("{other}: {:?}", answer.text().await),
        }
    }
}

/// The events of one call in the order in which they are sent.
fn life(leg: &Leg) -> VecDeque<Value> {
    let mut states = match rand::random_range(0..4) {
        0 => vec!["RINGING", "HANGUP"],
        1 => vec!["RINGING", "ACTIVE", "HANGUP"],
        2 => vec!["RINGING", "ACTIVE", "HELD", "ACTIVE", "HANGUP"],
        _ => vec!["RINGING", "ACTIVE", "HELD", "ACTIVE", "HELD", "ACTIVE", "HANGUP"],
    };
    if rand::random_bool(0.5) {
        states.push("SUMMARY_REPORTING");
    }
    let mut events: VecDeque<Value> = (0..)
        .zip(states)
        .map(|(second, state)| match state {
            "SUMMARY_REPORTING" => leg.summary(second, json!({"title": "What was said"})),
            state => leg.event(state, second),
        })
        .collect();
    if rand::random_bool(0.1) {
        let swapped = rand::random_range(1..events.len());
        events.swap(swapped - 1, swapped);
    }
    events
}
