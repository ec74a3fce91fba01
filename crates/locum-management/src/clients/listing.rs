//! Lists clients.

use locum_database::directory::Page;
use serde_json::Value;

use crate::answer::Answer;
use crate::body::{self, Members};
use crate::call::Call;
use crate::clients::shown;
use crate::error::ApiError;
use crate::limits::PAGE_ENTRIES_MAX;
use crate::paging::{Paging, Part};

pub(super) async fn list(call: Call) -> Result<Answer, ApiError> {
    let paging = Paging::read(&call.query)?;
    let filter =
        Filter { is_global: call.query.flag("is_global"), is_first_party: call.query.flag("is_first_party") };
    let part = if filter.is_empty() {
        page(&call, &paging).await?
    } else {
        filtered(&call, &paging, filter).await?
    };
    let entries = part.entries.into_iter().map(|(id, client)| (id, shown(&call, client))).collect();
    Ok(Answer::of(paging.answer("clients", Part { entries, total: part.total }, &call.query)))
}

async fn page(call: &Call, paging: &Paging) -> Result<Part, ApiError> {
    let listed = call.documents().clients(call.domain(), &paging.page()).await?;
    let entries = listed.entries.iter().map(|(id, document)| Ok((id.clone(), body::members(document)?)));
    Ok(Part { entries: entries.collect::<Result<_, ApiError>>()?, total: listed.total })
}

/// Which clients are listed.
#[derive(Clone, Copy)]
struct Filter {
    is_global: Option<bool>,
    is_first_party: Option<bool>,
}

impl Filter {
    fn is_empty(self) -> bool {
        self.is_global.is_none() && self.is_first_party.is_none()
    }

    fn includes(self, client: &Members) -> bool {
        let is = |name: &str, default: bool| client.get(name).and_then(Value::as_bool).unwrap_or(default);
        self.is_global.is_none_or(|wanted| wanted == is("global", false))
            && self.is_first_party.is_none_or(|wanted| wanted == is("is_first_party", true))
    }
}

/// The database does not know these fields, which may be sealed: all clients are read.
async fn filtered(call: &Call, paging: &Paging, filter: Filter) -> Result<Part, ApiError> {
    let documents = call.documents();
    let (start, count) = paging.offset();
    let (mut after, mut entries, mut total) = (String::new(), Vec::new(), 0);
    let (is_counted, first) = match paging {
        Paging::Number { with_totals, .. } => (*with_totals, ""),
        Paging::Checkpoint { after, .. } => (false, after.as_str()),
    };
    after.push_str(first);
    loop {
        let page = Page::After { id: after, count: PAGE_ENTRIES_MAX };
        let listed = documents.clients(call.domain(), &page).await?;
        let Some((last, _)) = listed.entries.last() else { break };
        after = last.clone();
        for (id, document) in listed.entries {
            let client = body::members(&document)?;
            if !filter.includes(&client) {
                continue;
            }
            if total >= u64::from(start) && entries.len() < count as usize {
                entries.push((id, client));
            }
            total += 1;
        }
        if !is_counted && entries.len() >= count as usize {
            break;
        }
    }
    Ok(Part { entries, total })
}
