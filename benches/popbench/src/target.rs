//! What differs between the servers: how to subscribe and how to publish.

use anyhow::Result;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::ValueEnum;
use hmac::{Hmac, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use std::{io::Write, net::SocketAddr, sync::LazyLock, time::UNIX_EPOCH};
use tokio_tungstenite::tungstenite::{client::IntoClientRequest, handshake::client::Request};

const TENANT: &str = "b11d749b-8eb7-4236-a068-3d94ba3860d6";
/// 2100: no token ends during a run.
const EXPIRES: u64 = 4_102_444_800;
const STATES: [&str; 5] = ["RINGING", "ACTIVE", "HELD", "ACTIVE", "HANGUP"];

/// Microseconds at the start: no two runs share a leg.
static RUN: LazyLock<u64> = LazyLock::new(|| UNIX_EPOCH.elapsed().unwrap_or_default().as_micros() as u64);

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
            Self::Nchan => "nchan",
            Self::Centrifugo => "centrifugo",
            Self::Socketio => "socket.io",
            Self::Callpop => "callpop",
        }
    }

    /// The handshake of a subscriber on a channel.
    pub fn ws_request(
        self,
        addr: &SocketAddr,
        channel: usize,
        number: usize,
        secret: &str,
    ) -> Result<Request> {
        let path = match self {
            Self::Nchan => format!("sub/{channel}"),
            Self::Centrifugo => "connection/websocket".to_owned(),
            Self::Socketio => "socket.io/?EIO=4&transport=websocket".to_owned(),
            Self::Callpop => "v1/stream".to_owned(),
        };
        let mut request = format!("ws://{addr}/{path}").into_client_request()?;
        if self == Self::Callpop {
            let claims = json!({
                "sub": format!("u{number}"), "exp": EXPIRES, "tenant_id": TENANT,
                "extensions": [extension(channel).to_string()], "role": "agent",
            });
            let protocols = format!("callpop.v1, bearer.{}", token(&claims, secret));
            request.headers_mut().insert("sec-websocket-protocol", protocols.parse()?);
        }
        Ok(request)
    }

    /// What a subscriber says first.
    pub fn hello(self, channel: usize, number: usize, secret: &str) -> Vec<String> {
        match self {
            Self::Nchan | Self::Callpop => vec![],
            Self::Centrifugo => {
                let claims = json!({"sub": format!("u{number}"), "exp": EXPIRES, "channels": [format!("ext{channel}")]});
                vec![json!({"id": 1, "connect": {"token": token(&claims, secret)}}).to_string()]
            }
            Self::Socketio => vec![format!("40{}", json!({"chan": channel.to_string()}))],
        }
    }

    /// What a frame holds once the subscription stands; none: the handshake is enough.
    pub fn ready_mark(self) -> Option<&'static str> {
        match self {
            Self::Nchan => None,
            Self::Centrifugo => Some("\"connect\""),
            Self::Socketio => Some("40{\"sid\""),
            Self::Callpop => Some("\"snapshot\""),
        }
    }

    /// The reply to an application-level ping, if this frame is one.
    pub fn pong(self, frame: &str) -> Option<&'static str> {
        match self {
            Self::Centrifugo if frame == "{}" => Some("{}"),
            Self::Socketio if frame == "2" => Some("3"),
            _ => None,
        }
    }

    /// The request that publishes an event, about 330 bytes of body, the same for everyone.
    #[allow(clippy::too_many_arguments, reason = "an event is that many things")]
    pub fn http_request(
        self,
        out: &mut Vec<u8>,
        addr: &SocketAddr,
        channel: usize,
        round: u64,
        event: u64,
        stamp: u64,
        secret: &str,
    ) -> Result<()> {
        let event = call_event(channel, round, event, stamp);
        let (path, header, body) = match self {
            Self::Nchan | Self::Socketio => (format!("/pub/{channel}"), String::new(), event),
            Self::Centrifugo => (
                "/api/publish".to_owned(),
                "X-API-Key: bench\r\n".to_owned(),
                format!("{{\"channel\":\"ext{channel}\",\"data\":{event}}}"),
            ),
            Self::Callpop => {
                ("/webhooks/telsmart".to_owned(), format!("X-Webhook-Secret: {secret}\r\n"), event)
            }
        };
        let length = body.len();
        write!(
            out,
            "POST {path} HTTP/1.1\r\nHost: {addr}\r\nContent-Type: application/json\r\n{header}\
             Content-Length: {length}\r\n\r\n{body}"
        )?;
        Ok(())
    }
}

/// A call goes through its states in five rounds; the stamp rides in the caller's name.
fn call_event(channel: usize, round: u64, event: u64, stamp: u64) -> String {
    let state = STATES[(round % 5) as usize];
    let (run, call, extension, timestamp) =
        (*RUN as u32, (round / 5) % 65536, extension(channel), *RUN + event);
    format!(
        "{{\"tenant_id\":\"{TENANT}\",\"caller_number\":\"+3228992675\",\"direction\":\"in\",\
         \"callee_name\":\"John Doe\",\"state\":\"{state}\",\"caller_name\":\"t0={stamp}\",\
         \"callee_number\":\"{extension}\",\"user_extension\":\"{extension}\",\
         \"id\":\"{run:08x}-cbbc-4252-{call:04x}-{channel:012x}\",\"timestamp\":\"{timestamp}\"}}"
    )
}

fn extension(channel: usize) -> usize {
    200 + channel
}

/// A JSON Web Token, signed with HS256.
fn token(claims: &Value, secret: &str) -> String {
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let head = encode(json!({"typ": "JWT", "alg": "HS256"}).to_string().as_bytes());
    let signed = format!("{head}.{}", encode(claims.to_string().as_bytes()));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length is one");
    mac.update(signed.as_bytes());
    format!("{signed}.{}", encode(&mac.finalize().into_bytes()))
}
