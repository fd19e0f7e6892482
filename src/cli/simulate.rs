//! `callpop simulate`: Telsmart without Telsmart.

use super::serve::{finish, ignore_hangup, log_to_stderr, stopped};
use crate::{
    config::{Log, LogFormat},
    simulator::{self, Play},
};
use anyhow::Context;
use std::process::ExitCode;
use tokio::net::TcpListener;

/// Plays, or serves the phones and the portal; `print` gets the results, a line each. What was played
/// and not all accepted is a failure.
pub(crate) fn run(options: &Play, print: impl Fn(String)) -> ExitCode {
    log_to_stderr(&Log { format: LogFormat::Text, filter: "warn".into() });
    finish(|| simulate(options, print))
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
