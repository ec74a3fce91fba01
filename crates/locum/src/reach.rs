//! Which clients of a tenant can reach which, in lines.

use std::collections::BTreeMap;

use locum_engine::reach::{Directly, Reach, ReachedBy};
use locum_store::TenantData;

/// Most ids that one line names, and most lines for one tenant.
const IDS_MAX: usize = 20;
const LINES_MAX: usize = 100;

/// Who can reach whom, in lines: the targets that every client can reach in one, each other target in its own.
pub(crate) fn summary(tenant: &TenantData) -> Vec<String> {
    let domain = &tenant.tenant.domain;
    let mut open = Vec::new();
    let mut lines = Vec::new();
    for ReachedBy { target, directly, through } in Reach::of(&tenant.tenant, &tenant.clients).targets() {
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

#[cfg(test)]
mod tests {
    use locum_engine::model::{Chains, Client, ClientKey, ClientSecret, Tenant};

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
}
