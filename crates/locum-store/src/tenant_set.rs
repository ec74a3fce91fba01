//! Tenants with all their clients and users, prepared together.

mod held_tenant;
mod parallel;

use std::collections::HashMap;
use std::sync::Arc;

use locum_engine::model::{Client, Tenant, User};
use locum_engine::ports::Issuers;
use locum_engine::prepared::{AddOnProblem, InvalidSigningKey, PreparedClient, PreparedTenant};

pub(crate) use crate::tenant_set::held_tenant::HeldTenant;

/// A tenant with its clients and users, as data.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TenantData {
    /// The tenant.
    pub tenant: Tenant,
    /// Its clients. Each has an id of its own.
    pub clients: Vec<Client>,
    /// Its users by id.
    pub users: HashMap<String, User>,
    /// Whether it answers on every host that is not the domain of a tenant.
    pub is_default: bool,
}

impl TenantData {
    /// A tenant with these clients and without stored users, which answers on its domain alone.
    pub fn new(tenant: Tenant, clients: Vec<Client>) -> Self {
        Self { tenant, clients, users: HashMap::new(), is_default: false }
    }
}

/// Prepared tenants by domain, and the one that answers on every other host.
#[derive(Debug, Default)]
pub struct TenantSet {
    by_domain: HashMap<String, Arc<HeldTenant>>,
    default: Option<Arc<PreparedTenant>>,
}

/// Why tenants do not make a set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TenantSetError {
    /// Two tenants have one domain.
    #[error("two tenants have the domain {0}; give each tenant a domain of its own")]
    DomainTwice(String),
    /// Two tenants want to answer on every host.
    #[error("{0} and {1} are both marked `default`; only one tenant can answer on every host")]
    TwoDefaults(String, String),
    /// There are none.
    #[error("there is no tenant; name at least one tenant file")]
    Empty,
    /// A signing key cannot be used.
    #[error("{domain}: {error}")]
    SigningKey {
        /// The tenant.
        domain: String,
        /// Which key, and what is wrong with it.
        error: InvalidSigningKey,
    },
    /// Two clients of a tenant list one resource.
    #[error("{domain}: the clients {first} and {second} both list the resource {resource}")]
    ResourceTwice {
        /// The tenant.
        domain: String,
        /// The URI.
        resource: String,
        /// A client that lists it.
        first: String,
        /// The other one.
        second: String,
    },
}

/// An add-on of a tenant that cannot work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantProblem {
    /// The tenant.
    pub domain: String,
    /// The client, the api_type, and why.
    pub problem: AddOnProblem,
}

impl TenantSet {
    /// Prepares tenants and their clients, on all cores. An add-on that cannot work is a [problem](Self::problems) and
    /// no error.
    ///
    /// # Errors
    /// If there is no tenant, if two have one domain or are both the default, if a signing key cannot be used, or if
    /// two clients of a tenant list one resource.
    pub fn prepare(tenants: Vec<TenantData>, issuers: &dyn Issuers) -> Result<Self, TenantSetError> {
        if tenants.is_empty() {
            return Err(TenantSetError::Empty);
        }
        let mut set = Self::default();
        let mut all_clients = Vec::new();
        let mut held_tenants: Vec<HeldTenant> = Vec::new();
        for (place, (tenant, is_default)) in parallel::map(tenants, prepare_tenant).into_iter().enumerate() {
            let (held, clients) = tenant?;
            if is_default && let Some(other) = set.default.replace(Arc::clone(held.tenant())) {
                let domain = held.tenant().domain().to_owned();
                return Err(TenantSetError::TwoDefaults(other.domain().to_owned(), domain));
            }
            let tenant = Arc::clone(held.tenant());
            all_clients.extend(clients.into_iter().map(|client| (place, Arc::clone(&tenant), client)));
            held_tenants.push(held);
        }
        let prepared = parallel::map(all_clients, |(place, tenant, client)| {
            (place, PreparedClient::prepare(&tenant, client, issuers))
        });
        for (place, client) in prepared {
            if let Some(held) = held_tenants.get_mut(place) {
                held.add(client)?;
            }
        }
        for held in held_tenants {
            let domain = held.tenant().domain().to_owned();
            if set.by_domain.insert(domain.clone(), Arc::new(held)).is_some() {
                return Err(TenantSetError::DomainTwice(domain));
            }
        }
        Ok(set)
    }

    /// All tenants, in no order.
    pub fn tenants(&self) -> impl Iterator<Item = &Arc<PreparedTenant>> {
        self.by_domain.values().map(|held| held.tenant())
    }

    /// The tenant that answers on a host.
    pub fn on_host(&self, host: &str) -> Option<&Arc<PreparedTenant>> {
        self.by_domain.get(host).map(|held| held.tenant()).or(self.default.as_ref())
    }

    /// The add-ons that cannot work, by domain, client and api_type.
    pub fn problems(&self) -> Vec<TenantProblem> {
        self.problems_where(|_, _| true)
    }

    /// The add-ons that cannot work in this set and do in another one.
    pub fn problems_new_since(&self, before: &Self) -> Vec<TenantProblem> {
        self.problems_where(|domain, problem| {
            let client = before.by_domain.get(domain).and_then(|held| held.client(&problem.client_id));
            client.is_some_and(|client| {
                let add_ons = std::iter::once(client.app()).chain(client.add_ons());
                add_ons.filter(|add_on| add_on.api_type() == problem.api_type).any(|add_on| add_on.is_ready())
            })
        })
    }

    fn problems_where(&self, wanted: impl Fn(&str, &AddOnProblem) -> bool) -> Vec<TenantProblem> {
        let mut problems: Vec<TenantProblem> = Vec::new();
        for (domain, held) in &self.by_domain {
            let found = held.clients().flat_map(|client| client.problems());
            let found = found.filter(|problem| wanted(domain, problem));
            problems.extend(found.map(|problem| TenantProblem { domain: domain.clone(), problem }));
        }
        problems.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        problems
    }

    pub(crate) fn with_domain(&self, domain: &str) -> Option<&HeldTenant> {
        self.by_domain.get(domain).map(|held| &**held)
    }
}

impl TenantProblem {
    fn sort_key(&self) -> (&str, &str, &str) {
        (&self.domain, &self.problem.client_id, &self.problem.api_type)
    }
}

/// A tenant without its clients yet, the clients, and whether it is the default.
fn prepare_tenant(data: TenantData) -> (Result<(HeldTenant, Vec<Client>), TenantSetError>, bool) {
    let TenantData { tenant, clients, users, is_default } = data;
    let domain = tenant.domain.clone();
    let held = PreparedTenant::prepare(tenant)
        .map(|tenant| (HeldTenant::new(tenant, users), clients))
        .map_err(|error| TenantSetError::SigningKey { domain, error });
    (held, is_default)
}
