//! `callpop vault restore --mark-suspect`: says of every integration that it comes from a backup.
//! It needs the audit log for itself, which a server on this machine would hold.

use super::open::Opened;
use crate::{
    clock,
    sidecar::{
        audit::{self, Audit, AuditEvent},
        integration::Integration,
        integrations::ChangeError,
        machine::{Input, InputRefusal},
    },
};
use anyhow::{Context, bail};

pub(crate) async fn mark_suspect(opened: &Opened, print: impl Fn(String)) -> anyhow::Result<()> {
    // What is lost is an error of the note that lost it.
    let audit = Audit::open(&opened.data_dir.join(audit::FILE), clock::now(), &opened.tasks, |_| {})
        .context("stop every server that uses this store first")?;
    let (mut marked, mut already, mut others, mut bad) = (0, 0, 0, 0);
    for (whose, found) in opened.integrations.scan().await? {
        let changed = match found {
            Ok(found) => opened.integrations.change(&found.key, |_| Input::Restore).await,
            Err(error) => Err(error),
        };
        match changed {
            Ok(suspect) => {
                audit.note(event(suspect)).await?;
                marked += 1;
            }
            Err(ChangeError::Refused { refusal: InputRefusal::Known, stands }) if stands.is_restored => {
                already += 1
            }
            Err(ChangeError::Refused { .. }) => others += 1,
            Err(ChangeError::Store(error)) => bail!("broke off after {marked}: {error}; run it again"),
            Err(error) => {
                bad += 1;
                print(format!("bad       {whose}: {error}"));
            }
        }
    }
    print(format!("marked    {marked} integrations as suspect"));
    print(format!("already   {already}"));
    print(format!("others    {others} have no refresh token that is used"));
    if bad > 0 {
        bail!("{bad} rows cannot be read; nothing in them was changed");
    }
    Ok(())
}

fn event(of: Integration) -> AuditEvent {
    let Integration { key, consent, generation, .. } = of;
    AuditEvent {
        at: clock::now(),
        key,
        consent,
        generation,
        event: "marked_suspect",
        cause: Some("restored"),
    }
}
