//! What `/readyz` shows: each plugin with its level of isolation, and what its sandbox consists of.

use locum_host::{Plugin, PluginSet};
use serde_json::{Map, Value};

pub(crate) fn details(plugins: &PluginSet) -> Map<String, Value> {
    let pauses = plugins.pauses();
    let details = |plugin: &Plugin| {
        let name = &plugin.manifest().name;
        details_of(plugin, pauses.iter().filter(|pause| pause.scope.plugin == *name).count())
    };
    Map::from_iter([("plugins".to_owned(), plugins.plugins().map(details).collect())])
}

/// The pauses are counted and not listed: whoever can ask need not know the tenants.
fn details_of(plugin: &Plugin, pauses: usize) -> Value {
    let mut details = Map::new();
    let mut add = |name: &str, value: Value| details.insert(name.to_owned(), value);
    add("name", plugin.manifest().name.as_str().into());
    add("isolation", plugin.isolation().as_str().into());
    add("available", (!plugin.health().quarantined).into());
    if let Some(protections) = plugin.protections() {
        add("isolate", plugin.process_scope().as_str().into());
        add("processes", plugin.health().processes.into());
        add("landlock", protections.landlock.into());
        add("no_new_code", protections.no_new_code.into());
    }
    if pauses > 0 {
        add("pauses", pauses.into());
    }
    details.into()
}
