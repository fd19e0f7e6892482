//! Notices: what a user should see beside calls.

use super::config;
use crate::support::{
    Client, Config, Gateway, Leg, Token, eventually, gateway::problem, new_tenant, now, soon,
};
use reqwest::Response;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

const SECRET: &str = "webhook-secret-of-the-desk-0123";
/// So often a notice may be posted with other words, and so often be done.
const MOST_POSTS: u64 = 256;

async fn with_desk() -> Config {
    config().await.set("sources.desk.kind", "callpop").set("sources.desk.secrets", vec![SECRET])
}

async fn desk() -> Gateway {
    with_desk().await.start().await
}

async fn post(gateway: &Gateway, body: &Value) -> Response {
    let request = gateway.request("POST", "/webhooks/desk").header("X-Webhook-Secret", SECRET);
    soon("the webhook's answer", request.json(body).send()).await.unwrap()
}

async fn deliver(gateway: &Gateway, body: &Value) {
    let answer = post(gateway, body).await;
    assert_eq!(answer.status(), 204, "{body}: {:?}", answer.text().await);
}

/// A ticket of extension 200.
struct Ticket {
    tenant: String,
    id: String,
    start: u64,
}

impl Ticket {
    fn new(tenant: &str) -> Self {
        Self { tenant: tenant.to_owned(), id: new_tenant(), start: now() }
    }

    fn at(&self, second: u64) -> u64 {
        self.start + second * 1_000_000
    }

    fn event(&self, event: &str, second: u64) -> Value {
        json!({"event": event, "tenant_id": self.tenant, "extension": "200", "notice_id": self.id, "at": self.at(second)})
    }

    fn posted(&self, second: u64, title: &str) -> Value {
        let mut event = self.event("posted", second);
        event["kind"] = json!("ticket");
        event["title"] = json!(title);
        event
    }

    fn key(&self) -> (String, String) {
        ("200".to_owned(), self.id.clone())
    }

    /// Waits until a client knows a version of it.
    async fn version(&self, client: &mut Client, version: u64) -> Value {
        let is_there =
            |client: &Client| client.notices.get(&self.key()).is_some_and(|it| it["version"] == version);
        client.until(&format!("version {version}"), is_there).await;
        client.notices[&self.key()].clone()
    }

    async fn say(&self, client: &mut Client, what: &str) {
        client.send(&json!({"type": what, "notice_id": self.id, "source": "desk", "extension": "200"})).await;
    }
}

#[tokio::test]
async fn a_notice_reaches_its_user_as_it_was_posted_and_nobody_else() {
    let gateway = desk().await;
    let tenant = new_tenant();
    let ticket = Ticket::new(&tenant);
    let mut mine = gateway.agent(&tenant, "200").await;
    let mut others = [
        gateway.agent(&tenant, "210").await,
        gateway.supervisor(&tenant).await,
        gateway.agent(&new_tenant(), "200").await,
    ];
    let mut event = ticket.posted(0, "Text from <b>Marie</b>");
    event["body"] = json!("Hello\n\u{202e}<script>");
    event["remote"] = json!({"number": "0470 12 34 56", "name": "Marie"});
    event["link"] = json!("https://crm.example/t/17");
    event["expires_at"] = json!(ticket.at(600).to_string());
    event["attributes"] = json!({"media": "2"});
    deliver(&gateway, &event).await;
    let expected = json!({
        "notice_id": ticket.id, "source": "desk", "tenant_id": tenant, "extension": "200", "version": 1,
        "kind": "ticket", "title": event["title"], "body": event["body"],
        "remote": {"number": "0470 12 34 56", "name": "Marie"}, "link": "https://crm.example/t/17",
        "at": ticket.at(0), "expires_at": ticket.at(600), "state": "open", "done_at": null,
        "dismissed_at": null, "attributes": {"media": "2"},
    });
    assert_eq!(ticket.version(&mut mine, 1).await, expected);
    assert_eq!(gateway.agent(&tenant, "200").await.notices[&ticket.key()], expected);
    for other in &mut others {
        other.assert_open().await;
        assert!(other.notices.is_empty());
    }
    assert!(gateway.supervisor(&tenant).await.notices.is_empty());
    assert!(gateway.agent(&tenant, "210").await.notices.is_empty());
}

#[tokio::test]
async fn the_same_events_make_the_same_notice_in_any_order() {
    let gateway = desk().await;
    let tenant = new_tenant();
    let mut client = gateway.agent(&tenant, "200").await;
    let events = |ticket: &Ticket| {
        [
            ticket.posted(0, "opened"),
            ticket.event("done", 5),
            ticket.posted(9, "opened again"),
            ticket.event("done", 9),
        ]
    };
    for order in [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1], [1, 3, 0, 2]] {
        let ticket = Ticket::new(&tenant);
        let events = events(&ticket);
        for nth in order.into_iter().chain(order) {
            deliver(&gateway, &events[nth]).await;
        }
        let notice = ticket.version(&mut client, 4).await;
        assert_eq!(
            (&notice["title"], &notice["state"]),
            (&json!("opened again"), &json!("done")),
            "{order:?}"
        );
        assert_eq!((&notice["at"], &notice["done_at"]), (&json!(ticket.at(9)), &json!(ticket.at(9))));
    }
}

#[tokio::test]
async fn a_ticket_that_comes_back_is_open_again() {
    let gateway = desk().await;
    let ticket = Ticket::new(&new_tenant());
    let mut client = gateway.agent(&ticket.tenant, "200").await;
    deliver(&gateway, &json!([ticket.posted(0, "first"), ticket.event("done", 5)])).await;
    assert_eq!(ticket.version(&mut client, 2).await["state"], "done");
    deliver(&gateway, &ticket.posted(9, "second")).await;
    let notice = ticket.version(&mut client, 3).await;
    assert_eq!(
        (&notice["state"], &notice["done_at"], &notice["title"]),
        (&json!("open"), &Value::Null, &json!("second"))
    );
}

#[tokio::test]
async fn what_a_user_does_is_seen_by_all_of_theirs_and_confirmed() {
    let gateway = desk().await;
    let ticket = Ticket::new(&new_tenant());
    let mut tabs = [gateway.agent(&ticket.tenant, "200").await, gateway.agent(&ticket.tenant, "200").await];
    deliver(&gateway, &ticket.posted(0, "first")).await;
    for tab in &mut tabs {
        ticket.version(tab, 1).await;
    }
    for (version, what, field) in [(2, "done", "done_at"), (3, "dismiss", "dismissed_at")] {
        ticket.say(&mut tabs[0], what).await;
        let durable = tabs[0].next_of("durable").await;
        let notice = ticket.version(&mut tabs[0], version).await;
        assert!(notice[field].as_u64() >= Some(ticket.start), "{notice}");
        assert_eq!(durable["seq"], tabs[0].seq);
        let named = (&durable["notice_id"], &durable["source"], &durable["extension"]);
        assert_eq!(named, (&json!(ticket.id), &json!("desk"), &json!("200")));
        assert_eq!(ticket.version(&mut tabs[1], version).await, notice);
        // Again, from elsewhere: it is what it was.
        ticket.say(&mut tabs[1], what).await;
        assert!(tabs[1].next_of("durable").await["seq"].as_u64() >= durable["seq"].as_u64());
    }
    assert_eq!(tabs[1].notices[&ticket.key()]["state"], "done");
    assert_eq!(gateway.agent(&ticket.tenant, "200").await.notices, tabs[0].notices);
}

#[tokio::test]
async fn a_dismissal_counts_until_it_is_posted_again_and_only_for_what_was_seen() {
    let gateway = desk().await;
    // The provider's clock is ahead of ours.
    let ticket = Ticket::new(&new_tenant());
    let mut client = gateway.agent(&ticket.tenant, "200").await;
    deliver(&gateway, &ticket.posted(50, "first")).await;
    ticket.version(&mut client, 1).await;
    ticket.say(&mut client, "dismiss").await;
    assert!(ticket.version(&mut client, 2).await["dismissed_at"].is_u64());
    deliver(&gateway, &ticket.posted(60, "second")).await;
    assert!(ticket.version(&mut client, 3).await["dismissed_at"].is_null());
    // It was closed by a page that had not heard of the second.
    client.send(&json!({"type": "dismiss", "notice_id": ticket.id, "seen": 2})).await;
    client.next_of("durable").await;
    assert!(ticket.version(&mut client, 4).await["dismissed_at"].is_null());
    client.send(&json!({"type": "dismiss", "notice_id": ticket.id, "seen": 4})).await;
    client.next_of("durable").await;
    assert!(ticket.version(&mut client, 5).await["dismissed_at"].is_u64());
}

#[tokio::test]
async fn nobody_acts_on_what_is_not_theirs() {
    let gateway = desk().await;
    let ticket = Ticket::new(&new_tenant());
    deliver(&gateway, &ticket.posted(0, "first")).await;
    let mut colleague = gateway.agent(&ticket.tenant, "210").await;
    let mut stranger = gateway.agent(&new_tenant(), "200").await;
    let mut mine = gateway.agent(&ticket.tenant, "200").await;
    for kind in ["done", "dismiss"] {
        let frame = json!({"type": kind, "notice_id": ticket.id}).to_string();
        for client in [&mut colleague, &mut stranger] {
            assert_eq!(client.error_for(Message::text(&frame)).await, "unknown_notice");
        }
        let elsewhere = json!({"type": kind, "notice_id": ticket.id, "source": "telsmart"}).to_string();
        assert_eq!(mine.error_for(Message::text(elsewhere)).await, "unknown_notice");
    }
    // A notice is no call, though the id is the same.
    let frame = json!({"type": "dismiss", "leg_id": ticket.id}).to_string();
    assert_eq!(mine.error_for(Message::text(frame)).await, "unknown_call");
    assert_eq!(gateway.agent(&ticket.tenant, "200").await.notices[&ticket.key()]["version"], 1);
}

#[tokio::test]
async fn a_call_and_a_notice_of_one_id_are_two() {
    let gateway = desk().await;
    let leg = Leg::inbound(&new_tenant(), "200");
    let ticket = Ticket { tenant: leg.tenant.clone(), id: leg.id.clone(), start: now() };
    let mut client = gateway.agent(&leg.tenant, "200").await;
    gateway.deliver(&leg.ringing(0)).await;
    deliver(&gateway, &ticket.posted(0, "first")).await;
    client.version(&leg, 1).await;
    ticket.version(&mut client, 1).await;
    client.dismiss(&leg).await;
    client.version(&leg, 2).await;
    let later = gateway.agent(&leg.tenant, "200").await;
    assert_eq!(later.call(&leg).unwrap()["version"], 2);
    assert!(later.notices[&ticket.key()]["dismissed_at"].is_null());
}

#[tokio::test]
async fn a_snapshot_holds_the_newest_and_they_push_no_call_out() {
    let gateway = with_desk().await.set("notices.recent_per_user", 3).set("calls.recent_per_user", 2);
    let gateway = gateway.start().await;
    let tenant = new_tenant();
    let legs = [Leg::inbound(&tenant, "200"), Leg::inbound(&tenant, "200")];
    for leg in &legs {
        gateway.deliver_each(&[leg.ringing(0), leg.hangup(5)]).await;
    }
    let tickets: Vec<Ticket> = (0..5).map(|_| Ticket::new(&tenant)).collect();
    for (second, ticket) in (0..).zip(&tickets) {
        deliver(&gateway, &ticket.posted(second, "first")).await;
        deliver(&gateway, &ticket.event("done", second)).await;
    }
    let client = gateway.agent(&tenant, "200").await;
    let shown = client.first["notices"].as_array().unwrap().iter();
    let shown: Vec<_> = shown.map(|notice| notice["notice_id"].as_str().unwrap()).collect();
    let newest: Vec<_> = tickets.iter().rev().take(3).map(|ticket| ticket.id.as_str()).collect();
    assert_eq!(shown, newest);
    assert_eq!(client.calls.len(), 2);
}

#[tokio::test]
async fn a_stream_goes_on_with_the_notices_that_it_missed() {
    let gateway = desk().await;
    let tenant = new_tenant();
    let tickets = [Ticket::new(&tenant), Ticket::new(&tenant)];
    let mut client = gateway.agent(&tenant, "200").await;
    for ticket in &tickets {
        deliver(&gateway, &ticket.posted(0, "first")).await;
        ticket.version(&mut client, 1).await;
    }
    let mut other = gateway.agent(&tenant, "200").await;
    let client = {
        tickets[0].say(&mut other, "done").await;
        other.next_of("durable").await;
        client.reconnect().await
    };
    assert_eq!(client.first_kind(), "resumed");
    let changed = client.first["notices"].as_array().unwrap();
    assert!(changed.iter().all(|notice| notice["notice_id"] == tickets[0].id.as_str()), "{changed:?}");
    assert_eq!(client.notices[&tickets[0].key()]["state"], "done");
    assert_eq!(client.notices[&tickets[1].key()]["state"], "open");
}

#[tokio::test]
async fn a_notice_is_kept_for_so_long_and_then_forgotten() {
    let gateway = with_desk().await.set("notices.keep", "1s").start().await;
    let ticket = Ticket::new(&new_tenant());
    let leg = Leg::inbound(&ticket.tenant, "200");
    gateway.deliver_each(&[leg.ringing(0), leg.hangup(5)]).await;
    deliver(&gateway, &ticket.posted(0, "first")).await;
    assert_eq!(gateway.agent(&ticket.tenant, "200").await.notices.len(), 1);
    eventually("it is forgotten", async || {
        gateway.agent(&ticket.tenant, "200").await.notices.is_empty().then_some(())
    })
    .await;
    assert_eq!(gateway.agent(&ticket.tenant, "200").await.calls.len(), 1, "calls are kept as long as before");
    // Should it come back, its version goes on.
    deliver(&gateway, &ticket.posted(9, "second")).await;
    let client = gateway.agent(&ticket.tenant, "200").await;
    assert_eq!(client.notices[&ticket.key()]["version"], 2);
}

#[tokio::test]
async fn supervisors_see_notices_where_that_is_configured() {
    let gateway = with_desk().await.set("notices.supervisors", true).start().await;
    let ticket = Ticket::new(&new_tenant());
    let mut supervisor = gateway.supervisor(&ticket.tenant).await;
    deliver(&gateway, &ticket.posted(0, "first")).await;
    let notice = ticket.version(&mut supervisor, 1).await;
    assert_eq!(gateway.supervisor(&ticket.tenant).await.notices[&ticket.key()], notice);
    let resumed = supervisor.reconnect().await;
    assert_eq!(resumed.first_kind(), "resumed");
    assert!(gateway.supervisor(&new_tenant()).await.notices.is_empty());
}

#[tokio::test]
async fn what_was_never_posted_takes_no_place_of_what_was() {
    let gateway = with_desk().await.set("notices.recent_per_user", 3).start().await;
    let tenant = new_tenant();
    let ticket = Ticket::new(&tenant);
    let mut mine = gateway.agent(&tenant, "200").await;
    deliver(&gateway, &ticket.posted(0, "first")).await;
    let strangers: Vec<Ticket> = (0..10).map(|_| Ticket::new(&tenant)).collect();
    for stranger in &strangers {
        deliver(&gateway, &stranger.event("done", 5)).await;
    }
    let client = gateway.agent(&tenant, "200").await;
    assert_eq!(client.notices.keys().collect::<Vec<_>>(), [&ticket.key()]);
    // Nobody can act on one of them, until it is there.
    let frame = json!({"type": "done", "notice_id": strangers[0].id}).to_string();
    assert_eq!(mine.error_for(Message::text(frame)).await, "unknown_notice");
    deliver(&gateway, &strangers[0].posted(3, "late")).await;
    let late = strangers[0].version(&mut mine, 2).await;
    assert_eq!(late["state"], "done");
    assert_eq!(gateway.agent(&tenant, "200").await.notices[&strangers[0].key()], late);
}

#[tokio::test]
async fn what_is_odd_is_understood_and_what_is_no_event_is_not() {
    let gateway = desk().await;
    let ticket = Ticket::new(&new_tenant());
    let mut event = ticket.posted(0, "first");
    (event["kind"], event["attributes"], event["body"]) = (Value::Null, Value::Null, Value::Null);
    event["remote"] = json!({"number": 32_470_123_456_u64, "name": null});
    deliver(&gateway, &event).await;
    let notice = gateway.agent(&ticket.tenant, "200").await.notices[&ticket.key()].clone();
    assert_eq!((&notice["kind"], &notice["attributes"]), (&json!("other"), &json!({})));
    assert_eq!(notice["remote"], json!({"number": "32470123456", "name": null}));

    let two = format!("{}{}", ticket.posted(1, "one"), ticket.posted(2, "two"));
    for (body, status) in [(two.as_str(), 400), ("{} x", 400), (r#"[["hello", "t"]]"#, 422), ("[5]", 422)] {
        let request = gateway.request("POST", "/webhooks/desk").header("X-Webhook-Secret", SECRET);
        let request = request.header("Content-Type", "application/json").body(body.to_owned());
        problem(soon("the answer", request.send()).await.unwrap(), status).await;
    }
    assert_eq!(gateway.agent(&ticket.tenant, "200").await.notices[&ticket.key()], notice);
}

#[tokio::test]
async fn a_notice_takes_so_many_posts_and_can_still_be_done() {
    let gateway = desk().await;
    let ticket = Ticket::new(&new_tenant());
    let mut client = gateway.agent(&ticket.tenant, "200").await;
    let posts: Vec<Value> = (0..MOST_POSTS).map(|second| ticket.posted(second, "again")).collect();
    deliver(&gateway, &json!(posts)).await;
    ticket.version(&mut client, MOST_POSTS).await;
    deliver(&gateway, &ticket.posted(999, "one more")).await;
    assert_eq!(gateway.metric("callpop_events_refused_full_item_total").await, 1.0);
    ticket.say(&mut client, "done").await;
    assert_eq!(ticket.version(&mut client, MOST_POSTS + 1).await["state"], "done");
}

#[tokio::test]
async fn a_bad_notice_is_refused_by_its_field_and_changes_nothing() {
    let gateway = desk().await;
    let ticket = Ticket::new(&new_tenant());
    let good = ticket.posted(0, "first");
    let long = |count: usize| json!("x".repeat(count));
    for (field, bad) in [
        ("tenant_id", Value::Null),
        ("tenant_id", json!("")),
        ("extension", Value::Null),
        ("extension", json!(5)),
        ("notice_id", long(129)),
        ("at", Value::Null),
        ("at", json!(5)),
        ("at", json!("yesterday")),
        ("at", json!(1.5)),
        ("kind", json!("fax")),
        ("kind", json!(5)),
        ("title", Value::Null),
        ("title", json!(" ")),
        ("title", long(201)),
        ("body", long(2001)),
        ("body", json!({})),
        ("link", json!("http://crm.example/")),
        ("link", json!("javascript:alert(1)")),
        ("expires_at", json!(5)),
        ("attributes", json!([])),
        ("attributes", json!({"a": long(257)})),
        ("event", Value::Null),
    ] {
        let mut event = good.clone();
        event[field] = bad.clone();
        let detail = problem(post(&gateway, &json!([good, event])).await, 422).await;
        assert!(detail.contains(&format!("[1].{field}")), "{field} = {bad}: {detail}");
    }
    problem(post(&gateway, &json!("x")).await, 422).await;
    assert!(gateway.agent(&ticket.tenant, "200").await.notices.is_empty());
}

#[tokio::test]
async fn a_desk_has_its_own_secret_and_tenants() {
    let tenant = new_tenant();
    let gateway = with_desk().await.set("sources.desk.tenants", vec![tenant.as_str()]).start().await;
    let ticket = Ticket::new(&tenant);
    let wrong = gateway.request("POST", "/webhooks/desk").json(&ticket.posted(0, "first"));
    problem(soon("the answer", wrong.send()).await.unwrap(), 401).await;
    let foreign = Ticket::new(&new_tenant());
    let both = json!([ticket.posted(0, "first"), foreign.posted(0, "first")]);
    problem(post(&gateway, &both).await, 403).await;
    assert!(gateway.agent(&tenant, "200").await.notices.is_empty());
    deliver(&gateway, &ticket.posted(0, "first")).await;
    assert_eq!(gateway.agent(&tenant, "200").await.notices.len(), 1);
}

#[tokio::test]
async fn an_unknown_event_is_archived_and_operators_see_a_notice() {
    let gateway = desk().await;
    let ticket = Ticket::new(&new_tenant());
    deliver(&gateway, &json!([ticket.posted(0, "first"), ticket.event("snoozed", 5)])).await;
    let archive: Value = gateway.look_up("/archive").await.json().await.unwrap();
    let is_ours = |row: &&Value| row["raw"].as_str().unwrap().contains(&ticket.id);
    let row = archive.as_array().unwrap().iter().find(is_ours).unwrap();
    assert_eq!((&row["state"], &row["source"]), (&json!("snoozed"), &json!("desk")));
    let path = format!("/notices/{}/desk/200/{}", ticket.tenant, ticket.id);
    let view: Value = gateway.look_up(&path).await.json().await.unwrap();
    assert_eq!((&view["notice"]["title"], view["events"].as_array().unwrap().len()), (&json!("first"), 1));
    let none = gateway.look_up(&path.replace("/200/", "/210/")).await;
    assert_eq!(none.status(), 404);
}

#[tokio::test]
async fn an_agent_of_two_extensions_means_the_notices_of_both() {
    let gateway = desk().await;
    let ticket = Ticket::new(&new_tenant());
    let mut client = gateway.stream(&Token::agent(&ticket.tenant, &["200", "210"])).open().await;
    let mut on_210 = ticket.posted(0, "first");
    on_210["extension"] = json!("210");
    deliver(&gateway, &json!([ticket.posted(0, "first"), on_210])).await;
    client.until("both", |client| client.notices.len() == 2).await;
    client.send(&json!({"type": "done", "notice_id": ticket.id})).await;
    client
        .until("both are done", |client| client.notices.values().all(|notice| notice["state"] == "done"))
        .await;
}
