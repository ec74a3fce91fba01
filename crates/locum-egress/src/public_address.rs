//! Decides which addresses belong to the public internet, and resolves names to such addresses only.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The addresses of a name, once they are known.
pub type FoundAddresses = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Finds the addresses of a name.
pub trait Lookup: Send + Sync + 'static {
    /// All addresses; the port is ignored.
    fn addresses(&self, name: &str) -> FoundAddresses;
}

/// Looks names up as the system does.
pub(crate) struct SystemLookup;

impl Lookup for SystemLookup {
    fn addresses(&self, name: &str) -> FoundAddresses {
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

/// Whether an address belongs to the public internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// An address of Azure that every virtual machine reaches: its host's name server, health probe and wire server.
const AZURE_HOST: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);

/// By the IANA registry of special-purpose addresses. Anycast blocks in it are refused too, although they are reachable:
/// what answers there is chosen by the network.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || address == AZURE_HOST
        || a == 0
        || a >= 240
        || (a == 100 && b & 0xc0 == 64)
        || (a == 198 && b & 0xfe == 18)
        || matches!(
            (a, b, c),
            (192, 0, 0) | (192, 31, 196) | (192, 52, 193) | (192, 88, 99) | (192, 175, 48)
        ))
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
        // Name servers of AS112, which answer for private addresses.
        (0x2620, 0x4f) if c == 0x8000 => false,
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
            "168.63.129.16",
            "198.19.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "2002:7f00:1::",
            "64:ff9b::127.0.0.1",
            "64:ff9b::168.63.129.16",
            "64:ff9b:1::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    /// A row of `special_purpose_addresses.txt`, with addresses as numbers.
    struct Block {
        text: &'static str,
        first: IpAddr,
        bits: u32,
        reachable: &'static str,
    }

    fn registry() -> Vec<Block> {
        let rows =
            include_str!("special_purpose_addresses.txt").lines().filter(|line| !line.starts_with('#'));
        let blocks: Vec<Block> = rows
            .map(|row| {
                let mut columns = row.split_whitespace();
                let text = columns.next().unwrap();
                let (first, bits) = text.split_once('/').unwrap();
                let reachable = columns.next().unwrap();
                assert!(["no", "refused", "translated"].contains(&reachable), "{row}");
                Block { text, first: first.parse().unwrap(), bits: bits.parse().unwrap(), reachable }
            })
            .collect();
        assert_eq!(blocks.len(), 53);
        blocks
    }

    fn number(address: IpAddr) -> u128 {
        match address {
            IpAddr::V4(address) => u128::from(u32::from(address)),
            IpAddr::V6(address) => u128::from(address),
        }
    }

    impl Block {
        fn width(&self) -> u32 {
            if self.first.is_ipv4() { 32 } else { 128 }
        }

        fn last(&self) -> u128 {
            let free = self.width() - self.bits;
            number(self.first) | if free == 128 { u128::MAX } else { (1 << free) - 1 }
        }

        fn address(&self, number: u128) -> Option<IpAddr> {
            match self.first {
                IpAddr::V4(_) => u32::try_from(number).ok().map(|bits| Ipv4Addr::from(bits).into()),
                IpAddr::V6(_) => Some(Ipv6Addr::from(number).into()),
            }
        }

        fn contains(&self, address: IpAddr) -> bool {
            self.first.is_ipv4() == address.is_ipv4()
                && (number(self.first)..=self.last()).contains(&number(address))
        }
    }

    #[test]
    fn every_block_of_the_iana_registries_is_refused_and_its_neighbours_are_not() {
        let registry = registry();
        let mut neighbours = 0;
        for block in &registry {
            let (first, last) = (number(block.first), block.last());
            if block.reachable != "translated" {
                for inside in [first, first + (last - first) / 2, last] {
                    let address = block.address(inside).unwrap();
                    assert!(!is_public(address), "{address} is in {}", block.text);
                }
            }
            for outside in [first.checked_sub(1), last.checked_add(1)].into_iter().flatten() {
                let Some(address) = block.address(outside) else { continue };
                // Of IPv6 only 2000::/3 is allocated as global unicast.
                let allocated = address.is_ipv4() || number(address) >> 125 == 1;
                if allocated && !registry.iter().any(|other| other.contains(address)) {
                    neighbours += 1;
                    assert!(is_public(address), "{address} is beside {}", block.text);
                }
            }
        }
        assert!(neighbours > 40, "{neighbours}");
    }

    #[test]
    fn a_translated_address_is_as_public_as_the_one_it_stands_for() {
        let mut checked = 0;
        for block in registry().iter().filter(|block| block.first.is_ipv4()) {
            for inside in [number(block.first), block.last()] {
                let bits = u32::try_from(inside).unwrap();
                for prefix in [0x0064_ff9b_u128 << 96, 0xffff << 32] {
                    let address = Ipv6Addr::from(prefix | u128::from(bits));
                    assert!(!is_public(address.into()), "{address}");
                    checked += 1;
                }
            }
        }
        assert!(checked > 100);
        // Only with zeros between prefix and address.
        for address in ["64:ff9b:0:0:0:1:808:808", "64:ff9b:0:1::808:808", "64:ff9b:1::808:808"] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }
}
