//! The requests that a plugin makes to its upstreams when all goes well.

use locum_abi::upstream::UpstreamRequest;
use serde_json::json;

use crate::cases::case_run::run_case;
use crate::cases::issuer_under_test::{Destination, IssuerUnderTest};
use crate::faults::request_fault::Operation;
use crate::fixtures::fixture::Fixture;

/// The requests of the operation, which the exchanges of the plugin spec answer; none for a running server.
pub(crate) async fn successful_requests(
    issuer: &IssuerUnderTest<'_>,
    operation: Operation,
) -> Vec<UpstreamRequest> {
    let Destination::InProcess(harness) = &issuer.destination else { return Vec::new() };
    let (exchanges, steps) = match operation {
        Operation::Delegation => (&issuer.spec.upstream, json!([{ "expect": { "status": 200 } }])),
        Operation::Revocation => {
            let parameters =
                json!({ "client_id": "${target}", "token": "${credential}", "api_type": "${api_type}" });
            let request = json!({ "path": "/oauth/revoke", "parameters": parameters });
            let steps = json!([
                { "expect": { "status": 200, "credential": {} } },
                { "request": request, "expect": { "status": 200 } },
            ]);
            (&issuer.spec.revocation, steps)
        }
    };
    let case = json!({ "description": "It succeeds.", "profile": "contract", "steps": steps });
    let Ok(case) = serde_json::from_value::<Fixture>(case) else { return Vec::new() };
    if exchanges.is_empty() {
        return Vec::new();
    }
    run_case(&case, issuer).await;
    let mut requests = harness.upstreams.requests();
    requests.truncate(exchanges.len());
    requests
}
