//! What was agreed with the simulated Telsmart at onboarding, and how strict it is.

use crate::simulator::play::duration;
use secrecy::SecretString;
use std::time::Duration;

const HEADER: &str = "X-Callback-Secret";
const CLIENT_ID: &str = "callpop";
const CLIENT_SECRET: &str = "simulated-client-secret";
const SLUG: &str = "callpop";
const ACCESS_TOKEN_LIFE: &str = "5m";
const REUSE_GRACE: &str = "0s";

/// What was exchanged at onboarding.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "With --listen: activation and tokens")]
#[group(requires = "listen")]
pub(crate) struct TelsmartOptions {
    /// Where consents are announced; none: /integrations/telsmart/activate at the gateway
    #[arg(long, value_name = "URL")]
    pub(crate) activation_url: Option<String>,
    /// Where a disconnected user is announced; none: /integrations/telsmart/deactivate at the gateway
    #[arg(long, value_name = "URL")]
    pub(crate) deactivation_url: Option<String>,
    /// The validation header of both
    #[arg(long, value_name = "NAME", default_value = HEADER)]
    pub(crate) callback_header: String,
    /// Its value; none: the header is not sent
    #[arg(long, value_name = "SECRET")]
    pub(crate) callback_secret: Option<SecretString>,
    /// Who may refresh tokens
    #[arg(long, value_name = "ID", default_value = CLIENT_ID)]
    pub(crate) client_id: String,
    /// With which secret
    #[arg(long, value_name = "SECRET", default_value = CLIENT_SECRET)]
    pub(crate) client_secret: SecretString,
    /// The integration's name in the portal's address
    #[arg(long, value_name = "SLUG", default_value = SLUG, value_parser = slug)]
    pub(crate) slug: String,
    /// How long an access token is good for; at least 1s
    #[arg(long, value_name = "DUR", default_value = ACCESS_TOKEN_LIFE, value_parser = life)]
    pub(crate) access_token_life: Duration,
    /// How long a consumed refresh token still gives a further pair
    #[arg(long, value_name = "DUR", default_value = REUSE_GRACE, value_parser = duration)]
    pub(crate) reuse_grace: Duration,
}

impl TelsmartOptions {
    /// The path of the page that shows who is connected.
    pub(crate) fn connections(&self) -> String {
        format!("/mytelsmart/{}/connections", self.slug)
    }

    /// What is served where: paths, and what to do with them.
    pub(crate) fn addresses(&self) -> [(String, &'static str); 5] {
        let portal = format!("/mytelsmart/{}", self.slug);
        [
            (self.connections(), "who is connected: open this"),
            (portal, "portal_url, the consent page"),
            ("/oauth/token".to_owned(), "token_url; /oauth/revoke beside it"),
            ("/api/v1/contacts".to_owned(), "the phonebook, for a valid access token"),
            ("/telsmart/families".to_owned(), "what became of every token"),
        ]
    }
}

impl Default for TelsmartOptions {
    fn default() -> Self {
        Self {
            activation_url: None,
            deactivation_url: None,
            callback_header: HEADER.to_owned(),
            callback_secret: None,
            client_id: CLIENT_ID.to_owned(),
            client_secret: CLIENT_SECRET.into(),
            slug: SLUG.to_owned(),
            access_token_life: Duration::from_secs(300),
            reuse_grace: Duration::ZERO,
        }
    }
}

fn slug(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let is_slug = (1..=64).contains(&text.len()) && text.chars().all(allowed);
    is_slug.then(|| text.to_owned()).ok_or_else(|| "must be 1 to 64 letters, digits, - or _".to_owned())
}

fn life(text: &str) -> Result<Duration, String> {
    let life = duration(text)?;
    if life < Duration::from_secs(1) { Err("must be at least 1s".to_owned()) } else { Ok(life) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Cli {
        #[arg(long)]
        listen: Option<String>,
        #[command(flatten)]
        telsmart: TelsmartOptions,
    }

    fn parse(text: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(["simulate"].into_iter().chain(text.split_whitespace()))
    }

    #[test]
    fn the_default_is_what_the_command_line_has() {
        let parsed = parse("").unwrap();
        assert!(parsed.listen.is_none());
        assert_eq!(format!("{:?}", parsed.telsmart), format!("{:?}", TelsmartOptions::default()));
    }

    #[test]
    fn options_are_checked_and_secrets_not_shown() {
        let all = "--listen a --slug My_1-app --access-token-life 2s --reuse-grace 500ms --client-secret hidden --callback-secret hidden";
        let options = parse(all).unwrap().telsmart;
        assert_eq!(options.access_token_life, Duration::from_secs(2));
        assert_eq!(options.reuse_grace, Duration::from_millis(500));
        assert!(!format!("{options:?}").contains("hidden"));
        for bad in [
            "--listen a --slug a/b",
            "--listen a --access-token-life 999ms",
            "--slug alone",
            "--client-id alone",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
