//! Operations over HTTP: documents, roles and rows.

use local_cloud::Cloud;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{ask, bearer, cloud, noted, post};

async fn insert(cloud: &Cloud, authorization: &str, text: &str) -> Value {
    let query = "mutation Add($text: String!) { insert_task(text: $text) { id user_id org_id } }";
    let request = json!({ "query": query, "variables": { "text": text } });
    post(cloud, &[("authorization", authorization)], request).await.1["data"]["insert_task"].clone()
}

async fn texts(cloud: &Cloud, headers: &[(&str, &str)]) -> Value {
    let (_, body) = post(cloud, headers, json!({ "query": "{ tasks { text } }" })).await;
    let tasks = body["data"]["tasks"].as_array().unwrap_or_else(|| panic!("{body}")).clone();
    tasks.into_iter().map(|mut task| task["text"].take()).collect()
}

#[tokio::test]
async fn a_caller_is_who_its_token_says() {
    let cloud = cloud().await;
    let who = "{ whoami { user_id org_id role } }";
    let answer = ask(&cloud, &bearer(&cloud, "user_a", "org_1"), who).await;
    assert_eq!(answer["data"]["whoami"], json!({ "user_id": "user_a", "org_id": "org_1", "role": "user" }));
    let answer = ask(&cloud, &bearer(&cloud, "user_a", ""), who).await;
    assert_eq!(answer["data"]["whoami"]["org_id"], Value::Null);
    let entry = &noted(&cloud, "Query whoami")[0];
    assert_eq!(entry.user.as_deref(), Some("user_a"));
    assert_eq!((&entry.detail["role"], &entry.detail["org"]), (&json!("user"), &json!("org_1")));
    assert_eq!((&entry.detail["status"], &entry.detail["refused"]), (&json!(200), &Value::Null));
}

#[tokio::test]
async fn rows_are_filtered_by_role_user_and_organisation() {
    let cloud = cloud().await;
    let (a1, a2) = (bearer(&cloud, "user_a", "org_1"), bearer(&cloud, "user_a", "org_2"));
    let (b1, personal) = (bearer(&cloud, "user_b", "org_1"), bearer(&cloud, "user_a", ""));
    let added = insert(&cloud, &a1, "a in 1").await;
    assert_eq!(added, json!({ "id": "2", "user_id": "user_a", "org_id": "org_1" }));
    insert(&cloud, &a2, "a in 2").await;
    insert(&cloud, &b1, "b in 1").await;
    assert_eq!(insert(&cloud, &personal, "a").await["org_id"], Value::Null);
    assert_eq!(texts(&cloud, &[("authorization", &a1)]).await, json!(["a in 1"]));
    assert_eq!(texts(&cloud, &[("authorization", &a2)]).await, json!(["a in 2"]));
    assert_eq!(texts(&cloud, &[("authorization", &personal)]).await, json!(["a"]));
    let admin = [("authorization", a1.as_str()), ("x-hasura-role", "org_admin")];
    assert_eq!(texts(&cloud, &admin).await, json!(["a in 1", "b in 1"]));
    assert_eq!(texts(&cloud, &[]).await, json!(["Welcome: sign in to see your own tasks"]));
    // Another's row cannot be changed, and looks as if it were not there.
    let change = "mutation { set_done(id: 2, done: true) { id } }";
    assert_eq!(ask(&cloud, &b1, change).await, json!({ "data": { "set_done": null } }));
    assert_eq!(ask(&cloud, &a1, change).await, json!({ "data": { "set_done": { "id": "2" } } }));
}

#[tokio::test]
async fn documents_may_have_aliases_fragments_defaults_and_several_operations() {
    let cloud = cloud().await;
    let a = bearer(&cloud, "user_a", "");
    let query = r#"
        mutation Add($text: String = "by default") { new: insert_task(text: $text) { ...Task } }
        query List { __typename mine: tasks { __typename ...Task ... on tasks { done } } }
        fragment Task on tasks { key: id text }
    "#;
    let headers = [("authorization", a.as_str())];
    let (_, added) = post(&cloud, &headers, json!({ "query": query, "operationName": "Add" })).await;
    assert_eq!(added["data"]["new"], json!({ "key": "2", "text": "by default" }));
    let (_, list) = post(&cloud, &headers, json!({ "query": query, "operationName": "List" })).await;
    let task = json!({ "__typename": "tasks", "key": "2", "text": "by default", "done": false });
    assert_eq!(list["data"], json!({ "__typename": "query_root", "mine": [task] }));
}

#[tokio::test]
async fn a_document_that_the_schema_does_not_know_is_refused() {
    let cloud = cloud().await;
    let a = bearer(&cloud, "user_a", "");
    let refused = [
        "{ tasks { nothing } }",
        "{ nothing }",
        "{ tasks }",
        "{ tasks { id { more } } }",
        "{ tasks { ...Nothing } }",
        "{ tasks { ...F } } fragment F on tasks { ...F }",
        "{ tasks { id @skip(if: true) } }",
        "mutation { insert_task { id } }",
        "query A { whoami { role } } query B { whoami { role } }",
        "no document {",
    ];
    for query in refused {
        let answer = ask(&cloud, &a, query).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "validation-failed", "{query}: {answer}");
    }
    let answer = ask(&cloud, &a, "subscription { tasks { id } }").await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "unexpected");
    let anonymous = json!({ "query": "mutation { insert_task(text: \"a\") { id } }" });
    assert_eq!(post(&cloud, &[], anonymous).await.1["errors"][0]["message"], "no mutations exist");
    let auditor = [("authorization", a.as_str()), ("x-hasura-role", "auditor")];
    let (_, answer) = post(&cloud, &auditor, json!({ "query": "{ tasks { id } }" })).await;
    assert_eq!(answer["errors"][0]["message"], "field 'tasks' not found in type: 'query_root'");
}

#[tokio::test]
async fn pages_of_other_origins_may_call() {
    let cloud = cloud().await;
    let url = format!("{}/v1/graphql", cloud.origin());
    let preflight = reqwest::Client::new()
        .request(Method::OPTIONS, &url)
        .header("Origin", "http://page.test")
        .header("Access-Control-Request-Headers", "authorization,x-hasura-role")
        .send()
        .await
        .expect("it answers");
    assert_eq!(preflight.status(), 204);
    assert_eq!(preflight.headers()["access-control-allow-origin"], "http://page.test");
    assert_eq!(preflight.headers()["access-control-allow-headers"], "authorization,x-hasura-role");
    let answer = reqwest::Client::new().post(&url).header("Origin", "http://page.test").body("{}");
    let answer = answer.send().await.expect("it answers");
    assert_eq!(answer.headers()["access-control-allow-origin"], "http://page.test");
}
