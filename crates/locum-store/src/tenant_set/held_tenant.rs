//! One tenant with everything that is looked up in it.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use foldhash::{HashMap as FoldMap, HashSet as FoldSet};
use locum_engine::model::User;
use locum_engine::prepared::{PreparedClient, PreparedTenant};

/// A tenant in memory.
#[derive(Debug)]
pub(crate) struct HeldTenant {
    tenant: Arc<PreparedTenant>,
    clients: FoldSet<ById>,
    users: FoldMap<String, Arc<User>>,
    /// The origins of all clients. A walk over the clients for each preflight would let anybody keep a core busy.
    origins: FoldSet<String>,
    by_resource: FoldMap<String, Arc<PreparedClient>>,
}

/// A client that is looked up by its id.
#[derive(Debug)]
struct ById(Arc<PreparedClient>);

impl HeldTenant {
    pub(super) fn new(tenant: PreparedTenant, users: HashMap<String, User>) -> Self {
        Self {
            tenant: Arc::new(tenant),
            clients: FoldSet::default(),
            users: users.into_iter().map(|(id, user)| (id, Arc::new(user))).collect(),
            origins: FoldSet::default(),
            by_resource: FoldMap::default(),
        }
    }

    /// Adds a client whose id and resources no other client of the tenant has.
    pub(super) fn add(&mut self, client: PreparedClient) {
        let client = Arc::new(client);
        let data = client.client();
        self.origins.extend(data.allowed_origins.iter().cloned());
        for resource in &data.resources {
            self.by_resource.insert(resource.clone(), Arc::clone(&client));
        }
        self.clients.insert(ById(client));
    }

    pub(crate) fn tenant(&self) -> &Arc<PreparedTenant> {
        &self.tenant
    }

    pub(crate) fn clients(&self) -> impl Iterator<Item = &Arc<PreparedClient>> {
        self.clients.iter().map(|ById(client)| client)
    }

    pub(crate) fn client(&self, client_id: &str) -> Option<&Arc<PreparedClient>> {
        self.clients.get(client_id).map(|ById(client)| client)
    }

    pub(crate) fn user(&self, user_id: &str) -> Option<&Arc<User>> {
        self.users.get(user_id)
    }

    pub(crate) fn allows_origin(&self, origin: &str) -> bool {
        self.origins.contains(origin)
    }

    pub(crate) fn client_by_resource(&self, resource: &str) -> Option<&Arc<PreparedClient>> {
        self.by_resource.get(resource)
    }
}

impl Borrow<str> for ById {
    fn borrow(&self) -> &str {
        self.0.id()
    }
}

impl Hash for ById {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.id().hash(state);
    }
}

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.id() == other.0.id()
    }
}

impl Eq for ById {}
