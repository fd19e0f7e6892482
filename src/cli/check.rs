//! `callpop check`: what is wrong with a configuration.

use crate::{
    auth,
    config::{AuthKey, Findings, Loaded},
    directories,
    sidecar::vault::Ring,
};
use std::fmt::Display;

/// What to print on stdout, and the exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) text: String,
    /// 0 or 2.
    pub(crate) exit_code: u8,
}

/// Reports on what [`crate::config::load`] gave. Every line is a problem, a warning, or the
/// last one, which says whether the configuration can be used.
pub(crate) fn check(loaded: &Result<Loaded, Findings>) -> Report {
    let (problems, warnings): (Vec<String>, _) = match loaded {
        Err(found) => (found.problems.iter().map(ToString::to_string).collect(), &found.warnings),
        Ok(loaded) => (unusable(loaded).into_iter().chain(bad_directory(loaded)).collect(), &loaded.warnings),
    };
    let mut text = lines("problem", &problems) + &lines("warning", warnings);
    let (verdict, exit_code) = match problems.len() {
        0 => ("the configuration is fine".to_owned(), 0),
        1 => ("the configuration cannot be used: 1 problem".to_owned(), 2),
        many => (format!("the configuration cannot be used: {many} problems"), 2),
    };
    text.push_str(&verdict);
    text.push('\n');
    Report { text, exit_code }
}

/// What a configuration asks for in good form, but cannot have: the key that verifies tokens is
/// read for good by [`auth`] only,
/// and the key ring by the vault.
pub(crate) fn unusable(loaded: &Loaded) -> Option<String> {
    let key = loaded.config.sidecar.as_ref().and_then(|sidecar| sidecar.vault_key.as_ref());
    if let Some(Err(error)) = key.map(Ring::parse) {
        return Some(format!("sidecar.vault_key_file: {error}"));
    }
    let error = auth::check(&loaded.config.auth).err()?;
    let key = match loaded.config.auth.key {
        AuthKey::Hs256(_) => "auth.hs256_secret",
        AuthKey::JwksUrl(_) => "auth.jwks_url",
        AuthKey::PublicKey(_) => "auth.public_key_file",
    };
    Some(format!("{key}: {error}"))
}

/// The same of the file of directories, which only those need who serve.
pub(crate) fn bad_directory(loaded: &Loaded) -> Option<String> {
    directories::check(&loaded.config.directory).err().map(|error| format!("directory.file: {error}"))
}

fn lines(label: &str, items: &[impl Display]) -> String {
    items.iter().map(|item| format!("{label}: {item}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Part, load};

    fn report(variables: &[(&str, &str)]) -> Report {
        let variables = variables.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        check(&load(&crate::source::KINDS, Part::Whole, None, variables))
    }

    #[test]
    fn a_sound_configuration_is_0_and_warnings_do_not_change_that() {
        let sound = report(&[
            ("CALLPOP_AUTH__HS256_SECRET", "0123456789abcdef0123456789abcdef"),
            ("CALLPOP_SOURCES__TELSMART__SECRETS", "s3cret"),
        ]);
        assert_eq!(sound, Report { text: "the configuration is fine\n".to_owned(), exit_code: 0 });
        let short = report(&[
            ("CALLPOP_AUTH__HS256_SECRET", "shortie"),
            ("CALLPOP_SOURCES__TELSMART__SECRETS", "s3cret"),
        ]);
        assert_eq!(short.exit_code, 0);
        assert!(short.text.starts_with("warning: auth.hs256_secret: "), "{}", short.text);
        assert!(!short.text.contains("shortie"));
    }

    #[test]
    fn every_problem_is_a_line_and_the_code_is_2() {
        let report = report(&[
            ("CALLPOP_ENGINE__KIND", "reddis"),
            ("CALLPOP_AUTH__PUBLIC_KEY", "-----BEGIN PUBLIC KEY-----"),
        ]);
        assert_eq!(report.exit_code, 2);
        assert_eq!(
            report.text,
            "problem: engine.kind = \"reddis\" (from CALLPOP_ENGINE__KIND): not one of \"embedded\", \
             \"redis\"; did you mean \"redis\"?\n\
             problem: sources.telsmart.secrets: missing or empty: give at least one value of the \
             header agreed with the provider, or of bearer or basic\n\
             the configuration cannot be used: 2 problems\n"
        );
    }

    #[test]
    fn a_public_key_that_is_none_is_a_problem() {
        let report = report(&[
            ("CALLPOP_AUTH__PUBLIC_KEY", "-----BEGIN PUBLIC KEY-----"),
            ("CALLPOP_SOURCES__TELSMART__SECRETS", "s3cret"),
        ]);
        assert_eq!(report.exit_code, 2);
        assert!(report.text.starts_with("problem: auth.public_key_file: "), "{}", report.text);
    }
}
