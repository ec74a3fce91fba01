//! What `/readyz` shows: each plugin with its level of isolation, and what its sandbox consists of.

use locum_host::{Plugin, PluginSet};
use serde_json::{Map, Value, json};

pub(crate) fn details(plugins: &PluginSet) -> Map<String, Value> {
    let plugins: Vec<Value> = plugins.plugins().map(details_of).collect();
    Map::from_iter([("plugins".to_owned(), plugins.into())])
}

fn details_of(plugin: &Plugin) -> Value {
    let (name, isolation) = (&plugin.manifest().name, plugin.isolation().as_str());
    let available = !plugin.health().quarantined;
    match plugin.protections() {
        None => json!({"name": name, "isolation": isolation, "available": available}),
        Some(protections) => json!({
            "name": name, "isolation": isolation, "available": available,
            "isolate": plugin.process_scope().as_str(), "processes": plugin.health().processes,
            "landlock": protections.landlock, "no_new_code": protections.no_new_code,
        }),
    }
}
