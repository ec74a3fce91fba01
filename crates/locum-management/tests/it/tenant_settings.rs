//! The settings of a tenant.

use serde_json::json;

use crate::test_service::{CANARY, TestService, with_all};

#[tokio::test]
async fn settings_are_read_and_changed_and_nothing_else_is() {
    for service in TestService::each().await {
        let read = service.get(&with_all(), "/tenants/settings").await;
        assert!(!read.text.contains(CANARY), "{read:?}");
        let settings = json!({
            "friendly_name": "Tenant of acme.example.com", "delegation": {"lifetime_ceiling_seconds": 3600},
        });
        assert_eq!(read.ok(), settings);
        let patch = json!({"friendly_name": null, "support_email": "help@acme.example", "delegation": {"jsonp": true}});
        let patched = service.patch(&with_all(), "/tenants/settings", patch).await.ok();
        assert_eq!(patched, json!({"support_email": "help@acme.example", "delegation": {"jsonp": true}}));
        assert_eq!(service.get(&with_all(), "/tenants/settings").await.ok(), patched);
        let stored = service.stored_tenant().await;
        assert_eq!(stored["tenant"], json!({"support_email": "help@acme.example"}));
        assert!(stored["management"]["keys"].is_array() && stored["clientGrants"].is_array(), "{stored}");
        for _ in 0..200 {
            if service.directory().served("acme.example.com").unwrap().delegation().jsonp {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert!(service.directory().served("acme.example.com").unwrap().delegation().jsonp);
    }
}

#[tokio::test]
async fn what_a_tenant_is_and_what_it_signs_with_are_no_settings() {
    let service = TestService::new().await;
    let before = service.stored_tenant().await;
    for body in [
        json!({"domain": "globex.example.com"}),
        json!({"default": true}),
        json!({"signing_keys": []}),
        json!({"management": {"keys": ["another key of more than thirty-two bytes"]}}),
        json!({"management": null}),
        json!({"clientGrants": []}),
        json!({"clients": []}),
        json!({"users": []}),
        json!({"tenant": {}}),
        json!({"friendly": "x"}),
        json!({"friendly_name": "x", "domain": "x"}),
    ] {
        let reply = service.patch(&with_all(), "/tenants/settings", body.clone()).await;
        assert_eq!(reply.refusal(), (400, "invalid_body".to_owned()), "{body}");
    }
    assert_eq!(service.stored_tenant().await, before);
}

#[tokio::test]
async fn a_policy_that_breaks_a_rule_is_refused_with_the_field() {
    let service = TestService::new().await;
    for (body, pointer) in [
        (json!({"delegation": {"jsonnp": true}}), "/delegation"),
        (json!({"delegation": {"rate_limit": {"size": 0}}}), "/delegation/rate_limit/size"),
        (json!({"trusted_issuers": [{"issuer": "https://idp.example/"}]}), "/trusted_issuers/0"),
        (json!({"trusted_issuers": "x"}), "/trusted_issuers"),
    ] {
        let reply = service.patch(&with_all(), "/tenants/settings", body.clone()).await;
        assert_eq!(reply.refusal(), (400, "invalid_body".to_owned()), "{body}");
        assert!(reply.message().contains(pointer), "{reply:?}");
    }
}
