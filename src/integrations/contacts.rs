//! `GET /v1/contacts?number=`: the name that a source's phonebook has for a number, asked for
//! with the user's own access token, and remembered for a while.

use super::metrics::{ContactMetrics, Unasked};
use crate::{
    auth::{self, Grant, Identity, Role},
    config::{self, AuthKey, Config, Portal},
    http::{Problem, UserRate, no_store, too_many, unavailable},
    id::SourceName,
    metrics::Metrics,
    number::Plan,
    sidecar::{Sidecar, integration::Key, users::Users, vending::NoToken},
};
use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use governor::Quota;
use moka::future::Cache;
use reqwest::{Client, Url, redirect::Policy};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{num::NonZeroU32, sync::Arc, time::Duration};
use tokio::{sync::Semaphore, time::timeout};

/// How long a name, or that there is none, is remembered.
const REMEMBER: Duration = Duration::from_secs(300);
/// Numbers that are remembered.
const MOST: u64 = 10_000;
/// Questions that a user may cause in a minute; names that are remembered are free.
const MOST_PER_MINUTE: NonZeroU32 = NonZeroU32::new(60).unwrap();
/// Questions of all users that are under way at the same time: each has two files.
const MOST_AT_ONCE: usize = 64;
/// A question waits so long where there are too many.
const WAIT: Duration = Duration::from_secs(1);
/// How long the phonebook may take.
const DEADLINE: Duration = Duration::from_secs(5);
/// The longest number, in characters.
const MAX_NUMBER: usize = 64;
/// The longest answer of a phonebook, and the longest name, in bytes.
const MAX_ANSWER: usize = 64 * 1024;
const MAX_NAME: usize = 256;
/// How long a token lives that this process makes for itself.
const OWN_TOKEN: Duration = Duration::from_secs(60);

/// Looks names up.
pub(crate) struct Contacts {
    client: Client,
    /// In the order of their sources' names.
    books: Vec<Phonebook>,
    vendor: Vendor,
    users: Users,
    names: Cache<(Key, String), Option<String>>,
    rate: UserRate,
    places: Semaphore,
    metrics: Arc<ContactMetrics>,
}

/// A source's phonebook, and how its national numbers read.
struct Phonebook {
    source: SourceName,
    url: Url,
    numbers: Plan,
}

/// Where access tokens come from.
enum Vendor {
    Here(Arc<Sidecar>),
    /// From another process, by its private listener.
    There {
        url: String,
        token: ServiceToken,
    },
}

enum ServiceToken {
    Given(SecretString),
    Minted(SecretString, config::Auth),
}

#[derive(Clone, Debug, thiserror::Error)]
enum NoName {
    #[error("there is no access token")]
    NoToken,
    #[error("the phonebook does not answer")]
    NotNow,
    #[error("too many ask at the same time")]
    TooMany,
    /// For so long.
    #[error("this user asks too often")]
    TooOften(Duration),
}

impl NoName {
    fn cause(&self) -> Unasked {
        match self {
            Self::TooOften(_) => Unasked::User,
            Self::TooMany => Unasked::Node,
            Self::NoToken | Self::NotNow => Unasked::Phonebook,
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct ContactQuery {
    number: Option<String>,
    source: Option<String>,
}

#[derive(Deserialize)]
struct VendedToken {
    access_token: SecretString,
}

impl Contacts {
    /// # Errors
    /// No HTTP client can be made, or an address is none.
    pub(crate) fn new(
        config: &Config,
        users: Users,
        here: Option<Arc<Sidecar>>,
        metrics: &Metrics,
    ) -> anyhow::Result<Option<Self>> {
        let Some(sidecar) = &config.sidecar else { return Ok(None) };
        let plan = |name: &SourceName| config.sources.iter().find(|source| source.name == *name);
        let book = |portal: &Portal| {
            let (source, url) = (portal.source.clone(), portal.contacts_url.as_deref()?);
            let numbers = plan(&source).map(|source| source.numbers.clone()).unwrap_or_default();
            Some(Url::parse(url).map(|url| Phonebook { source, url, numbers }))
        };
        let books: Vec<_> = sidecar.portals.iter().filter_map(book).collect::<Result<_, _>>()?;
        if books.is_empty() {
            return Ok(None);
        }
        let vendor = match (here, &sidecar.url, &sidecar.service_token, &config.auth.key) {
            (Some(here), ..) => Vendor::Here(here),
            (None, Some(url), Some(token), _) => {
                Vendor::There { url: url.clone(), token: ServiceToken::Given(token.clone()) }
            }
            (None, Some(url), None, AuthKey::Hs256(secret)) => Vendor::There {
                url: url.clone(),
                token: ServiceToken::Minted(secret.clone(), config.auth.clone()),
            },
            _ => return Ok(None),
        };
        Ok(Some(Self {
            client: Client::builder().redirect(Policy::none()).timeout(DEADLINE).build()?,
            books,
            vendor,
            users,
            names: Cache::builder().max_capacity(MOST).time_to_live(REMEMBER).build(),
            rate: UserRate::new(Quota::per_minute(MOST_PER_MINUTE)),
            places: Semaphore::new(MOST_AT_ONCE),
            metrics: metrics.of(),
        }))
    }

    /// A contact's name by the first phonebook that a user can look into; of one source, if it is named.
    async fn name_for(
        &self,
        identity: &Identity,
        source: Option<&SourceName>,
        number: &str,
    ) -> Result<Option<String>, NoName> {
        let is_meant = |book: &&Phonebook| source.is_none_or(|source| *source == book.source);
        for Phonebook { source, url, numbers } in self.books.iter().filter(is_meant) {
            // Nobody's number has no name.
            let Some(number) = numbers.to_ask_for(number) else { return Ok(None) };
            for extension in identity.extensions.iter() {
                let (tenant, extension) = (identity.tenant.clone(), extension.clone());
                match self
                    .name(identity, url, Key { source: source.clone(), tenant, extension }, &number)
                    .await
                {
                    Err(NoName::NoToken) => {}
                    outcome => return outcome,
                }
            }
        }
        Err(NoName::NoToken)
    }

    /// A contact's name; who ask for the same at the same time share one question.
    async fn name(
        &self,
        asker: &Identity,
        url: &Url,
        key: Key,
        number: &str,
    ) -> Result<Option<String>, NoName> {
        // What was remembered is not for those who are connected no more.
        if !super::is_live(&self.users.integrations, &key).await.map_err(|_| NoName::NotNow)? {
            return Err(NoName::NoToken);
        }
        let place = (key.clone(), number.to_owned());
        if let Some(name) = self.names.get(&place).await {
            return Ok(name);
        }
        self.rate.check(&asker.tenant, &asker.sub).map_err(NoName::TooOften)?;
        let asked = self.names.try_get_with(place, self.ask(url, &key, number)).await;
        asked.map_err(|why| (*why).clone())
    }

    async fn ask(&self, url: &Url, key: &Key, number: &str) -> Result<Option<String>, NoName> {
        let _place = timeout(WAIT, self.places.acquire()).await.map_err(|_| NoName::TooMany)?;
        let token = self.access_token(key).await?;
        let mut url = url.clone();
        url.query_pairs_mut().append_pair("number", number);
        let answer = self.client.get(url).bearer_auth(token.expose_secret()).send().await;
        let mut answer = answer.map_err(|_| NoName::NotNow)?;
        match answer.status() {
            StatusCode::NOT_FOUND => return Ok(None),
            status if !status.is_success() => return Err(NoName::NotNow),
            _ => {}
        }
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(|_| NoName::NotNow)? {
            if body.len() + part.len() > MAX_ANSWER {
                return Err(NoName::NotNow);
            }
            body.extend_from_slice(&part);
        }
        let found: Value = serde_json::from_slice(&body).map_err(|_| NoName::NotNow)?;
        Ok(name_in(&found))
    }

    async fn access_token(&self, key: &Key) -> Result<SecretString, NoName> {
        match &self.vendor {
            Vendor::Here(sidecar) => match sidecar.access_token(key).await {
                Ok((token, _)) => Ok(token),
                Err(NoToken::Status(_)) => Err(NoName::NoToken),
                Err(_) => Err(NoName::NotNow),
            },
            Vendor::There { url, token } => {
                let url = format!("{}/internal/{}/access-token", url.trim_end_matches('/'), key.source);
                let body = json!({ "tenant_id": key.tenant, "user_extension": key.extension });
                let token = token.text(key)?;
                let asked = self.client.post(url).bearer_auth(token.expose_secret()).json(&body).send().await;
                let answer = asked.map_err(|_| NoName::NotNow)?;
                match answer.status().as_u16() {
                    200 => Ok(answer.json::<VendedToken>().await.map_err(|_| NoName::NotNow)?.access_token),
                    409 => Err(NoName::NoToken),
                    _ => Err(NoName::NotNow),
                }
            }
        }
    }
}

impl ServiceToken {
    fn text(&self, key: &Key) -> Result<SecretString, NoName> {
        match self {
            Self::Given(token) => Ok(token.clone()),
            Self::Minted(secret, auth) => {
                let grant = Grant {
                    tenant: key.tenant.clone(),
                    sub: "callpop-gateway".to_owned(),
                    extensions: Vec::new(),
                    role: Role::Service,
                    groups: None,
                    ttl: OWN_TOKEN,
                    audience: auth.audience.clone(),
                    issuer: auth.issuer.clone(),
                };
                auth::mint(secret, &grant).map(Into::into).map_err(|_| NoName::NotNow)
            }
        }
    }
}

/// The name of the first contact. How the phonebook answers is not known: a list of contacts, or
/// one, with `name`.
fn name_in(found: &Value) -> Option<String> {
    let contact = found.as_array().map_or(Some(found), |list| list.first())?;
    let name = contact.get("name")?.as_str()?.trim();
    (!name.is_empty() && name.len() <= MAX_NAME).then(|| name.to_owned())
}

/// The handler.
pub(crate) async fn lookup(
    State(contacts): State<Arc<Contacts>>,
    query: Result<Query<ContactQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let identity = contacts.users.identify(&headers).await?;
    let Query(ContactQuery { number, source }) =
        query.map_err(|_| bad("number, or source, comes twice".to_owned()))?;
    let number = number.unwrap_or_default();
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '+' | '*' | '#');
    if number.is_empty() || number.len() > MAX_NUMBER || !number.chars().all(is_number) {
        return Err(bad(format!("number must be 1 to {MAX_NUMBER} digits, with + in front")));
    }
    let source = source.as_deref().map(SourceName::try_from).transpose();
    let source = source.map_err(|why| bad(format!("source {why}")))?;
    match contacts.name_for(&identity, source.as_ref(), &number).await {
        Ok(name) => Ok(shown(&number, name)),
        // Nobody to ask for: a browser would show each such refusal as an error of the page.
        Err(NoName::NoToken) => Ok(shown(&number, None)),
        Err(why) => {
            contacts.metrics.count(why.cause());
            Err(why.into())
        }
    }
}

impl From<NoName> for Problem {
    fn from(why: NoName) -> Self {
        match why {
            NoName::TooOften(wait) => too_many("this user asks for too many names", wait),
            NoName::TooMany => unavailable("too many ask the phonebook at the same time"),
            NoName::NoToken | NoName::NotNow => unavailable("the phonebook cannot be asked now"),
        }
    }
}

fn bad(detail: String) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", detail)
}

fn shown(number: &str, name: Option<String>) -> Response {
    (no_store(), Json(json!({ "number": number, "name": name }))).into_response()
}
