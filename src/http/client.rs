//! Who a request is from, where proxies are between: their word counts if they are trusted.

use super::Peer;
use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies that say truly who is behind them.
#[derive(Clone)]
pub(crate) struct Proxies(Arc<[IpNet]>);

impl Proxies {
    /// Those of `trusted_proxies`.
    pub(crate) fn new(trusted: &[IpNet]) -> Self {
        Self(trusted.into())
    }

    /// Whether a peer is one of them.
    pub(crate) fn have(&self, peer: Peer) -> bool {
        within(&self.0, peer.0.ip().to_canonical())
    }

    /// The client's address: the peer's, unless that is a trusted proxy; then `X-Forwarded-For`
    /// from the right, up to the first address that is not one. What is no address ends the walk.
    pub(crate) fn client(&self, peer: Peer, headers: &HeaderMap) -> IpAddr {
        let forwarded = headers.get_all(X_FORWARDED_FOR).into_iter().rev();
        let hops = forwarded.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
        let mut hops = hops.map_while(|hop| std::str::from_utf8(hop).ok()?.trim().parse().ok());
        let mut client = peer.0.ip().to_canonical();
        while within(&self.0, client)
            && let Some(hop) = hops.next()
        {
            client = IpAddr::to_canonical(&hop);
        }
        client
    }
}

/// Whether one of these networks has an address.
pub(crate) fn within(nets: &[IpNet], address: IpAddr) -> bool {
    nets.iter().any(|net| net.contains(&address))
}

/// Whoever has one address of IPv6 has all of its /64.
pub(crate) fn network_of(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        canonical => canonical,
    }
}
