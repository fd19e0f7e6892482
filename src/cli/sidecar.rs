//! `callpop sidecar`: activation and tokens alone, until a signal stops it.

use super::serve::{ignore_hangup, start, stopped};
use crate::{
    config::Loaded,
    server::{SidecarServer, raise_limit},
};
use std::process::ExitCode;

/// Runs the sidecar.
pub(crate) fn run(loaded: Loaded) -> ExitCode {
    start(loaded, sidecar)
}

#[tokio::main]
async fn sidecar(loaded: Loaded) -> anyhow::Result<()> {
    ignore_hangup()?;
    raise_limit();
    SidecarServer::bind(loaded).await?.run(stopped()?).await
}
