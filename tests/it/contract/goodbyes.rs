//! In what order a connection ends: whoever is told something sees it before the connection's end.

use super::gateway;
use crate::support::{Gateway, raw::Raw};

/// Tries again on a machine that was too busy to look in time: the server waits two seconds.
const TRIES: usize = 5;

/// Whether a connection is still open some time after the server said its last word: so long as
/// another request takes, which is more than the end of the connection needs to arrive.
async fn is_open_after_a_while(gateway: &Gateway, raw: &mut Raw) -> bool {
    gateway.operator("/healthz").await;
    raw.is_open()
}

#[tokio::test]
async fn a_goodbye_waits_for_the_clients_own() {
    let gateway = gateway().await;
    for _ in 0..TRIES {
        let mut raw = Raw::open(gateway.public).await;
        let head = "GET /v1/stream HTTP/1.1\r\nHost: callpop\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
            Sec-WebSocket-Protocol: callpop.v1, bearer.none\r\n\r\n";
        assert!(raw.send(head.as_bytes()).await);
        // A close frame is 0x88, its length, and its code: 4401.
        raw.until(&[0x11, 0x31]).await;
        if !is_open_after_a_while(&gateway, &mut raw).await {
            continue;
        }
        // The client's own goodbye, masked by nothing.
        assert!(raw.send(&[0x88, 0x80, 0, 0, 0, 0]).await);
        return raw.closed().await;
    }
    panic!("the connection ended before the client said goodbye");
}

#[tokio::test]
async fn an_early_answer_does_not_end_a_connection_whose_body_is_still_sent() {
    let gateway = gateway().await;
    for (secret, length, status) in
        [("wrong", 100_000, 401), (crate::support::token::WEBHOOK_SECRET, 300_000, 413)]
    {
        let mut was_open = false;
        for _ in 0..TRIES {
            let lines = format!("Content-Length: {length}");
            let mut raw = Raw::begin_webhook(gateway.public, secret, &lines).await;
            assert!(raw.send(&vec![b' '; length / 2]).await);
            let reply = raw.reply().await;
            assert_eq!(reply.status, status);
            // What came next on this connection would be taken for the rest of the body.
            assert!(reply.head.contains("\r\nconnection: close"), "{}", reply.head);
            if is_open_after_a_while(&gateway, &mut raw).await {
                was_open = true;
                assert!(raw.send(&vec![b' '; length - length / 2]).await);
                raw.finish().await;
                raw.closed().await;
                break;
            }
        }
        assert!(was_open, "the connection ended with the {status}");
    }
}

#[tokio::test]
async fn an_answer_to_a_whole_request_ends_the_connection_at_once_where_that_was_asked_for() {
    let gateway = gateway().await;
    let lines = "Connection: close\r\nContent-Length: 2";
    let mut raw = Raw::begin_good_webhook(gateway.public, lines).await;
    assert!(raw.send(b"{}").await);
    assert_eq!(raw.reply().await.status, 422);
    raw.closed().await;
}
