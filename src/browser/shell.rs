//! The one exported class: one bridge of one page. It hands events to the machine and carries out its
//! effects, in order, with no borrow held; events that arrive meanwhile are handled by their own call.

use super::host::{Host, random};
use super::page::{self, Page};
use super::source::{self, Kind, Source};
use super::storage::Storage;
use super::strings::Strings;
use crate::core::backend::{Policy, Setup, Template, policy};
use crate::core::effect::{CallerId, Command, Effect, LeaveId, Of, RequestId, StepId, TokenId};
use crate::core::event::{Ask, Event, Refusal};
use crate::core::failure::{Code, Failure};
use crate::core::identity::{Name, Session};
use crate::core::options::Persist;
use crate::core::token::{self, Claims, TokenText};
use crate::core::{Bridge, Millis, Options};
use crate::prelude::*;
use ::core::cell::{Cell, RefCell};
use alloc::rc::{Rc, Weak};
use wasm_bindgen::prelude::*;

/// One bridge. Every method takes `&self`, returns at once and throws nothing.
#[wasm_bindgen]
pub struct Shell {
    inner: Rc<Inner>,
}

struct Inner {
    host: Host,
    record: Storage,
    live: Storage,
    persist: Persist,
    machine: RefCell<Machine>,
    world: RefCell<Option<World>>,
    /// Effects not carried out yet. Emptied by one loop at a time, so that their order holds.
    queue: RefCell<Vec<Effect>>,
    draining: Cell<bool>,
    /// Disposed: of what is under way, only answers are given still (D6).
    stopped: Cell<bool>,
}

/// The machine and the strings it speaks of by number.
struct Machine {
    bridge: Bridge,
    names: Strings,
    tokens: Strings,
    /// The name of each backend, by its index.
    backends: Vec<JsValue>,
    /// The sign-out of the source that is under way.
    signing_out: Option<RequestId>,
}

/// What has to be let go of at the end.
struct World {
    page: Page,
    source: Rc<Source>,
    changed: Closure<dyn FnMut(JsValue)>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.source.unsubscribe(self.changed.as_ref());
    }
}

#[wasm_bindgen]
impl Shell {
    /// A bridge that is not started yet. `persist`: 0 nothing, 1 identity, 2 tokens. Times in milliseconds.
    #[wasm_bindgen(constructor)]
    pub fn new(
        host: Host,
        name: &str,
        persist: u8,
        _share_tabs: bool,
        leeway: f64,
        fetch_timeout: f64,
        source_timeout: f64,
    ) -> Self {
        let persist = match persist {
            0 => Persist::Nothing,
            1 => Persist::Identity,
            _ => Persist::Tokens,
        };
        let bridge = Bridge::new(Options {
            persist,
            leeway: Millis(leeway as i64),
            fetch_timeout: Millis(fetch_timeout as i64),
            source_timeout: Millis(source_timeout as i64),
            seed: (random() * 9e15) as u64,
        });
        Self {
            inner: Rc::new(Inner {
                host,
                record: Storage::new("localStorage", name),
                live: Storage::new("sessionStorage", name),
                persist,
                machine: RefCell::new(Machine {
                    bridge,
                    names: Strings::default(),
                    tokens: Strings::default(),
                    backends: Vec::new(),
                    signing_out: None,
                }),
                world: RefCell::new(None),
                queue: RefCell::default(),
                draining: Cell::new(false),
                stopped: Cell::new(false),
            }),
        }
    }

    /// Adds a backend; the first has index 0. `policy`: 0 custom, 1 convex. `auto`: the session token if
    /// it is meant for Convex, else the template.
    #[wasm_bindgen(js_name = addBackend)]
    pub fn add_backend(&self, name: JsValue, policy: u8, template: &JsValue, auto: bool) {
        let template = self.inner.name(template);
        let template = if auto { Template::UnlessFits(template) } else { Template::Fixed(template) };
        let policy: &'static Policy = match policy {
            1 => &policy::CONVEX,
            _ => &policy::CUSTOM,
        };
        self.inner.with(|machine| machine.backends.push(name));
        self.inner.handle(Event::Backend(Setup { policy, template }));
    }

    /// Starts: reads what earlier page loads left, and listens to the page and the source. `kind`:
    /// 0 a `TokenSource`, 1 Clerk, 2 `{ current: useAuth() }`.
    pub fn start(&self, kind: u8, source: JsValue) {
        let kind = match kind {
            0 => Kind::TokenSource,
            1 => Kind::Clerk,
            _ => Kind::UseAuth,
        };
        let inner = &self.inner;
        let listener = inner.listener(|inner, event| {
            if let Some(wake) = page::read_event(&event) {
                inner.look(); // what changed while nobody looked comes first
                inner.handle(Event::Woke(wake));
            }
        });
        let tick = inner.listener(|inner, _| {
            inner.look();
            inner.handle(Event::Tick);
        });
        let changed = inner.listener(|inner, _| inner.look());
        inner.restore();
        inner.handle(Event::Start);
        let source = Rc::new(Source::subscribe(kind, source, changed.as_ref()));
        let page = Page::new(listener, tick);
        inner.world.replace(Some(World { page, source, changed }));
        inner.apply_timer();
        inner.look();
    }

    /// The source may have something new to say.
    #[wasm_bindgen(js_name = sourceChanged)]
    pub fn source_changed(&self) {
        self.inner.look();
    }

    /// A call wants a token; answered by `host.answer`.
    #[wasm_bindgen(js_name = getToken)]
    pub fn get_token(&self, caller: u32, template: &JsValue, force: bool) {
        let template = self.inner.name(template);
        let ask = if force { Ask::Fresh(template) } else { Ask::Good(template) };
        self.inner.handle(Event::Ask(CallerId(caller), ask));
    }

    /// A call to a backend was refused with `token` and wants a better one; answered by `host.answer`.
    pub fn renew(&self, caller: u32, backend: u32, token: &JsValue) {
        // A string that is kept no longer was replaced since.
        let token = TokenId(self.inner.with(|machine| machine.tokens.find(token)));
        self.inner.handle(Event::Ask(CallerId(caller), Ask::Instead(backend as usize, token)));
    }

    /// A promise given to `host.wait` was fulfilled.
    pub fn settled(&self, request: u32, value: &JsValue) {
        let request = RequestId(request);
        if self.inner.is_sign_out(request) {
            return self.inner.handle(Event::SourceSignedOut(request, true));
        }
        let event = if value.is_null() || value.is_undefined() {
            // Only the source itself can say that nobody is signed in (B2): it is looked at first.
            self.inner.look();
            Event::FetchFailed(request, Failure::Transient)
        } else {
            match self.inner.claims(value) {
                None => Event::FetchFailed(request, Failure::Malformed),
                Some(claims) => {
                    let token = TokenId(self.inner.with(|machine| machine.tokens.keep(value)));
                    Event::Fetched(request, token, claims)
                }
            }
        };
        self.inner.handle(event);
    }

    /// A promise given to `host.wait` was rejected.
    pub fn failed(&self, request: u32, error: &JsValue) {
        let request = RequestId(request);
        if self.inner.is_sign_out(request) {
            return self.inner.handle(Event::SourceSignedOut(request, false));
        }
        self.inner.look();
        self.inner.handle(Event::FetchFailed(request, source::failure(error)));
    }

    /// A step given to `host.run` ended well.
    #[wasm_bindgen(js_name = stepDone)]
    pub fn step_done(&self, step: u32) {
        self.inner.handle(Event::StepDone(StepId(step)));
    }

    /// A step given to `host.run` failed: 0 for a passing reason, 1 refused, 2 for a reason that stays.
    #[wasm_bindgen(js_name = stepFailed)]
    pub fn step_failed(&self, step: u32, why: u8) {
        self.inner.handle(Event::StepFailed(StepId(step), refusal(why)));
    }

    /// The backend refused the token of a step that was done.
    pub fn rejected(&self, step: u32, why: u8) {
        self.inner.handle(Event::Rejected(StepId(step), refusal(why)));
    }

    /// The `onLeave` callbacks are through.
    pub fn left(&self, leave: u32) {
        self.inner.handle(Event::Left(LeaveId(leave)));
    }

    /// Signs out; answered by `host.answer`.
    #[wasm_bindgen(js_name = signOut)]
    pub fn sign_out(&self, caller: u32) {
        self.inner.handle(Event::SignOut(CallerId(caller)));
    }

    /// Stops; every later call does nothing. Of what is under way only answers are given still (D6).
    pub fn dispose(&self) {
        self.inner.stopped.set(true);
        self.inner.handle(Event::Dispose);
        let world = self.inner.world.take();
        drop(world); // unsubscribing runs code of the application
    }
}

fn refusal(why: u8) -> Refusal {
    match why {
        0 => Refusal::Transient,
        1 => Refusal::Refused,
        _ => Refusal::Config,
    }
}

impl Inner {
    fn with<R>(&self, change: impl FnOnce(&mut Machine) -> R) -> R {
        change(&mut self.machine.borrow_mut())
    }

    /// A callback that does nothing once the bridge is gone.
    fn listener(self: &Rc<Self>, callback: fn(&Self, JsValue)) -> Closure<dyn FnMut(JsValue)> {
        let weak: Weak<Self> = Rc::downgrade(self);
        Closure::new(move |value| {
            if let Some(inner) = weak.upgrade() {
                callback(&inner, value);
            }
        })
    }

    /// Asks the source what it says now, and tells the machine.
    fn look(&self) {
        if let Some(source) = self.source() {
            // Read with a table of its own, since reading runs code of the application.
            let mut names = self.with(|machine| ::core::mem::take(&mut machine.names));
            let state = source.state(&mut names);
            self.with(|machine| machine.names = names);
            self.handle(Event::Source(state));
        }
    }

    /// The source, by a handle of its own: no borrow is held while it runs code of the application.
    fn source(&self) -> Option<Rc<Source>> {
        self.world.borrow().as_ref().map(|world| Rc::clone(&world.source))
    }

    fn is_sign_out(&self, request: RequestId) -> bool {
        self.with(|machine| machine.signing_out.take_if(|one| *one == request).is_some())
    }

    fn name(&self, string: &JsValue) -> Name {
        Name(self.with(|machine| machine.names.keep(string)))
    }

    fn named(&self, name: Name) -> JsValue {
        self.with(|machine| machine.names.get(name.0))
    }

    fn string(&self, token: TokenId) -> JsValue {
        self.with(|machine| machine.tokens.get(token.0))
    }

    /// What a token says, as far as the machine needs to know; `None`: it is no usable string (B9).
    fn claims(&self, token: &JsValue) -> Option<Claims> {
        match token::read(&token.as_string()?) {
            TokenText::Malformed => None,
            TokenText::Opaque => Some(Claims::default()),
            TokenText::Jwt(claims) => {
                let session = self.with(|machine| machine.bridge.live().0);
                let text = |name| self.named(name).as_string().unwrap_or_default();
                Some(claims.sum_up(&text(session.user), &text(session.id)))
            }
        }
    }

    /// Tells the machine what earlier page loads left behind.
    fn restore(&self) {
        if self.persist == Persist::Nothing {
            return;
        }
        match self.record.read() {
            Err(()) => self.log("record.discarded"),
            Ok(None) => {}
            Ok(Some(list)) => {
                let mut list = list.iter();
                let mut name = || list.next().map(|one| self.name(one)).unwrap_or_default();
                let (user, org) = (name(), name());
                self.handle(Event::Remembered(user, org));
                while let (Some(backend), Some(owner)) = (list.next(), list.next()) {
                    let index = self.with(|machine| machine.backends.iter().position(|one| one == backend));
                    if let Some(index) = index {
                        self.handle(Event::Owner(index, self.name(owner)));
                    }
                }
            }
        }
        if self.persist == Persist::Tokens
            && let Ok(Some(list)) = self.live.read()
        {
            let mut list = list.iter();
            let mut name = || list.next().map(|one| self.name(one)).unwrap_or_default();
            let session = Session { user: name(), id: name(), org: name(), role: name(), fits: None };
            if session.user == Name::NONE || session.id == Name::NONE {
                return;
            }
            self.handle(Event::Restored(session));
            while let (Some(template), Some(token)) = (list.next(), list.next()) {
                if let Some(claims) = self.claims(token) {
                    let id = TokenId(self.with(|machine| machine.tokens.keep(token)));
                    self.handle(Event::RestoredToken(self.name(template), id, claims));
                }
            }
        }
    }

    /// Tells the machine, then carries out what it wants.
    fn handle(&self, event: Event) {
        let effects = self.with(|machine| machine.bridge.handle(page::now(), event));
        self.queue.borrow_mut().extend(effects);
        if self.draining.replace(true) {
            return; // whoever drains the queue comes to these
        }
        loop {
            let effects = self.queue.take();
            if effects.is_empty() {
                break;
            }
            for effect in effects {
                if !self.stopped.get() || matches!(effect, Effect::Answer(..)) {
                    self.perform(effect);
                }
            }
        }
        self.draining.replace(false);
    }

    fn perform(&self, effect: Effect) {
        let host = &self.host;
        match effect {
            Effect::Fetch { request, template, minted } => self.fetch(request, template, minted),
            Effect::Timer => self.apply_timer(),
            Effect::Run { backend, step, command, session } => self.run(backend, step, command, session),
            Effect::Abort(step) => host.abort(step.0),
            Effect::Leave { leave, user, reason } => host.leave(leave.0, &self.named(user), reason as u8),
            Effect::Answer(caller, Ok(token)) => {
                let token = token.map_or(JsValue::NULL, |token| self.string(token));
                host.answer(caller.0, 0, &token);
            }
            Effect::Answer(caller, Err(code)) => host.answer(caller.0, code as u8, &JsValue::NULL),
            Effect::Cache(template, cached) => {
                let (token, good_for) = cached.unwrap_or_default();
                host.token(&self.named(template), &self.string(token), good_for.0 as f64);
            }
            Effect::Forget(token) => self.with(|machine| machine.tokens.forget(token.0)),
            Effect::Store => self.store(),
            Effect::StoreLive => self.store_live(),
            Effect::SourceSignOut(request) => self.source_sign_out(request),
            Effect::Publish => self.publish(),
            Effect::Log(log) => {
                let (backend, template) = match log.of {
                    Of::Bridge => (-1, Name::NONE),
                    Of::Backend(index) => (index as i32, Name::NONE),
                    Of::Template(template) => (-1, template),
                };
                host.event(log.name, backend, &self.named(template), log.reason, log.wait.0 as f64);
            }
            Effect::Stop => {} // done by whoever disposed
        }
    }

    fn publish(&self) {
        let (count, state) = self.with(|machine| (machine.backends.len(), machine.bridge.snapshot()));
        for index in 0..count {
            let one = self.with(|machine| machine.bridge.backend_state(index));
            self.host.backend(index as u32, one.status as u8, one.is_refreshing, code(one.error));
        }
        self.host.publish(
            state.status as u8,
            state.is_refreshing,
            &self.named(state.session.user),
            &self.named(state.session.id),
            &self.named(state.session.org),
            &self.named(state.session.role),
            &self.named(state.remembered.0),
            &self.named(state.remembered.1),
            code(state.error),
            state.error_backend.map_or(-1, |index| index as i32),
        );
    }

    fn apply_timer(&self) {
        let after = self.with(|machine| machine.bridge.timer().map(|at| at - machine.bridge.time()));
        if let Some(world) = &mut *self.world.borrow_mut() {
            world.page.set_timer(after);
        }
    }

    fn fetch(&self, request: RequestId, template: Name, minted: bool) {
        let Some(source) = self.source() else { return };
        match source.get_token(&self.named(template), minted) {
            Ok(promise) => self.host.wait(&promise, request.0),
            Err(error) => self.handle(Event::FetchFailed(request, source::failure(&error))),
        }
    }

    fn source_sign_out(&self, request: RequestId) {
        let Some(source) = self.source() else { return };
        match source.sign_out() {
            Ok(promise) => {
                self.with(|machine| machine.signing_out = Some(request));
                self.host.wait(&promise, request.0);
            }
            Err(_) => self.handle(Event::SourceSignedOut(request, false)),
        }
    }

    fn run(&self, backend: usize, step: StepId, command: Command, session: Session) {
        let (number, token, reason) = match command {
            Command::Hold(somebody_left) => (0, None, u8::from(somebody_left)),
            Command::Attach(token) => (1, Some(token), 0),
            Command::Update(token) => (2, Some(token), 0),
            Command::Detach(reason) => (3, None, reason as u8),
            Command::Nobody => (4, None, 0),
        };
        let token = token.map_or(JsValue::UNDEFINED, |token| self.string(token));
        let (user, id, org) = (self.named(session.user), self.named(session.id), self.named(session.org));
        self.host.run(backend as u32, step.0, number, &token, reason, &user, &id, &org);
    }

    fn store(&self) {
        let (user, org) = self.with(|machine| machine.bridge.record());
        let mut list = vec![self.named(user), self.named(org)];
        self.with(|machine| {
            for (index, backend) in machine.backends.iter().enumerate() {
                let owner = machine.bridge.owner(index);
                if owner != Name::NONE {
                    list.push(backend.clone());
                    list.push(machine.names.get(owner.0));
                }
            }
        });
        let empty = user == Name::NONE && list.len() == 2;
        self.write(&self.record, if empty { None } else { Some(&list) });
    }

    fn store_live(&self) {
        let list = self.with(|machine| {
            let (session, tokens) = machine.bridge.live();
            let names = [session.user, session.id, session.org, session.role];
            let mut list: Vec<_> = names.iter().map(|name| machine.names.get(name.0)).collect();
            for (template, token) in tokens {
                list.push(machine.names.get(template.0));
                list.push(machine.tokens.get(token.0));
            }
            list
        });
        self.write(&self.live, if list.len() == 4 { None } else { Some(&list) });
    }

    fn write(&self, storage: &Storage, list: Option<&[JsValue]>) {
        if !storage.write(list) {
            self.log("storage.failed");
        }
    }

    fn log(&self, name: &str) {
        self.host.event(name, -1, &JsValue::UNDEFINED, "", 0.0);
    }
}

/// The number of an error; 0 is none.
fn code(code: Option<Code>) -> u8 {
    code.map_or(0, |code| code as u8)
}
