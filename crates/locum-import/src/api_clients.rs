//! The clients as the Management API gives them, for an export that was made without ids or secrets.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde_json::{Map, Value};

use crate::export::ExportedClient;
use crate::{Export, ImportError, source_text};

/// The response of `GET /api/v2/clients`: an array, or an object with the array `clients`.
#[derive(Clone, Default, PartialEq)]
pub struct ApiClients {
    clients: Vec<Map<String, Value>>,
    shown: String,
}

impl ApiClients {
    /// Reads the response from a file.
    ///
    /// # Errors
    /// It is no such response.
    pub fn read(path: &Path) -> Result<Self, ImportError> {
        let shown = path.display().to_string();
        let text = source_text::read(path)?;
        let response = serde_json::from_str(&text).map_err(|error| source_text::not_json(&shown, &error))?;
        Self::from_json(response, &shown)
    }

    /// Takes the response of this JSON; `shown` names it in messages.
    ///
    /// # Errors
    /// It is no such response.
    pub fn from_json(response: Value, shown: &str) -> Result<Self, ImportError> {
        let wrong = || {
            let why = "write the response of GET /api/v2/clients: a list of clients, or an object with the list `clients`";
            ImportError::file(shown, why)
        };
        let list = match response {
            Value::Array(list) => list,
            Value::Object(mut object) => match object.remove("clients") {
                Some(Value::Array(list)) => {
                    check_is_complete(&object, list.len(), shown)?;
                    list
                }
                _ => return Err(wrong()),
            },
            _ => return Err(wrong()),
        };
        let object = |item| if let Value::Object(object) = item { Ok(object) } else { Err(wrong()) };
        let clients = list.into_iter().map(object).collect::<Result<_, _>>()?;
        Ok(Self { clients, shown: shown.to_owned() })
    }

    /// Fills in the ids and secrets that the export lacks. A client is found by its id, or by its name if it has no id. Gives
    /// the ids of the clients whose add-ons are now in the order of the API.
    pub(crate) fn complete(&self, export: &mut Export) -> Result<HashSet<String>, ImportError> {
        let text = |client: &Map<String, Value>, field: &str| client.get(field)?.as_str().map(str::to_owned);
        let mut by_id = HashMap::new();
        let mut by_name: HashMap<String, Vec<&Map<String, Value>>> = HashMap::new();
        for client in &self.clients {
            by_id.extend(text(client, "client_id").map(|id| (id, client)));
            if let Some(name) = text(client, "name") {
                by_name.entry(name).or_default().push(client);
            }
        }
        let mut seen = HashMap::new();
        for client in export.clients.iter().filter(|client| client.text("client_id").is_none()) {
            if let Some(name) = client.text("name")
                && let Some(other) = seen.insert(name, &client.file)
            {
                let what = if *other == client.file {
                    other.clone()
                } else {
                    format!("{other} and {}", client.file)
                };
                return Err(ImportError::NameTwice { what, name: name.to_owned() });
            }
        }
        let mut in_order = HashSet::new();
        for client in &mut export.clients {
            let found = match (client.text("client_id"), client.text("name")) {
                (Some(id), _) => by_id.get(id).copied(),
                (None, Some(name)) => match by_name.get(name).map(Vec::as_slice) {
                    Some([only]) => Some(*only),
                    Some([_, ..]) => {
                        return Err(ImportError::NameTwice {
                            what: self.shown.clone(),
                            name: name.to_owned(),
                        });
                    }
                    _ => None,
                },
                (None, None) => None,
            };
            if let Some(found) = found
                && fill_in(client, found)
            {
                in_order.extend(client.text("client_id").map(str::to_owned));
            }
        }
        Ok(in_order)
    }
}

/// Tells whether the add-ons are now in the order of the API.
fn fill_in(client: &mut ExportedClient, found: &Map<String, Value>) -> bool {
    for field in ["client_id", "client_secret"] {
        if client.text(field).is_none()
            && let Some(value) = found.get(field)
        {
            client.fields.insert(field.to_owned(), value.clone());
        }
    }
    // The API gives add-ons in their own order, whichever way the export has sorted them.
    let (Some(Value::Object(add_ons)), Some(Value::Object(in_order))) =
        (client.fields.get_mut("addons"), found.get("addons"))
    else {
        return false;
    };
    let mut rest = std::mem::take(add_ons);
    for name in in_order.keys() {
        add_ons.extend(rest.shift_remove(name).map(|settings| (name.clone(), settings)));
    }
    let is_complete = rest.is_empty();
    add_ons.extend(rest);
    is_complete
}

/// One page of several would leave clients without a secret, and nothing would say so.
fn check_is_complete(page: &Map<String, Value>, count: usize, shown: &str) -> Result<(), ImportError> {
    match page.get("total").and_then(Value::as_u64) {
        Some(total) if total > count as u64 => Err(ImportError::file(
            shown,
            format!(
                "it has {count} of {total} clients; get the other pages too, and put the clients of all pages into one list"
            ),
        )),
        _ => Ok(()),
    }
}
