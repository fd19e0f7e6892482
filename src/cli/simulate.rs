//! `callpop simulate`: Telsmart without Telsmart.

use super::serve::{finish, ignore_hangup, log_to_stderr, stopped};
use crate::{
    config::{Log, LogFormat},
    simulator::{self, Play},
};
use anyhow::Context;
use std::process::ExitCode;
use tokio::net::TcpListener;

/// Plays, or serves the phones and the portal; `print` gets the results, a line each.
pub fn run(options: &Play, print: impl Fn(String)) -> ExitCode {
    log_to_stderr(&Log { format: LogFormat::Text, filter: "warn".into() });
    finish(|| simulate(options, print))
}

#[tokio::main]
async fn simulate(options: &Play, print: impl Fn(String)) -> anyhow::Result<()> {
    let stop = stopped()?;
    ignore_hangup()?;
    let Some(addr) = options.listen else {
        tokio::select! {
            report = simulator::play(options) => print(report?.to_string()),
            () = stop => {}
        }
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
