//! Where a request is sent, beyond the address of a service: a tenant, and two of its clients.

use crate::exchange::Exchange;

/// The domain of the tenant of the exchanges.
pub(crate) const DOMAIN: &str = "bench.example.com";

pub(crate) struct Site {
    /// The tenant's domain.
    pub(crate) domain: String,
    /// The calling client.
    pub(crate) client: String,
    /// The client whose app or add-on is requested.
    pub(crate) target: String,
}

impl Site {
    /// In the tenant of the exchanges.
    pub(crate) fn of(exchange: Exchange) -> Self {
        let (client, target) = (exchange.client().to_owned(), exchange.target().to_owned());
        Self { domain: DOMAIN.to_owned(), client, target }
    }

    /// What the tenant's id_tokens name as their issuer.
    pub(crate) fn issuer(&self) -> String {
        format!("https://{}/", self.domain)
    }
}
