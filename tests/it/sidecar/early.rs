//! A server that answers before it has read anything, as gateways in front of one do, and goes on
//! reading: what it is told after that would be a token that counts as never sent.

use super::scene::{PATIENCE, Scene, USER};
use crate::support::eventually_within;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

#[derive(Clone, Default)]
struct Seen {
    connections: Arc<AtomicUsize>,
    tokens: Arc<AtomicUsize>,
}

impl Seen {
    async fn serve(self, listener: TcpListener) {
        let mut served = JoinSet::new();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            self.connections.fetch_add(1, SeqCst);
            served.spawn(self.clone().answer(stream));
        }
    }

    async fn answer(self, mut stream: TcpStream) {
        let mut read = Vec::new();
        let mut has_answered = false;
        let mut part = [0; 4096];
        while let Ok(length @ 1..) = stream.read(&mut part).await {
            read.extend_from_slice(&part[..length]);
            if !has_answered && read.windows(4).any(|four| four == b"\r\n\r\n") {
                has_answered = true;
                let answer = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
                let _ = stream.write_all(answer).await;
            }
        }
        if read.windows(14).any(|text| text == b"refresh_token=") {
            self.tokens.fetch_add(1, SeqCst);
        }
    }
}

#[tokio::test]
async fn a_token_does_not_follow_an_answer_that_came_before_it() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/oauth/token", listener.local_addr().unwrap());
    let seen = Seen::default();
    let mut server = JoinSet::new();
    server.spawn(seen.clone().serve(listener));
    let life = "--access-token-life 4s";
    let scene = Scene::begin_by(life, |config| config.set("sidecar.telsmart.token_url", url)).await;
    scene.activate(USER).await;
    // It is tried again for ever, as nothing was sent; or it was sent once, and once as a probe.
    eventually_within(PATIENCE, "some tries", async || {
        let is_over = scene.status(USER).await == "reauth_required";
        (is_over || seen.connections.load(SeqCst) >= 6).then_some(())
    })
    .await;
    let (connections, tokens) = (seen.connections.load(SeqCst), seen.tokens.load(SeqCst));
    assert!(connections > 1 && tokens <= 2, "{tokens} tokens over {connections} connections");
}
