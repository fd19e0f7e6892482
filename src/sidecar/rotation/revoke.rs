//! Tokens that are not to be used any more are revoked at the provider, where it has an endpoint
//! for that; tried a few times, and then wiped all the same.

use super::Rotation;
use crate::{
    id::SourceName,
    sidecar::{integration::Integration, machine::Input},
};
use secrecy::SecretString;
use std::time::Duration;
use tokio::time::sleep;

const MOST_TRIES: u32 = 4;
const AGAIN: Duration = Duration::from_secs(1);

impl Rotation {
    /// Revokes the tokens of an integration that is being deactivated, and wipes them. What could
    /// not be done before the process ends is done by the next.
    pub(super) async fn revoke(&self, found: &Integration) {
        let is_revoked = match self.refresh_token(found) {
            Some(token) => self.revoke_token(&found.key.source, &token).await,
            None => false,
        };
        if !is_revoked && self.stop.is_cancelled() {
            return;
        }
        match self.integrations.change(&found.key, |_| Input::Revoked { consent: found.consent }).await {
            Ok(wiped) => {
                let cause = if is_revoked { "revoked" } else { "not_revoked" };
                self.note(&wiped, "wiped", Some(cause)).await;
            }
            Err(error) => self.on_error(&found.key.source, &error),
        }
    }

    /// Revokes a token, with all that came of the same consent; false where that failed each time.
    pub(super) async fn revoke_token(&self, source: &SourceName, token: &SecretString) -> bool {
        let Some(provider) = self.providers.of(source) else { return false };
        for nth in 0..MOST_TRIES {
            if provider.revoke(token).await {
                return true;
            }
            if self.stop.is_cancelled() {
                break;
            }
            sleep(AGAIN * nth).await;
        }
        false
    }
}
