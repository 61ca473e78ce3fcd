//! What becomes of a session: on a socket, on signing out, and when it is revoked from the outside.

use serde_json::{Value, json};

use crate::client::{
    Client, ID, ROW, cloud, living, noted, post, sign_in, sign_in_guest, sign_out, values, verify,
};

#[tokio::test]
async fn a_socket_speaks_for_whom_its_init_named() {
    let cloud = cloud().await;
    let (user, session) = sign_in(&cloud, "user_ada").await;
    let (_client, answer) = Client::init(&cloud, Some(&session)).await;
    assert_eq!((&answer["op"], &answer["auth"]["user"]["id"]), (&json!("init-ok"), &json!(user)));
    assert_eq!(answer["attrs"].as_array().map(Vec::len), Some(4));
    let (_client, answer) = Client::init(&cloud, None).await;
    assert_eq!((&answer["op"], &answer["auth"]["user"]), (&json!("init-ok"), &Value::Null));
    let users: Vec<_> = noted(&cloud, "init").into_iter().map(|entry| entry.user).collect();
    assert_eq!(users, [Some("user_ada".into()), None]);
}

#[tokio::test]
async fn a_revoked_session_cannot_open_a_socket_but_keeps_an_open_one() {
    let cloud = cloud().await;
    let (_, ada) = sign_in(&cloud, "user_ada").await;
    let (_, grace) = sign_in(&cloud, "user_grace").await;
    let mut open = Client::watching(&cloud, Some(&ada)).await;
    let answer = post(&cloud, "/__control/instant/revoke", json!({ "userId": "user_ada" })).await;
    assert_eq!(answer, (200, json!({ "revoked": 1 })));
    let (mut client, error) = Client::init(&cloud, Some(&ada)).await;
    assert_eq!(
        (&error["type"], &error["hint"]),
        (&json!("record-not-found"), &json!({ "record-type": "app-user" }))
    );
    assert_eq!(error["original-event"]["op"], "init");
    assert_eq!(error["original-event"].get("refresh-token"), None);
    assert_eq!(noted(&cloud, "init").pop().expect("logged").detail["refused"], "record-not-found");
    client.watch().await;
    client.refused("validation-failed").await;
    open.add("still mine").await;
    open.expect("transact-ok").await;
    assert_eq!(values(&open.expect("refresh-ok").await, ID), [json!(ROW)]);
    assert_eq!(verify(&cloud, &ada).await.1["hint"], json!({ "record-type": "app-user" }));
    assert_eq!(verify(&cloud, &grace).await.0, 200);
    assert_eq!(post(&cloud, "/__control/instant/revoke", json!({})).await.1, json!({ "revoked": 1 }));
    assert_eq!(living(&cloud).await, json!({}));
}

#[tokio::test]
async fn signing_out_ends_one_session() {
    let cloud = cloud().await;
    let (user, first) = sign_in(&cloud, "user_ada").await;
    let (_, second) = sign_in(&cloud, "user_ada").await;
    sign_out(&cloud, &first).await;
    sign_out(&cloud, &first).await;
    assert_eq!(verify(&cloud, &first).await.0, 400);
    let (status, body) = verify(&cloud, &second).await;
    assert_eq!(
        (status, &body["user"]["id"], &body["user"]["refresh_token"]),
        (200, &json!(user), &json!(second))
    );
    let users: Vec<_> = noted(&cloud, "signout").into_iter().map(|entry| entry.user).collect();
    assert_eq!(users, [Some("user_ada".into()), None]);
}

#[tokio::test]
async fn sockets_can_be_cut_and_the_log_tells() {
    let cloud = cloud().await;
    let (guest, session) = sign_in_guest(&cloud).await;
    let mut client = Client::watching(&cloud, Some(&session)).await;
    assert_eq!(post(&cloud, "/__control/instant/drop", json!({})).await.0, 204);
    assert_eq!(client.next().await, None);
    let closed = loop {
        if let Some(entry) = noted(&cloud, "close").pop() {
            break entry;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((closed.user, &closed.detail["why"]), (Some(guest), &json!("dropped")));
    assert_eq!(noted(&cloud, "open")[0].detail["connection"], closed.detail["connection"]);
}

#[tokio::test]
async fn the_log_holds_no_token() {
    let cloud = cloud().await;
    let (_, session) = sign_in(&cloud, "user_ada").await;
    Client::watching(&cloud, Some(&session)).await;
    verify(&cloud, &session).await;
    sign_out(&cloud, &session).await;
    let log = serde_json::to_string(&cloud.log.since(0, None)).expect("JSON");
    assert!(!log.contains(&session) && !log.contains("eyJ"), "{log}");
}

#[tokio::test]
async fn a_reset_forgets_everything() {
    let cloud = cloud().await;
    let (_, session) = sign_in(&cloud, "user_ada").await;
    let mut client = Client::watching(&cloud, Some(&session)).await;
    client.add("gone soon").await;
    client.expect("transact-ok").await;
    cloud.reset();
    while client.next().await.is_some() {}
    assert_eq!(verify(&cloud, &session).await.0, 400);
    assert_eq!(living(&cloud).await, json!({}));
}
