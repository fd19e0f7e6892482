//! MyTelsmart in the browser: the user says who he is, allows or denies, and disconnects again.
//! There is nothing to log in to. What the pages look like, [`super::pages`] says.

use super::{
    Telsmart,
    pages::{self, Asking, Back, Page},
    tokens::Owner,
};
use axum::{
    Form, Router,
    extract::{
        Path, Query, State,
        rejection::{FormRejection, QueryRejection},
    },
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use reqwest::Url;
use serde::Deserialize;

/// The longest confirmation key, in bytes.
const MAX_KEY: usize = 1024;

/// Everything under `/mytelsmart`.
pub(crate) fn routes() -> Router<Telsmart> {
    Router::new()
        .route("/mytelsmart/{slug}", get(ask).post(decide))
        .route("/mytelsmart/{slug}/connections", get(connections))
        .route("/mytelsmart/{slug}/deactivate", post(deactivate))
}

/// What the application sent the browser with.
#[derive(Clone, Deserialize)]
struct Wish {
    confirmation_key: Option<String>,
    redirect_url: Option<String>,
    /// Who the user probably is.
    extension: Option<String>,
}

#[derive(Deserialize)]
struct Decision {
    #[serde(flatten)]
    wish: Wish,
    decision: Choice,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Choice {
    Allow,
    Deny,
}

#[derive(Deserialize)]
struct Disconnect {
    tenant_id: String,
    extension: String,
}

async fn ask(
    State(telsmart): State<Telsmart>,
    Path(slug): Path<String>,
    wish: Result<Query<Wish>, QueryRejection>,
) -> Result<Page, Page> {
    telsmart.knows(&slug)?;
    let Query(wish) = wish.map_err(|_| pages::incomplete("The address of this page cannot be read."))?;
    Ok(pages::consent(&telsmart.0.slug, &telsmart.0.users, &wish.read()?))
}

async fn decide(
    State(telsmart): State<Telsmart>,
    Path(slug): Path<String>,
    decision: Result<Form<Decision>, FormRejection>,
) -> Result<Response, Page> {
    telsmart.knows(&slug)?;
    let Form(Decision { wish, decision }) =
        decision.map_err(|_| pages::incomplete("The form was not complete."))?;
    let asked = wish.read()?;
    let Choice::Allow = decision else { return Ok(pages::denied(&slug, &asked).into_response()) };
    let user = telsmart.0.users.iter().find(|user| Some(user.extension) == asked.extension.as_deref());
    let user = user.ok_or_else(|| pages::incomplete("The form did not say which user you are."))?;
    let owner = telsmart.owner(None, user.extension.to_owned());
    match telsmart.activate(owner, &asked.confirmation_key).await {
        Ok(called) if called.status == Some(200) => Ok(Redirect::to(asked.back.url.as_str()).into_response()),
        Ok(called) => Err(pages::not_activated(&slug, &asked, called.status)),
        Err(_full) => Err(pages::full()),
    }
}

async fn connections(State(telsmart): State<Telsmart>, Path(slug): Path<String>) -> Result<Page, Page> {
    telsmart.knows(&slug)?;
    Ok(pages::connections(&slug, &telsmart.0.users, &telsmart.connected()))
}

async fn deactivate(
    State(telsmart): State<Telsmart>,
    Path(slug): Path<String>,
    user: Result<Form<Disconnect>, FormRejection>,
) -> Result<Response, Page> {
    telsmart.knows(&slug)?;
    let Form(Disconnect { tenant_id, extension }) =
        user.map_err(|_| pages::incomplete("The form was not complete."))?;
    let owner = Owner { tenant_id, extension };
    let called = telsmart.deactivate(&owner).await;
    telsmart.end_all(&owner);
    match called.status {
        Some(200) => Ok(Redirect::to(&format!("/mytelsmart/{slug}/connections")).into_response()),
        status => Err(pages::not_told(&slug, status)),
    }
}

impl Telsmart {
    fn knows(&self, slug: &str) -> Result<(), Page> {
        if slug == self.0.slug { Ok(()) } else { Err(pages::unknown_application()) }
    }

    /// Who is connected, in the order in which they consented, each once.
    fn connected(&self) -> Vec<Owner> {
        let tokens = self.0.tokens.lock();
        let active = tokens.families().filter(|(_, family)| family.activated && family.end.is_none());
        let mut owners = Vec::new();
        for (_, family) in active {
            if !owners.contains(&family.owner) {
                owners.push(family.owner.clone());
            }
        }
        owners
    }
}

impl Wish {
    fn read(self) -> Result<Asking, Page> {
        let key = self.confirmation_key.filter(|key| (1..=MAX_KEY).contains(&key.len()));
        let confirmation_key =
            key.ok_or_else(|| pages::incomplete("The application sent no usable confirmation_key."))?;
        let back = self.redirect_url.as_deref().and_then(Back::read);
        let back = back.ok_or_else(|| {
            pages::incomplete("The application sent no redirect_url that begins with http:// or https://.")
        })?;
        Ok(Asking { confirmation_key, back, extension: self.extension })
    }
}

impl Back {
    fn read(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
        let origin = url.origin().ascii_serialization();
        // A host may hold what ends a directive of the policy.
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '/' | '[' | ']');
        origin.chars().all(plain).then_some(Self { url, origin })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_sent_to_the_web_only() {
        for good in ["http://127.0.0.1:8080/a?b=c#d", "https://[::1]/", "https://app.example.com"] {
            assert!(Back::read(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "/relative",
            "//host/path",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://host/",
            "http://a;script-src/",
            "http://a,b/",
            "http://",
        ] {
            assert!(Back::read(bad).is_none(), "{bad}");
        }
        assert_eq!(Back::read("HTTPS://App.Example.com:443/x").unwrap().origin, "https://app.example.com");
    }
}
