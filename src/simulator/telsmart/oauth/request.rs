//! A request to the token server: its form, each parameter at most once, and its client, by HTTP
//! Basic or by parameters but not by both (RFC 6749, sections 2.3.1 and 3.2).

use super::{OauthError, bad};
use axum::http::{HeaderMap, header};
use base64::{Engine, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};

/// The parameters of a request.
#[derive(Debug)]
pub(super) struct Form(Vec<(String, String)>);

/// Who says to be asking.
pub(super) struct Client {
    pub(crate) id: String,
    pub(crate) secret: SecretString,
}

/// The client that was registered at onboarding.
pub(crate) struct Registered {
    pub(crate) id: String,
    pub(crate) secret: SecretString,
}

impl Form {
    pub(super) fn read(headers: &HeaderMap, body: &[u8]) -> Result<Self, OauthError> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(bad("invalid_request", "the body must be application/x-www-form-urlencoded"));
        }
        let fields: Vec<(String, String)> = serde_urlencoded::from_bytes(body)
            .map_err(|_| bad("invalid_request", "the body is not a form"))?;
        let twice = |(at, (name, _)): (usize, &(String, String))| {
            fields[..at].iter().any(|(earlier, _)| earlier == name)
        };
        if fields.iter().enumerate().any(twice) {
            return Err(bad("invalid_request", "a parameter is there twice"));
        }
        Ok(Self(fields))
    }

    /// A parameter; one without a value is as one that is not there.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

impl Client {
    pub(super) fn read(headers: &HeaderMap, form: &Form) -> Result<Self, OauthError> {
        let Some(header) = headers.get(header::AUTHORIZATION) else {
            let (id, secret) = (form.get("client_id"), form.get("client_secret"));
            let (id, secret) = id.zip(secret).ok_or_else(|| unknown("no client credentials"))?;
            return Ok(Self { id: id.to_owned(), secret: secret.into() });
        };
        if form.get("client_secret").is_some() {
            return Err(bad("invalid_request", "the client authenticates in two ways"));
        }
        basic(header.as_bytes()).ok_or_else(|| unknown("the Authorization header is not HTTP Basic"))
    }

    pub(super) fn check(&self, registered: &Registered) -> Result<(), OauthError> {
        let same = self.secret.expose_secret() == registered.secret.expose_secret();
        if self.id == registered.id && same { Ok(()) } else { Err(unknown("the client is not known")) }
    }
}

/// Id and secret are each form-encoded before they are joined.
fn basic(header: &[u8]) -> Option<Client> {
    let (scheme, credentials) = std::str::from_utf8(header).ok()?.split_once(' ')?;
    let decoded = scheme.eq_ignore_ascii_case("basic").then(|| STANDARD.decode(credentials.trim()))?.ok()?;
    let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(Client { id: form_decoded(id)?, secret: form_decoded(secret)?.into() })
}

fn form_decoded(text: &str) -> Option<String> {
    let mut fields: Vec<(String, String)> = serde_urlencoded::from_str(&format!("={text}")).ok()?;
    let (_, value) = fields.pop()?;
    fields.is_empty().then_some(value)
}

fn unknown(description: &'static str) -> OauthError {
    OauthError { status: 401, error: "invalid_client".to_owned(), description }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";

    fn headers(kind: &str, authorization: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
        if let Some(value) = authorization {
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        }
        headers
    }

    fn check(authorization: Option<&str>, body: &str) -> Result<(), (u16, String)> {
        let headers = headers(FORM, authorization);
        let registered = Registered { id: "call pop".into(), secret: "s:e+c/r".into() };
        let form = Form::read(&headers, body.as_bytes()).unwrap();
        let client = Client::read(&headers, &form).and_then(|client| client.check(&registered));
        client.map_err(|error| (error.status, error.error))
    }

    fn as_basic(text: &str) -> String {
        format!("Basic {}", STANDARD.encode(text))
    }

    #[test]
    fn a_client_authenticates_by_basic_or_by_the_body() {
        assert_eq!(check(Some(&as_basic("call+pop:s%3Ae%2Bc%2Fr")), ""), Ok(()));
        assert_eq!(check(None, "client_id=call%20pop&client_secret=s%3Ae%2Bc%2Fr"), Ok(()));
        assert_eq!(check(Some(&as_basic("call+pop:s%3Ae%2Bc%2Fr")), "client_id=call+pop"), Ok(()));
    }

    #[test]
    fn anyone_else_is_an_invalid_client() {
        for (authorization, body) in [
            (None, ""),
            (None, "client_id=call+pop"),
            (None, "client_id=call+pop&client_secret=s%3Ae%2Bc%2FR"),
            (None, "client_id=another&client_secret=s%3Ae%2Bc%2Fr"),
            (Some(as_basic("call+pop:s:e+c/r")), ""),
            (Some(as_basic("call+pop:s%3Ae%2Bc%2Fr&x")), ""),
            (Some(as_basic("callpop")), ""),
            (Some("Basic ???".to_owned()), ""),
            (Some("Bearer x".to_owned()), ""),
        ] {
            let answer = check(authorization.as_deref(), body);
            assert_eq!(answer, Err((401, "invalid_client".into())), "{authorization:?} {body}");
        }
        let twice = check(Some(&as_basic("call+pop:s%3Ae%2Bc%2Fr")), "client_secret=s%3Ae%2Bc%2Fr");
        assert_eq!(twice, Err((400, "invalid_request".into())));
    }

    #[test]
    fn a_form_is_a_form_with_each_parameter_once() {
        let read = |kind: &str, body: &str| Form::read(&headers(kind, None), body.as_bytes());
        let form = read("Application/X-WWW-Form-urlencoded; charset=utf-8", "a=1&b=&c=%2B+").unwrap();
        assert_eq!(
            (form.get("a"), form.get("b"), form.get("c"), form.get("d")),
            (Some("1"), None, Some("+ "), None)
        );
        assert_eq!(read("application/json", "{}").unwrap_err().error, "invalid_request");
        assert_eq!(read(FORM, "a=1&a=1").unwrap_err().error, "invalid_request");
    }
}
