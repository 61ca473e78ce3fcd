//! A server on a free port, and a browser that speaks to it the way clerk-js does: forms, `_method`,
//! `__clerk_db_jwt`.

use std::sync::Arc;

use local_cloud::server::Server;
use local_cloud::{Cloud, Fault, FaultKind, Folders};
use reqwest::header::{CONTENT_TYPE, HeaderMap, ORIGIN};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

pub const PAGE: &str = "http://page.test";

pub struct TestCloud {
    pub cloud: Arc<Cloud>,
    pub http: Client,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    pub async fn read(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("a body");
        Self { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    /// Checks the shape all refusals have, and returns the code.
    pub fn code(&self) -> &str {
        let error = &self.body["errors"][0];
        assert!(
            error["message"].is_string() && error["long_message"].is_string(),
            "not Clerk's shape: {self:?}"
        );
        error["code"].as_str().expect("a code")
    }

    pub fn text(&self, pointer: &str) -> String {
        let value = self.body.pointer(pointer).and_then(Value::as_str);
        value.unwrap_or_else(|| panic!("no {pointer} in {}", self.body)).to_owned()
    }
}

impl TestCloud {
    pub async fn start() -> Self {
        Self::start_with(Folders::default()).await
    }

    pub async fn start_with(folders: Folders) -> Self {
        let server = Server::bind(0, folders).await.expect("a free port");
        let cloud = server.cloud.clone();
        tokio::spawn(server.run());
        Self { cloud, http: Client::new() }
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.cloud.origin())
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::read(self.http.get(self.url(path)).send().await.expect("an answer")).await
    }

    pub async fn control(&self, path: &str, body: Value) -> Answer {
        let request = self.http.post(self.url(&format!("/__control/{path}"))).json(&body);
        Answer::read(request.send().await.expect("an answer")).await
    }

    pub fn fault(&self, pattern: &str, times: Option<u64>, kind: FaultKind) {
        self.cloud.faults.add(Fault { id: 0, service: "clerk".into(), pattern: pattern.into(), times, kind });
    }

    pub async fn browser(&self) -> Browser<'_> {
        let mut browser = Browser { on: self, db_jwt: String::new() };
        browser.db_jwt = browser.call("POST", "/dev_browser", &[]).await.text("/id");
        browser
    }

    /// A browser with a session.
    pub async fn signed_in(&self, user_id: &str, org_id: Option<&str>) -> (Browser<'_>, String) {
        let made = self.control("session", json!({ "userId": user_id, "orgId": org_id })).await;
        (Browser { on: self, db_jwt: made.text("/dbJwt") }, made.text("/sessionId"))
    }
}

pub struct Browser<'a> {
    pub on: &'a TestCloud,
    pub db_jwt: String,
}

impl Browser<'_> {
    pub fn request(&self, method: &str, path: &str, form: &[(&str, &str)]) -> reqwest::RequestBuilder {
        let mut query = form_urlencoded::Serializer::new(String::from("__clerk_api_version=2026-05-12"));
        query.append_pair("__clerk_db_jwt", &self.db_jwt);
        let (wire, body) = match method {
            "GET" => (Method::GET, String::new()),
            _ => (Method::POST, form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()),
        };
        if !["GET", "POST"].contains(&method) {
            query.append_pair("_method", method);
        }
        self.on
            .http
            .request(wire, self.on.url(&format!("/__clerk/v1{path}?{}", query.finish())))
            .header(ORIGIN, PAGE)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body)
    }

    pub async fn call(&self, method: &str, path: &str, form: &[(&str, &str)]) -> Answer {
        Answer::read(self.request(method, path, form).send().await.expect("an answer")).await
    }

    /// Mints a token; `template` "" is the session token.
    pub async fn mint(&self, session: &str, template: &str) -> Answer {
        let path = format!("/client/sessions/{session}/tokens/{template}");
        self.call("POST", path.trim_end_matches('/'), &[]).await
    }

    pub async fn claims(&self, session: &str, template: &str) -> Value {
        let token = self.mint(session, template).await.text("/jwt");
        self.on.cloud.keys.verify(&token, self.on.cloud.clock.now_ms()).expect("a good token")
    }
}
