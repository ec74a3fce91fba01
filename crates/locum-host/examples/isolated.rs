//! Runs a plugin in a process that can compute and nothing else, and has it issue a credential.
//!
//! ```text
//! cargo build --package locum-plugin-app
//! cargo run --package locum-host --example isolated -- target/debug/liblocum_plugin_app.so
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use locum_engine::contract::{Configuration, Credential, Grant, Tenant};
use locum_engine::ports::{CallContext, Issuers as _, NoAudiences};
use locum_host::runner::{self, RunnerCommand};
use locum_host::{HttpUpstreams, Isolation, LoadOptions, Pins, PluginSet};
use serde_json::{Map, json};

fn main() -> Result<(), Box<dyn Error>> {
    // First of all: this program is started once more as the process that runs the plugin, and must not open anything then.
    runner::run_if_asked();
    let file = std::env::args_os().nth(1).map(PathBuf::from).ok_or("name a plugin file")?;
    tokio::runtime::Runtime::new()?.block_on(issue(std::path::absolute(file)?))
}

async fn issue(file: PathBuf) -> Result<(), Box<dyn Error>> {
    let mut options = LoadOptions::new(Arc::new(HttpUpstreams::new()?));
    options.runner = Some(RunnerCommand::SelfExe);
    // A server reads the pins of a lock file instead: PluginSet::load_directory.
    let pins = Pins::trusting_file(&file)?.at(Isolation::Runner);
    let plugins = PluginSet::load([&file], &pins, options)?;
    for plugin in plugins.plugins() {
        // Landlock and MDWE are used where the kernel has them; what else is missing is an error of `load`.
        println!(
            "{} runs at the level {}: {:?}",
            plugin.manifest().name,
            plugin.isolation(),
            plugin.protections()
        );
    }

    let settings = json!({"alg": "HS256", "secret": "0123456789-0123456789-0123456789"});
    let settings = settings.as_object().cloned().unwrap_or_default();
    let issuer = plugins.configure(Configuration::new("app", settings, Tenant::new("acme.example.com")))?;
    let grant = Grant {
        user_id: "auth0|alice".to_owned(),
        client_id: "shop".to_owned(),
        target_id: "api".to_owned(),
        scopes: vec!["openid".to_owned()],
        claims: Map::new(),
        profile: Map::new(),
        parameters: Map::new(),
        lifetime_seconds: 3600,
    };
    let context = CallContext { now_unix_ms: 1_900_000_000_000, entropy: [7; 32] };
    match issuer.issue(&grant, context, &NoAudiences).await?.credential {
        Credential::Jwt(token) => println!("{token}"),
        other => println!("{other:?}"),
    }
    Ok(())
}
