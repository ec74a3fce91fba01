//! Tenants with all their clients and users, prepared together.

mod consistency;
mod held_tenant;

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::HashMap as FoldMap;
use locum_engine::model::{Client, Tenant, User};
use locum_engine::ports::Issuers;
use locum_engine::prepared::{AddOnProblem, InvalidTenant, PreparedClient, PreparedTenant};

use crate::parallel;
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
    by_domain: FoldMap<String, HeldTenant>,
    default: Option<Arc<PreparedTenant>>,
}

/// Why tenants cannot be served together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TenantSetError {
    /// Two tenants have one domain.
    #[error("two tenants have the domain {0}; give each tenant a domain of its own")]
    DomainTwice(String),
    /// Two tenants are the default.
    #[error("{0} and {1} are both marked `default`; only one tenant can answer on every host")]
    TwoDefaults(String, String),
    /// There is no tenant.
    #[error("there is no tenant; name at least one tenant file")]
    Empty,
    /// A signing key, or an issuer that is to be trusted, cannot be used.
    #[error("{domain}: {error}")]
    Tenant {
        /// The tenant.
        domain: String,
        /// Which one, and what is wrong with it.
        error: InvalidTenant,
    },
    /// Two clients of a tenant have one id.
    #[error("{domain}: two clients have the id {client_id}; give each client an id of its own")]
    ClientTwice {
        /// The tenant.
        domain: String,
        /// The id.
        client_id: String,
    },
    /// Two clients of a tenant list one resource.
    #[error(
        "{domain}: the clients {first} and {second} both list the resource {resource}; leave it to one of them"
    )]
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
    /// A client has the audience of the tenant's Management API as its id or among its resources.
    #[error(
        "{domain}: the client {client_id} is called by the audience of the Management API; choose another name"
    )]
    ManagementAudience {
        /// The tenant.
        domain: String,
        /// The client.
        client_id: String,
    },
    /// A management key is used twice.
    #[error("{domain}: a management key is also used {other}; write another key")]
    ManagementKeyShared {
        /// The tenant.
        domain: String,
        /// What else it is, without its value.
        other: String,
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
    /// If there is no tenant, if two have one domain or are both the default, if two clients of a tenant have one id or
    /// list one resource or the audience of the Management API, if a management key is used for something else, or if a
    /// signing key or another issuer cannot be used. The first one in the order of the tenants;
    /// keys are tried last.
    pub fn prepare(tenants: Vec<TenantData>, issuers: &dyn Issuers) -> Result<Self, TenantSetError> {
        if let Some(conflict) = Self::conflicts(&tenants).into_iter().next() {
            return Err(conflict);
        }
        let mut set = Self::default();
        let mut all_clients = Vec::new();
        for prepared in parallel::map(tenants, prepare_tenant) {
            let (held, clients, is_default) = prepared?;
            let tenant = Arc::clone(held.tenant());
            if is_default {
                set.default = Some(Arc::clone(&tenant));
            }
            all_clients.extend(clients.into_iter().map(|client| (Arc::clone(&tenant), client)));
            set.by_domain.insert(tenant.domain().to_owned(), held);
        }
        let prepare_client = |(tenant, client): (Arc<PreparedTenant>, Client)| {
            let client = PreparedClient::prepare(&tenant, client, issuers);
            (tenant, client)
        };
        for (tenant, client) in parallel::map(all_clients, prepare_client) {
            if let Some(held) = set.by_domain.get_mut(tenant.domain()) {
                held.add(client);
            }
        }
        Ok(set)
    }

    /// Why these tenants cannot be served together: all reasons but unusable keys, in the order of the tenants.
    pub fn conflicts(tenants: &[TenantData]) -> Vec<TenantSetError> {
        consistency::conflicts(tenants)
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

    /// The add-ons that cannot work in this set and could in an earlier one. Neither an add-on that did not work before
    /// nor one that was not there before is among them.
    pub fn problems_new_since(&self, before: &Self) -> Vec<TenantProblem> {
        self.problems_where(|domain, problem| {
            let client = before.by_domain.get(domain).and_then(|held| held.client(&problem.client_id));
            client.is_some_and(|client| {
                let add_ons = std::iter::once(client.app()).chain(client.add_ons());
                add_ons.filter(|add_on| add_on.api_type() == problem.api_type).any(|add_on| add_on.is_ready())
            })
        })
    }

    /// An add-on of this api_type that works: its tenant's domain and its client's id. The first one by these names.
    pub fn user_of(&self, api_type: &str) -> Option<(&str, &str)> {
        let clients = self
            .by_domain
            .iter()
            .flat_map(|(domain, held)| held.clients().map(move |client| (domain.as_str(), client)));
        let users = clients.filter(|(_, client)| {
            let mut add_ons = std::iter::once(client.app()).chain(client.add_ons());
            add_ons.any(|add_on| add_on.api_type() == api_type && add_on.is_ready())
        });
        users.map(|(domain, client)| (domain, client.id())).min()
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
        self.by_domain.get(domain)
    }
}

impl TenantProblem {
    fn sort_key(&self) -> (&str, &str, &str) {
        (&self.domain, &self.problem.client_id, &self.problem.api_type)
    }
}

/// The tenant without clients, the clients, and whether it is the default.
fn prepare_tenant(data: TenantData) -> Result<(HeldTenant, Vec<Client>, bool), TenantSetError> {
    let TenantData { tenant, clients, users, is_default } = data;
    let domain = tenant.domain.clone();
    match PreparedTenant::prepare(tenant) {
        Ok(tenant) => Ok((HeldTenant::new(tenant, users), clients, is_default)),
        Err(error) => Err(TenantSetError::Tenant { domain, error }),
    }
}
