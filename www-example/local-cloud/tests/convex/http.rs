//! The HTTP calls: answers, refusals and faults.

use local_cloud::{Cloud, FaultKind};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, cloud, fault, noted, token, token_with, ts};

async fn post(cloud: &Cloud, call: &str, path: &str, args: Value, token: Option<&str>) -> (u16, Value) {
    let body = json!({ "path": path, "format": "convex_encoded_json", "args": [args] });
    let mut request = reqwest::Client::new()
        .post(format!("{}/api/{call}", cloud.origin()))
        .header("Content-Type", "application/json")
        .body(body.to_string());
    if let Some(token) = token {
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    let response = request.send().await.expect("it answers");
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
    let status = response.status().as_u16();
    let text = response.text().await.expect("the answer has a body");
    (status, serde_json::from_str(&text).expect("the body is JSON"))
}

#[tokio::test]
async fn calls_run_as_the_bearer_of_the_token_or_as_nobody() {
    let cloud = cloud().await;
    let (status, body) = post(&cloud, "query", "users:whoami", json!({}), None).await;
    assert_eq!((status, body), (200, json!({ "status": "success", "value": null, "logLines": [] })));
    let token = token(&cloud, "user_a");
    let (_, body) = post(&cloud, "action", "users:whoamiAction", json!({}), Some(&token)).await;
    assert_eq!(body["value"]["userId"], "user_a");
    let (_, body) = post(&cloud, "mutation", "tasks:add", json!({ "text": "a" }), Some(&token)).await;
    assert_eq!(body["status"], "success");
    let (_, body) = post(&cloud, "query", "tasks:list", json!({}), Some(&token)).await;
    assert_eq!(body["value"][0]["text"], "a");
    assert_eq!(noted(&cloud, "Mutation tasks:add")[0].user.as_deref(), Some("user_a"));
}

#[tokio::test]
async fn an_http_mutation_reaches_the_sync_connections() {
    let cloud = cloud().await;
    let token = token(&cloud, "user_a");
    let mut client = Client::signed_in(&cloud, &token).await;
    client.watch(0, "tasks:list").await;
    client.transition().await;
    post(&cloud, "mutation", "tasks:add", json!({ "text": "by http" }), Some(&token)).await;
    assert_eq!(Client::value(&client.transition().await, 0)[0]["text"], "by http");
}

#[tokio::test]
async fn a_bad_token_is_refused_with_401_and_runs_nothing() {
    let cloud = cloud().await;
    let now = cloud.clock.now_ms() / 1000;
    let bad = [
        (token_with(&cloud, "user_a", json!({ "exp": now })), "Unauthenticated"),
        (token_with(&cloud, "user_a", json!({ "aud": "other" })), "NoAuthProvider"),
        ("rubbish".to_string(), "InvalidAuthHeader"),
    ];
    for (token, code) in bad {
        let (status, body) = post(&cloud, "query", "users:whoami", json!({}), Some(&token)).await;
        assert_eq!((status, &body["code"]), (401, &json!(code)));
        assert!(body["message"].as_str().is_some());
    }
    assert!(noted(&cloud, "Query users:whoami").is_empty());
}

#[tokio::test]
async fn a_failed_function_is_560() {
    let cloud = cloud().await;
    let (status, body) = post(&cloud, "mutation", "tasks:add", json!({ "text": "a" }), None).await;
    assert_eq!((status, &body["status"]), (560, &json!("error")));
    assert_eq!(body["errorData"]["code"], "signed_out");
    let (status, body) = post(&cloud, "query", "tasks:nothing", json!({}), None).await;
    assert_eq!((status, body.get("errorData")), (560, None));
}

#[tokio::test]
async fn pages_of_other_origins_may_call() {
    let cloud = cloud().await;
    let url = format!("{}/api/query", cloud.origin());
    let answer = reqwest::Client::new().request(Method::OPTIONS, url).send().await.expect("it answers");
    assert_eq!(answer.status(), 204);
    let allowed = answer.headers()["access-control-allow-headers"].to_str().expect("text").to_lowercase();
    for header in ["authorization", "content-type", "convex-client"] {
        assert!(allowed.contains(header), "{allowed}");
    }
}

#[tokio::test]
async fn a_timestamp_can_be_asked_for_and_read_at() {
    let cloud = cloud().await;
    let (_, body) = post(&cloud, "query_ts", "", json!({}), None).await;
    assert!(ts(&body["ts"]) > 0);
    let (status, _) = post(&cloud, "query_at_ts", "public:ping", json!({}), None).await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn http_faults() {
    let cloud = cloud().await;
    let kind = FaultKind::Status { code: 429, body: None, retry_after: Some(7) };
    fault(&cloud, "POST /api/query", Some(1), kind);
    assert_eq!(post(&cloud, "query", "public:ping", json!({}), None).await.0, 429);
    fault(&cloud, "POST /api/query", Some(1), FaultKind::Reject { message: None });
    let (status, body) = post(&cloud, "query", "public:ping", json!({}), None).await;
    assert_eq!((status, &body["code"]), (401, &json!("Unauthenticated")));
    fault(&cloud, "Query public:ping", Some(1), FaultKind::Delay { ms: 5 });
    assert_eq!(post(&cloud, "query", "public:ping", json!({}), None).await.1["value"], "pong");
    fault(&cloud, "POST /api/query", Some(1), FaultKind::Drop);
    let url = format!("{}/api/query", cloud.origin());
    assert!(reqwest::Client::new().post(url).body("{}").send().await.is_err());
    assert_eq!(noted(&cloud, "Query public:ping").len(), 1);
}
