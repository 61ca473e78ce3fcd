//! One sync connection, from its opening to its end. Messages are handled one after another, mutations run
//! one after another beside them and actions side by side; an authentication error is the last thing a
//! client hears, and must never be sent for a failure that is the server's own.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, close_code};
use convex_sync_types::types::SerializedArgs;
use convex_sync_types::{AuthenticationToken, ClientMessage, ServerMessage, SessionId};
use convex_sync_types::{StateVersion, Timestamp, UdfPath};
use futures_util::future::{BoxFuture, join_all};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::Deployment;
use super::call::{Call, Kind, Reply, perform};
use super::fate::{self, Fate, Wait};
use super::identity;
use super::state::State;
use super::table::request_key;

/// After so long without a message to the client comes a `Ping`.
const PING_AFTER: Duration = Duration::from_secs(15);
/// How often the transport is probed, and how long its other end may be silent.
const PROBE_EVERY: Duration = Duration::from_secs(5);
const SILENCE_LIMIT: Duration = Duration::from_secs(120);

/// Why a connection ends.
#[derive(Debug)]
pub(super) enum End {
    /// The client closed it or is gone.
    Gone,
    /// Cut without a word.
    Dropped,
    /// Never answered again, until the client goes.
    Ignored,
    /// The identity is no good: a new one was refused (`attempted`) or the present one has expired.
    Unauthenticated { message: String, attempted: bool },
    /// The client broke the protocol and shall not come back.
    Fatal(String),
    /// The server's own trouble; the client comes back by itself.
    Internal(String),
}

struct Session {
    deployment: Arc<Deployment>,
    connection: u64,
    session_id: Option<SessionId>,
    clock_skew: Option<i64>,
    state: State,
    mutations: mpsc::UnboundedSender<Call>,
    replies: mpsc::UnboundedReceiver<Reply>,
    reply_to: mpsc::UnboundedSender<Reply>,
    /// Cancels what still runs when the session ends.
    running: JoinSet<()>,
    step_due: bool,
    /// A transition on its way, and the version it leads to.
    step: Option<(BoxFuture<'static, ServerMessage<Value>>, StateVersion)>,
    /// What holds back the next transition.
    holds: Vec<Wait>,
}

/// Serves one connection.
pub(super) async fn run(deployment: Arc<Deployment>, mut socket: WebSocket) {
    let connection = deployment.next_connection();
    let mut drops = deployment.drops.subscribe();
    deployment.note("Open", None, json!({ "connection": connection }));
    let mut session = Session::new(deployment.clone(), connection);
    let serve = async {
        let end = session.serve(&mut socket).await;
        if matches!(end, End::Ignored) {
            while let Some(Ok(_)) = socket.recv().await {}
        }
        end
    };
    let end = tokio::select! { end = serve => end, _ = drops.changed() => End::Dropped };
    let identity_version = session.state.current().identity;
    drop(session);
    let why = finish(&deployment, connection, identity_version, &mut socket, end).await;
    deployment.note("Close", None, json!({ "connection": connection, "why": why }));
}

impl Session {
    fn new(deployment: Arc<Deployment>, connection: u64) -> Self {
        let (reply_to, replies) = mpsc::unbounded_channel();
        let (mutations, mut queue) = mpsc::unbounded_channel();
        let mut running = JoinSet::new();
        let (worker, replies_to) = (deployment.clone(), reply_to.clone());
        running.spawn(async move {
            while let Some(call) = queue.recv().await {
                let reply = perform(&worker, connection, call).await;
                if replies_to.send(reply).is_err() {
                    break;
                }
            }
        });
        Self {
            deployment,
            connection,
            session_id: None,
            clock_skew: None,
            state: State::new(connection),
            mutations,
            replies,
            reply_to,
            running,
            step_due: false,
            step: None,
            holds: Vec::new(),
        }
    }

    async fn serve(&mut self, socket: &mut WebSocket) -> End {
        match self.converse(socket).await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn converse(&mut self, socket: &mut WebSocket) -> Result<std::convert::Infallible, End> {
        let mut commits = self.deployment.commits.subscribe();
        let mut probes = tokio::time::interval(PROBE_EVERY);
        probes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut heard, mut spoken) = (Instant::now(), Instant::now());
        loop {
            if self.step_due && self.step.is_none() {
                self.begin_step()?;
            }
            let message = tokio::select! {
                biased;
                received = socket.recv() => {
                    heard = Instant::now();
                    match received {
                        Some(Ok(Message::Text(text))) => self.handle(&text).await?,
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Ok(Message::Binary(_))) => return Err(End::Fatal("binary message".into())),
                        Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(End::Gone),
                    }
                    continue;
                }
                reply = self.replies.recv() => {
                    // The effects of a mutation are in the transition that follows its response.
                    self.step_due = true;
                    reply.unwrap_or(Err(End::Gone))?
                }
                _ = commits.changed() => {
                    self.step_due |= self.state.is_stale(&self.deployment.table());
                    continue;
                }
                (transition, version) = next_step(&mut self.step) => {
                    self.step = None;
                    self.state.told(version);
                    transition
                }
                () = tokio::time::sleep_until(spoken + PING_AFTER) => ServerMessage::Ping,
                _ = probes.tick() => {
                    if heard.elapsed() > SILENCE_LIMIT {
                        return Err(End::Dropped);
                    }
                    send(socket, Message::Ping(Default::default())).await?;
                    continue;
                }
            };
            spoken = Instant::now();
            tell(socket, message).await?;
        }
    }

    async fn handle(&mut self, text: &str) -> Result<(), End> {
        let message = serde_json::from_str::<Value>(text)
            .map_err(|error| error.to_string())
            .and_then(|json| ClientMessage::try_from(json).map_err(|error| error.to_string()))
            .map_err(|error| End::Fatal(format!("invalid message: {error}")))?;
        match message {
            ClientMessage::Connect {
                session_id,
                connection_count,
                last_close_reason,
                max_observed_timestamp,
                client_ts,
            } => {
                let detail = json!({
                    "connection": self.connection,
                    "session": session_id.to_string(),
                    "connectionCount": connection_count,
                    "lastCloseReason": last_close_reason,
                });
                self.deployment.note("Connect", None, detail);
                self.admit("Connect").await?;
                let now = self.deployment.now_ms();
                self.clock_skew = client_ts.and_then(|ts| i64::try_from(ts).ok()).map(|ts| ts - now);
                self.session_id = Some(session_id);
                let latest = self.deployment.table().latest();
                if max_observed_timestamp.is_some_and(|seen| seen > latest) {
                    return Err(End::Internal("the client has seen a later timestamp".into()));
                }
            }
            ClientMessage::Authenticate { base_version, token } => {
                self.authenticate(base_version, token).await?;
            }
            ClientMessage::ModifyQuerySet { base_version, new_version, modifications } => {
                self.admit("ModifyQuerySet").await?;
                self.state.modify_query_set(base_version, new_version, modifications)?;
                self.step_due = true;
            }
            ClientMessage::Mutation { request_id, udf_path, args, .. } => {
                let call = self.call(Kind::Mutation, request_id, udf_path, &args)?;
                // The receiver lives as long as this session.
                let _ = self.mutations.send(call);
            }
            ClientMessage::Action { request_id, udf_path, args, .. } => {
                let call = self.call(Kind::Action, request_id, udf_path, &args)?;
                let (deployment, reply_to) = (self.deployment.clone(), self.reply_to.clone());
                let connection = self.connection;
                self.running.spawn(async move {
                    let _ = reply_to.send(perform(&deployment, connection, call).await);
                });
            }
            // Telemetry of the client.
            ClientMessage::Event(_) => {}
        }
        Ok(())
    }

    /// The fate of a message that has no answer of its own.
    async fn admit(&mut self, what: &str) -> Result<(), End> {
        match Fate::of(&self.deployment.cloud.faults, what) {
            Fate::Handled { before, after } => {
                before.over(&self.deployment.cloud.faults).await;
                self.holds.push(after);
                Ok(())
            }
            Fate::Status { code: 400 | 401 | 403, body, .. } if what == "Authenticate" => {
                Err(End::Unauthenticated { message: fate::failure(body.as_ref()).message, attempted: true })
            }
            Fate::Status { code, .. } => Err(End::Internal(format!("fault: status {code}"))),
            Fate::Rejected { message } => {
                Err(End::Unauthenticated { message, attempted: what == "Authenticate" })
            }
            Fate::Dropped => Err(End::Dropped),
            Fate::Ignored => Err(End::Ignored),
        }
    }

    async fn authenticate(&mut self, base_version: u32, token: AuthenticationToken) -> Result<(), End> {
        let cloud = &self.deployment.cloud;
        let (kind, verified) = match &token {
            AuthenticationToken::None => ("None", Ok(None)),
            AuthenticationToken::User(token) => ("User", identity::authenticate(cloud, token).map(Some)),
            AuthenticationToken::Admin(..) => ("Admin", Err(identity::Refusal::admin_key())),
        };
        let caller = verified.as_ref().ok().and_then(Option::as_ref);
        let detail = json!({
            "connection": self.connection,
            "tokenType": kind,
            "baseVersion": base_version,
            "org": caller.and_then(|caller| caller.org_id.as_deref()),
            "jti": caller.and_then(|caller| caller.jti.as_deref()),
            "exp": caller.map(|caller| caller.exp_ms / 1000),
            "refused": verified.as_ref().err().map(|refusal| refusal.message.as_str()),
        });
        self.deployment.note("Authenticate", caller.map(|caller| caller.user_id.as_str()), detail);
        self.admit("Authenticate").await?;
        // Verification comes first, also before the version is looked at.
        let identity =
            verified.map_err(|refusal| End::Unauthenticated { message: refusal.message, attempted: true })?;
        self.state.modify_identity(base_version, identity)?;
        self.step_due = true;
        Ok(())
    }

    fn call(&self, kind: Kind, request_id: u32, path: UdfPath, args: &SerializedArgs) -> Result<Call, End> {
        let caller = self.state.caller(self.deployment.now_ms())?;
        let args = serde_json::from_str(args.get())
            .map_err(|error| End::Fatal(format!("invalid arguments of request {request_id}: {error}")))?;
        let key = self.session_id.map(|session| request_key(session, request_id));
        let path = String::from(path.canonicalize().strip());
        // Taken here, so that faults hit calls in the order in which they came.
        let fate = Fate::of(&self.deployment.cloud.faults, &format!("{kind} {path}"));
        Ok(Call { kind, request_id, path, args, caller, key, fate })
    }

    fn begin_step(&mut self) -> Result<(), End> {
        self.step_due = false;
        let step = self.state.step(&self.deployment)?;
        let mut waits = std::mem::take(&mut self.holds);
        waits.extend(step.waits);
        let (deployment, clock_skew) = (self.deployment.clone(), self.clock_skew);
        let telling = async move {
            let faults = &deployment.cloud.faults;
            join_all(waits.into_iter().map(|wait| wait.over(faults))).await;
            if step.ignored {
                std::future::pending::<()>().await;
            }
            ServerMessage::Transition {
                start_version: step.from,
                end_version: step.to,
                modifications: step.modifications,
                client_clock_skew: clock_skew,
                server_ts: Timestamp::try_from(deployment.now_ms().saturating_mul(1_000_000)).ok(),
            }
        };
        self.step = Some((Box::pin(telling), step.to));
        Ok(())
    }
}

/// Says the last words of this end, and names it for the log.
async fn finish(
    deployment: &Deployment,
    connection: u64,
    identity_version: u32,
    socket: &mut WebSocket,
    end: End,
) -> String {
    let (last_words, close, why) = match end {
        End::Gone => return "gone".into(),
        End::Ignored => return "ignored until the client left".into(),
        End::Dropped => return "dropped".into(),
        End::Unauthenticated { message, attempted } => {
            let detail = json!({
                "connection": connection,
                "baseVersion": identity_version,
                "authUpdateAttempted": attempted,
                "message": message,
            });
            deployment.note("AuthError", None, detail);
            let error = ServerMessage::AuthError {
                error_message: message,
                // The version the client was told, not the one it has asked for since.
                base_version: Some(identity_version),
                auth_update_attempted: Some(attempted),
            };
            (Some(error), None, "unauthenticated".into())
        }
        End::Fatal(message) => {
            let why = format!("fatal: {message}");
            (Some(ServerMessage::FatalError { error_message: message }), None, why)
        }
        End::Internal(message) => {
            let frame = CloseFrame { code: close_code::ERROR, reason: "InternalServerError".into() };
            (None, Some(frame), format!("internal: {message}"))
        }
    };
    // The client may be gone by now, and then nobody misses the words.
    if let Some(message) = last_words {
        let _ = tell(socket, message).await;
    }
    let _ = send(socket, Message::Close(close)).await;
    // Cutting the connection before the client has answered could lose what was said.
    let answered = async { while let Some(Ok(_)) = socket.recv().await {} };
    let _ = tokio::time::timeout(PROBE_EVERY, answered).await;
    why
}

/// The next transition to tell; never, when none is on its way.
async fn next_step(
    step: &mut Option<(BoxFuture<'static, ServerMessage<Value>>, StateVersion)>,
) -> (ServerMessage<Value>, StateVersion) {
    match step {
        Some((telling, version)) => (telling.await, *version),
        None => std::future::pending().await,
    }
}

async fn tell(socket: &mut WebSocket, message: ServerMessage<Value>) -> Result<(), End> {
    send(socket, Message::Text(Value::from(message).to_string().into())).await
}

async fn send(socket: &mut WebSocket, message: Message) -> Result<(), End> {
    socket.send(message).await.map_err(|_| End::Gone)
}
