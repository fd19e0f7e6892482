//! Tokens of an integration that was deactivated are revoked at the provider, where it has an
//! endpoint for that; tried a few times, and then wiped all the same.

use super::Rotation;
use crate::sidecar::{integration::Integration, machine::Input};
use std::time::Duration;
use tokio::time::sleep;

const MOST_TRIES: u32 = 4;
const AGAIN: Duration = Duration::from_secs(1);

impl Rotation {
    /// Revokes the tokens of an integration that is being deactivated, and wipes them.
    pub(super) async fn revoke(&self, found: &Integration) {
        let mut is_revoked = false;
        if let Some(token) = self.refresh_token(found) {
            for nth in 0..MOST_TRIES {
                is_revoked = self.provider.revoke(&token).await;
                if is_revoked || self.stop.is_cancelled() {
                    break;
                }
                sleep(AGAIN * nth).await;
            }
        }
        match self.directory.change(&found.key, |_| Input::Revoked { epoch: found.epoch }).await {
            Ok(wiped) => {
                self.note(&wiped, "wiped", if is_revoked { Some("revoked") } else { Some("not_revoked") })
                    .await
            }
            Err(error) => self.on_error(&error),
        }
    }
}
