use jwt_compact::alg::{Rsa, RsaPublicKey};
use jwt_compact::jwk::JsonWebKey;
use jwt_compact::{AlgorithmExt, UntrustedToken};
use local_cloud::VerifyError;
use serde_json::{Map, Value, json};

use crate::support::{PAGE, TestCloud};

#[tokio::test]
async fn tokens_verify_against_the_published_keys() {
    let on = TestCloud::start().await;
    let (browser, session) = on.signed_in("user_ada", None).await;
    let discovery = on.get("/__clerk/.well-known/openid-configuration").await;
    assert_eq!(discovery.text("/issuer"), on.cloud.issuer());
    let keys =
        on.http.get(discovery.text("/jwks_uri")).send().await.expect("keys").text().await.expect("text");
    assert_eq!(keys, on.get("/.well-known/jwks.json").await.body.to_string());
    let keys: Value = serde_json::from_str(&keys).expect("JSON");
    assert_eq!(keys["keys"][0].get("d"), None, "the private half stays private");
    let key: JsonWebKey<'_> = serde_json::from_value(keys["keys"][0].clone()).expect("a JWK");
    let key = RsaPublicKey::try_from(&key).expect("an RSA key");

    for template in ["", "convex", "hasura", "triplit", "instant"] {
        let token = browser.mint(&session, template).await.text("/jwt");
        let untrusted = UntrustedToken::<Map<String, Value>>::try_from(token.as_str()).expect("a token");
        assert_eq!(untrusted.algorithm(), "RS256");
        assert_eq!(untrusted.header().key_id.as_deref(), keys["keys"][0]["kid"].as_str());
        assert_eq!(untrusted.header().token_type.as_deref(), Some("JWT"));
        let verified = Rsa::rs256().validator::<Map<String, Value>>(&key).validate(&untrusted);
        let claims = verified.expect("a good signature");
        let issued = claims.claims().issued_at.expect("iat").timestamp();
        assert_eq!(untrusted.header().other_fields["oiat"], json!(issued), "Clerk orders tokens by oiat");
    }
}

#[tokio::test]
async fn session_tokens_carry_version_two_claims() {
    let on = TestCloud::start().await;
    let (browser, session) = on.signed_in("user_ada", Some("org_acme")).await;
    let claims = browser.claims(&session, "").await;
    assert_eq!(claims["iss"], json!(on.cloud.issuer()));
    assert_eq!(claims["azp"], PAGE);
    assert_eq!(claims["sub"], "user_ada");
    assert_eq!(claims["sid"], json!(session));
    assert_eq!(claims["sts"], "active");
    assert_eq!(claims["v"], 2);
    assert_eq!(claims["o"], json!({ "id": "org_acme", "slg": "acme", "rol": "admin" }));
    let seconds = |name: &str| claims[name].as_i64().expect("a number");
    assert_eq!(seconds("exp") - seconds("iat"), 60);
    assert_eq!(seconds("iat") - seconds("nbf"), 10);

    let path = format!("/client/sessions/{session}/tokens");
    let personal = browser.call("POST", &path, &[("organization_id", "")]).await.text("/jwt");
    let personal = on.cloud.keys.verify(&personal, on.cloud.clock.now_ms()).expect("a good token");
    assert_eq!(personal.get("o"), None);
    let stranger = browser.call("POST", &path, &[("organization_id", "org_nowhere")]).await;
    assert_eq!((stranger.status, stranger.code()), (404, "organization_not_found_or_unauthorized"));
}

#[tokio::test]
async fn template_tokens_carry_their_claims_and_no_session() {
    let on = TestCloud::start().await;
    let (browser, session) = on.signed_in("user_grace", Some("org_globex")).await;
    let convex = browser.claims(&session, "convex").await;
    assert_eq!((&convex["aud"], &convex["email"]), (&json!("convex"), &json!("grace@example.test")));
    assert_eq!((&convex["name"], &convex["org_role"]), (&json!("Grace Hopper"), &json!("org:admin")));
    for absent in ["sid", "sts", "v", "o"] {
        assert_eq!(convex.get(absent), None, "{absent}");
    }
    let hasura = &browser.claims(&session, "hasura").await["https://hasura.io/jwt/claims"];
    assert_eq!(
        *hasura,
        json!({
            "x-hasura-default-role": "user",
            "x-hasura-allowed-roles": ["user"],
            "x-hasura-user-id": "user_grace",
            "x-hasura-org-id": "org_globex",
        })
    );
    let instant = browser.claims(&session, "instant").await;
    assert_eq!((&instant["email"], &instant["email_verified"]), (&json!("grace@example.test"), &json!(true)));
}

#[tokio::test]
async fn templates_come_and_go() {
    let on = TestCloud::start().await;
    let (browser, session) = on.signed_in("user_ada", None).await;
    let missing = browser.mint(&session, "nosuch").await;
    assert_eq!((missing.status, missing.code()), (404, "resource_not_found"));

    let claims = json!({ "who": "<{{user.first_name}}>", "n": 3, "org": "{{org.id || 'none'}}", "role": "{{org.role}}" });
    on.control("templates", json!({ "name": "nosuch", "claims": claims, "lifetimeSeconds": 7 })).await;
    let made = browser.claims(&session, "nosuch").await;
    assert_eq!((&made["who"], &made["n"], &made["org"]), (&json!("<Ada>"), &json!(3), &json!("none")));
    assert_eq!(made["role"], Value::Null);
    assert_eq!(made["exp"].as_i64().zip(made["iat"].as_i64()).map(|(exp, iat)| exp - iat), Some(7));

    on.control("templates", json!({ "name": "convex", "remove": true })).await;
    assert_eq!(browser.mint(&session, "convex").await.code(), "resource_not_found");
}

#[tokio::test]
async fn lifetimes_session_claims_and_the_clock_can_be_set() {
    let on = TestCloud::start().await;
    let (browser, session) = on.signed_in("user_ada", None).await;
    on.control("tokens", json!({ "lifetimeSeconds": 20, "template": "convex" })).await;
    on.control("tokens", json!({ "lifetimeSeconds": 30, "template": "session" })).await;
    on.control("tokens", json!({ "sessionClaims": { "aud": "convex" } })).await;
    on.control("clock", json!({ "offsetMs": 90_000 })).await;
    let life =
        |claims: &Value| claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat);

    let claims = browser.claims(&session, "").await;
    assert_eq!((life(&claims), &claims["aud"]), (Some(30), &json!("convex")));
    let token = browser.mint(&session, "convex").await.text("/jwt");
    let now = on.cloud.clock.now_ms();
    let claims = on.cloud.keys.verify(&token, now).expect("good by the servers' clock");
    assert_eq!(life(&claims), Some(20));
    let exp = claims["exp"].as_i64().expect("a number") * 1000;
    assert!(on.cloud.keys.verify(&token, exp - 1).is_ok());
    assert_eq!(on.cloud.keys.verify(&token, exp), Err(VerifyError::Expired), "no leeway");
    assert_eq!(on.cloud.keys.verify(&token, now - 90_000), Err(VerifyError::NotYetValid));
}

#[tokio::test]
async fn bad_tokens_are_told_apart() {
    let on = TestCloud::start().await;
    let claims = json!({ "sub": "x", "exp": 2_000_000_000 });
    let token =
        on.control("sign", json!({ "claims": claims, "header": { "kid": "other" } })).await.text("/token");
    let header = UntrustedToken::new(&token).expect("a token").header().key_id.clone();
    assert_eq!(header.as_deref(), Some("other"), "a test may name another key");
    let verify = |token: &str| on.cloud.keys.verify(token, 1_000_000_000_000);
    assert_eq!(verify(&token), Ok(claims));
    let other = on.control("sign", json!({ "claims": { "sub": "y" } })).await.text("/token");
    let ((body, _), (_, signature)) =
        token.rsplit_once('.').zip(other.rsplit_once('.')).expect("three parts");
    assert_eq!(verify(&format!("{body}.{signature}")), Err(VerifyError::Signature));
    for bad in ["", "a.b", "a.b.c", "not a token"] {
        assert!(matches!(verify(bad), Err(VerifyError::Malformed(_))), "{bad}");
    }
    let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.";
    assert!(matches!(verify(unsigned), Err(VerifyError::Malformed(_))));
}
