//! HTTP/1.1 by hand, for requests that no decent client makes.

use super::{soon, token::WEBHOOK_SECRET};
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// A connection on which anything can be sent.
pub struct Raw(TcpStream);

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    /// In small letters.
    pub head: String,
    pub body: String,
}

impl Raw {
    pub async fn open(address: SocketAddr) -> Self {
        Self(soon("a connection", TcpStream::connect(address)).await.unwrap())
    }

    /// Begins a webhook with these header lines beside the secret and the content type.
    pub async fn begin_webhook(address: SocketAddr, secret: &str, lines: &str) -> Self {
        let mut raw = Self::open(address).await;
        let head = format!(
            "POST /webhooks/telsmart HTTP/1.1\r\nHost: callpop\r\nContent-Type: application/json\r\n\
             X-Webhook-Secret: {secret}\r\n{lines}\r\n\r\n"
        );
        assert!(raw.send(head.as_bytes()).await);
        raw
    }

    /// Begins a webhook that is authenticated.
    pub async fn begin_good_webhook(address: SocketAddr, lines: &str) -> Self {
        Self::begin_webhook(address, WEBHOOK_SECRET, lines).await
    }

    /// Sends bytes; false where the server does not want any more.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        soon("the server to read", self.0.write_all(bytes)).await.is_ok()
    }

    /// Sends chunks without an end, until the server has had enough; gives its reply.
    pub async fn send_chunks_for_ever(mut self) -> Reply {
        let (mut reading, mut writing) = self.0.split();
        let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
        let send = async {
            while writing.write_all(chunk.as_bytes()).await.is_ok() {}
            std::future::pending::<()>().await;
        };
        let reply = async {
            tokio::select! {
                () = send => unreachable!("it never ends"),
                reply = read_reply(&mut reading) => reply,
            }
        };
        soon("the reply", reply).await
    }

    /// The reply, which must come soon.
    pub async fn reply(&mut self) -> Reply {
        soon("the reply", self.reply_at_last()).await
    }

    /// The reply, whenever it comes.
    pub async fn reply_at_last(&mut self) -> Reply {
        read_reply(&mut self.0).await
    }

    /// Reads until those bytes have come.
    pub async fn until(&mut self, bytes: &[u8]) {
        let mut read = Vec::new();
        let seen = async {
            while !read.windows(bytes.len()).any(|window| window == bytes) {
                assert!(self.0.read_buf(&mut read).await.unwrap() > 0, "{}", read.escape_ascii());
            }
        };
        soon("what was waited for", seen).await;
    }

    /// Whether the server's end of the connection has not come yet.
    pub fn is_open(&mut self) -> bool {
        let read = self.0.try_read(&mut [0; 1]);
        matches!(read, Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    }

    /// Sends no more.
    pub async fn finish(&mut self) {
        self.0.shutdown().await.unwrap();
    }

    /// Waits until the server closes the connection, after whatever it sends.
    pub async fn closed(&mut self) {
        while matches!(self.0.read(&mut [0; 4096]).await, Ok(1..)) {}
    }
}

async fn read_reply(stream: &mut (impl AsyncReadExt + Unpin)) -> Reply {
    let mut bytes = Vec::new();
    loop {
        if let Some(reply) = parse(&bytes) {
            return reply;
        }
        let read = stream.read_buf(&mut bytes).await;
        assert!(matches!(read, Ok(1..)), "{read:?} after {:?}", String::from_utf8_lossy(&bytes));
    }
}

fn parse(bytes: &[u8]) -> Option<Reply> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let head = head.to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length = length.map_or(0, |length| length.parse().unwrap());
    let status = head.split_whitespace().nth(1)?.parse().unwrap();
    (body.len() >= length).then(|| Reply { status, head: head.clone(), body: body.to_owned() })
}
