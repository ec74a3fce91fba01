//! `locum plugin status`.

use std::path::Path;

use crate::cli::Format;
use crate::config;
use crate::control::client::ask;
use crate::control::protocol::{Pause, PausedBy, PluginStatus, Protections, Request};
use crate::exit::CommandError;
use crate::format::{print_rows, print_text};

/// So many digits of a SHA-256 tell two versions apart.
const SHA256_DIGITS: usize = 16;

pub(super) fn run(config: &Path, format: Format) -> Result<(), CommandError> {
    let config = config::load(config)?;
    let plugins: Vec<PluginStatus> = ask(&config, &Request::Status {})?;
    let rows: Vec<[String; 9]> = plugins.iter().map(row).collect();
    print_rows(
        format,
        ["plugin", "version", "isolation", "state", "running", "hangs", "deaths", "pauses", "sha256"],
        &rows,
        &plugins,
    );
    if format == Format::Table {
        for plugin in &plugins {
            if let Some(Protections { landlock, no_new_code }) = plugin.protections {
                let shown = |has| if has { "yes" } else { "no" };
                let (landlock, no_new_code) = (shown(landlock), shown(no_new_code));
                print_text(&format!(
                    "sandbox of {}: landlock {landlock}, no new code {no_new_code}",
                    plugin.name
                ));
            }
            for pause in &plugin.pauses {
                print_text(&format!("paused: {}", described(&plugin.name, pause)));
            }
        }
    }
    Ok(())
}

fn row(plugin: &PluginStatus) -> [String; 9] {
    [
        plugin.name.clone(),
        plugin.version.clone(),
        plugin.isolation.clone(),
        if plugin.available { "available" } else { "not available" }.to_owned(),
        plugin.running.to_string(),
        plugin.hangs.to_string(),
        plugin.deaths.to_string(),
        plugin.pauses.len().to_string(),
        plugin.sha256.to_string().chars().take(SHA256_DIGITS).collect(),
    ]
}

/// Add-ons of a plugin in words.
pub(super) fn named(plugin: &str, tenant: Option<&str>, api_type: Option<&str>) -> String {
    let tenant = tenant.map_or_else(|| "all tenants".to_owned(), |tenant| format!("tenant {tenant}"));
    let api_type =
        api_type.map_or_else(|| "all api_types".to_owned(), |api_type| format!("api_type {api_type}"));
    format!("{plugin}, {tenant}, {api_type}")
}

/// A pause in words.
pub(super) fn described(plugin: &str, Pause { by, tenant, api_type, until }: &Pause) -> String {
    let named = named(plugin, tenant.as_deref(), api_type.as_deref());
    let by = match by {
        PausedBy::Operator => "by an operator",
        PausedBy::Deaths => "because its calls ended the plugin's process",
    };
    let until = until.as_deref().map_or("until it is resumed".to_owned(), |until| format!("until {until}"));
    format!("{named}, {by}, {until}")
}
