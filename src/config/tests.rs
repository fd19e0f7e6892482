//! The configuration as its users see it: a file, variables, and what comes of them.

use super::{reader::Reader, *};
use secrecy::ExposeSecret;
use std::collections::BTreeSet;

mod sources;

const SECRET: &str = "0123456789abcdef-hidden-0123456789";

/// Every key with a TOML value and the same as a variable.
const KEYS: &[(&str, &str, &str)] = &[
    ("listen", "\"127.0.0.1:1\"", "127.0.0.1:1"),
    ("admin_listen", "\"127.0.0.1:2\"", "127.0.0.1:2"),
    ("operator_listen", "\"127.0.0.1:4\"", "127.0.0.1:4"),
    ("public_url", "\"https://pop.example\"", "https://pop.example"),
    ("trusted_proxies", "[\"10.0.0.0/8\", \"::1\"]", "10.0.0.0/8, ::1"),
    ("engine.kind", "\"redis\"", "redis"),
    ("engine.data_dir", "\"/data\"", "/data"),
    ("engine.durability", "\"memory\"", "memory"),
    ("engine.unready_after", "\"30s\"", "30s"),
    ("engine.redis_url", "\"rediss://a:1,redis://b:2\"", "rediss://a:1,redis://b:2"),
    ("engine.redis_prefix", "\"desk\"", "desk"),
    ("engine.redis_master", "\"main\"", "main"),
    ("engine.redis_sentinel_user", "\"watch\"", "watch"),
    ("engine.redis_sentinel_password", "\"s\"", "s"),
    ("engine.redis_ca", "\"-----BEGIN CERTIFICATE-----\"", "-----BEGIN CERTIFICATE-----"),
    ("engine.redis_require_aof", "false", "false"),
    ("engine.redis_wait_replicas", "2", "2"),
    ("auth.hs256_secret", "\"0123456789abcdef0123456789abcdef\"", "0123456789abcdef0123456789abcdef"),
    ("auth.jwks_url", "\"https://id.example/keys\"", "https://id.example/keys"),
    ("auth.public_key", "\"PEM\"", "PEM"),
    ("auth.audience", "\"callpop\"", "callpop"),
    ("auth.issuer", "\"https://id.example\"", "https://id.example"),
    ("auth.allowed_origins", "[\"https://a\", \"http://b:1\"]", "https://a,http://b:1"),
    ("sources.telsmart.header", "\"X-Secret\"", "X-Secret"),
    ("sources.telsmart.secrets", "[\"one\", \"two\"]", "one,two"),
    ("sources.telsmart.bearer", "[\"three\", \"four\"]", "three,four"),
    ("sources.telsmart.basic", "[\"user:five\", \"user:six\"]", "user:five,user:six"),
    ("sources.telsmart.allow_ips", "[\"192.0.2.1\"]", "192.0.2.1"),
    ("sources.telsmart.rate_limit", "9", "9"),
    ("sources.telsmart.max_body", "\"2MiB\"", "2MiB"),
    ("sources.telsmart.country", "\"1\"", "1"),
    ("sources.telsmart.outside_prefix", "\"9\"", "9"),
    ("sources.telsmart.kind", "\"telsmart\"", "telsmart"),
    ("sources.telsmart.tenant_id", "\"t3\"", "t3"),
    ("sources.telsmart.tenants", "[\"t1\", \"t2\"]", "t1,t2"),
    ("engine.settle_after", "\"37s\"", "37s"),
    ("engine.file_bytes", "65537", "65537"),
    ("sessions.max", "2000", "2000"),
    ("sessions.max_per_user", "3", "3"),
    ("sessions.max_frames_per_second", "4", "4"),
    ("sessions.heartbeat", "\"31s\"", "31s"),
    ("sessions.write_timeout", "\"32s\"", "32s"),
    ("calls.keep_ended", "\"33d\"", "33d"),
    ("calls.recent_per_user", "5", "5"),
    ("calls.recent_per_tenant", "6", "6"),
    ("calls.require_activation", "false", "false"),
    ("calls.dispositions", "[\"Resolved\", \"Call back\"]", "Resolved,Call back"),
    ("calls.ringing_stale_after", "\"34s\"", "34s"),
    ("calls.active_stale_after", "\"35s\"", "35s"),
    ("calls.expire_after", "\"36s\"", "36s"),
    ("directory.file", "\"/directory.csv\"", "/directory.csv"),
    ("board.enabled", "false", "false"),
    ("board.time_zone", "\"Asia/Kathmandu\"", "Asia/Kathmandu"),
    ("board.time_zones", "[\"t=UTC\"]", "t=UTC"),
    ("board.answer_within", "\"15s\"", "15s"),
    ("board.short", "\"3s\"", "3s"),
    ("board.keep_days", "36", "36"),
    ("board.agents_see", "\"states\"", "states"),
    ("board.alarms", "[\"on_hold>=3@1\"]", "on_hold>=3@1"),
    ("displays.unused", "\"55d\"", "55d"),
    ("displays.people", "true", "true"),
    ("sidecar.mode", "\"separate\"", "separate"),
    ("sidecar.listen", "\"127.0.0.1:3\"", "127.0.0.1:3"),
    ("sidecar.vault_key", "\"k\"", "k"),
    ("sidecar.url", "\"http://s:3\"", "http://s:3"),
    ("sidecar.service_token", "\"t\"", "t"),
    ("sidecar.data_dir", "\"/sidecar\"", "/sidecar"),
    ("sidecar.telsmart.portal_url", "\"https://p/{slug}\"", "https://p/{slug}"),
    ("sidecar.telsmart.slug", "\"s\"", "s"),
    ("sidecar.telsmart.client_id", "\"i\"", "i"),
    ("sidecar.telsmart.client_secret", "\"c\"", "c"),
    ("sidecar.telsmart.token_url", "\"https://t\"", "https://t"),
    ("sidecar.telsmart.revoke_url", "\"https://r\"", "https://r"),
    ("sidecar.telsmart.contacts_url", "\"https://c\"", "https://c"),
    ("sidecar.telsmart.answer_timeout", "\"3s\"", "3s"),
    ("sidecar.telsmart.late_timeout", "\"4s\"", "4s"),
    ("sidecar.telsmart.consent_timeout", "\"5s\"", "5s"),
    ("sidecar.telsmart.callback_header", "\"X-C\"", "X-C"),
    ("sidecar.telsmart.callback_secrets", "[\"x\"]", "x"),
    ("sidecar.telsmart.reuse_grace", "\"0s\"", "0s"),
    ("notices.recent_per_user", "53", "53"),
    ("notices.keep", "\"54m\"", "54m"),
    ("notices.supervisors", "true", "true"),
    ("shutdown.delay", "\"37s\"", "37s"),
    ("shutdown.spread", "\"38s\"", "38s"),
    ("shutdown.grace", "\"39s\"", "39s"),
    ("log.format", "\"json\"", "json"),
    ("log.filter", "\"callpop=debug\"", "callpop=debug"),
];

const KINDS: &[SourceKind] = &[SourceKind("telsmart"), SourceKind("callpop")];

/// The two values without which nothing works.
const REQUIRED: &str = "auth.hs256_secret = \"0123456789abcdef-hidden-0123456789\"
    sources.telsmart.secrets = [\"telsmart-hidden\"]\n";

fn read(toml: &str, variables: &[(&str, &str)]) -> Result<Loaded, Findings> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("callpop.toml");
    std::fs::write(&file, toml).unwrap();
    load(
        KINDS,
        Part::Whole,
        Some(&file),
        variables.iter().map(|(name, value)| (name.to_string(), value.to_string())),
    )
}

fn lines(result: Result<Loaded, Findings>) -> Vec<String> {
    result.unwrap_err().problems.iter().map(ToString::to_string).collect()
}

/// The one problem of a configuration that is sound otherwise.
fn problem(toml: &str, variables: &[(&str, &str)]) -> String {
    let found = lines(read(&format!("{REQUIRED}{toml}"), variables));
    assert_eq!(found.len(), 1, "{found:?}");
    found.into_iter().next().unwrap()
}

fn warnings(toml: &str) -> Vec<String> {
    let loaded = read(&format!("{REQUIRED}{toml}"), &[]).unwrap();
    loaded.warnings.iter().map(ToString::to_string).collect()
}

fn variable(key: &str) -> String {
    format!("CALLPOP_{}", key.replace('.', "__").to_uppercase())
}

/// All keys but the alternatives to one of the keys that verify tokens.
fn keys_with(auth_key: &str) -> impl Iterator<Item = &'static (&'static str, &'static str, &'static str)> {
    let others = ["auth.hs256_secret", "auth.jwks_url", "auth.public_key"];
    KEYS.iter().filter(move |(key, _, _)| *key == auth_key || !others.contains(key))
}

#[test]
fn the_table_of_this_test_has_every_key() {
    let mut reader = Reader::new(Tree::default(), KINDS);
    schema::config(&mut reader, Part::Whole);
    let known: BTreeSet<_> = reader.known().iter().map(String::as_str).collect();
    assert_eq!(known.len(), reader.known().len(), "a key is taken twice");
    assert_eq!(known, KEYS.iter().map(|(key, _, _)| *key).collect());
}

#[test]
fn every_key_means_the_same_in_the_file_in_a_variable_and_in_a_file_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    for auth_key in ["auth.hs256_secret", "auth.jwks_url", "auth.public_key"] {
        let toml: String = keys_with(auth_key).map(|(key, value, _)| format!("{key} = {value}\n")).collect();
        let variables: Vec<_> =
            keys_with(auth_key).map(|(key, _, value)| (variable(key), value.to_string())).collect();
        let pointers: Vec<_> = keys_with(auth_key)
            .map(|(key, toml, value)| {
                let path = folder.path().join(key);
                let is_list = toml.starts_with('[');
                let content = if is_list { value.replace(',', "\n") } else { format!("{value}\n") };
                std::fs::write(&path, content).unwrap();
                (format!("{}_FILE", variable(key)), path.display().to_string())
            })
            .collect();
        let from_toml = read(&toml, &[]).unwrap();
        let from_variables = load(KINDS, Part::Whole, None, variables.into_iter()).unwrap();
        let from_files = load(KINDS, Part::Whole, None, pointers.into_iter()).unwrap();
        let shown = format!("{:?}", from_toml.config);
        assert_eq!(shown, format!("{:?}", from_variables.config));
        assert_eq!(shown, format!("{:?}", from_files.config));
        assert_eq!(from_toml.config.sessions.heartbeat, Duration::from_secs(31));
        assert_eq!(from_files.config.sources[0].secrets[1].expose_secret(), "two");
        assert_eq!(from_files.config.engine.redis_url.expose_secret(), "rediss://a:1,redis://b:2");
    }
}

#[test]
fn what_the_contract_shows_is_accepted() {
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), "k1:…").unwrap();
    let example = r#"
        listen = "127.0.0.1:8080"
        admin_listen = "127.0.0.1:9090"
        trusted_proxies = []
        [engine]
        kind = "embedded"
        data_dir = "./callpop-data"
        durability = "fsync"
        redis_url = "redis://127.0.0.1:6379"
        [auth]
        hs256_secret = "…"
        allowed_origins = ["http://127.0.0.1:8080"]
        [sources.telsmart]
        header = "X-Webhook-Secret"
        secrets = ["…"]
        allow_ips = []
        rate_limit = 0
        [sessions]
        max_per_user = 32
        max_frames_per_second = 50
        [calls]
        keep_ended = "7d"
        recent_per_user = 50
        recent_per_tenant = 500
        require_activation = false
        ringing_stale_after = "3m"
        active_stale_after = "4h"
        expire_after = "12h"
        [sidecar]
        mode = "embedded"
        listen = "127.0.0.1:8081"
        vault_key_file = "…"
        [sidecar.telsmart]
        portal_url = "https://…/{slug}"
        slug = "…"
        client_id = "…"
        client_secret = "…"
        token_url = "https://…"
        callback_header = "X-Callback-Secret"
        callback_secrets = ["…"]
        reuse_grace = "0s"
    "#;
    let example = example
        .replace("https://…", "https://t.example")
        .replace("vault_key_file = \"…\"", &format!("vault_key_file = {:?}", key.path()));
    let loaded = read(&example, &[]).unwrap();
    // The same as what is left out means, so these are the defaults.
    let defaults = read(
        "auth.hs256_secret = \"x\"\nsources.telsmart.secrets = [\"…\"]
         auth.allowed_origins = [\"http://127.0.0.1:8080\"]
         sidecar.vault_key = \"k1:…\"
         [sidecar.telsmart]
         portal_url = \"https://t.example/…\"
         client_id = \"…\"
         client_secret = \"…\"
         token_url = \"https://t.example\"
         callback_secrets = [\"…\"]",
        &[],
    );
    assert_eq!(format!("{:?}", loaded.config), format!("{:?}", defaults.unwrap().config));
    let warned: Vec<_> = loaded.warnings.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(warned, ["auth.hs256_secret"]);
}

#[test]
fn a_variable_wins_over_the_file_and_an_empty_one_takes_the_default() {
    let toml = format!("{REQUIRED}log.filter = \"debug\"\ntrusted_proxies = [\"::1\"]");
    let config = |variables: &[(&str, &str)]| read(&toml, variables).unwrap().config;
    assert_eq!(config(&[]).log.filter, "debug");
    assert_eq!(config(&[("CALLPOP_LOG__FILTER", "warn")]).log.filter, "warn");
    assert_eq!(config(&[("CALLPOP_LOG__FILTER", "")]).log.filter, "info");
    assert!(config(&[("CALLPOP_TRUSTED_PROXIES", "")]).trusted_proxies.is_empty());
    let swapped =
        config(&[("CALLPOP_AUTH__HS256_SECRET", ""), ("CALLPOP_AUTH__JWKS_URL", "https://id.example/keys")]);
    assert!(matches!(swapped.auth.key, AuthKey::JwksUrl(_)));
}

#[test]
fn a_file_of_a_key_replaces_its_value_from_a_lower_layer_only() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "from-the-file\n").unwrap();
    let path = file.path().to_str().unwrap();
    let loaded = read(REQUIRED, &[("CALLPOP_AUTH__HS256_SECRET_FILE", path)]).unwrap();
    let AuthKey::Hs256(secret) = loaded.config.auth.key else { panic!("not HS256") };
    assert_eq!(secret.expose_secret(), "from-the-file");
    let toml = format!("{REQUIRED}log.filter_file = \"/no/such/file\"");
    let loaded = read(&toml, &[("CALLPOP_LOG__FILTER", "warn")]).unwrap();
    assert_eq!(loaded.config.log.filter, "warn");
    assert_eq!(
        problem(&format!("log.filter = \"info\"\nlog.filter_file = {path:?}"), &[]),
        "log.filter_file: log.filter is given as well: keep one of them"
    );
}

#[test]
fn a_file_that_is_missing_empty_or_wrong_is_named() {
    let missing = problem("log.filter_file = \"/no/such/file\"", &[]);
    assert!(missing.starts_with("log.filter_file = \"/no/such/file\": cannot be read: "), "{missing}");
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    let empty = problem("", &[("CALLPOP_LOG__FORMAT_FILE", path)]);
    assert_eq!(
        empty,
        format!("log.format_file = {path:?} (from CALLPOP_LOG__FORMAT_FILE): the file is empty")
    );
    std::fs::write(file.path(), "jsn\n").unwrap();
    assert_eq!(
        problem("", &[("CALLPOP_LOG__FORMAT_FILE", path)]),
        "log.format = \"jsn\" (from log.format_file): not one of \"text\", \"json\"; did you mean \"json\"?"
    );
}

#[test]
fn an_unknown_key_names_the_nearest_known_one() {
    for (toml, expected) in [
        ("engine.knd = 1", "engine.knd: unknown key; did you mean engine.kind?"),
        ("enginee.kind = 1", "enginee.kind: unknown key; did you mean engine.kind?"),
        ("durability = 1", "durability: unknown key; did you mean engine.durability?"),
        (
            "auth.hs256_secrets_file = \"x\"",
            "auth.hs256_secrets_file: unknown key; did you mean auth.hs256_secret_file?",
        ),
        ("engine = \"redis\"", "engine: is a section, not a key; it holds engine.kind"),
        ("\"engine.kind\" = \"redis\"", "\"engine.kind\": unknown key; did you mean engine.kind?"),
        ("log.format.x = 1", "log.format.x: unknown key; did you mean log.format?"),
        ("[sesions]", "sesions: unknown key; the nearest known one is sessions.heartbeat"),
    ] {
        let found = problem(toml, &[]);
        if toml.starts_with('[') {
            assert!(found.starts_with("sesions: unknown key; "), "{found}");
        } else {
            assert_eq!(found, expected);
        }
    }
    let far = problem("zzzzzzzzzzzz = 1", &[]);
    assert!(far.starts_with("zzzzzzzzzzzz: unknown key; the nearest known one is "), "{far}");
    assert!(read(&format!("{REQUIRED}[sessions]\n[sidecar.telsmart]"), &[]).is_ok(), "empty sections");
}

#[test]
fn an_unknown_variable_names_the_nearest_known_one() {
    for (name, nearest) in [
        ("CALLPOP_ENGINE_KIND", "CALLPOP_ENGINE__KIND"),
        ("CALLPOP_ENGINE__KIND_FLE", "CALLPOP_ENGINE__KIND"),
        ("CALLPOP_LOG__FILTERS", "CALLPOP_LOG__FILTER"),
        ("CALLPOP_auth__audience", "CALLPOP_AUTH__AUDIENCE"),
        ("CALLPOP_AUTH__ISSUR_FILE", "CALLPOP_AUTH__ISSUER_FILE"),
    ] {
        let found = problem("", &[(name, "x")]);
        assert_eq!(found, format!("{name}: unknown key; did you mean {nearest}?"));
    }
    let foreign = [
        ("CALLPOP_CONFIG", "/somewhere/else"),
        ("CALLPOP_SERVICE_HOST", "10.0.0.1"),
        ("CALLPOP_SERVICE_PORT_HTTP", "80"),
        ("CALLPOP_PORT", "tcp://10.0.0.1:80"),
        ("CALLPOP_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("PATH", "/bin"),
        ("CALLPOPPER", "x"),
    ];
    assert!(read(REQUIRED, &foreign).is_ok());
}

#[test]
fn callpop_config_names_the_file_unless_one_is_given() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("{REQUIRED}log.filter = \"trace\"")).unwrap();
    let variables = || [("CALLPOP_CONFIG".to_owned(), file.path().display().to_string())].into_iter();
    assert_eq!(load(KINDS, Part::Whole, None, variables()).unwrap().config.log.filter, "trace");
    let other = tempfile::NamedTempFile::new().unwrap();
    assert!(load(KINDS, Part::Whole, Some(other.path()), variables()).is_err(), "the given file is empty");
}

#[test]
fn all_problems_come_at_once() {
    let found = lines(read(
        "listen = \"localhost\"\nfoo = 1\nengine.kind = \"x\"\nsessions.max_per_user = 0",
        &[("CALLPOP_CALLS__KEEP_ENDED", "7 days")],
    ));
    let keys: Vec<_> = found.iter().map(|line| line.split([' ', ':']).next().unwrap()).collect();
    assert_eq!(
        keys,
        [
            "listen",
            "engine.kind",
            "auth",
            "sources.telsmart.secrets",
            "sessions.max_per_user",
            "calls.keep_ended",
            "foo"
        ]
    );
}

#[test]
fn a_problem_shows_the_value_and_the_remedy() {
    for (toml, expected) in [
        (
            "engine.kind = \"reddis\"",
            "engine.kind = \"reddis\": not one of \"embedded\", \"redis\"; did you mean \"redis\"?",
        ),
        ("engine.kind = \"mysql\"", "engine.kind = \"mysql\": not one of \"embedded\", \"redis\""),
        (
            "listen = \"localhost:80\"",
            "listen = \"localhost:80\": must be an IP address and a port, such as \"127.0.0.1:8080\"",
        ),
        ("sessions.max_per_user = \"3\"", "must be a whole number, without quotes in TOML"),
        ("sessions.max_frames_per_second = 0", "must be from 1 to 1000000"),
        ("sessions.max_per_user = {}", "sessions.max_per_user = {…}: must be a whole number"),
        ("sessions.heartbeat = \"0s\"", "must be at least 1s"),
        ("calls.expire_after = 12", "calls.expire_after = 12: must be a whole number and a unit"),
        ("calls.keep_ended = \"3651d\"", "must be at most ten years"),
        ("calls.require_activation = true", "calls.require_activation: needs a sidecar"),
        ("admin_listen = \"127.0.0.1:8080\"", "admin_listen: is the same as listen"),
        ("operator_listen = \"127.0.0.1:8080\"", "operator_listen: is the same as listen"),
        ("admin_listen = \"127.0.0.1:9091\"", "operator_listen: is the same as admin_listen"),
        ("trusted_proxies = [\"::1\", \"x\"]", "trusted_proxies[1] = \"x\": must be an address"),
        ("auth.allowed_origins = [\"*\"]", "a wildcard is not supported"),
        ("auth.jwks_url = \"https://x\"", "auth: give exactly one of"),
        ("sources.telsmart.header = \"X Y\"", "must be a header's name"),
        ("sources.telsmart.basic = [\"user\"]", "sources.telsmart.basic[0] = ***: must be a user, a colon"),
        ("sources.telsmart.bearer = [\" x\"]", "sources.telsmart.bearer[0] = ***: must be printable ASCII"),
        (
            "sources.telsmart.max_body = \"2 MB\"",
            "sources.telsmart.max_body = \"2 MB\": must be a whole number of bytes",
        ),
        ("sources.telsmart.max_body = 1023", "must be from 1024 to 33554432 bytes"),
        ("sources.telsmart.max_body = \"33MiB\"", "must be from 1024 to 33554432 bytes"),
        ("sources.telsmart.max_body = \"18446744073709551615MiB\"", "must be from 1024 to 33554432 bytes"),
        ("sources.telsmart.tenant_id = \"\"", "sources.telsmart.tenant_id = \"\": must not be empty"),
        ("public_url = \"https://pop.example/desk\"", "without a path"),
        ("public_url = \"pop.example\"", "public_url = \"pop.example\": must be a URL"),
        ("sidecar.public_url = \"https://pop.example\"", "unknown key; did you mean public_url?"),
        ("log.filter = \"a=b=c\"", "log.filter = \"a=b=c\": must be a level"),
        ("engine.redis_sentinel_user = \"watch\"", "engine.redis_sentinel_user: needs a password"),
        ("engine.data_dir = \"\"", "engine.data_dir = \"\": must not be empty"),
    ] {
        let found = problem(toml, &[]);
        assert!(found.contains(expected), "{found:?} has no {expected:?}");
    }
    let zero_ports =
        ["listen", "admin_listen", "operator_listen"].map(|key| format!("{key} = \"127.0.0.1:0\"\n"));
    assert!(read(&format!("{REQUIRED}{}", zero_ports.concat()), &[]).is_ok());
}

#[test]
fn a_size_is_bytes_or_has_a_unit() {
    for (given, bytes) in [("2048", 2048), ("\"2048\"", 2048), ("\"3KiB\"", 3072), ("\"1 MiB\"", 1024 * 1024)]
    {
        let loaded = read(&format!("{REQUIRED}sources.telsmart.max_body = {given}"), &[]).unwrap();
        assert_eq!(loaded.config.sources[0].max_body, bytes, "{given}");
    }
}

#[test]
fn a_public_url_is_written_as_browsers_write_an_origin() {
    for given in ["https://Pop.example", "https://pop.example/", "https://pop.example:443"] {
        let loaded = read(&format!("{REQUIRED}public_url = {given:?}"), &[]).unwrap();
        assert_eq!(loaded.config.public_url.as_deref(), Some("https://pop.example"), "{given}");
    }
}

#[test]
fn dispositions_are_few_short_and_told_apart() {
    let given = |elements: &[String]| format!("calls.dispositions = {elements:?}");
    let numbered = |count: usize| (0..count).map(|number| format!("Outcome {number}")).collect::<Vec<_>>();
    let most = read(&format!("{REQUIRED}{}", given(&numbered(50))), &[]).unwrap();
    assert_eq!(most.config.calls.dispositions, numbered(50));
    let long = "é".repeat(65);
    for (elements, says) in [
        (numbered(51), "calls.dispositions: has more than 50"),
        (vec!["A".into(), "B".into(), "A".into()], "calls.dispositions[2]: is there already"),
        (vec!["A".into(), "".into()], "calls.dispositions[1] = \"\": a disposition is 1 to 64 characters"),
        (vec!["A\tB".into()], "a disposition is 1 to 64 characters"),
        (vec![long], "a disposition is 1 to 64 characters"),
    ] {
        let found = problem(&given(&elements), &[]);
        assert!(found.contains(says), "{found}");
    }
    assert!(problem("calls.dispositions = \"A\"", &[]).contains("must be a list of texts"));
}

#[test]
fn some_things_are_only_worth_a_warning() {
    assert_eq!(warnings(""), Vec::<String>::new());
    let early = warnings("calls.expire_after = \"1h\"");
    assert!(early.len() == 1 && early[0].starts_with("calls.expire_after: "), "{early:?}");
    for key in ["admin_listen", "operator_listen", "sidecar.listen"] {
        for open in ["0.0.0.0:1", "[::]:1", "198.51.100.1:1", "[2001:db8::1]:1", "[::ffff:198.51.100.1]:1"] {
            let found = warnings(&format!("{key} = \"{open}\""));
            assert!(found.len() == 1 && found[0].starts_with(&format!("{key}: ")), "{found:?}");
        }
        for closed in ["127.0.0.1:1", "[::1]:1", "10.1.2.3:1", "192.168.1.1:1", "[fd00::1]:1"] {
            assert_eq!(warnings(&format!("{key} = \"{closed}\"")), Vec::<String>::new(), "{closed}");
        }
    }
    let plain = read("auth.jwks_url = \"http://id.example/keys\"\nsources.telsmart.secrets = [\"x\"]", &[]);
    assert_eq!(plain.unwrap().warnings[0].key, "auth.jwks_url");
    let local = read("auth.jwks_url = \"http://[::1]:1/\"\nsources.telsmart.secrets = [\"x\"]", &[]);
    assert!(local.unwrap().warnings.is_empty());
}

#[test]
fn a_file_that_is_not_toml_is_named_with_its_line() {
    let found = lines(read("listen = \"127.0.0.1:1\"\nauth.hs256_secret = \"hidden", &[]));
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("callpop.toml: line 2, column "), "{found:?}");
    assert!(load(KINDS, Part::Whole, Some(Path::new("/no/such/file")), std::iter::empty()).is_err());
}

#[test]
fn no_secret_is_ever_shown() {
    let redis = "redis://:redis-hidden@h";
    let sound = format!("{REQUIRED}engine.redis_url = {redis:?}");
    let loaded = read(&sound, &[]).unwrap();
    let mut shown = format!("{loaded:?}");
    let broken = [
        "auth.hs256_secret = [\"hidden\"]",
        "auth.hs256_secrets = \"hidden\"",
        "auth.hs256_secret = \"hidden",
        "auth.hs256_secret = hidden",
        "auth.hs256_secret = \"hidden\\q\"",
        "auth.hs256_secret = \"hidden\"\nauth.hs256_secret = \"hidden\"",
        "auth.public_key = [\"hidden\"]",
        "auth.jwks_url = \"https://u:hidden@id.example/\"",
        "auth.jwks_url = \"https://u:hidden@\"",
        "engine.redis_url = \"redi://:hidden@h\"",
        "sources.telsmart.secrets = \"hidden\"",
        "sources.telsmart.secrets = [\" hidden \", \"\"]",
        "sources.telsmart.secret = \"hidden\"",
        "sources.telsmart.bearer = [\" hidden\"]",
        "sources.telsmart.basic = [\"hidden\"]",
        "sources.telsmart.basic = \"u:hidden\"",
        "sidecar.telsmart.client_secret = \"hidden\"",
        "[sidecar]\ntelsmart = \"hidden\"",
    ];
    for toml in broken {
        let problems = read(toml, &[("CALLPOP_AUTH__SECRET", "hidden")]).unwrap_err();
        shown.push_str(&format!("{problems:?}{problems}"));
    }
    assert!(!shown.contains("hidden"), "{shown}");
    assert!(shown.contains(finding::MASK));
    let AuthKey::Hs256(secret) = loaded.config.auth.key else { panic!("not HS256") };
    assert_eq!(secret.expose_secret(), SECRET);
}

#[test]
fn the_documentation_names_every_key_and_its_variable() {
    let text = include_str!("../../docs/configuration.md");
    for (key, _, _) in KEYS {
        assert!(text.contains(&format!("`{key}`")), "{key} is not documented");
        assert!(text.contains(&format!("`{}`", variable(key))), "{}", variable(key));
    }
}
