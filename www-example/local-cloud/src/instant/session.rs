//! One socket, from its opening to its end. It speaks for whom its `init` named, whatever becomes of that
//! session afterwards, and must never show a row to a socket of another user.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::ws::{Message, WebSocket};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use serde_json::{Value, json};

use super::accounts::User;
use super::refusal::Refusal;
use super::{APP_ID, App, SERVICE, new_uuid, query};
use crate::fate::{Fate, Wait};

/// Why a connection ends.
#[derive(Clone, Copy, Debug)]
enum End {
    /// The client closed it or is gone.
    Gone,
    /// Cut without a word.
    Dropped,
}

/// What comes next, unless a fault has put it off.
enum Due {
    Handle(Value, u64, Wait),
    Tell(Value),
}

/// A query that a client watches.
struct Watched {
    query: Value,
    /// What the client was told last, or is about to be.
    result: Value,
    /// Whether the client has its first result.
    told: bool,
}

struct Session {
    app: Arc<App>,
    connection: u64,
    /// Set by `init`: somebody, or nobody.
    auth: Option<Option<User>>,
    queries: Vec<Watched>,
    /// How many attributes the client knows.
    known_attrs: usize,
    /// What is ready stays in the order in which it came.
    due: FuturesUnordered<BoxFuture<'static, Due>>,
}

/// Serves one connection.
pub(super) async fn run(app: Arc<App>, mut socket: WebSocket) {
    let connection = app.next_connection();
    let mut drops = app.drops.subscribe();
    app.note("open", None, json!({ "connection": connection }));
    let mut session = Session {
        app: app.clone(),
        connection,
        auth: None,
        queries: Vec::new(),
        known_attrs: 0,
        due: FuturesUnordered::new(),
    };
    let end = tokio::select! {
        Err(end) = session.converse(&mut socket) => end,
        _ = drops.changed() => End::Dropped,
    };
    let why = match end {
        End::Gone => "gone",
        End::Dropped => "dropped",
    };
    app.note("close", session.user_name(), json!({ "connection": connection, "why": why }));
}

impl Session {
    async fn converse(&mut self, socket: &mut WebSocket) -> Result<Infallible, End> {
        let mut commits = self.app.commits.subscribe();
        loop {
            tokio::select! {
                biased;
                received = socket.recv() => match received {
                    Some(Ok(Message::Text(text))) => self.receive(socket, &text).await?,
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Binary(_) | Message::Close(_)) | Err(_)) | None => return Err(End::Gone),
                },
                Some(due) = self.due.next() => match due {
                    Due::Handle(message, seq, after) => self.handle(&message, seq, after),
                    Due::Tell(answer) => {
                        tell(socket, &answer).await?;
                        for watched in self.queries.iter_mut().filter(|watched| watched.query == answer["q"]) {
                            watched.told = true;
                        }
                        // What was held back may have changed since.
                        self.refresh(socket).await?;
                    }
                },
                _ = commits.changed() => self.refresh(socket).await?,
            }
        }
    }

    fn user(&self) -> Option<&User> {
        self.auth.as_ref().and_then(Option::as_ref)
    }

    fn user_name(&self) -> Option<&str> {
        self.user().map(User::name)
    }

    /// Logs a message and acts out the fault that is due.
    async fn receive(&mut self, socket: &mut WebSocket, text: &str) -> Result<(), End> {
        let message: Value = serde_json::from_str(text).map_err(|_| End::Gone)?;
        let op = message["op"].as_str().unwrap_or_default();
        let faults = &self.app.cloud.faults;
        let fault = faults.take(SERVICE, op);
        let fate = Fate::of(fault.as_ref(), faults);
        let seq = self.note(op, &message, json!(fault));
        let refusal = match fate {
            Fate::Handled { before, after } => {
                self.due.push(before.map(move |()| Due::Handle(message, seq, after)).boxed());
                return Ok(());
            }
            Fate::Status { code, body, retry_after } => Refusal::of_status(code, body, retry_after),
            Fate::Rejected(text) => match op {
                "init" => Refusal::app_user().saying(text),
                _ => Refusal::permission("tasks", "view").saying(text),
            },
            Fate::Dropped => return Err(End::Dropped),
            Fate::Ignored => return Ok(()),
        };
        self.app.cloud.log.amend(seq, refusal.to_detail());
        tell(socket, &refusal.to_message(&message)).await
    }

    fn note(&self, op: &str, message: &Value, fault: Value) -> u64 {
        let mut detail = json!({ "connection": self.connection, "refused": null, "fault": fault });
        let sent = message["refresh-token"].as_str();
        let holder = sent.and_then(|token| Some(self.app.accounts().holder(token).ok()?.name().to_owned()));
        match op {
            "init" => {
                detail["refreshTokenSent"] = sent.is_some().into();
                detail["refreshTokenOf"] = holder.as_deref().into();
            }
            "transact" => detail["steps"] = message["tx-steps"].clone(),
            _ => detail["query"] = message["q"].clone(),
        }
        self.app.note(op, holder.as_deref().or(self.user_name()), detail)
    }

    /// Does what a message asks for; it is answered after the wait.
    fn handle(&mut self, message: &Value, seq: u64, after: Wait) {
        let result = match message["op"].as_str() {
            Some("init") => self.init(message),
            Some("add-query") => self.add_query(&message["q"]),
            Some("remove-query") => {
                self.queries.retain(|watched| watched.query != message["q"]);
                Ok(json!({ "op": "remove-query-ok", "q": message["q"] }))
            }
            Some("transact") => self.transact(&message["tx-steps"]),
            _ => Err(Refusal::validation("op", "this operation is unknown to this stand-in")),
        };
        let answer = match result {
            Ok(mut answer) => {
                answer["client-event-id"] = message["client-event-id"].clone();
                answer
            }
            Err(refusal) => {
                self.app.cloud.log.amend(seq, refusal.to_detail());
                refusal.to_message(message)
            }
        };
        self.due.push(after.map(|()| Due::Tell(answer)).boxed());
    }

    fn init(&mut self, message: &Value) -> Result<Value, Refusal> {
        if self.auth.is_some() {
            return Err(Refusal::validation("init", "`init` has already run for this session."));
        }
        if message["app-id"] != APP_ID {
            return Err(Refusal::record_not_found("app"));
        }
        let user = match message["refresh-token"].as_str() {
            Some(token) => Some(self.app.accounts().holder(token)?.clone()),
            None => None,
        };
        let told = user.as_ref().map(User::to_json);
        self.auth = Some(user);
        let table = self.app.table();
        self.known_attrs = table.attrs().len();
        Ok(json!({
            "op": "init-ok",
            "session-id": new_uuid(),
            "auth": { "app": { "id": APP_ID, "title": "local-cloud" }, "user": told, "admin?": false },
            "attrs": table.attrs(),
            "app-status": { "status": "active" },
        }))
    }

    /// Who asks; an error before `init`.
    fn caller(&self) -> Result<Option<String>, Refusal> {
        match &self.auth {
            Some(user) => Ok(user.as_ref().map(|user| user.id.clone())),
            None => Err(Refusal::validation("init", "`init` has not run for this session.")),
        }
    }

    fn add_query(&mut self, query: &Value) -> Result<Value, Refusal> {
        let caller = self.caller()?;
        if self.queries.iter().any(|watched| watched.query == *query) {
            return Ok(json!({ "op": "add-query-exists", "q": query }));
        }
        let table = self.app.table();
        let result = query::answer(&table, query, caller.as_deref())?;
        self.queries.push(Watched { query: query.clone(), result: result.clone(), told: false });
        Ok(json!({ "op": "add-query-ok", "q": query, "result": result, "processed-tx-id": table.latest() }))
    }

    fn transact(&mut self, steps: &Value) -> Result<Value, Refusal> {
        let caller = self.caller()?;
        let number = self.app.table().transact(steps, caller.as_deref(), self.app.cloud.clock.now_ms())?;
        self.app.announce_commit();
        Ok(json!({ "op": "transact-ok", "tx-id": number }))
    }

    /// Tells what has changed.
    async fn refresh(&mut self, socket: &mut WebSocket) -> Result<(), End> {
        let Ok(caller) = self.caller() else { return Ok(()) };
        let message = {
            let table = self.app.table();
            let mut computations = Vec::new();
            for watched in self.queries.iter_mut().filter(|watched| watched.told) {
                if let Ok(result) = query::answer(&table, &watched.query, caller.as_deref())
                    && result != watched.result
                {
                    computations.push(json!({ "instaql-query": watched.query, "instaql-result": result }));
                    watched.result = result;
                }
            }
            let new_attrs = table.attrs().len() != self.known_attrs;
            if computations.is_empty() && !new_attrs {
                return Ok(());
            }
            let mut message = json!({
                "op": "refresh-ok",
                "processed-tx-id": table.latest(),
                "computations": computations,
            });
            if new_attrs {
                self.known_attrs = table.attrs().len();
                message["attrs"] = table.attrs().into();
            }
            message
        };
        tell(socket, &message).await
    }
}

async fn tell(socket: &mut WebSocket, message: &Value) -> Result<(), End> {
    socket.send(Message::Text(message.to_string().into())).await.map_err(|_| End::Gone)
}
