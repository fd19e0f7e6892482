//! Sources, and the sections of the sidecar that belong to them.

use super::*;

/// A sidecar that lacks nothing, but for open callbacks.
const SIDECAR: &str = "sidecar.vault_key = \"k1:x\"\nsidecar.telsmart.portal_url = \"https://p/{slug}\"\n\
    sidecar.telsmart.client_id = \"i\"\nsidecar.telsmart.token_url = \"http://t.example/token\"\n";

/// A second source, and what its section of the sidecar needs.
const CLINIC: &str = "sources.clinic.kind = \"telsmart\"\nsources.clinic.secrets = [\"x\"]\n";
const CLINIC_PORTAL: &str = "sidecar.clinic.portal_url = \"https://c/\"\nsidecar.clinic.client_id = \"j\"\n\
    sidecar.clinic.token_url = \"https://c/token\"\nsidecar.clinic.reuse_grace = \"5s\"\n";

fn clinic_alone() -> String {
    let (auth, _) = REQUIRED.split_once('\n').unwrap();
    format!("{auth}\n{CLINIC}")
}

#[test]
fn one_thing_that_shows_who_it_is_is_enough_for_a_source() {
    let auth = "auth.hs256_secret = \"0123456789abcdef-hidden-0123456789\"\n";
    for (given, headers) in [
        ("secrets = [\"x\"]", vec!["X-Webhook-Secret"]),
        ("bearer = [\"x\"]", vec!["Authorization"]),
        ("basic = [\"u:p\"]", vec!["Authorization"]),
        ("secrets = [\"x\"]\nbasic = [\"u:p\"]\nheader = \"X-Y\"", vec!["X-Y", "Authorization"]),
    ] {
        let loaded = read(&format!("{auth}[sources.telsmart]\n{given}"), &[]).unwrap();
        assert_eq!(loaded.config.sources[0].headers(), headers, "{given}");
    }
    let found = lines(read(&format!("{auth}sources.telsmart.header = \"X\""), &[]));
    assert!(
        found.len() == 1 && found[0].starts_with("sources.telsmart.secrets: missing or empty"),
        "{found:?}"
    );
}

#[test]
fn a_sidecar_is_there_only_as_a_whole() {
    assert!(read(REQUIRED, &[]).unwrap().config.sidecar.is_none());
    let whole = format!("{REQUIRED}{SIDECAR}sidecar.telsmart.slug = \"pop\"");
    let loaded = read(&whole, &[]).unwrap();
    assert_eq!(loaded.config.sidecar.unwrap().portals[0].portal_url, "https://p/pop");
    let warned: Vec<_> = loaded.warnings.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(warned, ["sidecar.telsmart.token_url", "sidecar.telsmart.callback_secrets"]);
    for line in SIDECAR.lines() {
        let lacking = whole.replace(line, "");
        let found = lines(read(&lacking, &[]));
        let key = line.split(' ').next().unwrap();
        assert!(found.len() == 1 && found[0].starts_with(key) && found[0].contains("missing"), "{found:?}");
    }
    let alone = lines(read(&format!("{whole}\nsidecar.mode = \"separate\""), &[]));
    assert_eq!(alone, ["sidecar.mode: separate processes share a Redis: set engine.kind = \"redis\""]);
}

#[test]
fn a_portal_without_its_source_is_named_with_it() {
    for stray in ["sidecar.clinic.slug = \"x\"", CLINIC_PORTAL, "sidecar.Bad.client_id = \"x\""] {
        let name = if stray.contains("Bad") { "Bad" } else { "clinic" };
        let found = problem(&format!("{SIDECAR}{stray}"), &[]);
        let said =
            format!("sidecar.{name}: [sidecar.{name}] belongs to [sources.{name}], which there is not");
        assert_eq!(found, said);
    }
    let usual = format!("{}{SIDECAR}", clinic_alone());
    let found = lines(read(&usual, &[]));
    assert!(found.len() == 1 && found[0].contains("[sources.telsmart]"), "{found:?}");
    // A source that is wrong itself is complained of once.
    let wrong =
        lines(read(&format!("{REQUIRED}{SIDECAR}{CLINIC_PORTAL}sources.clinic.secrets = [\"x\"]"), &[]));
    assert!(wrong.len() == 1 && wrong[0].starts_with("sources.clinic.kind: missing"), "{wrong:?}");
}

#[test]
fn a_sidecar_alone_needs_no_source_that_is_named_after_its_kind() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("callpop.toml");
    let (auth, _) = REQUIRED.split_once('\n').unwrap();
    let load = |more: &str| {
        std::fs::write(&file, format!("{auth}\n{SIDECAR}{more}")).unwrap();
        load(KINDS, Part::Sidecar, Some(&file), std::iter::empty())
    };
    let names = |loaded: Loaded| -> Vec<_> {
        let portals = loaded.config.sidecar.unwrap().portals.into_iter();
        portals.map(|portal| portal.source.to_string()).collect()
    };
    assert_eq!(names(load("").unwrap()), ["telsmart"]);
    let kind = "sources.clinic.kind = \"telsmart\"\n";
    assert_eq!(names(load(&format!("{CLINIC_PORTAL}{kind}")).unwrap()), ["clinic", "telsmart"]);
    let found = lines(load(CLINIC_PORTAL));
    assert!(found.len() == 1 && found[0].contains("[sources.clinic]"), "{found:?}");
}

#[test]
fn a_gateway_beside_a_sidecar_reads_none_of_its_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("callpop.toml");
    let separate =
        "engine.kind = \"redis\"\nsidecar.mode = \"separate\"\nsidecar.vault_key_file = \"/no/such/file\"";
    std::fs::write(&file, format!("{REQUIRED}{separate}")).unwrap();
    let load = |part| load(KINDS, part, Some(&file), std::iter::empty());
    let gateway = load(Part::Gateway).unwrap().config.sidecar.unwrap();
    assert!(gateway.vault_key.is_none() && gateway.mode == SidecarMode::Separate);
    let whole = "sidecar.vault_key_file = \"/no/such/file\"";
    std::fs::write(&file, format!("{REQUIRED}{}", separate.replace(whole, ""))).unwrap();
    assert!(load(Part::Whole).is_ok(), "callpop check of a gateway's file");
    std::fs::write(&file, format!("{REQUIRED}{separate}")).unwrap();
    let found = lines(load(Part::Sidecar));
    assert!(
        found.iter().any(|line| line.contains("sidecar.vault_key_file = \"/no/such/file\"")),
        "{found:?}"
    );
}

#[test]
fn an_empty_variable_makes_no_source() {
    let toml = "auth.hs256_secret = \"0123456789abcdef-hidden-0123456789\"\n[sources.clinic]\nkind = \"telsmart\"\nsecrets = [\"x\"]";
    let unset = [("CALLPOP_SOURCES__TELSMART__SECRETS", ""), ("CALLPOP_SIDECAR__TELSMART__CLIENT_ID", " ")];
    let sources = read(toml, &unset).unwrap().config.sources;
    assert_eq!(sources.iter().map(|source| source.name.as_str()).collect::<Vec<_>>(), ["clinic"]);
}

#[test]
fn each_source_may_have_a_portal_of_its_own() {
    let both = format!("{REQUIRED}{SIDECAR}{CLINIC}{CLINIC_PORTAL}");
    let portals = read(&both, &[]).unwrap().config.sidecar.unwrap().portals;
    let shown: Vec<_> = portals
        .iter()
        .map(|it| (it.source.as_str(), it.client_id.as_str(), it.reuse_grace.as_secs()))
        .collect();
    assert_eq!(shown, [("clinic", "j", 5), ("telsmart", "i", 0)]);
    // Each lacks what is its own; a source without a section has no portal.
    let lacking = lines(read(&both.replace("sidecar.clinic.token_url", "sidecar.clinic.revoke_url"), &[]));
    assert!(lacking.len() == 1 && lacking[0].starts_with("sidecar.clinic.token_url: missing"), "{lacking:?}");
    let one = read(&format!("{REQUIRED}{SIDECAR}{CLINIC}"), &[]).unwrap().config.sidecar.unwrap();
    assert_eq!(one.portals.len(), 1);
    // Where no section is there, the one of the usual source is missed, or of the first.
    let key = "sidecar.vault_key = \"k1:x\"\n";
    for (sources, missed) in [(format!("{REQUIRED}{CLINIC}"), "telsmart"), (clinic_alone(), "clinic")] {
        let found = lines(read(&format!("{sources}{key}"), &[]));
        let said = ["portal_url", "client_id", "token_url"].map(|name| format!("sidecar.{missed}.{name}: "));
        assert!(
            found.len() == 3 && said.iter().zip(&found).all(|(key, it)| it.starts_with(key)),
            "{found:?}"
        );
    }
}
