//! The real binary: started, listened to, and never left behind.

use super::{PATIENCE, eventually, token};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
};
use tokio::sync::oneshot;

/// The binary under test, without the environment of whoever runs the tests.
pub fn callpop() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callpop"));
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

/// A running callpop and what it logs. Dropping it kills it; a failed test shows the log.
pub struct Process {
    child: Child,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts `command` and waits for the log line that says where it listens.
    pub async fn start(mut command: Command) -> (Self, Value) {
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = child.unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let log = Arc::new(Mutex::new(String::new()));
        let (ready, listening) = oneshot::channel();
        let reader = std::thread::spawn({
            let log = log.clone();
            move || {
                let mut ready = Some(ready);
                for line in lines.map_while(Result::ok) {
                    let json: Value = serde_json::from_str(&line).unwrap_or_default();
                    let fields = if json["fields"].is_object() { &json["fields"] } else { &json };
                    if fields["message"] == "listening"
                        && let Some(ready) = ready.take()
                    {
                        let _ = ready.send(fields.clone());
                    }
                    let mut log = log.lock().unwrap();
                    log.push_str(&line);
                    log.push('\n');
                }
            }
        });
        let process = Self { child, log, reader: Some(reader) };
        let fields = tokio::time::timeout(PATIENCE, listening).await;
        match fields {
            Ok(Ok(fields)) => (process, fields),
            _ => panic!("callpop did not begin to listen"),
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged until now.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
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

    /// Its resident memory.
    pub fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = self.reader.take().unwrap().join();
        let log = self.log();
        if std::thread::panicking() {
            eprintln!("callpop's stderr:\n{log}");
            return;
        }
        assert!(!log.contains("panicked at"), "callpop panicked:\n{log}");
        for private in token::PRIVATE {
            assert!(!log.contains(private), "callpop logged {private:?}:\n{log}");
        }
    }
}
