//! Names that do not exist, of one address: the database is not asked for them without end.

use locum_engine::{Caller, DelegationRequest, Engine, JWT_BEARER, Ports};
use locum_store::MemoryBuckets;
use locum_testing::{CountingEntropy, NOW, RecordingSink, VirtualClock, caller, object, summary};
use serde_json::json;

use super::*;

async fn delegate(engine: &Engine, client_id: &str, ip: &str) -> String {
    let asked = object(json!({"client_id": client_id, "grant_type": JWT_BEARER, "id_token": "a.b.c"}));
    let request = DelegationRequest::parse((&asked).into()).unwrap();
    let tenant = engine.directory().tenant(ACME).wait().await;
    let caller = Caller { ip: ip.parse().unwrap(), ..caller() };
    let response = engine.delegate(tenant, request, &caller).await;
    summary(&response.outcome.unwrap_err())
}

#[tokio::test]
async fn an_address_that_tries_names_is_refused_without_a_query() {
    for place in Place::each() {
        let database = with_acme(&place).await;
        let directory = Arc::new(directory(&database).await);
        let clock = Arc::new(VirtualClock::at(NOW));
        let engine = Engine::new(Ports::new(
            Arc::clone(&clock) as _,
            Arc::new(CountingEntropy::default()),
            Arc::clone(&directory) as _,
            Arc::new(MemoryBuckets::default()),
            Arc::new(RecordingSink::default()),
        ));
        let unknown = "403 unauthorized_client invalid client";
        let limited =
            "429 too_many_requests too many unknown names from this address; wait before the next request";
        let queries = || {
            let look_ups = directory.status().look_ups;
            look_ups.read + look_ups.absent + look_ups.unavailable
        };
        for number in 0..60 {
            assert_eq!(delegate(&engine, &format!("nobody{number}"), "203.0.113.7").await, unknown);
        }
        assert_eq!((directory.status().look_ups.absent, queries()), (60, 60));
        for number in 60..500 {
            assert_eq!(delegate(&engine, &format!("nobody{number}"), "203.0.113.7").await, limited);
        }
        assert_eq!(queries(), 60);

        // Another address, then a client that is in memory, then one name more each second.
        let malformed = "400 invalid_grant id_token is malformed";
        assert_eq!(delegate(&engine, "caller", "203.0.113.8").await, malformed);
        assert_eq!(delegate(&engine, "caller", "203.0.113.7").await, malformed);
        assert_eq!(delegate(&engine, "storage", "203.0.113.7").await, limited);
        assert_eq!(queries(), 61);
        clock.advance(1);
        assert_eq!(delegate(&engine, "storage", "203.0.113.7").await, malformed);
        assert_eq!(delegate(&engine, "nobody", "203.0.113.7").await, unknown);
        assert_eq!(delegate(&engine, "nobody else", "203.0.113.7").await, limited);
        assert_eq!(queries(), 63);
    }
}
