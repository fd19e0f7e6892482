//! A token's `groups` keep a supervisor to some groups of the directory, whatever they ask for.

use super::{config, gateway};
use crate::support::{
    Client, Gateway, Leg, Token,
    connect::Connect,
    directory::{JSON, boss, etag, get, put, replace, request, row, rows, sent},
    gateway::problem,
    new_tenant, now, soon,
};
use reqwest::header;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

fn kept_to(tenant: &str, groups: &[&str]) -> Token {
    Token::supervisor(tenant).claim("groups", groups)
}

fn watch(gateway: &Gateway, token: &Token) -> Connect {
    gateway.stream(token).scope("tenant")
}

fn grouped(extension: &str, groups: &[&str]) -> Value {
    let mut row = row(extension, &[]);
    row["groups"] = json!(groups);
    row
}

/// 200 and 201 are in sales, 201 and 300 in support, 400 is in no group, 500 not in the directory.
async fn teams(gateway: &Gateway, tenant: &str) {
    let all = [
        grouped("300", &["support"]),
        grouped("201", &["support", "sales"]),
        grouped("200", &["sales"]),
        grouped("400", &[]),
    ];
    replace(gateway, tenant, &all).await;
}

fn legs(tenant: &str) -> Vec<Leg> {
    ["200", "201", "300", "400", "500"].map(|extension| Leg::inbound(tenant, extension)).into()
}

fn extensions(client: &Client) -> Vec<&str> {
    client.calls.keys().map(|(extension, _)| extension.as_str()).collect()
}

/// Shows that whatever was sent before has arrived, by a call on an extension that the client sees.
async fn settle(gateway: &Gateway, client: &mut Client, tenant: &str, extension: &str) {
    let last = Leg::inbound(tenant, extension);
    gateway.deliver_each(&[last.ringing(0), last.hangup(1)]).await;
    client.version(&last, 2).await;
    client.calls.retain(|(_, id), _| *id != last.id);
}

/// Reads until a snapshot came of those extensions' calls.
async fn until_moved(client: &mut Client, expected: &[&str]) -> Value {
    loop {
        let frame = client.next_of("snapshot").await;
        let calls = frame["calls"].as_array().unwrap();
        let mut seen: Vec<&str> = calls.iter().map(|call| call["extension"].as_str().unwrap()).collect();
        seen.sort();
        if seen == expected {
            return frame;
        }
    }
}

fn resumable(client: &Client) -> Value {
    json!({"epoch": client.epoch, "seq": client.seq, "stream": client.first["stream"]})
}

#[tokio::test]
async fn a_supervisor_sees_the_calls_of_these_groups_and_no_others() {
    let gateway = gateway().await;
    let (tenant, elsewhere) = (new_tenant(), new_tenant());
    teams(&gateway, &tenant).await;
    teams(&gateway, &elsewhere).await;
    gateway.deliver(&Leg::inbound(&elsewhere, "200").ringing(0)).await;
    let legs = legs(&tenant);
    for leg in &legs {
        gateway.deliver(&leg.ringing(0)).await;
    }
    for (groups, theirs) in [
        (&["sales"][..], &["200", "201"][..]),
        (&["support"], &["201", "300"]),
        (&["support", "no such group", "sales"], &["200", "201", "300"]),
        (&["no such group"], &[]),
        (&["Sales"], &[]),
        (&[], &[]),
    ] {
        let client = watch(&gateway, &kept_to(&tenant, groups)).open().await;
        assert_eq!((client.first_kind(), extensions(&client)), ("snapshot", theirs.to_vec()), "{groups:?}");
        assert_eq!(client.first["extensions"], json!([]), "as of everybody who watches a tenant");
    }
    assert_eq!(gateway.supervisor(&tenant).await.calls.len(), 5);

    // As they happen.
    let token = kept_to(&tenant, &["sales"]);
    let mut client = watch(&gateway, &token).open().await;
    let mut nobody = watch(&gateway, &kept_to(&tenant, &[])).open().await;
    for leg in legs.iter().rev() {
        gateway.deliver(&leg.active(1)).await;
    }
    let heard = [client.next().await, client.next().await].map(|frame| frame["call"]["extension"].clone());
    assert_eq!(heard, ["201", "200"]);
    settle(&gateway, &mut client, &tenant, "200").await;

    // Resumed: what changed of these.
    let left = resumable(&client);
    for leg in &legs {
        gateway.deliver(&leg.hangup(2)).await;
    }
    let resumed = watch(&gateway, &token).resume_stream(&left).first_frame().await;
    assert_eq!(resumed["type"], "resumed");
    let mut changed: Vec<&str> =
        resumed["calls"].as_array().unwrap().iter().map(|call| call["extension"].as_str().unwrap()).collect();
    changed.sort();
    assert_eq!(changed, ["200", "201"]);
    nobody.assert_open().await;
    assert!(nobody.calls.is_empty());
}

#[tokio::test]
async fn what_was_left_by_another_token_is_not_resumed() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    teams(&gateway, &tenant).await;
    let whole = gateway.supervisor(&tenant).await;
    let token = kept_to(&tenant, &["sales"]);
    let kept = watch(&gateway, &token).open().await;
    let none = watch(&gateway, &kept_to(&tenant, &[])).open().await;
    let user = Token::agent(&tenant, &["200", "201"]);
    let user = gateway.stream(&user).open().await;
    let names = [&whole, &kept, &none, &user].map(|client| client.first["stream"].as_str().unwrap());
    assert_eq!(names.into_iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
    for (from, by) in [(&whole, &token), (&kept, &boss(&tenant)), (&user, &token), (&none, &token)] {
        let first = watch(&gateway, by).resume_stream(&from.first).first_frame().await;
        assert_eq!(first["type"], "snapshot");
    }
    assert_eq!(watch(&gateway, &token).resume_stream(&kept.first).first_frame().await["type"], "resumed");
    // Who does not say what was streamed may have streamed anything.
    let unsaid = watch(&gateway, &token).resume(&kept.epoch, kept.seq).first_frame().await;
    assert_eq!(unsaid["type"], "snapshot");
}

#[tokio::test]
async fn a_running_session_follows_the_directory() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    replace(&gateway, &tenant, &[grouped("200", &["sales"]), grouped("300", &["support"])]).await;
    let [old, new] = ["200", "300"].map(|extension| Leg::inbound(&tenant, extension));
    gateway.deliver_each(&[old.ringing(0), new.ringing(0)]).await;
    let token = kept_to(&tenant, &["sales"]);
    let mut client = watch(&gateway, &token).open().await;
    assert_eq!(extensions(&client), ["200"]);
    let before = client.first["stream"].clone();

    // Put in.
    replace(&gateway, &tenant, &[grouped("200", &["sales"]), grouped("300", &["support", "sales"])]).await;
    let moved = until_moved(&mut client, &["200", "300"]).await;
    assert_ne!(moved["stream"], before);
    gateway.deliver(&new.active(1)).await;
    client.version(&new, 2).await;

    // Taken out.
    replace(&gateway, &tenant, &[grouped("300", &["sales"])]).await;
    until_moved(&mut client, &["300"]).await;
    gateway.deliver_each(&[old.active(1), new.hangup(2)]).await;
    client.version(&new, 3).await;
    assert_eq!(extensions(&client), ["300"]);

    // What does not touch the group is not heard of, nor is a directory of another tenant.
    replace(&gateway, &tenant, &[grouped("300", &["sales"]), grouped("400", &["support"])]).await;
    replace(&gateway, &new_tenant(), &[grouped("200", &["sales"])]).await;
    let mut control = watch(&gateway, &kept_to(&tenant, &["support"])).open().await;
    replace(&gateway, &tenant, &[grouped("300", &["sales"])]).await;
    let leg = Leg::inbound(&tenant, "400");
    control.next_of("snapshot").await;
    gateway.deliver_each(&[leg.ringing(0), new.summary(3, json!({"text": "x"}))]).await;
    assert_eq!(client.next().await["type"], "call");
    assert!(control.calls.is_empty());

    // All of it.
    replace(&gateway, &tenant, &[]).await;
    until_moved(&mut client, &[]).await;
    assert!(client.calls.is_empty());
}

#[tokio::test]
async fn a_quiet_group_of_a_busy_tenant_has_its_recent_calls() {
    let gateway = config().await.set("calls.recent_per_tenant", 2).start().await;
    let tenant = new_tenant();
    teams(&gateway, &tenant).await;
    let quiet: Vec<Leg> = (0..3).map(|_| Leg::inbound(&tenant, "200")).collect();
    for leg in &quiet {
        gateway.deliver_each(&[leg.ringing(0), leg.hangup(1)]).await;
    }
    let live = Leg::inbound(&tenant, "201");
    gateway.deliver(&live.ringing(0)).await;
    for _ in 0..20 {
        let busy = Leg::inbound(&tenant, "300");
        gateway.deliver_each(&[busy.ringing(0), busy.hangup(1)]).await;
    }
    let client = watch(&gateway, &kept_to(&tenant, &["sales"])).open().await;
    let mut seen: Vec<&str> = client.calls.keys().map(|(_, id)| id.as_str()).collect();
    let mut expected = [&live.id, &quiet[1].id, &quiet[2].id].map(String::as_str);
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn two_thousand_extensions_are_one_group() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let all: Vec<Value> = (1000..3000)
        .map(|number: u32| grouped(&number.to_string(), &[if number == 2500 { "other" } else { "all" }]))
        .collect();
    replace(&gateway, &tenant, &all).await;
    let token = kept_to(&tenant, &["all"]);
    let mut client = watch(&gateway, &token).open().await;
    let legs = ["1000", "1999", "2500", "2999"].map(|extension| Leg::inbound(&tenant, extension));
    for leg in &legs {
        gateway.deliver(&leg.ringing(0)).await;
    }
    client.version(&legs[3], 1).await;
    assert_eq!(extensions(&client), ["1000", "1999", "2999"]);
    let left = resumable(&client);
    assert_eq!(watch(&gateway, &token).open().await.calls, client.calls);
    for leg in &legs {
        gateway.deliver(&leg.active(1)).await;
    }
    let resumed = watch(&gateway, &token).resume_stream(&left).first_frame().await;
    assert_eq!((resumed["type"].as_str(), resumed["calls"].as_array().unwrap().len()), (Some("resumed"), 3));
}

#[tokio::test]
async fn bad_claims_are_refused_and_those_of_others_do_not_count() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let many: Vec<String> = (0..101).map(|nth| format!("g{nth}")).collect();
    for bad in [json!("sales"), json!({}), json!([7]), json!([""]), json!(["x".repeat(65)]), json!(many)] {
        let token = Token::supervisor(&tenant).claim("groups", &bad);
        assert_eq!(watch(&gateway, &token).refused().await, 4401, "{bad}");
        problem(sent(request(&gateway, "GET", &token)).await, 401).await;
    }
    teams(&gateway, &tenant).await;
    gateway.deliver(&Leg::inbound(&tenant, "300").ringing(0)).await;
    let none = Token::supervisor(&tenant).claim("groups", Value::Null);
    assert_eq!(watch(&gateway, &none).open().await.calls.len(), 1);
    let agent = Token::agent(&tenant, &["300"]).claim("groups", ["sales"]);
    assert_eq!(gateway.stream(&agent).open().await.calls.len(), 1);
    // Their own calls are theirs, as an agent's are.
    let own = kept_to(&tenant, &["sales"]).claim("extensions", ["300"]);
    assert_eq!(gateway.stream(&own).scope("user").open().await.calls.len(), 1);
    assert!(watch(&gateway, &own).open().await.calls.is_empty());
}

#[tokio::test]
async fn a_token_of_other_groups_does_not_renew_a_session() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let token = kept_to(&tenant, &["sales", "support"]);
    let mut client = watch(&gateway, &token).open().await;
    let frame = |token: &Token| json!({"type": "token", "token": token.mint()});
    let others = [
        token.clone().claim("groups", ["sales"]),
        token.clone().claim("groups", json!([])),
        token.clone().without("groups"),
    ];
    for other in others {
        let code = client.error_for(Message::text(frame(&other).to_string())).await;
        assert_eq!(code, "token_refused");
    }
    let same = token.expiring_in(5000).claim("groups", ["support", "sales"]);
    client.send(&frame(&same)).await;
    assert_eq!(client.next_of("token_accepted").await["token_expires_at"], same.exp());
}

#[tokio::test]
async fn such_a_token_reads_its_rows_and_writes_none() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    teams(&gateway, &tenant).await;
    let (whole, all) = get(&gateway, &tenant).await;
    let token = kept_to(&tenant, &["sales"]);
    let writing = request(&gateway, "PUT", &token).header(header::IF_MATCH, "*");
    let refused = sent(writing.header(header::CONTENT_TYPE, JSON).body(rows(&[]))).await;
    let detail = problem(refused, 403).await;
    assert!(detail.contains("`groups`"), "{detail}");
    let service = Token::service(&tenant).claim("groups", ["sales"]);
    let read = sent(request(&gateway, "GET", &service)).await;
    assert_eq!(read.json::<Value>().await.unwrap(), all, "it is not kept to any");

    let read = sent(request(&gateway, "GET", &token)).await;
    assert_eq!((read.status().as_u16(), etag(&read)), (200, whole.clone()));
    let expected = json!({"rows": [grouped("201", &["support", "sales"]), grouped("200", &["sales"])]});
    assert_eq!(read.json::<Value>().await.unwrap(), expected);
    let nothing = sent(request(&gateway, "GET", &kept_to(&tenant, &[]))).await;
    assert_eq!(nothing.json::<Value>().await.unwrap(), json!({"rows": []}));
    assert!(put(&gateway, &tenant, &whole, JSON, &rows(&[])).await.status().is_success());
}

#[tokio::test]
async fn a_summary_of_another_group_is_somebody_elses() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    teams(&gateway, &tenant).await;
    let legs = legs(&tenant);
    for leg in &legs {
        gateway.deliver_each(&leg.whole()).await;
        gateway.deliver(&leg.summary(30, json!({"text": "x".repeat(20_000)}))).await;
    }
    let token = kept_to(&tenant, &["sales"]);
    let read = async |token: &Token, leg: &Leg| {
        let path = format!("/v1/summaries/telsmart/{}/{}", leg.extension, leg.id);
        soon("the answer", gateway.request("GET", &path).bearer_auth(token.mint()).send()).await.unwrap()
    };
    let mut client = watch(&gateway, &token).open().await;
    for (leg, status) in legs.iter().zip([200, 200, 403, 403, 403]) {
        assert_eq!(read(&token, leg).await.status().as_u16(), status, "{}", leg.extension);
        client.send(&json!({"type": "summary", "leg_id": leg.id, "extension": leg.extension})).await;
        let answer = client.next_of_any(&["call", "error"]).await;
        let expected = if status == 200 { "call" } else { "error" };
        assert_eq!(answer["type"], expected, "{}", leg.extension);
    }
    let foreign = problem(read(&Token::agent(&tenant, &["200"]), &legs[2]).await, 403).await;
    assert_eq!(problem(read(&token, &legs[2]).await, 403).await, foreign);
    let own = token.claim("extensions", ["300"]);
    assert_eq!(read(&own, &legs[2]).await.status(), 200);
}

#[tokio::test]
async fn notices_are_shown_to_supervisors_where_that_is_so_of_these_groups() {
    const DESK: &str = "webhook-secret-of-the-desk-0123";
    let with_desk =
        config().await.set("sources.desk.kind", "callpop").set("sources.desk.secrets", vec![DESK]);
    for shown in [false, true] {
        let gateway = with_desk.clone().set("notices.supervisors", shown).start().await;
        let tenant = new_tenant();
        teams(&gateway, &tenant).await;
        let mut client = watch(&gateway, &kept_to(&tenant, &["sales"])).open().await;
        for extension in ["300", "200"] {
            let body = json!({
                "event": "posted", "tenant_id": tenant, "extension": extension, "notice_id": "n", "at": now(),
                "kind": "ticket", "title": "t",
            });
            let request = gateway.request("POST", "/webhooks/desk").header("X-Webhook-Secret", DESK);
            assert_eq!(soon("the answer", request.json(&body).send()).await.unwrap().status(), 204);
        }
        settle(&gateway, &mut client, &tenant, "200").await;
        let expected: &[&str] = if shown { &["200"] } else { &[] };
        let again = watch(&gateway, &kept_to(&tenant, &["sales"])).open().await;
        for client in [&client, &again] {
            let seen: Vec<_> = client.notices.keys().map(|(extension, _)| extension.as_str()).collect();
            assert_eq!(seen, expected);
        }
    }
}
