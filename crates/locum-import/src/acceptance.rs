//! Makes of the drafts what the tenant file's own reader and the issuers of the plugins accept.
//!
//! The reader and the issuers decide, so that an import never writes what `locum check` refuses. What they refuse is left
//! out as narrowly as is safe: an origin from its list, refresh tokens, an add-on by `null`, and anything else with its client, because a
//! client without one of its other fields could be open to more than it was.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use locum_engine::ports::Issuers;
use locum_store::tenant_file::{self, Finding, References, TenantFile};
use locum_store::{TenantData, TenantSet};
use serde_json::Value;

use crate::ImportError;
use crate::client::{self, Draft, REFRESH_TOKEN};
use crate::document::Document;
use crate::limits::ROUNDS_MAX;
use crate::origin_lists::ORIGIN_LISTS;
use crate::report::{LeftOut, ToDo};

/// What was accepted, and what went.
pub(crate) struct Accepted {
    pub(crate) document: Document,
    /// What the reader made of it.
    pub(crate) data: TenantData,
    pub(crate) left_out: Vec<LeftOut>,
    /// The add-ons for single sign-on that clients had.
    pub(crate) single_sign_on: BTreeMap<String, usize>,
}

/// What is refused in one round.
#[derive(Default)]
struct Refused {
    /// Clients by index, with the first reason.
    clients: BTreeMap<usize, String>,
    /// Origins: the client's index, the list, the index in it.
    origins: BTreeMap<(usize, &'static str, usize), String>,
    /// Clients by index, of whose settings of refresh tokens something is refused.
    refresh_tokens: BTreeMap<usize, String>,
    /// Add-ons: the client's index and the api_type.
    add_ons: BTreeMap<(usize, String), String>,
}

impl Refused {
    fn is_empty(&self) -> bool {
        let Self { clients, origins, refresh_tokens, add_ons } = self;
        clients.is_empty() && origins.is_empty() && refresh_tokens.is_empty() && add_ons.is_empty()
    }
}

/// Leaves out what is refused until nothing is.
pub(crate) fn settle(mut document: Document, issuers: &dyn Issuers) -> Result<Accepted, ImportError> {
    let mut left_out = Vec::new();
    let mut single_sign_on = BTreeMap::new();
    for _ in 0..ROUNDS_MAX {
        close_allowed_clients(&mut document.clients);
        document.management_grants.retain(&document.clients);
        let text = document.yaml();
        let read = tenant_file::read(&text, "tenant", &References::new(&|_| None, ""));
        let refused = match read {
            Ok(TenantFile { data, problems, .. }) => {
                let changed = remove_single_sign_on(&mut document, &data, &mut single_sign_on);
                let mut refused = refused_by_reader(&problems, &document)?;
                if leave_out_unneeded(&mut document, &changed, &mut left_out) {
                    continue;
                }
                if refused.is_empty() {
                    refused = refused_by_issuers(&data, &document, issuers)?;
                }
                if refused.is_empty() {
                    return Ok(Accepted { document, data, left_out, single_sign_on });
                }
                refused
            }
            Err(error) => refused_by_reader(&error.errors, &document)?,
        };
        leave_out(&mut document, refused, &mut left_out);
    }
    Err(ImportError::Refused(format!("something was still refused after {ROUNDS_MAX} corrections")))
}

/// A list that names only clients that are gone would be empty, and an empty list allows every client.
fn close_allowed_clients(clients: &mut [Draft]) {
    let ids: HashSet<String> = clients.iter().map(|client| client.client_id.clone()).collect();
    for client in clients {
        let Some(Value::Array(allowed)) = client.fields.get_mut("allowed_clients") else { continue };
        if allowed.is_empty() {
            continue;
        }
        let is_unknown = |id: &Value| id.as_str().is_some_and(|id| !ids.contains(id));
        let unknown: BTreeSet<String> = allowed
            .iter()
            .filter(|id| is_unknown(id))
            .filter_map(|id| id.as_str().map(str::to_owned))
            .collect();
        if unknown.is_empty() {
            continue;
        }
        allowed.retain(|id| !is_unknown(id));
        if allowed.is_empty() {
            allowed.push(client.client_id.as_str().into());
        }
        let names: Vec<String> = unknown.into_iter().collect();
        client.to_do.push(ToDo::note(format!(
            "allowed_clients named {}, which cannot use delegation or are not in the export; they are left out of the list",
            names.join(", ")
        )));
    }
}

/// Removes the add-ons that the reader has passed over: it knows which are for single sign-on only. Gives the indexes of
/// the clients that had some.
fn remove_single_sign_on(
    document: &mut Document,
    data: &TenantData,
    found: &mut BTreeMap<String, usize>,
) -> Vec<usize> {
    let mut changed = Vec::new();
    for (index, (draft, client)) in document.clients.iter_mut().zip(&data.clients).enumerate() {
        let Some(add_ons) = draft.add_ons_mut() else { continue };
        let passed_over: Vec<String> = add_ons
            .iter()
            .filter(|(name, settings)| {
                !settings.is_null() && !client.add_ons.iter().any(|add_on| add_on.api_type == **name)
            })
            .map(|(name, _)| name.clone())
            .collect();
        if !passed_over.is_empty() {
            changed.push(index);
        }
        for name in passed_over {
            add_ons.shift_remove(&name);
            *found.entry(name).or_default() += 1;
        }
    }
    changed
}

/// Leaves out those of these clients that had only add-ons for single sign-on; tells whether there were any.
fn leave_out_unneeded(document: &mut Document, changed: &[usize], left_out: &mut Vec<LeftOut>) -> bool {
    let before = left_out.len();
    for index in changed.iter().rev() {
        let Some(why) = document.clients.get(*index).and_then(|draft| client::not_needed(&draft.fields))
        else {
            continue;
        };
        let client = document.clients.remove(*index).left_out(why);
        left_out.push(LeftOut { needs_decision: false, ..client });
    }
    left_out.len() > before
}

fn refused_by_reader(findings: &[Finding], document: &Document) -> Result<Refused, ImportError> {
    let mut refused = Refused::default();
    for finding in findings {
        let pointer = finding.pointer.as_deref().unwrap_or_default();
        let parts: Vec<&str> = pointer.split('/').skip(1).collect();
        let client = match parts.as_slice() {
            ["clients", index, ..] => index.parse().ok().filter(|index| *index < document.clients.len()),
            _ => None,
        };
        let Some(client) = client else { return Err(ImportError::Refused(finding.message.clone())) };
        let reason = finding.message.clone();
        match parts.as_slice() {
            [_, _, list, entry] if let (Some(list), Ok(entry)) = (origin_list(list), entry.parse()) => {
                refused.origins.entry((client, list, entry)).or_insert(reason);
            }
            [_, _, REFRESH_TOKEN, ..] => {
                refused.refresh_tokens.entry(client).or_insert(reason);
            }
            [_, _, "addons", api_type, ..] => {
                let api_type = api_type.replace("~1", "/").replace("~0", "~");
                refused.add_ons.entry((client, api_type)).or_insert(reason);
            }
            _ => {
                refused.clients.entry(client).or_insert(reason);
            }
        }
    }
    Ok(refused)
}

fn origin_list(name: &str) -> Option<&'static str> {
    ORIGIN_LISTS.into_iter().find(|list| *list == name)
}

/// Configures every add-on, as `locum check` does.
fn refused_by_issuers(
    data: &TenantData,
    document: &Document,
    issuers: &dyn Issuers,
) -> Result<Refused, ImportError> {
    let set = TenantSet::prepare(vec![data.clone()], issuers)
        .map_err(|error| ImportError::Refused(error.to_string()))?;
    let mut refused = Refused::default();
    for problem in set.problems() {
        let problem = problem.problem;
        let index = document.clients.iter().position(|client| client.client_id == problem.client_id);
        let Some(index) = index else { return Err(ImportError::Refused(problem.failure.to_string())) };
        let setting = problem.failure.pointer.as_deref().unwrap_or_default().trim_start_matches('/');
        let reason = match setting {
            "" => problem.failure.to_string(),
            setting => format!("{setting}: {}", problem.failure.message),
        };
        if problem.api_type == "app" {
            refused.clients.insert(index, reason);
        } else {
            refused.add_ons.insert((index, problem.api_type), reason);
        }
    }
    Ok(refused)
}

fn leave_out(document: &mut Document, refused: Refused, left_out: &mut Vec<LeftOut>) {
    let Refused { clients, origins, refresh_tokens, add_ons } = refused;
    // From the last to the first, so that the indexes before it stay right.
    for ((client, list, entry), reason) in origins.into_iter().rev() {
        let Some(client) = document.clients.get_mut(client) else { continue };
        let Some(Value::Array(origins)) = client.fields.get_mut(list) else { continue };
        if entry < origins.len() {
            let origin = origins.remove(entry);
            let origin = origin.as_str().unwrap_or("an entry that is not a text").to_owned();
            // Twice the same needs no decision.
            if !origins.iter().any(|other| other.as_str() == Some(&origin)) {
                client.to_do.push(ToDo::decision(format!("{list}: {origin} is left out: {reason}")));
            }
        }
    }
    for (client, reason) in refresh_tokens {
        let Some(client) = document.clients.get_mut(client) else { continue };
        client.fields.shift_remove(REFRESH_TOKEN);
        client.to_do.push(ToDo::decision(format!("{REFRESH_TOKEN} is left out: {reason}")));
    }
    for ((client, api_type), reason) in add_ons {
        let Some(client) = document.clients.get_mut(client) else { continue };
        let Some(add_ons) = client.add_ons_mut() else { continue };
        match add_ons.get_mut(&api_type) {
            // A name that no add-on can have.
            Some(Value::Null) => {
                add_ons.shift_remove(&api_type);
                client.to_do.push(ToDo::decision(format!("the add-on {api_type} is left out: {reason}")));
            }
            Some(settings) => {
                *settings = Value::Null;
                client
                    .to_do
                    .push(ToDo::decision(format!("the add-on {api_type} is written as null: {reason}")));
            }
            None => {}
        }
    }
    for (index, reason) in clients.into_iter().rev() {
        if index < document.clients.len() {
            left_out.push(document.clients.remove(index).left_out(reason));
        }
    }
}
