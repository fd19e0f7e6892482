//! `callpop simulate`: Telsmart without Telsmart.

use super::{
    refuse,
    serve::{finish, ignore_hangup, log_to_stderr, stopped},
};
use crate::{
    config::{Log, LogFormat},
    simulator::{self, Play, SimulatorError},
};
use anyhow::Context;
use std::{
    fs::File,
    io::{BufWriter, Error, ErrorKind},
    path::Path,
    process::ExitCode,
};
use tokio::net::TcpListener;

/// Plays, writes what would be played, or serves the phones and the portal; `print` gets the results, a line
/// each. What was played and not all accepted is a failure.
pub(crate) fn run(options: &Play, print: impl Fn(String)) -> ExitCode {
    if let Err(why) = options.check() {
        return refuse(why);
    }
    log_to_stderr(&Log { format: LogFormat::Text, filter: "warn".into() });
    finish(|| match &options.to {
        Some(path) => write(options, path, print),
        None => simulate(options, print),
    })
}

fn write(options: &Play, path: &Path, print: impl Fn(String)) -> anyhow::Result<()> {
    if path.as_os_str() == "-" {
        let stdout = || Ok(BufWriter::new(std::io::stdout().lock()));
        return match simulator::write(options, stdout) {
            // Whoever has read enough closes the pipe, and that is no error.
            Err(SimulatorError::Output(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            written => Ok(written.map(|_| ())?),
        };
    }
    let named = |error: Error| Error::new(error.kind(), format!("{}: {error}", path.display()));
    let file = || Ok(BufWriter::new(File::create(path).map_err(named)?));
    let report = simulator::write(options, file)?;
    print(format!("{} written ({} duplicates)", report.sent, report.duplicates));
    Ok(())
}

#[tokio::main]
async fn simulate(options: &Play, print: impl Fn(String)) -> anyhow::Result<()> {
    ignore_hangup()?;
    let stop = stopped()?;
    let Some(addr) = options.listen else {
        let report = tokio::select! {
            report = simulator::play(options) => report?,
            () = stop => return Ok(()),
        };
        print(report.to_string());
        let why = report.first_trouble.as_deref().unwrap_or("nobody said why");
        anyhow::ensure!(report.all_accepted(), "not every webhook was accepted; the first: {why}");
        return Ok(());
    };
    let listener = TcpListener::bind(addr).await.with_context(|| format!("--listen {addr}"))?;
    let url = format!("http://{}", listener.local_addr()?);
    print(format!("{url}/simulator/state"));
    for (path, what) in options.telsmart.addresses() {
        print(format!("{url}{path:<40} {what}"));
    }
    Ok(simulator::serve(options, listener, stop).await?)
}
