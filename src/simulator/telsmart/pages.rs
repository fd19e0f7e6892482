//! The pages of MyTelsmart: HTML that is whole without a script. The templates escape whatever
//! they are given; the policy allows our one style sheet and nothing else.

use super::tokens::Owner;
use crate::simulator::phone::Phone;
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use reqwest::Url;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// A request for consent that can be asked.
pub(super) struct Asking {
    pub(crate) confirmation_key: String,
    /// Where the browser goes after an activation.
    pub(crate) back: Back,
    pub(crate) extension: Option<String>,
}

/// An address on the web. Its origin can stand in a `Content-Security-Policy`.
pub(super) struct Back {
    pub(crate) url: Url,
    pub(crate) origin: String,
}

const STYLE: &str = include_str!("pages/style.css");

/// All but where forms may go.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    )
});

/// A page of the portal.
pub(crate) struct Page {
    status: StatusCode,
    /// Where a form may end up besides here: browsers hold the redirect after it to that too.
    form_to: Option<String>,
    html: Markup,
}

/// Asks for consent.
pub(super) fn consent(slug: &str, users: &[Phone], asked: &Asking) -> Page {
    let likely =
        users.iter().find(|user| Some(user.extension) == asked.extension.as_deref()).or(users.first());
    let body = html! {
        h1 { "Connect " (slug) " to your telephone?" }
        p { strong { (slug) } " asks to:" }
        ul.wants {
            li { "see your calls while they happen" }
            li { "receive the summaries of your calls" }
            li { "look up numbers in your phonebook" }
        }
        form method="post" action={ "/mytelsmart/" (slug) } {
            input type="hidden" name="confirmation_key" value=(asked.confirmation_key);
            input type="hidden" name="redirect_url" value=(asked.back.url);
            fieldset {
                legend { "You are" }
                @for user in users {
                    @let checked = likely.is_some_and(|likely| likely.extension == user.extension);
                    label.user {
                        input type="radio" name="extension" value=(user.extension) required checked[checked];
                        span.who { (user.name) }
                        span.extension { "extension " (user.extension) }
                    }
                }
            }
            div.actions {
                button.button.main name="decision" value="allow" { "Allow" }
                button.button name="decision" value="deny" { "Deny" }
            }
        }
        p.last { "You then return to " strong { (asked.back.origin) } ". You can disconnect at any time in "
            a href={ "/mytelsmart/" (slug) "/connections" } { "your connections" } "." }
    };
    Page { form_to: Some(asked.back.origin.clone()), ..page(StatusCode::OK, "Connect an application", &body) }
}

/// Nothing was allowed, and nobody was told.
pub(super) fn denied(slug: &str, asked: &Asking) -> Page {
    page(
        StatusCode::OK,
        "Not connected",
        &html! {
            h1 { "Not connected" }
            p { "You did not allow " strong { (slug) } " to use your telephone. It has been given nothing." }
            div.actions { a.button.main href=(asked.back.url) { "Return to " (slug) } }
        },
    )
}

/// The application did not take the tokens.
pub(super) fn not_activated(slug: &str, asked: &Asking, status: Option<u16>) -> Page {
    page(
        StatusCode::BAD_GATEWAY,
        "Activation failed",
        &html! {
            h1 { "Activation failed" }
            p { "You allowed it, but " strong { (slug) } " did not confirm the connection." }
            (answered(status))
            div.actions {
                a.button.main href=(asked.back.url) { "Return to " (slug) }
            }
            p.last { "To try again, begin with “Connect” in " (slug) "." }
        },
    )
}

/// Who is connected.
pub(super) fn connections(slug: &str, users: &[Phone], connected: &[Owner]) -> Page {
    let name =
        |owner: &Owner| users.iter().find(|user| user.extension == owner.extension).map(|user| user.name);
    page(
        StatusCode::OK,
        "Your connections",
        &html! {
            h1 { "Connections" }
            @if connected.is_empty() {
                p { "Nobody has connected " strong { (slug) } "." }
            } @else {
                p { strong { (slug) } " sees the calls of these users." }
                ul.connections {
                    @for owner in connected {
                        @let who = name(owner).unwrap_or(&owner.extension);
                        li {
                            div.who { (who) span { "Extension " (owner.extension) } }
                            form method="post" action={ "/mytelsmart/" (slug) "/deactivate" } {
                                input type="hidden" name="tenant_id" value=(owner.tenant_id);
                                input type="hidden" name="extension" value=(owner.extension);
                                button.button aria-label={ "Disconnect " (who) } { "Disconnect" }
                            }
                        }
                    }
                }
            }
        },
    )
}

/// The tokens have ended, but the application does not know.
pub(super) fn not_told(slug: &str, status: Option<u16>) -> Page {
    page(
        StatusCode::BAD_GATEWAY,
        "Disconnected",
        &html! {
            h1 { "Disconnected" }
            p { "The access of " strong { (slug) } " has ended here, but it did not confirm that it knows." }
            (answered(status))
            div.actions { a.button href={ "/mytelsmart/" (slug) "/connections" } { "Back to your connections" } }
        },
    )
}

/// The application sent the browser with less than it must.
pub(super) fn incomplete(why: &str) -> Page {
    page(
        StatusCode::BAD_REQUEST,
        "This link does not work",
        &html! {
            h1 { "This link does not work" }
            p { (why) }
            p { "Begin again in the application that you want to connect." }
        },
    )
}

pub(super) fn unknown_application() -> Page {
    page(
        StatusCode::NOT_FOUND,
        "Unknown application",
        &html! {
            h1 { "Unknown application" }
            p { "No application of this name can be connected." }
        },
    )
}

pub(super) fn full() -> Page {
    page(
        StatusCode::SERVICE_UNAVAILABLE,
        "Too many connections",
        &html! {
            h1 { "Too many connections" }
            p { "The simulated Telsmart remembers no more of them. Disconnect one first." }
        },
    )
}

/// What a callback was answered, and what that usually means.
fn answered(status: Option<u16>) -> Markup {
    let meaning = match status {
        None => "It could not be reached, or did not answer in time.",
        Some(401) => "It did not accept the validation header: the two sides have not agreed on its value.",
        Some(403) => "It does not know the confirmation key, or the key has been used or is too old.",
        Some(404) => "It has nothing at that address.",
        Some(500..) => "It has trouble of its own.",
        Some(_) => "It did not accept the request.",
    };
    html! {
        p.bad role="alert" {
            @if let Some(status) = status { "It answered " strong { (status) } ". " }
            (meaning)
        }
    }
}

fn page(status: StatusCode, title: &str, body: &Markup) -> Page {
    let html = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · MyTelsmart" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { span.brand { "MyTelsmart" } span.note { "simulated" } }
                main { (body) }
            }
        }
    };
    Page { status, form_to: None, html }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut response = (self.status, Html(self.html.into_string())).into_response();
        let policy = self.form_to.iter().fold(POLICY.clone(), |policy, origin| format!("{policy} {origin}"));
        let headers = response.headers_mut();
        if let Ok(policy) = HeaderValue::try_from(policy) {
            headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        }
        for (name, value) in [
            (header::CACHE_CONTROL, "no-store"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
