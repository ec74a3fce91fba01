//! Links an issuer of the SDK into the program, without a plugin file, and has it issue a credential.
//!
//! ```text
//! cargo run --package locum-host --example linked
//! ```
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::sync::Arc;

use locum_engine::contract::{Configuration, Tenant};
use locum_engine::ports::{CallContext, Issuers as _, NoAudiences};
use locum_host::{HttpUpstreams, LinkedPlugins, LoadOptions};
use locum_plugin::linked_plugin;
use locum_plugin::prelude::*;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The greeting's first word.
    word: String,
}

struct Greeting(Settings);

impl Issuer for Greeting {
    type Settings = Settings;
    type Parameters = NoParameters;

    fn api_types() -> Vec<ApiType> {
        vec![ApiType::text("greeting", "greeting").lifetime(Lifetime::up_to_seconds(60))]
    }

    fn configure(_: &str, settings: Settings, _: &locum_plugin::Tenant) -> Result<Self, Failure> {
        Ok(Self(settings))
    }

    fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        Ok(grant.text(format!("{} {} until {}", self.0.word, grant.user_id, grant.expires_at())))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = LoadOptions::new(Arc::new(HttpUpstreams::new()?));
    // The engine's port: `TenantSet::prepare(tenants, &issuers)` configures an issuer for each add-on.
    let issuers = LinkedPlugins::new([linked_plugin::<Greeting>("greeting")], options)?;
    let configure = |settings: Value| {
        let settings = settings.as_object().cloned().unwrap_or_default();
        issuers.configure(Configuration::new("greeting", settings, Tenant::new("acme.example.com")))
    };

    if let Err(failure) = configure(json!({ "wrod": "hello" })) {
        println!("refused: {failure}");
    }
    let issuer = configure(json!({ "word": "hello" }))?;
    let grant = locum_engine::contract::Grant {
        user_id: "auth0|alice".to_owned(),
        client_id: "shop".to_owned(),
        target_id: "api".to_owned(),
        scopes: vec!["openid".to_owned()],
        claims: Map::new(),
        profile: Map::new(),
        parameters: Map::new(),
        lifetime_seconds: 60,
    };
    let context = CallContext { now_unix_ms: 1_900_000_000_000, entropy: [7; 32] };
    if let Credential::Text(text) = issuer.issue(&grant, context, &NoAudiences).await?.credential {
        println!("{text}");
    }
    Ok(())
}
