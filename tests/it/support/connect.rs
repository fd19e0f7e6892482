//! Opening a WebSocket as browsers and servers do, and how that is refused.

use super::{Client, eventually, soon};
use futures_util::{SinkExt, StreamExt};
use reqwest::Response;
use serde_json::Value;
use std::net::SocketAddr;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Error, Message, client::IntoClientRequest, protocol::WebSocketConfig},
};

pub type Socket = WebSocketStream<TcpStream>;

/// A handshake to be made.
#[derive(Clone)]
pub struct Connect {
    address: SocketAddr,
    token: Option<String>,
    token_in_header: bool,
    display: Option<String>,
    query: Vec<String>,
    headers: Vec<(&'static str, String)>,
    receive_buffer: Option<u32>,
}

/// Reads a connection to its end; gives the code of the goodbye, none where it broke.
pub async fn goodbye(socket: &mut Socket) -> Option<u16> {
    let closed = async {
        loop {
            match socket.next().await {
                Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
                Some(Ok(_)) => {}
                _ => return None,
            }
        }
    };
    soon("the goodbye", closed).await
}

impl Connect {
    /// As a browser: the token is a second offered subprotocol.
    pub fn new(address: SocketAddr, token: Option<&str>) -> Self {
        Self {
            address,
            token: token.map(str::to_owned),
            token_in_header: false,
            display: None,
            query: Vec::new(),
            headers: Vec::new(),
            receive_buffer: None,
        }
    }

    /// As a server: the token is in a header.
    pub fn with_header(self) -> Self {
        Self { token_in_header: true, ..self }
    }

    /// As a display: its secret is one more offered subprotocol.
    pub fn display(self, secret: &str) -> Self {
        Self { display: Some(secret.to_owned()), ..self }
    }

    /// Asks for a scope.
    pub fn scope(self, scope: &str) -> Self {
        self.asking("scope", scope)
    }

    /// Asks for what changed since, if the stream is the one that the state frame named.
    pub fn resume_stream(self, state: &Value) -> Self {
        let part = |name: &str| state[name].as_str().unwrap().to_owned();
        let resume = format!("{}:{}:{}", part("epoch"), state["seq"], part("stream"));
        self.asking("resume", &resume)
    }

    /// Asks for what changed since.
    pub fn resume(mut self, epoch: &str, seq: u64) -> Self {
        self.query.retain(|part| !part.starts_with("resume="));
        self.asking("resume", &format!("{epoch}:{seq}"))
    }

    /// Adds to the query.
    pub fn asking(mut self, name: &str, value: &str) -> Self {
        self.query.push(format!("{name}={value}"));
        self
    }

    /// As from a page of that origin.
    pub fn origin(self, origin: &str) -> Self {
        self.header("Origin", origin)
    }

    /// With one more header.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// Takes few bytes before the other side has to wait.
    pub fn receive_buffer(self, bytes: u32) -> Self {
        Self { receive_buffer: Some(bytes), ..self }
    }

    /// Makes the handshake, and waits for the first frame.
    pub async fn open(self) -> Client {
        Client::begin(self).await
    }

    /// The same as pages do it: a node that cannot read in time, as on a busy machine, is asked again.
    pub async fn open_at_last(self) -> Client {
        eventually("a session", async || match Client::try_begin(self.clone()).await {
            Ok(client) => Some(client),
            Err(Some(4504)) => None,
            Err(code) => panic!("not let in: {code:?}"),
        })
        .await
    }

    /// Makes the handshake, nothing more.
    pub async fn shake_hands(&self) -> Result<Socket, Error> {
        let socket = TcpSocket::new_v4().unwrap();
        if let Some(bytes) = self.receive_buffer {
            socket.set_recv_buffer_size(bytes).unwrap();
        }
        let stream = soon("a connection", socket.connect(self.address)).await?;
        stream.set_nodelay(true)?;
        let mut request = format!("ws://{}{}", self.address, self.path()).into_client_request()?;
        for (name, value) in self.headers("callpop.v1") {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let handshake = client_async_with_config(request, stream, Some(config));
        let (socket, response) = soon("the handshake", handshake).await?;
        assert_eq!(response.headers()["Sec-WebSocket-Protocol"], "callpop.v1");
        Ok(socket)
    }

    /// Makes the handshake, and gives the first frame alone.
    pub async fn first_frame(&self) -> Value {
        let mut socket = self.shake_hands().await.unwrap();
        match soon("the first frame", socket.next()).await {
            Some(Ok(Message::Text(text))) => serde_json::from_str(&text).unwrap(),
            other => panic!("not a frame: {other:?}"),
        }
    }

    /// Whether it is let in, whatever the reason where it is not.
    pub async fn is_let_in(&self) -> bool {
        let mut socket = self.shake_hands().await.unwrap();
        matches!(soon("the first frame", socket.next()).await, Some(Ok(Message::Text(_))))
    }

    /// The code with which the server closes before it has sent any frame.
    pub async fn refused(self) -> u16 {
        let mut socket = self.shake_hands().await.unwrap();
        let first = soon("the refusal", socket.next()).await;
        let Some(Ok(Message::Close(Some(frame)))) = first else { panic!("not refused: {first:?}") };
        let _ = socket.flush().await;
        frame.code.into()
    }

    /// The HTTP answer to a handshake that does not offer `callpop.v1`.
    pub async fn refused_plainly(self) -> Response {
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let mut request = http
            .get(format!("http://{}{}", self.address, self.path()))
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
        for (name, value) in self.headers("") {
            request = request.header(name, value);
        }
        soon("the refusal", request.send()).await.unwrap()
    }

    fn path(&self) -> String {
        let separator = if self.query.is_empty() { "" } else { "?" };
        format!("/v1/stream{separator}{}", self.query.join("&"))
    }

    fn headers(&self, subprotocol: &str) -> Vec<(&'static str, String)> {
        let mut offers = vec![subprotocol.to_owned()];
        let mut headers = self.headers.clone();
        match &self.token {
            Some(token) if self.token_in_header => headers.push(("Authorization", format!("Bearer {token}"))),
            Some(token) => offers.push(format!("bearer.{token}")),
            None => {}
        }
        offers.extend(self.display.iter().map(|secret| format!("display.{secret}")));
        offers.retain(|offer| !offer.is_empty());
        if !offers.is_empty() {
            headers.push(("Sec-WebSocket-Protocol", offers.join(", ")));
        }
        headers
    }
}
