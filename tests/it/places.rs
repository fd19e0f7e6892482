//! Strangers take connections, and stop nobody: real processes that may open few files.

use crate::support::{
    Client, Config, Gateway, Leg, Token, eventually, gateway::sum, new_tenant, process::callpop_after,
    raw::Raw, soon,
};
use futures_util::{StreamExt, future::join_all};
use serde_json::{Value, json};
use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

/// So many files a process may open here: half of them are for connections.
const FILES: usize = 300;
const PLACES: usize = 150;

/// What strangers say before they say nothing more.
const KEPT: &str = "GET /x HTTP/1.1\r\nHost: callpop\r\n\r\n";
const NOT_FINISHED: [&str; 3] = [
    "",
    "GET /x HTTP/1.1\r\nHost: cal",
    "GET /v1/stream HTTP/1.1\r\nHost: callpop\r\nUpgrade: websocket\r\n",
];

async fn gateway_by(config: Config) -> Gateway {
    Gateway::start_with(&config, callpop_after(&format!("ulimit -n {FILES}"))).await
}

/// A connection from one of this machine's addresses that says so much and then waits.
async fn stranger(from: Ipv4Addr, to: SocketAddr, says: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    let mut stream = soon("a connection", socket.connect(to)).await.unwrap();
    // One that had to go at once cannot take anything.
    let said = stream.write_all(says.as_bytes()).await;
    if said.is_ok() && says == KEPT {
        let _ = soon("an answer, or the end", stream.read(&mut [0; 4096])).await;
    }
    stream
}

/// So many from two addresses, in all the ways there are to wait.
async fn strangers(to: SocketAddr, count: usize) -> Vec<TcpStream> {
    let ways: Vec<&str> = [KEPT; 3].into_iter().chain(NOT_FINISHED).collect();
    let one = |nth: usize| {
        let from = Ipv4Addr::new(127, 0, 0, 2 + (nth % 2) as u8);
        stranger(from, to, ways[nth / 2 % ways.len()])
    };
    let mut open = Vec::new();
    for nth in 0..count {
        open.push(one(nth).await);
    }
    open
}

/// The status that a webhook on a connection of its own is answered.
async fn webhook(gateway: &Gateway, event: &Value) -> u16 {
    let body = event.to_string();
    let length = format!("Content-Length: {}", body.len());
    let mut raw = Raw::begin_good_webhook(gateway.public, &length).await;
    raw.send(body.as_bytes()).await;
    raw.reply().await.status
}

async fn is_ready_by_a_new_connection(gateway: &Gateway) {
    let mut raw = Raw::open(gateway.admin).await;
    raw.send(b"GET /readyz HTTP/1.1\r\nHost: callpop\r\nConnection: close\r\n\r\n").await;
    assert_eq!(raw.reply().await.status, 200);
}

#[tokio::test]
async fn a_stranger_cannot_stop_webhooks() {
    // The agents read nothing until the end, however long a busy machine takes until then.
    let gateway = gateway_by(Config::new().set("sessions.heartbeat", "10m")).await;
    let tenant = new_tenant();
    let begun = std::time::Instant::now();
    let mut open = strangers(gateway.public, 2 * FILES).await;
    let mut agents: Vec<Client> = Vec::new();
    // Enough that the journal needs new files, while more strangers come all the time.
    for round in 0..10 {
        open.extend(strangers(gateway.public, 40).await);
        let text = "x".repeat(200_000);
        for _ in 0..10 {
            let summary = Leg::inbound(&new_tenant(), "200").summary(9, json!({ "text": text }));
            assert_eq!(webhook(&gateway, &summary).await, 204, "in round {round}");
        }
        agents.push(gateway.agent(&tenant, "200").await);
        is_ready_by_a_new_connection(&gateway).await;
    }
    // Who has shown a token stays, whoever comes.
    open.extend(strangers(gateway.public, FILES).await);
    let leg = Leg::inbound(&tenant, "200");
    assert_eq!(webhook(&gateway, &leg.ringing(0)).await, 204);
    for agent in &mut agents {
        agent.version(&leg, 1).await;
    }
    assert_eq!(gateway.metric("callpop_places").await, PLACES as f64);
    assert!(gateway.metric("callpop_places_taken").await <= (PLACES + 40) as f64);
    assert!(gateway.metric("callpop_connections_closed_for_room_total").await > FILES as f64);
    assert_eq!(gateway.metric("callpop_connections_closed_for_room_total{cause=\"no_room\"}").await, 0.0);
    assert_eq!(gateway.metric("callpop_accept_failures_total").await, 0.0);
    let log = gateway.process.log();
    let lines = log.lines().filter(|line| line.contains("most places are taken"));
    // Each of the few causes is said once in ten seconds.
    let most = 4 * (begun.elapsed().as_secs() as usize / 10 + 1);
    assert!((1..=most).contains(&lines.count()), "{log}");
}

#[tokio::test]
async fn the_table_of_files_is_made_at_the_start() {
    let gateway = gateway_by(Config::new()).await;
    let status = std::fs::read_to_string(format!("/proc/{}/status", gateway.process.pid())).unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("FDSize:")).unwrap().trim();
    assert!(size.parse::<usize>().unwrap() >= FILES, "{size}");
}

#[tokio::test]
async fn an_office_behind_one_address_is_served() {
    let gateway = gateway_by(Config::new()).await;
    let tenant = new_tenant();
    let mut agents = Vec::new();
    for _ in 0..PLACES * 3 / 4 {
        agents.push(gateway.agent(&tenant, "200").await);
    }
    // A balancer that nobody trusts has the same address, and so have strangers behind it.
    let address = Ipv4Addr::LOCALHOST;
    let own = async || stranger(address, gateway.public, KEPT).await;
    let mut strangers = Vec::new();
    for _ in 0..PLACES {
        strangers.push(own().await);
    }
    let leg = Leg::inbound(&tenant, "200");
    gateway.deliver(&leg.ringing(0)).await;
    join_all(agents.iter_mut().map(|agent| agent.version(&leg, 1))).await;
    assert_eq!(gateway.metric("callpop_sessions").await, agents.len() as f64);
    // One more of the office comes in, and its page does.
    gateway.agent(&tenant, "200").await.assert_open().await;
    assert_eq!(gateway.request("GET", "/embed/v1.js").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn strangers_reach_no_place_of_the_private_listener() {
    let gateway = gateway_by(Config::new()).await;
    let mut open = strangers(gateway.public, PLACES).await;
    for _ in 0..20 {
        open.extend(strangers(gateway.public, 10).await);
        is_ready_by_a_new_connection(&gateway).await;
    }
    // Nor does one at the private listener that keeps its connections.
    for _ in 0..FILES {
        open.push(stranger(Ipv4Addr::LOCALHOST, gateway.admin, KEPT).await);
    }
    is_ready_by_a_new_connection(&gateway).await;
    assert_eq!(webhook(&gateway, &Leg::inbound(&new_tenant(), "200").ringing(0)).await, 204);
}

#[tokio::test]
async fn a_websocket_keeps_its_place_until_it_ends() {
    let gateway = gateway_by(Config::new()).await;
    let tenant = new_tenant();
    let taken = async || gateway.metric("callpop_places_taken").await;
    let before = taken().await;
    let mut agents = Vec::new();
    for _ in 0..5 {
        agents.push(gateway.agent(&tenant, "200").await);
    }
    assert_eq!(taken().await, before + 5.0);
    // Some places are for no WebSocket, so that webhooks find one.
    let agent = gateway.stream(&Token::agent(&tenant, &["200"]));
    let refused = loop {
        let one = gateway.stream(&Token::agent(&tenant, &["200"]));
        match Client::try_begin(one).await {
            Ok(client) => agents.push(client),
            Err(code) => break code,
        }
        assert!(agents.len() < PLACES, "all places are of WebSockets");
    };
    assert_eq!(refused, Some(4503));
    assert_eq!(webhook(&gateway, &Leg::inbound(&tenant, "200").ringing(0)).await, 204);
    is_ready_by_a_new_connection(&gateway).await;
    agents.truncate(agents.len() - 1);
    eventually("a place for a WebSocket", async || agent.is_let_in().await.then_some(())).await;
    drop(agents);
    eventually("the places to be free", async || (taken().await <= before).then_some(())).await;
}

#[tokio::test]
async fn an_idle_connection_goes_within_seconds_while_places_are_scarce() {
    let gateway = gateway_by(Config::new()).await;
    let mut quiet = stranger(Ipv4Addr::LOCALHOST, gateway.public, KEPT).await;
    let tenant = new_tenant();
    let mut agents = Vec::new();
    for _ in 0..PLACES * 3 / 4 {
        agents.push(gateway.agent(&tenant, "200").await);
    }
    let ended = soon("the end of the idle one", quiet.read(&mut [0; 16])).await;
    assert!(matches!(ended, Ok(0) | Err(_)), "{ended:?}");
    // By the clock, or for the last agents, where they took long to come.
    assert!(gateway.metric("callpop_connections_closed_for_room_total").await >= 1.0);
    join_all(agents.iter_mut().map(Client::assert_open)).await;
}

#[tokio::test]
async fn a_connection_that_cannot_be_accepted_is_counted_and_seldom_logged() {
    let gateway = Gateway::new().await;
    // On a connection of its own, which is open and stays so: there will be no other.
    let mut admin = Raw::open(gateway.admin).await;
    let mut failures = async || {
        assert!(admin.send(b"GET /metrics HTTP/1.1\r\nHost: callpop\r\n\r\n").await);
        sum(&admin.reply().await.body, "callpop_accept_failures_total")
    };
    assert_eq!(failures().await, 0.0);
    gateway.process.limit_open_files(3);
    let waiting = TcpStream::connect(gateway.public).await.unwrap();
    eventually("some failures", async || (failures().await > 5.0).then_some(())).await;
    let log = gateway.process.log();
    assert_eq!(log.matches("a connection could not be accepted").count(), 1, "{log}");
    gateway.process.limit_open_files(1000);
    eventually("the node to accept again", async || {
        let leg = Leg::inbound(&new_tenant(), "200");
        tokio::time::timeout(Duration::from_secs(5), webhook(&gateway, &leg.ringing(0))).await.ok()
    })
    .await;
    drop(waiting);
}

#[tokio::test]
async fn a_user_who_connects_without_end_is_told_to_come_later() {
    let gateway = Config::new().set("sessions.max_per_user", 2).start().await;
    let tenant = new_tenant();
    let one = gateway.stream(&Token::agent(&tenant, &["200"]));
    let mut opened = 0;
    let refused = loop {
        assert!(opened < 1000, "there is no end of it");
        let mut socket = one.shake_hands().await.unwrap();
        match soon("the first frame", socket.next()).await {
            Some(Ok(message)) if message.is_text() => opened += 1,
            Some(Ok(tokio_tungstenite::tungstenite::Message::Close(Some(frame)))) => {
                match u16::from(frame.code) {
                    // The one before has not gone yet.
                    4409 => {}
                    code => break code,
                }
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused, 4503, "a client comes again after this one");
    assert!(opened >= 4, "twice as many as there may be: {opened}");
    let plain = one.clone().with_header();
    let told = eventually("a plain client to be told so", async || {
        let answer = plain.clone().refused_plainly().await;
        (answer.status() == 429 && answer.headers().contains_key("retry-after")).then_some(answer)
    });
    told.await;
    // It harms nobody else, and passes.
    gateway.agent(&tenant, "200").await.assert_open().await;
    eventually("the user to be let in again", async || one.is_let_in().await.then_some(())).await;
}
