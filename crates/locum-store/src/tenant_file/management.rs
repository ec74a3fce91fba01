//! `management` and `clientGrants`: the keys of management tokens, and the clients that get some.

use std::collections::{BTreeMap, HashMap, HashSet};

use locum_abi::secret::Secret;
use locum_engine::CLIENT_CREDENTIALS;
use locum_engine::model::{Client, ClientSecret, ManagementKey, Tenant};

use crate::tenant_file::field_error::FieldErrors;
use crate::tenant_file::model::{ClientEntry, ClientGrantEntry, ManagementEntry, TenantEntry};

/// What a tenant file says of its clients and the Management API, without what has errors.
pub(super) struct Management {
    pub(super) grants: Grants,
    audience: String,
}

/// The scopes of clients, by their ids.
pub(super) type Grants = BTreeMap<String, Vec<String>>;

impl Management {
    /// Reads it.
    pub(super) fn read(entry: &TenantEntry, errors: &mut FieldErrors) -> Self {
        let audience = Tenant::new(entry.domain.to_ascii_lowercase()).management_audience();
        check_shared(entry, errors);
        let clients = ClientNames::of(entry);
        let grants = grants(entry, &audience, &|named| Some(clients.find(named)?.client_id.as_str()), errors);
        for (index, client) in entry.clients.iter().enumerate() {
            check_names(client, &audience, &format!("/clients/{index}"), errors);
        }
        Self { grants, audience }
    }

    pub(super) fn add_to(self, tenant: &mut Tenant, clients: &mut Vec<Client>) {
        tenant.management_grants = self.grants;
        clients.retain(|client| client.id != self.audience);
        for client in clients {
            client.resources.retain(|resource| *resource != self.audience);
        }
    }
}

/// The keys of the tenant alone.
pub(super) fn keys(entry: Option<&ManagementEntry>, errors: &mut FieldErrors) -> Vec<ManagementKey> {
    let Some(management) = entry else { return Vec::new() };
    let stated = management.keys.as_deref().unwrap_or_default();
    if stated.is_empty() {
        errors.add("/management/keys", "write at least one key, or leave `management` out");
    }
    let mut keys: Vec<ManagementKey> = Vec::new();
    for (index, secret) in stated.iter().enumerate() {
        let at = format!("/management/keys/{index}");
        match ManagementKey::new(secret.clone()) {
            Err(invalid) => errors.add(at, invalid.to_string()),
            Ok(key) if keys.contains(&key) => errors.add(at, "this key is in the list twice; remove one"),
            Ok(key) => keys.push(key),
        }
    }
    keys
}

fn check_shared(entry: &TenantEntry, errors: &mut FieldErrors) {
    let Some(keys) = entry.management.as_ref().and_then(|management| management.keys.as_deref()) else {
        return;
    };
    for index in shared_with_clients(keys, &entry.clients) {
        errors.add(
            format!("/management/keys/{index}"),
            "it is the secret of a client, who could make management tokens with it; write another key",
        );
    }
}

/// The places of the keys that are the text of a client's secret, or the bytes that it encodes.
fn shared_with_clients(keys: &[Secret], clients: &[ClientEntry]) -> HashSet<usize> {
    let mut shared = HashSet::new();
    for secret in
        clients.iter().filter(|_| !keys.is_empty()).filter_map(|client| client.client_secret.as_ref())
    {
        for secret in [false, true].into_iter().filter_map(|encoded| ClientSecret::new(secret, encoded).ok())
        {
            let is_shared = |key: &Secret| key.expose().as_bytes() == secret.expose();
            shared.extend(keys.iter().enumerate().filter(|(_, key)| is_shared(key)).map(|(index, _)| index));
        }
    }
    shared
}

/// The grants of a tenant alone, which name clients by their ids.
pub(super) fn grants_by_id(entry: &TenantEntry, errors: &mut FieldErrors) -> Grants {
    let audience = Tenant::new(entry.domain.to_ascii_lowercase()).management_audience();
    grants(entry, &audience, &|id| Some(id).filter(|id| !id.is_empty()), errors)
}

/// The scopes of a client, if it may use them by its `grant_types`.
pub(super) fn scopes_of(client: &ClientEntry, grants: &Grants) -> Vec<String> {
    let scopes = grants.get(&client.client_id).filter(|_| may_use(client));
    scopes.cloned().unwrap_or_default()
}

/// The scopes of each client that has a grant.
fn grants<'e>(
    entry: &'e TenantEntry,
    audience: &'e str,
    id_of: &dyn Fn(&'e str) -> Option<&'e str>,
    errors: &mut FieldErrors,
) -> Grants {
    let mut by_id = Grants::new();
    for (index, grant) in grants_for(entry, audience) {
        let Some(client_id) = grant.client_id.as_deref().and_then(id_of) else {
            let message = "it names no client of this tenant, neither by an id nor by a name that only one has; correct or remove it";
            errors.add(format!("/clientGrants/{index}/client_id"), message);
            continue;
        };
        let mut scopes = grant.scope.clone().unwrap_or_default();
        for (word_index, word) in scopes.iter().enumerate() {
            if !is_scope_token(word) {
                let at = format!("/clientGrants/{index}/scope/{word_index}");
                errors.add(at, "write one scope without spaces, such as read:users");
            }
        }
        scopes.retain(|word| is_scope_token(word));
        if by_id.contains_key(client_id) {
            let message = "this client has two grants for the Management API; write all scopes into one";
            errors.add(format!("/clientGrants/{index}"), message);
        } else {
            by_id.insert(client_id.to_owned(), scopes);
        }
    }
    by_id
}

/// The grants for clients at this audience, with their places in the file. Auth0 has grants for clients that act for users too,
/// and for other audiences.
fn grants_for<'e>(
    entry: &'e TenantEntry,
    audience: &'e str,
) -> impl Iterator<Item = (usize, &'e ClientGrantEntry)> {
    let is_for_clients =
        |grant: &ClientGrantEntry| grant.subject_type.as_deref().is_none_or(|subject| subject == "client");
    let grants = entry.client_grants.iter().enumerate();
    grants.filter(move |(_, grant)| grant.audience.as_deref() == Some(audience) && is_for_clients(grant))
}

/// Clients by their ids and names.
struct ClientNames<'e> {
    by_id: HashMap<&'e str, &'e ClientEntry>,
    /// `None` for a name that several have.
    by_name: HashMap<&'e str, Option<&'e ClientEntry>>,
}

impl<'e> ClientNames<'e> {
    fn of(entry: &'e TenantEntry) -> Self {
        // Most tenants have no grants, and some have a hundred thousand clients.
        let clients = if entry.client_grants.is_empty() { &[] } else { entry.clients.as_slice() };
        let named = |client: &'e ClientEntry| !client.client_id.is_empty();
        let mut names = Self { by_id: HashMap::new(), by_name: HashMap::new() };
        for client in clients.iter().filter(|client| named(client)) {
            names.by_id.insert(&client.client_id, client);
            if let Some(name) = &client.name {
                names.by_name.entry(name).and_modify(|only| *only = None).or_insert(Some(client));
            }
        }
        names
    }

    /// The client with this id; otherwise the only one with this name, by which the deploy CLI names clients.
    fn find(&self, named: &str) -> Option<&'e ClientEntry> {
        self.by_id.get(named).copied().or_else(|| self.by_name.get(named).copied().flatten())
    }
}

/// Whether `grant_types` name the grant. A client that is older than this field has what its grant says.
fn may_use(client: &ClientEntry) -> bool {
    client.grant_types.as_ref().is_none_or(|types| types.iter().any(|own| own == CLIENT_CREDENTIALS))
}

/// RFC 6749 section 3.3.
fn is_scope_token(word: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    !word.is_empty() && word.bytes().all(is_allowed)
}

/// Otherwise a token for that client or resource would be one for the Management API, but for its key.
pub(super) fn check_names(client: &ClientEntry, audience: &str, at: &str, errors: &mut FieldErrors) {
    let taken = "this is the audience of the tenant's Management API; choose another name";
    if client.client_id == audience {
        errors.add(format!("{at}/client_id"), taken);
    }
    for (index, resource) in client.resources.iter().enumerate() {
        if resource == audience {
            errors.add(format!("{at}/resources/{index}"), taken);
        }
    }
}

/// Names the grants by which no client gets a token, where the tenant has keys.
pub(super) fn advise(entry: &TenantEntry, warnings: &mut FieldErrors) {
    if entry.management.is_none() {
        return;
    }
    let audience = Tenant::new(entry.domain.to_ascii_lowercase()).management_audience();
    let clients = ClientNames::of(entry);
    for (index, grant) in grants_for(entry, &audience) {
        let named = grant.client_id.as_deref();
        let Some(client) = named.and_then(|named| clients.find(named)) else { continue };
        let id = &client.client_id;
        let is_public = client.token_endpoint_auth_method.as_deref() == Some("none")
            || (client.client_secret.is_none() && client.jwks.is_none());
        let why = if is_public {
            "it does not authenticate; give it a client_secret or jwks"
        } else if !may_use(client) {
            "its grant_types lack client_credentials; add it"
        } else if grant.scope.as_ref().is_none_or(Vec::is_empty) {
            "the grant has no scope; add one"
        } else {
            continue;
        };
        warnings.add(
            format!("/clientGrants/{index}"),
            format!("client {id} gets no management tokens: {why}, or remove the grant"),
        );
    }
}
