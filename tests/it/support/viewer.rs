//! Clients that stay, as pages do: they resume on another node when theirs goes, wait as long as they are
//! told, and watch over every epoch that no version goes down.

use super::{
    Client, Token,
    client::{Calls, key},
    connect::Connect,
    fleet::Addresses,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{task::JoinHandle, time::sleep};

/// What a viewer holds and has lived through.
#[derive(Clone, Default)]
pub struct View {
    pub calls: Calls,
    /// Every epoch, in order; the last is the present one.
    pub epochs: Vec<String>,
    /// Frames by type.
    pub frames: BTreeMap<String, usize>,
    /// Ends of connections by close code, none where it broke.
    pub ends: BTreeMap<Option<u16>, usize>,
    /// What `reconnect` frames said.
    pub delays_ms: Vec<u64>,
    /// The highest version that was seen of each call in each epoch.
    highest: HashMap<(String, String, String), u64>,
}

/// A page that somebody looks at.
pub struct Viewer {
    pub tenant: String,
    /// None for a supervisor who watches the whole tenant.
    pub extension: Option<String>,
    view: Arc<Mutex<View>>,
    task: JoinHandle<()>,
}

impl Viewer {
    /// An agent who begins on that node.
    pub async fn agent(addresses: &Addresses, node: usize, tenant: &str, extension: &str) -> Self {
        let token = Token::agent(tenant, &[extension]);
        Self::begin(addresses, node, tenant, Some(extension), token).await
    }

    /// A supervisor who begins on that node.
    pub async fn supervisor(addresses: &Addresses, node: usize, tenant: &str) -> Self {
        Self::begin(addresses, node, tenant, None, Token::supervisor(tenant)).await
    }

    async fn begin(
        addresses: &Addresses,
        node: usize,
        tenant: &str,
        extension: Option<&str>,
        token: Token,
    ) -> Self {
        let scope = if extension.is_some() { "user" } else { "tenant" };
        let token = token.mint();
        let handshake = move |address| Connect::new(address, Some(&token)).scope(scope);
        let client = handshake(addresses.at_or_after(node).expect("a node runs")).open_at_last().await;
        let view = Arc::<Mutex<View>>::default();
        view.lock().unwrap().learn(&client.first, &client);
        let watching = watch(client, view.clone(), addresses.clone(), node, handshake);
        Self {
            tenant: tenant.to_owned(),
            extension: extension.map(str::to_owned),
            view,
            task: tokio::spawn(watching),
        }
    }

    /// What it has lived through until now. Fails where it has seen what must not be.
    pub async fn view(&mut self) -> View {
        if self.task.is_finished() {
            (&mut self.task).await.expect("the viewer saw what must not be");
        }
        self.view.lock().unwrap().clone()
    }

    /// What the view makes of itself, without a copy.
    pub async fn look<T>(&mut self, look: impl FnOnce(&View) -> T) -> T {
        if self.task.is_finished() {
            (&mut self.task).await.expect("the viewer saw what must not be");
        }
        look(&self.view.lock().unwrap())
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads for ever, and comes back on the next node that runs whenever the connection ends.
async fn watch(
    mut client: Client,
    view: Arc<Mutex<View>>,
    addresses: Addresses,
    mut node: usize,
    handshake: impl Fn(std::net::SocketAddr) -> Connect,
) {
    let mut wait = Duration::ZERO;
    loop {
        let end = match client.next_or_end().await {
            Ok(frame) => {
                if frame["type"] == "reconnect" {
                    wait = Duration::from_millis(frame["after_ms"].as_u64().unwrap());
                }
                view.lock().unwrap().learn(&frame, &client);
                continue;
            }
            Err(end) => end,
        };
        view.lock().unwrap().end(end);
        sleep(wait).await;
        loop {
            wait = Duration::from_millis(50);
            node += 1;
            let end = match addresses.at_or_after(node) {
                Some(address) => client.try_resume(handshake(address)).await,
                None => Err(None),
            };
            match end {
                Ok(()) => break,
                Err(end) => view.lock().unwrap().end(end),
            }
            sleep(wait).await;
        }
        let first = client.first.clone();
        view.lock().unwrap().learn(&first, &client);
    }
}

impl View {
    fn end(&mut self, code: Option<u16>) {
        // Draining, or the engine is lost: a client comes back. Nothing else may end a connection.
        assert!(matches!(code, None | Some(4503 | 4504)), "closed by {code:?}");
        *self.ends.entry(code).or_default() += 1;
    }

    /// Takes a frame that the client has taken.
    fn learn(&mut self, frame: &Value, client: &Client) {
        let kind = frame["type"].as_str().unwrap().to_owned();
        if kind == "reconnect" {
            self.delays_ms.push(frame["after_ms"].as_u64().unwrap());
        }
        if self.epochs.last() != Some(&client.epoch) {
            // One may come back for a moment: from a primary that does not know yet that it is none.
            self.epochs.push(client.epoch.clone());
        }
        let news = match kind.as_str() {
            "snapshot" | "resumed" => {
                self.calls.clone_from(&client.calls);
                frame["calls"].as_array().unwrap().iter().collect()
            }
            "call" => {
                self.calls.insert(key(&frame["call"]), frame["call"].clone());
                vec![&frame["call"]]
            }
            _ => vec![],
        };
        for call in news {
            let (extension, leg) = key(call);
            let highest = self.highest.entry((client.epoch.clone(), extension, leg)).or_default();
            let version = call["version"].as_u64().unwrap();
            assert!(version >= *highest, "{call} was at {highest} in {}", client.epoch);
            *highest = version;
        }
        *self.frames.entry(kind).or_default() += 1;
    }
}
