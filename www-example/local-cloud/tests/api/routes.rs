use reqwest::Method;
use serde_json::json;

use crate::support::{bearer, call, cloud, get, noted, read};

#[tokio::test]
async fn callers_are_the_bearers_of_good_tokens_or_nobody() {
    let cloud = cloud().await;
    let in_org = bearer(&cloud, "user_a", json!({ "o": { "id": "org_1" } }));
    let known = json!({ "userId": "user_a", "orgId": "org_1" });
    assert_eq!(get(&cloud, "whoami", Some(&in_org)).await, (200, known.clone()));
    assert_eq!(get(&cloud, "private", Some(&in_org)).await, (200, known));
    let nobody = json!({ "userId": null, "orgId": null });
    assert_eq!(get(&cloud, "whoami", None).await, (200, nobody));
    assert_eq!(get(&cloud, "private", None).await.0, 401);
    let entries = noted(&cloud);
    assert_eq!((entries[0].what.as_str(), entries[0].user.as_deref()), ("GET /__api/whoami", Some("user_a")));
    assert_eq!((&entries[0].detail["org"], &entries[0].detail["status"]), (&json!("org_1"), &json!(200)));
    assert_eq!((&entries[3].user, &entries[3].detail["status"]), (&None, &json!(401)));
}

#[tokio::test]
async fn a_bad_token_is_401_with_a_challenge() {
    let cloud = cloud().await;
    let now = cloud.clock.now_ms() / 1000;
    let bad = [
        bearer(&cloud, "user_a", json!({ "exp": now })),
        bearer(&cloud, "user_a", json!({ "nbf": now + 30 })),
        bearer(&cloud, "user_a", json!({ "iss": "https://elsewhere.test" })),
        bearer(&cloud, "user_a", json!({ "sub": null })),
        "Bearer null".into(),
        "Basic abc".into(),
    ];
    for header in bad {
        for path in ["whoami", "private", "echo"] {
            let request = call(&cloud, Method::GET, path).header("Authorization", &header);
            let answer = request.send().await.expect("it answers");
            assert_eq!(answer.headers()["www-authenticate"], r#"Bearer error="invalid_token""#);
            assert_eq!(read(answer).await.0, 401, "{path} {header}");
        }
    }
    assert!(noted(&cloud).iter().all(|entry| entry.user.is_none() && entry.detail["refused"].is_string()));
}

#[tokio::test]
async fn an_echo_tells_all_but_the_token() {
    let cloud = cloud().await;
    let header = bearer(&cloud, "user_a", json!({}));
    for method in [Method::POST, Method::PUT] {
        let request = call(&cloud, method.clone(), "echo").header("Authorization", &header);
        let (status, told) =
            read(request.header("X-Odd", "1").body("hello").send().await.expect("it answers")).await;
        assert_eq!(status, 200);
        assert_eq!((&told["method"], &told["body"]), (&json!(method.as_str()), &json!("hello")));
        assert_eq!((&told["user"], &told["headers"]["x-odd"]), (&json!("user_a"), &json!("1")));
        assert_eq!(told["headers"]["authorization"], "Bearer user_a");
    }
    let (_, told) = read(call(&cloud, Method::POST, "echo").send().await.expect("it answers")).await;
    assert_eq!((&told["user"], told["headers"].get("authorization")), (&json!(null), None));
}

#[tokio::test]
async fn the_odd_routes_answer_oddly() {
    let cloud = cloud().await;
    assert_eq!(get(&cloud, "forbidden", None).await.0, 403);
    assert_eq!(get(&cloud, "nothing", None).await.0, 404);
    for (query, status) in [("", 302), ("&status=307", 307)] {
        let path = format!("redirect?to=http%3A%2F%2Fother.test%2Fx{query}");
        let answer = call(&cloud, Method::GET, &path).send().await.expect("it answers");
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["location"], "http://other.test/x");
    }
    assert_eq!(get(&cloud, "redirect?to=x&status=200", None).await.0, 400);
    let mut slow = call(&cloud, Method::GET, "slow?chunks=2&ms=20").send().await.expect("it answers");
    assert_eq!(slow.chunk().await.expect("a piece").as_deref(), Some(&b"chunk 0\n"[..]));
    assert_eq!(slow.text().await.expect("the rest"), "chunk 1\n");
}

#[tokio::test]
async fn pages_of_other_origins_may_call() {
    let cloud = cloud().await;
    let page = "http://page.test";
    let preflight = call(&cloud, Method::OPTIONS, "private").header("Origin", page);
    let preflight = preflight.send().await.expect("it answers");
    assert_eq!(preflight.status(), 204);
    assert_eq!(preflight.headers()["access-control-allow-headers"], "Authorization, Content-Type");
    let refused =
        call(&cloud, Method::GET, "private").header("Origin", page).send().await.expect("it answers");
    assert_eq!(
        (refused.status().as_u16(), refused.headers()["access-control-allow-origin"].as_bytes()),
        (401, page.as_bytes())
    );
    let exposed = refused.headers()["access-control-expose-headers"].to_str().expect("text");
    assert!(exposed.contains("WWW-Authenticate"));
    // A preflight is no call.
    assert_eq!(noted(&cloud).len(), 1);
}
