//! The folder of the embedded engine's data: made by a first start that is killed, made by others, and removed.

use crate::support::{
    Config, Gateway, Leg, eventually, new_tenant,
    process::{self, callpop, run},
    times,
};
use rustix::process::Signal;
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// A first start is killed so much later than the one before, up to where it is over.
const LATER: Duration = Duration::from_micros(1500);
const STEPS: usize = 60;

#[tokio::test]
async fn killed_at_any_moment_of_the_first_start_it_starts_again() {
    let kills = times(STEPS, 500);
    for kill in 0..kills {
        // In later rounds between the moments of the first.
        let after = LATER * (kill % STEPS) as u32 + LATER / 10 * (kill / STEPS) as u32;
        let config = Config::new();
        let mut command = callpop();
        command.arg("serve").arg("--config").arg(config.write());
        kill_after(command, after).await;
        let gateway = config.start().await;
        let leg = Leg::inbound(&new_tenant(), "200");
        gateway.deliver(&leg.ringing(0)).await;
        let gateway = gateway.restart().await;
        assert!(gateway.supervisor(&leg.tenant).await.call(&leg).is_some(), "killed at {after:?}");
        assert!(!config.data_dir().join("unfinished").exists());
    }
    eprintln!("{kills} first starts were killed, and all started again");
}

#[tokio::test]
async fn of_two_first_starts_on_one_folder_one_goes_on() {
    for _ in 0..5 {
        let config = Config::new();
        let start = || {
            let mut command = callpop();
            command.arg("serve").arg("--config").arg(config.write());
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let mut both = [start(), start()];
        let which = eventually("one of them to end", async || {
            both.iter_mut().position(|child| child.try_wait().unwrap().is_some())
        })
        .await;
        let [one, other] = both;
        let (ended, mut going) = if which == 0 { (one, other) } else { (other, one) };
        let output = ended.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("another process uses it"), "{said}");
        assert!(going.try_wait().unwrap().is_none(), "the other goes on");
        going.kill().unwrap();
        going.wait().unwrap();
        config.start().await;
    }
}

#[tokio::test]
async fn what_was_put_back_beside_an_unfinished_start_is_not_removed() {
    let config = Config::new();
    let leg = stopped_with_a_call(&config).await;
    fs::create_dir(config.data_dir().join("unfinished")).unwrap();
    let (marker, aside) = (config.data_dir().join("store"), config.data_dir().join("aside"));
    fs::rename(&marker, &aside).unwrap();
    refuses_to_start(&config, "restore the whole folder from a backup");
    fs::rename(&aside, &marker).unwrap();
    assert!(config.start().await.supervisor(&leg.tenant).await.call(&leg).is_some());
}

async fn kill_after(mut command: Command, delay: Duration) {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    tokio::time::sleep(delay).await;
    process::signal(child.id(), Signal::KILL);
    child.wait().unwrap();
}

/// A stopped gateway that has stored a call.
async fn stopped_with_a_call(config: &Config) -> Leg {
    let mut gateway = config.start().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    gateway.deliver(&leg.ringing(0)).await;
    gateway.stop().await;
    leg
}

/// Fails unless it does not start, and says so of the folder.
fn refuses_to_start(config: &Config, says: &str) {
    let output = run(callpop().arg("serve").arg("--config").arg(config.write()));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("engine.data_dir") && said.contains(says), "{said}");
}

#[tokio::test]
async fn a_store_that_lost_its_marker_is_not_taken_for_a_new_one() {
    let config = Config::new();
    let leg = stopped_with_a_call(&config).await;
    let (marker, aside) = (config.data_dir().join("store"), config.data_dir().join("aside"));
    fs::rename(&marker, &aside).unwrap();
    refuses_to_start(&config, "restore the whole folder from a backup");
    fs::rename(&aside, &marker).unwrap();
    assert!(config.start().await.supervisor(&leg.tenant).await.call(&leg).is_some());
}

#[tokio::test]
async fn a_folder_that_others_made_is_for_nobody_else() {
    let config = Config::new();
    fs::create_dir_all(config.data_dir()).unwrap();
    fs::set_permissions(config.data_dir(), Permissions::from_mode(0o755)).unwrap();
    let gateway = config.start().await;
    gateway.deliver(&Leg::inbound(&new_tenant(), "200").ringing(0)).await;
    assert_eq!(mode(&config.data_dir()), 0o700);
    for file in ["store", "events/0000000001.rows", "items/manifest"] {
        assert_eq!(mode(&config.data_dir().join(file)) & 0o077, 0, "{file}");
    }
    gateway.process.logged("others could read").await;
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Waits until the node is ready, or not, and says so.
async fn readyz(gateway: &Gateway, status: u16) -> String {
    eventually(&format!("/readyz to be {status}"), async || {
        let answer = gateway.operator("/readyz").await;
        (answer.status() == status).then_some(answer)
    })
    .await
    .text()
    .await
    .unwrap()
}

#[tokio::test]
async fn a_folder_that_is_removed_under_a_node_is_noticed() {
    let config = Config::new();
    let gateway = config.start().await;
    let (tenant, aside) = (new_tenant(), config.data_dir().with_extension("aside"));
    let post = async || gateway.post(&Leg::inbound(&tenant, "200").ringing(0)).await.status();
    assert_eq!(post().await, 204);
    fs::rename(config.data_dir(), &aside).unwrap();
    assert!(readyz(&gateway, 503).await.contains("the journal's folder was removed"));
    let began = Instant::now();
    assert_eq!(post().await, 503);
    assert!(began.elapsed() < Duration::from_secs(5), "it is known before");
    // Another folder in its place is not it.
    fs::create_dir(config.data_dir()).unwrap();
    fs::copy(aside.join("store"), config.data_dir().join("store")).unwrap();
    assert!(readyz(&gateway, 503).await.contains("removed"));
    fs::remove_dir_all(config.data_dir()).unwrap();
    fs::rename(&aside, config.data_dir()).unwrap();
    readyz(&gateway, 200).await;
    assert_eq!(post().await, 204);
    let gateway = gateway.restart().await;
    assert_eq!(gateway.supervisor(&tenant).await.calls.len(), 2, "what was refused was not stored");
}
