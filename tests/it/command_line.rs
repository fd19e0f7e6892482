//! The commands: what they print, and how they end.

use crate::support::{
    Config, Gateway, Token,
    directory::user,
    new_tenant,
    process::{callpop, run},
    token::{SECRET, WEBHOOK_SECRET},
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde_json::Value;
use std::process::{Command, Output};

fn text(output: &Output) -> String {
    let [out, err] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    out + &err
}

fn with_config(command: &str, config: &Config) -> Command {
    let mut callpop = callpop();
    callpop.arg(command).arg("--config").arg(config.write());
    callpop
}

/// `check` and `serve` must both refuse with code 2 and name every one of `named`.
fn refused(config: &Config, named: &[&str]) {
    for command in ["check", "serve"] {
        let output = run(&mut with_config(command, config));
        assert_eq!(output.status.code(), Some(2), "{command}: {}", text(&output));
        for name in named {
            assert!(text(&output).contains(name), "{command} does not name {name}: {}", text(&output));
        }
    }
}

#[test]
fn check_of_a_good_configuration_is_0() {
    let output = run(&mut with_config("check", &Config::new()));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
}

#[test]
fn check_reports_every_problem_at_once() {
    let config = Config::new()
        .set("listen", "nowhere")
        .set("trusted_proxies", vec!["10.0.0.0/99"])
        .set("engine.durability", "perhaps")
        .set("sessions.max_per_user", -1)
        .set("calls.keep_ended", "a while")
        .set("auth.allowed_origins", vec!["not an origin"]);
    let keys = ["listen", "trusted_proxies", "durability", "max_per_user", "keep_ended", "allowed_origins"];
    let values = ["nowhere", "10.0.0.0/99", "perhaps", "-1", "a while", "not an origin"];
    refused(&config, &[keys, values].concat());
}

#[test]
fn an_unknown_key_names_the_nearest_known_one() {
    for (unknown, nearest) in [
        ("calls.keep_endd", "keep_ended"),
        ("sources.telsmart.secret", "secrets"),
        ("listn", "listen"),
        ("sesions.max_per_user", "sessions"),
        ("engine.datadir", "data_dir"),
    ] {
        refused(&Config::new().set(unknown, "1s"), &[unknown.rsplit('.').next().unwrap(), nearest]);
    }
}

#[test]
fn secrets_are_masked() {
    let secret = "0123456789-not-to-be-shown";
    let config = Config::new()
        .set("auth.hs256_secret", vec![secret])
        .set("sources.telsmart.secrets", format!("{secret}\u{7}"))
        .set("engine.redis_url", format!("http://user:{secret}@127.0.0.1"));
    for command in ["check", "serve"] {
        let output = run(&mut with_config(command, &config));
        assert_eq!(output.status.code(), Some(2), "{}", text(&output));
        assert!(!text(&output).contains(secret), "{}", text(&output));
    }
}

#[test]
fn what_is_required_is_asked_for() {
    refused(&Config::new().without("auth.hs256_secret"), &["hs256_secret", "jwks_url", "public_key_file"]);
    refused(&Config::new().without("sources.telsmart.secrets"), &["sources.telsmart.secrets"]);
    refused(
        &Config::new().set("sources.telsmart.secrets", Vec::<String>::new()),
        &["sources.telsmart.secrets"],
    );
    refused(&Config::new().set("sources.telsmart.secrets", vec![""]), &["sources.telsmart.secrets"]);
    refused(&Config::new().set("auth.jwks_url", "http://127.0.0.1:1/keys"), &["auth"]);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    refused(
        &Config::new().without("auth.hs256_secret").set("auth.hs256_secret_file", "/nowhere/secret"),
        &["/nowhere/secret"],
    );
    let output = run(callpop().args(["check", "--config", "/nowhere/callpop.toml"]));
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output).contains("/nowhere/callpop.toml"), "{}", text(&output));
    let broken = Config::new().file("broken.toml", "listen = ");
    let output = run(callpop().args(["check", "--config", &broken]));
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
}

#[test]
fn the_redis_engine_is_checked_without_a_redis() {
    let config = Config::new().set("engine.kind", "redis").set("engine.redis_url", "redis://127.0.0.1:1");
    let output = run(&mut with_config("check", &config));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    for (key, value) in
        [("redis_url", "redis://a:port"), ("redis_prefix", "a{b}"), ("redis_ca", "no certificate")]
    {
        refused(&config.clone().set(&format!("engine.{key}"), value), &[key]);
    }
}

#[test]
fn the_environment_overrides_the_file() {
    let config = Config::new().set("engine.durability", "memory");
    for (variable, value, code) in [
        ("CALLPOP_ENGINE__DURABILITY", "fsync", 0),
        ("CALLPOP_ENGINE__DURABILITY", "never", 2),
        ("CALLPOP_ENGINE__DURABILITYY", "fsync", 2),
    ] {
        let output = run(with_config("check", &config).env(variable, value));
        assert_eq!(output.status.code(), Some(code), "{variable}={value}: {}", text(&output));
        assert_eq!(text(&output).contains(variable), code == 2, "{}", text(&output));
    }
    let wrong = config.clone().set("engine.durability", "never");
    let output = run(with_config("check", &wrong).env("CALLPOP_ENGINE__DURABILITY", "fsync"));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let output = run(callpop().arg("check").env("CALLPOP_CONFIG", config.write()));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
}

#[test]
fn bad_arguments_are_2_and_help_is_0() {
    for arguments in [
        &[][..],
        &["fly"],
        &["--licenses", "serve"],
        &["serve", "--fast"],
        &["serve", "extra"],
        &["token"],
        &["check", "--config"],
    ] {
        let output = run(callpop().args(arguments));
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", text(&output));
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    for arguments in [&["--help"][..], &["serve", "--help"], &["--version"]] {
        let output = run(callpop().args(arguments));
        assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(0), false), "{arguments:?}");
    }
}

#[test]
fn a_port_that_is_taken_is_1() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for key in ["listen", "admin_listen", "operator_listen"] {
        let output = run(&mut with_config("serve", &Config::new().set(key, address.clone())));
        assert_eq!(output.status.code(), Some(1), "{}", text(&output));
        assert!(text(&output).contains(&address), "{}", text(&output));
    }
}

#[tokio::test]
async fn token_prints_a_token_alone_and_it_works() {
    let config = Config::new();
    let gateway = Gateway::start(&config).await;
    let tenant = new_tenant();
    for role in ["agent", "supervisor", "service"] {
        let mut command = with_config("token", &config);
        command.args(["--tenant", &tenant, "--extension", "200", "--role", role, "--ttl", "600"]);
        let output = run(&mut command);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        let printed = String::from_utf8(output.stdout).unwrap();
        let token = printed.strip_suffix('\n').unwrap();
        let key = DecodingKey::from_secret(SECRET.as_bytes());
        let claims = decode::<Value>(token, &key, &Validation::new(Algorithm::HS256)).unwrap().claims;
        assert_eq!(claims["tenant_id"], *tenant);
        assert_eq!(claims["extensions"], serde_json::json!(["200"]));
        assert_eq!(claims["role"], role);
        let in_600_s = crate::support::now() / 1_000_000 + 600;
        assert!(claims["exp"].as_u64().unwrap().abs_diff(in_600_s) < 10, "{claims}");
        if role == "service" {
            assert_eq!(gateway.stream_by(token).refused().await, 4403);
        } else {
            gateway.stream_by(token).open().await.assert_open().await;
        }
    }
}

#[test]
fn token_may_keep_a_supervisor_to_groups() {
    let claims = |arguments: &[&str]| {
        let of = ["--tenant", "t", "--sub", "lea", "--role", "supervisor"];
        let output = run(with_config("token", &Config::new()).args(of).args(arguments));
        let token = String::from_utf8(output.stdout).unwrap();
        let key = DecodingKey::from_secret(SECRET.as_bytes());
        decode::<Value>(token.trim(), &key, &Validation::new(Algorithm::HS256)).unwrap().claims
    };
    assert_eq!(
        claims(&["--groups", "sales,front desk"])["groups"],
        serde_json::json!(["sales", "front desk"])
    );
    assert_eq!(claims(&["--groups", ""])["groups"], serde_json::json!([]));
    assert!(claims(&[]).get("groups").is_none());
    let refused = |arguments: &[&str]| {
        let output =
            run(with_config("token", &Config::new()).args(["--tenant", "t", "--sub", "lea"]).args(arguments));
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{}", text(&output));
        text(&output)
    };
    assert!(refused(&["--groups", "sales"]).contains("--role supervisor"));
    let bad = refused(&["--role", "supervisor", "--groups", "a;b"]);
    assert!(bad.contains("group"), "{bad}");
}

#[test]
fn token_by_default_is_an_agents_and_needs_a_secret() {
    let arguments = ["--tenant", "t", "--extension", "200"];
    let output = run(with_config("token", &Config::new()).args(arguments));
    let token = String::from_utf8(output.stdout).unwrap();
    let key = DecodingKey::from_secret(SECRET.as_bytes());
    let claims = decode::<Value>(token.trim(), &key, &Validation::new(Algorithm::HS256)).unwrap().claims;
    assert_eq!(claims["role"], "agent");
    let by_url = Config::new().without("auth.hs256_secret").set("auth.jwks_url", "https://keys.example/");
    let output = run(with_config("token", &by_url).args(arguments));
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{}", text(&output));
}

#[tokio::test]
async fn secrets_may_come_from_files() {
    let config = Config::new().without("auth.hs256_secret").without("sources.telsmart.secrets");
    let secret = config.file("jwt-secret", &format!("{SECRET}\n"));
    let webhook = config.file("webhook-secret", &format!("{WEBHOOK_SECRET}\n"));
    let config = config.set("auth.hs256_secret_file", secret).set("sources.telsmart.secrets_file", webhook);
    let gateway = config.start().await;
    let leg = crate::support::Leg::inbound(&new_tenant(), "200");
    gateway.deliver(&leg.ringing(0)).await;
    let token = Token::agent(&leg.tenant, &["200"]);
    assert_eq!(gateway.stream(&token).open().await.calls.len(), 1);
}

/// As Windows' editors save it.
fn by_notepad(text: &str) -> String {
    format!("\u{feff}{}", text.replace('\n', "\r\n"))
}

#[tokio::test]
async fn a_byte_order_mark_is_no_part_of_what_a_file_says() {
    let plain = Config::new().without("auth.hs256_secret").without("sources.telsmart.secrets");
    let leg = crate::support::Leg::inbound(&new_tenant(), "200");
    let file = |name: &str, text: &str| plain.file(name, &by_notepad(text));
    let directory = format!("tenant_id,extension,name,groups,numbers,ids\n{},200,,,,sub:ann\n", leg.tenant);
    let config = plain
        .clone()
        .set("auth.hs256_secret_file", file("jwt-secret", &format!("{SECRET}\n")))
        .set("sources.telsmart.secrets_file", file("webhook-secrets", &format!("{WEBHOOK_SECRET}\nother\n")))
        .set("sources.telsmart.rate_limit_file", file("rate", "1000\n"))
        .set(
            "sidecar.vault_key_file",
            file("ring", "# keys\nk1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"),
        )
        .set("sidecar.telsmart.portal_url", "http://127.0.0.1:9/")
        .set("sidecar.telsmart.client_id_file", file("client", "callpop\n"))
        .set("sidecar.telsmart.token_url", "http://127.0.0.1:9/")
        .set("sidecar.listen", "127.0.0.1:0")
        .set("directory.file", file("directory.csv", &directory));
    let gateway = config.start().await;
    gateway.deliver(&leg.ringing(0)).await;
    assert_eq!(gateway.stream(&user(&leg.tenant, "ann")).open().await.calls.len(), 1);

    // The configuration file itself is one.
    let whole = std::fs::read_to_string(config.write()).unwrap();
    let marked = config.file("marked.toml", &by_notepad(&whole));
    let output = run(callpop().args(["check", "--config", &marked]));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let output = run(callpop().args(["token", "--config", &marked, "--tenant", "t", "--extension", "200"]));
    let token = String::from_utf8(output.stdout).unwrap();
    let key = DecodingKey::from_secret(SECRET.as_bytes());
    decode::<Value>(token.trim(), &key, &Validation::new(Algorithm::HS256))
        .expect("the mark is in the secret");
}

#[test]
fn a_file_in_utf_16_is_told_what_it_is() {
    let config = Config::new().without("auth.hs256_secret");
    let path = config.file("secret", "");
    let utf_16: Vec<u8> = "\u{feff}secret".encode_utf16().flat_map(u16::to_le_bytes).collect();
    std::fs::write(&path, utf_16).unwrap();
    refused(&config.set("auth.hs256_secret_file", path), &["hs256_secret_file", "UTF-16: save it as UTF-8"]);
}
