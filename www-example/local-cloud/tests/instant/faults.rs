//! What each kind of fault does to calls and sockets.

use local_cloud::FaultKind;
use local_cloud::instant::APP_ID;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

use crate::client::{
    Client, ID, TEXT, cloud, exchange, fault, living, noted, post, sign_in, token, values, verify,
};

fn status(code: u16) -> FaultKind {
    FaultKind::Status { code, body: None, retry_after: Some(7) }
}

#[tokio::test]
async fn calls_can_fail_with_a_status() {
    let cloud = cloud().await;
    for (code, kind) in [(429, "rate-limited"), (503, "unknown")] {
        fault(&cloud, "id_token", Some(1), status(code));
        let (status, body) = exchange(&cloud, &token(&cloud, "user_ada", json!({})), None).await;
        assert_eq!((status, &body["type"]), (code, &json!(kind)));
    }
    let body = Some(json!("not JSON"));
    fault(&cloud, "^POST /runtime/", Some(1), FaultKind::Status { code: 502, body, retry_after: None });
    assert_eq!(exchange(&cloud, "any", None).await, (502, json!("not JSON")));
    assert_eq!(living(&cloud).await, json!({}));
    let told: Vec<_> =
        noted(&cloud, "id_token").into_iter().map(|entry| entry.detail["status"].clone()).collect();
    assert_eq!(told, [json!(429), json!(503), json!(502)]);
}

#[tokio::test]
async fn a_rejected_call_reads_as_expired_or_revoked() {
    let cloud = cloud().await;
    let (_, session) = sign_in(&cloud, "user_ada").await;
    fault(&cloud, "", Some(3), FaultKind::Reject { message: None });
    let (_, body) = exchange(&cloud, &token(&cloud, "user_ada", json!({})), None).await;
    assert_eq!(body, json!({ "type": "oauth-error", "error": "Error validating JWT. Token is expired." }));
    assert_eq!(verify(&cloud, &session).await.1["hint"], json!({ "record-type": "app-user" }));
    assert!(Client::refused_upgrade(&cloud).await);
    fault(&cloud, "id_token", Some(1), FaultKind::Reject { message: Some("not today".into()) });
    assert_eq!(exchange(&cloud, "any", None).await.1["error"], "not today");
}

#[tokio::test]
async fn a_held_exchange_is_done_and_answered_on_release() {
    let cloud = cloud().await;
    fault(&cloud, "id_token", Some(1), FaultKind::Hold);
    let (id_token, server) = (token(&cloud, "user_ada", json!({})), cloud.clone());
    let exchange = tokio::spawn(async move { exchange(&server, &id_token, None).await });
    while living(&cloud).await != json!({ "user_ada": 1 }) {}
    let entry = noted(&cloud, "id_token").pop().expect("it is logged");
    assert_eq!((&entry.detail["created"], entry.detail.get("status")), (&json!(true), None));
    cloud.faults.release();
    assert_eq!(exchange.await.expect("no panic").0, 200);
    assert_eq!(noted(&cloud, "id_token")[0].detail["status"], 200);
}

#[tokio::test]
async fn a_dropped_call_has_no_answer_and_no_effect() {
    let cloud = cloud().await;
    fault(&cloud, "sign_in_guest", Some(1), FaultKind::Drop);
    let url = format!("{}/__instant/runtime/auth/sign_in_guest", cloud.origin());
    let call = async || reqwest::Client::new().post(&url).json(&json!({ "app-id": APP_ID })).send().await;
    assert!(call().await.is_err());
    assert_eq!(living(&cloud).await, json!({}));
    assert!(call().await.is_ok());
    assert_eq!(noted(&cloud, "sign_in_guest").len(), 2);
}

#[tokio::test]
async fn delayed_and_late_calls_are_answered_in_the_end() {
    let cloud = cloud().await;
    for kind in [FaultKind::Delay { ms: 5 }, FaultKind::Late { ms: 5 }] {
        fault(&cloud, "id_token", Some(1), kind);
        sign_in(&cloud, "user_ada").await;
    }
    fault(&cloud, "transact", Some(1), FaultKind::Delay { ms: 5 });
    let (_, session) = sign_in(&cloud, "user_ada").await;
    let mut client = Client::watching(&cloud, Some(&session)).await;
    client.add("delayed").await;
    // Other messages go on meanwhile.
    client.watch().await;
    client.expect("add-query-exists").await;
    client.expect("transact-ok").await;
    assert_eq!(values(&client.expect("refresh-ok").await, TEXT), [json!("delayed")]);
}

#[tokio::test]
async fn a_rejected_init_reads_as_a_revoked_session() {
    let cloud = cloud().await;
    let (_, session) = sign_in(&cloud, "user_ada").await;
    fault(&cloud, "^init$", Some(1), FaultKind::Reject { message: None });
    let (_, error) = Client::init(&cloud, Some(&session)).await;
    assert_eq!((&error["op"], &error["hint"]), (&json!("error"), &json!({ "record-type": "app-user" })));
    let (mut client, answer) = Client::init(&cloud, Some(&session)).await;
    assert_eq!(answer["op"], "init-ok");
    fault(&cloud, "^transact$", Some(1), FaultKind::Reject { message: None });
    client.add("rejected").await;
    client.refused("permission-denied").await;
    fault(&cloud, "^transact$", Some(1), status(500));
    client.add("failed").await;
    assert_eq!(client.refused("unknown").await["status"], 500);
    client.watch().await;
    assert!(values(&client.expect("add-query-ok").await, ID).is_empty());
}

#[tokio::test]
async fn a_held_transaction_is_visible_before_it_is_confirmed() {
    let cloud = cloud().await;
    let (_, session) = sign_in(&cloud, "user_ada").await;
    let mut client = Client::watching(&cloud, Some(&session)).await;
    fault(&cloud, "^transact$", Some(1), FaultKind::Hold);
    client.add("held").await;
    assert_eq!(values(&client.expect("refresh-ok").await, TEXT), [json!("held")]);
    cloud.faults.release();
    client.expect("transact-ok").await;
}

#[tokio::test]
async fn a_held_query_is_brought_up_to_date_after_its_first_result() {
    let cloud = cloud().await;
    let (_, session) = sign_in(&cloud, "user_ada").await;
    let (mut client, _) = Client::init(&cloud, Some(&session)).await;
    fault(&cloud, "^add-query$", Some(1), FaultKind::Hold);
    client.watch().await;
    client.add("later").await;
    client.expect("transact-ok").await;
    cloud.faults.release();
    assert!(values(&client.expect("add-query-ok").await, TEXT).is_empty());
    assert_eq!(values(&client.expect("refresh-ok").await, TEXT), [json!("later")]);
}

#[tokio::test]
async fn messages_can_be_ignored_or_answered_by_a_cut() {
    let cloud = cloud().await;
    let (mut client, _) = Client::init(&cloud, None).await;
    fault(&cloud, "^add-query$", Some(1), FaultKind::Hang);
    client.watch().await;
    client.send(json!({ "op": "remove-query", "q": { "tasks": {} } })).await;
    client.expect("remove-query-ok").await;
    fault(&cloud, "^add-query$", Some(1), FaultKind::Drop);
    client.watch().await;
    assert_eq!(client.next().await, None);
}

impl Client {
    /// Whether the next upgrade is refused with an answer.
    async fn refused_upgrade(cloud: &local_cloud::Cloud) -> bool {
        let url = format!("{}/__instant/runtime/session", cloud.origin().replace("http://", "ws://"));
        matches!(tokio_tungstenite::connect_async(url).await, Err(Error::Http(_)))
    }
}

#[tokio::test]
async fn sockets_can_be_refused() {
    let cloud = cloud().await;
    fault(&cloud, "GET /runtime/session", Some(1), status(503));
    assert!(Client::refused_upgrade(&cloud).await);
    fault(&cloud, "GET /runtime/session", Some(1), FaultKind::Drop);
    assert!(!Client::refused_upgrade(&cloud).await);
    assert!(noted(&cloud, "open").is_empty());
    Client::init(&cloud, None).await;
    assert_eq!(noted(&cloud, "open").len(), 1);
}

#[tokio::test]
async fn control_requests_that_are_misspelt_are_refused() {
    let cloud = cloud().await;
    let (status, body) = post(&cloud, "/__control/instant/revoke", json!({ "user": "user_ada" })).await;
    assert_eq!(status, 400);
    assert_ne!(body["error"], Value::Null);
}
