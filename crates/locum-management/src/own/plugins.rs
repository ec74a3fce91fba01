//! `/locum/plugins`: what issues credentials on this server, and what of it is paused for the tenant.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::body::Members;
use crate::call::Call;
use crate::endpoint::{Changes, Endpoint, Method};
use crate::error::ApiError;
use crate::moment::time;
use crate::schema::Schema;
use crate::server_view::{PauseView, PluginView};

pub(crate) const ENDPOINTS: &[Endpoint] = &[Endpoint {
    operation: "list_plugins",
    method: Method::Get,
    path: "/locum/plugins",
    summary: "Lists the plugins of this server, with the pauses that concern the tenant.",
    changes: Changes::Nothing,
    scope: "read:locum_plugins",
    query: &[],
    body: None,
    success: (200, Some(Schema::Plugins)),
    handler: |call| Box::pin(list(call)),
}];

async fn list(call: Call) -> Result<Answer, ApiError> {
    let now = call.record.at_unix_seconds();
    let plugins = call.service.server.plugins(call.domain());
    Ok(Answer::of(plugins.into_iter().map(|plugin| shown(plugin, now)).collect()))
}

fn shown(plugin: PluginView, now: i64) -> Value {
    let PluginView { name, version, sha256, api_types, isolation, is_available, pauses } = plugin;
    let pauses: Vec<Value> = pauses.into_iter().map(|pause| Value::Object(shown_pause(pause, now))).collect();
    json!({
        "name": name, "version": version, "sha256": sha256, "api_types": api_types, "isolation": isolation,
        "available": is_available, "pauses": pauses,
    })
}

fn shown_pause(PauseView { api_type, remaining }: PauseView, now: i64) -> Members {
    let mut shown = Members::new();
    let by = if remaining.is_some() { "deaths" } else { "operator" };
    shown.insert("by".to_owned(), by.into());
    if let Some(api_type) = api_type {
        shown.insert("api_type".to_owned(), api_type.into());
    }
    if let Some(remaining) = remaining {
        let seconds = i64::try_from(remaining.as_secs()).unwrap_or(i64::MAX);
        shown.insert("until".to_owned(), time(now.saturating_add(seconds)).into());
    }
    shown
}
