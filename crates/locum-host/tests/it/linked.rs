//! Issuers that are linked into the program give the same answers, and are refused for the same reasons, as those of a file.

use std::sync::Arc;

use locum_abi::answer::{Credential, FailureCode, Issued, RevokeAnswer};
use locum_abi::grant::Grant;
use locum_engine::ports::{Issuer, IssuerFailure, Issuers, NoAudiences};
use locum_host::{AllowedRequest, LinkedPlugin, LinkedPlugins, LoadErrorCode, LoadOptions, PluginSet};
use locum_plugin::linked_plugin;
use serde_json::{Value, json};

use crate::harness::{
    ScriptedUpstreams, call_context, configured, grant, issue, linkable, load_with, presented, refused, reply,
};

#[path = "../plugins/linkable/src/exchange.rs"]
mod exchange;
#[path = "../plugins/linkable/src/stamp.rs"]
mod stamp;

const PRIVATE_KEY: &str = include_str!("../../../../fixtures/keys/layer.pem");
const TOKEN: &str = r#"{"access_token":"token-of-the-upstream","token_type":"Bearer"}"#;

fn plugins() -> [LinkedPlugin; 2] {
    [linked_plugin::<stamp::Stamp>("stamp"), linked_plugin::<exchange::Exchange>("exchange")]
}

fn linked_with(upstreams: Arc<ScriptedUpstreams>) -> LinkedPlugins {
    LinkedPlugins::new(plugins(), LoadOptions::new(upstreams)).unwrap()
}

fn loaded_with(upstreams: Arc<ScriptedUpstreams>) -> PluginSet {
    load_with(linkable(), LoadOptions::new(upstreams)).unwrap()
}

fn linked() -> LinkedPlugins {
    linked_with(Arc::default())
}

fn loaded() -> PluginSet {
    loaded_with(Arc::default())
}

fn stamp_settings() -> Value {
    json!({ "key": "throw-away-key-of-a-test", "audience": "reader" })
}

fn exchange_settings() -> Value {
    json!({ "token_url": "https://idp.example.com/token", "private_key": PRIVATE_KEY })
}

fn mistaken(mistake: &str) -> Grant {
    let parameters = json!({ "mistake": mistake });
    Grant { parameters: parameters.as_object().unwrap().clone(), ..grant() }
}

async fn stamped(set: &impl Issuers) -> Issued {
    issue(&*configured(set, "stamp", stamp_settings())).await.unwrap()
}

/// Two credentials and a revocation.
async fn exchanged(set: &impl Issuers) -> (Vec<Issued>, RevokeAnswer) {
    let issuer = configured(set, "exchange", exchange_settings());
    let issued = vec![issue(&*issuer).await.unwrap(), issue(&*issuer).await.unwrap()];
    let revoked = issuer.revoke(presented("token-of-the-upstream"), call_context()).await.unwrap();
    (issued, revoked)
}

fn script() -> Arc<ScriptedUpstreams> {
    ScriptedUpstreams::of([reply(200, TOKEN), reply(200, TOKEN), reply(200, "")].map(Ok))
}

fn requests(upstreams: &ScriptedUpstreams) -> Vec<String> {
    let show = |request: &AllowedRequest| {
        format!("{:?} {} {:?} {}", request.method(), request.url(), request.headers(), request.body())
    };
    upstreams.requests.lock().unwrap().iter().map(show).collect()
}

#[tokio::test]
async fn a_credential_is_the_same() {
    let issued = stamped(&linked()).await;
    assert_eq!(issued, stamped(&loaded()).await);
    assert!(matches!(issued.credential, Credential::Jwt(_)));
}

#[tokio::test]
async fn upstream_requests_kept_values_and_a_revocation_are_the_same() {
    let (of_linked, of_loaded) = (script(), script());
    let answers = exchanged(&linked_with(Arc::clone(&of_linked))).await;
    assert_eq!(answers, exchanged(&loaded_with(Arc::clone(&of_loaded))).await);
    assert_eq!(answers.1, RevokeAnswer::Revoked);
    let sent = requests(&of_linked);
    assert_eq!(sent, requests(&of_loaded));
    assert!(!sent[0].contains("of-the-application") && sent[1].contains("of-the-application"), "{sent:?}");
}

#[test]
fn invalid_settings_are_refused_by_the_same_pointer_and_message() {
    for (api_type, settings) in [
        ("stamp", json!({ "key": "k" })),
        ("stamp", json!({ "key": "throw-away-key-of-a-test", "audience": "" })),
        ("stamp", json!({ "key": "throw-away-key-of-a-test", "audience": "reader", "more": 1 })),
        ("stamp", json!({ "key": "", "audience": "reader" })),
        ("exchange", json!({ "token_url": "idp", "private_key": PRIVATE_KEY })),
        ("exchange", json!({ "token_url": "https://idp.example.com/token", "private_key": "x" })),
    ] {
        let failure = refused(&linked(), api_type, settings.clone());
        assert_eq!(failure, refused(&loaded(), api_type, settings.clone()), "{settings}");
        assert_eq!(failure.code, FailureCode::SettingsRefused, "{settings}");
    }
}

async fn failure(issuer: &dyn Issuer, mistake: &str) -> IssuerFailure {
    issuer.issue(&mistaken(mistake), call_context(), &NoAudiences).await.unwrap_err()
}

#[tokio::test]
async fn a_credential_with_a_secret_is_refused() {
    let of_linked = failure(&*configured(&linked(), "stamp", stamp_settings()), "secret").await;
    let of_loaded = failure(&*configured(&loaded(), "stamp", stamp_settings()), "secret").await;
    assert!(matches!(of_linked, IssuerFailure::ContractBroken(_)), "{of_linked:?}");
    assert_eq!(of_linked.to_string(), of_loaded.to_string());
}

#[tokio::test]
async fn a_panic_is_a_failure_of_its_request() {
    let issuer = configured(&linked(), "stamp", stamp_settings());
    let IssuerFailure::Failed(failure) = failure(&*issuer, "panic").await else { panic!("a failure") };
    assert_eq!(failure.code, FailureCode::Panicked);
    assert!(issue(&*issuer).await.is_ok());
}

#[test]
fn what_this_host_cannot_enforce_is_not_linked() {
    let error = |plugins: Vec<LinkedPlugin>| {
        LinkedPlugins::new(plugins, LoadOptions::new(Arc::new(ScriptedUpstreams::default()))).err().unwrap()
    };
    let twice = error(vec![linked_plugin::<stamp::Stamp>("one"), linked_plugin::<stamp::Stamp>("two")]);
    assert_eq!((twice.code, twice.path.to_str()), (LoadErrorCode::ApiTypeTaken, Some("two")));
    let unusable = error(vec![linked_plugin::<stamp::Stamp>("Not a name")]);
    assert_eq!(unusable.code, LoadErrorCode::ManifestUnusable);
    let mut later = linked_plugin::<stamp::Stamp>("stamp");
    later.manifest.contract = 3;
    assert_eq!(error(vec![later]).code, LoadErrorCode::ContractUnknown);
    assert!(linked().manifest("stamp").is_some() && linked().manifest("other").is_none());
}
