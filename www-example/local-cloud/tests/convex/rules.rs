//! The rules that a client of the real service can rely on, one group of tests each; rule 8 is in `calls.rs`.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Client, Closed, cloud, noted, token, token_with, ts};

// Rule 1: versions.

#[tokio::test]
async fn rule1_every_transition_starts_where_the_last_one_ended() {
    let cloud = cloud().await;
    let mut client = Client::connect(&cloud).await;
    client.watch(0, "public:ping").await;
    let first = client.transition().await;
    assert_eq!(first["startVersion"], json!({ "querySet": 0, "identity": 0, "ts": "AAAAAAAAAAA=" }));
    assert_eq!(first["endVersion"]["querySet"], 1);
    assert_eq!(Client::value(&first, 0), "pong");
    client.authenticate(0, &token(&cloud, "user_a")).await;
    let second = client.transition().await;
    assert_eq!(second["startVersion"], first["endVersion"]);
    client.watch(1, "users:whoami").await;
    let third = client.transition().await;
    assert_eq!(third["startVersion"], second["endVersion"]);
    assert!(ts(&third["endVersion"]["ts"]) >= ts(&third["startVersion"]["ts"]));
    assert!(third["clientClockSkew"].as_i64().is_some_and(|skew| skew.abs() < 60_000));
}

#[tokio::test]
async fn rule1_a_query_set_with_a_wrong_base_is_fatal() {
    let cloud = cloud().await;
    let mut client = Client::connect(&cloud).await;
    client.watch(3, "public:ping").await;
    assert!(client.expect("FatalError").await["error"].as_str().is_some());
    assert_eq!(client.closed().await, Closed::Frame(1005, String::new()));
}

#[tokio::test]
async fn rule1_removed_queries_are_told_and_run_no_more() {
    let cloud = cloud().await;
    let mut client = Client::signed_in(&cloud, &token(&cloud, "user_a")).await;
    client.watch(0, "tasks:list").await;
    client.transition().await;
    client
        .send(json!({
            "type": "ModifyQuerySet", "baseVersion": 1, "newVersion": 2,
            "modifications": [{ "type": "Remove", "queryId": 0 }],
        }))
        .await;
    let removed = client.transition().await;
    assert_eq!(removed["modifications"], json!([{ "type": "QueryRemoved", "queryId": 0 }]));
    client.mutate(0, "tasks:add", json!({ "text": "a" })).await;
    client.expect("MutationResponse").await;
    assert_eq!(client.transition().await["modifications"], json!([]));
    assert_eq!(noted(&cloud, "Query tasks:list").len(), 1);
}

#[tokio::test]
async fn rule1_a_client_from_the_future_is_sent_away() {
    let cloud = cloud().await;
    let mut client = Client::open(&cloud, "/api/sync").await;
    client
        .send(json!({
            "type": "Connect", "sessionId": crate::client::SESSION, "connectionCount": 1,
            "lastCloseReason": "unknown", "maxObservedTimestamp": "/////////38=",
        }))
        .await;
    assert_eq!(client.closed().await, Closed::Frame(1011, "InternalServerError".into()));
}

// Rule 2: authentication.

#[tokio::test]
async fn rule2_a_good_token_is_confirmed_by_a_larger_identity() {
    let cloud = cloud().await;
    let mut client = Client::connect(&cloud).await;
    client.authenticate(0, &token(&cloud, "user_a")).await;
    client.watch(0, "users:whoami").await;
    let mut transition = client.transition().await;
    assert_eq!(transition["endVersion"]["identity"], 1);
    if transition["endVersion"]["querySet"] == 0 {
        transition = client.transition().await;
    }
    let whoami = json!({ "userId": "user_a", "orgId": null, "name": "Ada" });
    assert_eq!(Client::value(&transition, 0), &whoami);
    let noted = noted(&cloud, "Authenticate");
    assert_eq!(noted[0].user.as_deref(), Some("user_a"));
    assert_eq!(noted[0].detail["tokenType"], "User");
    assert_eq!(noted[0].detail["baseVersion"], 0);
    assert_eq!(noted[0].detail["jti"], "jti_1");
}

#[tokio::test]
async fn rule2_a_wrong_base_version_is_an_internal_error() {
    let cloud = cloud().await;
    let mut client = Client::connect(&cloud).await;
    client.authenticate(1, &token(&cloud, "user_a")).await;
    assert_eq!(client.closed().await, Closed::Frame(1011, "InternalServerError".into()));
}

#[tokio::test]
async fn rule2_the_token_is_verified_before_its_version_is_looked_at() {
    let cloud = cloud().await;
    let mut client = Client::connect(&cloud).await;
    client.authenticate(7, "no.jwt.atall").await;
    assert_eq!(client.expect("AuthError").await["authUpdateAttempted"], true);
    assert_eq!(client.closed().await, Closed::Frame(1005, String::new()));
}

#[tokio::test]
async fn rule2_signing_out_is_an_identity_too() {
    let cloud = cloud().await;
    let mut client = Client::signed_in(&cloud, &token(&cloud, "user_a")).await;
    client.watch(0, "users:whoami").await;
    client.transition().await;
    client.sign_out(1).await;
    let transition = client.transition().await;
    assert_eq!(transition["endVersion"]["identity"], 2);
    assert_eq!(Client::value(&transition, 0), &Value::Null);
}

// Rule 3: a change of identity runs every query again.

#[tokio::test]
async fn rule3_every_query_runs_again_even_for_the_same_user() {
    let cloud = cloud().await;
    let mut client = Client::signed_in(&cloud, &token(&cloud, "user_a")).await;
    client.watch(0, "users:whoami").await;
    client.transition().await;
    client.watch(1, "public:ping").await;
    client.transition().await;
    client.authenticate(1, &token_with(&cloud, "user_a", json!({ "jti": "jti_2" }))).await;
    let rotated = client.transition().await;
    assert_eq!(rotated["endVersion"]["identity"], 2);
    // They ran, but there is nothing new to tell.
    assert_eq!(rotated["modifications"], json!([]));
    assert_eq!(noted(&cloud, "Query users:whoami").len(), 2);
    assert_eq!(noted(&cloud, "Query public:ping").len(), 2);
    assert_eq!(noted(&cloud, "Query users:whoami")[1].detail["jti"], "jti_2");
}

#[tokio::test]
async fn rule3_another_user_sees_his_own_rows() {
    let cloud = cloud().await;
    let mut client = Client::signed_in(&cloud, &token(&cloud, "user_a")).await;
    client.watch(0, "tasks:list").await;
    client.transition().await;
    client.mutate(0, "tasks:add", json!({ "text": "of a" })).await;
    client.expect("MutationResponse").await;
    let transition = client.transition().await;
    let rows = Client::value(&transition, 0);
    assert_eq!(rows[0]["text"], "of a");
    assert_eq!(rows[0]["writtenBy"], "user_a");
    client.authenticate(1, &token(&cloud, "user_b")).await;
    assert_eq!(Client::value(&client.transition().await, 0), &json!([]));
    client.sign_out(2).await;
    let transition = client.transition().await;
    assert_eq!(Client::value(&transition, 0)[0]["writtenBy"], Value::Null);
}

// Rule 4: expiry is checked before updates, mutations and actions, and at no other time.

async fn with_expired_token(before: &str) -> (std::sync::Arc<local_cloud::Cloud>, Client) {
    let cloud = cloud().await;
    let mut client = Client::signed_in(&cloud, &token(&cloud, "user_a")).await;
    client.watch(0, before).await;
    client.transition().await;
    cloud.clock.set_offset_ms(60_000);
    (cloud, client)
}

async fn expect_expiry(client: &mut Client) {
    let error = client.expect("AuthError").await;
    assert_eq!(error["authUpdateAttempted"], false);
    assert_eq!(error["baseVersion"], 1);
    assert_eq!(client.closed().await, Closed::Frame(1005, String::new()));
}

#[tokio::test]
async fn rule4_expiry_shows_at_the_next_mutation_which_does_not_run() {
    let (cloud, mut client) = with_expired_token("public:ping").await;
    client.mutate(0, "tasks:add", json!({ "text": "late" })).await;
    expect_expiry(&mut client).await;
    assert!(noted(&cloud, "Mutation tasks:add").is_empty());
}

#[tokio::test]
async fn rule4_expiry_shows_at_the_next_action() {
    let (cloud, mut client) = with_expired_token("public:ping").await;
    client.act(0, "users:whoamiAction", json!({})).await;
    expect_expiry(&mut client).await;
    assert!(noted(&cloud, "Action users:whoamiAction").is_empty());
}

#[tokio::test]
async fn rule4_expiry_shows_at_the_next_update() {
    let (cloud, mut client) = with_expired_token("tasks:list").await;
    let late = token(&cloud, "user_a");
    let mut other = Client::signed_in(&cloud, &late).await;
    other.mutate(0, "tasks:add", json!({ "text": "a" })).await;
    other.expect("MutationResponse").await;
    expect_expiry(&mut client).await;
}

#[tokio::test]
async fn rule4_an_idle_connection_with_an_expired_token_is_left_in_peace() {
    let (cloud, mut client) = with_expired_token("users:whoami").await;
    // Its queries read no rows, so the change of another connection does not make it look.
    let mut other = Client::signed_in(&cloud, &token(&cloud, "user_a")).await;
    other.mutate(0, "tasks:add", json!({ "text": "a" })).await;
    other.expect("MutationResponse").await;
    client.authenticate(1, &token(&cloud, "user_a")).await;
    assert_eq!(client.transition().await["endVersion"]["identity"], 2);
}

// Rule 5 and 7: what is refused. The verifier's own failures are in `faults.rs`.

#[tokio::test]
async fn rule5_and_7_bad_tokens_are_refused() {
    let cloud = cloud().await;
    let now = cloud.clock.now_ms() / 1000;
    let bad = [
        ("expired this second, no leeway", json!({ "exp": now })),
        ("not yet valid", json!({ "nbf": now + 60 })),
        ("another issuer", json!({ "iss": "https://clerk.example.com" })),
        ("another audience", json!({ "aud": "other" })),
        ("no audience", json!({ "aud": null })),
        ("audiences without it", json!({ "aud": ["other", "convexx"] })),
        ("no subject", json!({ "sub": null })),
        ("no expiry", json!({ "exp": null })),
    ];
    for (why, more) in bad {
        let mut client = Client::connect(&cloud).await;
        client.authenticate(0, &token_with(&cloud, "user_a", more)).await;
        let error = client.expect("AuthError").await;
        assert_eq!(error["authUpdateAttempted"], true, "{why}");
        assert_eq!(error["baseVersion"], 0, "{why}");
        assert_eq!(client.closed().await, Closed::Frame(1005, String::new()), "{why}");
    }
}

#[tokio::test]
async fn rule7_a_forged_token_is_refused() {
    let cloud = cloud().await;
    let honest = token(&cloud, "user_a");
    let forged = token(&cloud, "user_b");
    let parts = |token: &str| token.split('.').map(String::from).collect::<Vec<_>>();
    let (honest, forged) = (parts(&honest), parts(&forged));
    let mut client = Client::connect(&cloud).await;
    client.authenticate(0, &format!("{}.{}.{}", honest[0], forged[1], honest[2])).await;
    assert_eq!(client.expect("AuthError").await["authUpdateAttempted"], true);
}

#[tokio::test]
async fn rule7_one_of_several_audiences_is_enough() {
    let cloud = cloud().await;
    Client::signed_in(&cloud, &token_with(&cloud, "user_a", json!({ "aud": ["other", "convex"] }))).await;
}

#[tokio::test]
async fn rule7_both_forms_of_the_organisation_claim_count() {
    let cloud = cloud().await;
    for more in [json!({ "org_id": "org_1" }), json!({ "o": { "id": "org_1", "rol": "admin" } })] {
        let mut client = Client::signed_in(&cloud, &token_with(&cloud, "user_a", more)).await;
        client.watch(0, "users:whoami").await;
        assert_eq!(Client::value(&client.transition().await, 0)["orgId"], "org_1");
    }
}

// Rule 6: the error is the last word and names the version the client was told.

#[tokio::test]
async fn rule6_the_error_names_the_told_version() {
    let cloud = cloud().await;
    let mut client = Client::signed_in(&cloud, &token(&cloud, "user_a")).await;
    client.authenticate(1, &token_with(&cloud, "user_a", json!({ "aud": "other" }))).await;
    let error = client.expect("AuthError").await;
    assert_eq!((&error["baseVersion"], &error["authUpdateAttempted"]), (&json!(1), &json!(true)));
    assert_eq!(client.closed().await, Closed::Frame(1005, String::new()));
    assert_eq!(noted(&cloud, "AuthError").len(), 1);
}

// Rule 9: keeping alive.

#[tokio::test]
async fn rule9_fifteen_seconds_of_silence_are_broken_by_a_ping() {
    let cloud = cloud().await;
    let mut client = Client::signed_in(&cloud, &token(&cloud, "user_a")).await;
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    client.expect("Ping").await;
    client.expect("Ping").await;
    assert!(start.elapsed() >= Duration::from_secs(29), "{:?}", start.elapsed());
    // A client that answers probes is kept for ever.
    while start.elapsed() < Duration::from_secs(300) {
        client.expect("Ping").await;
    }
}

#[tokio::test]
async fn rule9_a_client_that_is_silent_for_two_minutes_is_dropped() {
    let cloud = cloud().await;
    let address = cloud.origin().replace("http://", "");
    let mut socket = TcpStream::connect(&address).await.expect("it listens");
    let upgrade = format!(
        "GET /api/1.48.0/sync HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    );
    socket.write_all(upgrade.as_bytes()).await.expect("it reads");
    let mut first = [0; 12];
    socket.read_exact(&mut first).await.expect("it answers");
    assert_eq!(&first, b"HTTP/1.1 101");
    tokio::time::pause();
    let start = tokio::time::Instant::now();
    let mut rest = Vec::new();
    socket.read_to_end(&mut rest).await.expect("it ends");
    let silent = start.elapsed().as_secs();
    assert!((119..=126).contains(&silent), "{silent} s");
}
