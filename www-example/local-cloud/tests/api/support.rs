//! A cloud to call, tokens for it and plain calls.

use std::sync::Arc;

use local_cloud::log::Entry;
use local_cloud::server::Server;
use local_cloud::{Cloud, Fault, FaultKind, Folders};
use reqwest::{Method, RequestBuilder, Response, redirect};
use serde_json::{Value, json};

/// A running cloud.
pub async fn cloud() -> Arc<Cloud> {
    let server = Server::bind(0, Folders::default()).await.expect("a free port");
    let cloud = server.cloud.clone();
    tokio::spawn(server.run());
    cloud
}

/// The header of a token of this user with these claims on top.
pub fn bearer(cloud: &Cloud, user: &str, more: Value) -> String {
    let now = cloud.clock.now_ms() / 1000;
    let mut claims = json!({
        "iss": cloud.issuer(), "sub": user, "iat": now, "nbf": now - 10, "exp": now + 60,
    });
    for (name, value) in more.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    format!("Bearer {}", cloud.keys.sign(&claims, &json!({})))
}

/// A call that follows no redirection.
pub fn call(cloud: &Cloud, method: Method, path: &str) -> RequestBuilder {
    let client = reqwest::Client::builder().redirect(redirect::Policy::none()).build().expect("a client");
    client.request(method, format!("{}/__api/{path}", cloud.origin()))
}

/// A GET with this header, if any: status and body.
pub async fn get(cloud: &Cloud, path: &str, authorization: Option<&str>) -> (u16, Value) {
    let mut request = call(cloud, Method::GET, path);
    if let Some(header) = authorization {
        request = request.header("Authorization", header);
    }
    read(request.send().await.expect("it answers")).await
}

/// Status and body of an answer.
pub async fn read(answer: Response) -> (u16, Value) {
    let status = answer.status().as_u16();
    (status, answer.json().await.expect("the body is JSON"))
}

/// Adds a fault of this service that hits once.
pub fn fault(cloud: &Cloud, pattern: &str, kind: FaultKind) {
    cloud.faults.add(Fault { id: 0, service: "api".into(), pattern: pattern.into(), times: Some(1), kind });
}

/// The log's entries of this service.
pub fn noted(cloud: &Cloud) -> Vec<Entry> {
    cloud.log.since(0, Some("api"))
}
