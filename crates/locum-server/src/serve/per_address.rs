//! How many connections one address may hold, so that one client cannot take all of them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use locum_engine::rate_limited_address;
use tokio::time::Instant;

use crate::request::TrustedProxies;

/// How often the log may name one address.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// The open connections of each address; of IPv6 the /64 counts. Trusted proxies are not counted: they connect for many.
pub(super) struct ConnectionsPerAddress {
    max: usize,
    proxies: TrustedProxies,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
    logged: HashMap<IpAddr, Logged>,
}

/// When the log named an address last, and how many of its connections were closed since.
struct Logged {
    at: Instant,
    closed_since: u64,
}

/// The place of one open connection, given back when it is dropped.
pub(super) struct Place {
    address: IpAddr,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl ConnectionsPerAddress {
    pub(super) fn new(max: usize, proxies: TrustedProxies) -> Self {
        Self { max, proxies, open: Arc::default(), logged: HashMap::new() }
    }

    /// A place for a connection of this peer, `Ok(None)` if it is not counted.
    ///
    /// # Errors
    /// The address has as many as it may. It holds how many of its connections were closed since the log named it, if
    /// the log is to name it now.
    pub(super) fn admit(&mut self, peer: IpAddr, now: Instant) -> Result<Option<Place>, Option<u64>> {
        if self.proxies.trust(peer.to_canonical()) {
            return Ok(None);
        }
        let address = rate_limited_address(peer);
        {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            let count = open.entry(address).or_default();
            if *count < self.max {
                *count += 1;
                return Ok(Some(Place { address, open: Arc::clone(&self.open) }));
            }
        }
        Err(self.closed_to_log(address, now))
    }

    fn closed_to_log(&mut self, address: IpAddr, now: Instant) -> Option<u64> {
        if let Some(logged) = self.logged.get_mut(&address) {
            logged.closed_since += 1;
            if now.duration_since(logged.at) < LOG_INTERVAL {
                return None;
            }
            let closed = logged.closed_since;
            *logged = Logged { at: now, closed_since: 0 };
            return Some(closed);
        }
        self.logged.retain(|_, logged| now.duration_since(logged.at) < LOG_INTERVAL);
        self.logged.insert(address, Logged { at: now, closed_since: 0 });
        Some(1)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_each() -> ConnectionsPerAddress {
        ConnectionsPerAddress::new(2, TrustedProxies::new(&["10.0.0.0/8".parse().unwrap()]))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_holds_as_many_as_it_may_and_gets_places_back() {
        let mut addresses = two_each();
        let now = Instant::now();
        let first = addresses.admit(ip("192.0.2.1"), now).unwrap();
        let _second = addresses.admit(ip("::ffff:192.0.2.1"), now).unwrap();
        assert!(addresses.admit(ip("192.0.2.1"), now).is_err());
        assert!(addresses.admit(ip("192.0.2.2"), now).is_ok());
        drop(first);
        let _third = addresses.admit(ip("192.0.2.1"), now).unwrap();
        assert!(addresses.admit(ip("192.0.2.1"), now).is_err());
    }

    #[test]
    fn of_ipv6_the_64_counts() {
        let mut addresses = two_each();
        let now = Instant::now();
        let _places =
            [ip("2001:db8:1:2::1"), ip("2001:db8:1:2:ffff::1")].map(|peer| addresses.admit(peer, now));
        assert!(addresses.admit(ip("2001:db8:1:2::3"), now).is_err());
        assert!(addresses.admit(ip("2001:db8:1:3::1"), now).is_ok());
    }

    #[test]
    fn trusted_proxies_are_not_counted() {
        let mut addresses = two_each();
        for peer in ["10.1.2.3", "::ffff:10.1.2.3"] {
            let places: Vec<_> = (0..5).map(|_| addresses.admit(ip(peer), Instant::now()).unwrap()).collect();
            assert!(places.iter().all(Option::is_none), "{peer}");
        }
    }

    #[test]
    fn an_address_without_connections_is_forgotten() {
        let mut addresses = two_each();
        drop(addresses.admit(ip("192.0.2.1"), Instant::now()));
        assert!(addresses.open.lock().unwrap().is_empty());
    }

    #[test]
    fn the_log_names_an_address_at_most_once_a_minute() {
        let mut addresses = two_each();
        let start = Instant::now();
        let mut closed = |peer: &str, seconds: u64| {
            addresses.closed_to_log(ip(peer), start + Duration::from_secs(seconds))
        };
        assert_eq!(closed("192.0.2.1", 0), Some(1));
        assert_eq!(closed("192.0.2.1", 1), None);
        assert_eq!(closed("192.0.2.2", 1), Some(1));
        assert_eq!(closed("192.0.2.1", 59), None);
        assert_eq!(closed("192.0.2.1", 60), Some(3));
        assert_eq!(closed("192.0.2.1", 61), None);
    }
}
