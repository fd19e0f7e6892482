//! The real binary: started, listened to, and never left behind.

use super::{PATIENCE, eventually, token};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
};
use tokio::sync::oneshot;

/// The binary under test, without the environment of whoever runs the tests.
pub fn callpop() -> Command {
    clean(bound_to_us(env!("CARGO_BIN_EXE_callpop")))
}

/// The binary under test, as a shell starts it that has done something else before.
pub fn callpop_after(script: &str) -> Command {
    let mut shell = bound_to_us("sh");
    shell.args(["-c", &format!("{script}; exec \"$@\""), "sh", env!("CARGO_BIN_EXE_callpop")]);
    clean(shell)
}

/// A command that the system kills when the thread that starts it ends, and so when the tests are killed.
pub fn bound_to_us(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", program]);
    command
}

fn clean(mut command: Command) -> Command {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CALLPOP_") || name == "RUST_LOG") {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// Runs a command that ends by itself.
pub fn run(command: &mut Command) -> Output {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let pid = child.id();
    let (ended, on_time) = std::sync::mpsc::channel();
    let watchdog = std::thread::spawn(move || {
        if on_time.recv_timeout(PATIENCE).is_err() {
            signal(pid, Signal::KILL);
        }
    });
    let output = child.wait_with_output().unwrap();
    ended.send(()).expect("the command did not end by itself");
    watchdog.join().unwrap();
    output
}

/// Sends a signal to a process of ours that has not been waited for.
pub fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.cast_signed()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// A running callpop and what it says. Dropping it kills it; a failed test shows the log.
pub struct Process {
    child: Child,
    log: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    /// Starts `command` and waits for the log line that says where it listens.
    pub async fn start(command: Command) -> (Self, Value) {
        Self::start_until(command, |_| None, listening).await
    }

    /// Starts `command` and waits for the first line that it prints.
    pub async fn start_printing(command: Command) -> (Self, String) {
        Self::start_until(command, |line| Some(line.to_owned()), |_| None).await
    }

    /// Starts a demo, which keeps all it needs in a folder of the test: one that is killed leaves it behind.
    pub async fn start_demo(folder: &Path) -> (Self, SocketAddr) {
        let mut command = callpop();
        command.args(["demo", "--listen", "127.0.0.1:0"]).env("TMPDIR", folder);
        let (process, first) = Self::start_printing(command).await;
        let url = first.split_whitespace().next().unwrap();
        let address = url.strip_prefix("http://").expect(&first).trim_end_matches('/').parse().unwrap();
        (process, address)
    }

    /// Starts `command` and waits until a line of its stdout or stderr is the sign.
    async fn start_until<T: Send + 'static>(
        mut command: Command,
        out: fn(&str) -> Option<T>,
        err: fn(&str) -> Option<T>,
    ) -> (Self, T) {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Arc::<Mutex<String>>::default();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (out, printed) = follow(stdout, &log, out);
        let (err, logged) = follow(stderr, &log, err);
        let process = Self { child, log, readers: vec![out, err] };
        let sign = async {
            tokio::select! {
                Ok(sign) = printed => sign,
                Ok(sign) = logged => sign,
                else => panic!("callpop did not begin"),
            }
        };
        match tokio::time::timeout(PATIENCE, sign).await {
            Ok(sign) => (process, sign),
            Err(_) => panic!("callpop did not begin in time"),
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has said until now.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// Waits until the log says so: what a process has written is read a moment later.
    pub async fn logged(&self, says: &str) {
        eventually(&format!("the log to say {says:?}"), async || self.log().contains(says).then_some(()))
            .await;
    }

    pub fn signal(&self, signal: Signal) {
        self::signal(self.pid(), signal);
    }

    /// Waits until it has ended.
    pub async fn exit(&mut self) -> ExitStatus {
        eventually("the process to end", async || self.child.try_wait().unwrap()).await
    }

    /// Ends it at once, as a power cut would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// From now on it cannot write to any file beyond that many bytes.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let pid = Pid::from_raw(self.pid().cast_signed());
        let limit = Rlimit { current: bytes, maximum: None };
        prlimit(pid, Resource::Fsize, limit).unwrap();
    }

    /// From now on it cannot open a file whose number is not below that.
    pub fn limit_open_files(&self, files: u64) {
        let pid = Pid::from_raw(self.pid().cast_signed());
        let limit = Rlimit { current: Some(files), maximum: getrlimit(Resource::Nofile).maximum };
        prlimit(pid, Resource::Nofile, limit).unwrap();
    }

    /// Its resident memory.
    pub fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }
}

/// Where it listens, if a line of the log says so.
fn listening(line: &str) -> Option<Value> {
    let json: Value = serde_json::from_str(line).ok()?;
    let fields = if json["fields"].is_object() { &json["fields"] } else { &json };
    (fields["message"] == "listening").then(|| fields.clone())
}

/// Adds a stream's lines to the log, and gives what the first one means that means something.
fn follow<T: Send + 'static>(
    stream: impl Read + Send + 'static,
    log: &Arc<Mutex<String>>,
    meaning: fn(&str) -> Option<T>,
) -> (JoinHandle<()>, oneshot::Receiver<T>) {
    let (sender, receiver) = oneshot::channel();
    let log = log.clone();
    let reader = std::thread::spawn(move || {
        let mut sender = Some(sender);
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let mut log = log.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
            if sender.is_some()
                && let Some(meaning) = meaning(&line)
            {
                let _ = sender.take().unwrap().send(meaning);
            }
        }
    });
    (reader, receiver)
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for reader in self.readers.drain(..) {
            let _ = reader.join();
        }
        let log = self.log();
        if std::thread::panicking() {
            eprintln!("what callpop said:\n{log}");
            return;
        }
        let (panics, provoked) = (log.matches("panicked at"), log.matches("provoked by PANIC_IN"));
        assert_eq!(panics.count(), provoked.count(), "callpop panicked:\n{log}");
        for private in token::PRIVATE {
            assert!(!log.contains(private), "callpop logged {private:?}:\n{log}");
        }
    }
}
