//! What is said to a caller that is not accepted: status 200, a code and the real service's words.

use local_cloud::Cloud;
use serde_json::{Value, json};

use crate::client::{Client, Closed, NAMESPACE, bearer, claims, cloud, control, noted, post, sign};

const WHO: &str = "{ whoami { role user_id } }";

/// Code and message of the answer to this header.
async fn refusal(cloud: &Cloud, authorization: &str) -> (String, String) {
    let (status, body) = post(cloud, &[("authorization", authorization)], json!({ "query": WHO })).await;
    assert_eq!((status, body.get("data")), (200, None));
    let error = &body["errors"][0];
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    (text(&error["extensions"]["code"]), text(&error["message"]))
}

#[tokio::test]
async fn a_token_that_does_not_hold_is_an_invalid_jwt() {
    let cloud = cloud().await;
    let now = cloud.clock.now_ms() / 1000;
    let with = |name: &str, value: Value| {
        let mut claims = claims(&cloud, "user_a", "");
        claims[name] = value;
        sign(&cloud, &claims)
    };
    let (a, b) = (bearer(&cloud, "user_a", ""), bearer(&cloud, "user_b", ""));
    let (claimed, _) = a.rsplit_once('.').expect("three parts");
    let (_, signature) = b.rsplit_once('.').expect("three parts");
    let forged = format!("{claimed}.{signature}");
    let parts = "JWSError (CompactDecodeError Invalid number of parts: Expected 3 parts; got 1)";
    let cases = [
        (with("exp", json!(now)), "JWTExpired"),
        (with("nbf", json!(now + 30)), "JWTNotYetValid"),
        (with("iat", json!(now + 30)), "JWTIssuedAtFuture"),
        (with("iss", json!("https://elsewhere.test")), "JWTNotInIssuer"),
        (forged, "JWSError JWSInvalidSignature"),
        ("Bearer null".into(), parts),
    ];
    for (header, why) in cases {
        let expected = ("invalid-jwt".into(), format!("Could not verify JWT: {why}"));
        assert_eq!(refusal(&cloud, &header).await, expected);
        let headers = json!({ "Authorization": header });
        assert_eq!(Client::init(&cloud, headers).await.closed().await, Closed::forbidden());
    }
    let refused = noted(&cloud, "Query whoami");
    assert!(refused.iter().all(|entry| entry.user.is_none() && entry.detail["refused"] == "invalid-jwt"));
    assert_eq!(noted(&cloud, "Init")[0].detail["message"], "Could not verify JWT: JWTExpired");
}

#[tokio::test]
async fn the_servers_clock_decides_without_leeway() {
    let cloud = cloud().await;
    let header = bearer(&cloud, "user_a", "");
    cloud.clock.set_offset_ms(61_000);
    assert_eq!(refusal(&cloud, &header).await.1, "Could not verify JWT: JWTExpired");
    cloud.clock.set_offset_ms(-3_000);
    assert_eq!(refusal(&cloud, &header).await.1, "Could not verify JWT: JWTIssuedAtFuture");
    cloud.clock.set_offset_ms(-20_000);
    assert_eq!(refusal(&cloud, &header).await.1, "Could not verify JWT: JWTNotYetValid");
}

#[tokio::test]
async fn without_a_header_there_is_the_anonymous_role_or_a_refusal() {
    let cloud = cloud().await;
    let ask = async || post(&cloud, &[("x-hasura-role", "user")], json!({ "query": WHO })).await.1;
    assert_eq!(ask().await["data"]["whoami"], json!({ "role": "anonymous", "user_id": null }));
    Client::init(&cloud, json!({})).await.expect("connection_ack").await;
    assert_eq!(control(&cloud, "settings", json!({ "anonymous": false })).await, 204);
    let error = &ask().await["errors"][0];
    assert_eq!(error["extensions"]["code"], "invalid-headers");
    let missing = "Missing 'Authorization' or 'Cookie' header in JWT authentication mode";
    assert_eq!(error["message"], missing);
    assert_eq!(Client::init(&cloud, json!({})).await.closed().await, Closed::forbidden());
    for header in ["Basic abc", "Bearer", "Bearer a b", "x"] {
        let expected = ("invalid-headers".into(), "Malformed Authorization header".into());
        assert_eq!(refusal(&cloud, header).await, expected);
    }
    cloud.reset();
    assert_eq!(ask().await["data"]["whoami"]["role"], "anonymous");
    assert_eq!(control(&cloud, "settings", json!({ "typo": 1 })).await, 400);
}

#[tokio::test]
async fn claims_of_another_template_and_roles_out_of_reach_are_refused() {
    let cloud = cloud().await;
    let with = |session: Value| {
        let mut claims = claims(&cloud, "user_a", "");
        claims[NAMESPACE] = session;
        sign(&cloud, &claims)
    };
    let cases = [
        (with(Value::Null), "jwt-invalid-claims", format!("claims key: '{NAMESPACE}' not found")),
        (
            with(json!({ "x-hasura-default-role": "user" })),
            "jwt-missing-role-claims",
            "JWT claim does not contain x-hasura-allowed-roles".into(),
        ),
        (
            with(json!({ "x-hasura-allowed-roles": ["user"] })),
            "jwt-missing-role-claims",
            "JWT claim does not contain x-hasura-default-role".into(),
        ),
        (
            with(json!({ "x-hasura-default-role": "admin", "x-hasura-allowed-roles": ["user"] })),
            "access-denied",
            "Your requested role is not in allowed roles".into(),
        ),
    ];
    for (header, code, message) in cases {
        assert_eq!(refusal(&cloud, &header).await, (code.to_owned(), message));
    }
    let null = json!({
        "x-hasura-default-role": "user", "x-hasura-allowed-roles": ["user"], "x-hasura-org-id": null,
    });
    assert_eq!(refusal(&cloud, &with(null)).await.0, "jwt-invalid-claims");
    let good = bearer(&cloud, "user_a", "");
    let headers = [("authorization", good.as_str()), ("x-hasura-role", "admin")];
    let (_, body) = post(&cloud, &headers, json!({ "query": WHO })).await;
    assert_eq!(body["errors"][0]["extensions"], json!({ "code": "access-denied", "path": "$" }));
}

#[tokio::test]
async fn the_seeded_template_makes_tokens_that_are_accepted() {
    let cloud = cloud().await;
    let url = |path: &str| format!("{}{path}", cloud.origin());
    let http = reqwest::Client::new();
    for (org, told) in [(json!("org_acme"), json!("org_acme")), (Value::Null, Value::Null)] {
        let session = json!({ "userId": "user_ada", "orgId": org });
        let made = http.post(url("/__control/session")).body(session.to_string());
        let made: Value = made.send().await.expect("it answers").json().await.expect("JSON");
        let (id, browser) = (&made["sessionId"], &made["dbJwt"]);
        let (id, browser) = (id.as_str().expect("text"), browser.as_str().expect("text"));
        let path = format!("/__clerk/v1/client/sessions/{id}/tokens/hasura?__clerk_db_jwt={browser}");
        let token: Value =
            http.post(url(&path)).send().await.expect("it answers").json().await.expect("JSON");
        let header = format!("Bearer {}", token["jwt"].as_str().expect("a token"));
        let query = json!({ "query": "{ whoami { user_id org_id role } }" });
        let (_, body) = post(&cloud, &[("authorization", &header)], query).await;
        let expected = json!({ "user_id": "user_ada", "org_id": told, "role": "user" });
        assert_eq!(body["data"]["whoami"], expected);
    }
}
