//! A sync client that does exactly what a test tells it, and a deployment to talk to. It must never
//! answer or repair anything on its own, save for the transport's pongs.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use local_cloud::log::Entry;
use local_cloud::server::Server;
use local_cloud::{Cloud, Fault, FaultKind, Folders};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

/// A session id, as clients make them up.
pub const SESSION: &str = "8d1a8f0e-6f4e-4f0b-9a5b-2f6f3d1c0a01";

/// A running cloud.
pub async fn cloud() -> Arc<Cloud> {
    let server = Server::bind(0, Folders::default()).await.expect("a free port");
    let cloud = server.cloud.clone();
    tokio::spawn(server.run());
    cloud
}

/// Claims that Convex accepts for this user.
fn claims(cloud: &Cloud, user: &str) -> Value {
    let now = cloud.clock.now_ms() / 1000;
    json!({
        "iss": cloud.issuer(), "aud": "convex", "sub": user, "name": "Ada", "jti": "jti_1",
        "iat": now, "nbf": now - 10, "exp": now + 60,
    })
}

/// A good token of this user.
pub fn token(cloud: &Cloud, user: &str) -> String {
    cloud.keys.sign(&claims(cloud, user), &json!({}))
}

/// A good token with these claims on top.
pub fn token_with(cloud: &Cloud, user: &str, more: Value) -> String {
    let mut claims = claims(cloud, user);
    for (name, value) in more.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    cloud.keys.sign(&claims, &json!({}))
}

/// Adds a fault of this service.
pub fn fault(cloud: &Cloud, pattern: &str, times: Option<u64>, kind: FaultKind) {
    cloud.faults.add(Fault { id: 0, service: "convex".into(), pattern: pattern.into(), times, kind });
}

/// The log's entries of this name.
pub fn noted(cloud: &Cloud, what: &str) -> Vec<Entry> {
    cloud.log.since(0, Some("convex")).into_iter().filter(|entry| entry.what == what).collect()
}

/// How a connection ended.
#[derive(Debug, PartialEq)]
pub enum Closed {
    /// By a closing frame with this code; 1005 stands for none.
    Frame(u16, String),
    /// Without one.
    Cut,
}

/// One connection.
pub struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Client {
    /// Opens a connection at this path.
    pub async fn open(cloud: &Cloud, path: &str) -> Self {
        let url = format!("{}{path}", cloud.origin().replace("http://", "ws://"));
        // Without delay, or two small messages would arrive 40 ms apart.
        let (socket, _) = connect_async_with_config(url, None, true).await.expect("the upgrade is accepted");
        Self { socket }
    }

    /// Opens a connection and says `Connect`.
    pub async fn connect(cloud: &Cloud) -> Self {
        let mut client = Self::open(cloud, "/api/1.48.0/sync").await;
        let connect = json!({
            "type": "Connect", "sessionId": SESSION, "connectionCount": 0,
            "lastCloseReason": "InitialConnect", "clientTs": cloud.clock.now_ms(),
        });
        client.send(connect).await;
        client
    }

    /// Connects, signs in and waits for the confirmation.
    pub async fn signed_in(cloud: &Cloud, token: &str) -> Self {
        let mut client = Self::connect(cloud).await;
        client.authenticate(0, token).await;
        let confirmed = client.transition().await;
        assert_eq!(confirmed["endVersion"]["identity"], 1);
        client
    }

    /// Sends one message.
    pub async fn send(&mut self, message: Value) {
        self.socket.send(Message::text(message.to_string())).await.expect("the connection is open");
    }

    pub async fn authenticate(&mut self, base: u32, token: &str) {
        let message =
            json!({ "type": "Authenticate", "tokenType": "User", "value": token, "baseVersion": base });
        self.send(message).await;
    }

    pub async fn sign_out(&mut self, base: u32) {
        self.send(json!({ "type": "Authenticate", "tokenType": "None", "baseVersion": base })).await;
    }

    /// Adds one query; its id is the base version.
    pub async fn watch(&mut self, base: u32, path: &str) {
        let add = json!({ "type": "Add", "queryId": base, "udfPath": path, "args": [{}] });
        self.send(json!({
            "type": "ModifyQuerySet", "baseVersion": base, "newVersion": base + 1, "modifications": [add],
        }))
        .await;
    }

    pub async fn mutate(&mut self, request: u32, path: &str, args: Value) {
        let message = json!({ "type": "Mutation", "requestId": request, "udfPath": path, "args": [args] });
        self.send(message).await;
    }

    pub async fn act(&mut self, request: u32, path: &str, args: Value) {
        self.send(json!({ "type": "Action", "requestId": request, "udfPath": path, "args": [args] })).await;
    }

    /// The next message, or how the connection ended.
    pub async fn next(&mut self) -> Result<Value, Closed> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    return Ok(serde_json::from_str(&text).expect("messages are JSON"));
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
        let message = self.next().await.expect("the connection is open");
        assert_eq!(message["type"], kind, "{message}");
        message
    }

    /// The next message, a transition.
    pub async fn transition(&mut self) -> Value {
        self.expect("Transition").await
    }

    /// The end of the connection, which is the next thing that happens.
    pub async fn closed(&mut self) -> Closed {
        self.next().await.expect_err("the connection ends without another message")
    }

    /// The value that a transition brings for a query.
    pub fn value(transition: &Value, query: u32) -> &Value {
        let modifications = transition["modifications"].as_array().expect("a list");
        let found = modifications.iter().find(|change| change["queryId"] == query);
        &found.unwrap_or_else(|| panic!("nothing about query {query} in {transition}"))["value"]
    }

    /// Closes the connection.
    pub async fn close(mut self) {
        self.socket.close(None).await.expect("the connection is open");
    }
}

/// A timestamp of the wire, as a number.
pub fn ts(encoded: &Value) -> u64 {
    use base64::Engine;
    let text = encoded.as_str().expect("a timestamp is text");
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).expect("in base64");
    u64::from_le_bytes(bytes.try_into().expect("of eight bytes"))
}
