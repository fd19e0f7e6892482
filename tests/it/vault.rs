//! `callpop vault` beside and between real servers: keys are changed under load, backups are put
//! back, rows are swapped, a key is missing.

mod scene;

use crate::support::{Config, Engine, eventually_within, soon};
use scene::{NEW, OLD, PATIENCE, Scene};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
};

const USERS: [&str; 4] = ["200", "210", "220", "230"];

#[tokio::test]
async fn key_rotation_under_load() {
    rotate_keys(Engine::Embedded).await;
}

#[tokio::test]
async fn key_rotation_under_load_on_redis() {
    rotate_keys(Engine::Redis).await;
}

async fn rotate_keys(engine: Engine) {
    let mut scene = Scene::begin(engine.config().await, "2s").await;
    for user in USERS {
        scene.activate(user).await;
    }
    // The server knows the new key, and still seals by the old one: each refresh is against the tool.
    scene.stop().await;
    scene.config = scene.ring(&[OLD, NEW]);
    scene.start().await;
    let (rewrapped, vended) = rewrap_while_vending(&scene).await;
    assert!(rewrapped >= 8 && vended >= 20, "rewrapped {rewrapped}, vended {vended}");

    // Now the new key seals, and whatever the old one sealed is rewrapped.
    scene.stop().await;
    scene.config = scene.ring(&[NEW, OLD]);
    scene.start().await;
    let rest = scene.vault(&scene.config, &["rewrap"]).await.with(0);
    assert_eq!((rest.number("rewrapped") + rest.number("already"), rest.number("failed")), (4, 0));
    let again = scene.vault(&scene.config, &["rewrap"]).await.with(0);
    assert_eq!((again.number("rewrapped"), again.number("already")), (0, 4));
    // Nothing is left that needs the old key, but an answer that is being stored.
    eventually_within(PATIENCE, "no other key", async || {
        let verified = scene.vault(&scene.config, &["verify"]).await.with(0);
        assert!(verified.out.contains("key       \"new-key\", which seals: "), "{}", verified.out);
        (!verified.out.contains("old-key")).then_some(())
    })
    .await;

    scene.stop().await;
    scene.config = scene.ring(&[NEW]);
    scene.start().await;
    for user in USERS {
        let before = scene.rotations(user).await;
        eventually_within(PATIENCE, "more rotations", async || {
            (scene.rotations(user).await > before).then_some(())
        })
        .await;
        scene.telsmart.is_opened_by(async || scene.access_token(user).await).await;
    }
    let state = scene.telsmart.summary().await;
    assert_eq!((&state["active"], &state["reuses"]), (&4.into(), &0.into()), "{state}");
    scene.vault(&scene.config, &["verify"]).await.with(0);
}

/// Rewraps again and again while tokens are refreshed and vended; gives how many of each.
async fn rewrap_while_vending(scene: &Scene) -> (u64, u64) {
    let is_over = AtomicBool::new(false);
    let rewrapping = async {
        let (mut rewrapped, mut before) = (0, 0);
        for user in USERS {
            before += scene.rotations(user).await;
        }
        let config = scene.ring(&[NEW, OLD]);
        eventually_within(PATIENCE, "rewrapping among refreshes", async || {
            let ended = scene.vault(&config, &["rewrap"]).await.with(0);
            assert_eq!(ended.number("failed"), 0);
            rewrapped += ended.number("rewrapped");
            let mut rotations = 0;
            for user in USERS {
                rotations += scene.rotations(user).await;
            }
            (rewrapped >= 8 && rotations >= before + 12).then_some(())
        })
        .await;
        is_over.store(true, SeqCst);
        rewrapped
    };
    let vending = async {
        let mut vended = 0;
        while !is_over.load(SeqCst) {
            for user in USERS {
                scene.access_token(user).await;
                vended += 1;
            }
            tokio::task::yield_now().await;
        }
        vended
    };
    tokio::join!(rewrapping, vending)
}

#[tokio::test]
async fn restored_backup_goes_suspect() {
    const MANY: [&str; 8] = ["200", "210", "220", "230", "240", "250", "260", "270"];
    let mut scene = Scene::begin(Config::new(), "16s").await;
    let mut consents = HashMap::new();
    for user in MANY {
        consents.insert(user, scene.activate(user).await);
    }
    scene.stop().await;
    let backup = scene.backup();
    scene.start().await;
    // Of the first to be refreshed the backup is old, of the last it is the newest.
    eventually_within(PATIENCE, "the first refresh", async || {
        (scene.telsmart.summary().await["rotations"].as_u64().unwrap() > 0).then_some(())
    })
    .await;
    let running = scene.vault(&scene.config, &["restore", "--mark-suspect"]).await.with(1);
    assert!(running.err.contains("another process writes it"), "{}", running.err);
    scene.stop().await;
    let mut is_old = HashMap::new();
    for user in MANY {
        is_old.insert(user, scene.rotations(user).await > 0);
    }
    assert!(is_old.values().any(|old| *old) && is_old.values().any(|old| !*old), "{is_old:?}");
    scene.put_back(&backup);
    let unmarked = scene.vault(&scene.config, &["restore"]).await.with(2);
    assert!(unmarked.err.contains("--mark-suspect"), "{}", unmarked.err);
    let marked = scene.vault(&scene.config, &["restore", "--mark-suspect"]).await.with(0);
    assert_eq!((marked.number("marked"), marked.number("already")), (8, 0));
    let again = scene.vault(&scene.config, &["restore", "--mark-suspect"]).await.with(0);
    assert_eq!((again.number("marked"), again.number("already")), (0, 8));

    scene.start().await;
    for user in MANY {
        assert_eq!(scene.integration(user).await["status"], "ambiguous", "{user}");
        assert_eq!(scene.access_token(user).await, consents[user].access_token());
        let presented = scene.telsmart.presented(consents[user].refresh_token()).await;
        assert_eq!(presented, u64::from(is_old[user]), "sent before the end");
    }
    for user in MANY {
        if is_old[user] {
            let ended = scene.until(user, "reauth_required").await;
            assert_eq!(ended["cause"], "restored");
            assert_eq!(scene.vend(user).await.status(), 409);
        } else {
            scene.until(user, "active").await;
            let token = scene.access_token(user).await;
            assert_ne!(token, consents[user].access_token());
            assert_eq!(scene.telsmart.contacts("", Some(&token)).await.status(), 200);
        }
        let presented = scene.telsmart.presented(consents[user].refresh_token()).await;
        assert_eq!(presented, u64::from(is_old[user]) + 1, "one probe");
    }
    scene.vault(&scene.config, &["verify"]).await.with(0);
}

#[tokio::test]
async fn ciphertext_row_swap_fails() {
    let mut scene = Scene::begin(Config::new(), "5m").await;
    for user in USERS {
        scene.activate(user).await;
    }
    scene.stop().await;
    let [one, other, third, fourth] = USERS;
    swap(&scene);
    let swapped = USERS.map(|user| scene.stored(user)["tokens"].take());

    scene.start().await;
    let [a, b, c, d] = USERS.map(|user| scene.vend(user));
    let answers: [_; 4] = tokio::join!(a, b, c, d).into();
    for (answer, user) in answers.into_iter().zip(USERS) {
        assert_eq!(answer.status(), 503, "{user}");
        assert!(!answer.text().await.unwrap().contains("tsa_"));
    }
    let verified = scene.vault(&scene.config, &["verify"]).await.with(1);
    for user in [one, other] {
        for what in ["access token", "refresh token"] {
            let line = format!("bad       telsmart/{}/{user}: {what}, key \"old-key\": ", scene.tenant);
            assert!(verified.out.contains(&line), "{}", verified.out);
        }
    }
    for user in [third, fourth] {
        let line = format!("bad       telsmart/{}/{user}: the row is another user's", scene.tenant);
        assert!(verified.out.contains(&line), "{}", verified.out);
    }
    let rewrapped = scene.vault(&scene.ring(&[NEW, OLD]), &["rewrap"]).await.with(1);
    assert_eq!((rewrapped.number("rewrapped"), rewrapped.number("failed")), (0, 4));
    let log = scene.stop().await;
    let logged = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut shut = logged.filter(|line| line["message"] == "a token cannot be opened");
    assert!(shut.any(|line| line["key"] == "old-key"), "{log}");

    assert_eq!(USERS.map(|user| scene.stored(user)["tokens"].take()), swapped, "something was changed");
    swap(&scene);
    scene.start().await;
    for user in USERS {
        scene.access_token(user).await;
    }
    scene.vault(&scene.config, &["verify"]).await.with(0);
}

/// Exchanges the tokens of two rows, and two rows as they are.
fn swap(scene: &Scene) {
    let [mut one, mut other, third, fourth] = USERS.map(|user| scene.stored(user));
    std::mem::swap(&mut one["tokens"], &mut other["tokens"]);
    for (user, value) in USERS.into_iter().zip([one, other, fourth, third]) {
        scene.write(user, &value);
    }
}

#[tokio::test]
async fn a_missing_key_stops_the_start_and_nothing_is_deleted() {
    let mut scene = Scene::begin(Config::new(), "5m").await;
    let consent = scene.activate("200").await;
    scene.stop().await;
    let before = scene.stored("200");
    let without = scene.ring(&[NEW]);
    let refused = scene.callpop(&without, &["serve"]).await.with(1);
    assert!(refused.err.contains("old-key"), "{}", refused.err);
    let verified = scene.vault(&without, &["verify"]).await.with(1);
    assert!(verified.out.contains("key \"old-key\": the ring has no such key"), "{}", verified.out);
    let rewrapped = scene.vault(&without, &["rewrap"]).await.with(1);
    assert!(rewrapped.out.contains("failed    1 under the key \"old-key\": the ring has no such key"));
    assert_eq!(scene.stored("200"), before);

    scene.config = scene.ring(&[NEW, OLD]);
    scene.start().await;
    assert_eq!(soon("a token", scene.access_token("200")).await, consent.access_token());
}

#[tokio::test]
async fn a_key_that_a_kept_answer_needs_stops_the_start() {
    let mut scene = Scene::begin(Config::new(), "4s").await;
    scene.activate("200").await;
    scene.telsmart.fault([json!({"fault": "malformed"})]).await;
    scene.until("200", "ambiguous").await;
    let ring = scene.ring(&[NEW, OLD]);
    let rewrapped = scene.vault(&ring, &["rewrap"]).await.with(0);
    assert_eq!((rewrapped.number("rewrapped"), rewrapped.number("kept")), (1, 1));
    scene.stop().await;
    let verified = scene.vault(&ring, &["verify"]).await.with(0);
    assert!(verified.out.contains("key       \"old-key\": 1 open, 0 cannot"), "{}", verified.out);
    let refused = scene.callpop(&scene.ring(&[NEW]), &["serve"]).await.with(1);
    assert!(refused.err.contains("old-key"), "{}", refused.err);
    scene.config = ring;
    scene.start().await;
    scene.vault(&scene.config, &["verify"]).await.with(0);
}

#[tokio::test]
async fn nothing_is_made_where_there_is_no_store() {
    let scene = Scene::begin(Config::new(), "5m").await;
    let elsewhere = scene.config.elsewhere();
    let nowhere = elsewhere.data_dir().join("sidecar");
    let elsewhere = elsewhere.set("sidecar.data_dir", nowhere.to_str().unwrap());
    for words in [&["rewrap"][..], &["verify"], &["restore", "--mark-suspect"]] {
        let ended = scene.vault(&elsewhere, words).await.with(1);
        assert!(ended.err.contains("sidecar.db is not there"), "{}", ended.err);
    }
    assert!(!nowhere.exists());
}
