//! `/locum/who-can`: which clients can have which credentials for which others.

use std::time::Instant;

use locum_database::directory::Page;
use locum_engine::model::{Client, Tenant};
use locum_engine::reach::{Reach, ReachingClient};
use locum_store::documents;
use serde_json::json;

use crate::answer::Answer;
use crate::body::Members;
use crate::call::Call;
use crate::clients::inexistent;
use crate::endpoint::{Changes, Endpoint, Method};
use crate::error::ApiError;
use crate::limits::{PAGE_ENTRIES_MAX, REACH_TIME_MAX};
use crate::paging::{INCLUDE_TOTALS, PAGE, PER_PAGE, Paging, Part};
use crate::parameter::{Parameter, ParameterValue};
use crate::schema::Schema;

const TARGET: Parameter = Parameter {
    name: "target",
    value: ParameterValue::Text,
    summary: "Only credentials for this client, by its id.",
};
const CLIENT_ID: Parameter = Parameter {
    name: "client_id",
    value: ParameterValue::Text,
    summary: "Only what this client can have, by its id.",
};
const API_TYPE: Parameter = Parameter {
    name: "api_type",
    value: ParameterValue::Text,
    summary: "Only credentials of this api_type.",
};

pub(crate) const ENDPOINTS: &[Endpoint] = &[Endpoint {
    operation: "who_can",
    method: Method::Get,
    path: "/locum/who-can",
    summary: "Lists which clients can have which credentials for which others, in the order of the targets' ids.",
    changes: Changes::Nothing,
    scope: "read:clients",
    query: &[PAGE, PER_PAGE, INCLUDE_TOTALS, TARGET, CLIENT_ID, API_TYPE],
    body: None,
    success: (200, Some(Schema::WhoCan)),
    handler: |call| Box::pin(list(call)),
}];

async fn list(call: Call) -> Result<Answer, ApiError> {
    let paging = Paging::read(&call.query)?;
    // One such call at a time has all clients of a tenant in memory.
    let _alone = call.service.whole_tenants.acquire().await.map_err(ApiError::fault)?;
    let (tenant, clients) = whole_tenant(&call).await?;
    let (start, count) = paging.offset();
    let of = |name: &str| call.query.text(name).filter(|text| !text.is_empty()).map(str::to_owned);
    let wanted = Wanted {
        target: of("target"),
        client_id: of("client_id"),
        api_type: of("api_type"),
        start: start as usize,
        count: count as usize,
        with_total: call.query.flag("include_totals").unwrap_or_default(),
    };
    let named = [&wanted.target, &wanted.client_id].into_iter().flatten();
    if named.into_iter().any(|id| !clients.iter().any(|client| client.id == *id)) {
        return Err(inexistent());
    }
    let part = tokio::task::spawn_blocking(move || wanted.part(&tenant, &clients));
    let part = part.await.map_err(ApiError::fault)??;
    Ok(Answer::of(paging.answer("who_can", part, &call.query)))
}

/// The tenant with all its clients, in the order of their ids. Clients whose documents cannot be used are left out, as by whoever
/// serves them.
async fn whole_tenant(call: &Call) -> Result<(Tenant, Vec<Client>), ApiError> {
    let (directory, domain) = (call.documents(), call.domain());
    let stored = directory.tenant(domain).await?.ok_or_else(ApiError::tenant_is_gone)?;
    let (tenant, _) = documents::tenant(domain, stored.document.expose())?;
    let (mut clients, mut after) = (Vec::new(), String::new());
    loop {
        let page = Page::After { id: after, count: PAGE_ENTRIES_MAX };
        let listed = directory.clients(domain, &page).await?.entries;
        let Some((last, _)) = listed.last() else { return Ok((tenant, clients)) };
        after = last.clone();
        let read = |(id, document): &(String, documents::Document)| {
            documents::client(id, document.expose(), &tenant).ok().map(without_settings)
        };
        clients.extend(listed.iter().filter_map(read));
    }
}

/// The client without what is not needed, and may be large or secret.
fn without_settings(mut client: Client) -> Client {
    client.app.settings.retain(|name, _| name == "alg");
    client.add_ons.iter_mut().for_each(|add_on| add_on.settings.clear());
    client
}

/// What is asked for.
struct Wanted {
    target: Option<String>,
    client_id: Option<String>,
    api_type: Option<String>,
    start: usize,
    count: usize,
    with_total: bool,
}

impl Wanted {
    fn part(&self, tenant: &Tenant, clients: &[Client]) -> Result<Part, ApiError> {
        let end = Instant::now() + REACH_TIME_MAX;
        let reach = Reach::of(tenant, clients);
        let (mut entries, mut total) = (Vec::new(), 0);
        let is_wanted =
            |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        for target in clients.iter().filter(|target| is_wanted(&self.target, &target.id)) {
            if Instant::now() > end {
                return Err(ApiError::unavailable(
                    "the tenant has too many clients for all; name a target",
                    "reach",
                ));
            }
            let reaching = reach.reaching_clients(target);
            for by in reaching.into_iter().filter(|by| is_wanted(&self.client_id, by.client_id)) {
                let Some(entry) = self.entry(&target.id, by) else { continue };
                if total >= self.start && entries.len() < self.count {
                    entries.push((String::new(), entry));
                }
                total += 1;
            }
            if !self.with_total && entries.len() >= self.count {
                break;
            }
        }
        Ok(Part { entries, total: total as u64 })
    }

    fn entry(&self, target: &str, by: ReachingClient<'_>) -> Option<Members> {
        let ReachingClient { client_id, through, mut api_types, .. } = by;
        if let Some(wanted) = &self.api_type {
            api_types.retain(|api_type| api_type == wanted);
        }
        let entry =
            json!({ "target": target, "client_id": client_id, "through": through, "api_types": api_types });
        entry.as_object().filter(|_| !api_types.is_empty()).cloned()
    }
}
