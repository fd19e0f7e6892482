//! `callpop sidecar`: activation and tokens alone, until a signal stops it.

use super::serve::{ignore_hangup, start, stopped};
use crate::{
    config::{Config, Loaded},
    server::{SidecarServer, raise_limit},
};
use std::process::ExitCode;

/// Runs the sidecar.
pub(crate) fn run(loaded: Loaded) -> ExitCode {
    start(loaded, sidecar)
}

#[tokio::main]
async fn sidecar(config: Config) -> anyhow::Result<()> {
    ignore_hangup()?;
    raise_limit();
    SidecarServer::bind(config).await?.run(stopped()?).await
}
