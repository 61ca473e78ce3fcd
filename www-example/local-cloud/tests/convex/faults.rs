//! What each kind of fault does to a sync connection.

use local_cloud::FaultKind;
use serde_json::json;
use tokio_tungstenite::tungstenite::Error;

use crate::client::{Client, Closed, cloud, fault, noted, token};

fn status(code: u16) -> FaultKind {
    FaultKind::Status { code, body: None, retry_after: None }
}

fn internal() -> Closed {
    Closed::Frame(1011, "InternalServerError".into())
}

#[tokio::test]
async fn rule5_an_unavailable_verifier_closes_without_an_auth_error() {
    let cloud = cloud().await;
    fault(&cloud, "^Authenticate$", Some(1), status(503));
    let mut client = Client::connect(&cloud).await;
    client.authenticate(0, &token(&cloud, "user_a")).await;
    assert_eq!(client.closed().await, internal());
    assert!(noted(&cloud, "AuthError").is_empty());
    Client::signed_in(&cloud, &token(&cloud, "user_a")).await;
}

#[tokio::test]
async fn a_good_token_can_be_rejected_a_number_of_times() {
    let cloud = cloud().await;
    let message = Some("not today".to_string());
    fault(&cloud, "^Authenticate$", Some(2), FaultKind::Reject { message });
    for _ in 0..2 {
        let mut client = Client::connect(&cloud).await;
        client.authenticate(0, &token(&cloud, "user_a")).await;
        let error = client.expect("AuthError").await;
        assert_eq!((&error["error"], &error["authUpdateAttempted"]), (&json!("not today"), &json!(true)));
        assert_eq!(client.closed().await, Closed::Frame(1005, String::new()));
    }
    Client::signed_in(&cloud, &token(&cloud, "user_a")).await;
}

#[tokio::test]
async fn a_rejected_call_reads_as_an_expired_identity() {
    let cloud = cloud().await;
    fault(&cloud, "Mutation tasks:add", Some(1), FaultKind::Reject { message: None });
    let mut client = Client::signed_in(&cloud, &token(&cloud, "user_a")).await;
    client.mutate(0, "tasks:add", json!({ "text": "a" })).await;
    assert_eq!(client.expect("AuthError").await["authUpdateAttempted"], false);
    assert!(noted(&cloud, "Mutation tasks:add").is_empty());
}

#[tokio::test]
async fn a_held_mutation_is_done_and_its_repetition_is_answered() {
    let cloud = cloud().await;
    fault(&cloud, "Mutation tasks:add", Some(1), FaultKind::Hold);
    let mut client = Client::signed_in(&cloud, &token(&cloud, "user_a")).await;
    client.watch(0, "tasks:list").await;
    client.transition().await;
    client.mutate(0, "tasks:add", json!({ "text": "a" })).await;
    // Its effect is visible although its response is held.
    assert_eq!(Client::value(&client.transition().await, 0)[0]["text"], "a");
    let drop = format!("{}/__control/convex/drop", cloud.origin());
    let answer = reqwest::Client::new().post(drop).send().await.expect("it answers");
    assert_eq!(answer.status(), 204);
    assert_eq!(client.closed().await, Closed::Cut);
    let mut client = Client::signed_in(&cloud, &token(&cloud, "user_a")).await;
    client.mutate(0, "tasks:add", json!({ "text": "a" })).await;
    assert_eq!(client.expect("MutationResponse").await["success"], true);
    assert_eq!(noted(&cloud, "Mutation tasks:add").len(), 1);
}

#[tokio::test]
async fn a_held_confirmation_comes_when_faults_are_released() {
    let cloud = cloud().await;
    fault(&cloud, "^Authenticate$", Some(1), FaultKind::Hold);
    let mut client = Client::connect(&cloud).await;
    client.authenticate(0, &token(&cloud, "user_a")).await;
    // The connection works on meanwhile, and already as the new caller.
    client.act(0, "users:whoamiAction", json!({})).await;
    assert_eq!(client.expect("ActionResponse").await["result"]["userId"], "user_a");
    cloud.faults.release();
    assert_eq!(client.transition().await["endVersion"]["identity"], 1);
}

#[tokio::test]
async fn a_slow_query_does_not_keep_a_mutation_from_its_response() {
    let cloud = cloud().await;
    fault(&cloud, "Query tasks:list", Some(1), FaultKind::Hold);
    let mut client = Client::signed_in(&cloud, &token(&cloud, "user_a")).await;
    client.watch(0, "tasks:list").await;
    client.mutate(0, "tasks:add", json!({ "text": "a" })).await;
    client.expect("MutationResponse").await;
    cloud.faults.release();
    assert_eq!(Client::value(&client.transition().await, 0), &json!([]));
    assert_eq!(Client::value(&client.transition().await, 0)[0]["text"], "a");
}

#[tokio::test]
async fn functions_fail_with_the_message_of_a_status_fault() {
    let cloud = cloud().await;
    fault(&cloud, "users:whoami$", Some(1), status(500));
    let body = Some(json!({ "message": "out of order" }));
    fault(&cloud, "tasks:slow", Some(1), FaultKind::Status { code: 500, body, retry_after: None });
    let mut client = Client::connect(&cloud).await;
    client.watch(0, "users:whoami").await;
    assert_eq!(client.transition().await["modifications"][0]["errorMessage"], "Server Error");
    client.act(0, "tasks:slow", json!({ "ms": 0 })).await;
    assert_eq!(client.expect("ActionResponse").await["result"], "out of order");
}

#[tokio::test]
async fn messages_can_be_answered_by_closing_or_by_a_cut() {
    let cloud = cloud().await;
    fault(&cloud, "^ModifyQuerySet$", Some(1), status(500));
    let mut client = Client::connect(&cloud).await;
    client.watch(0, "public:ping").await;
    assert_eq!(client.closed().await, internal());
    for message in ["^Connect$", "^ModifyQuerySet$", "Query public:ping"] {
        fault(&cloud, message, Some(1), FaultKind::Drop);
        let mut client = Client::connect(&cloud).await;
        client.watch(0, "public:ping").await;
        assert_eq!(client.closed().await, Closed::Cut, "{message}");
    }
}

#[tokio::test]
async fn a_hung_message_leaves_the_connection_open_and_silent() {
    let cloud = cloud().await;
    fault(&cloud, "^Authenticate$", Some(1), FaultKind::Hang);
    let mut client = Client::connect(&cloud).await;
    client.authenticate(0, &token(&cloud, "user_a")).await;
    tokio::time::pause();
    let heard = tokio::time::timeout(std::time::Duration::from_secs(3600), client.next()).await;
    assert!(heard.is_err(), "{heard:?}");
}

#[tokio::test]
async fn a_hung_query_does_not_hang_the_rest() {
    let cloud = cloud().await;
    fault(&cloud, "Query tasks:list", Some(1), FaultKind::Hang);
    let mut client = Client::signed_in(&cloud, &token(&cloud, "user_a")).await;
    client.watch(0, "tasks:list").await;
    client.act(0, "users:whoamiAction", json!({})).await;
    client.expect("ActionResponse").await;
}

#[tokio::test]
async fn connections_can_be_refused() {
    let cloud = cloud().await;
    let url = format!("{}/api/1.48.0/sync", cloud.origin().replace("http://", "ws://"));
    fault(&cloud, "GET /api/", Some(1), status(503));
    match tokio_tungstenite::connect_async(&url).await {
        Err(Error::Http(response)) => assert_eq!(response.status(), 503),
        other => panic!("{other:?}"),
    }
    fault(&cloud, "GET /api/", Some(1), FaultKind::Drop);
    assert!(tokio_tungstenite::connect_async(&url).await.is_err());
    assert!(tokio_tungstenite::connect_async(&url).await.is_ok());
}

#[tokio::test]
async fn a_late_action_is_answered_late_and_a_delayed_one_starts_late() {
    let cloud = cloud().await;
    let mut client = Client::connect(&cloud).await;
    client.act(0, "users:whoamiAction", json!({})).await;
    client.expect("ActionResponse").await;
    client.transition().await;
    tokio::time::pause();
    for (kind, ran) in [(FaultKind::Late { ms: 4000 }, 3), (FaultKind::Delay { ms: 4000 }, 4)] {
        let start = tokio::time::Instant::now();
        fault(&cloud, "Action", Some(1), kind);
        client.act(1, "users:whoamiAction", json!({})).await;
        client.act(2, "users:whoamiAction", json!({})).await;
        assert_eq!(client.expect("ActionResponse").await["requestId"], 2);
        assert_eq!(noted(&cloud, "Action users:whoamiAction").len(), ran);
        client.transition().await;
        assert_eq!(client.expect("ActionResponse").await["requestId"], 1);
        assert!(start.elapsed() >= std::time::Duration::from_secs(4));
        client.transition().await;
    }
}
