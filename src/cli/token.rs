//! `callpop token`: a development JWT from the configured secret.

use crate::{
    auth::{self, AuthError, Grant, MAX_EXTENSIONS, MAX_GROUPS, Role},
    config::{Auth, AuthKey},
    id::{Extension, TenantId},
};
use std::time::Duration;

/// Ten years; a longer one is surely a slip.
const MAX_TTL: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// What the token is to say.
#[derive(Clone, Debug)]
pub(crate) struct TokenRequest {
    pub(crate) tenant: String,
    pub(crate) extensions: Vec<String>,
    pub(crate) role: Role,
    /// What a supervisor is kept to; none is not kept to any.
    pub(crate) groups: Option<Vec<String>>,
    pub(crate) ttl: Duration,
    /// `dev-<first extension>` if none is given.
    pub(crate) sub: Option<String>,
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("auth.hs256_secret is not configured: only whoever has the private key can mint tokens")]
    NoSecret,
    #[error("at most {MAX_EXTENSIONS} extensions, please, and at least one where there is no sub")]
    Extensions,
    #[error(
        "groups are for --role supervisor: at most {MAX_GROUPS}, each of 1 to 64 characters without a semicolon"
    )]
    Groups,
    #[error("a token lives from one second to ten years")]
    Ttl,
    #[error(transparent)]
    Auth(#[from] AuthError),
}

/// Mints a token that this configuration accepts.
///
/// # Errors
/// There is no secret to mint with, or the request makes no sense.
pub(crate) fn token(auth: &Auth, request: &TokenRequest) -> Result<String, TokenError> {
    let AuthKey::Hs256(secret) = &auth.key else { return Err(TokenError::NoSecret) };
    if request.ttl < Duration::from_secs(1) || request.ttl > MAX_TTL {
        return Err(TokenError::Ttl);
    }
    let groups = request.groups.as_deref().map(|named| groups(named, request.role)).transpose()?;
    let named = request.extensions.iter().map(|name| Extension::try_from(name.as_str()));
    let extensions: Vec<Extension> = named.collect::<Result<_, _>>().map_err(AuthError::from)?;
    let sub = request.sub.clone().or_else(|| Some(format!("dev-{}", extensions.first()?)));
    let sub = sub.filter(|_| extensions.len() <= MAX_EXTENSIONS).ok_or(TokenError::Extensions)?;
    let grant = Grant {
        tenant: TenantId::try_from(request.tenant.as_str()).map_err(AuthError::from)?,
        sub,
        extensions,
        role: request.role,
        groups,
        ttl: request.ttl,
        audience: auth.audience.clone(),
        issuer: auth.issuer.clone(),
    };
    Ok(auth::mint(secret, &grant)?)
}

/// Those that are named; a text that is empty names none.
fn groups(named: &[String], role: Role) -> Result<Vec<String>, TokenError> {
    let named = named.iter().filter(|name| !name.trim().is_empty());
    let groups: Option<Vec<String>> = named.map(|name| Some(auth::group(name)?.to_string())).collect();
    groups.filter(|all| all.len() <= MAX_GROUPS && role == Role::Supervisor).ok_or(TokenError::Groups)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{auth::Verifier, metrics::Metrics, tasks::Tasks};

    fn auth(key: AuthKey) -> Auth {
        let (audience, issuer) = (Some("callpop".to_owned()), Some("https://id.example".to_owned()));
        Auth { key, audience, issuer, allowed_origins: Vec::new() }
    }

    fn request() -> TokenRequest {
        TokenRequest {
            tenant: "acme".to_owned(),
            extensions: vec!["200".to_owned(), "210".to_owned()],
            role: Role::Supervisor,
            groups: Some(vec!["sales".to_owned()]),
            ttl: Duration::from_secs(60),
            sub: None,
        }
    }

    #[tokio::test]
    async fn a_minted_token_is_accepted_by_the_same_configuration() {
        let auth = auth(AuthKey::Hs256("secret".into()));
        let token = token(&auth, &request()).unwrap();
        let identity =
            Verifier::new(&auth, &Tasks::new(&Metrics::default())).unwrap().verify(&token).await.unwrap();
        assert_eq!(&*identity.sub, "dev-200");
        assert_eq!(identity.tenant.as_str(), "acme");
        assert_eq!(identity.extensions.len(), 2);
        assert_eq!(identity.role, Role::Supervisor);
        assert_eq!(identity.groups.as_deref(), Some(&["sales".into()][..]));
    }

    #[test]
    fn who_has_a_sub_needs_no_extension() {
        let request = TokenRequest { extensions: Vec::new(), sub: Some("ann".to_owned()), ..request() };
        assert!(token(&auth(AuthKey::Hs256("secret".into())), &request).is_ok());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let secret = auth(AuthKey::Hs256("secret".into()));
        let refused = |change: &dyn Fn(&mut TokenRequest)| {
            let mut request = request();
            change(&mut request);
            token(&secret, &request).unwrap_err()
        };
        assert!(matches!(refused(&|r| r.extensions.clear()), TokenError::Extensions));
        assert!(matches!(refused(&|r| r.role = Role::Agent), TokenError::Groups));
        assert!(matches!(refused(&|r| r.groups = Some(vec!["a".into(); 101])), TokenError::Groups));
        assert!(matches!(refused(&|r| r.ttl = Duration::ZERO), TokenError::Ttl));
        assert!(matches!(refused(&|r| r.ttl = Duration::MAX), TokenError::Ttl));
        assert!(matches!(refused(&|r| r.tenant.clear()), TokenError::Auth(AuthError::Id(_))));
        let keyless = auth(AuthKey::JwksUrl("https://id.example/keys".to_owned()));
        assert!(matches!(token(&keyless, &request()), Err(TokenError::NoSecret)));
    }
}
