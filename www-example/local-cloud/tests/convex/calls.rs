//! Rule 8, the effects of a mutation, and what else a caller can expect of the functions.

use serde_json::{Value, json};

use crate::client::{Client, Closed, cloud, noted, token, token_with, ts};

#[tokio::test]
async fn rule8_effects_follow_in_a_transition_of_every_connection() {
    let cloud = cloud().await;
    let mut writer = Client::signed_in(&cloud, &token(&cloud, "user_a")).await;
    let mut reader = Client::signed_in(&cloud, &token(&cloud, "user_a")).await;
    let mut stranger = Client::signed_in(&cloud, &token(&cloud, "user_b")).await;
    for client in [&mut writer, &mut reader, &mut stranger] {
        client.watch(0, "tasks:list").await;
        client.transition().await;
    }
    writer.mutate(0, "tasks:add", json!({ "text": "milk" })).await;
    let response = writer.expect("MutationResponse").await;
    assert_eq!(response["success"], true);
    for client in [&mut writer, &mut reader] {
        let transition = client.transition().await;
        assert!(ts(&transition["endVersion"]["ts"]) >= ts(&response["ts"]));
        assert_eq!(Client::value(&transition, 0)[0]["text"], "milk");
    }
    let id = &response["result"];
    writer.mutate(1, "tasks:toggle", json!({ "id": id })).await;
    assert_eq!(writer.expect("MutationResponse").await["result"], true);
    assert_eq!(Client::value(&writer.transition().await, 0)[0]["done"], true);
    stranger.mutate(9, "tasks:remove", json!({ "id": id })).await;
    assert_eq!(stranger.expect("MutationResponse").await["success"], false);
    assert_eq!(stranger.transition().await["modifications"], json!([]));
    writer.mutate(2, "tasks:remove", json!({ "id": id })).await;
    assert_eq!(writer.expect("MutationResponse").await["success"], true);
    assert_eq!(Client::value(&writer.transition().await, 0), &json!([]));
}

#[tokio::test]
async fn rule8_a_repeated_mutation_returns_its_first_result_and_does_not_run_again() {
    let cloud = cloud().await;
    let mut client = Client::signed_in(&cloud, &token(&cloud, "user_a")).await;
    client.mutate(4, "tasks:add", json!({ "text": "once" })).await;
    let first = client.expect("MutationResponse").await;
    client.transition().await;
    client.close().await;
    // The same session on a new connection, meanwhile as somebody else.
    let mut client = Client::signed_in(&cloud, &token(&cloud, "user_b")).await;
    client.mutate(4, "tasks:add", json!({ "text": "once" })).await;
    assert_eq!(client.expect("MutationResponse").await, first);
    assert_eq!(noted(&cloud, "Mutation tasks:add").len(), 1);
    assert_eq!(noted(&cloud, "Repeat tasks:add").len(), 1);
}

#[tokio::test]
async fn rule8_a_signed_out_mutation_fails_without_a_timestamp() {
    let cloud = cloud().await;
    let mut client = Client::connect(&cloud).await;
    client.mutate(0, "tasks:add", json!({ "text": "?" })).await;
    let response = client.expect("MutationResponse").await;
    assert_eq!((&response["success"], &response["ts"]), (&json!(false), &Value::Null));
    assert_eq!(response["errorData"]["code"], "signed_out");
}

#[tokio::test]
async fn a_call_runs_as_the_caller_it_was_received_from() {
    let cloud = cloud().await;
    let mut client = Client::signed_in(&cloud, &token(&cloud, "user_a")).await;
    client.act(0, "tasks:slow", json!({ "ms": 20 })).await;
    client.authenticate(1, &token(&cloud, "user_b")).await;
    client.transition().await;
    assert_eq!(client.expect("ActionResponse").await["result"]["user"]["userId"], "user_a");
}

#[tokio::test]
async fn a_reset_clears_the_rows_and_ends_the_connections() {
    let cloud = cloud().await;
    let mut client = Client::signed_in(&cloud, &token(&cloud, "user_a")).await;
    client.mutate(0, "tasks:add", json!({ "text": "gone soon" })).await;
    let before = client.expect("MutationResponse").await;
    client.transition().await;
    cloud.reset();
    assert_eq!(client.closed().await, Closed::Cut);
    let mut client = Client::signed_in(&cloud, &token(&cloud, "user_a")).await;
    client.watch(0, "tasks:list").await;
    let after = client.transition().await;
    assert_eq!(Client::value(&after, 0), &json!([]));
    assert!(ts(&after["endVersion"]["ts"]) > ts(&before["ts"]));
}

#[tokio::test]
async fn unknown_functions_fail_by_name() {
    let cloud = cloud().await;
    let mut client = Client::connect(&cloud).await;
    client.watch(0, "tasks:nothing").await;
    let transition = client.transition().await;
    let failed = &transition["modifications"][0];
    assert_eq!(failed["type"], "QueryFailed");
    assert!(failed["errorMessage"].as_str().is_some_and(|message| message.contains("tasks:nothing")));
}

#[tokio::test]
async fn a_token_without_a_name_has_a_caller_without_a_name() {
    let cloud = cloud().await;
    let mut client = Client::signed_in(&cloud, &token_with(&cloud, "user_a", json!({ "name": null }))).await;
    client.act(0, "users:whoamiAction", json!({})).await;
    let whoami = json!({ "userId": "user_a", "orgId": null, "name": null });
    assert_eq!(client.expect("ActionResponse").await["result"], whoami);
}
