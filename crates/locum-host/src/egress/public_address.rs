//! Decides which addresses belong to the public internet, and resolves names to such addresses only.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use locum_engine::ports::PortFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Finds the addresses of a name.
pub(crate) trait Lookup: Send + Sync + 'static {
    /// All addresses; the port is ignored.
    fn addresses(&self, name: &str) -> PortFuture<'static, io::Result<Vec<SocketAddr>>>;
}

/// Looks names up as the system does.
pub(crate) struct SystemLookup;

impl Lookup for SystemLookup {
    fn addresses(&self, name: &str) -> PortFuture<'static, io::Result<Vec<SocketAddr>>> {
        let name = name.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
    }
}

/// Drops addresses that are not public: the owner of a name could point it at an address of the internal network or of a
/// cloud's metadata service, also after the name had a public address (DNS rebinding). The HTTP client connects to the
/// addresses that it gets from here, and asks again for each connection, so no other address is ever connected to.
pub(crate) struct PublicResolver<L>(pub(crate) L);

impl<L: Lookup> Resolve for PublicResolver<L> {
    fn resolve(&self, name: Name) -> Resolving {
        let addresses = self.0.addresses(name.as_str());
        Box::pin(async move {
            let mut addresses = addresses.await?;
            addresses.retain(|address| is_public(address.ip()));
            if addresses.is_empty() {
                return Err(io::Error::other("the name has no public address").into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// By the IANA registry of special-purpose addresses.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && b & 0xc0 == 64)
        || (a, b, c) == (192, 0, 0)
        || (a == 198 && b & 0xfe == 18))
}

/// Global unicast addresses (2000::/3) without the special-purpose blocks in it, and public IPv4 addresses in the NAT64
/// prefix.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    match (a, b) {
        (0x64, 0xff9b) => {
            [c, d, e, f] == [0; 4] && is_public_v4(Ipv4Addr::from(u32::from(g) << 16 | u32::from(h)))
        }
        // 2001::/23 contains Teredo and other tunnels, 2001:db8::/32 and 3fff::/20 are for documentation, 2002::/16 is
        // 6to4.
        (0x2001, 0..0x200 | 0xdb8) | (0x2002, _) | (0x3fff, 0..0x1000) => false,
        (0x2000..=0x3fff, _) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_public_internet_are_public() {
        for address in
            ["93.184.216.34", "8.8.8.8", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "64:ff9b::8.8.8.8"]
        {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn addresses_of_internal_networks_are_not_public() {
        for address in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "198.19.255.255",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "2002:7f00:1::",
            "64:ff9b::127.0.0.1",
            "64:ff9b:1::1",
            "3fff::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }
}
