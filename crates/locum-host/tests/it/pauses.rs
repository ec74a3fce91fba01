//! Pauses by an operator: paused issuers are not called, whichever process they are in.

use std::sync::Arc;

use locum_engine::ports::{Issuer, IssuerFailure};
use locum_host::{LoadOptions, PauseScope, PluginSet};
use serde_json::json;

use crate::harness::{
    ScriptedUpstreams, call_context, configured, issue, load, load_in_runner, parrot, presented,
};

fn both_levels() -> [PluginSet; 2] {
    let options = LoadOptions::new(Arc::new(ScriptedUpstreams::default()));
    [load(parrot()).unwrap(), load_in_runner(parrot(), options).unwrap()]
}

fn issuer(set: &PluginSet) -> Arc<dyn Issuer> {
    let answer =
        json!({"kind": "issued", "credential": {"text": "t"}, "issued_at": 1, "expires_at": 2}).to_string();
    configured(set, "parrot_text", json!({"answers": [answer]}))
}

#[tokio::test]
async fn a_paused_issuer_is_not_called_until_it_is_resumed() {
    for set in both_levels() {
        let issuer = issuer(&set);
        assert!(!issuer.is_paused() && issue(&*issuer).await.is_ok());
        let all = PauseScope::of_plugin("parrot");
        assert_eq!((set.pause(&all), set.pause(&all)), (Ok(true), Ok(false)));
        assert_eq!(set.pauses().iter().map(|pause| &pause.scope).collect::<Vec<_>>(), [&all]);
        assert!(issuer.is_paused());
        assert!(matches!(issue(&*issuer).await, Err(IssuerFailure::Paused)));
        assert!(matches!(
            issuer.revoke(presented("a token"), call_context()).await,
            Err(IssuerFailure::Paused)
        ));
        assert_eq!((set.resume(&all), set.resume(&all)), (1, 0));
        assert!(set.pauses().is_empty());
        assert!(!issuer.is_paused() && issue(&*issuer).await.is_ok());
    }
}
