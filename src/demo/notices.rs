//! Test notices, of each kind one, and that they are done: what a system of one's own would send. They go the way of
//! every webhook, over HTTP and with the secret of a source.

use super::Demo;
use crate::{
    clock::{self, Micros},
    http::Problem,
    id::ItemId,
    notice::NoticeKind,
};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State, rejection::JsonRejection},
    http::StatusCode,
    routing::post,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// The longest request body, in bytes.
const MAX_BODY: usize = 4096;
const MINUTE: Micros = 60_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PostBody {
    kind: NoticeKind,
    extension: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DoneBody {
    extension: String,
    notice_id: ItemId,
}

type Body<T> = Result<Json<T>, JsonRejection>;
type Answer = Result<Json<Value>, Problem>;

/// Everything under `/demo/notices`. Bodies must say that they are JSON, so that no page from elsewhere can post them.
pub(super) fn routes() -> Router<Demo> {
    Router::new()
        .route("/demo/notices", post(post_notice))
        .route("/demo/notices/done", post(finish_notice))
        .layer(DefaultBodyLimit::max(MAX_BODY))
}

async fn post_notice(State(demo): State<Demo>, body: Body<PostBody>) -> Answer {
    let PostBody { kind, extension } = read(body)?;
    let now = clock::now();
    let mut notice = example(kind, now);
    notice["kind"] = json!(kind);
    let id = format!("{}-{:08x}", notice["kind"].as_str().unwrap_or_default(), rand::random::<u32>());
    send(&demo, "posted", (&extension, &id), now, notice).await
}

async fn finish_notice(State(demo): State<Demo>, body: Body<DoneBody>) -> Answer {
    let DoneBody { extension, notice_id } = read(body)?;
    send(&demo, "done", (&extension, notice_id.as_str()), clock::now(), json!({})).await
}

/// Sends an event of an extension's notice. Answers what was sent, and what the gateway answered.
async fn send(demo: &Demo, event: &str, (extension, id): (&str, &str), at: Micros, more: Value) -> Answer {
    demo.check_phone(extension)?;
    let mut sent = more;
    sent["event"] = json!(event);
    sent["tenant_id"] = json!(demo.simulator.tenant());
    sent["extension"] = json!(extension);
    sent["notice_id"] = json!(id);
    sent["at"] = json!(at);
    let outcome = demo.desk.deliver(sent.to_string(), |_| {}).await;
    if outcome.accepted() {
        return Ok(Json(json!({ "sent": sent, "status": outcome.status })));
    }
    let detail = match outcome.status {
        Some(status) => format!("the gateway answered {status} to the webhook"),
        None => "the gateway did not answer the webhook".to_owned(),
    };
    Err(Problem::new(StatusCode::BAD_GATEWAY, "bad-gateway", detail))
}

fn read<T>(body: Body<T>) -> Result<T, Problem> {
    let Json(body) = body.map_err(|bad| Problem::new(bad.status(), "unprocessable", bad.body_text()))?;
    Ok(body)
}

/// What such a notice may say. The callers are those whom the page's phones know.
fn example(kind: NoticeKind, now: Micros) -> Value {
    let marie = json!({ "number": "+32470123456", "name": "Marie Peeters" });
    match kind {
        NoticeKind::Message => json!({
            "title": "Text message from Marie Peeters",
            "body": "I am ten minutes late. May I park behind the building?",
            "remote": marie,
        }),
        NoticeKind::Ticket => json!({
            "title": "Invoice charged twice",
            "body": "Marie asks for the second payment of invoice 1187 back.",
            "remote": marie,
            "link": "https://example.com/tickets/17",
        }),
        NoticeKind::Appointment => json!({
            "title": "Intake with Karim Haddad",
            "body": "Meeting room 2. He brings the signed offer.",
            "remote": { "number": "+32475987654", "name": "Karim Haddad" },
            "link": "https://example.com/calendar/intake",
            "expires_at": now + 10 * MINUTE,
        }),
        NoticeKind::Chat => json!({
            "title": "A visitor waits in the chat",
            "body": "Do you deliver to Luxembourg, and what does it cost?",
            "remote": { "name": "Visitor on the page of prices" },
            "link": "https://example.com/chats/204",
        }),
        NoticeKind::Voicemail => json!({
            "title": "Voicemail, 42 seconds",
            "body": "Good morning, the large oven is off again. Please call us back before noon.",
            "remote": { "number": "+33612345678", "name": "Boulangerie Saint-Honoré" },
            "link": "https://example.com/voicemails/8",
        }),
        NoticeKind::Automation => json!({
            "title": "The import of prices stopped",
            "body": "12 of 480 rows have no price. Yesterday's prices stay until it has run again.",
            "link": "https://example.com/runs/3051",
        }),
        NoticeKind::Other => json!({ "title": "A parcel for you is at the reception" }),
    }
}
