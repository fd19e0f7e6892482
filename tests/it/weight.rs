//! What clients that read slowly cost: bytes are counted, and shared out, so that each of them hurts only itself.

use crate::support::{
    Client, Config, Gateway, Leg, Token,
    connect::Connect,
    engine::on_redis,
    eventually, new_tenant,
    redis::{Aof, Server},
    times,
};
use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// As many as one `sub` may have.
const SESSIONS: usize = 32;
/// As long as a summary may be and still go with its call.
const FAT: usize = 15 * 1024;
const MIB: u64 = 1 << 20;

fn summary(leg: &Leg, bytes: usize) -> Value {
    leg.summary(30, json!({"text": "x".repeat(bytes)}))
}

/// Calls that ended and were summarised, each in so many bytes.
async fn summarised(gateway: &Gateway, tenant: &str, calls: usize, bytes: usize) {
    let legs: Vec<Leg> = (0..calls).map(|nth| Leg::inbound(tenant, &format!("{}", 200 + nth % 50))).collect();
    for legs in legs.chunks((200 * 1024 / (bytes + 2048)).max(1)) {
        let events = legs.iter().flat_map(|leg| [leg.ringing(0), leg.hangup(20), summary(leg, bytes)]);
        gateway.deliver(&json!(events.collect::<Vec<_>>())).await;
    }
}

/// Sessions that are let in and read nothing.
async fn deaf(connect: &Connect, count: usize) -> Vec<crate::support::connect::Socket> {
    let connects = vec![connect.clone().receive_buffer(4096); count];
    let sockets = join_all(connects.iter().map(Connect::shake_hands)).await;
    sockets.into_iter().map(Result::unwrap).collect()
}

#[tokio::test]
async fn a_slow_supervisor_costs_only_itself() {
    let config = Config::new().set("calls.recent_per_tenant", 500);
    let gateway = config.start().await;
    let (tenant, others) = (new_tenant(), new_tenant());
    summarised(&gateway, &tenant, 500, FAT).await;
    let supervisor = Token::supervisor(&tenant).mint();
    let connect = Connect::new(gateway.public, Some(&supervisor)).scope("tenant");
    // What the process takes for the first of them is not counted: the memory for it comes and stays.
    drop(connect.clone().open().await);
    let before = gateway.process.resident_bytes();
    let mut slow = Vec::new();
    for nth in 0..SESSIONS {
        slow.extend(deaf(&connect, 1).await);
        // Each of them would have a snapshot of its own.
        gateway.deliver(&Leg::inbound(&tenant, &format!("{}", 300 + nth)).ringing(0)).await;
    }
    eventually("somebody to wait for their turn", async || {
        (gateway.metric("callpop_turns_waited_total").await > 0.0).then_some(())
    })
    .await;
    let mut agent = gateway.agent(&others, "200").await;
    let leg = Leg::inbound(&others, "200");
    for second in 0..20 {
        gateway.deliver(&leg.event(if second % 2 == 0 { "ACTIVE" } else { "HELD" }, second)).await;
    }
    agent.version(&leg, 20).await;
    let grown = gateway.process.resident_bytes().saturating_sub(before);
    assert!(gateway.metric("callpop_snapshot_bytes").await <= (32 * MIB) as f64);
    eprintln!("{} MiB more for {SESSIONS} sessions that read nothing of 500 x {FAT} bytes", grown / MIB);
    assert!(grown < 64 * MIB, "{} MiB more for {SESSIONS} sessions that read nothing", grown / MIB);
    // Another supervisor of the tenant has their own share. A busy machine may need longer than anybody waits for a turn.
    let connect = Connect::new(gateway.public, Some(&Token::supervisor(&tenant).mint())).scope("tenant");
    let mut colleague =
        eventually("a colleague to be shown it", async || match Client::try_begin(connect.clone()).await {
            Ok(colleague) => Some(colleague),
            Err(code) => (code != Some(4500)).then(|| panic!("not let in: {code:?}")),
        })
        .await;
    colleague.assert_open().await;
    drop(slow);
}

#[tokio::test]
async fn a_session_that_reads_slowly_ends_with_its_token() {
    let config = Config::new().set("calls.recent_per_tenant", 2000);
    let gateway = config.start().await;
    let tenant = new_tenant();
    // More than the system itself holds for a connection.
    summarised(&gateway, &tenant, 1000, FAT).await;
    let token = Token::supervisor(&tenant).expiring_in(4);
    let connect = Connect::new(gateway.public, Some(&token.mint())).scope("tenant");
    let mut slow = deaf(&connect, 1).await.remove(0);
    eventually("the session to end with its token", async || {
        let ended = gateway.metric("callpop_sessions_ended_total{cause=\"token_expired\"}").await;
        (ended == 1.0).then_some(())
    })
    .await;
    assert_eq!(gateway.metric("callpop_sessions").await, 0.0);
    // What was begun of the snapshot is followed by the goodbye.
    assert_eq!(crate::support::connect::goodbye(&mut slow).await, Some(4401));
}

#[tokio::test]
async fn who_asks_for_the_same_at_the_same_time_shares_one_snapshot() {
    let gateway = Config::new().set("calls.recent_per_tenant", 1000).start().await;
    let tenant = new_tenant();
    summarised(&gateway, &tenant, 700, FAT).await;
    let supervisors = (0..4).map(|_| Token::supervisor(&tenant).mint());
    let mut slow = Vec::new();
    for token in supervisors {
        slow.extend(deaf(&Connect::new(gateway.public, Some(&token)).scope("tenant"), 1).await);
    }
    eventually("all of them to be shown it", async || {
        (gateway.metric("callpop_snapshots_shared_total").await == 3.0).then_some(())
    })
    .await;
    assert_eq!(gateway.metric("callpop_snapshots_encoded_total").await, 1.0);
    let bytes = gateway.metric("callpop_snapshot_bytes").await;
    assert!((700.0 * FAT as f64..32.0 * MIB as f64).contains(&bytes), "{bytes}");
    drop(slow);
    eventually("it to be forgotten", async || {
        (gateway.metric("callpop_snapshot_bytes").await == 0.0).then_some(())
    })
    .await;
}

/// One tenant's share is less than what the node has, and each of these readers has a stream of their own.
#[tokio::test]
async fn slow_readers_of_many_tenants_stay_within_what_the_node_has() {
    let gateway = Config::new().set("calls.recent_per_user", 500).start().await;
    let mut slow = Vec::new();
    for _ in 0..3 {
        let tenant = new_tenant();
        summarised(&gateway, &tenant, 300, FAT).await;
        for left_out in 200..203 {
            let extensions: Vec<String> =
                (200..250).filter(|nth| *nth != left_out).map(|nth| nth.to_string()).collect();
            let extensions: Vec<&str> = extensions.iter().map(String::as_str).collect();
            let token = Token::agent(&tenant, &extensions).mint();
            slow.extend(deaf(&Connect::new(gateway.public, Some(&token)), 1).await);
        }
    }
    // Nobody is over a share of their own.
    eventually("somebody to wait for their turn", async || {
        (gateway.metric("callpop_turns_waited_total").await > 0.0).then_some(())
    })
    .await;
    let bytes = gateway.metric("callpop_snapshot_bytes").await;
    assert!((16.0 * MIB as f64..=32.0 * MIB as f64).contains(&bytes), "{bytes}");
    drop(slow);
}

#[tokio::test]
async fn a_storm_of_clients_that_come_back_stays_within_the_budget() {
    let gateway = Config::new().set("calls.recent_per_user", 50).start().await;
    let tenant = new_tenant();
    let extensions: Vec<String> = (0..50).map(|nth| format!("{}", 200 + nth)).collect();
    // Calls of each extension, and clients of each, as many as one `sub` may have or fewer.
    let (calls, clients) = (times(4, 50), times(4, 20));
    summarised(&gateway, &tenant, 50 * calls, 200 * 1024).await;
    let tokens: Vec<String> =
        extensions.iter().map(|extension| Token::agent(&tenant, &[extension]).mint()).collect();
    let before = gateway.process.resident_bytes();
    for _ in 0..3 {
        let come = tokens
            .iter()
            .flat_map(|token| (0..clients).map(|_| Connect::new(gateway.public, Some(token)).open_at_last()));
        let come: Vec<Client> = join_all(come).await;
        assert!(come.iter().all(|client| client.calls.len() == calls), "{}", come[0].calls.len());
        // Without what is long, which is where the bytes are.
        let mut shown = come.iter().flat_map(|client| client.calls.values());
        assert!(shown.all(|call| call["summary"]["more"] == true && call["summary"]["content"].is_null()));
    }
    let grown = gateway.process.resident_bytes().saturating_sub(before);
    let all = 50 * clients;
    eprintln!("{} MiB more for {all} clients that came three times, each with {calls} calls", grown / MIB);
    assert!(grown < 64 * MIB, "{} MiB more for {all} clients that came three times", grown / MIB);
}

/// The long form of the first: summaries that no frame carries.
#[tokio::test]
async fn thirty_two_slow_sessions_of_a_tenant_with_large_summaries_cost_little() {
    let calls = times(50, 500);
    let gateway = Config::new().set("calls.recent_per_tenant", 500).start().await;
    let tenant = new_tenant();
    summarised(&gateway, &tenant, calls, 200 * 1024).await;
    let connect = Connect::new(gateway.public, Some(&Token::supervisor(&tenant).mint())).scope("tenant");
    let before = gateway.process.resident_bytes();
    let slow = deaf(&connect, SESSIONS).await;
    eventually("all of them to be shown it", async || {
        (gateway.metric("callpop_frames_sent_total").await >= SESSIONS as f64).then_some(())
    })
    .await;
    let grown = gateway.process.resident_bytes().saturating_sub(before);
    eprintln!("{} MiB more for {SESSIONS} sessions that read nothing of {calls} x 200 KiB", grown / MIB);
    assert!(grown < 64 * MIB, "{} MiB more for {SESSIONS} sessions that read nothing", grown / MIB);
    drop(slow);
}

/// How often all of a hash was read, and how many bytes the server sent.
async fn read(server: &Server) -> (u64, u64) {
    let number = |text: String| text.split(',').next().unwrap().parse::<u64>().unwrap();
    let calls = server.info("cmdstat_hvals").await;
    let calls = calls.map_or(0, |stats| number(stats.trim_start_matches("calls=").to_owned()));
    (calls, number(server.info("total_net_output_bytes").await.unwrap()))
}

#[tokio::test]
async fn a_wrap_up_that_changes_nothing_reads_no_more_than_the_last_one() {
    let server = Server::start(Aof::Off).await;
    let gateway = on_redis(server.url()).set("engine.redis_require_aof", false).start().await;
    let tenant = new_tenant();
    let leg = Leg::inbound(&tenant, "200");
    gateway.deliver(&json!([leg.ringing(0), leg.hangup(20)])).await;
    for nth in 0..20 {
        gateway.deliver(&leg.summary(30 + nth, json!({"nth": nth, "text": "x".repeat(200 * 1024)}))).await;
    }
    let mut client = gateway.agent(&tenant, "200").await;
    client.wrap_up(&leg, None, "said").await;
    let seq = client.next_of("durable").await["seq"].clone();
    client.version(&leg, 23).await;
    let before = read(&server).await;
    for _ in 0..10 {
        client.wrap_up(&leg, None, "said").await;
        assert_eq!(client.next_of("durable").await["seq"], seq);
    }
    let after = read(&server).await;
    assert!(after.0 - before.0 <= 3, "{} times all of the leg was read", after.0 - before.0);
    assert!(after.1 - before.1 < MIB, "{} bytes for ten wrap-ups", after.1 - before.1);
}

/// Strangers' connections of which nothing ever comes: so many that the steps in which memory is taken are small beside.
const SILENT: usize = 2000;

#[tokio::test]
async fn who_only_connects_costs_neither_a_parser_nor_its_buffer() {
    let gateway = Config::new().start().await;
    let before = gateway.process.resident_bytes();
    let connects = (0..SILENT).map(|_| TcpStream::connect(gateway.public));
    let held: Vec<TcpStream> = join_all(connects).await.into_iter().map(Result::unwrap).collect();
    eventually("them to be let in", async || {
        (gateway.metric("callpop_places_taken").await >= SILENT as f64).then_some(())
    })
    .await;
    let each = gateway.process.resident_bytes().saturating_sub(before) / SILENT as u64;
    assert!(each < 10 * 1024, "{each} bytes for each of {}", held.len());
}
