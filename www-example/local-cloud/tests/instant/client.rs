//! An app to talk to, the calls of its HTTP side, and a socket that does exactly what a test tells it. It
//! must never answer or repair anything on its own, save for the transport's pongs.

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use local_cloud::instant::{APP_ID, CLIENT_NAME, SERVICE};
use local_cloud::log::Entry;
use local_cloud::server::Server;
use local_cloud::{Cloud, Fault, FaultKind, Folders};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};

/// The seeded attributes.
pub const ID: &str = "7d2f0a10-0000-4000-8000-000000000001";
pub const TEXT: &str = "7d2f0a10-0000-4000-8000-000000000002";

/// A row's id.
pub const ROW: &str = "0b8f5c3e-6c55-4a0e-9d52-0d5f1f3a7c01";

/// A running cloud.
pub async fn cloud() -> Arc<Cloud> {
    let server = Server::bind(0, Folders::default()).await.expect("a free port");
    let cloud = server.cloud.clone();
    tokio::spawn(server.run());
    cloud
}

/// A good token of this user, with these claims on top.
pub fn token(cloud: &Cloud, user: &str, more: Value) -> String {
    let now = cloud.clock.now_ms() / 1000;
    let mut claims = json!({
        "iss": cloud.issuer(), "sub": user, "iat": now, "nbf": now - 10, "exp": now + 60,
        "email": format!("{user}@example.test"), "email_verified": true,
    });
    for (name, value) in more.as_object().expect("an object") {
        claims[name] = value.clone();
    }
    cloud.keys.sign(&claims, &json!({}))
}

/// Posts to a path of this origin; the answer's status and body.
pub async fn post(cloud: &Cloud, path: &str, body: Value) -> (u16, Value) {
    let request = reqwest::Client::new().post(format!("{}{path}", cloud.origin())).json(&body);
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("a body");
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// Exchanges an id token, sending this refresh token along.
pub async fn exchange(cloud: &Cloud, id_token: &str, refresh_token: Option<&str>) -> (u16, Value) {
    let body = json!({
        "app_id": APP_ID, "id_token": id_token, "client_name": CLIENT_NAME, "refresh_token": refresh_token,
    });
    post(cloud, "/__instant/runtime/oauth/id_token", body).await
}

/// Signs a user in: the user's id and refresh token.
pub async fn sign_in(cloud: &Cloud, user: &str) -> (String, String) {
    let (status, body) = exchange(cloud, &token(cloud, user, json!({})), None).await;
    assert_eq!(status, 200, "{body}");
    session_of(&body)
}

/// Makes a guest: its id and refresh token.
pub async fn sign_in_guest(cloud: &Cloud) -> (String, String) {
    let (status, body) =
        post(cloud, "/__instant/runtime/auth/sign_in_guest", json!({ "app-id": APP_ID })).await;
    assert_eq!(status, 200, "{body}");
    session_of(&body)
}

/// The user's id and refresh token in the answer of a sign-in.
pub fn session_of(body: &Value) -> (String, String) {
    let text = |name: &str| body["user"][name].as_str().expect("text").to_owned();
    (text("id"), text("refresh_token"))
}

/// Verifies a refresh token.
pub async fn verify(cloud: &Cloud, refresh_token: &str) -> (u16, Value) {
    let body = json!({ "app-id": APP_ID, "refresh-token": refresh_token });
    post(cloud, "/__instant/runtime/auth/verify_refresh_token", body).await
}

/// Ends the session of a refresh token.
pub async fn sign_out(cloud: &Cloud, refresh_token: &str) {
    let body = json!({ "app_id": APP_ID, "refresh_token": refresh_token });
    assert_eq!(post(cloud, "/__instant/runtime/signout", body).await, (200, json!({})));
}

/// How many refresh tokens live, by user.
pub async fn living(cloud: &Cloud) -> Value {
    let answer =
        reqwest::get(format!("{}/__control/instant/tokens", cloud.origin())).await.expect("an answer");
    answer.json::<Value>().await.expect("JSON")["users"].clone()
}

/// Adds a fault of this service.
pub fn fault(cloud: &Cloud, pattern: &str, times: Option<u64>, kind: FaultKind) {
    cloud.faults.add(Fault { id: 0, service: SERVICE.into(), pattern: pattern.into(), times, kind });
}

/// The log's entries of this name.
pub fn noted(cloud: &Cloud, what: &str) -> Vec<Entry> {
    cloud.log.since(0, Some(SERVICE)).into_iter().filter(|entry| entry.what == what).collect()
}

/// One socket.
pub struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    sent: u64,
}

impl Client {
    /// Opens a socket.
    pub async fn open(cloud: &Cloud) -> Self {
        let origin = cloud.origin().replace("http://", "ws://");
        let url = format!("{origin}/__instant/runtime/session?app_id={APP_ID}");
        // Without delay, or two small messages would arrive 40 ms apart.
        let (socket, _) = connect_async_with_config(url, None, true).await.expect("the upgrade is accepted");
        Self { socket, sent: 0 }
    }

    /// Opens a socket and says `init`; the socket and the answer.
    pub async fn init(cloud: &Cloud, refresh_token: Option<&str>) -> (Self, Value) {
        let mut client = Self::open(cloud).await;
        client.send(json!({ "op": "init", "app-id": APP_ID, "refresh-token": refresh_token })).await;
        let answer = client.next().await.expect("the socket is open");
        (client, answer)
    }

    /// A socket that speaks for the holder of this refresh token, or for nobody, and watches the tasks.
    pub async fn watching(cloud: &Cloud, refresh_token: Option<&str>) -> Self {
        let (mut client, answer) = Self::init(cloud, refresh_token).await;
        assert_eq!(answer["op"], "init-ok", "{answer}");
        client.watch().await;
        client.expect("add-query-ok").await;
        client
    }

    /// Sends one message with an id of its own.
    pub async fn send(&mut self, mut message: Value) {
        self.sent += 1;
        message["client-event-id"] = format!("event-{}", self.sent).into();
        self.socket.send(Message::text(message.to_string())).await.expect("the socket is open");
    }

    /// Asks for the tasks.
    pub async fn watch(&mut self) {
        self.send(json!({ "op": "add-query", "q": { "tasks": {} } })).await;
    }

    /// Sends a transaction.
    pub async fn transact(&mut self, steps: Value) {
        self.send(json!({ "op": "transact", "tx-steps": steps })).await;
    }

    /// Sends a transaction that adds the row.
    pub async fn add(&mut self, text: &str) {
        self.transact(json!([["add-triple", ROW, ID, ROW], ["add-triple", ROW, TEXT, text]])).await;
    }

    /// The next message; none when the connection ended.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    return Some(serde_json::from_str(&text).expect("messages are JSON"));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return None,
            }
        }
    }

    /// The next message, which has this operation.
    pub async fn expect(&mut self, op: &str) -> Value {
        let message = self.next().await.expect("the socket is open");
        assert_eq!(message["op"], op, "{message}");
        message
    }

    /// The refusal that comes next has this type.
    pub async fn refused(&mut self, kind: &str) -> Value {
        let error = self.expect("error").await;
        assert_eq!(error["type"], kind, "{error}");
        assert_eq!(error["client-event-id"], format!("event-{}", self.sent));
        assert_eq!(error["original-event"]["client-event-id"], error["client-event-id"]);
        error
    }
}

/// The values of an attribute in the first result of a message.
pub fn values(message: &Value, attr: &str) -> Vec<Value> {
    let result = match &message["computations"][0] {
        Value::Null => &message["result"],
        computation => &computation["instaql-result"],
    };
    let mut values = Vec::new();
    collect(result, attr, &mut values);
    values
}

fn collect(nodes: &Value, attr: &str, into: &mut Vec<Value>) {
    for node in nodes.as_array().expect("a list of nodes") {
        for row in node["data"]["datalog-result"]["join-rows"].as_array().expect("rows") {
            let triples = row.as_array().expect("a row has triples").iter();
            into.extend(triples.filter(|triple| triple[1] == attr).map(|triple| triple[2].clone()));
        }
        collect(&node["child-nodes"], attr, into);
    }
}
