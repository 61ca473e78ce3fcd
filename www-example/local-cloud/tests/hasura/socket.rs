//! The life of a socket: introduction, operations, expiry and ends.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;

use crate::client::{Client, Closed, TASKS, ask, bearer, claims, cloud, control, noted, sign};

fn reason(code: u16, text: &str) -> Closed {
    Closed::Frame(code, text.into())
}

#[tokio::test]
async fn a_subscription_tells_its_rows_at_once_and_after_every_change() {
    let cloud = cloud().await;
    let (a, b) = (bearer(&cloud, "user_a", ""), bearer(&cloud, "user_b", ""));
    let mut client = Client::signed_in(&cloud, &a).await;
    client.subscribe("1", TASKS).await;
    assert!(client.texts().await.is_empty());
    ask(&cloud, &a, "mutation { insert_task(text: \"by http\") { id } }").await;
    assert_eq!(client.texts().await, ["by http"]);
    // A row that it does not see tells it nothing.
    ask(&cloud, &b, "mutation { insert_task(text: \"of another\") { id } }").await;
    let mut other = Client::signed_in(&cloud, &a).await;
    other.subscribe("m", "mutation { insert_task(text: \"by socket\") { id text } }").await;
    let answer = other.expect("next").await;
    assert_eq!(answer["payload"]["data"]["insert_task"]["text"], "by socket");
    assert_eq!(other.expect("complete").await["id"], "m");
    assert_eq!(client.texts().await, ["by http", "by socket"]);
    client.send(json!({ "type": "complete", "id": "1" })).await;
    client.send(json!({ "type": "ping" })).await;
    client.expect("pong").await;
    ask(&cloud, &a, "mutation { insert_task(text: \"unheard\") { id } }").await;
    client.subscribe("1", TASKS).await;
    assert_eq!(client.texts().await.len(), 3);
    let started = noted(&cloud, "Subscription tasks");
    assert_eq!((started.len(), started[0].user.as_deref()), (2, Some("user_a")));
    assert_eq!(noted(&cloud, "Push tasks").len(), 4);
    assert_eq!(noted(&cloud, "End tasks")[0].detail["why"], "completed");
}

#[tokio::test]
async fn only_the_headers_in_the_payload_tell_who_it_is() {
    let cloud = cloud().await;
    let a = bearer(&cloud, "user_a", "org_1");
    let who = "{ whoami { user_id role } }";
    let mut client = Client::open(&cloud).await;
    client.send(json!({ "type": "connection_init", "payload": { "Authorization": a } })).await;
    client.expect("connection_ack").await;
    client.subscribe("1", who).await;
    assert_eq!(client.expect("next").await["payload"]["data"]["whoami"]["role"], "anonymous");
    let headers = json!({ "authorization": a, "X-Hasura-Role": "org_admin" });
    let mut client = Client::init(&cloud, headers).await;
    client.expect("connection_ack").await;
    client.subscribe("1", who).await;
    let known = json!({ "user_id": "user_a", "role": "org_admin" });
    assert_eq!(client.expect("next").await["payload"]["data"]["whoami"], known);
    let headers = json!({ "authorization": a, "x-hasura-role": "admin" });
    assert_eq!(Client::init(&cloud, headers).await.closed().await, Closed::forbidden());
    assert_eq!(noted(&cloud, "Init")[2].detail["refused"], "access-denied");
}

#[tokio::test]
async fn a_socket_is_cut_without_a_frame_when_its_token_expires() {
    let cloud = cloud().await;
    let mut client = Client::signed_in(&cloud, &bearer(&cloud, "user_a", "")).await;
    let mut anonymous = Client::init(&cloud, json!({})).await;
    anonymous.expect("connection_ack").await;
    client.subscribe("1", TASKS).await;
    client.texts().await;
    cloud.clock.set_offset_ms(61_000);
    assert_eq!(client.closed().await, Closed::Cut);
    anonymous.send(json!({ "type": "ping" })).await;
    anonymous.expect("pong").await;
    let closed = noted(&cloud, "Close");
    assert_eq!((closed.len(), &closed[0].detail["why"]), (1, &json!("expired")));
    assert_eq!(noted(&cloud, "End tasks")[0].detail["why"], "closed");
}

#[tokio::test]
async fn a_token_expires_on_its_socket_in_real_time() {
    let cloud = cloud().await;
    let mut claims = claims(&cloud, "user_a", "");
    claims["exp"] = json!(cloud.clock.now_ms() / 1000 + 2);
    let mut client = Client::signed_in(&cloud, &sign(&cloud, &claims)).await;
    assert_eq!(client.closed().await, Closed::Cut);
    assert!(cloud.clock.now_ms() >= claims["exp"].as_i64().expect("a number") * 1000);
}

#[tokio::test]
async fn a_client_that_says_nothing_is_closed_after_three_seconds() {
    let cloud = cloud().await;
    let mut client = Client::open(&cloud).await;
    tokio::time::pause();
    let opened = tokio::time::Instant::now();
    assert_eq!(client.closed().await, reason(4408, "Connection initialisation timeout"));
    assert!(opened.elapsed().as_millis() > 2900);
}

#[tokio::test]
async fn a_client_that_breaks_the_protocol_is_closed() {
    let cloud = cloud().await;
    let a = bearer(&cloud, "user_a", "");
    let mut early = Client::open(&cloud).await;
    early.subscribe("1", TASKS).await;
    assert_eq!(early.closed().await, reason(4401, "Unauthorized"));
    let mut twice = Client::signed_in(&cloud, &a).await;
    twice.send(json!({ "type": "connection_init" })).await;
    assert_eq!(twice.closed().await, reason(4429, "Too many initialisation requests"));
    let mut same = Client::signed_in(&cloud, &a).await;
    same.subscribe("1", TASKS).await;
    same.texts().await;
    same.subscribe("1", TASKS).await;
    assert_eq!(same.closed().await, reason(4409, "Subscriber for 1 already exists"));
    for message in [json!({ "type": "start" }), json!({ "type": "subscribe" }), Value::Null] {
        let mut odd = Client::signed_in(&cloud, &a).await;
        odd.send(message).await;
        assert!(matches!(odd.closed().await, Closed::Frame(4400, _)));
    }
    match Client::try_open(&cloud, "graphql-ws").await {
        Err(Error::Http(response)) => assert_eq!(response.status(), 400),
        _ => panic!("the older subprotocol is not spoken here"),
    }
}

#[tokio::test]
async fn an_operation_that_is_refused_is_an_error_and_the_socket_stays() {
    let cloud = cloud().await;
    let mut client = Client::signed_in(&cloud, &bearer(&cloud, "user_a", "")).await;
    for query in ["no document {", "{ nothing }", "subscription { tasks { id } whoami { role } }"] {
        client.subscribe("1", query).await;
        let error = client.expect("error").await;
        assert_eq!(error["id"], "1");
        assert_eq!(error["payload"][0]["extensions"]["code"], "validation-failed");
    }
    assert_eq!(noted(&cloud, "Subscribe")[0].detail["refused"], "validation-failed");
}

#[tokio::test]
async fn all_sockets_can_be_closed_and_cut() {
    let cloud = cloud().await;
    let a = bearer(&cloud, "user_a", "");
    let cases = [
        ("close", json!({}), reason(1012, "")),
        ("close", json!({ "code": 4403, "reason": "go" }), reason(4403, "go")),
        ("drop", json!({}), Closed::Cut),
    ];
    for (request, body, end) in cases {
        let mut one = Client::signed_in(&cloud, &a).await;
        let mut two = Client::open(&cloud).await;
        assert_eq!(control(&cloud, request, body).await, 204);
        assert_eq!([one.closed().await, two.closed().await], [end.clone(), end]);
    }
    let mut client = Client::signed_in(&cloud, &a).await;
    cloud.reset();
    assert_eq!(client.closed().await, Closed::Cut);
}
