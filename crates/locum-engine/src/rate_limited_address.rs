//! The address that rate limits count.

use std::net::{IpAddr, Ipv6Addr};

/// The address that a rate limit counts. An IPv6 address is reduced to its first 64 bits, because a provider usually
/// assigns all of a /64 to one customer. An IPv4-mapped address becomes its IPv4 address.
#[must_use]
pub fn rate_limited_address(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited(ip: &str) -> String {
        rate_limited_address(ip.parse().unwrap()).to_string()
    }

    #[test]
    fn ipv6_addresses_share_a_bucket_if_their_first_64_bits_are_equal() {
        assert_eq!(limited("2001:db8:1:2:3:4:5:6"), limited("2001:db8:1:2:ffff::1"));
        assert_ne!(limited("2001:db8:1:2::1"), limited("2001:db8:1:3::1"));
    }

    #[test]
    fn an_ipv4_mapped_address_counts_as_its_ipv4_address() {
        assert_eq!(limited("::ffff:192.0.2.7"), "192.0.2.7");
        assert_ne!(limited("192.0.2.7"), limited("192.0.2.8"));
    }
}
