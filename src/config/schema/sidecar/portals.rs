//! The keys of `[sidecar.NAME]`: what is agreed with the provider that the source of that name is.

use crate::{
    config::{
        Part, Portal, Source, SourceKind,
        parse::{self, duration_of_at_least},
        reader::Reader,
        schema::{is_open_to_others, period, sources},
    },
    id::SourceName,
};
use secrecy::SecretString;
use std::time::Duration;

/// Any of them says that there is to be a sidecar.
const TELLING: [&str; 4] = ["portal_url", "client_id", "client_secret", "token_url"];
/// Those of them without which it cannot do anything.
const REQUIRED: [&str; 3] = ["portal_url", "client_id", "token_url"];

/// The sections that there are, or the one that is missed where there is none.
pub(super) struct Portals(Vec<Section>);

/// A section, and whose it is.
struct Section {
    name: String,
    /// None where there is no such source.
    source: Option<(SourceName, SourceKind)>,
}

impl Portals {
    pub(super) fn of(reader: &mut Reader, part: Part, sources: &[Source]) -> Self {
        let given = reader.sections_of("sidecar");
        if given.is_empty() {
            return Self(vec![Section::of(reader, part, sources, missed(sources))]);
        }
        let mut sections = Vec::new();
        for name in given {
            let section = Section::of(reader, part, sources, name);
            section.refuse_if_nobodys(reader);
            sections.push(section);
        }
        Self(sections)
    }

    /// Whether anything is given that nobody gives who wants no sidecar.
    pub(super) fn are_wanted(&self, reader: &Reader) -> bool {
        let is_told = |section: &Section| TELLING.iter().any(|name| reader.is_given(&section.key(name)));
        self.0.iter().any(is_told)
    }

    /// None where one of them lacks something.
    pub(super) fn read(
        self,
        reader: &mut Reader,
        is_needed: bool,
        is_elsewhere: bool,
    ) -> Option<Vec<Portal>> {
        let portals: Vec<_> =
            self.0.iter().map(|section| section.read(reader, is_needed, is_elsewhere)).collect();
        portals.into_iter().collect()
    }
}

/// The name of the section that is missed where there is none: the usual one, unless that is no source.
fn missed(sources: &[Source]) -> String {
    let is_usual = |source: &Source| source.name.as_str() == sources::USUAL;
    match sources.first() {
        Some(first) if !sources.iter().any(is_usual) => first.name.to_string(),
        _ => sources::USUAL.to_owned(),
    }
}

impl Section {
    fn of(reader: &Reader, part: Part, sources: &[Source], name: String) -> Self {
        let known = sources.iter().find(|source| source.name.as_str() == name);
        let known = known.map(|source| (source.name.clone(), source.kind));
        // A sidecar alone takes no webhooks, so it need not be told of what sends them.
        let named =
            || Some((SourceName::try_from(name.as_str()).ok()?, sources::kind_called(reader, &name)?));
        let source = known.or_else(|| if part == Part::Sidecar { named() } else { None });
        Self { name, source }
    }

    /// A source that is there, but wrong, is complained of already.
    fn refuse_if_nobodys(&self, reader: &mut Reader) {
        let name = &self.name;
        if self.source.is_none() && !reader.has_problem(&format!("sources.{name}")) {
            let message = format!("[sidecar.{name}] belongs to [sources.{name}], which there is not");
            reader.refuse(&format!("sidecar.{name}"), message);
        }
    }

    fn key(&self, name: &str) -> String {
        format!("sidecar.{}.{name}", self.name)
    }

    /// None of it is missed where it is not needed.
    fn read(&self, reader: &mut Reader, is_needed: bool, is_elsewhere: bool) -> Option<Portal> {
        let is_needed = is_needed && self.source.is_some();
        if is_needed {
            self.refuse_missing(reader);
        }
        let text = |given: Option<String>| given.or_else(|| (!is_needed).then(String::new));
        let portal_url = reader.optional(&self.key("portal_url"), parse::web_url);
        let slug = reader.or(&self.key("slug"), "callpop".to_owned(), parse::text);
        let client_id = reader.optional(&self.key("client_id"), parse::text);
        let client_secret = self.client_secret(reader, is_elsewhere);
        let token_url = self.url_of_tokens(reader, "token_url");
        let revoke_url = self.url_of_tokens(reader, "revoke_url");
        let contacts_url = reader.optional(&self.key("contacts_url"), parse::web_url);
        let callback_secrets = self.callback_secrets(reader, is_needed);
        let header = "X-Callback-Secret".to_owned();
        let callback_header = reader.or(&self.key("callback_header"), header, parse::header_name);
        let reuse_grace = period(reader, &self.key("reuse_grace"), 0, 0);
        let answer_timeout = self.timeout(reader, "answer_timeout", 10);
        let late_timeout = self.timeout(reader, "late_timeout", 120).max(answer_timeout);
        let consent_timeout = self.timeout(reader, "consent_timeout", 15 * 60);
        let (source, kind) = self.source.clone()?;
        Some(Portal {
            source,
            kind,
            portal_url: text(portal_url)?.replace("{slug}", &slug),
            client_id: text(client_id)?,
            client_secret,
            token_url: text(token_url)?,
            revoke_url,
            contacts_url,
            callback_header,
            callback_secrets,
            reuse_grace,
            answer_timeout,
            late_timeout,
            consent_timeout,
        })
    }

    fn refuse_missing(&self, reader: &mut Reader) {
        for key in REQUIRED.map(|name| self.key(name)) {
            if !reader.is_given(&key) {
                let message = "missing: the sidecar needs what was agreed with the provider at onboarding";
                reader.refuse(&key, message);
            }
        }
    }

    /// What the gateway has no business to know is not even read.
    fn client_secret(&self, reader: &mut Reader, is_elsewhere: bool) -> Option<SecretString> {
        let key = self.key("client_secret");
        if is_elsewhere {
            reader.ignore(&key);
            return None;
        }
        reader.secret(&key, parse::text)
    }

    fn url_of_tokens(&self, reader: &mut Reader, name: &str) -> Option<String> {
        let url = reader.optional(&self.key(name), parse::web_url);
        if url.as_deref().is_some_and(is_open_to_others) {
            let message = "not https: whoever is on the way to that host can read the tokens";
            reader.warn(&self.key(name), message);
        }
        url
    }

    fn callback_secrets(&self, reader: &mut Reader, is_needed: bool) -> Vec<SecretString> {
        let key = self.key("callback_secrets");
        let secrets = reader.secrets(&key, parse::header_secret);
        if is_needed && secrets.is_empty() {
            let message =
                "empty: nothing but the confirmation key then shows that a callback is the provider's";
            reader.warn(&key, message);
        }
        secrets
    }

    /// How long to wait, at least a little.
    fn timeout(&self, reader: &mut Reader, name: &str, default: u64) -> Duration {
        let least = Duration::from_millis(100);
        reader.or(&self.key(name), Duration::from_secs(default), |given| duration_of_at_least(given, least))
    }
}
