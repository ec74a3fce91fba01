//! Which clients of a tenant can reach which, by their own id_tokens and through chains.
//!
//! A chain leads through an app token: where the tenant's chains are open, a token that was issued for a client can be
//! presented as that client's id_token, and reaches what that client may.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::model::{Chains, Client, ClientKey, Tenant};

/// Who can reach one target.
#[derive(Debug, PartialEq, Eq)]
pub struct ReachedBy<'a> {
    /// Its id.
    pub target: &'a str,
    /// Those whose own id_tokens are enough.
    pub directly: Directly<'a>,
    /// The other callers, each with the clients that its chain leads through, in order.
    pub through: BTreeMap<&'a str, Vec<&'a str>>,
}

/// The callers whose own id_tokens are enough.
#[derive(Debug, PartialEq, Eq)]
pub enum Directly<'a> {
    /// Every client that may delegate.
    Every,
    /// These.
    Only(BTreeSet<&'a str>),
}

/// A client that can reach a target.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReachingClient<'a> {
    /// Its id.
    pub client_id: &'a str,
    /// The clients that its chain leads through, in order; nothing if its own id_tokens are enough.
    pub through: Vec<&'a str>,
    /// What the last client of the chain can ask.
    pub api_types: Vec<&'a str>,
}

/// The clients of one tenant, as delegation sees them.
pub struct Reach<'a> {
    chains: Chains,
    clients: &'a [Client],
    callers: Vec<&'a Client>,
}

impl<'a> Reach<'a> {
    /// Of these clients, which are all that the tenant has.
    pub fn of(tenant: &Tenant, clients: &'a [Client]) -> Self {
        let callers = clients.iter().filter(|client| may_call(client)).collect();
        Self { chains: tenant.delegation.chains, clients, callers }
    }

    /// Who can reach each client, in the order of the clients.
    pub fn targets(&self) -> impl Iterator<Item = ReachedBy<'a>> {
        self.clients.iter().map(|target| self.who_can(target))
    }

    /// Who can reach this target. Of several chains a shortest is shown.
    pub fn who_can(&self, target: &'a Client) -> ReachedBy<'a> {
        let direct: Vec<&Client> =
            self.callers.iter().copied().filter(|caller| can_ask(caller, target)).collect();
        let mut through = BTreeMap::new();
        let directly = if direct.len() == self.callers.len() && !direct.is_empty() {
            Directly::Every
        } else {
            if self.chains == Chains::Open {
                through = self.chains_to(&direct);
            }
            Directly::Only(direct.iter().map(|client| client.id.as_str()).collect())
        };
        ReachedBy { target: &target.id, directly, through }
    }

    /// Each client that can reach this target, in the order of the clients.
    pub fn reaching_clients(&self, target: &'a Client) -> Vec<ReachingClient<'a>> {
        let ReachedBy { directly, mut through, .. } = self.who_can(target);
        let mut reaching = Vec::new();
        for client in &self.callers {
            let id = client.id.as_str();
            let is_direct = match &directly {
                Directly::Every => true,
                Directly::Only(ids) => ids.contains(id),
            };
            let chain = if is_direct { Some(Vec::new()) } else { through.remove(id) };
            let Some(chain) = chain else { continue };
            let last = chain.last().and_then(|last| self.callers.iter().find(|client| client.id == *last));
            let api_types = api_types(last.unwrap_or(client), target);
            reaching.push(ReachingClient { client_id: id, through: chain, api_types });
        }
        reaching
    }

    /// The chains that end at one of these clients: for each other caller, the clients that it acts as.
    fn chains_to(&self, ends: &[&'a Client]) -> BTreeMap<&'a str, Vec<&'a str>> {
        let mut chains: BTreeMap<&str, Vec<&str>> = ends.iter().map(|end| (&*end.id, Vec::new())).collect();
        let mut links: VecDeque<&Client> = ends.iter().copied().filter(|end| takes_app_tokens(end)).collect();
        while let Some(link) = links.pop_front() {
            let mut chain = vec![link.id.as_str()];
            chain.extend(chains.get(&*link.id).into_iter().flatten());
            for caller in self.callers.iter().filter(|caller| gives_app_token(caller, link)) {
                if let Entry::Vacant(entry) = chains.entry(&caller.id) {
                    entry.insert(chain.clone());
                    if takes_app_tokens(caller) {
                        links.push_back(caller);
                    }
                }
            }
        }
        chains.retain(|_, chain| !chain.is_empty());
        chains
    }
}

/// What a caller can ask of a target, in the order of its add-ons; nothing if the target does not allow it.
fn api_types<'a>(caller: &Client, target: &'a Client) -> Vec<&'a str> {
    if !target.allows(&caller.id) {
        return Vec::new();
    }
    let app = gives_app_token(caller, target).then_some("app");
    app.into_iter().chain(target.add_ons.iter().map(|add_on| add_on.api_type.as_str())).collect()
}

fn can_ask(caller: &Client, target: &Client) -> bool {
    target.allows(&caller.id) && (!target.add_ons.is_empty() || gives_app_token(caller, target))
}

/// Whether the client can present id_tokens of its own.
fn may_call(client: &Client) -> bool {
    client.is_first_party && client.grants.id_token && client.key != ClientKey::None
}

fn gives_app_token(caller: &Client, target: &Client) -> bool {
    target.allows(&caller.id) && !caller.oidc_conformant && !target.oidc_conformant
}

/// Whether an app token for the client is signed as its id_tokens are.
fn takes_app_tokens(client: &Client) -> bool {
    let algorithm = client.app.settings.get("alg").and_then(|alg| alg.as_str()).unwrap_or("HS256");
    match client.key {
        ClientKey::Secret(_) => algorithm == "HS256",
        ClientKey::TenantKeys => algorithm == "RS256",
        ClientKey::None => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{AddOn, ClientSecret};
    use serde_json::{Map, json};

    use super::*;

    /// `shop` may reach `api`, `api` may reach `vault`; `loner` only itself; `open` is open to all.
    fn tenant(chains: Chains) -> (Tenant, Vec<Client>) {
        let client = |id: &str, allowed: &[&str]| {
            let mut client = Client::new(id);
            client.key =
                ClientKey::Secret(ClientSecret::new(&"s".repeat(32).as_str().into(), false).unwrap());
            client.allowed_clients = allowed.iter().map(|id| (*id).to_owned()).collect();
            client
        };
        let mut tenant = Tenant::new("acme.example.com");
        tenant.delegation.chains = chains;
        let clients = vec![
            client("shop", &["shop"]),
            client("api", &["shop"]),
            client("vault", &["api"]),
            client("loner", &["loner"]),
            client("open", &[]),
        ];
        (tenant, clients)
    }

    fn who_can(
        (tenant, clients): &(Tenant, Vec<Client>),
        target: &str,
    ) -> (Vec<String>, Vec<(String, String)>) {
        let target = clients.iter().find(|client| client.id == target).unwrap();
        let reached = Reach::of(tenant, clients).who_can(target);
        let through = reached.through.iter().map(|(id, chain)| ((*id).to_owned(), chain.join(" ")));
        let directly = match reached.directly {
            Directly::Every => vec!["every".to_owned()],
            Directly::Only(ids) => ids.into_iter().map(str::to_owned).collect(),
        };
        (directly, through.collect())
    }

    fn pair(id: &str, chain: &str) -> (String, String) {
        (id.to_owned(), chain.to_owned())
    }

    #[test]
    fn without_chains_a_target_is_reached_by_those_it_allows() {
        for chains in [Chains::Authenticated, Chains::Refused] {
            let tenant = tenant(chains);
            assert_eq!(who_can(&tenant, "vault"), (vec!["api".to_owned(), "vault".to_owned()], vec![]));
            assert_eq!(who_can(&tenant, "open").0, ["every"]);
        }
    }

    #[test]
    fn open_chains_lead_through_every_client_on_the_way() {
        let mut tenant = tenant(Chains::Open);
        assert_eq!(who_can(&tenant, "vault").1, [pair("shop", "api")]);
        tenant.1.push({
            let mut far = tenant.1[0].clone();
            far.id = "far".to_owned();
            far.allowed_clients = vec!["vault".to_owned()];
            far
        });
        assert_eq!(who_can(&tenant, "far").1, [pair("api", "vault"), pair("shop", "api vault")]);
        assert_eq!(who_can(&tenant, "loner"), (vec!["loner".to_owned()], vec![]));
    }

    #[test]
    fn each_client_that_reaches_a_target_is_told_with_what_its_chain_can_ask() {
        let (tenant, clients) = tenant(Chains::Open);
        let reach = Reach::of(&tenant, &clients);
        let asked = |target: usize| -> Vec<(&str, String, String)> {
            let reaching = reach.reaching_clients(&clients[target]);
            reaching.iter().map(|by| (by.client_id, by.through.join(" "), by.api_types.join(" "))).collect()
        };
        let row = |id, through: &str| (id, through.to_owned(), "app".to_owned());
        assert_eq!(asked(2), [row("shop", "api"), row("api", ""), row("vault", "")]);
        assert_eq!(asked(3), [row("loner", "")]);
    }

    #[test]
    fn a_chain_needs_an_app_token_that_its_next_client_takes() {
        let changed = |change: fn(&mut Client)| {
            let mut tenant = tenant(Chains::Open);
            change(&mut tenant.1[1]);
            who_can(&tenant, "vault").1
        };
        let chain = vec![pair("shop", "api")];
        assert_eq!(changed(|_| {}), chain);
        assert_eq!(changed(|api| api.oidc_conformant = true), []);
        assert_eq!(changed(|api| api.is_first_party = false), []);
        assert_eq!(changed(|api| api.grants.id_token = false), []);
        assert_eq!(changed(|api| api.key = ClientKey::None), []);
        assert_eq!(changed(|api| api.key = ClientKey::TenantKeys), []);
        assert_eq!(
            changed(|api| {
                api.key = ClientKey::TenantKeys;
                api.app.settings.insert("alg".to_owned(), json!("RS256"));
            }),
            chain
        );
        assert_eq!(changed(|api| drop(api.app.settings.insert("alg".to_owned(), json!("RS256")))), []);
    }

    #[test]
    fn an_oidc_conformant_pair_shares_add_ons_only() {
        let mut tenant = tenant(Chains::Open);
        tenant.1[2].oidc_conformant = true;
        assert_eq!(who_can(&tenant, "vault"), (vec![], vec![]));
        tenant.1[2].add_ons = vec![AddOn::new("aws", Map::new())];
        assert_eq!(who_can(&tenant, "vault").0, ["api", "vault"]);
        let [_, api, vault, ..] = &tenant.1[..] else { unreachable!("there are five") };
        assert_eq!(api_types(api, vault), ["aws"]);
    }
}
