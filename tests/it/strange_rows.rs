//! Rows that are whole and say nothing that this version understands: what is beside them is served, and they stay
//! where they are, for the version that wrote them.

use crate::support::{Config, Engine, Gateway, Leg, new_tenant, redis, store};
use serde_json::json;

const STRANGE: &str = r#"{"event":{"received_at":1,"event":{"of":"a later version"}}}"#;

async fn assert_served(gateway: &Gateway, leg: &Leg, version: u64) {
    let client = gateway.agent(&leg.tenant, "200").await;
    assert_eq!(client.calls.len(), 1);
    assert_eq!(client.call(leg).unwrap()["version"], version);
    assert!(gateway.metric("callpop_stored_rows_unreadable_total").await >= 1.0);
    let warnings = gateway.warnings().await;
    assert!(warnings.contains("stored rows could not be read"), "{warnings}");
    assert!(gateway.is_in_rotation().await);
}

#[tokio::test]
async fn in_the_journal_it_is_counted_and_stays() {
    let config = Config::new();
    let mut gateway = config.start().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    gateway.deliver(&leg.ringing(0)).await;
    gateway.stop().await;
    store::append(&config.data_dir(), STRANGE.as_bytes());

    let mut gateway = config.start().await;
    assert_served(&gateway, &leg, 1).await;
    gateway.deliver(&leg.active(5)).await;
    gateway.process.logged("cannot be read").await;
    gateway.stop().await;
    let stays = store::rows(&config.data_dir(), "events").iter().any(|row| row == STRANGE.as_bytes());
    assert!(stays);
    assert_served(&config.start().await, &leg, 2).await;
}

#[tokio::test]
async fn in_redis_it_is_counted_and_stays() {
    let config = Engine::Redis.config().await;
    let gateway = config.start().await;
    let tenant = new_tenant();
    let [leg, other] = ["200", "210"].map(|extension| Leg::inbound(&tenant, extension));
    gateway.deliver_each(&[leg.ringing(0), other.ringing(0)]).await;
    let server = redis::shared().await;
    let keys = server.command(&["KEYS", &format!("{}:*", config.text("engine.redis_prefix"))]).await;
    let key_of = |leg: &Leg| {
        let keys = keys.as_array().unwrap().iter().map(|key| key.as_str().unwrap());
        keys.filter(|key| key.ends_with(&leg.id)).map(str::to_owned).next().unwrap()
    };
    // One leg has a strange event beside its own, the other has nothing else.
    let strange = |leg: &Leg| [key_of(leg), "7:9:0123".to_owned(), format!("2:2:{STRANGE}")];
    let [key, field, value] = strange(&leg);
    server.command(&["HSET", &key, &field, &value]).await;
    let [alone, field_of_other, value_of_other] = strange(&other);
    let fields = server.command(&["HKEYS", &alone]).await;
    for own in fields.as_array().unwrap().iter().map(|own| own.as_str().unwrap()) {
        if own.contains(':') {
            server.command(&["HDEL", &alone, own]).await;
        }
    }
    server.command(&["HSET", &alone, &field_of_other, &value_of_other]).await;

    let gateway = gateway.restart().await;
    assert_served(&gateway, &leg, 1).await;
    assert_eq!(gateway.supervisor(&tenant).await.calls.len(), 1);
    gateway.deliver(&leg.active(5)).await;
    assert_eq!(gateway.agent(&tenant, "200").await.call(&leg).unwrap()["state"], "active");
    for (key, field, value) in [(key, field, value), (alone, field_of_other, value_of_other)] {
        assert_eq!(server.command(&["HGET", &key, &field]).await, json!(value), "{key}");
    }
}
