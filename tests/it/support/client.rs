//! A WebSocket client that keeps the calls as a web page does, and holds the server to the
//! protocol while it does so.

use super::{
    Leg,
    connect::{Connect, Socket},
    oracle, soon,
};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio_tungstenite::tungstenite::Message;

/// Calls by extension and leg.
pub type Calls = BTreeMap<(String, String), Value>;

/// An open stream and what it has made known.
pub struct Client {
    connect: Connect,
    socket: Socket,
    pub epoch: String,
    /// The last number that was delivered.
    pub seq: u64,
    pub calls: Calls,
    /// Notices by extension and id.
    pub notices: Calls,
    /// The `snapshot` or `resumed` that this connection began with.
    pub first: Value,
}

impl Client {
    /// Opens a stream, and waits for its first frame.
    pub async fn begin(connect: Connect) -> Self {
        let begun = Self::try_begin(connect).await;
        begun.unwrap_or_else(|code| panic!("not let in: {code:?}"))
    }

    /// The same, where it may be refused: then with the close code, or none where the connection broke.
    pub async fn try_begin(connect: Connect) -> Result<Self, Option<u16>> {
        let socket = connect.shake_hands().await.unwrap();
        let (calls, notices) = (Calls::new(), Calls::new());
        let mut client =
            Self { connect, socket, epoch: String::new(), seq: 0, calls, notices, first: Value::Null };
        client.first = soon("the first frame", client.next_or_end()).await?;
        assert!(["snapshot", "resumed"].contains(&client.first_kind()), "{}", client.first);
        Ok(client)
    }

    /// Drops the connection without a word, and resumes the stream.
    pub async fn reconnect(self) -> Self {
        let connect = self.connect.clone();
        self.reconnect_by(connect).await
    }

    /// Drops the connection without a word, and resumes the stream by another handshake.
    pub async fn reconnect_by(self, connect: Connect) -> Self {
        let Self { epoch, seq, calls, notices, socket, .. } = self;
        drop(socket);
        let socket = connect.clone().resume(&epoch, seq).shake_hands().await.unwrap();
        let mut client = Self { connect, socket, epoch, seq, calls, notices, first: Value::Null };
        client.first = client.next().await;
        client
    }

    /// Leaves the connection, which may be broken, and resumes the stream by another handshake, which may fail:
    /// then with the close code, if there is one.
    pub async fn try_resume(&mut self, connect: Connect) -> Result<(), Option<u16>> {
        let connect = connect.resume(&self.epoch, self.seq);
        self.socket = connect.shake_hands().await.map_err(|_| None)?;
        self.connect = connect;
        self.first = soon("the first frame", self.next_or_end()).await?;
        Ok(())
    }

    /// `snapshot` or `resumed`.
    pub fn first_kind(&self) -> &str {
        self.first["type"].as_str().unwrap()
    }

    /// What is known of a leg.
    pub fn call(&self, leg: &Leg) -> Option<&Value> {
        self.calls.get(&(leg.extension.clone(), leg.id.clone()))
    }

    /// The next frame, which has been taken into account.
    pub async fn next(&mut self) -> Value {
        match soon("a frame", self.message()).await {
            Message::Text(text) => {
                let frame: Value = serde_json::from_str(&text).unwrap();
                self.apply(&frame);
                frame
            }
            other => panic!("not a frame: {other:?}"),
        }
    }

    /// The next frame, whenever it comes, which has been taken into account; or the close code with which the
    /// connection ended, or none where it broke.
    pub async fn next_or_end(&mut self) -> Result<Value, Option<u16>> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Text(text))) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    self.apply(&frame);
                    return Ok(frame);
                }
                Some(Ok(Message::Close(frame))) => {
                    let _ = self.socket.flush().await;
                    return Err(frame.map(|frame| frame.code.into()));
                }
                Some(Err(_)) | None => return Err(None),
                other => panic!("not a frame: {other:?}"),
            }
        }
    }

    /// The next frame of that type; others are taken into account.
    pub async fn next_of(&mut self, kind: &str) -> Value {
        self.next_of_any(&[kind]).await
    }

    /// The next frame of one of those types; others are taken into account.
    pub async fn next_of_any(&mut self, kinds: &[&str]) -> Value {
        let next = async {
            loop {
                let frame = self.next().await;
                if kinds.contains(&frame["type"].as_str().unwrap()) {
                    return frame;
                }
            }
        };
        soon(kinds[0], next).await
    }

    /// Reads frames until the condition holds.
    pub async fn until(&mut self, what: &str, condition: impl Fn(&Self) -> bool) {
        let reading = async {
            while !condition(self) {
                self.next().await;
            }
        };
        soon(what, reading).await;
    }

    /// Reads frames until the leg's call fulfils the condition, and gives it.
    pub async fn until_call(&mut self, leg: &Leg, condition: impl Fn(&Value) -> bool) -> Value {
        self.until("a call", |client| client.call(leg).is_some_and(&condition)).await;
        self.call(leg).unwrap().clone()
    }

    /// Reads frames until the leg's call has that many events, and gives it.
    pub async fn version(&mut self, leg: &Leg, version: u64) -> Value {
        self.until_call(leg, |call| call["version"].as_u64().unwrap() >= version).await
    }

    /// Sends a frame.
    pub async fn send(&mut self, frame: &Value) {
        self.send_message(Message::text(frame.to_string())).await;
    }

    /// Sends anything.
    pub async fn send_message(&mut self, message: Message) {
        soon("the server to read", self.socket.send(message)).await.unwrap();
    }

    /// Sends what may be in vain, since the server may have closed.
    pub async fn try_send(&mut self, message: Message) {
        let _ = soon("the server to read", self.socket.send(message)).await;
    }

    /// Sends a frame that must be answered by an error; gives its code.
    pub async fn error_for(&mut self, message: Message) -> String {
        self.send_message(message).await;
        let error = self.next_of("error").await;
        assert!(error["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{error}");
        error["code"].as_str().unwrap().to_owned()
    }

    /// Closes a leg's popup.
    pub async fn dismiss(&mut self, leg: &Leg) {
        self.send(&json!({"type": "dismiss", "leg_id": leg.id})).await;
    }

    /// Says something of a call.
    pub async fn wrap_up(&mut self, leg: &Leg, disposition: Option<&str>, note: &str) {
        let said = json!({"type": "wrap_up", "leg_id": leg.id, "disposition": disposition, "note": note});
        self.send(&said).await;
    }

    /// Asks for all that a summary says, and gives the call that has it.
    pub async fn summary(&mut self, leg: &Leg) -> Value {
        self.send(&json!({"type": "summary", "leg_id": leg.id, "extension": leg.extension})).await;
        loop {
            let frame = self.next_of("call").await;
            if frame["call"]["leg_id"] == leg.id && frame["call"]["summary"]["content"] != Value::Null {
                return frame["call"].clone();
            }
        }
    }

    /// Shows that the connection stands, both ways.
    pub async fn assert_open(&mut self) {
        let t0 = super::now();
        self.send(&json!({"type": "tick", "t0": t0})).await;
        assert_eq!(self.next_of("tock").await["t0"], t0);
    }

    /// Reads until the server closes; gives the code.
    pub async fn closed(&mut self) -> u16 {
        let closing = async {
            loop {
                match self.message().await {
                    Message::Text(text) => self.apply(&serde_json::from_str(&text).unwrap()),
                    Message::Close(Some(frame)) => return frame.code.into(),
                    other => panic!("closed by {other:?}"),
                }
            }
        };
        let code = soon("the server to close", closing).await;
        let _ = self.socket.flush().await;
        code
    }

    async fn message(&mut self) -> Message {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(message)) => return message,
                ended => panic!("the connection broke: {ended:?}"),
            }
        }
    }

    fn apply(&mut self, frame: &Value) {
        match frame["type"].as_str().unwrap() {
            "snapshot" => {
                let before = std::mem::take(&mut self.calls);
                self.notices.clear();
                let same_epoch = self.epoch == frame["epoch"];
                self.begin_state(frame);
                for (key, call) in before {
                    let still = self.calls.get(&key).filter(|_| same_epoch);
                    assert!(still.is_none_or(|now| version(now) >= version(&call)), "{call} went down");
                }
            }
            "resumed" => {
                assert_eq!(self.epoch, frame["epoch"], "resumed another epoch");
                assert!(self.seq <= frame["seq"].as_u64().unwrap(), "{frame} after {}", self.seq);
                self.begin_state(frame);
            }
            // The answer to a `summary` is no change.
            "call" if self.knows(&frame["call"]) => assert_eq!(frame["seq"], self.seq, "{frame}"),
            "call" => {
                self.go_on(frame);
                self.learn(&frame["call"]);
            }
            "notice" => {
                self.go_on(frame);
                self.learn_notice(&frame["notice"]);
            }
            _ => {}
        }
    }

    /// Whether a call is what is known already, but for what its summary says.
    fn knows(&self, call: &Value) -> bool {
        let mut call = call.clone();
        let whole = call["summary"]["content"].to_string().len();
        if whole <= oracle::MOST_CONTENT {
            return false;
        }
        (call["summary"]["content"], call["summary"]["more"]) = (Value::Null, true.into());
        self.calls.get(&key(&call)) == Some(&call)
    }

    /// To the number of a change, which must be a later one.
    fn go_on(&mut self, frame: &Value) {
        let seq = frame["seq"].as_u64().unwrap();
        assert!(seq > self.seq, "seq {seq} after {}", self.seq);
        self.seq = seq;
    }

    fn begin_state(&mut self, frame: &Value) {
        for field in ["server_time", "heartbeat_ms", "token_expires_at"] {
            assert!(frame[field].as_u64().is_some_and(|value| value > 0), "{field} in {frame}");
        }
        for field in ["dispositions", "extensions"] {
            assert!(frame[field].is_array(), "{field} in {frame}");
        }
        for field in ["session_id", "stream"] {
            assert!(frame[field].as_str().is_some_and(|text| !text.is_empty()), "{field} in {frame}");
        }
        self.epoch = frame["epoch"].as_str().unwrap().to_owned();
        self.seq = frame["seq"].as_u64().unwrap();
        for call in frame["calls"].as_array().unwrap() {
            self.learn(call);
        }
        for notice in frame["notices"].as_array().unwrap() {
            self.learn_notice(notice);
        }
    }

    /// Takes a notice, which must be news.
    fn learn_notice(&mut self, notice: &Value) {
        let text = |field: &str| notice[field].as_str().unwrap().to_owned();
        let known = self.notices.insert((text("extension"), text("notice_id")), notice.clone());
        if let Some(known) = known {
            assert!(version(notice) > version(&known), "{notice} came after {known}");
        }
    }

    /// Takes a call, which must be news.
    fn learn(&mut self, call: &Value) {
        assert_whole(call);
        let known = self.calls.insert(key(call), call.clone());
        if let Some(known) = known {
            assert!(version(call) > version(&known), "{call} came after {known}");
        }
    }
}

/// Extension and leg of a call; the leg of another source than the usual one with that source before it.
pub fn key(call: &Value) -> (String, String) {
    let text = |field: &str| call[field].as_str().unwrap().to_owned();
    let leg = match call["source"].as_str().unwrap() {
        "telsmart" => text("leg_id"),
        other => format!("{other}/{}", text("leg_id")),
    };
    (text("extension"), leg)
}

fn version(call: &Value) -> u64 {
    call["version"].as_u64().unwrap()
}

/// Fails unless a call has every field that the protocol promises.
fn assert_whole(call: &Value) {
    const FIELDS: &str = "leg_id source tenant_id extension version direction internal state remote local transfer \
        started_at answered_at since ended_at updated_at ring_ms talk_ms hold_ms outcome stale_at \
        dismissed_at summary summary_seen wrap_up";
    for field in FIELDS.split_whitespace() {
        assert!(call.get(field).is_some(), "{field} is missing in {call}");
    }
}
