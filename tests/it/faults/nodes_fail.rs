//! Nodes die, drain and come back; nothing goes with them.

use super::scene::Scene;

#[tokio::test]
async fn node_killed_under_load_loses_nothing() {
    let mut scene = Scene::begin().await;
    for node in 0..3 {
        scene.fleet.kill(node);
        scene.load.flows(60).await;
        scene.fleet.revive(node).await;
        scene.load.flows(30).await;
    }
    let outcome = scene.end("node_killed_under_load_loses_nothing").await;
    outcome.assert_epochs(1);
    // They came back by `resume`, and were told what they had missed.
    let count = |kind| outcome.views.iter().filter_map(|view| view.frames.get(kind)).sum::<usize>();
    let ends: usize = outcome.views.iter().flat_map(|view| view.ends.get(&None)).sum();
    assert!(ends >= outcome.views.len(), "every viewer was cut off: {ends}");
    assert!(count("resumed") >= outcome.views.len());
    assert_eq!(count("snapshot"), outcome.views.len(), "a snapshot only at the very first");
}

#[tokio::test]
async fn rolling_restart_loses_nothing() {
    let mut scene = Scene::begin().await;
    for node in 0..3 {
        scene.fleet.stop(node).await;
        scene.load.flows(30).await;
        scene.fleet.revive(node).await;
        scene.load.flows(30).await;
    }
    let outcome = scene.end("rolling_restart_loses_nothing").await;
    outcome.assert_epochs(1);
    let mut delays: Vec<u64> = outcome.views.iter().flat_map(|view| view.delays_ms.clone()).collect();
    let told = delays.len();
    delays.sort_unstable();
    delays.dedup();
    eprintln!("rolling_restart_loses_nothing: {told} clients were told to come back after {delays:?} ms");
    assert!(told >= outcome.views.len(), "every client was told");
    assert!(delays.iter().all(|delay| *delay <= 500), "{delays:?}");
    assert!(delays.len() > told / 2, "they come back all at once: {delays:?}");
    assert!(outcome.views.iter().all(|view| view.ends.contains_key(&Some(4503))));
}
