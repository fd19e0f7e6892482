//! Just enough of the Redis protocol (RESP2) to send one command and read its answer.

use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// How long a server may take to answer; one that is paused never does.
const ANSWERED: Duration = Duration::from_secs(10);

/// Sends a command on a new connection. Bulk strings come as text, errors as `Err`.
pub async fn ask(port: u16, parts: &[&str]) -> Result<Value, String> {
    let asking = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.map_err(|error| error.to_string())?;
        stream.write_all(encode(parts).as_bytes()).await.map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        loop {
            if let Some((answer, _)) = parse(&bytes) {
                return answer;
            }
            match stream.read_buf(&mut bytes).await {
                Ok(0) => return Err("the connection broke".to_owned()),
                Ok(_) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    };
    match timeout(ANSWERED, asking).await {
        Ok(answer) => answer,
        Err(_) => Err("no answer in time".to_owned()),
    }
}

fn encode(parts: &[&str]) -> String {
    let parts: Vec<String> = parts.iter().map(|part| format!("${}\r\n{part}\r\n", part.len())).collect();
    format!("*{}\r\n{}", parts.len(), parts.concat())
}

/// An answer and what follows it, where all of it is there.
fn parse(bytes: &[u8]) -> Option<(Result<Value, String>, &[u8])> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    let (line, rest) = (String::from_utf8_lossy(&bytes[1..end]).into_owned(), &bytes[end + 2..]);
    match bytes[0] {
        b'+' => Some((Ok(line.into()), rest)),
        b'-' => Some((Err(line), rest)),
        b':' => Some((Ok(json!(line.parse::<i64>().unwrap())), rest)),
        b'$' if line == "-1" => Some((Ok(Value::Null), rest)),
        b'*' if line == "-1" => Some((Ok(Value::Null), rest)),
        b'$' => {
            let length: usize = line.parse().unwrap();
            let text = rest.get(..length + 2)?;
            Some((Ok(String::from_utf8_lossy(&text[..length]).into()), &rest[length + 2..]))
        }
        b'*' => {
            let (mut items, mut rest) = (Vec::new(), rest);
            for _ in 0..line.parse().unwrap() {
                let (item, after) = parse(rest)?;
                items.push(item.unwrap_or_else(Value::String));
                rest = after;
            }
            Some((Ok(items.into()), rest))
        }
        other => panic!("{:?} begins no answer", other as char),
    }
}
