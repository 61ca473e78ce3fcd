//! A cloud to talk to, tokens for it, and a client that does exactly what a test tells it. It must never
//! answer or repair anything on its own.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use local_cloud::log::Entry;
use local_cloud::server::Server;
use local_cloud::{Cloud, Fault, FaultKind, Folders};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

pub const NAMESPACE: &str = "https://hasura.io/jwt/claims";
pub const TASKS: &str = "subscription { tasks { text done } }";

/// A running cloud.
pub async fn cloud() -> Arc<Cloud> {
    let server = Server::bind(0, Folders::default()).await.expect("a free port");
    let cloud = server.cloud.clone();
    tokio::spawn(server.run());
    cloud
}

/// Claims that Hasura accepts for this user in its role "user".
pub fn claims(cloud: &Cloud, user: &str, org: &str) -> Value {
    let now = cloud.clock.now_ms() / 1000;
    json!({
        "iss": cloud.issuer(), "sub": user, "jti": "jti_1", "iat": now, "nbf": now - 5, "exp": now + 60,
        NAMESPACE: {
            "x-hasura-default-role": "user", "x-hasura-allowed-roles": ["user", "org_admin", "auditor"],
            "x-hasura-user-id": user, "x-hasura-org-id": org,
        },
    })
}

/// The header of a good token.
pub fn bearer(cloud: &Cloud, user: &str, org: &str) -> String {
    sign(cloud, &claims(cloud, user, org))
}

/// The header of a token with these claims.
pub fn sign(cloud: &Cloud, claims: &Value) -> String {
    format!("Bearer {}", cloud.keys.sign(claims, &json!({})))
}

/// A POST with these headers: status and body.
pub async fn post(cloud: &Cloud, headers: &[(&str, &str)], request: Value) -> (u16, Value) {
    let mut post = reqwest::Client::new().post(format!("{}/v1/graphql", cloud.origin()));
    for (name, value) in headers {
        post = post.header(*name, *value);
    }
    let answer = post.body(request.to_string()).send().await.expect("it answers");
    let status = answer.status().as_u16();
    (status, serde_json::from_str(&answer.text().await.expect("a body")).expect("in JSON"))
}

/// Runs a document as the bearer of this header.
pub async fn ask(cloud: &Cloud, authorization: &str, query: &str) -> Value {
    let (status, body) = post(cloud, &[("authorization", authorization)], json!({ "query": query })).await;
    assert_eq!(status, 200);
    body
}

/// Asks the control endpoint for something.
pub async fn control(cloud: &Cloud, path: &str, body: Value) -> u16 {
    let url = format!("{}/__control/hasura/{path}", cloud.origin());
    let answer = reqwest::Client::new().post(url).body(body.to_string()).send().await;
    answer.expect("it answers").status().as_u16()
}

/// Adds a fault of this service that hits once.
pub fn fault(cloud: &Cloud, pattern: &str, kind: FaultKind) {
    cloud.faults.add(Fault {
        id: 0,
        service: "hasura".into(),
        pattern: pattern.into(),
        times: Some(1),
        kind,
    });
}

/// The log's entries of this name.
pub fn noted(cloud: &Cloud, what: &str) -> Vec<Entry> {
    cloud.log.since(0, Some("hasura")).into_iter().filter(|entry| entry.what == what).collect()
}

/// How a socket ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Closed {
    /// By a closing frame with this code.
    Frame(u16, String),
    /// Without one.
    Cut,
}

impl Closed {
    /// What a client hears about a bad token.
    pub fn forbidden() -> Self {
        Self::Frame(4403, r#"{"server_error_msg":"4403: Forbidden"}"#.into())
    }
}

/// One socket.
pub struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Client {
    /// Tries to open a socket that speaks this subprotocol.
    pub async fn try_open(cloud: &Cloud, protocol: &'static str) -> Result<Self, Error> {
        let url = format!("{}/v1/graphql", cloud.origin().replace("http://", "ws://"));
        let mut request = url.into_client_request()?;
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(protocol));
        // Without delay, or two small messages would arrive 40 ms apart.
        let (socket, _) = connect_async_with_config(request, None, true).await?;
        Ok(Self { socket })
    }

    /// Opens a socket.
    pub async fn open(cloud: &Cloud) -> Self {
        Self::try_open(cloud, "graphql-transport-ws").await.expect("the upgrade is accepted")
    }

    /// Opens a socket and introduces itself with these headers.
    pub async fn init(cloud: &Cloud, headers: Value) -> Self {
        let mut client = Self::open(cloud).await;
        client.send(json!({ "type": "connection_init", "payload": { "headers": headers } })).await;
        client
    }

    /// Opens a socket as the bearer of this header and waits until it is accepted.
    pub async fn signed_in(cloud: &Cloud, authorization: &str) -> Self {
        let mut client = Self::init(cloud, json!({ "Authorization": authorization })).await;
        client.expect("connection_ack").await;
        client
    }

    /// Sends one message.
    pub async fn send(&mut self, message: Value) {
        self.socket.send(Message::text(message.to_string())).await.expect("the socket is open");
    }

    /// Starts an operation.
    pub async fn subscribe(&mut self, id: &str, query: &str) {
        self.send(json!({ "type": "subscribe", "id": id, "payload": { "query": query } })).await;
    }

    /// The next message, or how the socket ended. Pings of the server are passed over.
    pub async fn next(&mut self) -> Result<Value, Closed> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(&text).expect("messages are JSON");
                    if message["type"] != "ping" {
                        return Ok(message);
                    }
                }
                Some(Ok(Message::Close(frame))) => {
                    // Lets the closing handshake end.
                    while let Some(Ok(_)) = self.socket.next().await {}
                    let none = CloseFrame { code: 1005.into(), reason: "".into() };
                    let frame = frame.unwrap_or(none);
                    return Err(Closed::Frame(frame.code.into(), frame.reason.to_string()));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(Closed::Cut),
            }
        }
    }

    /// The next message, which has this type.
    pub async fn expect(&mut self, kind: &str) -> Value {
        let message = self.next().await.expect("the socket is open");
        assert_eq!(message["type"], kind, "{message}");
        message
    }

    /// The texts of the tasks that the next message brings.
    pub async fn texts(&mut self) -> Vec<String> {
        let message = self.expect("next").await;
        let tasks = message["payload"]["data"]["tasks"].as_array().expect("a list");
        tasks.iter().map(|task| task["text"].as_str().expect("text").into()).collect()
    }

    /// The end of the socket, which is the next thing that happens.
    pub async fn closed(&mut self) -> Closed {
        self.next().await.expect_err("the socket ends without another message")
    }
}
