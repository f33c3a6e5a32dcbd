//! Which client it is: the peer, or what a trusted proxy says of it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, Request};
use ipnet::IpNet;

/// The peer's address; behind trusted proxies the rightmost address of `X-Forwarded-For` that is none of them. Text that
/// is no address ends the search at the last hop that can be believed. Without a known peer: `0.0.0.0`, which no list
/// of addresses contains by accident.
pub(crate) fn client_ip(request: &Request, trusted: &[IpNet]) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip().to_canonical());
    let trusts = |ip: &IpAddr| trusted.iter().any(|net| net.contains(ip));
    if trusted.is_empty() || !trusts(&peer) {
        return peer;
    }
    let mut client = peer;
    for line in request.headers().get_all("x-forwarded-for").iter().rev() {
        for hop in line.to_str().unwrap_or("?").rsplit(',') {
            let Some(hop) = address(hop.trim()) else { return client };
            client = hop;
            if !trusts(&client) {
                return client;
            }
        }
    }
    client
}

/// An address as proxies write it: bare, in brackets, or with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let parsed = bare.parse::<IpAddr>().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    parsed.map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::body::Body;
    use axum::extract::{ConnectInfo, Request};

    use super::client_ip;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let client = |peer: &str, forwarded: &[&str]| {
            let mut request = Request::new(Body::empty());
            request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
            for line in forwarded {
                request.headers_mut().append("x-forwarded-for", line.parse().unwrap());
            }
            client_ip(&request, &trusted).to_string()
        };
        assert_eq!(client("203.0.113.9:1", &["198.51.100.1"]), "203.0.113.9", "an untrusted peer says nothing");
        assert_eq!(client("10.0.0.1:1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1:1", &["6.6.6.6, 198.51.100.1, 10.2.2.2"]), "198.51.100.1", "rightmost untrusted");
        assert_eq!(client("10.0.0.1:1", &["6.6.6.6", "198.51.100.1"]), "198.51.100.1", "lines in order");
        assert_eq!(client("10.0.0.1:1", &["6.6.6.6, junk, 10.2.2.2"]), "10.2.2.2", "junk ends the search");
        assert_eq!(client("10.0.0.1:1", &[]), "10.0.0.1");
        assert_eq!(client("[::ffff:10.0.0.1]:1", &["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(client_ip(&Request::new(Body::empty()), &trusted).to_string(), "0.0.0.0");
    }
}
