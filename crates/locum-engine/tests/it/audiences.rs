//! The audiences of which an issuer learns that they belong to the tenant: it must not have a token signed for them.

use locum_testing::{TestEngine, good_with};
use serde_json::json;

fn engine() -> TestEngine {
    TestEngine::with(|setup| {
        setup.client("orders").resources = vec!["https://orders.example.com/v1".to_owned()];
    })
}

#[test]
fn clients_their_resources_and_the_domain_belong_to_the_tenant() {
    let test = engine();
    let own = [
        "acme.example.com",
        "caller",
        "https://acme.example.com/",
        "https://acme.example.com/api/v2/",
        "https://orders.example.com/v1",
        "orders",
    ];
    test.script.asks_about(&own);
    test.script.asks_about(&[
        "Orders",
        "https://orders.example.com/v2",
        "https://orders.example.com/v1/",
        "https://login.salesforce.com",
        "",
    ]);
    test.delegate(good_with(json!({"target": "storage", "api_type": "azure_blob"}))).issued();
    assert_eq!(test.script.audiences_of_the_tenant(), own);
}

#[test]
fn a_directory_that_does_not_answer_refuses_the_request() {
    let request = || good_with(json!({"target": "storage", "api_type": "azure_blob"}));
    let failing = |asks: bool| {
        let test = engine();
        if asks {
            test.script.asks_about(&["https://login.salesforce.com"]);
        }
        test.calls.fail_nth(7);
        test.delegate(request())
    };
    failing(false).issued();
    assert_eq!(failing(true).refusal().status(), 503);
}
