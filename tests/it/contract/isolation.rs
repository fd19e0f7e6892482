//! Nobody sees what is another's: another tenant's, or within it another extension's.

use super::gateway;
use crate::support::{Client, Gateway, Leg, Token, new_tenant, oracle};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

/// Shows that whatever was sent before has arrived: a call of its own comes last.
async fn settle(gateway: &Gateway, client: &mut Client, tenant: &str, extension: &str) {
    let last = Leg::inbound(tenant, extension);
    gateway.deliver(&last.ringing(0)).await;
    client.version(&last, 1).await;
}

fn assert_only(client: &Client, tenant: &str, extensions: &[&str]) {
    for ((extension, _), call) in &client.calls {
        assert_eq!(call["tenant_id"], tenant, "{call}");
        assert!(extensions.contains(&extension.as_str()), "{call} reached {extensions:?}");
    }
}

#[tokio::test]
async fn agent_sees_only_own_extensions() {
    let gateway = gateway().await;
    let (tenant, elsewhere) = (new_tenant(), new_tenant());
    let mine = Leg::inbound(&tenant, "200");
    let theirs = Leg::inbound(&tenant, "210");
    let foreign = Leg::inbound(&elsewhere, "200");
    let token = Token::agent(&tenant, &["200"]);

    // Frames as they happen, and a dismissal among them.
    let mut agent = gateway.stream(&token).open().await;
    let mut colleague = gateway.agent(&tenant, "210").await;
    for leg in [&theirs, &foreign, &mine] {
        gateway.deliver_each(&[leg.ringing(0), leg.active(5)]).await;
    }
    colleague.version(&theirs, 2).await;
    colleague.dismiss(&theirs).await;
    colleague.version(&theirs, 3).await;
    agent.version(&mine, 2).await;
    settle(&gateway, &mut agent, &tenant, "200").await;
    assert_only(&agent, &tenant, &["200"]);
    assert_eq!(agent.calls.len(), 2);

    // Snapshots.
    let fresh = gateway.stream(&token).open().await;
    assert_eq!(fresh.calls, agent.calls);

    // Resumed.
    for leg in [&theirs, &foreign, &mine] {
        gateway.deliver(&leg.hangup(20)).await;
    }
    let mut agent = agent.reconnect().await;
    assert_eq!(agent.first_kind(), "resumed");
    assert_eq!(agent.first["calls"].as_array().unwrap().len(), 1);
    assert_only(&agent, &tenant, &["200"]);

    // Dismissing what is another's: as if it did not exist, and it stays as it was.
    for leg in [&theirs, &foreign] {
        let frame = json!({"type": "dismiss", "leg_id": leg.id}).to_string();
        assert_eq!(agent.error_for(Message::text(frame)).await, "unknown_call");
    }
    let foreigner = gateway.agent(&elsewhere, "200").await;
    assert_eq!(foreigner.call(&foreign), Some(&oracle::call(&foreign.whole())));
    assert_eq!(colleague.version(&theirs, 4).await["version"], 4);

    // A supervisor watches; the popups are the users' own.
    let mut supervisor = gateway.supervisor(&tenant).await;
    let frame = json!({"type": "dismiss", "leg_id": mine.id}).to_string();
    assert_eq!(supervisor.error_for(Message::text(frame)).await, "unknown_call");

    // The tenant's stream.
    assert_eq!(gateway.stream(&token).scope("tenant").refused().await, 4403);
    let resumed = gateway.stream(&token).scope("tenant").resume(&agent.epoch, agent.seq);
    assert_eq!(resumed.refused().await, 4403);
}

#[tokio::test]
async fn a_supervisor_sees_the_whole_tenant_and_nothing_else() {
    let gateway = gateway().await;
    let (tenant, elsewhere) = (new_tenant(), new_tenant());
    let mut supervisor = gateway.supervisor(&tenant).await;
    let legs = ["200", "210"].map(|extension| Leg::inbound(&tenant, extension));
    gateway.deliver(&Leg::inbound(&elsewhere, "200").ringing(0)).await;
    for leg in &legs {
        gateway.deliver(&leg.ringing(0)).await;
        supervisor.version(leg, 1).await;
    }
    assert_only(&supervisor, &tenant, &["200", "210"]);
    let fresh = gateway.supervisor(&tenant).await;
    assert_eq!((fresh.calls.len(), &fresh.calls), (2, &supervisor.calls));
}

#[tokio::test]
async fn a_user_of_two_extensions_sees_both() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let token = Token::agent(&tenant, &["200", "210"]);
    let mut client = gateway.stream(&token).open().await;
    let legs = ["200", "210", "220"].map(|extension| Leg::inbound(&tenant, extension));
    for leg in &legs {
        gateway.deliver(&leg.ringing(0)).await;
    }
    settle(&gateway, &mut client, &tenant, "210").await;
    assert_only(&client, &tenant, &["200", "210"]);
    assert_eq!(client.calls.len(), 3);
    assert_eq!(gateway.stream(&token).open().await.calls, client.calls);
    client.dismiss(&legs[1]).await;
    client.version(&legs[1], 2).await;
}

#[tokio::test]
async fn a_supervisor_may_look_at_their_own_calls_only() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let token = Token::supervisor(&tenant).claim("extensions", ["200"]);
    let mut client = gateway.stream(&token).scope("user").open().await;
    gateway.deliver(&Leg::inbound(&tenant, "210").ringing(0)).await;
    settle(&gateway, &mut client, &tenant, "200").await;
    assert_only(&client, &tenant, &["200"]);
}

#[tokio::test]
async fn the_same_leg_id_under_two_extensions_is_two_calls() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let legs = ["200", "210"].map(|extension| Leg::inbound(&tenant, extension).named("the-same"));
    let mut clients = [gateway.agent(&tenant, "200").await, gateway.agent(&tenant, "210").await];
    gateway.deliver_each(&[legs[0].ringing(0), legs[1].ringing(1), legs[1].hangup(3)]).await;
    assert_eq!(clients[1].version(&legs[1], 2).await["outcome"], "missed");
    clients[0].version(&legs[0], 1).await;
    clients[0].dismiss(&legs[0]).await;
    assert_eq!(clients[0].version(&legs[0], 2).await["state"], "ringing");
    settle(&gateway, &mut clients[1], &tenant, "210").await;
    assert_eq!(clients[1].call(&legs[1]), Some(&oracle::call(&[legs[1].ringing(1), legs[1].hangup(3)])));
    assert_eq!(gateway.supervisor(&tenant).await.calls.len(), 3);
}

#[tokio::test]
async fn the_same_leg_id_in_two_tenants_is_two_calls() {
    let gateway = gateway().await;
    let legs = [new_tenant(), new_tenant()].map(|tenant| Leg::inbound(&tenant, "200").named("the-same"));
    gateway.deliver_each(&legs[0].whole()).await;
    gateway.deliver(&legs[1].ringing(0)).await;
    for (leg, events) in [(&legs[0], legs[0].whole()), (&legs[1], vec![legs[1].ringing(0)])] {
        let client = gateway.agent(&leg.tenant, "200").await;
        assert_eq!(client.call(leg), Some(&oracle::call(&events)));
    }
}
