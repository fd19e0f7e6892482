//! Why the simulator does not begin.

use super::{scenario::ScenarioError, sender::SenderError};
use std::{io, path::PathBuf};

/// Why there is nothing to play, or nobody to play it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SimulatorError {
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    #[error(transparent)]
    Sender(#[from] SenderError),
    #[error("the listener failed: {0}")]
    Listener(#[from] io::Error),
    #[error("--truth {path:?}: {source}")]
    Truth { path: PathBuf, source: io::Error },
    #[error("--to: {0}")]
    Output(io::Error),
}
