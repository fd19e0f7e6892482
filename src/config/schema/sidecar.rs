//! The keys of the sidecar. It is there where a provider's portal or a vault key is configured.

use super::{is_open_to_others, local, period};
use crate::config::{
    Durability, EngineKind, Part, Portal, Sidecar, SidecarMode,
    parse::{self, duration_of_at_least},
    reader::Reader,
};
use secrecy::SecretString;
use std::time::Duration;

/// Any of them says that there is to be a sidecar.
const TELLING: [&str; 5] = [
    "sidecar.vault_key",
    "sidecar.telsmart.portal_url",
    "sidecar.telsmart.client_id",
    "sidecar.telsmart.client_secret",
    "sidecar.telsmart.token_url",
];

const SECRET: [&str; 2] = ["sidecar.vault_key", "sidecar.telsmart.client_secret"];

pub(super) fn sidecar(reader: &mut Reader, part: Part, engine: &crate::config::Engine) -> Option<Sidecar> {
    let modes = [("embedded", SidecarMode::Embedded), ("separate", SidecarMode::Separate)];
    let is_wanted = TELLING.iter().any(|key| reader.is_given(key));
    let mode = reader.or("sidecar.mode", SidecarMode::Embedded, |given| parse::choice(given, &modes));
    let is_elsewhere = mode == SidecarMode::Separate && part == Part::Gateway;
    let listen = reader.or("sidecar.listen", local(8081), parse::socket);
    let url = reader.optional("sidecar.url", parse::web_url);
    let data_dir = reader.or("sidecar.data_dir", engine.data_dir.join("sidecar"), parse::path);
    let public_url = reader.optional("sidecar.public_url", parse::web_url);
    let service_token = reader.secret("sidecar.service_token", parse::text);
    // What the gateway has no business to know is not even read.
    for key in SECRET.into_iter().filter(|_| is_elsewhere) {
        reader.ignore(key);
    }
    let mut secret = |key| if is_elsewhere { None } else { reader.secret(key, parse::text) };
    let [vault_key, client_secret] = SECRET.map(&mut secret);
    if mode == SidecarMode::Separate && engine.kind != EngineKind::Redis {
        reader.refuse("sidecar.mode", "separate processes share a Redis: set engine.kind = \"redis\"");
    }
    let is_there = is_wanted || mode == SidecarMode::Separate || part == Part::Sidecar;
    if is_wanted && engine.kind == EngineKind::Redis && engine.durability == Durability::Memory {
        let message = "with a sidecar, a failover of Redis may lose a refresh token: set it to \"fsync\"";
        reader.warn("engine.durability", message);
    }
    // Of separate processes, the sidecar alone needs all of it.
    let is_needed = is_there && (mode == SidecarMode::Embedded || part == Part::Sidecar);
    let portal = portal(reader, is_needed, client_secret);
    if !is_there {
        return None;
    }
    if vault_key.is_none() && is_needed && !reader.has_problem("sidecar.vault_key") {
        reader.refuse(
            "sidecar.vault_key_file",
            "missing: a file with a line `id:base64 of 32 bytes`; `echo \"k1:$(openssl rand -base64 32)\"` makes one",
        );
    }
    let portal = portal?;
    Some(Sidecar { mode, listen, url, service_token, public_url, data_dir, vault_key, portal })
}

/// What is agreed with the provider; none of it is missed where it is not needed.
fn portal(reader: &mut Reader, is_needed: bool, client_secret: Option<SecretString>) -> Option<Portal> {
    let required =
        ["sidecar.telsmart.portal_url", "sidecar.telsmart.client_id", "sidecar.telsmart.token_url"];
    if is_needed {
        for key in required {
            if !reader.is_given(key) {
                reader.refuse(
                    key,
                    "missing: the sidecar needs what was agreed with the provider at onboarding",
                );
            }
        }
    }
    let portal_url = reader.optional("sidecar.telsmart.portal_url", parse::web_url);
    let slug = reader.or("sidecar.telsmart.slug", "callpop".to_owned(), parse::text);
    let client_id = reader.optional("sidecar.telsmart.client_id", parse::text);
    let token_url = reader.optional("sidecar.telsmart.token_url", parse::web_url);
    let revoke_url = reader.optional("sidecar.telsmart.revoke_url", parse::web_url);
    for (key, url) in
        [("sidecar.telsmart.token_url", &token_url), ("sidecar.telsmart.revoke_url", &revoke_url)]
    {
        if url.as_deref().is_some_and(is_open_to_others) {
            reader.warn(key, "not https: whoever is on the way to that host can read the tokens");
        }
    }
    let callback_secrets = reader.secrets("sidecar.telsmart.callback_secrets", parse::header_secret);
    if is_needed && callback_secrets.is_empty() {
        let message = "empty: nothing but the confirmation key then shows that a callback is the provider's";
        reader.warn("sidecar.telsmart.callback_secrets", message);
    }
    let contacts_url = reader.optional("sidecar.telsmart.contacts_url", parse::web_url);
    let header = "X-Callback-Secret".to_owned();
    let callback_header = reader.or("sidecar.telsmart.callback_header", header, parse::header_name);
    let reuse_grace = period(reader, "sidecar.telsmart.reuse_grace", 0, 0);
    let answer_timeout = timeout(reader, "sidecar.telsmart.answer_timeout", 10);
    let late_timeout = timeout(reader, "sidecar.telsmart.late_timeout", 120).max(answer_timeout);
    let consent_timeout = timeout(reader, "sidecar.telsmart.consent_timeout", 15 * 60);
    Some(Portal {
        portal_url: portal_url.or_else(|| (!is_needed).then(String::new))?.replace("{slug}", &slug),
        client_id: client_id.or_else(|| (!is_needed).then(String::new))?,
        client_secret,
        token_url: token_url.or_else(|| (!is_needed).then(String::new))?,
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

/// How long to wait, at least a little.
fn timeout(reader: &mut Reader, key: &str, default: u64) -> Duration {
    let least = Duration::from_millis(100);
    reader.or(key, Duration::from_secs(default), |given| duration_of_at_least(given, least))
}
