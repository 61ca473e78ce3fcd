//! One operation of a socket, from its faults to its last word: a query or mutation is answered once, a
//! subscription at its start and whenever the rows it sees have changed. It must never say the same thing
//! twice, nor anything that its caller may not see.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use super::Engine;
use super::document::{Kind, Operation};
use super::identity::{Caller, Refusal};
use super::schema;
use super::socket::End;
use crate::fate::Fate;

/// What an operation has to say to its client.
#[derive(Debug)]
pub(super) enum Word {
    /// A result.
    Next(Value),
    /// It failed and is over.
    Error(Value),
    /// It is over.
    Complete,
    /// The whole socket ends.
    End(End),
}

/// An operation on its socket.
pub(super) struct Running {
    pub engine: Arc<Engine>,
    pub connection: u64,
    /// The client's name for it.
    pub id: String,
    /// Tells it from an earlier operation of the same name.
    pub serial: u64,
    pub caller: Arc<Caller>,
    pub operation: Operation,
    pub words: UnboundedSender<(String, u64, Word)>,
}

impl Running {
    /// Runs it to its end.
    pub async fn run(self) {
        let last = match self.operation.kind {
            Kind::Subscription => self.watch().await,
            Kind::Query | Kind::Mutation => self.once().await,
        };
        self.say(match last {
            Ok(()) => Word::Complete,
            Err(word) => word,
        });
    }

    async fn once(&self) -> Result<(), Word> {
        let data = self.attempt().await?;
        self.say(Word::Next(json!({ "data": data })));
        Ok(())
    }

    async fn watch(&self) -> Result<(), Word> {
        let mut changes = self.engine.changes.subscribe();
        let mut data = self.attempt().await?;
        let mut told = None;
        loop {
            if told.as_ref() != Some(&data) {
                self.push(&data).await?;
                told = Some(data);
            }
            if changes.changed().await.is_err() {
                return Ok(());
            }
            data = schema::run(&self.engine, &self.operation, &self.caller).map_err(refused)?;
        }
    }

    /// Runs the operation and waits until its result may leave.
    async fn attempt(&self) -> Result<Value, Word> {
        let what = self.operation.what();
        let fault = self.engine.fault(&[&what]);
        match Fate::of(fault.as_ref(), &self.engine.cloud.faults) {
            Fate::Handled { before, after } => {
                before.await;
                let result = schema::run(&self.engine, &self.operation, &self.caller);
                self.note(&what, result.as_ref().err(), json!({ "fault": fault }));
                after.await;
                result.map_err(refused)
            }
            failed => {
                self.note(&what, None, json!({ "fault": fault }));
                Err(word(failed).await)
            }
        }
    }

    /// Tells a subscription's client what it sees now.
    async fn push(&self, data: &Value) -> Result<(), Word> {
        let what = format!("Push {}", self.operation.subject());
        let fault = self.engine.fault(&[&what]);
        let fate = Fate::of(fault.as_ref(), &self.engine.cloud.faults);
        let Fate::Handled { before, after } = fate else {
            self.note(&what, None, json!({ "fault": fault }));
            return Err(word(fate).await);
        };
        before.await;
        self.note(&what, None, json!({ "fault": fault, "data": data }));
        after.await;
        self.say(Word::Next(json!({ "data": data })));
        Ok(())
    }

    fn note(&self, what: &str, refusal: Option<&Refusal>, more: Value) {
        let mut detail = json!({ "via": "socket", "connection": self.connection, "id": self.id });
        if let (Some(detail), Value::Object(more)) = (detail.as_object_mut(), more) {
            detail.extend(more);
        }
        self.engine.note(what, Some(&self.caller), refusal, detail);
    }

    fn say(&self, word: Word) {
        // The socket may have ended meanwhile, and then nobody listens.
        let _ = self.words.send((self.id.clone(), self.serial, word));
    }
}

fn refused(refusal: Refusal) -> Word {
    Word::Error(json!([refusal.to_json()]))
}

/// What a fault makes an operation say; nothing ever, when it is ignored.
async fn word(fate: Fate) -> Word {
    match fate {
        Fate::Status { code, body, .. } => {
            let message = body.as_ref().and_then(|body| body["message"].as_str()).map(String::from);
            refused(Refusal::new("unexpected", message.unwrap_or_else(|| format!("status {code}"))))
        }
        Fate::Rejected(message) => refused(Refusal::asked_for(message)),
        Fate::Dropped => Word::End(End::Cut("dropped")),
        Fate::Ignored | Fate::Handled { .. } => std::future::pending().await,
    }
}
