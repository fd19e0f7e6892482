//! Closed days: their figures stay when their calls are gone, and nothing that comes late is lost.

use super::config;
use crate::support::{
    Gateway,
    closed_days::{
        ask, calls, figures, gone, late, of_tenant, play, short_lived, stored, times_stored, two_days_ago,
    },
    new_tenant,
};
use serde_json::{Value, json};

async fn gateway() -> Gateway {
    short_lived(config().await).start().await
}

fn offered(values: &Value) -> [u64; 3] {
    ["offered", "missed", "out"].map(|name| values[name].as_u64().unwrap())
}

#[tokio::test]
async fn the_figures_of_a_day_stay_when_its_calls_are_gone() {
    let gateway = gateway().await;
    let (tenant, begin) = (new_tenant(), two_days_ago());
    play(&gateway, &calls(&tenant, begin)).await;
    let before = figures(&gateway, &tenant, begin).await;
    let values = of_tenant(&gateway, &tenant, begin).await;
    assert_eq!(offered(&values), [8, 2, 4]);
    assert_eq!((&values["callers"], &values["repeat_callers"]), (&json!(4), &json!(4)));
    gone(&gateway, &tenant, begin).await;
    assert_eq!(figures(&gateway, &tenant, begin).await, before);
    let gateway = gateway.restart().await;
    assert_eq!(figures(&gateway, &tenant, begin).await, before);
    let whole = ask(&gateway, &tenant, "figures", begin, "").await;
    assert_eq!(whole["complete"], 1.0);
    assert!(whole["from_kept"].as_u64().unwrap() <= begin, "{whole}");
    let nobody = ask(&gateway, &new_tenant(), "figures", begin, "").await;
    assert!(nobody["from_kept"].as_u64().unwrap() > begin, "{nobody}");
}

#[tokio::test]
async fn a_late_call_counts_once_also_where_others_of_its_day_are_gone() {
    let gateway = gateway().await;
    let (tenant, begin) = (new_tenant(), two_days_ago());
    play(&gateway, &calls(&tenant, begin)).await;
    stored(&gateway, 0.0).await;
    gateway.deliver_each(&late(&tenant, begin)).await;
    assert_eq!(offered(&of_tenant(&gateway, &tenant, begin).await), [9, 3, 4]);
    gone(&gateway, &tenant, begin).await;
    assert_eq!(offered(&of_tenant(&gateway, &tenant, begin).await), [9, 3, 4]);
    // Not one call of the day is left.
    let before = times_stored(&gateway).await;
    gateway.deliver_each(&late(&tenant, begin + 60_000_000)).await;
    let with_it = figures(&gateway, &tenant, begin).await;
    assert_eq!(offered(&of_tenant(&gateway, &tenant, begin).await), [10, 4, 4]);
    stored(&gateway, before).await;
    assert_eq!(figures(&gateway, &tenant, begin).await, with_it);
    gone(&gateway, &tenant, begin).await;
    assert_eq!(figures(&gateway, &tenant, begin).await, with_it);
}

#[tokio::test]
async fn figures_of_extensions_go_after_keep_days() {
    let gateway = short_lived(config().await).set("board.keep_days", 1).start().await;
    let (tenant, begin) = (new_tenant(), two_days_ago() - 24 * 60 * 60_000_000);
    play(&gateway, &calls(&tenant, begin)).await;
    let of_extensions =
        async || ask(&gateway, &tenant, "figures", begin, "&by=extension").await["rows"].take();
    assert_eq!(of_extensions().await.as_array().unwrap().len(), 2);
    gone(&gateway, &tenant, begin).await;
    assert_eq!(of_extensions().await, json!([]));
    assert_eq!(offered(&of_tenant(&gateway, &tenant, begin).await), [8, 2, 4]);
}

#[tokio::test]
async fn without_boards_no_day_is_stored() {
    let on = short_lived(config().await);
    let off = on.clone().set("board.enabled", false);
    let gateway = off.start().await;
    let (tenant, begin) = (new_tenant(), two_days_ago());
    play(&gateway, &calls(&tenant, begin)).await;
    crate::support::eventually("the calls to be forgotten", async || {
        gateway.supervisor(&tenant).await.calls.is_empty().then_some(())
    })
    .await;
    assert_eq!(times_stored(&gateway).await, 0.0);
    let gateway = gateway.restart_by(&on).await;
    assert_eq!(offered(&of_tenant(&gateway, &tenant, begin).await), [0, 0, 0]);
}
