//! One socket, from its opening to its end. Its identity is read once, from the headers in the payload of
//! `connection_init`, and holds until its token expires; then the connection is cut without a word. It must
//! never run anything before it knows whom for.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::future::pending;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};

use super::Engine;
use super::document::{Kind, Operation};
use super::identity::{self, Caller, Refusal};
use super::operation::{Running, Word};
use crate::fate::Fate;

/// How long a client may take to introduce itself.
const INIT_TIMEOUT: Duration = Duration::from_secs(3);
/// How often the client hears a ping.
const KEEPALIVE: Duration = Duration::from_secs(5);
/// How often the clock is looked at: a test may move it while a socket sleeps.
const LOOK_AT_CLOCK: Duration = Duration::from_millis(50);
/// How long a closing frame waits for its answer.
const CLOSING: Duration = Duration::from_secs(5);

/// Why a socket ends, and how.
#[derive(Clone, Debug)]
pub(super) enum End {
    /// The client closed it or is gone.
    Gone,
    /// Cut without a closing frame, for this reason.
    Cut(&'static str),
    /// Never answered again, until the client goes.
    Ignored,
    /// With a closing frame.
    Close {
        /// As defined by the subprotocol.
        code: u16,
        /// For the client.
        reason: String,
    },
}

impl End {
    fn close(code: u16, reason: impl Into<String>) -> Self {
        Self::Close { code, reason: reason.into() }
    }

    /// All that a client hears about a token that is no good.
    fn forbidden() -> Self {
        Self::close(4403, r#"{"server_error_msg":"4403: Forbidden"}"#)
    }

    fn invalid(why: &str) -> Self {
        Self::close(4400, format!("Invalid message: {why}"))
    }
}

/// An operation in progress.
struct InProgress {
    serial: u64,
    abort: AbortHandle,
    /// What it watches, if it is a subscription.
    watches: Option<String>,
}

struct Socket {
    engine: Arc<Engine>,
    connection: u64,
    opened: Instant,
    caller: Option<Arc<Caller>>,
    operations: HashMap<String, InProgress>,
    last_serial: u64,
    /// Cancels what still runs when the socket ends.
    tasks: JoinSet<()>,
    words: mpsc::UnboundedReceiver<(String, u64, Word)>,
    words_to: mpsc::UnboundedSender<(String, u64, Word)>,
}

/// Serves one socket.
pub(super) async fn run(engine: Arc<Engine>, mut wire: WebSocket) {
    let mut hangups = engine.hangups.subscribe();
    let (words_to, words) = mpsc::unbounded_channel();
    let mut socket = Socket {
        connection: engine.next_connection(),
        engine,
        opened: Instant::now(),
        caller: None,
        operations: HashMap::new(),
        last_serial: 0,
        tasks: JoinSet::new(),
        words,
        words_to,
    };
    socket.note("Open", None, json!({}));
    let serve = async {
        let end = match socket.converse(&mut wire).await {
            Ok(never) => match never {},
            Err(end) => end,
        };
        if matches!(end, End::Ignored) {
            while let Some(Ok(_)) = wire.recv().await {}
        }
        end
    };
    let hung_up = async {
        let _ = hangups.changed().await;
        hangups.borrow_and_update().clone()
    };
    let end = tokio::select! { end = serve => end, end = hung_up => end };
    for id in socket.operations.keys().cloned().collect::<Vec<_>>() {
        socket.end_operation(&id, "closed");
    }
    let (code, why) = match &end {
        End::Gone => (None, "gone"),
        End::Cut(why) => (None, *why),
        End::Ignored => (None, "ignored until the client left"),
        End::Close { code, reason } => (Some(*code), reason.as_str()),
    };
    socket.note("Close", None, json!({ "code": code, "why": why }));
    if let End::Close { code, reason } = end {
        let _ = wire.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
        // Cutting the connection before the client has answered could lose the frame.
        let answered = async { while let Some(Ok(_)) = wire.recv().await {} };
        let _ = tokio::time::timeout(CLOSING, answered).await;
    }
}

impl Socket {
    async fn converse(&mut self, wire: &mut WebSocket) -> Result<Infallible, End> {
        let mut keepalive = tokio::time::interval_at(self.opened + KEEPALIVE, KEEPALIVE);
        keepalive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                end = deadline(&self.engine, self.opened, self.caller.as_deref()) => return Err(end),
                received = wire.recv() => match received {
                    Some(Ok(Message::Text(text))) => {
                        if let Some(answer) = self.handle(&text).await? {
                            tell(wire, answer).await?;
                        }
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Ok(Message::Binary(_))) => return Err(End::invalid("binary")),
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(End::Gone),
                },
                Some((id, serial, word)) = self.words.recv() => {
                    if let Some(message) = self.pass_on(&id, serial, word)? {
                        tell(wire, message).await?;
                    }
                }
                _ = keepalive.tick() => {
                    tell(wire, json!({ "type": "ping", "payload": { "message": "keepalive" } })).await?;
                }
            }
        }
    }

    /// Works off one message and returns the answer that it has at once.
    async fn handle(&mut self, text: &str) -> Result<Option<Value>, End> {
        let message: Value = serde_json::from_str(text).map_err(|error| End::invalid(&error.to_string()))?;
        let id = || message["id"].as_str().ok_or_else(|| End::invalid("no id"));
        match message["type"].as_str() {
            Some("connection_init") => self.init(&message["payload"]["headers"]).await.map(Some),
            Some("ping") => Ok(Some(json!({ "type": "pong" }))),
            Some("pong") => Ok(None),
            Some("subscribe") => {
                let id = id()?;
                if let Err(refusal) = self.begin(id, &message["payload"])? {
                    return Ok(Some(json!({ "type": "error", "id": id, "payload": [refusal.to_json()] })));
                }
                Ok(None)
            }
            Some("complete") => {
                // The operation may have ended just before; that is no mistake of the client.
                self.end_operation(id()?, "completed");
                Ok(None)
            }
            _ => Err(End::invalid("unknown type")),
        }
    }

    async fn init(&mut self, headers: &Value) -> Result<Value, End> {
        if self.caller.is_some() {
            return Err(End::close(4429, "Too many initialisation requests"));
        }
        let fault = self.engine.fault(&["Init"]);
        let fate = Fate::of(fault.as_ref(), &self.engine.cloud.faults);
        let Fate::Handled { before, after } = fate else {
            self.note("Init", None, json!({ "fault": fault }));
            return Err(match fate {
                Fate::Status { code, .. } => End::close(1011, format!("status {code}")),
                Fate::Dropped => End::Cut("dropped"),
                Fate::Ignored => End::Ignored,
                Fate::Rejected(_) | Fate::Handled { .. } => End::forbidden(),
            });
        };
        before.await;
        let header = |wanted: &str| {
            let mut headers = headers.as_object().into_iter().flatten();
            headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value)
        };
        // A header that is no text is as malformed as one of another scheme.
        let text = |wanted| header(wanted).map(|value| value.as_str().unwrap_or_default());
        let caller = identity::identify(&self.engine, text("authorization"), text("x-hasura-role"));
        let exp = caller.as_ref().ok().and_then(|caller| caller.exp_ms).map(|exp_ms| exp_ms / 1000);
        let detail = json!({ "fault": fault, "exp": exp });
        match caller {
            Ok(caller) => self.caller = Some(Arc::new(caller)),
            Err(refusal) => {
                self.note("Init", Some(&refusal), detail);
                return Err(End::forbidden());
            }
        }
        self.note("Init", None, detail);
        after.await;
        Ok(json!({ "type": "connection_ack" }))
    }

    /// Starts an operation, or says why it cannot start.
    fn begin(&mut self, id: &str, payload: &Value) -> Result<Result<(), Refusal>, End> {
        let caller = self.caller.clone().ok_or_else(|| End::close(4401, "Unauthorized"))?;
        if self.operations.contains_key(id) {
            return Err(End::close(4409, format!("Subscriber for {id} already exists")));
        }
        let operation = match Operation::read(payload) {
            Ok(operation) => operation,
            Err(refusal) => {
                self.note("Subscribe", Some(&refusal), json!({ "id": id }));
                return Ok(Err(refusal));
            }
        };
        // Those that have ended need no cancelling.
        while self.tasks.try_join_next().is_some() {}
        self.last_serial += 1;
        let serial = self.last_serial;
        let watches = (operation.kind == Kind::Subscription).then(|| operation.subject());
        let running = Running {
            engine: self.engine.clone(),
            connection: self.connection,
            id: id.into(),
            serial,
            caller,
            operation,
            words: self.words_to.clone(),
        };
        let abort = self.tasks.spawn(running.run());
        self.operations.insert(id.into(), InProgress { serial, abort, watches });
        Ok(Ok(()))
    }

    /// The message that an operation's word becomes, unless its client no longer wants to hear it.
    fn pass_on(&mut self, id: &str, serial: u64, word: Word) -> Result<Option<Value>, End> {
        if self.operations.get(id).is_none_or(|operation| operation.serial != serial) {
            return Ok(None);
        }
        Ok(Some(match word {
            Word::Next(payload) => json!({ "type": "next", "id": id, "payload": payload }),
            Word::Error(payload) => {
                self.end_operation(id, "failed");
                json!({ "type": "error", "id": id, "payload": payload })
            }
            Word::Complete => {
                self.end_operation(id, "done");
                json!({ "type": "complete", "id": id })
            }
            Word::End(end) => return Err(end),
        }))
    }

    fn end_operation(&mut self, id: &str, why: &str) {
        let Some(operation) = self.operations.remove(id) else { return };
        operation.abort.abort();
        if let Some(watched) = operation.watches {
            self.note(&format!("End {watched}"), None, json!({ "id": id, "why": why }));
        }
    }

    fn note(&self, what: &str, refusal: Option<&Refusal>, more: Value) {
        let mut detail = json!({ "connection": self.connection });
        if let (Some(detail), Value::Object(more)) = (detail.as_object_mut(), more) {
            detail.extend(more);
        }
        self.engine.note(what, self.caller.as_deref(), refusal, detail);
    }
}

/// Resolves when the client has not introduced itself in time, or when its token expires.
async fn deadline(engine: &Engine, opened: Instant, caller: Option<&Caller>) -> End {
    let Some(caller) = caller else {
        tokio::time::sleep_until(opened + INIT_TIMEOUT).await;
        return End::close(4408, "Connection initialisation timeout");
    };
    let Some(exp_ms) = caller.exp_ms else { return pending().await };
    loop {
        let left = exp_ms.saturating_sub(engine.cloud.clock.now_ms());
        let Ok(left @ 1..) = u64::try_from(left) else { return End::Cut("expired") };
        tokio::time::sleep(Duration::from_millis(left).min(LOOK_AT_CLOCK)).await;
    }
}

async fn tell(wire: &mut WebSocket, message: Value) -> Result<(), End> {
    wire.send(Message::Text(message.to_string().into())).await.map_err(|_| End::Gone)
}
