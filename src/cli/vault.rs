//! `callpop vault`: looks after what is sealed, in the store of a server that may be running. It
//! shows ids of tenants, extensions and keys, and never what is sealed.

mod open;
mod restore;
mod rewrap;
mod verify;

use super::{
    check, refuse,
    serve::{finish, log_to_stderr},
};
use crate::{config::Loaded, sidecar::vault::VaultError};
use open::Opened;
use std::process::ExitCode;

/// Why nothing is restored without the word for it.
pub(crate) const NOT_MARKED: &str = "vault restore needs --mark-suspect. It puts no backup back: stop every server, put the \
     backup back, then run it with --mark-suspect, and start. Refresh tokens of a backup may be consumed, and to send \
     a consumed one can end the user's consent; what is marked is vended while its access token is good, and \
     refreshed once, shortly before that ends.";

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    Rewrap,
    Verify,
    MarkSuspect,
}

/// Does it; `print` gets the results, a line each.
pub(crate) fn run(loaded: &Loaded, work: Work, print: impl Fn(String)) -> ExitCode {
    log_to_stderr(&loaded.config.log);
    if let Some(problem) = check::unusable(loaded) {
        return refuse(&problem);
    }
    finish(|| work_on(loaded, work, print))
}

#[tokio::main]
async fn work_on(loaded: &Loaded, work: Work, print: impl Fn(String)) -> anyhow::Result<()> {
    let opened = Opened::open(&loaded.config).await?;
    match work {
        Work::Rewrap => rewrap::rewrap(&opened, print).await,
        Work::Verify => verify::verify(&opened, print).await,
        Work::MarkSuspect => restore::mark_suspect(&opened, print).await,
    }
}

/// Why something sealed does not open, in few words.
fn why(error: &VaultError) -> &'static str {
    match error {
        VaultError::UnknownKey(_) => "the ring has no such key",
        VaultError::Damaged => "damaged, moved from elsewhere, or sealed by another key of that id",
    }
}
