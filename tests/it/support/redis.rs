//! Real Redis servers: one alone here, a Sentinel set and a cluster beside it. Each has a free port
//! and a temporary folder, can be killed, paused and started again on both, and ends with the tests.

pub mod cluster;
mod resp;
pub mod rights;
pub mod sentinel;
pub mod tls;

use super::{
    eventually,
    process::{bound_to_us, signal},
};
use rustix::process::Signal;
use serde_json::Value;
use std::{
    collections::HashSet,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{LazyLock, Mutex, mpsc},
};
use tempfile::TempDir;
use tokio::sync::OnceCell;

pub use cluster::Cluster;
pub use sentinel::Sentinels;

/// When a server writes what it was told to its disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aof {
    Off,
    EverySecond,
    Always,
}

impl Aof {
    fn options(self) -> [&'static str; 4] {
        match self {
            Self::Off => ["--appendonly", "no", "--appendfsync", "everysec"],
            Self::EverySecond => ["--appendonly", "yes", "--appendfsync", "everysec"],
            Self::Always => ["--appendonly", "yes", "--appendfsync", "always"],
        }
    }
}

/// One `redis-server`. Dropping it kills it.
pub struct Server {
    folder: TempDir,
    options: Vec<String>,
    pub port: u16,
    child: Option<Child>,
}

/// The one server that all tests share which do not harm it; it writes its AOF every second.
pub async fn shared() -> &'static Server {
    static SHARED: OnceCell<Server> = OnceCell::const_new();
    let begin = async || {
        let server = Server::start(Aof::EverySecond).await;
        rights::grant(&server).await;
        server
    };
    SHARED.get_or_init(begin).await
}

impl Server {
    /// One alone.
    pub async fn start(aof: Aof) -> Self {
        Self::start_with(aof, &[]).await
    }

    /// One alone, with more options of `redis-server`.
    pub async fn start_with(aof: Aof, more: &[&str]) -> Self {
        Self::start_by(|_, _| {
            let options = ["--save", "", "--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0"];
            [&options, aof.options().as_slice(), more]
                .concat()
                .iter()
                .map(|option| (*option).to_owned())
                .collect()
        })
        .await
    }

    /// One with the options that belong to a folder and a port.
    pub async fn start_by(options: impl Fn(&Path, u16) -> Vec<String>) -> Self {
        for _ in 0..20 {
            let folder = folder();
            let port = free_port();
            let options = options(folder.path(), port);
            let mut server = Self { folder, options, port, child: None };
            if server.launch().await {
                return server;
            }
        }
        panic!("redis-server finds no free port");
    }

    /// For `engine.redis_url`.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Where it keeps its data.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Starts it again on its port and its data.
    pub async fn restart(&mut self) {
        assert!(self.child.is_none(), "it runs");
        assert!(self.launch().await, "it did not start again:\n{}", self.log());
    }

    /// Stops it from doing anything; its connections stay.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn unpause(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, sent: Signal) {
        signal(self.child.as_ref().expect("it runs").id(), sent);
    }

    /// Sends a command that must succeed, on a connection of its own.
    pub async fn command(&self, parts: &[&str]) -> Value {
        let answer = self.try_command(parts).await;
        answer.unwrap_or_else(|error| panic!("{parts:?}: {error}\n{}", self.log()))
    }

    /// Sends a command; an error is the server's, or that there is no server.
    pub async fn try_command(&self, parts: &[&str]) -> Result<Value, String> {
        resp::ask(self.port, parts).await
    }

    /// A field of `INFO`.
    pub async fn info(&self, field: &str) -> Option<String> {
        let info = self.try_command(&["INFO", "everything"]).await.ok()?;
        let mut pairs = info.as_str()?.lines().filter_map(|line| line.split_once(':'));
        pairs.find_map(|(name, value)| (name == field).then(|| value.to_owned()))
    }

    /// What it wrote to its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// False where the port is taken.
    async fn launch(&mut self) -> bool {
        let mut command = bound_to_us("redis-server");
        let (port, folder) = (self.port.to_string(), self.folder.path().to_str().unwrap());
        command.args(&self.options).args(["--port", &port, "--bind", "127.0.0.1"]);
        command.args(["--dir", folder, "--logfile", &format!("{folder}/log"), "--daemonize", "no"]);
        let mut child = spawn(command);
        let is_up = eventually("redis-server (scripts/need redis) to start", async || {
            if child.try_wait().unwrap().is_some() {
                return Some(false);
            }
            resp::ask(self.port, &["PING"]).await.is_ok().then_some(true)
        })
        .await;
        if is_up {
            self.child = Some(child);
        } else if !self.log().contains("Address already in use") {
            panic!("redis-server (scripts/need redis) did not start:\n{}", self.log());
        }
        is_up
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("what redis-server {} said:\n{}", self.port, self.log());
        }
    }
}

/// Starts a process from a thread that never ends, so that it lives until it is dropped, or we end.
fn spawn(mut command: Command) -> Child {
    type Order = (Command, mpsc::Sender<std::io::Result<Child>>);
    static SPAWNER: LazyLock<mpsc::Sender<Order>> = LazyLock::new(|| {
        let (orders, taken) = mpsc::channel::<Order>();
        std::thread::spawn(move || {
            for (mut command, answer) in taken {
                let _ = answer.send(command.spawn());
            }
        });
        orders
    });
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let (answer, child) = mpsc::channel();
    SPAWNER.send((command, answer)).unwrap();
    child.recv().unwrap().expect("setpriv is there")
}

/// A new folder, which the next run removes where this one is killed or shares the server to its end.
fn folder() -> TempDir {
    static SWEEP: LazyLock<()> = LazyLock::new(|| {
        for entry in std::fs::read_dir(env!("CARGO_TARGET_TMPDIR")).unwrap().flatten() {
            let name = entry.file_name();
            let owner = name.to_str().and_then(|name| name.strip_prefix("redis-")?.split('-').next());
            if owner.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
    });
    LazyLock::force(&SWEEP);
    let prefix = format!("redis-{}-", std::process::id());
    tempfile::Builder::new().prefix(&prefix).tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// A port that was free a moment ago, and 10,000 above it another for a cluster's bus. Both are below those
/// that the system gives to outgoing connections, so that it is still free after a restart.
fn free_port() -> u16 {
    static GIVEN: LazyLock<Mutex<HashSet<u16>>> = LazyLock::new(Mutex::default);
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let mut candidates = std::iter::repeat_with(|| rand::random_range(10_100..22_000_u16));
    let free = candidates
        .find(|port| is_free(*port) && is_free(port + 10_000) && GIVEN.lock().unwrap().insert(*port));
    free.expect("there is one")
}
