//! What a client sends, and what comes of it.

use super::{config, gateway};
use crate::support::{Client, Gateway, Leg, Token, eventually, new_tenant, now, soon};
use futures_util::StreamExt;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        CloseFrame, Frame,
        coding::{Data, OpCode},
    },
};

const LIMIT: usize = 64 * 1024;

async fn begin() -> (Gateway, Client) {
    let gateway = gateway().await;
    let client = gateway.agent(&new_tenant(), "200").await;
    (gateway, client)
}

/// A tick of exactly that many bytes.
fn long_tick(bytes: usize) -> String {
    let tick = json!({"type": "tick", "t0": 1, "padding": ""}).to_string();
    tick.replace("\"\"", &format!("{:?}", "x".repeat(bytes - tick.len())))
}

#[tokio::test]
async fn a_tick_is_answered_by_the_time() {
    let (_gateway, mut client) = begin().await;
    for t0 in [json!(0), json!(1_765_209_366_386_177_u64), json!(1234.5), json!(-7)] {
        client.send(&json!({"type": "tick", "t0": t0})).await;
        let tock = client.next_of("tock").await;
        assert_eq!(tock["t0"], t0);
        let (t1, t2) = (tock["t1"].as_u64().unwrap(), tock["t2"].as_u64().unwrap());
        assert!(t1 <= t2 && now().abs_diff(t2) < 5_000_000, "{tock}");
    }
}

#[tokio::test]
async fn a_malformed_frame_is_answered_by_an_error_and_the_connection_stays() {
    let (_gateway, mut client) = begin().await;
    let malformed = [
        "",
        "{",
        "hello",
        "[]",
        "null",
        "5",
        "{}",
        "{\"type\":5}",
        "{\"type\":\"tick\"}",
        "{\"type\":\"tick\",\"t0\":\"x\"}",
        "{\"type\":\"dismiss\"}",
        "{\"type\":\"dismiss\",\"leg_id\":7}",
        "{\"type\":\"token\",\"token\":null}",
        "{\"type\":\"tick\",\"t0\":1} x",
    ];
    for frame in malformed {
        assert_eq!(client.error_for(Message::text(frame)).await, "malformed_frame", "{frame}");
    }
    client.assert_open().await;
}

#[tokio::test]
async fn an_error_repeats_nothing_of_a_malformed_frame() {
    let (_gateway, mut client) = begin().await;
    for (frame, says) in [
        (json!({"type": "tick", "t0": "MARKER"}), "a field is of the wrong type, or an id is not valid"),
        (
            json!({"type": "dismiss", "leg_id": ["MARKER"]}),
            "a field is of the wrong type, or an id is not valid",
        ),
        (
            json!({"type": "dismiss", "leg_id": "MARKER\u{1}"}),
            "a field is of the wrong type, or an id is not valid",
        ),
        (
            json!({"type": "painted", "leg_id": "a", "painted_at": "MARKER"}),
            "a field is of the wrong type, or an id is not valid",
        ),
        (json!({"type": "beat", "visible": "MARKER"}), "a field is of the wrong type, or an id is not valid"),
        (json!({"type": ["MARKER"]}), "a field is of the wrong type, or an id is not valid"),
        (json!({"type": "tick", "MARKER": 1}), "missing field `t0`"),
        (json!({"MARKER": 1}), "missing field `type`"),
    ] {
        client.send(&frame).await;
        assert_eq!(client.next_of("error").await["detail"], says, "{frame}");
    }
    client.send_message(Message::text("{MARKER")).await;
    assert_eq!(client.next_of("error").await["detail"], "the frame is not JSON");
}

#[tokio::test]
async fn an_unknown_type_is_answered_by_an_error_and_the_connection_stays() {
    let (_gateway, mut client) = begin().await;
    for kind in ["", "snapshot", "call", "subscribe", "TICK"] {
        let frame = json!({"type": kind, "t0": 1}).to_string();
        assert_eq!(client.error_for(Message::text(frame)).await, "unknown_type", "{kind}");
    }
    client.assert_open().await;
}

#[tokio::test]
async fn a_binary_frame_closes_with_4400() {
    let (_gateway, mut client) = begin().await;
    client.send_message(Message::binary(b"{\"type\":\"tick\",\"t0\":1}".as_slice())).await;
    assert_eq!(client.closed().await, 4400);
}

#[tokio::test]
async fn a_frame_of_64_kib_is_read_and_one_byte_more_closes_with_4400() {
    let (_gateway, mut client) = begin().await;
    client.send_message(Message::text(long_tick(LIMIT))).await;
    assert_eq!(client.next_of("tock").await["t0"], 1);
    client.send_message(Message::text(long_tick(LIMIT + 1))).await;
    assert_eq!(client.closed().await, 4400);
}

#[tokio::test]
async fn a_frame_of_1_mib_closes_with_4400() {
    let (_gateway, mut client) = begin().await;
    client.try_send(Message::text(long_tick(1024 * 1024))).await;
    assert_eq!(client.closed().await, 4400);
}

#[tokio::test]
async fn fragments_are_counted_together() {
    let (_gateway, mut client) = begin().await;
    let fragment =
        |text: &str, code, last| Message::Frame(Frame::message(text.to_owned(), OpCode::Data(code), last));
    let tick = long_tick(LIMIT);
    let (start, end) = tick.split_at(LIMIT / 2);
    client.send_message(fragment(start, Data::Text, false)).await;
    client.send_message(fragment(end, Data::Continue, true)).await;
    assert_eq!(client.next_of("tock").await["t0"], 1);
    client.send_message(fragment(start, Data::Text, false)).await;
    client.send_message(fragment(start, Data::Continue, false)).await;
    client.try_send(fragment(" ", Data::Continue, false)).await;
    assert_eq!(client.closed().await, 4400);
}

#[tokio::test]
async fn what_is_not_the_websocket_protocol_closes_with_4400() {
    let gateway = gateway().await;
    let frame = |code| Message::Frame(Frame::message(vec![0xff], OpCode::Data(code), true));
    for broken in [frame(Data::Text), frame(Data::Reserved(3)), frame(Data::Continue)] {
        let mut client = gateway.agent(&new_tenant(), "200").await;
        client.send_message(broken.clone()).await;
        assert_eq!(client.closed().await, 4400, "{broken:?}");
    }
}

#[tokio::test]
async fn a_goodbye_is_answered_and_the_session_is_over() {
    let (gateway, mut client) = begin().await;
    client.send_message(Message::Close(Some(CloseFrame { code: 1000.into(), reason: "".into() }))).await;
    assert_eq!(client.closed().await, 1000);
    let gone = async || (gateway.metric("callpop_sessions").await == 0.0).then_some(());
    eventually("the session to be gone", gone).await;
}

#[tokio::test]
async fn a_client_without_a_sign_of_life_is_given_up_and_others_stay() {
    let gateway = config().await.set("sessions.heartbeat", "1s").start().await;
    let tenant = new_tenant();
    let _silent = gateway.agent(&tenant, "200").await;
    let mut quiet = gateway.agent(&tenant, "200").await;
    assert_eq!(quiet.first["heartbeat_ms"], 1000);
    let given_up = eventually("the silent one to be given up", async || {
        (gateway.metric("callpop_sessions").await == 1.0).then_some(())
    });
    tokio::select! {
        () = given_up => {}
        frame = quiet.next() => panic!("{frame}"),
    }
    quiet.assert_open().await;
}

#[tokio::test]
async fn a_thousand_frames_at_once_close_with_4429() {
    let (gateway, mut client) = begin().await;
    let other = gateway.agent(&new_tenant(), "200").await;
    for _ in 0..1000 {
        client.try_send(Message::text("{\"type\":\"tick\",\"t0\":1}")).await;
    }
    assert_eq!(client.closed().await, 4429);
    { other }.assert_open().await;
}

#[tokio::test]
async fn pings_and_errors_count_as_frames_too() {
    let gateway = config().await.set("sessions.max_frames_per_second", 5).start().await;
    for message in [Message::Ping(vec![1].into()), Message::text("nonsense")] {
        let mut client = gateway.agent(&new_tenant(), "200").await;
        for _ in 0..100 {
            client.try_send(message.clone()).await;
        }
        assert_eq!(client.closed().await, 4429, "{message:?}");
    }
}

/// A client's frame by hand: whether it is the last of its message, what it is, and its text.
fn fragment(is_last: bool, opcode: u8, text: &[u8]) -> Vec<u8> {
    let first = u8::from(is_last) << 7 | opcode;
    // A mask of zeros changes nothing.
    [&[first, 0x80 | text.len() as u8, 0, 0, 0, 0], text].concat()
}

#[tokio::test]
async fn fragments_are_frames() {
    const TEXT: u8 = 1;
    const CONTINUATION: u8 = 0;
    const PONG: u8 = 10;
    let gateway = gateway().await;
    let stream = || gateway.stream(&Token::agent(&new_tenant(), &["200"]));
    let tick = br#"{"type":"tick","t0":7}"#;
    // A few are a message, as ever.
    let mut socket = stream().shake_hands().await.unwrap();
    let [first, second, third] = [&tick[..5], &tick[5..9], &tick[9..]];
    let whole = [
        fragment(false, TEXT, first),
        fragment(false, CONTINUATION, second),
        fragment(true, CONTINUATION, third),
    ];
    socket.get_mut().write_all(&whole.concat()).await.unwrap();
    let tock = async {
        loop {
            let frame = socket.next().await.unwrap().unwrap().into_text().unwrap();
            if frame.contains("tock") {
                break frame;
            }
        }
    };
    assert!(soon("the tock", tock).await.contains("\"t0\":7"));

    let opening = fragment(false, TEXT, b"");
    let endless = |one: Vec<u8>| [opening.clone(), one.repeat(100_000)].concat();
    let in_bytes: Vec<u8> = (0..2000).flat_map(|_| fragment(false, CONTINUATION, b" ")).collect();
    for (what, bytes) in [
        ("empty fragments", endless(fragment(false, CONTINUATION, b""))),
        ("fragments of a byte", [fragment(false, TEXT, b" "), in_bytes].concat()),
        ("pongs", fragment(true, PONG, b"").repeat(2000)),
        ("pongs between fragments", endless(fragment(true, PONG, b"x"))),
    ] {
        let mut socket = stream().shake_hands().await.unwrap();
        // It may have been closed before all is written.
        let _ = socket.get_mut().write_all(&bytes).await;
        let code = async {
            loop {
                match socket.next().await {
                    Some(Ok(Message::Close(Some(frame)))) => break u16::from(frame.code),
                    Some(Ok(_)) => {}
                    other => panic!("{what}: {other:?}"),
                }
            }
        };
        assert_eq!(soon("the close", code).await, 4429, "{what}");
    }
    assert_eq!(gateway.metric("callpop_sessions_ended_total{cause=\"too_many_frames\"}").await, 4.0);
}

#[tokio::test]
async fn a_burst_of_twice_the_rate_is_allowed() {
    let (_gateway, mut client) = begin().await;
    for number in 0..100 {
        client.send(&json!({"type": "tick", "t0": number})).await;
    }
    for number in 0..100 {
        assert_eq!(client.next_of("tock").await["t0"], number);
    }
}

#[tokio::test]
async fn dismiss_reaches_every_session_of_the_user_once() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let token = Token::agent(&tenant, &["200"]);
    let mut tabs = [gateway.stream(&token).open().await, gateway.stream(&token).open().await];
    let mut phone = gateway.agent(&tenant, "200").await;
    let mut supervisor = gateway.supervisor(&tenant).await;
    let leg = Leg::inbound(&tenant, "200");
    gateway.deliver(&leg.ringing(0)).await;
    let before = now();
    tabs[0].version(&leg, 1).await;
    tabs[0].dismiss(&leg).await;
    let dismissed = tabs[1].version(&leg, 2).await;
    let at = dismissed["dismissed_at"].as_u64().unwrap();
    assert!(at >= before && at <= now(), "{dismissed}");
    for client in [&mut tabs[0], &mut phone, &mut supervisor] {
        assert_eq!(client.version(&leg, 2).await, dismissed);
    }

    // Again, by another device: it is what it was.
    phone.dismiss(&leg).await;
    phone.assert_open().await;
    gateway.deliver(&leg.active(5)).await;
    for client in [&mut tabs[0], &mut phone, &mut supervisor] {
        let call = client.version(&leg, 3).await;
        assert_eq!((&call["version"], &call["dismissed_at"]), (&json!(3), &json!(at)));
        assert_eq!(call["state"], "active");
    }
    assert_eq!(gateway.agent(&tenant, "200").await.call(&leg).unwrap()["dismissed_at"], at);
}

#[tokio::test]
async fn one_dismiss_is_for_the_leg_on_every_extension_of_the_user() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let leg = Leg::inbound(&tenant, "200");
    let on = |extension: &str| Leg::inbound(&tenant, extension).named(&leg.id);
    let (mine, foreign) = ([leg.clone(), on("210")], on("220"));
    let mut client = gateway.stream(&Token::agent(&tenant, &["200", "210"])).open().await;
    let mut colleague = gateway.agent(&tenant, "220").await;
    for leg in mine.iter().chain([&foreign]) {
        gateway.deliver(&leg.ringing(0)).await;
    }
    client.until("both", |client| mine.iter().all(|leg| client.call(leg).is_some())).await;
    client.dismiss(&leg).await;
    for leg in &mine {
        assert!(client.version(leg, 2).await["dismissed_at"].is_u64());
    }
    colleague.version(&foreign, 1).await;
    colleague.assert_open().await;
    assert!(colleague.call(&foreign).unwrap()["dismissed_at"].is_null());
}

#[tokio::test]
async fn dismissing_an_unknown_leg_is_an_error_and_makes_no_call() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let mut client = gateway.agent(&tenant, "200").await;
    let nobody = json!({"type": "dismiss", "leg_id": "nobody"}).to_string();
    assert_eq!(client.error_for(Message::text(nobody)).await, "unknown_call");
    client.assert_open().await;
    assert!(gateway.supervisor(&tenant).await.calls.is_empty());
}

#[tokio::test]
async fn an_ended_call_can_be_dismissed() {
    let gateway = gateway().await;
    let tenant = new_tenant();
    let mut client = gateway.agent(&tenant, "200").await;
    let leg = Leg::inbound(&tenant, "200");
    gateway.deliver_each(&leg.whole()).await;
    let ended = client.version(&leg, 3).await;
    client.dismiss(&leg).await;
    let mut dismissed = client.version(&leg, 4).await;
    assert!(dismissed["dismissed_at"].is_u64());
    for field in ["dismissed_at", "version"] {
        dismissed[field] = ended[field].clone();
    }
    assert_eq!(dismissed, ended, "nothing else changed");
}
