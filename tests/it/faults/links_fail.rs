//! The network between a node and Redis fails, wholly or for what is published only.

use super::scene::{Scene, assert_refuses, readyz};
use crate::support::{
    Client, Gateway, Leg,
    fleet::{Fleet, on_redis},
    load::{Load, Plan},
    new_tenant,
    proxy::Proxy,
    redis::{Aof, Server},
    viewer::Viewer,
};
use futures_util::future::join_all;
use std::time::{Duration, Instant};
use tokio::time::sleep;

#[tokio::test]
async fn half_open_redis_is_noticed() {
    let scene = Scene::begin().await;
    scene.links[0].half_open();
    let noticed = readyz(&scene.fleet, 0, 503).await;
    assert!(noticed < Duration::from_secs(5), "{noticed:?}");
    assert_refuses(&scene.fleet, 0).await;
    // The others work on.
    for node in 1..3 {
        assert_eq!(scene.fleet.node(node).operator("/readyz").await.status(), 200);
    }
    scene.load.flows(50).await;
    scene.heal();
    let ready = readyz(&scene.fleet, 0, 200).await;
    eprintln!("half_open_redis_is_noticed: after {noticed:?}; ready {ready:?} after it healed");
    let outcome = scene.end("half_open_redis_is_noticed").await;
    outcome.assert_epochs(1);
    outcome.assert_stayed();
}

#[tokio::test]
async fn links_that_break_again_and_again_heal() {
    let scene = Scene::begin().await;
    for round in 0..12 {
        let link = &scene.links[round % 3];
        match round % 4 {
            0 => link.cut(),
            1 => link.half_open(),
            2 => link.cut_subscribers(),
            _ => link.swallow_subscribers(),
        }
        sleep(Duration::from_millis(rand::random_range(50..600))).await;
        link.heal();
    }
    let outcome = scene.end("links_that_break_again_and_again_heal").await;
    outcome.assert_epochs(1);
    outcome.assert_stayed();
}

/// What is done to a link.
type Fault = fn(&Proxy);

/// Nodes whose links are cut, and quiet tenants on each.
const NODES: usize = 10;
const QUIET: usize = 3;
const CUTS: usize = 10;

#[tokio::test]
async fn pubsub_cut_heals_on_a_quiet_channel() {
    let times = heal_times([Proxy::cut_subscribers, Proxy::swallow_subscribers]).await;
    times.judge("pubsub_cut_heals_on_a_quiet_channel");
}

#[tokio::test]
async fn a_whole_cut_heals_on_a_quiet_channel() {
    let times = heal_times([Proxy::cut, Proxy::half_open]).await;
    times.judge("a_whole_cut_heals_on_a_quiet_channel");
}

/// How long quiet clients waited for what happened during a cut.
#[derive(Default)]
struct Times {
    /// Since the cut was over, nothing where they had it before.
    since_healed: Vec<Duration>,
    /// Since the event was taken.
    since_taken: Vec<Duration>,
}

impl Times {
    fn judge(mut self, what: &str) {
        assert!(self.since_healed.len() >= 100 * QUIET);
        let cuts = self.since_healed.len() / QUIET;
        let mut percentiles = |times: &mut Vec<Duration>| {
            times.sort_unstable();
            [50, 90, 99, 100].map(|percent| times[(times.len() * percent).div_ceil(100) - 1])
        };
        let [healed, taken] = [&mut self.since_healed, &mut self.since_taken].map(&mut percentiles);
        eprintln!("{what}: {cuts} cuts, {QUIET} quiet channels each; p50, p90, p99 and most");
        eprintln!("  after the cut: {healed:?}\n  after the event was taken: {taken:?}");
        assert!(healed[2] <= Duration::from_secs(2), "p99 of {:?}", healed[2]);
    }
}

/// Cuts links in two ways by turns, on several nodes at the same time, while a load flows elsewhere.
async fn heal_times(faults: [Fault; 2]) -> Times {
    let redis = Server::start(Aof::EverySecond).await;
    let links = join_all((0..NODES).map(|_| async { Proxy::to(&redis.address()).await })).await;
    let direct = on_redis(&redis.url());
    let configs = links.iter().map(|link| on_redis(&link.url())).chain([direct]);
    let fleet = Fleet::start(configs.collect()).await;
    let plan = Plan::of(vec![new_tenant()], 60);
    let mut viewers = Vec::new();
    for node in 0..3 {
        viewers.push(Viewer::supervisor(&fleet.addresses, node, &plan.tenants[0]).await);
    }
    let load = Load::begin(&plan, &fleet.addresses);
    let cutting = links.iter().enumerate().map(|(node, link)| cut(&fleet, node, link, faults));
    let times = join_all(cutting).await.into_iter().fold(Times::default(), |mut all, some| {
        all.since_healed.extend(some.since_healed);
        all.since_taken.extend(some.since_taken);
        all
    });
    load.end().await.is_seen_by(&mut viewers).await;
    times
}

/// Cuts the link of one node again and again.
async fn cut(fleet: &Fleet, node: usize, link: &Proxy, faults: [Fault; 2]) -> Times {
    let sender = fleet.node(NODES);
    let mut times = Times::default();
    let mut clients = Vec::new();
    for _ in 0..QUIET {
        let tenant = new_tenant();
        clients.push((fleet.node(node).agent(&tenant, "200").await, tenant));
    }
    for fault in faults.iter().cycle().take(CUTS) {
        sleep(Duration::from_millis(rand::random_range(0..500))).await;
        fault(link);
        sleep(Duration::from_millis(rand::random_range(0..300))).await;
        let healing = async {
            sleep(Duration::from_millis(rand::random_range(0..700))).await;
            link.heal();
            Instant::now()
        };
        let waiting = clients.iter_mut().map(|(client, tenant)| wait(sender, client, tenant));
        let (healed, waited) = tokio::join!(healing, join_all(waiting));
        for (taken, seen) in waited {
            times.since_healed.push(seen.saturating_duration_since(healed.max(taken)));
            times.since_taken.push(seen.saturating_duration_since(taken));
        }
    }
    times
}

/// Sends one event, and waits until the client has it; gives when it was taken and when it was seen.
async fn wait(sender: &Gateway, client: &mut Client, tenant: &str) -> (Instant, Instant) {
    let leg = Leg::inbound(tenant, "200");
    let taking = async {
        sender.deliver(&leg.ringing(0)).await;
        Instant::now()
    };
    let seeing = async {
        client.version(&leg, 1).await;
        Instant::now()
    };
    tokio::join!(taking, seeing)
}
