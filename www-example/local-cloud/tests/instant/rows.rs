//! Queries and transactions: who sees what, and what a client is told of it.

use serde_json::{Value, json};

use crate::client::{Client, ID, ROW, TEXT, cloud, noted, sign_in, values};

#[tokio::test]
async fn a_row_is_pushed_to_its_creator_and_to_nobody_else() {
    let cloud = cloud().await;
    let (_, ada) = sign_in(&cloud, "user_ada").await;
    let (_, second) = sign_in(&cloud, "user_ada").await;
    let (_, grace) = sign_in(&cloud, "user_grace").await;
    let mut writer = Client::watching(&cloud, Some(&ada)).await;
    let mut reader = Client::watching(&cloud, Some(&second)).await;
    let mut stranger = Client::watching(&cloud, Some(&grace)).await;
    let mut nobody = Client::watching(&cloud, None).await;
    writer.add("mine").await;
    let number = writer.expect("transact-ok").await["tx-id"].clone();
    for client in [&mut writer, &mut reader] {
        let pushed = client.expect("refresh-ok").await;
        assert_eq!((values(&pushed, TEXT), &pushed["processed-tx-id"]), (vec![json!("mine")], &number));
        assert_eq!(pushed["computations"][0]["instaql-query"], json!({ "tasks": {} }));
    }
    for client in [&mut stranger, &mut nobody] {
        client.send(json!({ "op": "add-query", "q": { "tasks": { "$": { "where": {} } } } })).await;
        assert_eq!(values(&client.expect("add-query-ok").await, ID), [] as [Value; 0]);
    }
    let entry = noted(&cloud, "transact").pop().expect("it is logged");
    assert_eq!((entry.user.as_deref(), &entry.detail["steps"][1][3]), (Some("user_ada"), &json!("mine")));
}

#[tokio::test]
async fn nobody_may_write_and_others_may_not_touch() {
    let cloud = cloud().await;
    let mut nobody = Client::watching(&cloud, None).await;
    nobody.add("anybody's").await;
    let error = nobody.refused("permission-denied").await;
    assert_eq!(error["message"], "Permission denied: not perms-pass?");
    assert_eq!(error["hint"], json!({ "input": ["tasks", "create"], "expected": "perms-pass?" }));
    assert_eq!(noted(&cloud, "transact")[0].detail["refused"], "permission-denied");
    let (_, ada) = sign_in(&cloud, "user_ada").await;
    let (_, grace) = sign_in(&cloud, "user_grace").await;
    let mut owner = Client::watching(&cloud, Some(&ada)).await;
    owner.add("mine").await;
    owner.expect("transact-ok").await;
    owner.expect("refresh-ok").await;
    for (session, steps, action) in [
        (Some(&grace), json!([["add-triple", ROW, TEXT, "theirs"]]), "update"),
        (Some(&grace), json!([["delete-entity", ROW, "tasks"]]), "delete"),
        (Some(&grace), json!([["retract-triple", ROW, TEXT, "mine"]]), "update"),
        (None, json!([["delete-entity", ROW, "tasks"]]), "delete"),
    ] {
        let mut client = Client::watching(&cloud, session.map(String::as_str)).await;
        client.transact(steps).await;
        assert_eq!(client.refused("permission-denied").await["hint"]["input"], json!(["tasks", action]));
    }
    owner.transact(json!([["delete-entity", ROW, "tasks"]])).await;
    owner.expect("transact-ok").await;
    assert!(values(&owner.expect("refresh-ok").await, ID).is_empty());
}

#[tokio::test]
async fn attributes_come_with_the_rows_that_need_them() {
    const PRIORITY: &str = "7d2f0a10-0000-4000-8000-0000000000aa";
    let attr = json!({
        "id": PRIORITY, "forward-identity": ["7d2f0a10-0000-4000-8000-0000000000ab", "tasks", "priority"],
        "value-type": "blob", "cardinality": "one", "unique?": false, "index?": false, "isUnsynced": true,
    });
    let cloud = cloud().await;
    let (_, session) = sign_in(&cloud, "user_ada").await;
    let mut writer = Client::watching(&cloud, Some(&session)).await;
    let mut reader = Client::watching(&cloud, Some(&session)).await;
    let steps =
        json!([["add-attr", attr], ["add-triple", ROW, ID, ROW], ["add-triple", ROW, PRIORITY, { "at": 1 }]]);
    // The same twice, as after a lost connection.
    for _ in 0..2 {
        writer.transact(steps.clone()).await;
        while writer.next().await.expect("open")["op"] != "transact-ok" {}
    }
    let pushed = reader.expect("refresh-ok").await;
    assert_eq!(values(&pushed, PRIORITY), [json!({ "at": 1 })]);
    let told = pushed["attrs"].as_array().expect("attributes").last().expect("the new one").clone();
    assert_eq!((&told["id"], told.get("isUnsynced")), (&json!(PRIORITY), None));
    let mut merge = Client::watching(&cloud, Some(&session)).await;
    merge.transact(json!([["deep-merge-triple", ROW, PRIORITY, { "by": "ada", "at": null }]])).await;
    merge.expect("transact-ok").await;
    assert_eq!(values(&merge.expect("refresh-ok").await, PRIORITY), [json!({ "by": "ada" })]);
    let mut other = attr.clone();
    other["id"] = "7d2f0a10-0000-4000-8000-0000000000ac".into();
    merge.transact(json!([["add-attr", other]])).await;
    merge.refused("record-not-unique").await;
}

#[tokio::test]
async fn a_transaction_happens_as_a_whole_or_not_at_all() {
    let cloud = cloud().await;
    let (_, session) = sign_in(&cloud, "user_ada").await;
    let mut client = Client::watching(&cloud, Some(&session)).await;
    for last in [
        json!(["add-triple", ROW, "7d2f0a10-0000-4000-8000-0000000000ff", 1]),
        json!(["add-triple", ROW, ID, "another id"]),
        json!(["add-triple", "7d2f0a10-0000-4000-8000-0000000000f0", TEXT, "x", { "mode": "update" }]),
        json!(["delete-attr", TEXT]),
        json!(["add-triple", [TEXT, "a lookup"], TEXT, "x"]),
        json!(7),
    ] {
        client.transact(json!([["add-triple", ROW, ID, ROW], last])).await;
        client.refused("validation-failed").await;
    }
    client.add("the first to stay").await;
    client.expect("transact-ok").await;
    assert_eq!(values(&client.expect("refresh-ok").await, TEXT), [json!("the first to stay")]);
    client.transact(json!([["add-triple", ROW, ID, ROW, { "mode": "create" }]])).await;
    client.refused("validation-failed").await;
}

#[tokio::test]
async fn queries_are_added_once_and_removed() {
    let cloud = cloud().await;
    let (_, session) = sign_in(&cloud, "user_ada").await;
    let mut client = Client::watching(&cloud, Some(&session)).await;
    client.watch().await;
    assert_eq!(client.expect("add-query-exists").await["q"], json!({ "tasks": {} }));
    client.send(json!({ "op": "remove-query", "q": { "tasks": {} } })).await;
    client.expect("remove-query-ok").await;
    client.add("unseen").await;
    client.expect("transact-ok").await;
    client.watch().await;
    assert_eq!(values(&client.expect("add-query-ok").await, TEXT), [json!("unseen")]);
    client.send(json!({ "op": "add-query", "q": { "nothing": {} } })).await;
    assert!(values(&client.expect("add-query-ok").await, ID).is_empty());
    for query in
        [json!({ "tasks": { "tags": {} } }), json!({ "tasks": { "$": { "offset": 1 } } }), Value::Null]
    {
        client.send(json!({ "op": "add-query", "q": query })).await;
        client.refused("validation-failed").await;
    }
    client.send(json!({ "op": "join-room" })).await;
    client.refused("validation-failed").await;
    client.send(json!({ "op": "init" })).await;
    client.refused("validation-failed").await;
}
