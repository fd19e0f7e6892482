//! A wallboard as its users have it: over HTTP, and by a socket that keeps tiles, figures and conversations as a page
//! does.

use super::{
    Gateway, Token,
    connect::{Connect, Socket, goodbye},
    soon,
};
use futures_util::{SinkExt, StreamExt};
use reqwest::Response;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio_tungstenite::tungstenite::Message;

/// A quarter of an hour, and a day, in microseconds.
pub const QUARTER: u64 = 900_000_000;
pub const DAY: u64 = 96 * QUARTER;

/// When the present day of UTC began.
pub fn today() -> u64 {
    let now = super::now();
    now - now % DAY
}

/// Window, `by` and key of a row of figures.
pub type FigureKey = (String, String, String);

/// An open board and what it shows.
pub struct Board {
    socket: Socket,
    /// The last `board` frame, without its rows.
    pub head: Value,
    /// By extension.
    pub tiles: BTreeMap<String, Value>,
    /// Those of extensions by the names of their columns, as the others are.
    pub figures: BTreeMap<FigureKey, Value>,
    /// By id: those that replaced others are without them.
    pub conversations: BTreeMap<String, Value>,
    /// The types of all frames, in their order.
    pub frames: Vec<String>,
    pub health: Value,
    /// All that it was sent, as it came.
    pub text: String,
}

impl Board {
    /// Opens one by a handshake that says what of it is wanted, and waits until it is there whole.
    pub async fn open(connect: Connect) -> Self {
        let mut board = Self::begin(connect).await;
        board.until("all calls to be counted", |board| board.head["complete"] == 1.0).await;
        board
    }

    /// The same, and waits for its first frame only.
    pub async fn begin(connect: Connect) -> Self {
        let socket = connect.asking("view", "board").shake_hands().await.unwrap();
        let mut board = Self {
            socket,
            head: Value::Null,
            tiles: BTreeMap::new(),
            figures: BTreeMap::new(),
            conversations: BTreeMap::new(),
            frames: Vec::new(),
            health: Value::Null,
            text: String::new(),
        };
        assert_eq!(board.next().await, "board");
        board
    }

    /// The board of a whole tenant.
    pub async fn of_tenant(gateway: &Gateway, tenant: &str) -> Self {
        Self::open(gateway.stream(&Token::supervisor(tenant)).scope("tenant")).await
    }

    /// Takes the next frame, and gives its type.
    pub async fn next(&mut self) -> String {
        let message = soon("a frame of the board", async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    other => return other,
                }
            }
        });
        let Some(Ok(Message::Text(text))) = message.await else { panic!("the board has ended") };
        self.text.push_str(&text);
        let frame: Value = serde_json::from_str(&text).unwrap();
        self.apply(&frame);
        self.frames.last().unwrap().clone()
    }

    /// Reads to the end; gives the close code, none where the connection broke.
    pub async fn closed(mut self) -> Option<u16> {
        goodbye(&mut self.socket).await
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

    /// Reads until it shows the same tiles and figures as another. That one is read, too, since who comes first is
    /// behind.
    pub async fn comes_to_show(&mut self, other: &mut Self) {
        for _ in 0..4 {
            if self.shows_before_its_health(other).await || other.shows_before_its_health(self).await {
                return;
            }
        }
        panic!("they show other things: {:#?}", self.differences(other));
    }

    /// Whether it shows the same by the next time that it is told how it is fed.
    async fn shows_before_its_health(&mut self, other: &Self) -> bool {
        let mut last = String::new();
        while !self.differences(other).is_empty() {
            if last == "health" {
                return false;
            }
            last = self.next().await;
        }
        true
    }

    /// The rows that are others.
    fn differences(&self, other: &Self) -> Vec<String> {
        fn of<K: Ord + std::fmt::Debug>(one: &BTreeMap<K, Value>, other: &BTreeMap<K, Value>) -> Vec<String> {
            let keys: std::collections::BTreeSet<&K> = one.keys().chain(other.keys()).collect();
            let differ = keys.into_iter().filter(|key| one.get(key) != other.get(key));
            differ.map(|key| format!("{key:?}: {:?} or {:?}", one.get(key), other.get(key))).collect()
        }
        [of(&self.tiles, &other.tiles), of(&self.figures, &other.figures)].concat()
    }

    /// Sends a frame.
    pub async fn send(&mut self, frame: &Value) {
        soon("the server to read", self.socket.send(Message::text(frame.to_string()))).await.unwrap();
    }

    /// Sends a frame that must be answered by an error; gives its code.
    pub async fn error_for(&mut self, frame: &Value) -> String {
        self.send(frame).await;
        let before = self.frames.len();
        let said = |board: &Self| board.frames[before..].iter().find(|it| it.starts_with("error")).cloned();
        self.until("an error", |board| said(board).is_some()).await;
        said(self).unwrap().trim_start_matches("error: ").to_owned()
    }

    /// Wants other figures, and waits for the whole board that has them.
    pub async fn want(&mut self, windows: &[&str], by: &[&str]) {
        let before = self.times("board");
        self.send(&json!({"type": "board", "windows": windows, "by": by})).await;
        self.until("another board", |board| board.times("board") > before).await;
    }

    /// How many frames of a type came.
    pub fn times(&self, kind: &str) -> usize {
        self.frames.iter().filter(|other| *other == kind).count()
    }

    /// Follows a conversation.
    pub async fn watch(&mut self, conversation: &Value) {
        self.send(&json!({"type": "watch", "conversation": conversation})).await;
    }

    /// A value of the figures; null where there are none.
    pub fn figure(&self, window: &str, by: &str, key: &str, name: &str) -> Value {
        let row = self.figures.get(&(window.to_owned(), by.to_owned(), key.to_owned()));
        row.map_or(Value::Null, |values| values[name].clone())
    }

    /// What the tile of an extension shows.
    pub fn tile(&self, extension: &str) -> &Value {
        self.tiles.get(extension).unwrap_or(&Value::Null)
    }

    fn apply(&mut self, frame: &Value) {
        let kind = frame["type"].as_str().unwrap();
        match kind {
            "board" => {
                self.tiles.clear();
                self.figures.clear();
                self.head = frame.clone();
                for rows in ["tiles", "figures"] {
                    self.head.as_object_mut().unwrap().remove(rows).unwrap();
                }
                self.take_tiles(&frame["tiles"]);
                self.take_figures(&frame["figures"]);
            }
            "tiles" => self.take_tiles(&frame["rows"]),
            "figures" => {
                assert_eq!(frame["columns"], self.head["columns"]);
                self.head["complete"] = frame["complete"].clone();
                self.take_figures(&frame["rows"]);
            }
            "conversation" => {
                let told = &frame["conversation"];
                let replaced = told["replaces"].as_array().unwrap().iter().map(|id| id.as_str().unwrap());
                replaced.for_each(|id| _ = self.conversations.remove(id));
                let id = told["conversation_id"].as_str().unwrap().to_owned();
                self.conversations.insert(id, told.clone());
            }
            "health" => self.health = frame.clone(),
            _ => {}
        }
        self.frames.push(match kind {
            "error" => format!("error: {}", frame["code"].as_str().unwrap()),
            kind => kind.to_owned(),
        });
    }

    fn take_tiles(&mut self, rows: &Value) {
        for row in rows.as_array().unwrap() {
            self.tiles.insert(row["extension"].as_str().unwrap().to_owned(), row.clone());
        }
    }

    fn take_figures(&mut self, rows: &Value) {
        let columns = self.head["columns"]["extension"].as_array().unwrap().clone();
        for row in rows.as_array().unwrap() {
            let text = |field: &str| row[field].as_str().unwrap().to_owned();
            let values = match row["values"].as_array() {
                Some(values) => {
                    assert_eq!(values.len(), columns.len(), "{row}");
                    let named =
                        columns.iter().map(|name| name.as_str().unwrap().to_owned()).zip(values.clone());
                    Value::Object(named.collect())
                }
                None => row["values"].clone(),
            };
            self.figures.insert((text("window"), text("by"), text("key")), values);
        }
    }
}

/// The answer to a GET of whoever bears the token.
pub async fn ask(gateway: &Gateway, token: &Token, path: &str) -> Response {
    soon(path, gateway.request("GET", path).bearer_auth(token.mint()).send()).await.unwrap()
}

/// What it says, as JSON.
pub async fn read(gateway: &Gateway, token: &Token, path: &str) -> Value {
    let answer = ask(gateway, token, path).await;
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(status, 200, "{path}: {text}");
    serde_json::from_str(&text).unwrap()
}

/// All conversations of a tenant that began in a time, the latest first.
pub async fn conversations(gateway: &Gateway, tenant: &str, (from, to): (u64, u64)) -> Vec<Value> {
    listed(gateway, &Token::supervisor(tenant), &format!("from={from}&to={to}&limit=200")).await
}

/// All conversations that answer a question, page by page; each page is asked for by another user of the same rights,
/// since nobody may ask that often.
pub async fn listed(gateway: &Gateway, token: &Token, query: &str) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let token = token.clone().claim("sub", super::new_tenant());
        let page = read(gateway, &token, &format!("/v1/conversations?{query}{cursor}")).await;
        assert_eq!(page["complete"], 1.0, "{page}");
        all.extend(page["items"].as_array().unwrap().iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

/// The rows of figures, each by what it is of.
pub async fn figures(gateway: &Gateway, tenant: &str, query: &str) -> BTreeMap<(String, String, u64), Value> {
    let answer = read(gateway, &Token::supervisor(tenant), &format!("/v1/figures?{query}")).await;
    assert_eq!(answer["complete"], 1.0, "{answer}");
    rows(&answer)
}

/// Rows by `by`, key and, where there are several windows, their beginnings.
pub fn rows(answer: &Value) -> BTreeMap<(String, String, u64), Value> {
    let rows = answer["rows"].as_array().unwrap().iter();
    let key = |row: &Value| {
        let text = |field: &str| row[field].as_str().unwrap().to_owned();
        (text("by"), text("key"), row["from"].as_u64().unwrap_or_default())
    };
    rows.map(|row| (key(row), row["values"].clone())).collect()
}

/// The figures of a tenant in a time.
pub async fn figures_of_tenant(gateway: &Gateway, tenant: &str, (from, to): (u64, u64)) -> Value {
    let rows = figures(gateway, tenant, &format!("from={from}&to={to}")).await;
    rows[&("tenant".to_owned(), String::new(), 0)].clone()
}

/// The figures of an extension in a time; null where it has none.
pub async fn figures_of(gateway: &Gateway, tenant: &str, extension: &str, (from, to): (u64, u64)) -> Value {
    let rows = figures(gateway, tenant, &format!("from={from}&to={to}&by=extension")).await;
    rows.get(&("extension".to_owned(), extension.to_owned(), 0)).cloned().unwrap_or_default()
}

/// From the beginning of the quarter that is so many hours ago to the end of this one.
pub fn since_hours(hours: u64) -> (u64, u64) {
    let now = super::now();
    let end = now - now % QUARTER + QUARTER;
    (end - (4 * hours + 1) * QUARTER, end)
}

/// What does not depend on the order in which events came: all but the ids that conversations had before.
pub fn settled(mut conversations: Vec<Value>) -> Vec<Value> {
    for conversation in &mut conversations {
        let fields = conversation.as_object_mut().unwrap();
        fields.remove("replaces").unwrap();
        fields.remove("tenant_id").unwrap();
    }
    conversations
}
