//! A link that can be broken: a TCP proxy inside the tests. What it swallows never comes, and a connection
//! that it has swallowed from stays dead, as behind a router that forgot it; both sides find it open.

mod waitaof;

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    task::{AbortHandle, JoinSet},
    time::{Instant, sleep, sleep_until},
};

/// What happens to a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Fate {
    #[default]
    Passes,
    /// It is closed, and so is every new one.
    Closes,
    /// Nothing comes through, either way, and nobody is told.
    Swallows,
}

#[derive(Clone, Copy, Default)]
struct Rules {
    all: Fate,
    /// For connections that have subscribed.
    subscribers: Fate,
    /// What the server says is swallowed; what it is told is not.
    is_mute: bool,
    /// What was marked gets its answer later, rather than never.
    holds_marked: bool,
    delay: Duration,
    bytes_per_second: Option<u32>,
    /// Whether the server's disk confirms, as far as this makes it tell that.
    disk: Option<bool>,
}

/// A link to one server. Dropping it closes all its connections.
pub struct Proxy {
    pub address: SocketAddr,
    target: Arc<Mutex<String>>,
    rules: watch::Sender<Rules>,
    marked: Marked,
    open: Arc<AtomicUsize>,
    accepting: AbortHandle,
}

/// What a request says whose answer is to be lost; none once it was.
type Marked = Arc<Mutex<Option<&'static str>>>;

impl Proxy {
    /// Opens a link to the server at `target`.
    pub async fn to(target: &str) -> Self {
        Self::at("127.0.0.1:0", target).await
    }

    /// Opens one at an address of ours.
    pub async fn at(address: &str, target: &str) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (rules, open) = (watch::Sender::default(), Arc::<AtomicUsize>::default());
        let target = Arc::new(Mutex::new(target.to_owned()));
        let marked = Marked::default();
        let accepting = accept(listener, target.clone(), (rules.clone(), marked.clone()), open.clone());
        Self { address, target, rules, marked, open, accepting: tokio::spawn(accepting).abort_handle() }
    }

    /// For `engine.redis_url`.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// Leads new connections to another server.
    pub fn retarget(&self, target: &str) {
        *self.target.lock().unwrap() = target.to_owned();
    }

    /// Ends every fault. Connections that were swallowed stay dead.
    pub fn heal(&self) {
        self.rules.send_modify(|rules| *rules = Rules { disk: rules.disk, ..Rules::default() });
    }

    /// Closes every connection, and every new one.
    pub fn cut(&self) {
        self.rules.send_modify(|rules| rules.all = Fate::Closes);
    }

    /// Swallows what comes either way; connections stay open and can be made.
    pub fn half_open(&self) {
        self.rules.send_modify(|rules| rules.all = Fate::Swallows);
    }

    /// Swallows what the server says, on every connection; what it is told comes through.
    pub fn mute(&self) {
        self.rules.send_modify(|rules| rules.is_mute = true);
    }

    /// Lets the next request come through that says this, and swallows the answer to it; its connection is
    /// dead then.
    pub fn lose_answer_to(&self, mark: &'static str) {
        *self.marked.lock().unwrap() = Some(mark);
    }

    /// Lets the next request come through that says this, and keeps the answer to it, and what the server says
    /// after that, until this is healed.
    pub fn hold_answer_to(&self, mark: &'static str) {
        self.rules.send_modify(|rules| rules.holds_marked = true);
        *self.marked.lock().unwrap() = Some(mark);
    }

    /// Whether there was such a request.
    pub fn has_caught(&self) -> bool {
        self.marked.lock().unwrap().is_none()
    }

    /// Closes every connection that has subscribed, and new ones when they subscribe.
    pub fn cut_subscribers(&self) {
        self.rules.send_modify(|rules| rules.subscribers = Fate::Closes);
    }

    /// Swallows what comes either way on connections that have subscribed, new ones as well.
    pub fn swallow_subscribers(&self) {
        self.rules.send_modify(|rules| rules.subscribers = Fate::Swallows);
    }

    /// Lets everything come that much later, either way.
    pub fn delay(&self, delay: Duration) {
        self.rules.send_modify(|rules| rules.delay = delay);
    }

    /// Lets so many bytes through in a second, either way on every connection.
    pub fn throttle(&self, bytes_per_second: u32) {
        self.rules.send_modify(|rules| rules.bytes_per_second = Some(bytes_per_second));
    }

    /// Lets the server be one that tells how far its disk is, and whether that is far enough. To be called
    /// before anybody connects, since a version is asked for once.
    pub fn tell_of_disk(&self, confirms: bool) {
        self.rules.send_modify(|rules| rules.disk = Some(confirms));
    }

    /// How many connections are open.
    pub fn connections(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(
    listener: TcpListener,
    target: Arc<Mutex<String>>,
    (rules, marked): (watch::Sender<Rules>, Marked),
    open: Arc<AtomicUsize>,
) {
    let mut links = JoinSet::new();
    loop {
        while links.try_join_next().is_some() {}
        let Ok((near, _)) = listener.accept().await else { continue };
        let (rules, marked, open) = (rules.subscribe(), marked.clone(), open.clone());
        let target = target.lock().unwrap().clone();
        links.spawn(async move {
            // Where the server is gone, so is the connection.
            if let Ok(far) = TcpStream::connect(&target).await {
                open.fetch_add(1, Ordering::Relaxed);
                link(near, far, rules, marked).await;
                open.fetch_sub(1, Ordering::Relaxed);
            }
        });
    }
}

/// One connection through the proxy, until a side closes it or it is cut.
async fn link(near: TcpStream, far: TcpStream, rules: watch::Receiver<Rules>, marked: Marked) {
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let state = Arc::new(LinkState { marked, ..LinkState::default() });
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    let pump = |is_up| Pump { rules: rules.clone(), state: state.clone(), is_up };
    let cut = pump(true);
    tokio::select! {
        () = pump(true).run(near_in, far_out) => {}
        () = pump(false).run(far_in, near_out) => {}
        () = cut.until_cut() => {}
    }
}

#[derive(Default)]
struct LinkState {
    subscribed: AtomicBool,
    dead: AtomicBool,
    marked: Marked,
    /// The answer to what was marked is to come.
    is_mute: AtomicBool,
}

impl LinkState {
    fn fate(&self, rules: &Rules) -> Fate {
        let fate = match rules.all {
            Fate::Passes if self.subscribed.load(Ordering::Relaxed) => rules.subscribers,
            fate => fate,
        };
        match fate {
            Fate::Passes if self.dead.load(Ordering::Relaxed) => Fate::Swallows,
            fate => fate,
        }
    }
}

impl LinkState {
    fn look_for_mark(&self, bytes: &[u8]) {
        let mut marked = self.marked.lock().unwrap();
        let is_it = |mark: &mut &str| bytes.windows(mark.len()).any(|window| window == mark.as_bytes());
        if marked.take_if(is_it).is_some() {
            self.is_mute.store(true, Ordering::Relaxed);
        }
    }
}

/// One direction of a connection.
struct Pump {
    rules: watch::Receiver<Rules>,
    state: Arc<LinkState>,
    is_up: bool,
}

impl Pump {
    async fn until_cut(mut self) {
        let state = self.state.clone();
        let _ = self.rules.wait_for(|rules| state.fate(rules) == Fate::Closes).await;
    }

    async fn run(self, from: OwnedReadHalf, to: OwnedWriteHalf) {
        let (sender, receiver) = mpsc::channel(256);
        let rules = self.rules.clone();
        tokio::join!(self.read(from, sender), write(to, receiver, rules));
    }

    /// Waits while the answer to what was marked is kept.
    async fn hold_marked(&mut self) {
        let is_marked = !self.is_up && self.state.is_mute.load(Ordering::Relaxed);
        if is_marked && self.rules.borrow().holds_marked {
            let _ = self.rules.wait_for(|rules| !rules.holds_marked).await;
            self.state.is_mute.store(false, Ordering::Relaxed);
        }
    }

    /// Takes what comes, with the time at which it may go on.
    async fn read(mut self, mut from: OwnedReadHalf, onward: mpsc::Sender<(Instant, Vec<u8>)>) {
        let (mut buffer, mut end) = (vec![0; 16 * 1024], Vec::new());
        let mut answers = waitaof::Answers::default();
        loop {
            let read = from.read(&mut buffer).await.unwrap_or(0);
            if read == 0 && !self.is_up && self.state.dead.load(Ordering::Relaxed) {
                // The near side does not learn that the far one is gone.
                return std::future::pending().await;
            }
            if read == 0 {
                return;
            }
            if self.is_up && says_subscribe(&mut end, &buffer[..read]) {
                self.state.subscribed.store(true, Ordering::Relaxed);
            }
            if self.is_up {
                self.state.look_for_mark(&buffer[..read]);
            }
            self.hold_marked().await;
            let rules = *self.rules.borrow();
            let is_mute = !self.is_up && (rules.is_mute || self.state.is_mute.load(Ordering::Relaxed));
            let fate = self.state.fate(&rules);
            match if is_mute && fate == Fate::Passes { Fate::Swallows } else { fate } {
                Fate::Closes => return,
                Fate::Swallows => self.state.dead.store(true, Ordering::Relaxed),
                Fate::Passes => {
                    let bytes = match rules.disk {
                        Some(_) if self.is_up => waitaof::unknown(&buffer[..read]),
                        Some(confirms) => answers.rewrite(&buffer[..read], confirms),
                        None => buffer[..read].to_vec(),
                    };
                    let chunk = (Instant::now() + rules.delay, bytes);
                    if onward.send(chunk).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

async fn write(
    mut to: OwnedWriteHalf,
    mut chunks: mpsc::Receiver<(Instant, Vec<u8>)>,
    rules: watch::Receiver<Rules>,
) {
    while let Some((at, chunk)) = chunks.recv().await {
        sleep_until(at).await;
        for part in chunk.chunks(1024) {
            let rate = rules.borrow().bytes_per_second;
            if let Some(rate) = rate {
                sleep(Duration::from_secs_f64(part.len() as f64 / f64::from(rate))).await;
            }
            if to.write_all(part).await.is_err() {
                return;
            }
        }
    }
}

/// Whether the bytes, or the end of those before them with them, hold the command.
fn says_subscribe(end: &mut Vec<u8>, bytes: &[u8]) -> bool {
    const COMMAND: &[u8] = b"SUBSCRIBE\r\n";
    end.extend_from_slice(bytes);
    let says = end.windows(COMMAND.len()).any(|window| window.eq_ignore_ascii_case(COMMAND));
    end.drain(..end.len().saturating_sub(COMMAND.len() - 1));
    says
}
