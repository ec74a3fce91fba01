//! Lists in pages, while they are written.

use std::collections::BTreeMap;

use locum_testing::ACME;
use serde_json::{Value, json};

use crate::test_service::{TestService, with_all};

async fn create(service: &TestService, id: &str) {
    let body = json!({"name": id, "client_id": id, "is_first_party": !id.contains("third")});
    assert_eq!(service.post(&with_all(), "/clients", body).await.status, 201);
}

fn ids(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|entry| entry["client_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pages_have_all_clients_in_the_order_of_their_ids() {
    for service in TestService::each().await {
        for number in 0..7 {
            create(&service, &format!("c{number}")).await;
        }
        let all = ids(&service.get(&with_all(), "/clients").await.ok());
        let of_acme = format!("of-{ACME}");
        assert_eq!(all, ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "crm", &of_acme, "worker"]);
        let mut paged = Vec::new();
        for page in 0..4 {
            let reply = service
                .get(&with_all(), &format!("/clients?page={page}&per_page=3&include_totals=true"))
                .await
                .ok();
            assert_eq!(
                (&reply["total"], &reply["start"], &reply["limit"]),
                (&json!(10), &json!(page * 3), &json!(3))
            );
            assert_eq!(reply["length"], reply["clients"].as_array().unwrap().len());
            paged.extend(ids(&reply["clients"]));
        }
        assert_eq!(paged, all);
        assert_eq!(service.get(&with_all(), "/clients?page=4&per_page=3").await.ok(), json!([]));
    }
}

#[tokio::test]
async fn filters_select_clients_before_they_are_paged() {
    let service = TestService::new().await;
    for id in ["a-third", "b", "c-third", "d-third"] {
        create(&service, id).await;
    }
    let global = json!({"name": "All Applications", "client_id": "all", "global": true});
    assert_eq!(service.post(&with_all(), "/clients", global).await.status, 201);
    let list = async |query: &str| service.get(&with_all(), &format!("/clients?{query}")).await.ok();
    assert_eq!(ids(&list("is_global=true").await), ["all"]);
    assert_eq!(list("is_global=false&include_totals=true").await["total"], 7);
    let third = list("is_first_party=false&per_page=2&include_totals=true").await;
    assert_eq!(
        (ids(&third["clients"]), &third["total"]),
        (vec!["a-third".to_owned(), "c-third".to_owned()], &json!(3))
    );
    assert_eq!(ids(&list("is_first_party=false&per_page=2&page=1").await), ["d-third"]);
    let first = list("is_first_party=false&take=2").await;
    let rest = list(&format!("is_first_party=false&take=2&from={}", first["next"].as_str().unwrap())).await;
    assert_eq!((ids(&rest["clients"]), rest.get("next")), (vec!["d-third".to_owned()], None));
}

/// Clients that are there all the time are in exactly one page, whatever is created and deleted meanwhile.
#[tokio::test]
async fn checkpoints_skip_and_repeat_nothing_while_clients_are_written() {
    for service in TestService::each().await {
        for number in 0..30 {
            create(&service, &format!("stays-{number:02}")).await;
            create(&service, &format!("goes-{number:02}")).await;
        }
        let writes = async {
            for number in 0..30 {
                let path = format!("/clients/goes-{number:02}");
                assert_eq!(service.delete(&with_all(), &path).await.status, 204);
                create(&service, &format!("comes-{:02}", 29 - number)).await;
            }
        };
        let reads = async {
            let (mut seen, mut from) = (BTreeMap::<String, usize>::new(), String::new());
            loop {
                let page = service.get(&with_all(), &format!("/clients?take=4{from}")).await.ok();
                ids(&page["clients"]).into_iter().for_each(|id| *seen.entry(id).or_default() += 1);
                match page.get("next") {
                    Some(next) => from = format!("&from={}", next.as_str().unwrap()),
                    None => break seen,
                }
            }
        };
        let ((), seen) = tokio::join!(writes, reads);
        assert!(seen.values().all(|count| *count == 1), "{seen:?}");
        assert_eq!(seen.keys().filter(|id| id.starts_with("stays-")).count(), 30, "{seen:?}");
    }
}
