//! What differs between the servers: how to subscribe and how to publish.
use anyhow::Result;
use clap::ValueEnum;
use std::{
    io::Write,
    net::SocketAddr,
    sync::LazyLock,
    time::{SystemTime, UNIX_EPOCH},
};
use tokio_tungstenite::tungstenite::{client::IntoClientRequest, handshake::client::Request};

pub const TENANT: &str = "b11d749b-8eb7-4236-a068-3d94ba3860d6";

/// Microseconds at the start: no two runs share a leg.
static RUN: LazyLock<u64> =
    LazyLock::new(|| SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64);

#[derive(Clone, Copy, ValueEnum, PartialEq)]
pub enum Target {
    Nchan,
    Centrifugo,
    Socketio,
    Callpop,
}

impl Target {
    pub fn name(self) -> &'static str {
        match self {
            Target::Nchan => "nchan",
            Target::Centrifugo => "centrifugo",
            Target::Socketio => "socket.io",
            Target::Callpop => "callpop",
        }
    }

    pub fn ws_request(self, addr: &SocketAddr, chan: usize, i: usize, secret: &str) -> Result<Request> {
        Ok(match self {
            Target::Nchan => format!("ws://{addr}/sub/{chan}").into_client_request()?,
            Target::Centrifugo => format!("ws://{addr}/connection/websocket").into_client_request()?,
            Target::Socketio => {
                format!("ws://{addr}/socket.io/?EIO=4&transport=websocket").into_client_request()?
            }
            Target::Callpop => {
                let mut r = format!("ws://{addr}/v1/stream").into_client_request()?;
                let p = format!("callpop.v1, bearer.{}", token(chan, i, secret));
                r.headers_mut().insert("sec-websocket-protocol", p.parse()?);
                r
            }
        })
    }

    pub fn hello(self, chan: usize, i: usize, secret: &str) -> Vec<String> {
        match self {
            Target::Nchan | Target::Callpop => vec![],
            Target::Centrifugo => {
                let t = jsonwebtoken::encode(
                    &jsonwebtoken::Header::default(),
                    &serde_json::json!({"sub": format!("u{i}"), "exp": 4102444800u64, "channels": [format!("ext{chan}")]}),
                    &jsonwebtoken::EncodingKey::from_secret(secret.as_bytes()),
                )
                .unwrap();
                vec![format!("{{\"id\":1,\"connect\":{{\"token\":\"{t}\"}}}}")]
            }
            Target::Socketio => vec![format!("40{{\"chan\":\"{chan}\"}}")],
        }
    }

    /// What a frame holds once the subscription stands; none: the handshake is enough.
    pub fn ready_mark(self) -> Option<&'static str> {
        match self {
            Target::Nchan => None,
            Target::Centrifugo => Some("\"connect\""),
            Target::Socketio => Some("40{\"sid\""),
            Target::Callpop => Some("\"snapshot\""),
        }
    }

    /// The reply to an application-level ping, if this frame is one.
    pub fn pong(self, t: &str) -> Option<String> {
        match self {
            Target::Centrifugo if t == "{}" => Some("{}".into()),
            Target::Socketio if t == "2" => Some("3".into()),
            _ => None,
        }
    }

    pub fn http_request(
        self,
        out: &mut Vec<u8>,
        addr: &SocketAddr,
        chan: usize,
        round: u64,
        k: u64,
        stamp: u64,
        secret: &str,
    ) {
        // The same call event for everyone, about 330 bytes; the stamp rides in caller_name.
        let state = ["RINGING", "ACTIVE", "HELD", "ACTIVE", "HANGUP"][(round % 5) as usize];
        let call = round / 5;
        let event = format!(
            "{{\"tenant_id\":\"{TENANT}\",\"caller_number\":\"+3228992675\",\"direction\":\"in\",\"callee_name\":\"John Doe\",\"state\":\"{state}\",\"caller_name\":\"t0={stamp}\",\"callee_number\":\"{ext}\",\"user_extension\":\"{ext}\",\"id\":\"{run:08x}-cbbc-4252-{c:04x}-{chan:012x}\",\"timestamp\":\"{ts}\"}}",
            ext = 200 + chan,
            run = *RUN as u32,
            c = call % 65536,
            ts = *RUN + k,
        );
        let (path, body, extra) = match self {
            Target::Nchan => (format!("/pub/{chan}"), event, String::new()),
            Target::Centrifugo => (
                "/api/publish".into(),
                format!("{{\"channel\":\"ext{chan}\",\"data\":{event}}}"),
                "X-API-Key: bench\r\n".into(),
            ),
            Target::Socketio => (format!("/pub/{chan}"), event, String::new()),
            Target::Callpop => {
                ("/webhooks/telsmart".into(), event, format!("X-Webhook-Secret: {secret}\r\n"))
            }
        };
        write!(
            out,
            "POST {path} HTTP/1.1\r\nHost: {addr}\r\nContent-Type: application/json\r\n{extra}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
    }
}

fn token(chan: usize, i: usize, secret: &str) -> String {
    jsonwebtoken::encode(
        &jsonwebtoken::Header::default(),
        &serde_json::json!({"sub": format!("u{i}"), "exp": 4102444800u64, "tenant_id": TENANT,
            "extensions": [format!("{}", 200 + chan)], "role": "agent"}),
        &jsonwebtoken::EncodingKey::from_secret(secret.as_bytes()),
    )
    .unwrap()
}
