use std::time::{Duration, Instant};

use local_cloud::FaultKind;
use serde_json::{Value, json};

use crate::support::{Answer, PAGE, TestCloud};

const TOO_MANY: FaultKind = FaultKind::Status { code: 429, body: None, retry_after: Some(7) };

#[tokio::test]
async fn a_429_tells_when_to_come_back() {
    let on = TestCloud::start().await;
    let (browser, session) = on.signed_in("user_ada", None).await;
    on.fault("/tokens$", Some(1), TOO_MANY);
    assert_eq!(browser.mint(&session, "convex").await.status, 200, "only the session token is hit");
    let refused = browser.mint(&session, "").await;
    assert_eq!((refused.status, refused.code()), (429, "too_many_requests"));
    let header =
        |name: &str| refused.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    assert_eq!(header("retry-after"), "7");
    assert!(header("access-control-expose-headers").contains("Retry-After"), "or a page could not read it");
    assert_eq!(header("access-control-allow-origin"), PAGE);
    assert_eq!(header("access-control-allow-credentials"), "true");
    assert_eq!(browser.mint(&session, "").await.status, 200, "used up");
}

#[tokio::test]
async fn a_status_can_have_any_body() {
    let on = TestCloud::start().await;
    let (browser, session) = on.signed_in("user_ada", None).await;
    let status = |code, body: Value| FaultKind::Status { code, body: Some(body), retry_after: None };
    on.fault("/tokens", Some(1), FaultKind::Status { code: 503, body: None, retry_after: None });
    on.fault("/tokens", Some(1), status(200, json!({ "object": "token", "jwt": "garbage" })));
    on.fault("/tokens", Some(1), status(502, json!("<html>bad gateway</html>")));
    assert_eq!(browser.mint(&session, "").await.code(), "internal_clerk_error");
    assert_eq!(browser.mint(&session, "").await.text("/jwt"), "garbage");
    let gateway = browser.mint(&session, "").await;
    assert_eq!((gateway.status, gateway.body), (502, json!("<html>bad gateway</html>")));
}

#[tokio::test]
async fn a_dropped_connection_has_no_answer() {
    let on = TestCloud::start().await;
    let (browser, session) = on.signed_in("user_ada", None).await;
    on.fault("/tokens", Some(1), FaultKind::Drop);
    let path = format!("/client/sessions/{session}/tokens");
    assert!(browser.request("POST", &path, &[]).send().await.is_err());
    assert_eq!(browser.mint(&session, "").await.status, 200);
}

#[tokio::test]
async fn a_delay_waits_before_and_late_waits_after_handling() {
    let on = TestCloud::start().await;
    let (browser, session) = on.signed_in("user_ada", None).await;
    for kind in [FaultKind::Delay { ms: 30 }, FaultKind::Late { ms: 30 }] {
        on.fault("/tokens", Some(1), kind);
        let start = Instant::now();
        assert_eq!(browser.mint(&session, "").await.status, 200);
        assert!(start.elapsed() >= Duration::from_millis(30));
    }
}

#[tokio::test]
async fn a_held_answer_was_made_when_asked_and_comes_when_released() {
    let on = TestCloud::start().await;
    let (browser, session) = on.signed_in("user_ada", None).await;
    on.fault("/tokens", Some(1), FaultKind::Hold);
    let path = format!("/client/sessions/{session}/tokens");
    let asked = on.cloud.log.last();
    let held = tokio::spawn(browser.request("POST", &path, &[]).send());
    while on.cloud.log.last() == asked {
        tokio::task::yield_now().await;
    }
    assert!(on.cloud.log.since(asked, None)[0].detail.get("status").is_none(), "not answered yet");
    on.control("fault/release", json!({})).await;
    let answer = Answer::read(held.await.expect("the task ends").expect("an answer")).await;
    assert_eq!(answer.status, 200);
    assert_eq!(on.cloud.log.since(asked, None)[0].detail["status"], 200);
}

#[tokio::test]
async fn a_hung_request_stays_open_and_is_logged() {
    let on = TestCloud::start().await;
    let (browser, session) = on.signed_in("user_ada", None).await;
    on.fault("/tokens", Some(1), FaultKind::Hang);
    let path = format!("/client/sessions/{session}/tokens");
    let hung = browser.request("POST", &path, &[]).timeout(Duration::from_millis(100)).send().await;
    assert!(hung.expect_err("no answer").is_timeout());
    let entries = on.cloud.log.since(0, Some("clerk"));
    let entry = entries.last().expect("logged");
    assert_eq!(entry.detail["fault"], json!({ "kind": "hang" }));
    assert_eq!(entry.user.as_deref(), Some("user_ada"));
}

#[tokio::test]
async fn a_rejection_is_a_401() {
    let on = TestCloud::start().await;
    let (browser, session) = on.signed_in("user_ada", None).await;
    on.fault("/tokens", Some(1), FaultKind::Reject { message: None });
    let refused = browser.mint(&session, "").await;
    assert_eq!((refused.status, refused.code()), (401, "authentication_invalid"));
    assert_eq!(browser.mint(&session, "").await.status, 200, "the session itself is well");
}
