//! Who may send webhooks. The agreed header is looked at before anything else.

use crate::{
    auth::AgreedHeader,
    config::Source,
    http::{Peer, Problem},
};
use axum::http::{HeaderName, StatusCode, request};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock};
use ipnet::IpNet;
use std::{
    net::{IpAddr, Ipv4Addr},
    num::NonZeroU32,
};

/// One provider's door.
pub(crate) struct Gate {
    header: AgreedHeader,
    allowed: Vec<IpNet>,
    trusted_proxies: Vec<IpNet>,
    rate: Option<DefaultKeyedRateLimiter<IpAddr>>,
}

impl Gate {
    /// A source's, as configured; `trusted_proxies` say truly who is behind them.
    pub(crate) fn new(source: &Source, trusted_proxies: &[IpNet]) -> Self {
        let Source { header, secrets, allow_ips, rate_limit, .. } = source.clone();
        let rate = NonZeroU32::new(rate_limit).map(|rate| RateLimiter::keyed(Quota::per_second(rate)));
        let header = AgreedHeader::new(header, secrets);
        Self { header, allowed: allow_ips, trusted_proxies: trusted_proxies.to_vec(), rate }
    }

    /// Lets a request in, or says why not, from its head alone.
    pub(crate) fn admit(&self, head: &request::Parts) -> Result<(), Problem> {
        if !self.header.is_shown(&head.headers) {
            let detail = format!("the header {} is missing or wrong", self.header.name());
            return Err(Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail));
        }
        if self.allowed.is_empty() && self.rate.is_none() {
            return Ok(());
        }
        let client = self.client(head);
        if !self.allowed.is_empty() && !within(&self.allowed, client) {
            let detail = "the client's address is not on the list";
            return Err(Problem::new(StatusCode::FORBIDDEN, "address-not-allowed", detail));
        }
        let Some(rate) = &self.rate else { return Ok(()) };
        rate.check_key(&client).map_err(|not_until| {
            let wait = not_until.wait_time_from(rate.clock().now());
            let detail = "too many requests from this address";
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", detail).retry_after(wait)
        })
    }

    /// Forgets the addresses that have their whole rate again; to be called now and then.
    pub(crate) fn sweep(&self) {
        if let Some(rate) = &self.rate {
            rate.retain_recent();
        }
    }

    /// The client's address: the peer's, unless that is a trusted proxy; then `X-Forwarded-For`
    /// from the right, up to the first address that is not one. What is no address ends the walk.
    fn client(&self, head: &request::Parts) -> IpAddr {
        let peer =
            head.extensions.get::<Peer>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
        let forwarded = head.headers.get_all(X_FORWARDED_FOR).into_iter().rev();
        let hops = forwarded.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
        let mut hops = hops.map_while(|hop| std::str::from_utf8(hop).ok()?.trim().parse().ok());
        let mut client = peer.to_canonical();
        while within(&self.trusted_proxies, client)
            && let Some(hop) = hops.next()
        {
            client = IpAddr::to_canonical(&hop);
        }
        client
    }
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

fn within(nets: &[IpNet], address: IpAddr) -> bool {
    nets.iter().any(|net| net.contains(&address))
}
