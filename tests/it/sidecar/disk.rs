//! The answer of the token endpoint is on the disk before the store is changed: the file that holds it, and the
//! folder that names the file. Without either a power cut would cost the user his consent. The audit log has to wait.

use super::scene::{PATIENCE, Scene, USER, with_sidecar};
use crate::support::{
    Config, Disk, Gateway, TokenServer, eventually, eventually_within,
    process::{callpop, run},
};
use std::fs;

/// A user who is connected, at a sidecar whose disk obeys.
async fn on_a_disk() -> (Disk, Scene) {
    let (disk, telsmart) = (Disk::new(), TokenServer::start("--access-token-life 3s").await);
    let config = with_sidecar(Config::new(), &telsmart);
    let gateway = Gateway::start_with(&config, disk.under(callpop())).await;
    let scene = Scene::on(telsmart, config, gateway).await;
    scene.activate(USER).await;
    (disk, scene)
}

/// A refresh, while syncs wait of what has such a path.
async fn swap_waits_for(pattern: &str) {
    let (disk, scene) = on_a_disk().await;
    let is_swapped = || scene.audit(USER).contains(&"rotated".to_owned());
    disk.hold(pattern);
    let is_held = eventually_within(PATIENCE, "a refresh", async || match is_swapped() {
        true => Some(false),
        false => disk.has_held().then_some(true),
    })
    .await;
    assert!(is_held, "the tokens were swapped, and {pattern} was not synced");
    // A swap that does not wait would be there before an answer that was asked for later.
    for _ in 0..5 {
        scene.integration(USER).await;
        assert!(!is_swapped(), "the tokens were swapped before {pattern} was synced");
    }
    disk.heal();
    scene.rotations(USER, 2).await;
    scene.is_well(USER).await;
}

#[tokio::test]
async fn the_swap_waits_for_the_sync_of_the_answer() {
    swap_waits_for("*/sidecar/journal/*.tmp").await;
}

#[tokio::test]
async fn the_swap_waits_for_the_sync_of_the_folder_of_answers() {
    swap_waits_for("*/sidecar/journal").await;
}

#[tokio::test]
async fn a_disk_of_the_audit_log_that_hangs_holds_up_no_refresh() {
    let (disk, scene) = on_a_disk().await;
    disk.hold("*/sidecar/audit.jsonl");
    disk.holds().await;
    let rotations = scene.family(USER).await["rotations"].as_u64().unwrap();
    scene.rotations(USER, rotations + 3).await;
    scene.is_well(USER).await;
    disk.heal();
    let is_told =
        || scene.audit(USER).iter().filter(|event| *event == "rotated").count() as u64 >= rotations + 3;
    eventually("the log to have all of it", async || is_told().then_some(())).await;
    let told = scene.audit(USER);
    let tries: Vec<_> = told.iter().skip_while(|event| *event != "claimed").collect();
    for words in tries.chunks_exact(3) {
        assert_eq!(words, ["claimed", "sent", "rotated"], "{told:?}");
    }
}

#[tokio::test]
async fn what_is_missing_beside_integrations_is_noticed_at_the_start() {
    let mut scene = Scene::living(3600).await;
    scene.activate(USER).await;
    scene.gateway.stop().await;
    let config = &scene.config;
    let folder = config.data_dir().join("sidecar");
    let refuses = |file: &str| {
        let output = run(callpop().arg("serve").arg("--config").arg(config.write()));
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains(file) && said.contains("missing"), "{said}");
    };
    for (name, is_file) in [("sidecar.db", true), ("audit.jsonl", true), ("journal", false)] {
        let (path, aside) = (folder.join(name), folder.join("aside"));
        fs::rename(&path, &aside).unwrap();
        refuses(name);
        if name == "sidecar.db" {
            fs::write(&path, "").unwrap();
            refuses(name);
            fs::remove_file(&path).unwrap();
        } else {
            // Its operator says that it is lost.
            if is_file {
                fs::write(&path, "").unwrap()
            } else {
                fs::create_dir(&path).unwrap()
            }
            config.start().await.stop().await;
            if is_file { fs::remove_file(&path).unwrap() } else { fs::remove_dir_all(&path).unwrap() }
        }
        fs::rename(&aside, &path).unwrap();
    }
    scene.gateway = config.start().await;
    assert_eq!(scene.integration(USER).await["status"], "active");
}
