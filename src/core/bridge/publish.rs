//! What the bridge shows of itself: the state that is published and the records that are stored. It must
//! tell the shell only of what changed (A2, A5).

use super::super::backend::Backend;
use super::super::effect::{Effect, TokenId};
use super::super::identity::{Name, Session, Who};
use super::super::options::Persist;
use super::super::snapshot::{BackendState, Snapshot, Status};
use super::Bridge;

impl Bridge {
    /// The record to keep through reloads: the user and their organization; the owners of local data stand
    /// with [`Bridge::owner`]. Both nobody: nothing is kept (F4).
    pub fn record(&self) -> (Name, Name) {
        match self.who {
            Who::User(session) => (session.user, session.org),
            _ => Default::default(),
        }
    }

    /// Whose data the backend at `index` holds on this device; nobody's if it keeps none (D4).
    pub fn owner(&self, index: usize) -> Name {
        self.backends.get(index).map(Backend::owner).unwrap_or_default()
    }

    /// The sessions of its own that the backend at `index` left to be revoked (D5).
    pub fn owed(&self, index: usize) -> &[TokenId] {
        self.backends.get(index).map(|backend| backend.owed.sessions()).unwrap_or_default()
    }

    /// The session and live tokens to keep through a reload of this tab; none: nothing is kept (F3).
    pub fn live(&self) -> (Session, impl Iterator<Item = (Name, TokenId)>) {
        let session = if let Who::User(session) = self.who { session } else { Session::default() };
        (session, self.vault.live())
    }

    pub(super) fn store(&mut self) {
        let known = matches!(self.who, Who::User(_) | Who::Nobody);
        let persist = self.context.options.persist;
        if persist == Persist::Nothing || !known {
            return;
        }
        let record = Some(self.record());
        let mut changed = self.stored != record;
        self.stored = record;
        for backend in &mut self.backends {
            changed |= backend.note_stored();
        }
        if changed {
            self.context.push(Effect::Store);
        }
        if persist == Persist::Tokens && self.vault.note_live(&self.context) {
            self.context.push(Effect::StoreLive);
        }
    }

    /// What is published.
    pub fn snapshot(&self) -> Snapshot {
        self.published
    }

    /// What is published of the backend at `index`.
    pub fn backend_state(&self, index: usize) -> BackendState {
        self.backends.get(index).map(|backend| backend.published).unwrap_or_default()
    }

    pub(super) fn publish(&mut self) {
        let mut changed = false;
        for index in 0..self.backends.len() {
            let world = self.world(index);
            if let Some(backend) = self.backends.get_mut(index) {
                changed |= backend.publish(world);
            }
        }
        let snapshot = self.take_snapshot();
        if changed || snapshot != self.published {
            self.published = snapshot;
            self.context.push(Effect::Publish);
        }
    }

    fn take_snapshot(&self) -> Snapshot {
        let Who::User(session) = self.who else {
            let known = self.who != Who::Unknown;
            return Snapshot {
                status: if known { Status::Unauthenticated } else { Status::Loading },
                remembered: if known { Default::default() } else { self.remembered },
                error: self.source_error,
                ..Snapshot::default()
            };
        };
        let mut snapshot = Snapshot { session, status: Status::Authenticated, ..Snapshot::default() };
        snapshot.session.fits = None;
        for (index, backend) in self.backends.iter().enumerate() {
            let state = backend.published;
            snapshot.is_refreshing |= state.is_refreshing;
            // The worst of them: one that refused, else one that is on its way (A2, A9).
            let refused =
                state.status == Status::Unauthenticated && snapshot.status != Status::Unauthenticated;
            if refused || snapshot.status == Status::Authenticated {
                snapshot.status = state.status;
            }
            if refused || (snapshot.error.is_none() && state.error.is_some()) {
                (snapshot.error, snapshot.error_backend) = (state.error, Some(index));
            }
        }
        if self.backends.is_empty() {
            self.without_backends(&mut snapshot);
        }
        snapshot.is_refreshing &= snapshot.status == Status::Authenticated;
        snapshot
    }

    /// A bridge without backends is authenticated once it holds a token.
    fn without_backends(&self, snapshot: &mut Snapshot) {
        let Some(slot) = self.vault.get(Name::NONE) else { return };
        let before = self.published;
        let was = before.status == Status::Authenticated && before.session.user == snapshot.session.user;
        if !was && slot.good(&self.context).is_none() {
            snapshot.status = Status::Loading;
        }
        snapshot.is_refreshing = slot.ran_out(&self.context);
        snapshot.error = slot.trouble(&self.context);
    }
}
