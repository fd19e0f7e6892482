//! The floor: axum and tungstenite doing no work but the fan-out.
//!
//! `POST /webhooks/telsmart` parses the JSON, finds the extension's sessions in a map and sends them the body. No
//! authentication, no duplicates, no state, no durability: what remains is the cost of the sockets.

use anyhow::{Context, Result};
use axum::{
    Router,
    body::Bytes,
    extract::{
        State, WebSocketUpgrade,
        ws::{Message, Utf8Bytes, WebSocket},
    },
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
    serve::ListenerExt,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use dashmap::DashMap;
use serde::Deserialize;
use std::{borrow::Cow, env, sync::Arc};
use tokio::{net::TcpSocket, sync::mpsc};

type Sessions = Arc<DashMap<String, Vec<mpsc::Sender<Utf8Bytes>>>>;

#[tokio::main]
async fn main() -> Result<()> {
    let app = Router::new()
        .route("/webhooks/telsmart", post(webhook))
        .route("/v1/stream", get(stream))
        .with_state(Sessions::default());
    let address = env::args().nth(1).context("usage: floor HOST:PORT")?.parse()?;
    let socket = TcpSocket::new_v4()?;
    // The port may have connections of a server before, which linger for a minute.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let listener = socket.listen(4096)?.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, app).await?;
    Ok(())
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    user_extension: Cow<'a, str>,
}

async fn webhook(State(sessions): State<Sessions>, body: Bytes) -> StatusCode {
    let Ok(event) = serde_json::from_slice::<Event>(&body) else { return StatusCode::BAD_REQUEST };
    let Some(sessions) = sessions.get(event.user_extension.as_ref()) else { return StatusCode::NO_CONTENT };
    let Ok(text) = Utf8Bytes::try_from(body.clone()) else { return StatusCode::BAD_REQUEST };
    for session in sessions.iter() {
        let _ = session.try_send(text.clone());
    }
    StatusCode::NO_CONTENT
}

async fn stream(State(sessions): State<Sessions>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    let Some(extension) = extension(&headers) else { return StatusCode::UNAUTHORIZED.into_response() };
    let upgrade = upgrade.protocols(["callpop.v1"]).read_buffer_size(1024).write_buffer_size(0);
    upgrade.on_upgrade(move |socket| serve(socket, extension, sessions))
}

/// The extension sits in the bearer's payload, which the floor does not verify.
fn extension(headers: &HeaderMap) -> Option<String> {
    let protocols = headers.get("sec-websocket-protocol")?.to_str().ok()?;
    let payload = protocols.split_once("bearer.")?.1.split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
    claims["extensions"][0].as_str().map(str::to_owned)
}

async fn serve(mut socket: WebSocket, extension: String, sessions: Sessions) {
    let (sender, mut frames) = mpsc::channel(16);
    sessions.entry(extension).or_default().push(sender);
    if socket.send(Message::Text("{\"type\":\"snapshot\"}".into())).await.is_err() {
        return;
    }
    loop {
        tokio::select! {
            Some(frame) = frames.recv() => if socket.send(Message::Text(frame)).await.is_err() { return },
            received = socket.recv() => if received.is_none() { return },
        }
    }
}
