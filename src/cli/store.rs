//! `callpop store`: looks after the store of the embedded engine. It shows numbers of rows, and nothing that is in them.

use super::{
    check, refuse,
    serve::{finish, log_to_stderr},
};
use crate::{
    config::{Config, Durability, EngineKind, Loaded},
    engine::store::{self, Repaired, Verdict},
};
use anyhow::{Context, bail, ensure};
use futures_util::StreamExt;
use std::{
    io::{self, Read},
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
    time::Duration,
};
use tokio::sync::mpsc;

/// Why nothing is repaired without the word for it.
pub(crate) const NOT_ACCEPTED: &str = "store repair needs --accept-loss. What is damaged is moved aside, and what was in it \
     is not shown any more: see `callpop store verify` for how much that is, and whether a backup has it. Stop the \
     gateway before.";

/// A file that is written looks otherwise from one moment to the next.
const LOOKS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(200);
/// The pieces of a copy that wait for the disk.
const PIECES: usize = 16;
/// A gateway that says nothing for so long is none.
const SILENCE: Duration = Duration::from_secs(30);

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Verify,
    Repair,
    Backup(PathBuf),
}

/// Does it; `print` gets the results, a line each.
pub(crate) fn run(loaded: &Loaded, work: &Work, print: impl Fn(String)) -> ExitCode {
    let config = &loaded.config;
    log_to_stderr(&config.log);
    if let Some(problem) = check::unusable(loaded) {
        return refuse(&problem);
    }
    if config.engine.kind != EngineKind::Embedded || config.engine.durability != Durability::Fsync {
        return refuse(
            "there is no store: it belongs to engine.kind = \"embedded\" with durability = \"fsync\"",
        );
    }
    let dir = &config.engine.data_dir;
    finish(|| match work {
        Work::Verify => verify(dir, print),
        Work::Repair => repair(dir, print),
        Work::Backup(to) => backup(config, to, print),
    })
}

fn verify(dir: &Path, print: impl Fn(String)) -> anyhow::Result<()> {
    let mut verdict = store::verify(dir)?;
    for _ in 1..LOOKS {
        if verdict.damage.is_empty() {
            break;
        }
        thread::sleep(PAUSE);
        verdict = store::verify(dir)?;
    }
    show(&verdict, &print);
    ensure!(
        verdict.damage.is_empty(),
        "{} places are damaged, for which {} rows cannot be read; nothing was changed",
        verdict.damage.len(),
        verdict.lost()
    );
    Ok(())
}

fn show(verdict: &Verdict, print: impl Fn(String)) {
    for series in &verdict.series {
        let strange = match series.strange {
            0 => String::new(),
            strange => format!(", of which {strange} are of another version"),
        };
        let (name, files, rows) = (series.name.folder(), series.files, series.rows);
        print(format!("{name:<9} {rows} rows in {files} files{strange}"));
    }
    for (file, damage) in &verdict.damage {
        let rows = match damage.lost() {
            0 => String::new(),
            1 => format!(" (row {})", damage.rows.start),
            _ => format!(" (rows {} to {})", damage.rows.start, damage.rows.end - 1),
        };
        print(format!("damaged   {file}: {damage}{rows}"));
    }
}

fn repair(dir: &Path, print: impl Fn(String)) -> anyhow::Result<()> {
    match store::repair(dir)? {
        None => print("whole     nothing was changed".to_owned()),
        Some(Repaired { lost, aside }) => {
            print(format!("lost      {lost} rows; the files as they were are in {}", aside.display()));
        }
    }
    verify(dir, print)
}

#[tokio::main]
async fn backup(config: &Config, to: &Path, print: impl Fn(String)) -> anyhow::Result<()> {
    ensure!(!to.exists(), "{} is there already", to.display());
    let from = format!("http://{}/backup", config.operator_listen);
    let client = reqwest::Client::builder().no_proxy().read_timeout(SILENCE).build()?;
    let answer = client.get(&from).send().await.with_context(|| format!("no gateway answers at {from}"))?;
    ensure!(answer.status().is_success(), "the gateway says {} to {from}", answer.status());
    // Made aside: a copy that was broken off is not taken for a whole one.
    let aside = to.with_extension("unfinished");
    let (sender, pieces) = mpsc::channel(PIECES);
    let unpacked = thread::spawn({
        let aside = aside.clone();
        move || store::restore(Pieces { pieces, piece: bytes::Bytes::new() }, &aside)
    });
    let mut body = answer.bytes_stream();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(io::Error::other);
        if sender.send(piece).await.is_err() {
            break;
        }
    }
    drop(sender);
    match unpacked.join() {
        Ok(unpacked) => unpacked.with_context(|| format!("the copy in {} is not whole", aside.display()))?,
        Err(_) => bail!("the copy in {} is not whole", aside.display()),
    }
    let verdict = store::verify(&aside)?;
    ensure!(verdict.damage.is_empty(), "the copy in {} is damaged", aside.display());
    std::fs::rename(&aside, to)?;
    show(&verdict, print);
    Ok(())
}

/// What comes over the network, for whoever reads and blocks.
struct Pieces {
    pieces: mpsc::Receiver<io::Result<bytes::Bytes>>,
    piece: bytes::Bytes,
}

impl Read for Pieces {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let most = self.piece.len().min(to.len());
        to[..most].copy_from_slice(&self.piece.split_to(most));
        Ok(most)
    }
}
