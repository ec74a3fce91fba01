//! What each request asks for. Upgrades have a file of their own.

use std::sync::Arc;

use jiff::Timestamp;
use locum_host::{PauseScope, Plugin, PluginPause, PluginSet};
use locum_store::audit::{AddOnScope, Lifecycle};
use serde::Serialize;
use serde_json::{Value, json};

use crate::control::controlled_server::ControlledServer;
use crate::control::protocol::{Pause, PausedBy, PluginStatus, Protections, Request, RunningPlugin, Scope};
use crate::control::upgrade;

/// Carries out a request, and returns its result.
pub(super) async fn obey(server: &Arc<ControlledServer>, request: Request) -> Result<Value, String> {
    let plugins = server.service.plugins.load_full();
    match request {
        Request::Status {} => result(&status(&plugins)),
        Request::Running { plugin } => result(&running(find(&plugins, &plugin)?)?),
        Request::Pause(scope) => pause(server, &plugins, scope),
        Request::Resume(scope) => resume(server, &plugins, scope),
        Request::Upgrade { plugin, staged, sha256 } => {
            result(&upgrade::upgrade(server, &plugin, staged, sha256).await?)
        }
    }
}

fn result(result: &impl Serialize) -> Result<Value, String> {
    serde_json::to_value(result).map_err(|error| error.to_string())
}

fn find<'a>(plugins: &'a PluginSet, name: &str) -> Result<&'a Plugin, String> {
    plugins.plugins().find(|plugin| plugin.manifest().name == name).ok_or_else(|| {
        let names: Vec<&str> = plugins.plugins().map(|plugin| plugin.manifest().name.as_str()).collect();
        format!("no plugin with this name is loaded; loaded are: {}", names.join(", "))
    })
}

fn running(plugin: &Plugin) -> Result<RunningPlugin, String> {
    Ok(RunningPlugin {
        file: plugin.path().to_owned(),
        sha256: plugin.sha256(),
        isolation: plugin.isolation().as_str().to_owned(),
        manifest: serde_json::to_value(plugin.manifest()).map_err(|error| error.to_string())?,
    })
}

fn status(plugins: &PluginSet) -> Vec<PluginStatus> {
    let pauses = plugins.pauses();
    let status = |plugin: &Plugin| {
        let (manifest, health) = (plugin.manifest(), plugin.health());
        PluginStatus {
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            file: plugin.path().to_owned(),
            sha256: plugin.sha256(),
            isolation: plugin.isolation().as_str().to_owned(),
            available: !health.quarantined,
            running: health.running,
            hangs: health.hangs,
            deaths: health.deaths,
            protections: plugin.protections().map(|protections| Protections {
                landlock: protections.landlock,
                no_new_code: protections.no_new_code,
            }),
            pauses: pauses.iter().filter(|pause| pause.scope.plugin == manifest.name).map(shown).collect(),
        }
    };
    plugins.plugins().map(status).collect()
}

fn shown(PluginPause { scope, remaining, .. }: &PluginPause) -> Pause {
    let until = remaining.and_then(|remaining| Timestamp::now().checked_add(remaining).ok());
    Pause {
        by: if remaining.is_some() { PausedBy::Deaths } else { PausedBy::Operator },
        tenant: scope.tenant.clone(),
        api_type: scope.api_type.clone(),
        // Whole seconds: it is for people, and scripts compare it with the clock.
        until: until.map(|until| format!("{until:.0}")),
    }
}

fn pause(server: &ControlledServer, plugins: &PluginSet, scope: Scope) -> Result<Value, String> {
    let plugin = find(plugins, &scope.plugin)?;
    if let Some(api_type) = &scope.api_type
        && plugin.manifest().issuer(api_type).is_none()
    {
        let served: Vec<&str> =
            plugin.manifest().issuers.iter().map(|issuer| issuer.api_type.as_str()).collect();
        return Err(format!("the plugin does not serve this api_type; it serves: {}", served.join(", ")));
    }
    if let Some(tenant) = &scope.tenant
        && !server.service.tenants.serves(tenant)
    {
        return Err("no tenant with this domain is served; give the `domain` of a tenant".to_owned());
    }
    let scope = host_scope(scope);
    if plugins.pause(&scope).map_err(|error| error.to_string())? {
        server.audit.record_lifecycle(&Lifecycle::Pause(audited(&scope)));
        tracing::warn!(plugin = scope.plugin, tenant = scope.tenant, api_type = scope.api_type, "paused");
    }
    Ok(json!({}))
}

fn resume(server: &ControlledServer, plugins: &PluginSet, scope: Scope) -> Result<Value, String> {
    find(plugins, &scope.plugin)?;
    let scope = host_scope(scope);
    let ended = plugins.resume(&scope);
    if ended > 0 {
        server.audit.record_lifecycle(&Lifecycle::Resume(audited(&scope)));
        tracing::warn!(plugin = scope.plugin, tenant = scope.tenant, api_type = scope.api_type, "resumed");
    }
    // Wider ones, which the operator may have forgotten.
    let stay = plugins.pauses();
    let stay: Vec<Pause> = stay.iter().filter(|pause| pause.scope.contains(&scope)).map(shown).collect();
    match (ended, stay.is_empty()) {
        (0, true) => Err("nothing of this is paused; `locum plugin status` lists the pauses".to_owned()),
        (0, false) => {
            Err("a wider pause covers this; resume it without --tenant or --api-type, as it was paused"
                .to_owned())
        }
        _ => Ok(json!({ "ended": ended, "still_paused": stay })),
    }
}

fn host_scope(Scope { plugin, tenant, api_type }: Scope) -> PauseScope {
    PauseScope { tenant, api_type, ..PauseScope::of_plugin(plugin) }
}

fn audited(scope: &PauseScope) -> AddOnScope<'_> {
    AddOnScope { plugin: &scope.plugin, tenant: scope.tenant.as_deref(), api_type: scope.api_type.as_deref() }
}
