//! The directory in memory: tenants that are prepared together and swapped as a whole.

use std::sync::Arc;

use arc_swap::ArcSwap;
use locum_engine::model::User;
use locum_engine::ports::{Directory, Lookup, PortReply, StoreUnavailable};
use locum_engine::prepared::{PreparedClient, PreparedTenant};

use crate::tenant_set::{HeldTenant, TenantSet};

/// The tenants that are served now.
///
/// A request that is being served during a swap keeps the tenant it has; the clients and users that it looks up
/// afterwards are those of the new set.
#[derive(Debug)]
pub struct MemoryDirectory(ArcSwap<TenantSet>);

impl MemoryDirectory {
    /// A directory of this set.
    pub fn new(set: TenantSet) -> Self {
        Self(ArcSwap::from_pointee(set))
    }

    /// Replaces the set, all at once.
    pub fn replace(&self, set: TenantSet) {
        self.0.store(Arc::new(set));
    }

    /// The set that is served now.
    pub fn current(&self) -> Arc<TenantSet> {
        self.0.load_full()
    }

    fn found<T>(
        &self,
        tenant: &PreparedTenant,
        find: impl FnOnce(&HeldTenant) -> Option<Arc<T>>,
    ) -> Lookup<'static, T> {
        PortReply::Now(Ok(self.0.load().with_domain(tenant.domain()).and_then(find)))
    }
}

impl Directory for MemoryDirectory {
    fn tenant<'a>(&'a self, host: &'a str) -> Lookup<'a, PreparedTenant> {
        PortReply::Now(Ok(self.0.load().on_host(host).cloned()))
    }

    fn client<'a>(&'a self, tenant: &'a PreparedTenant, client_id: &'a str) -> Lookup<'a, PreparedClient> {
        self.found(tenant, |held| held.client(client_id).cloned())
    }

    fn user<'a>(&'a self, tenant: &'a PreparedTenant, user_id: &'a str) -> Lookup<'a, User> {
        self.found(tenant, |held| held.user(user_id).cloned())
    }

    fn allows_origin<'a>(
        &'a self,
        tenant: &'a PreparedTenant,
        origin: &'a str,
    ) -> PortReply<'a, Result<bool, StoreUnavailable>> {
        let set = self.0.load();
        PortReply::Now(Ok(set.with_domain(tenant.domain()).is_some_and(|held| held.allows_origin(origin))))
    }

    fn client_by_resource<'a>(
        &'a self,
        tenant: &'a PreparedTenant,
        resource: &'a str,
    ) -> Lookup<'a, PreparedClient> {
        self.found(tenant, |held| held.client_by_resource(resource).cloned())
    }
}
