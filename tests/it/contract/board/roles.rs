//! Who sees what: on the board, in lists, in tables and by a name that was learned elsewhere.

use super::{call, config, gateway, lately, post, put_in_groups, rang, took};
use crate::support::{
    Board, Gateway, Token,
    board::{ask, listed, read, rows},
    gateway::problem,
    new_tenant,
};
use serde_json::{Value, json};

/// 200 and 201 are in sales, 300 in support, 400 in no group. Each had a call, and 200 and 300 one together.
async fn tenant_of_groups(gateway: &Gateway) -> String {
    let tenant = new_tenant();
    let groups: [(&str, &[&str]); 4] =
        [("200", &["sales"]), ("201", &["sales"]), ("300", &["support"]), ("400", &[])];
    put_in_groups(gateway, &tenant, &groups).await;
    for (nth, extension) in ["200", "201", "300", "400"].into_iter().enumerate() {
        let leg = call(&tenant, extension, &format!("+3247000010{nth}"), 100 + nth as u64);
        post(gateway, &took(&leg, 0, 5, 20)).await;
    }
    let both = ["200", "300"].map(|extension| call(&tenant, extension, "+32470000200", 80));
    post(gateway, &[took(&both[1], 0, 5, 20).to_vec(), rang(&both[0], 0, 5).to_vec()].concat()).await;
    tenant
}

fn sales(tenant: &str) -> Token {
    Token::supervisor(tenant).claim("groups", ["sales"])
}

fn numbers(all: &[Value]) -> Vec<&str> {
    let mut numbers: Vec<&str> = all.iter().map(|it| it["number"].as_str().unwrap()).collect();
    numbers.sort();
    numbers
}

fn query() -> String {
    let (from, to) = lately();
    format!("from={from}&to={to}")
}

/// The numbers in a table of conversations, and of how many lines it is.
async fn table(gateway: &Gateway, token: &Token) -> String {
    let answer = ask(gateway, token, &format!("/v1/conversations.csv?{}", query())).await;
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap()
}

#[tokio::test]
async fn a_supervisor_of_one_group_sees_no_other() {
    let gateway = gateway().await;
    let tenant = tenant_of_groups(&gateway).await;
    let token = sales(&tenant);
    let mut board = Board::open(gateway.stream(&token).scope("tenant")).await;
    board.want(&["today", "m60"], &["tenant", "group", "line", "extension"]).await;
    assert_eq!(board.tiles.keys().collect::<Vec<_>>(), ["200", "201"]);
    let keys = |by: &str| {
        board.figures.keys().filter(|key| key.1 == by).map(|key| key.2.as_str()).collect::<Vec<_>>()
    };
    assert_eq!((keys("group"), keys("extension")), (vec!["sales"; 3], vec!["200", "201"]));
    assert_eq!((keys("tenant"), keys("line")), (vec![], vec![]));
    // A conversation across groups is seen whole by both.
    assert_eq!(board.figure("m60", "group", "sales", "offered"), 3);

    let all = listed(&gateway, &Token::supervisor(&tenant), &query()).await;
    assert_eq!(all.len(), 5);
    let theirs = listed(&gateway, &token, &query()).await;
    assert_eq!(numbers(&theirs), ["+32470000100", "+32470000101", "+32470000200"]);
    let across = theirs.iter().find(|it| it["number"] == "+32470000200").unwrap();
    assert_eq!((&across["answered_by"], across["legs"].as_array().unwrap().len()), (&json!("300"), 2));
    let table = table(&gateway, &token).await;
    assert_eq!(table.lines().count(), 4);
    assert!(!table.contains("+32470000102") && !table.contains("+32470000103"), "{table}");

    // By a name, too, there is nothing to be found.
    for it in &all {
        let id = it["conversation_id"].as_str().unwrap();
        let leg = it["legs"][0]["leg_id"].as_str().unwrap();
        let is_seen = theirs.contains(it);
        for name in [id, leg] {
            let answer =
                ask(&gateway, &token.clone().claim("sub", name), &format!("/v1/conversations/{name}")).await;
            assert_eq!(answer.status(), if is_seen { 200 } else { 404 }, "{it}");
        }
        let frame = json!({"type": "watch", "conversation": id});
        match is_seen {
            true => {
                board.send(&frame).await;
                board.until("what is watched", |board| board.conversations.contains_key(id)).await;
            }
            false => assert_eq!(board.error_for(&frame).await, "unknown_conversation"),
        }
    }
    // Nor by the wrong question.
    for by in ["tenant", "line", "tenant,group"] {
        problem(ask(&gateway, &sales(&tenant), &format!("/v1/figures?by={by}")).await, 403).await;
        let table = ask(&gateway, &sales(&tenant), &format!("/v1/figures.csv?by={by}")).await;
        assert!(table.status().is_client_error());
    }
    problem(ask(&gateway, &sales(&tenant), "/v1/figures").await, 403).await;
    problem(ask(&gateway, &sales(&tenant), "/v1/conversations?group=support").await, 403).await;
    let answer =
        read(&gateway, &sales(&tenant), &format!("/v1/figures?{}&by=group,extension", query())).await;
    let shown: Vec<String> = rows(&answer).into_keys().map(|(by, key, _)| format!("{by} {key}")).collect();
    assert_eq!(shown, ["extension 200", "extension 201", "group sales"]);
    assert!(listed(&gateway, &sales(&tenant), &format!("{}&extension=400", query())).await.is_empty());
}

#[tokio::test]
async fn a_supervisor_of_no_group_sees_nothing() {
    let gateway = gateway().await;
    let tenant = tenant_of_groups(&gateway).await;
    for groups in [json!([]), json!(["no such group"])] {
        let token = Token::supervisor(&tenant).claim("groups", groups);
        let mut board = Board::open(gateway.stream(&token).scope("tenant")).await;
        board.want(&["today"], &["tenant", "group", "line", "extension"]).await;
        assert!(board.tiles.is_empty() && board.figures.is_empty(), "{:?} {:?}", board.tiles, board.figures);
        assert!(listed(&gateway, &token, &query()).await.is_empty());
        assert_eq!(table(&gateway, &token).await.lines().count(), 1);
    }
}

#[tokio::test]
async fn a_board_of_groups_follows_who_is_in_them() {
    let gateway = gateway().await;
    let tenant = tenant_of_groups(&gateway).await;
    let mut board = Board::open(gateway.stream(&sales(&tenant)).scope("tenant")).await;
    put_in_groups(&gateway, &tenant, &[("200", &["support"]), ("201", &["sales"]), ("400", &["sales"])])
        .await;
    board.until("the other group", |board| board.tiles.keys().eq(["201", "400"])).await;
    assert_eq!(numbers(&listed(&gateway, &sales(&tenant), &query()).await), ["+32470000101", "+32470000103"]);
}

#[tokio::test]
async fn an_agent_sees_their_own() {
    let gateway = gateway().await;
    let tenant = tenant_of_groups(&gateway).await;
    let token = Token::agent(&tenant, &["201", "300"]);
    let mut board = Board::open(gateway.stream(&token)).await;
    board.want(&["today"], &["tenant", "group", "line", "extension"]).await;
    assert_eq!(board.tiles.keys().collect::<Vec<_>>(), ["201", "300"]);
    assert!(board.figures.keys().all(|(_, by, _)| by == "extension"), "{:?}", board.figures.keys());
    assert_eq!(board.figures.len(), 2);
    let theirs = listed(&gateway, &token, &query()).await;
    assert_eq!(numbers(&theirs), ["+32470000101", "+32470000102", "+32470000200"]);
    assert!(!table(&gateway, &token).await.contains("+32470000100"));
    problem(ask(&gateway, &token, "/v1/figures").await, 403).await;
    problem(ask(&gateway, &token, "/v1/conversations?group=sales").await, 403).await;
    let answer = read(&gateway, &token, "/v1/figures?by=extension,group").await;
    assert_eq!(rows(&answer).len(), 2);
    // A supervisor's own day is the same.
    let boss = Token::supervisor(&tenant).claim("extensions", ["201"]);
    let own = Board::open(gateway.stream(&boss).scope("user")).await;
    assert_eq!(own.tiles.keys().collect::<Vec<_>>(), ["201"]);
}

#[tokio::test]
async fn agents_see_the_states_of_others_where_that_is_so() {
    let gateway = config().await.set("board.agents_see", "states").start().await;
    let tenant = tenant_of_groups(&gateway).await;
    let live = call(&tenant, "200", "+32470000300", 30).with("caller_name", "Jan Peeters");
    post(&gateway, &[live.ringing(0), live.active(4)]).await;
    let token = Token::agent(&tenant, &["201"]);
    let mut board = Board::open(gateway.stream(&token)).await;
    board.want(&["today"], &["tenant", "group", "line", "extension"]).await;
    assert_eq!(board.tiles.keys().collect::<Vec<_>>(), ["200", "201", "300", "400"]);
    let other = board.tile("200");
    assert_eq!((&other["state"], &other["since"]), (&json!("active"), &json!(live.at(4))));
    for field in ["number", "party", "conversation"] {
        assert_eq!(other[field], Value::Null, "{other}");
    }
    assert!(board.figure("today", "tenant", "", "offered").is_u64());
    let people = board.figures.keys().filter(|key| key.1 == "extension").map(|key| key.2.as_str());
    assert_eq!(people.collect::<Vec<_>>(), ["201"]);
    assert_eq!(numbers(&listed(&gateway, &token, &query()).await), ["+32470000101"]);
    assert_eq!(read(&gateway, &token, "/v1/figures?by=tenant").await["rows"][0]["by"], "tenant");
}

#[tokio::test]
async fn another_tenant_sees_nothing() {
    let gateway = gateway().await;
    let (tenant, elsewhere) = (tenant_of_groups(&gateway).await, new_tenant());
    let known = listed(&gateway, &Token::supervisor(&tenant), &query()).await;
    for token in
        [Token::supervisor(&elsewhere), Token::agent(&elsewhere, &["200"]), Token::service(&elsewhere)]
    {
        assert!(listed(&gateway, &token, &query()).await.is_empty());
        assert_eq!(table(&gateway, &token).await.lines().count(), 1);
        let path = format!("/v1/conversations/{}", known[0]["conversation_id"].as_str().unwrap());
        problem(ask(&gateway, &token, &path).await, 404).await;
    }
    let board = Board::of_tenant(&gateway, &elsewhere).await;
    assert!(board.tiles.is_empty());
    assert_eq!(board.figure("today", "tenant", "", "offered"), 0);
}

#[tokio::test]
async fn another_server_reads_all() {
    let gateway = gateway().await;
    let tenant = tenant_of_groups(&gateway).await;
    // It is of no group, whatever it says.
    let service = Token::service(&tenant).claim("groups", ["sales"]);
    assert_eq!(listed(&gateway, &service, &query()).await.len(), 5);
    let answer = read(&gateway, &service, &format!("/v1/figures?{}&by=tenant,group", query())).await;
    let figures = rows(&answer);
    assert_eq!(figures[&("tenant".to_owned(), String::new(), 0)]["answered"], 5);
    // Across groups it counts in each, and the tenant's once.
    for group in ["sales", "support"] {
        let offered = &figures[&("group".to_owned(), group.to_owned(), 0)]["offered"];
        assert_eq!(*offered, if group == "sales" { 3 } else { 2 });
    }
    for path in ["/v1/figures", "/v1/conversations", "/v1/conversations/x", "/v1/figures.csv"] {
        let answer = gateway.request("GET", path).send().await.unwrap();
        problem(answer, 401).await;
    }
}
