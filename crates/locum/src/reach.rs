//! Which clients of a tenant can reach which, by their own id_tokens and through chains.
//!
//! A chain leads through an app token: where the tenant's chains are open, a token that was issued for a client can be
//! presented as that client's id_token, and reaches what that client may.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use locum_engine::model::{Chains, Client, ClientKey};
use locum_store::TenantData;

/// Who can reach one target.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ReachedBy<'a> {
    pub(crate) target: &'a str,
    pub(crate) directly: Directly<'a>,
    /// The other callers, each with the clients that its chain leads through, in order.
    pub(crate) through: BTreeMap<&'a str, Vec<&'a str>>,
}

/// The callers whose own id_tokens are enough.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Directly<'a> {
    /// Every client that may delegate.
    Every,
    Only(BTreeSet<&'a str>),
}

/// The clients of one tenant, as delegation sees them.
pub(crate) struct Reach<'a> {
    tenant: &'a TenantData,
    callers: Vec<&'a Client>,
}

impl<'a> Reach<'a> {
    pub(crate) fn of(tenant: &'a TenantData) -> Self {
        Self { tenant, callers: tenant.clients.iter().filter(|client| may_call(client)).collect() }
    }

    /// The clients that may delegate, in the order of the tenant file.
    pub(crate) fn callers(&self) -> &[&'a Client] {
        &self.callers
    }

    /// Who can reach each client, in the order of the tenant file.
    pub(crate) fn targets(&self) -> impl Iterator<Item = ReachedBy<'a>> {
        self.tenant.clients.iter().map(|target| self.who_can(target))
    }

    /// Who can reach this target. Of several chains a shortest is shown.
    pub(crate) fn who_can(&self, target: &'a Client) -> ReachedBy<'a> {
        let direct: Vec<&Client> =
            self.callers.iter().copied().filter(|caller| can_ask(caller, target)).collect();
        let mut through = BTreeMap::new();
        let directly = if direct.len() == self.callers.len() && !direct.is_empty() {
            Directly::Every
        } else {
            if self.tenant.tenant.delegation.chains == Chains::Open {
                through = self.chains_to(&direct);
            }
            Directly::Only(direct.iter().map(|client| client.id.as_str()).collect())
        };
        ReachedBy { target: &target.id, directly, through }
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

/// Most ids that one line names, and most lines for one tenant.
const IDS_MAX: usize = 20;
const LINES_MAX: usize = 100;

/// Who can reach whom, in lines: the targets that every client can reach in one, each other target in its own.
pub(crate) fn summary(tenant: &TenantData) -> Vec<String> {
    let domain = &tenant.tenant.domain;
    let mut open = Vec::new();
    let mut lines = Vec::new();
    for ReachedBy { target, directly, through } in Reach::of(tenant).targets() {
        match directly {
            Directly::Every => open.push(target),
            Directly::Only(ids) => {
                let mut line = format!("{domain}: {target} by {}", listed(ids.into_iter()));
                let mut by_chain: BTreeMap<Vec<&str>, Vec<&str>> = BTreeMap::new();
                for (caller, chain) in through {
                    by_chain.entry(chain).or_default().push(caller);
                }
                for (chain, callers) in by_chain {
                    line.push_str(&format!(
                        "; through {} by {}",
                        chain.join(", "),
                        listed(callers.into_iter())
                    ));
                }
                lines.push(line);
            }
        }
    }
    if lines.len() > LINES_MAX {
        let left_out = lines.split_off(LINES_MAX).len();
        lines.push(format!("{domain}: {left_out} more targets; ask `locum who-can TARGET`"));
    }
    if !open.is_empty() {
        lines.insert(0, format!("{domain}: {} by every client", listed(open.into_iter())));
    }
    lines
}

fn listed<'a>(ids: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = ids.len().saturating_sub(IDS_MAX);
    let named: Vec<&str> = ids.take(IDS_MAX).collect();
    match (named.is_empty(), more) {
        (true, _) => "no client".to_owned(),
        (false, 0) => named.join(", "),
        (false, more) => format!("{} and {more} more", named.join(", ")),
    }
}

/// What a caller can ask of a target, in the order of the tenant file; nothing if the target does not allow it.
pub(crate) fn api_types<'a>(caller: &Client, target: &'a Client) -> Vec<&'a str> {
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
    use locum_engine::model::{AddOn, ClientSecret, Tenant};
    use serde_json::{Map, json};

    use super::*;

    /// `shop` may reach `api`, `api` may reach `vault`; `loner` only itself; `open` is open to all.
    fn tenant(chains: Chains) -> TenantData {
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
        TenantData::new(tenant, clients)
    }

    fn who_can(tenant: &TenantData, target: &str) -> (Vec<String>, Vec<(String, String)>) {
        let target = tenant.clients.iter().find(|client| client.id == target).unwrap();
        let reached = Reach::of(tenant).who_can(target);
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
        tenant.clients.push({
            let mut far = tenant.clients[0].clone();
            far.id = "far".to_owned();
            far.allowed_clients = vec!["vault".to_owned()];
            far
        });
        assert_eq!(who_can(&tenant, "far").1, [pair("api", "vault"), pair("shop", "api vault")]);
        assert_eq!(who_can(&tenant, "loner"), (vec!["loner".to_owned()], vec![]));
    }

    #[test]
    fn a_summary_has_a_line_for_each_target_that_not_everybody_reaches() {
        assert_eq!(
            summary(&tenant(Chains::Open)),
            [
                "acme.example.com: open by every client",
                "acme.example.com: shop by shop",
                "acme.example.com: api by api, shop",
                "acme.example.com: vault by api, vault; through api by shop",
                "acme.example.com: loner by loner",
            ]
        );
    }

    #[test]
    fn nobody_reaches_anything_if_no_client_may_delegate() {
        let mut tenant = tenant(Chains::Open);
        tenant.clients.iter_mut().for_each(|client| client.is_first_party = false);
        assert!(summary(&tenant).iter().all(|line| line.ends_with(" by no client")));
    }

    #[test]
    fn a_long_list_of_ids_is_cut_and_counted() {
        let ids: Vec<String> = (0..22).map(|number| number.to_string()).collect();
        assert_eq!(listed(std::iter::empty()), "no client");
        assert!(listed(ids[..20].iter().map(String::as_str)).ends_with(", 19"));
        assert!(listed(ids.iter().map(String::as_str)).ends_with(", 19 and 2 more"));
    }

    #[test]
    fn a_chain_needs_an_app_token_that_its_next_client_takes() {
        let changed = |change: fn(&mut Client)| {
            let mut tenant = tenant(Chains::Open);
            change(&mut tenant.clients[1]);
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
        tenant.clients[2].oidc_conformant = true;
        assert_eq!(who_can(&tenant, "vault"), (vec![], vec![]));
        tenant.clients[2].add_ons = vec![AddOn::new("aws", Map::new())];
        assert_eq!(who_can(&tenant, "vault").0, ["api", "vault"]);
        let [_, api, vault, ..] = &tenant.clients[..] else { unreachable!("there are five") };
        assert_eq!(api_types(api, vault), ["aws"]);
    }
}
