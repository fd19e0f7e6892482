//! Who may send webhooks. The agreed header is looked at before anything else; a signature, once the body is there.

use super::IsSigned;
use crate::{
    auth::Credentials,
    config::Source,
    http::{Peer, Problem, Proxies, network_of, too_many, within},
    places::{Proof, prove},
};
use axum::http::{StatusCode, request};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock};
use ipnet::IpNet;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    num::NonZeroU32,
};

/// One provider's door.
pub(crate) struct Gate {
    source: Source,
    credentials: Credentials,
    /// Where the body is signed, no header has the secret.
    is_signed: Option<IsSigned>,
    proxies: Proxies,
    rate: Option<DefaultKeyedRateLimiter<IpAddr>>,
}

impl Gate {
    /// A source's, as configured; `trusted_proxies` say truly who is behind them.
    pub(crate) fn new(source: &Source, is_signed: Option<IsSigned>, trusted_proxies: &[IpNet]) -> Self {
        let rate = NonZeroU32::new(source.rate_limit);
        Self {
            credentials: Credentials::new(source),
            is_signed,
            proxies: Proxies::new(trusted_proxies),
            rate: rate.map(|rate| RateLimiter::keyed(Quota::per_second(rate))),
            source: source.clone(),
        }
    }

    /// Lets a request in, or says why not, from its head alone.
    pub(crate) fn admit(&self, head: &request::Parts) -> Result<(), Problem> {
        if self.is_signed.is_none() && !self.credentials.are_shown(&head.headers) {
            let names = self.source.headers().join(" or ");
            let detail = format!("the header {names} is missing or wrong");
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail));
        }
        if self.is_signed.is_none() {
            prove(Proof::Secret);
        }
        let allowed = &self.source.allow_ips;
        if allowed.is_empty() && self.rate.is_none() {
            return Ok(());
        }
        let client = self.client(head);
        if !allowed.is_empty() && !within(allowed, client) {
            let detail = "the client's address is not on the list";
            return Err(Problem::new(StatusCode::FORBIDDEN, "address-not-allowed", detail));
        }
        let Some(rate) = &self.rate else { return Ok(()) };
        rate.check_key(&network_of(client)).map_err(|not_until| {
            let wait = not_until.wait_time_from(rate.clock().now());
            too_many("too many requests from this address", wait)
        })
    }

    /// Lets the body of that request in, or says why not.
    pub(crate) fn admit_body(&self, head: &request::Parts, body: &[u8]) -> Result<(), Problem> {
        if self.is_signed.is_none_or(|is_signed| is_signed(&self.source, &head.headers, body)) {
            prove(Proof::Secret);
            return Ok(());
        }
        Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "the signature is missing or wrong"))
    }

    /// Forgets the addresses that have their whole rate again; to be called now and then.
    pub(crate) fn sweep(&self) {
        if let Some(rate) = &self.rate {
            rate.retain_recent();
        }
    }

    fn client(&self, head: &request::Parts) -> IpAddr {
        let nobody = Peer(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)));
        let peer = head.extensions.get().copied().unwrap_or(nobody);
        self.proxies.client(peer, &head.headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SourceKind;
    use axum::http::Request;

    #[test]
    fn a_rate_is_of_an_address_or_of_the_network_that_comes_with_it() {
        let mut source = Source::unguarded(SourceKind("x")).unwrap();
        (source.header, source.secrets, source.rate_limit) = ("x".to_owned(), vec!["s".into()], 1);
        let gate = Gate::new(&source, None, &["10.0.0.1/32".parse().unwrap()]);
        let is_in = |client: &str| {
            let request = Request::builder().header("x", "s").header("x-forwarded-for", client);
            let mut head = request.body(()).unwrap().into_parts().0;
            head.extensions.insert(Peer("10.0.0.1:1".parse().unwrap()));
            gate.admit(&head).is_ok()
        };
        for (client, expected) in [
            ("198.51.100.1", true),
            ("198.51.100.2", true),
            ("198.51.100.1", false),
            ("2001:db8:1:1::1", true),
            ("2001:db8:1:1:2::1", false),
            ("2001:db8:1:2::1", true),
            ("::ffff:198.51.100.2", false),
        ] {
            assert_eq!(is_in(client), expected, "{client}");
        }
    }

    #[test]
    fn a_source_that_signs_is_let_in_by_its_body_and_not_by_its_secret() {
        let mut source = Source::unguarded(SourceKind("signing")).unwrap();
        (source.header, source.secrets) = ("x-signature".to_owned(), vec!["secret".into()]);
        let gate = Gate::new(&source, Some(|_, headers, body| headers["x-signature"] == *body), &[]);
        let head =
            |shown: &str| Request::builder().header("x-signature", shown).body(()).unwrap().into_parts().0;
        for (shown, body, is_in) in [("a", "a", true), ("a", "b", false), ("secret", "a", false)] {
            assert!(gate.admit(&head(shown)).is_ok(), "nothing can be said before the body is there");
            assert_eq!(gate.admit_body(&head(shown), body.as_bytes()).is_ok(), is_in, "{shown} {body}");
        }
        let plain = Gate::new(&source, None, &[]);
        assert!(plain.admit(&head("a")).is_err() && plain.admit(&head("secret")).is_ok());
        assert!(plain.admit_body(&head("secret"), b"x").is_ok());
    }
}
