//! `callpop sidecar`: activation and tokens alone, until a signal stops it.

use super::{
    check, refuse,
    serve::{finish, log_to_stderr, stopped},
};
use crate::{
    config::Loaded,
    server::{SidecarServer, raise_limit},
};
use std::process::ExitCode;

/// Runs the sidecar.
pub fn run(loaded: Loaded) -> ExitCode {
    log_to_stderr(&loaded.config.log);
    if let Some(problem) = check::unusable(&loaded) {
        return refuse(&problem);
    }
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
    }
    finish(|| sidecar(loaded))
}

#[tokio::main]
async fn sidecar(loaded: Loaded) -> anyhow::Result<()> {
    raise_limit();
    SidecarServer::bind(loaded.config).await?.run(stopped()?).await
}
