//! What each kind of fault does to requests and sockets.

use std::time::Duration;

use local_cloud::FaultKind;
use serde_json::json;
use tokio_tungstenite::tungstenite::Error;

use crate::client::{Client, Closed, TASKS, ask, bearer, cloud, control, fault, noted, post};

const WHO: &str = "{ whoami { user_id } }";
const ADD: &str = "mutation { insert_task(text: \"a\") { id } }";

fn status(code: u16) -> FaultKind {
    FaultKind::Status { code, body: None, retry_after: Some(7) }
}

#[tokio::test]
async fn requests_are_rejected_failed_and_dropped() {
    let cloud = cloud().await;
    let a = bearer(&cloud, "user_a", "");
    fault(&cloud, "Query whoami", FaultKind::Reject { message: None });
    let error = ask(&cloud, &a, WHO).await["errors"][0].clone();
    assert_eq!(error["extensions"]["code"], "invalid-jwt");
    assert_eq!(error["message"], "Could not verify JWT: JWTExpired");
    fault(&cloud, "POST /v1/graphql", FaultKind::Reject { message: Some("not today".into()) });
    assert_eq!(ask(&cloud, &a, WHO).await["errors"][0]["message"], "not today");
    fault(&cloud, "whoami", status(503));
    let (code, _) = post(&cloud, &[("authorization", &a)], json!({ "query": WHO })).await;
    assert_eq!(code, 503);
    fault(&cloud, "", FaultKind::Drop);
    let url = format!("{}/v1/graphql", cloud.origin());
    assert!(reqwest::Client::new().post(url).body("{}").send().await.is_err());
    assert_eq!(ask(&cloud, &a, WHO).await["data"]["whoami"]["user_id"], "user_a");
    let entries = noted(&cloud, "Query whoami");
    assert_eq!(entries.len(), 4);
    assert_eq!(
        (&entries[2].detail["fault"]["kind"], &entries[2].detail["status"]),
        (&json!("status"), &json!(503))
    );
}

#[tokio::test]
async fn a_held_mutation_is_done_and_a_delayed_one_is_not_yet() {
    let cloud = cloud().await;
    let a = bearer(&cloud, "user_a", "");
    let mut client = Client::signed_in(&cloud, &a).await;
    client.subscribe("1", TASKS).await;
    client.texts().await;
    fault(&cloud, "Mutation insert_task", FaultKind::Hold);
    let held = ask(&cloud, &a, ADD);
    let seen = async {
        assert_eq!(client.texts().await, ["a"]);
        assert_eq!(noted(&cloud, "Mutation insert_task").len(), 1);
        cloud.faults.release();
    };
    assert_eq!(tokio::join!(held, seen).0["data"]["insert_task"]["id"], "2");
    // A token that expires while its request is delayed has expired when it is handled.
    fault(&cloud, "Query whoami", FaultKind::Delay { ms: 30 });
    let late = ask(&cloud, &a, WHO);
    let expire = async { cloud.clock.set_offset_ms(61_000) };
    assert_eq!(tokio::join!(biased; expire, late).1["errors"][0]["extensions"]["code"], "invalid-jwt");
}

#[tokio::test]
async fn an_introduction_can_fail_in_every_way() {
    let cloud = cloud().await;
    let headers = json!({ "Authorization": bearer(&cloud, "user_a", "") });
    let ends = [
        (FaultKind::Reject { message: None }, Closed::forbidden()),
        (status(500), Closed::Frame(1011, "status 500".into())),
        (FaultKind::Drop, Closed::Cut),
    ];
    for (kind, end) in ends {
        fault(&cloud, "^Init$", kind);
        assert_eq!(Client::init(&cloud, headers.clone()).await.closed().await, end);
    }
    fault(&cloud, "^Init$", FaultKind::Hold);
    let mut client = Client::init(&cloud, headers.clone()).await;
    while noted(&cloud, "Init").len() < 4 {
        tokio::task::yield_now().await;
    }
    cloud.faults.release();
    client.expect("connection_ack").await;
    fault(&cloud, "^Init$", FaultKind::Hang);
    let mut client = Client::init(&cloud, headers).await;
    tokio::time::pause();
    let heard = tokio::time::timeout(Duration::from_secs(3600), client.next()).await;
    assert!(heard.is_err(), "{heard:?}");
}

#[tokio::test]
async fn operations_and_pushes_of_a_socket_fail_on_their_own() {
    let cloud = cloud().await;
    let a = bearer(&cloud, "user_a", "");
    let mut client = Client::signed_in(&cloud, &a).await;
    fault(&cloud, "Subscription tasks", FaultKind::Reject { message: None });
    client.subscribe("1", TASKS).await;
    assert_eq!(client.expect("error").await["payload"][0]["extensions"]["code"], "invalid-jwt");
    fault(&cloud, "Query whoami", FaultKind::Hang);
    client.subscribe("2", WHO).await;
    fault(&cloud, "Push tasks", FaultKind::Hold);
    client.subscribe("3", TASKS).await;
    while noted(&cloud, "Push tasks").is_empty() {
        tokio::task::yield_now().await;
    }
    ask(&cloud, &a, ADD).await;
    cloud.faults.release();
    // What was on its way is told as it was, and then what has changed since.
    assert!(client.texts().await.is_empty());
    assert_eq!(client.texts().await, ["a"]);
    fault(&cloud, "Push tasks", FaultKind::Drop);
    ask(&cloud, &a, ADD).await;
    assert_eq!(client.closed().await, Closed::Cut);
}

#[tokio::test]
async fn the_service_can_be_offline() {
    let cloud = cloud().await;
    let a = bearer(&cloud, "user_a", "");
    let mut client = Client::signed_in(&cloud, &a).await;
    fault(&cloud, "/v1/graphql", FaultKind::Drop);
    assert_eq!(control(&cloud, "drop", json!({})).await, 204);
    assert_eq!(client.closed().await, Closed::Cut);
    assert!(Client::try_open(&cloud, "graphql-transport-ws").await.is_err());
    fault(&cloud, "GET /v1/graphql", status(503));
    match Client::try_open(&cloud, "graphql-transport-ws").await {
        Err(Error::Http(response)) => assert_eq!(response.status(), 503),
        _ => panic!("the upgrade is refused"),
    }
    Client::signed_in(&cloud, &a).await;
}
