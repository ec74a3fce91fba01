//! The tenants: all of them are in memory, for each request begins with one.

use std::collections::HashMap;
use std::sync::Arc;

use locum_engine::ports::{Found, StoreUnavailable};
use locum_engine::prepared::PreparedTenant;

/// A tenant's row.
#[derive(Clone)]
pub(crate) enum TenantRow {
    /// It is served.
    Served(Arc<PreparedTenant>),
    /// What is in it cannot be used. No other tenant answers in its place.
    Unusable(StoreUnavailable),
}

/// All tenants by domain, and the one that answers on every other host.
#[derive(Clone, Default)]
pub(crate) struct Tenants {
    by_domain: HashMap<String, TenantRow>,
    default: Option<String>,
}

impl Tenants {
    /// Adds a tenant, or replaces the one with this domain.
    pub(crate) fn put(&mut self, domain: &str, row: TenantRow, is_default: bool) {
        self.remove(domain);
        if is_default {
            self.default = Some(domain.to_owned());
        }
        self.by_domain.insert(domain.to_owned(), row);
    }

    pub(crate) fn remove(&mut self, domain: &str) {
        self.default.take_if(|default| default == domain);
        self.by_domain.remove(domain);
    }

    /// The tenant that answers on a host.
    pub(crate) fn on_host(&self, host: &str) -> Found<PreparedTenant> {
        let default = || self.by_domain.get(self.default.as_deref()?);
        match self.by_domain.get(host).or_else(default) {
            Some(TenantRow::Served(tenant)) => Ok(Some(Arc::clone(tenant))),
            Some(TenantRow::Unusable(why)) => Err(why.clone()),
            None => Ok(None),
        }
    }

    /// The tenant with a domain, if it is served.
    pub(crate) fn with_domain(&self, domain: &str) -> Option<&Arc<PreparedTenant>> {
        match self.by_domain.get(domain)? {
            TenantRow::Served(tenant) => Some(tenant),
            TenantRow::Unusable(_) => None,
        }
    }

    /// Those that are served.
    pub(crate) fn served(&self) -> impl Iterator<Item = &Arc<PreparedTenant>> {
        self.by_domain.values().filter_map(|row| match row {
            TenantRow::Served(tenant) => Some(tenant),
            TenantRow::Unusable(_) => None,
        })
    }

    /// Those whose rows cannot be used, and why.
    pub(crate) fn unusable(&self) -> impl Iterator<Item = (&str, &StoreUnavailable)> {
        self.by_domain.iter().filter_map(|(domain, row)| match row {
            TenantRow::Served(_) => None,
            TenantRow::Unusable(why) => Some((domain.as_str(), why)),
        })
    }
}
