//! `GET` and `PUT /v1/directory`: the directory of the token's tenant, whole, as JSON or as CSV. As JSON it is read with
//! the names that calls taught, where it has none itself.

use crate::{
    auth::{Identity, Role},
    boards::Learned,
    directories::Fate,
    directory::{Directory, ETag, Expected, Fault, MAX_BYTES, Refusal},
    engine::PutDirectory,
    gateway::Gateway,
    http::{Problem, body, no_store, unavailable},
};
use axum::{
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Semaphore, task::spawn_blocking};

/// Bodies that are read at the same time, each of up to 4 MiB.
const MOST_WRITES: usize = 8;
/// How long such a body may take to come.
const BODY_DEADLINE: Duration = Duration::from_secs(30);
/// The most ETags that a request may name.
const MOST_TAGS: usize = 32;
const JSON: &str = "application/json";
const CSV: &str = "text/csv";

/// What the endpoint needs.
pub(crate) struct DirectoryDoor {
    gateway: Arc<Gateway>,
    places: Semaphore,
}

/// How a directory is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Csv,
}

/// `GET /v1/directory`.
pub(crate) async fn read(
    State(door): State<Arc<DirectoryDoor>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Identity { tenant, groups, .. } = door.admit(&headers).await?;
    let directory = door.gateway.directories.get(&tenant).await?;
    let about = (
        no_store(),
        [(header::VARY, HeaderValue::from_static("accept, authorization"))],
        tagged(directory.etag())?,
    );
    if has_already(&headers, directory.etag()) {
        return Ok((StatusCode::NOT_MODIFIED, about).into_response());
    }
    let form = Form::liked(&headers);
    // A table is for those who write it again: names that calls taught are no part of it.
    let learned = match form {
        Form::Json => door.gateway.boards.learned(&tenant, groups.as_deref()).await,
        Form::Csv => Learned::default(),
    };
    let write = move || match groups {
        Some(groups) => form.write(&directory.only(&groups), &learned),
        None => form.write(&directory, &learned),
    };
    let text = aside(write).await?;
    Ok((about, [(header::CONTENT_TYPE, form.content_type())], text).into_response())
}

/// `PUT /v1/directory`.
pub(crate) async fn write(
    State(door): State<Arc<DirectoryDoor>>,
    request: Request,
) -> Result<Response, Problem> {
    let written = door.write(request).await;
    let fate = match &written {
        Ok(_) => Fate::Stored,
        Err(problem) if problem.status() == StatusCode::PRECONDITION_FAILED => Fate::Outdated,
        Err(problem) if problem.status().is_client_error() => Fate::Refused,
        Err(_) => Fate::Unavailable,
    };
    door.gateway.directories.count(fate);
    Ok((StatusCode::NO_CONTENT, no_store(), tagged(&written?)?).into_response())
}

impl DirectoryDoor {
    pub(crate) fn new(gateway: Arc<Gateway>) -> Self {
        Self { gateway, places: Semaphore::new(MOST_WRITES) }
    }

    /// The bearer of a token, who may read the directory of their tenant.
    async fn admit(&self, headers: &HeaderMap) -> Result<Identity, Problem> {
        let identity = self.gateway.verifier.identify(headers).await?;
        match identity.role {
            Role::Supervisor | Role::Service => Ok(identity),
            Role::Agent | Role::Display => Err(Problem::new(
                StatusCode::FORBIDDEN,
                "forbidden",
                "the directory is for the roles supervisor and service",
            )),
        }
    }

    async fn write(&self, request: Request) -> Result<ETag, Problem> {
        let (head, body) = request.into_parts();
        let Identity { tenant, groups, .. } = self.admit(&head.headers).await?;
        if groups.is_some() {
            // Who could write groups could write themselves into all of them.
            return Err(Problem::new(
                StatusCode::FORBIDDEN,
                "forbidden",
                "whom the claim `groups` keeps to some groups cannot write the directory: use a token without it",
            ));
        }
        if self.gateway.directories.is_in_file(&tenant) {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "directory-in-file",
                "the directory of this tenant is in the file of [directory], and is changed there",
            ));
        }
        let expected = expected(&head.headers)?;
        let form = Form::given(&head.headers)?;
        let place = self.places.try_acquire();
        let _place = place.map_err(|_| unavailable("too many directories are written at the same time"))?;
        let body = body::read(&head.headers, body, MAX_BYTES, BODY_DEADLINE).await?;
        let fresh = aside(move || form.read(&body)).await??;
        let (etag, rows) = (fresh.etag().clone(), fresh.len());
        match self.gateway.directories.put(&tenant, &expected, fresh).await? {
            PutDirectory::Other => Err(Problem::new(
                StatusCode::PRECONDITION_FAILED,
                "outdated",
                "somebody else has written the directory meanwhile: read it, and write what is to be there now",
            )),
            PutDirectory::Done(receipt) => {
                receipt.durable().await?;
                tracing::info!(%tenant, rows, "a directory was written");
                Ok(etag)
            }
        }
    }
}

impl Form {
    /// That of a body.
    fn given(headers: &HeaderMap) -> Result<Self, Problem> {
        match body::content_type(headers) {
            kind if kind.eq_ignore_ascii_case(JSON) => Ok(Self::Json),
            kind if kind.eq_ignore_ascii_case(CSV) => Ok(Self::Csv),
            _ => Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "the content type must be application/json or text/csv",
            )),
        }
    }

    /// That of an answer: CSV where it is liked better.
    fn liked(headers: &HeaderMap) -> Self {
        let (json, csv) = (liking(headers, JSON), liking(headers, CSV));
        if csv.0 > 0 && csv > json { Self::Csv } else { Self::Json }
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => JSON,
            Self::Csv => "text/csv; charset=utf-8; header=present",
        })
    }

    fn read(self, body: &Bytes) -> Result<Directory, Refusal> {
        match self {
            Self::Json => Directory::from_json(body),
            Self::Csv => Directory::from_csv(body),
        }
    }

    fn write(self, directory: &Directory, learned: &Learned) -> String {
        match self {
            Self::Json if !learned.is_empty() => directory.to_json_with(learned),
            Self::Json => directory.to_json(),
            Self::Csv => directory.to_csv(),
        }
    }
}

/// Work on megabytes, which the tasks that deliver calls are not to wait for.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Problem> {
    spawn_blocking(work).await.map_err(|_| unavailable("the node is going away"))
}

/// How well a type is liked, in thousandths, and how exactly it is named (RFC 9110, 12.5.1).
fn liking(headers: &HeaderMap, kind: &str) -> (u16, u8) {
    let family = kind.split('/').next().unwrap_or_default();
    let mut best = (0, 0);
    for range in listed(headers, header::ACCEPT) {
        let mut parts = range.split(';').map(str::trim);
        let named = parts.next().unwrap_or_default().to_ascii_lowercase();
        let exactness = match named.split_once('/') {
            Some(("*", "*")) => 1,
            Some((of, "*")) if of == family => 2,
            _ if named == kind => 3,
            _ => continue,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
        let weight = weight.map_or(1.0, |weight| weight.trim().parse::<f32>().unwrap_or(0.0));
        if exactness > best.1 {
            best = ((weight.clamp(0.0, 1.0) * 1000.0) as u16, exactness);
        }
    }
    best
}

/// The items of a list in headers.
fn listed(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|item| !item.is_empty())
}

/// What `If-Match` says. A weak ETag is never met (RFC 9110, 13.1.1).
fn expected(headers: &HeaderMap) -> Result<Expected, Problem> {
    if !headers.contains_key(header::IF_MATCH) {
        return Err(Problem::new(
            StatusCode::PRECONDITION_REQUIRED,
            "precondition-required",
            "send If-Match with the ETag of the directory that this one replaces, or * for whatever is there",
        ));
    }
    let tags = listed(headers, header::IF_MATCH).take(MOST_TAGS);
    let tags: Vec<&str> = tags.collect();
    if tags.contains(&"*") {
        return Ok(Expected::Whatever);
    }
    let strong = tags.iter().filter_map(|tag| tag.strip_prefix('"')?.strip_suffix('"'));
    Ok(Expected::OneOf(strong.map(str::to_owned).collect()))
}

fn has_already(headers: &HeaderMap, etag: &ETag) -> bool {
    let names = |tag: &str| {
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')) == Some(etag.as_str())
    };
    listed(headers, header::IF_NONE_MATCH).take(MOST_TAGS).any(|tag| tag == "*" || names(tag))
}

fn tagged(etag: &ETag) -> Result<[(HeaderName, HeaderValue); 1], Problem> {
    let value = HeaderValue::try_from(format!("\"{}\"", etag.as_str()));
    Ok([(header::ETAG, value.map_err(|_| unavailable("what is stored has no ETag"))?)])
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            Refusal::NotJson => Self::new(StatusCode::BAD_REQUEST, "not-json", detail),
            Refusal::TooLarge => Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", detail),
            Refusal::Shape(_) => Self::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", detail),
            Refusal::Row(Fault { row, column, .. }) => {
                let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "bad-row", detail).with("row", row);
                match column {
                    Some(column) => problem.with("column", column.into_owned()),
                    None => problem,
                }
            }
        }
    }
}
