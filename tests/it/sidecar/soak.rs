//! Two sidecars on one Redis for many rotations, while processes are killed and the token server
//! does everything that it can do wrong; then its own records are held against the rules.
//!
//! `make soak` runs it in full. `SOAK_ROTATIONS` and `SOAK_SEED` say how long, and which chances.

mod ledger;

use super::scene::{Scene, beside, confirmation_key, integrations, with_sidecar};
use crate::support::{Gateway, Token, TokenServer, engine::on_redis, eventually_within, redis};
use ledger::{Ledger, in_flight};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::{Instant, MissedTickBehavior, interval};

const USERS: usize = 24;
/// A share of the refreshes meets one of the faults.
const SHARE: f64 = 0.06;
/// How long the whole may take for each rotation that is wanted, and beside that.
const PER_ROTATION: Duration = Duration::from_millis(400);
const BESIDE: Duration = Duration::from_secs(120);

struct Soak {
    scene: Scene,
    other: Option<Gateway>,
    redis: redis::Server,
    users: Vec<String>,
    everyone: Token,
    chance: StdRng,
    ledger: Ledger,
    kills: u64,
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[tokio::test]
async fn soak_of_two_sidecars() {
    let (rotations, seed) = (number("SOAK_ROTATIONS", 200), number("SOAK_SEED", 7));
    let mut soak = Soak::begin(seed).await;
    soak.run(rotations).await;
    let stood = soak.end().await;
    let state = soak.scene.telsmart.state().await;
    println!("seed {seed}, {} kill -9, at the end {stood:?}", soak.kills);
    println!("the token server: {}", state["summary"]);
    println!("{}", soak.ledger.settle(&state, &soak.users));
    assert!(state["summary"]["rotations"].as_u64().unwrap() >= rotations);
    assert_eq!(soak.redis.info("aof_last_write_status").await.as_deref(), Some("ok"));
}

impl Soak {
    async fn begin(seed: u64) -> Self {
        let telsmart = TokenServer::start("--access-token-life 3s").await;
        let redis = redis::Server::start(redis::Aof::Always).await;
        let config =
            with_sidecar(on_redis(redis.url()), &telsmart).set("sidecar.telsmart.late_timeout", "4s");
        let gateway = Gateway::start_sidecar(&config).await;
        let other = Gateway::start_sidecar(&beside(&config)).await;
        let scene = Scene::on(telsmart, config, gateway).await;
        let users: Vec<String> = (0..USERS).map(|user| (200 + user).to_string()).collect();
        for user in &users {
            scene.activate(user).await;
        }
        let named: Vec<&str> = users.iter().map(String::as_str).collect();
        let everyone = Token::agent(&scene.tenant, &named);
        let faults = json!([
            {"fault": "drop_before"}, {"fault": "drop_after"}, {"fault": "late", "ms": 300},
            {"fault": "error_after", "status": 500}, {"fault": "malformed"}, {"fault": "omit_refresh"},
            {"fault": "redirect"}, {"fault": "error_before", "status": 503},
            {"fault": "error_before", "status": 401, "error": "invalid_client"},
        ]);
        scene.telsmart.random_faults(SHARE, seed, faults).await;
        let chance = StdRng::seed_from_u64(seed);
        Self {
            scene,
            other: Some(other),
            redis,
            users,
            everyone,
            chance,
            ledger: Ledger::default(),
            kills: 0,
        }
    }

    /// Goes on until there were so many rotations.
    async fn run(&mut self, rotations: u64) {
        let end = Instant::now() + BESIDE + PER_ROTATION * u32::try_from(rotations).unwrap();
        let mut pace = interval(Duration::from_millis(250));
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.scene.telsmart.summary().await["rotations"].as_u64().unwrap() < rotations {
            assert!(Instant::now() < end, "{}", self.scene.telsmart.summary().await);
            pace.tick().await;
            // One kill in some four seconds.
            if self.chance.random_bool(0.06) {
                self.kill().await;
            }
            self.connect_again().await;
        }
    }

    /// Kills one of the two, and starts it again.
    async fn kill(&mut self) {
        self.kills += 1;
        let is_first = self.chance.random_bool(0.5);
        let killed = if is_first { &mut self.scene.gateway } else { self.other.as_mut().unwrap() };
        killed.process.kill();
        self.ledger.killed.extend(in_flight(killed.config()));
        if is_first {
            let config = self.scene.config.clone();
            self.scene.gateway = Gateway::start_sidecar(&config).await;
            self.scene.telsmart.call_back(&super::scene::base(&self.scene.gateway)).await;
        } else {
            self.other = Some(self.other.take().unwrap().restart_after_kill().await);
        }
    }

    /// Whoever has to consent again does so, unless a sidecar gives a reason that cannot be.
    async fn connect_again(&mut self) {
        for found in integrations(&self.scene.gateway, &self.everyone).await {
            if found["status"] == "reauth_required" {
                self.ledger.note_end(&found);
                let user = found["extension"].as_str().unwrap();
                let token = self.scene.token(user);
                let key = confirmation_key(&self.scene.gateway, &token).await;
                let consent = self.scene.telsmart.activate(&self.scene.tenant, user, &key).await;
                assert_eq!(consent.status, Some(200), "{user}");
            }
        }
    }

    /// The faults stop, and everything comes to rest; gives how many stand how.
    async fn end(&mut self) -> BTreeMap<String, usize> {
        self.scene.telsmart.fault([]).await;
        let before = self.rotations().await;
        let settled = eventually_within(Duration::from_secs(60), "all to come to rest", async || {
            let all = integrations(&self.scene.gateway, &self.everyone).await;
            let after = self.rotations().await;
            let is_at_rest = |found: &Value| match found["status"].as_str().unwrap() {
                "reauth_required" => true,
                "active" => {
                    let user = found["extension"].as_str().unwrap();
                    after[user] >= before[user] + 2
                }
                _ => false,
            };
            (all.len() == USERS && all.iter().all(is_at_rest)).then_some(all)
        })
        .await;
        let mut stood = BTreeMap::<String, usize>::new();
        for found in settled {
            let (user, status) = (found["extension"].as_str().unwrap(), found["status"].as_str().unwrap());
            *stood.entry(status.to_owned()).or_default() += 1;
            if status == "reauth_required" {
                self.ledger.note_end(&found);
            } else {
                let (first, second) = (&self.scene.gateway, self.other.as_ref().unwrap());
                for process in [first, second] {
                    let scene = &self.scene;
                    let given = async || super::scene::access_token(process, &scene.tenant, user).await;
                    scene.telsmart.is_opened_by(given).await;
                }
            }
        }
        let configs = [&self.scene.gateway, self.other.as_ref().unwrap()].map(Gateway::config);
        self.ledger.overtaken = ledger::settled_by_others(&configs);
        stood
    }

    /// How often each user's latest consent was exchanged.
    async fn rotations(&self) -> BTreeMap<String, u64> {
        let state = self.scene.telsmart.state().await;
        let families = state["families"].as_array().unwrap().iter();
        let count = |family: &Value| {
            (family["extension"].as_str().unwrap().to_owned(), family["rotations"].as_u64().unwrap())
        };
        families.map(count).collect()
    }
}
