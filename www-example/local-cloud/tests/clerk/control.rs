use local_cloud::{Folders, VerifyError};
use serde_json::json;

use crate::support::{PAGE, TestCloud};

#[tokio::test]
async fn faults_are_added_listed_and_cleared_over_http() {
    let on = TestCloud::start().await;
    let (browser, session) = on.signed_in("user_ada", None).await;
    let one = json!({ "service": "clerk", "pattern": "/tokens", "kind": "status", "code": 500 });
    let ids = on.control("fault", json!([one, { "service": "convex", "kind": "drop", "times": 2 }])).await;
    assert_eq!(ids.body["ids"].as_array().map(Vec::len), Some(2));
    assert_eq!(on.get("/__control/fault").await.body["faults"][1]["times"], 2);
    assert_eq!(browser.mint(&session, "").await.status, 500);
    on.control("fault/clear", json!({ "id": ids.body["ids"][0] })).await;
    assert_eq!(browser.mint(&session, "").await.status, 200);
    assert_eq!(on.get("/__control/fault").await.body["faults"].as_array().map(Vec::len), Some(1));
    on.control("fault/clear", json!({})).await;
    assert_eq!(on.get("/__control/fault").await.body["faults"], json!([]));
}

#[tokio::test]
async fn nonsense_is_refused_with_a_reason() {
    let on = TestCloud::start().await;
    let cases = [
        ("fault", json!({ "service": "clerk", "kind": "earthquake" }), 400),
        ("fault", json!(3), 400),
        ("clock", json!({}), 400),
        ("clock", json!({ "offsetMs": 1, "typo": 2 }), 400),
        ("ticket", json!({ "userId": "user_nobody" }), 404),
        ("session", json!({ "userId": "user_nobody" }), 404),
        ("session", json!({ "userId": "user_ada", "orgId": "org_nowhere" }), 404),
        ("session", json!({ "userId": "user_ada", "status": "odd" }), 400),
        ("session", json!({ "userId": "user_ada", "dbJwt": "dvb_unknown" }), 409),
        ("revoke", json!({}), 400),
        ("templates", json!({ "name": "nosuch", "remove": true }), 404),
        ("tokens", json!({ "template": "nosuch" }), 404),
        ("membership", json!({ "userId": "user_ada", "orgId": "org_nowhere" }), 404),
        ("nosuch", json!({}), 404),
    ];
    for (path, body, status) in cases {
        let refused = on.control(path, body.clone()).await;
        assert_eq!(refused.status, status, "{path} {body}");
        assert!(refused.body["error"].is_string(), "{path} {body}");
    }
    assert_eq!(on.get("/__control/log?since=x").await.status, 400);
}

#[tokio::test]
async fn the_log_is_read_from_a_cursor_and_by_service() {
    let on = TestCloud::start().await;
    let (browser, session) = on.signed_in("user_ada", None).await;
    let cursor = on.get("/__control/log").await.body["last"].clone();
    browser.mint(&session, "convex").await;
    on.cloud.note("convex", "Connect", None, json!({}));
    let log = on.get(&format!("/__control/log?since={cursor}&service=clerk")).await;
    let entries = log.body["entries"].as_array().expect("a list");
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["what"], json!(format!("POST /v1/client/sessions/{session}/tokens/convex")));
    assert_eq!((&entries[0]["user"], &entries[0]["detail"]["status"]), (&json!("user_ada"), &json!(200)));
}

#[tokio::test]
async fn reset_goes_back_to_the_seed() {
    let on = TestCloud::start().await;
    let (browser, _) = on.signed_in("user_ada", None).await;
    on.control("fault", json!({ "service": "*", "kind": "hang" })).await;
    on.control("clock", json!({ "offsetMs": 5000 })).await;
    on.control("templates", json!({ "name": "convex", "remove": true })).await;
    on.control("reset", json!({})).await;
    let state = on.get("/__control/state").await;
    assert_eq!((&state.body["faults"], &state.body["clock"]["offsetMs"]), (&json!([]), &json!(0)));
    assert_eq!(state.body["clerk"]["users"].as_object().map(|users| users.len()), Some(3));
    assert_eq!(state.body["clerk"]["sessions"], json!({}));
    assert!(state.body["clerk"]["templates"]["convex"].is_object());
    assert_eq!(browser.call("GET", "/client", &[]).await.code(), "dev_browser_unauthenticated");
}

#[tokio::test]
async fn a_preflight_is_granted() {
    let on = TestCloud::start().await;
    let request = on
        .http
        .request(reqwest::Method::OPTIONS, on.url("/__clerk/v1/client"))
        .header("origin", PAGE)
        .header("access-control-request-headers", "x-mobile");
    let granted = request.send().await.expect("an answer");
    assert_eq!(granted.status(), 204);
    assert_eq!(granted.headers()["access-control-allow-headers"], "x-mobile");
    assert_eq!(granted.headers()["access-control-allow-origin"], PAGE);
}

#[tokio::test]
async fn pages_and_clerk_js_are_served_from_their_folders() {
    let folder = std::env::temp_dir().join(format!("local-cloud-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("assets")).expect("a folder");
    std::fs::write(folder.join("index.html"), "<p>home</p>").expect("a file");
    std::fs::write(folder.join("assets/a.wasm"), "wasm").expect("a file");
    let folders = Folders { clerk_js: Some(folder.join("assets")), pages: Some(folder.clone()) };
    let on = TestCloud::start_with(folders).await;

    assert_eq!(on.get("/").await.body, "<p>home</p>");
    assert_eq!(on.get("/some/route").await.body, "<p>home</p>");
    assert_eq!(on.get("/assets/a.wasm").await.headers["content-type"], "application/wasm");
    assert_eq!(on.get("/__clerk/npm/@clerk/clerk-js@6/dist/a.wasm").await.body, "wasm");
    assert_eq!(on.get("/__clerk/npm/@clerk/clerk-js@6/dist/none.js").await.status, 404);
    assert_eq!(on.get("/__clerk/npm/@clerk/clerk-js@6/dist/%2e%2e/index.html").await.status, 404);
    std::fs::remove_dir_all(folder).expect("removed");
}

#[tokio::test]
async fn extreme_settings_break_nothing() {
    let on = TestCloud::start().await;
    let (browser, session) = on.signed_in("user_ada", None).await;
    let odd = json!({ "exp": "never", "nbf": [], "sub": null, "o": "{{", "x": "}}{{user.id}}{{nosuch}}" });
    on.control("templates", json!({ "name": "odd", "claims": odd })).await;
    for offset_ms in [i64::MIN, -1, i64::MAX] {
        on.control("clock", json!({ "offsetMs": offset_ms })).await;
        for lifetime_seconds in [i64::MIN, 0, i64::MAX] {
            on.control("tokens", json!({ "lifetimeSeconds": lifetime_seconds })).await;
            for path in ["tokens", "tokens/convex", "touch"] {
                let path = format!("/client/sessions/{session}/{path}");
                assert_eq!(browser.call("POST", &path, &[]).await.status, 200);
            }
            let token = browser.mint(&session, "convex").await.text("/jwt");
            // Whether it is good does not matter here; that there is an answer does.
            on.cloud.keys.verify(&token, on.cloud.clock.now_ms()).ok();
        }
    }
    let token = browser.mint(&session, "odd").await.text("/jwt");
    assert!(matches!(on.cloud.keys.verify(&token, 0), Err(VerifyError::Malformed(_))));
}
