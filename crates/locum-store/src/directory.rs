//! The directory of tenants that were read from files, swapped as a whole.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use locum_engine::ports::{Directory, PortFuture, StoreUnavailable};
use locum_engine::tenant::Tenant;

use crate::tenant_file::TenantFile;

/// Tenants by domain, and the one that answers on every other host.
#[derive(Debug, Default)]
pub struct TenantSet {
    by_domain: HashMap<String, Arc<Tenant>>,
    default: Option<Arc<Tenant>>,
    warnings: Vec<String>,
}

/// Why tenants do not make a set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TenantSetError {
    /// Two tenants have one domain.
    #[error("the domain {0} stands in two tenant files; a domain is one tenant's")]
    DomainTwice(String),
    /// Two tenants want to answer on every host.
    #[error("{0} and {1} are both marked `default`; only one tenant can answer on every host")]
    TwoDefaults(String, String),
    /// There are none.
    #[error("there is no tenant; name at least one tenant file")]
    Empty,
}

impl TenantSet {
    /// The set of these tenants.
    ///
    /// # Errors
    /// If there are none, or two claim one domain or the place of the default.
    pub fn new(files: Vec<TenantFile>) -> Result<Self, TenantSetError> {
        let mut set = Self::default();
        for TenantFile { tenant, is_default, warnings } in files {
            set.warnings.extend(warnings.iter().map(|warning| format!("{}: {warning}", tenant.domain)));
            let tenant = Arc::new(tenant);
            if is_default && let Some(other) = set.default.replace(tenant.clone()) {
                return Err(TenantSetError::TwoDefaults(other.domain.clone(), tenant.domain.clone()));
            }
            if let Some(other) = set.by_domain.insert(tenant.domain.clone(), tenant) {
                return Err(TenantSetError::DomainTwice(other.domain.clone()));
            }
        }
        if set.by_domain.is_empty() { Err(TenantSetError::Empty) } else { Ok(set) }
    }

    /// All tenants, in no order.
    pub fn tenants(&self) -> impl Iterator<Item = &Arc<Tenant>> {
        self.by_domain.values()
    }

    /// What works in its files and should not stay as it is, a sentence each.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The tenant that answers on a host.
    pub fn on_host(&self, host: &str) -> Option<&Arc<Tenant>> {
        self.by_domain.get(host).or(self.default.as_ref())
    }
}

/// The tenants that answer now. Requests under way keep the tenant they began with.
#[derive(Debug)]
pub struct FileDirectory(ArcSwap<TenantSet>);

impl FileDirectory {
    /// A directory of this set.
    pub fn new(set: TenantSet) -> Self {
        Self(ArcSwap::from_pointee(set))
    }

    /// Puts another set in the place of the one that answers, all at once.
    pub fn replace(&self, set: TenantSet) {
        self.0.store(Arc::new(set));
    }

    /// The set that answers now.
    pub fn current(&self) -> Arc<TenantSet> {
        self.0.load_full()
    }
}

impl Directory for FileDirectory {
    fn tenant<'a>(&'a self, host: &'a str) -> PortFuture<'a, Result<Option<Arc<Tenant>>, StoreUnavailable>> {
        let tenant = self.0.load().on_host(host).cloned();
        Box::pin(std::future::ready(Ok(tenant)))
    }
}
