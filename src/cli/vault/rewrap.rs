//! `callpop vault rewrap`: the data keys of all tokens, wrapped by the first key. A record that a
//! server changes meanwhile is read again, and what is done already is left alone.

use super::{
    open::{Opened, sealed},
    why,
};
use crate::sidecar::{
    answers,
    integration::{Integration, Key, Tokens},
    integrations::ChangeError,
    machine::Input,
    vault::{Vault, VaultError},
};
use anyhow::bail;
use std::collections::BTreeMap;

#[derive(Default)]
struct Count {
    rewrapped: usize,
    already: usize,
    /// By key, and why.
    failed: BTreeMap<(String, &'static str), usize>,
}

/// Why an integration is not rewrapped.
#[derive(Debug, thiserror::Error)]
enum NotRewrapped {
    #[error("every token is under the first key")]
    Already,
    #[error("key {key:?}: {error}")]
    Sealed { key: String, error: VaultError },
    #[error(transparent)]
    Change(#[from] ChangeError),
}

pub(crate) async fn rewrap(opened: &Opened, print: impl Fn(String)) -> anyhow::Result<()> {
    let mut count = Count::default();
    let mut broke_off = None;
    for (whose, found) in opened.integrations.scan().await? {
        match found {
            Ok(found) if found.tokens.is_none() => {}
            Ok(found) => {
                let done = one(opened, &found.key).await;
                if let Err(NotRewrapped::Change(ChangeError::Store(error))) = done {
                    broke_off = Some(error);
                    break;
                }
                count.add(&whose, done, &print);
            }
            Err(error) => count.add(&whose, Err(error.into()), &print),
        }
    }
    let first = opened.vault.sealing_key();
    print(format!("rewrapped {} integrations by the key {first:?}", count.rewrapped));
    print(format!("already   {}", count.already));
    let failed: usize = count.failed.values().sum();
    print(format!("failed    {failed}"));
    for ((key, why), many) in &count.failed {
        print(format!("failed    {many} under the key {key:?}: {why}"));
    }
    let kept = answers::look(&opened.data_dir.join("journal"))?.entries.len();
    print(format!(
        "kept      {kept} responses in this machine's journal keep their key until they are replayed"
    ));
    if let Some(error) = broke_off {
        bail!("broke off: {error}; run it again, it does the rest");
    }
    if failed > 0 {
        bail!("{failed} integrations are not rewrapped: remove no key from the ring");
    }
    Ok(())
}

async fn one(opened: &Opened, key: &Key) -> Result<(), NotRewrapped> {
    let make = |stands: &Integration| {
        let was = stands.tokens.clone().ok_or(NotRewrapped::Already)?;
        let tokens = wrapped_anew(&opened.vault, stands, &was)?;
        Ok::<_, NotRewrapped>(Input::Rewrap { was, tokens })
    };
    opened.integrations.try_change(key, make).await.map(drop)
}

/// The tokens under the first key.
fn wrapped_anew(vault: &Vault, stands: &Integration, was: &Tokens) -> Result<Tokens, NotRewrapped> {
    let [access, refresh] = sealed(stands, was).map(|(_, label, sealed)| {
        let key = || sealed.key_id().to_owned();
        vault.rewrap(&label, sealed).map_err(|error| NotRewrapped::Sealed { key: key(), error })
    });
    match (access?, refresh?) {
        (None, None) => Err(NotRewrapped::Already),
        (access, refresh) => Ok(Tokens {
            access: access.unwrap_or_else(|| was.access.clone()),
            refresh: refresh.unwrap_or_else(|| was.refresh.clone()),
            ..*was
        }),
    }
}

impl Count {
    fn add(&mut self, whose: &str, done: Result<(), NotRewrapped>, print: impl Fn(String)) {
        let (key, why) = match &done {
            Ok(()) => return self.rewrapped += 1,
            Err(NotRewrapped::Already) => return self.already += 1,
            Err(NotRewrapped::Sealed { key, error }) => (key.clone(), why(error)),
            Err(NotRewrapped::Change(ChangeError::Misplaced)) => ("?".into(), "the row is another user's"),
            Err(NotRewrapped::Change(_)) => ("?".into(), "the row cannot be read"),
        };
        print(format!("bad       {whose}, key {key:?}: {why}"));
        *self.failed.entry((key, why)).or_default() += 1;
    }
}
