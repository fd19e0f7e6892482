//! `callpop serve`: the gateway until a signal stops it.

use super::{check, refuse};
use crate::{
    config::{Loaded, Log, LogFormat},
    gateway::Gateway,
    server::{Server, raise_limit},
    web,
};
use anyhow::Context;
use std::{io::IsTerminal, process::ExitCode};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Runs the gateway.
pub(crate) fn run(loaded: Loaded) -> ExitCode {
    start(loaded, serve)
}

/// Starts a long-running command, with its logs, if its configuration can be used.
pub(crate) fn start(loaded: Loaded, command: impl FnOnce(Loaded) -> anyhow::Result<()>) -> ExitCode {
    log_to_stderr(&loaded.config.log);
    if let Some(problem) = check::unusable(&loaded).or_else(|| check::bad_directory(&loaded)) {
        return refuse(&problem);
    }
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    finish(|| command(loaded))
}

#[tokio::main]
async fn serve(Loaded { config, warnings }: Loaded) -> anyhow::Result<()> {
    ignore_hangup()?;
    raise_limit();
    let (sources, public_url) = (config.sources.clone(), config.public_url.clone());
    let gateway = Gateway::new(config).await?;
    gateway.warnings.configure(warnings.iter().map(ToString::to_string));
    let server = Server::bind(gateway)?.with(web::page("index.html"));
    let public = server.public_addr()?;
    let site = public_url.clone().unwrap_or_else(|| format!("http://{public}"));
    for source in sources {
        let (url, header) = (format!("{site}/webhooks/{}", source.name), source.headers().join(" or "));
        match public_url {
            Some(_) => tracing::info!(url, header, "a webhook"),
            None => tracing::info!(
                url,
                header,
                "a webhook; set public_url to show it as the provider posts to it"
            ),
        }
    }
    server.run(stopped()?).await
}

/// Turns the end of a long-running command into an exit code.
pub(crate) fn finish(command: impl FnOnce() -> anyhow::Result<()>) -> ExitCode {
    match command() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if tracing::dispatcher::has_been_set() => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
        // It went wrong before it was known how to log.
        Err(error) => {
            eprintln!("callpop: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Structured logs, to stderr. Of a panic they have the place: what it says may quote what it was about.
pub(crate) fn log_to_stderr(log: &Log) {
    // The configuration was checked: a filter that does not parse never gets here.
    let filter = EnvFilter::try_new(&log.filter).unwrap_or_default();
    let color = std::io::stderr().is_terminal();
    let to_stderr =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(color);
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panicked at");
    }));
    match log.format {
        LogFormat::Json => to_stderr.json().flatten_event(true).init(),
        LogFormat::Text => to_stderr.init(),
    }
}

/// Ignores SIGHUP from now on: the end of a terminal, and the habit of having a service reload by it, are
/// no reason to stop.
pub(crate) fn ignore_hangup() -> anyhow::Result<()> {
    // A signal that is caught once has lost what it does by default, also when nobody listens.
    signal(SignalKind::hangup()).map(drop).context("no handler for SIGHUP")
}

/// Completes on SIGTERM or SIGINT, which are caught from now on.
pub(crate) fn stopped() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("no handler for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("no handler for SIGINT")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
