use serde_json::{Value, json};

use crate::support::TestCloud;

#[tokio::test]
async fn touch_switches_the_organisation() {
    let on = TestCloud::start().await;
    let (browser, session) = on.signed_in("user_ada", Some("org_acme")).await;
    let touch = format!("/client/sessions/{session}/touch");
    let form = [("active_organization_id", "org_globex"), ("intent", "select_org")];
    let touched = browser.call("POST", &touch, &form).await;
    assert_eq!(touched.text("/response/last_active_organization_id"), "org_globex");
    assert_eq!(browser.claims(&session, "").await["o"]["rol"], "member");
    assert_eq!(browser.claims(&session, "convex").await["org_id"], "org_globex");

    let focused = browser.call("POST", &touch, &[("intent", "focus")]).await;
    assert_eq!(focused.text("/response/last_active_organization_id"), "org_globex", "focus changes nothing");
    let personal = browser.call("POST", &touch, &[("active_organization_id", "")]).await;
    assert_eq!(personal.body["response"]["last_active_organization_id"], Value::Null);
    let stranger = browser.call("POST", &touch, &[("active_organization_id", "org_nowhere")]).await;
    assert_eq!(stranger.status, 404);
}

#[tokio::test]
async fn a_user_sees_two_memberships() {
    let on = TestCloud::start().await;
    let (browser, _) = on.signed_in("user_ada", None).await;
    let page = browser.call("GET", "/me/organization_memberships", &[]).await;
    assert_eq!(page.body["response"]["total_count"], 2);
    let client = browser.call("GET", "/client", &[]).await;
    let memberships = &client.body["response"]["sessions"][0]["user"]["organization_memberships"];
    assert_eq!(memberships[0]["organization"]["slug"], "acme");
    assert_eq!(
        (&memberships[0]["role"], &memberships[1]["role"]),
        (&json!("org:admin"), &json!("org:member"))
    );
    let members = browser.call("GET", "/organizations/org_acme/memberships", &[]).await;
    assert_eq!(members.body["response"]["total_count"], 3);
}

#[tokio::test]
async fn a_changed_role_shows_in_the_next_token() {
    let on = TestCloud::start().await;
    let (browser, session) = on.signed_in("user_ada", Some("org_acme")).await;
    let change = |role: Option<&str>| json!({ "userId": "user_ada", "orgId": "org_acme", "role": role });
    on.control("membership", change(Some("org:member"))).await;
    assert_eq!(browser.claims(&session, "").await["o"]["rol"], "member");
    on.control("membership", change(None)).await;
    assert_eq!(browser.claims(&session, "").await.get("o"), None);
}

#[tokio::test]
async fn a_revoked_session_is_401_and_gone() {
    let on = TestCloud::start().await;
    let (browser, session) = on.signed_in("user_ada", None).await;
    assert_eq!(on.control("revoke", json!({ "sessionId": session })).await.body["revoked"], 1);
    for template in ["", "convex"] {
        let refused = browser.mint(&session, template).await;
        assert_eq!((refused.status, refused.code()), (401, "signed_out"));
    }
    let client = browser.call("GET", "/client", &[]).await;
    assert_eq!(client.body["response"]["sessions"], json!([]));
    assert_eq!(client.body["response"]["last_active_session_id"], Value::Null);

    let (elsewhere, _) = on.signed_in("user_grace", None).await;
    let refused = elsewhere.mint(&session, "").await;
    assert_eq!(
        (refused.status, refused.code()),
        (401, "authentication_invalid"),
        "another browser's session"
    );
}

#[tokio::test]
async fn sign_out_ends_one_session_or_all() {
    let on = TestCloud::start().await;
    let (browser, first) = on.signed_in("user_ada", None).await;
    let add = json!({ "userId": "user_grace", "dbJwt": browser.db_jwt });
    let second = on.control("session", add).await.text("/sessionId");

    let removed = browser.call("POST", &format!("/client/sessions/{first}/remove"), &[]).await;
    assert_eq!(removed.text("/response/status"), "removed");
    assert_eq!(removed.body["response"]["last_active_token"], Value::Null);
    assert_eq!(removed.text("/client/sessions/0/id"), second);
    assert_eq!(browser.mint(&first, "").await.status, 401);
    assert_eq!(browser.mint(&second, "").await.status, 200);

    let out = browser.call("DELETE", "/client/sessions", &[]).await;
    assert_eq!(out.body["response"]["sessions"], json!([]));
    assert_eq!(browser.mint(&second, "").await.status, 401);
}

#[tokio::test]
async fn a_pending_session_says_so() {
    let on = TestCloud::start().await;
    let made = on.control("session", json!({ "userId": "user_ada", "status": "pending" })).await;
    let browser = crate::support::Browser { on: &on, db_jwt: made.text("/dbJwt") };
    let client = browser.call("GET", "/client", &[]).await;
    assert_eq!(client.text("/response/sessions/0/status"), "pending");
    assert_eq!(client.text("/response/sessions/0/tasks/0/key"), "choose-organization");
    assert_eq!(browser.claims(&made.text("/sessionId"), "").await["sts"], "pending");
}
