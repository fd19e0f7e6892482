//! `callpop vault verify`: whether everything sealed opens where it stands, by which keys, and
//! whether the audit log is whole.

use super::{
    open::{Opened, sealed},
    why,
};
use crate::sidecar::{
    answers,
    audit::{self, AuditError, Verified},
    integrations::ChangeError,
    rotation::label,
    vault::{Kind, VaultError},
};
use anyhow::bail;
use std::{collections::BTreeMap, path::Path, time::Duration};
use tokio::time::sleep;

/// While a line is being written it looks torn.
const LOOKS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(100);

/// Sealed texts under one key.
#[derive(Default)]
struct Under {
    open: usize,
    shut: usize,
}

#[derive(Default)]
struct Verdict {
    by_key: BTreeMap<String, Under>,
    /// What cannot be opened or read.
    bad: usize,
}

pub(crate) async fn verify(opened: &Opened, print: impl Fn(String)) -> anyhow::Result<()> {
    let mut found = Verdict::default();
    let stored = opened.integrations.scan().await?;
    let integrations = stored.len();
    for (whose, read) in stored {
        let read = match read {
            Ok(read) => read,
            Err(error) => {
                found.bad += 1;
                let why = match error {
                    ChangeError::Misplaced => "the row is another user's",
                    _ => "the row cannot be read",
                };
                print(format!("bad       {whose}: {why}"));
                continue;
            }
        };
        for (what, label, sealed) in read.tokens.iter().flat_map(|tokens| sealed(&read, tokens)) {
            let went = opened.vault.open(&label, sealed).map(drop);
            found.add(&whose, what, sealed.key_id(), went, &print);
        }
    }
    let kept = answers::look(&opened.data_dir.join(answers::FOLDER))?;
    let responses = kept.entries.len();
    for entry in kept.entries {
        let key = &entry.key;
        let label = label(key, Kind::Response, entry.consent, entry.generation);
        let went = opened.vault.open(&label, &entry.body).map(drop);
        let whose = key.to_string();
        found.add(&whose, "kept response", entry.body.key_id(), went, &print);
    }
    for (key, Under { open, shut }) in &found.by_key {
        let role = if key == opened.vault.sealing_key() { ", which seals" } else { "" };
        print(format!("key       {key:?}{role}: {open} open, {shut} cannot be opened"));
    }
    print(format!("found     {integrations} integrations, {responses} kept responses on this machine"));
    if kept.damaged > 0 {
        found.bad += kept.damaged;
        print(format!("bad       {} files of the journal cannot be read", kept.damaged));
    }
    let log = opened.data_dir.join(audit::FILE);
    if log.exists() {
        match verify_log(&log).await {
            Ok(Verified { entries, head }) => print(format!("audit     {entries} events, head {head}")),
            Err(error) => {
                found.bad += 1;
                print(format!("bad       {error}"));
            }
        }
    } else {
        print("audit     there is no log on this machine".to_owned());
    }
    if found.bad > 0 {
        bail!("{} things are not as they should be; nothing was changed", found.bad);
    }
    Ok(())
}

async fn verify_log(path: &Path) -> Result<Verified, AuditError> {
    for _ in 1..LOOKS {
        match audit::verify(path) {
            Err(AuditError::Broken { .. }) => sleep(PAUSE).await,
            other => return other,
        }
    }
    audit::verify(path)
}

impl Verdict {
    fn add(
        &mut self,
        whose: &str,
        what: &str,
        key: &str,
        went: Result<(), VaultError>,
        print: impl Fn(String),
    ) {
        let under = self.by_key.entry(key.to_owned()).or_default();
        match went {
            Ok(()) => under.open += 1,
            Err(error) => {
                under.shut += 1;
                self.bad += 1;
                print(format!("bad       {whose}: {what}, key {key:?}: {}", why(&error)));
            }
        }
    }
}
