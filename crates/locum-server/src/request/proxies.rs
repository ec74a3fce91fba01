//! The client's address: the peer's, or the one that trusted proxies report.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};
use ipnet::{IpNet, Ipv4Net};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The proxies whose `X-Forwarded-For` is read.
#[derive(Debug, Clone)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// These ranges. A range of IPv4-mapped IPv6 addresses is taken as the IPv4 range that it maps.
    pub fn new(ranges: &[IpNet]) -> Self {
        Self(ranges.iter().copied().map(unmapped).collect())
    }

    /// The client's address: the peer's unless the peer is trusted; then the right-most entry of `X-Forwarded-For`
    /// that is not. Each proxy appends the peer it saw, so an untrusted client may have written everything left of its
    /// own entry; the same holds for everything left of an entry that is not an address.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        let values = headers.get_all(X_FORWARDED_FOR).iter().rev();
        for entry in values.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b',')) {
            if !self.trust(client) {
                break;
            }
            match address(entry) {
                Some(hop) => client = hop,
                None => break,
            }
        }
        client
    }

    /// Whether this canonical address is that of a trusted proxy.
    pub(crate) fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|range| range.contains(&address))
    }
}

/// An address, with or without the port that some proxies add.
fn address(entry: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(entry).ok()?.trim_ascii();
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(with_port).or_else(bracketed).map(|address: IpAddr| address.to_canonical())
}

fn unmapped(range: IpNet) -> IpNet {
    let IpNet::V6(v6) = range else { return range };
    let v4 = v6.addr().to_ipv4_mapped().zip(v6.prefix_len().checked_sub(96));
    match v4.map(|(address, prefix)| Ipv4Net::new(address, prefix)) {
        Some(Ok(v4)) => IpNet::V4(v4),
        _ => range,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn trusted() -> TrustedProxies {
        TrustedProxies::new(&["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()])
    }

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(X_FORWARDED_FOR, value.parse().unwrap());
        }
        trusted().client(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn an_untrusted_peer_is_the_client_whatever_header_it_sends() {
        assert_eq!(client("203.0.113.7", &["198.51.100.1"]), "203.0.113.7");
        assert_eq!(client("203.0.113.7", &["10.0.0.1"]), "203.0.113.7");
    }

    #[test]
    fn of_a_trusted_peers_header_only_the_last_entry_is_believed() {
        assert_eq!(client("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["192.0.2.66, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["192.0.2.66", "198.51.100.1"]), "198.51.100.1");
    }

    #[test]
    fn trusted_entries_are_skipped() {
        assert_eq!(client("10.0.0.1", &["192.0.2.66, 198.51.100.1, fd00::2,10.0.0.3"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["192.0.2.66, 198.51.100.1", "fd00::2", "10.0.0.3"]), "198.51.100.1");
    }

    #[test]
    fn of_a_chain_of_trusted_proxies_the_left_most_is_the_client() {
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["10.9.9.9, 10.0.0.2"]), "10.9.9.9");
    }

    #[test]
    fn nothing_left_of_an_entry_that_is_not_an_address_is_read() {
        for garbage in ["unknown", "", "1.2.3", "198.51.100.1 x", "fe80::1%eth0", "010.1.1.1"] {
            assert_eq!(
                client("10.0.0.1", &[&format!("198.51.100.1, {garbage}, 10.0.0.2")]),
                "10.0.0.2",
                "{garbage}"
            );
        }
    }

    #[test]
    fn an_ipv4_mapped_address_counts_as_its_ipv4_address() {
        assert_eq!(client("::ffff:10.0.0.1", &["::ffff:198.51.100.1"]), "198.51.100.1");
        assert_eq!(client("::ffff:203.0.113.7", &["198.51.100.1"]), "203.0.113.7");
        let mapped = TrustedProxies::new(&["::ffff:10.0.0.0/104".parse().unwrap()]);
        assert!(mapped.trust("10.1.2.3".parse().unwrap()));
        assert!(!mapped.trust("11.1.2.3".parse().unwrap()));
    }

    #[test]
    fn a_port_beside_an_address_is_skipped() {
        assert_eq!(client("10.0.0.1", &["198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(client("10.0.0.1", &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(client("10.0.0.1", &["[2001:db8::1]"]), "2001:db8::1");
    }

    fn v4() -> impl Strategy<Value = IpAddr> {
        any::<[u8; 4]>().prop_map(IpAddr::from)
    }

    fn inside() -> impl Strategy<Value = IpAddr> {
        any::<[u8; 3]>().prop_map(|[a, b, c]| IpAddr::from([10, a, b, c]))
    }

    fn outside() -> impl Strategy<Value = IpAddr> {
        v4().prop_filter("a trusted one", |address| !trusted().trust(*address))
    }

    /// What an attacker may send as a header of its own: addresses, trusted ones too, and anything else.
    fn forged() -> impl Strategy<Value = Vec<String>> {
        let entry = prop_oneof![
            v4().prop_map(|a| a.to_string()),
            inside().prop_map(|a| a.to_string()),
            "[ -~]{0,12}"
        ];
        proptest::collection::vec(entry, 0..5)
    }

    fn headers(lines: &[String]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(X_FORWARDED_FOR, line.parse().unwrap());
        }
        headers
    }

    proptest! {
        #[test]
        fn an_untrusted_peer_never_influences_its_address(peer in outside(), forged in forged()) {
            prop_assert_eq!(trusted().client(peer, &headers(&forged)), peer);
        }

        #[test]
        fn entries_that_an_attacker_sent_are_ignored(
            attacker in outside(),
            forged in forged(),
            hops in proptest::collection::vec(inside(), 1..4),
            one_line in any::<bool>(),
        ) {
            // Each trusted hop appends the peer it saw: first the attacker, then the hop before.
            let (last, seen) = hops.split_last().unwrap();
            let appended = std::iter::once(&attacker).chain(seen).map(IpAddr::to_string);
            let lines: Vec<String> = forged.into_iter().chain(appended).collect();
            let lines = if one_line { vec![lines.join(", ")] } else { lines };
            prop_assert_eq!(trusted().client(*last, &headers(&lines)), attacker);
        }
    }
}
