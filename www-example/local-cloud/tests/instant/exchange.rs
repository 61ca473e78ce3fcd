//! Exchanging an id token: whose session it makes, and why it is refused.

use local_cloud::Cloud;
use local_cloud::instant::APP_ID;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{
    cloud, exchange, living, noted, post, session_of, sign_in, sign_in_guest, sign_out, token,
};

#[tokio::test]
async fn a_user_is_made_once_and_found_again() {
    let cloud = cloud().await;
    let (status, first) = exchange(&cloud, &token(&cloud, "user_ada", json!({})), None).await;
    assert_eq!((status, &first["created"]), (200, &json!(true)));
    let user = &first["user"];
    assert_eq!(
        (&user["email"], &user["type"], &user["isGuest"], &user["app_id"]),
        (&json!("user_ada@example.test"), &json!("user"), &json!(false), &json!(APP_ID))
    );
    let (_, again) = exchange(&cloud, &token(&cloud, "user_ada", json!({})), None).await;
    assert_eq!((&again["created"], &again["user"]["id"]), (&json!(false), &user["id"]));
    assert_ne!(again["user"]["refresh_token"], user["refresh_token"]);
    assert_eq!(living(&cloud).await, json!({ "user_ada": 2 }));
}

#[tokio::test]
async fn who_has_a_session_keeps_its_refresh_token() {
    let cloud = cloud().await;
    let (_, session) = sign_in(&cloud, "user_ada").await;
    let (_, body) = exchange(&cloud, &token(&cloud, "user_ada", json!({})), Some(&session)).await;
    assert_eq!(session_of(&body).1, session);
    assert_eq!(living(&cloud).await, json!({ "user_ada": 1 }));
    let entries = noted(&cloud, "id_token");
    let last = entries.last().expect("it is logged");
    assert_eq!(last.user.as_deref(), Some("user_ada"));
    assert_eq!((&last.detail["refreshTokenOf"], &last.detail["kept"]), (&json!("user_ada"), &json!(true)));
}

#[tokio::test]
async fn a_switch_leaves_the_other_session_alive() {
    let cloud = cloud().await;
    let (ada, session) = sign_in(&cloud, "user_ada").await;
    let (_, body) = exchange(&cloud, &token(&cloud, "user_grace", json!({})), Some(&session)).await;
    let (grace, other) = session_of(&body);
    assert!(ada != grace && session != other);
    assert_eq!(living(&cloud).await, json!({ "user_ada": 1, "user_grace": 1 }));
    assert_eq!(noted(&cloud, "id_token")[1].detail["refreshTokenOf"], "user_ada");
}

#[tokio::test]
async fn a_guest_becomes_the_user_in_place() {
    let cloud = cloud().await;
    let (guest, session) = sign_in_guest(&cloud).await;
    assert_eq!(living(&cloud).await, json!({ (guest.clone()): 1 }));
    let (_, body) = exchange(&cloud, &token(&cloud, "user_ada", json!({})), Some(&session)).await;
    assert_eq!((session_of(&body), &body["created"]), ((guest, session), &json!(true)));
    assert_eq!((&body["user"]["type"], &body["user"]["isGuest"]), (&json!("user"), &json!(false)));
    // Where the user is there already, the guest stays what it was.
    let (guest, session) = sign_in_guest(&cloud).await;
    let (_, body) = exchange(&cloud, &token(&cloud, "user_ada", json!({})), Some(&session)).await;
    assert_ne!(session_of(&body), (guest.clone(), session));
    assert_eq!(living(&cloud).await, json!({ "user_ada": 2, (guest): 1 }));
}

#[tokio::test]
async fn an_address_counts_only_when_verified() {
    let cloud = cloud().await;
    for claims in
        [json!({ "email_verified": false }), json!({ "email_verified": "true" }), json!({ "email": null })]
    {
        let (status, body) = exchange(&cloud, &token(&cloud, "user_ada", claims), None).await;
        assert_eq!((status, &body["user"]["email"]), (200, &Value::Null));
    }
    assert_eq!(noted(&cloud, "id_token")[0].detail["email"], Value::Null);
}

#[tokio::test]
async fn clerks_session_tokens_bring_an_address_when_they_are_told_to() {
    let cloud = cloud().await;
    let claims = json!({ "sessionClaims": {
        "email": "{{user.primary_email_address}}", "email_verified": "{{user.email_verified}}",
    } });
    let made = post(&cloud, "/__control/session", json!({ "userId": "user_ada" })).await.1;
    let text = |name: &str| made[name].as_str().expect("text").to_owned();
    let path =
        format!("/__clerk/v1/client/sessions/{}/tokens?__clerk_db_jwt={}", text("sessionId"), text("dbJwt"));
    let mint = async || post(&cloud, &path, json!({})).await.1["jwt"].as_str().expect("a token").to_owned();
    let (_, plain) = exchange(&cloud, &mint().await, None).await;
    assert_eq!(plain["user"]["email"], Value::Null);
    post(&cloud, "/__control/tokens", claims).await;
    let (_, told) = exchange(&cloud, &mint().await, None).await;
    assert_eq!((&told["user"]["email"], &told["created"]), (&json!("ada@example.test"), &json!(false)));
}

async fn refusal(cloud: &Cloud, id_token: &str) -> Value {
    let (status, body) = exchange(cloud, id_token, None).await;
    assert_eq!(status, 400);
    body
}

#[tokio::test]
async fn bad_tokens_are_refused_in_instants_words() {
    let cloud = cloud().await;
    let now = cloud.clock.now_ms() / 1000;
    let good = token(&cloud, "user_ada", json!({}));
    let expired = refusal(&cloud, &token(&cloud, "user_ada", json!({ "exp": now }))).await;
    assert_eq!(expired, json!({ "type": "oauth-error", "error": "Error validating JWT. Token is expired." }));
    assert_eq!(refusal(&cloud, &format!("{good}x")).await["type"], "oauth-error");
    assert_eq!(refusal(&cloud, "rubbish").await, json!({ "type": "oauth-error", "error": "Invalid JWT." }));
    for claims in [json!({ "iss": "https://other.test" }), json!({ "nonce": "n" }), json!({ "sub": null })] {
        let body = refusal(&cloud, &token(&cloud, "user_ada", claims)).await;
        assert_eq!(
            (&body["type"], &body["message"], &body["hint"]["data-type"]),
            (&json!("validation-failed"), &json!("Validation failed for id_token"), &json!("id_token"))
        );
        assert!(body["hint"]["errors"][0]["message"].is_string());
    }
    assert_eq!(living(&cloud).await, json!({}));
    let refused: Vec<Value> =
        noted(&cloud, "id_token").iter().map(|entry| entry.detail["refused"].clone()).collect();
    let (oauth, validation) = ("oauth-error", "validation-failed");
    assert_eq!(json!(refused), json!([oauth, oauth, oauth, validation, validation, validation]));
}

#[tokio::test]
async fn a_token_expires_on_the_servers_clock() {
    let cloud = cloud().await;
    let token = token(&cloud, "user_ada", json!({}));
    cloud.clock.set_offset_ms(61_000);
    assert_eq!(refusal(&cloud, &token).await["type"], "oauth-error");
    cloud.clock.set_offset_ms(0);
    assert_eq!(exchange(&cloud, &token, None).await.0, 200);
}

#[tokio::test]
async fn wrong_parameters_are_refused() {
    let cloud = cloud().await;
    let good =
        json!({ "app_id": APP_ID, "client_name": "clerk", "id_token": token(&cloud, "user_ada", json!({})) });
    let cases = [
        ("client_name", json!("other"), "record-not-found"),
        ("app_id", json!("c1e4b41d-9e00-4a5c-8b1d-000000000000"), "record-not-found"),
        ("app_id", json!("rubbish"), "param-malformed"),
        ("id_token", Value::Null, "param-missing"),
        ("refresh_token", json!("rubbish"), "param-malformed"),
        ("nonce", json!("n"), "validation-failed"),
    ];
    for (name, value, kind) in cases {
        let mut body = good.clone();
        body[name] = value;
        let (status, answer) = post(&cloud, "/__instant/runtime/oauth/id_token", body).await;
        assert_eq!((status, &answer["type"]), (400, &json!(kind)), "{name}: {answer}");
        if kind == "record-not-found" {
            assert_eq!(answer["hint"], json!({ "record-type": "app-oauth-client" }));
        }
    }
    assert_eq!(post(&cloud, "/__instant/runtime/nothing", json!({})).await.0, 404);
}

#[tokio::test]
async fn a_dead_refresh_token_spoils_the_exchange() {
    let cloud = cloud().await;
    let (_, session) = sign_in(&cloud, "user_ada").await;
    sign_out(&cloud, &session).await;
    let (status, body) = exchange(&cloud, &token(&cloud, "user_ada", json!({})), Some(&session)).await;
    assert_eq!((status, &body["hint"]), (400, &json!({ "record-type": "app-user" })));
    assert_eq!(body["message"], "Record not found: app-user");
    let last = noted(&cloud, "id_token").pop().expect("it is logged");
    assert_eq!(
        (&last.detail["refreshTokenSent"], &last.detail["refreshTokenOf"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(living(&cloud).await, json!({}));
}

#[tokio::test]
async fn pages_of_other_origins_may_call() {
    let cloud = cloud().await;
    let url = format!("{}/__instant/runtime/oauth/id_token", cloud.origin());
    let answer = reqwest::Client::new().request(Method::OPTIONS, url).send().await.expect("it answers");
    assert_eq!(answer.status(), 204);
    assert_eq!(answer.headers()["access-control-allow-origin"], "*");
    let allowed = answer.headers()["access-control-allow-headers"].to_str().expect("text").to_lowercase();
    assert!(allowed.contains("content-type"), "{allowed}");
}
