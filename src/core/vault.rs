//! All tokens of the current session, one slot for each template, whoever uses it: backends with the same
//! template share one token and its fetches (B1). It must never hold a token of another epoch (D1).

use super::clock::Millis;
use super::context::Context;
use super::effect::{RequestId, TokenId};
use super::failure::{Code, Failure};
use super::identity::Name;
use super::slot::Slot;
use super::tabs::Tabs;
use super::token::Claims;
use crate::prelude::*;

/// Nothing more is fetched for other tabs that this one does not use itself: nobody knows who asks.
const ROOM: usize = 16;

/// The slots, made when a template is first asked for.
#[derive(Clone, Debug, Default)]
pub struct Vault {
    slots: Vec<Slot>,
}

impl Vault {
    /// The slot of this template, if it was ever asked for.
    pub fn get(&self, template: Name) -> Option<&Slot> {
        self.slots.iter().find(|slot| slot.template == template)
    }

    /// The slot of this template, if it was ever asked for.
    pub fn get_mut(&mut self, template: Name) -> Option<&mut Slot> {
        self.slots.iter_mut().find(|slot| slot.template == template)
    }

    /// The slot of this template, made if there is none.
    pub fn slot(&mut self, template: Name) -> Option<&mut Slot> {
        match self.slots.iter().position(|slot| slot.template == template) {
            Some(index) => self.slots.get_mut(index),
            None => {
                self.slots.push(Slot::new(template));
                self.slots.last_mut()
            }
        }
    }

    /// As long as there is room, the same.
    pub fn slot_for_others(&mut self, template: Name) -> Option<&mut Slot> {
        if self.slots.len() < ROOM { self.slot(template) } else { self.get_mut(template) }
    }

    /// A fetch brought a token.
    pub fn arrived(&mut self, context: &mut Context, request: RequestId, token: TokenId, claims: Claims) {
        for slot in &mut self.slots {
            if slot.arrived(context, request, token, claims) {
                return;
            }
        }
        context.drop_token(token); // of another epoch (D1)
    }

    /// A fetch brought none.
    pub fn fetch_failed(&mut self, context: &mut Context, request: RequestId, failure: Failure) {
        for slot in &mut self.slots {
            slot.fetch_failed(context, request, failure);
        }
    }

    /// A backend refused the token of this hand-over (H5).
    pub fn refuse(&mut self, context: &mut Context, serial: u32) {
        for slot in &mut self.slots {
            slot.refuse(context, serial);
        }
    }

    /// The page woke.
    pub fn wake(&mut self, time: Millis, online: bool) {
        for slot in &mut self.slots {
            slot.wake(time, online);
        }
    }

    /// A new epoch: see [`Slot::reset`].
    pub fn reset(&mut self, context: &mut Context, mint: bool) {
        for slot in &mut self.slots {
            slot.reset(context, mint);
        }
    }

    /// Answers every call that waits.
    pub fn answer_all(&mut self, context: &mut Context, answer: Result<Option<TokenId>, Code>) {
        for slot in &mut self.slots {
            slot.calls.answer_all(context, answer);
        }
    }

    /// Refreshes no template without being asked, until [`Vault::want`] says so.
    pub fn want_none(&mut self) {
        for slot in &mut self.slots {
            slot.wanted = false;
        }
    }

    /// Refreshes this template without being asked.
    pub fn want(&mut self, template: Name) {
        if let Some(slot) = self.slot(template) {
            slot.wanted = true;
        }
    }

    /// Does what is due in each slot.
    pub fn tend(&mut self, context: &mut Context, tabs: &mut Tabs, may_fetch: bool) {
        for slot in &mut self.slots {
            slot.tend(context, tabs, may_fetch);
        }
    }

    /// Another tab leads now.
    pub fn ask_again(&mut self) {
        self.slots.iter_mut().for_each(Slot::ask_again);
    }

    /// Whether a slot has this token, good or not.
    pub fn holds(&self, token: TokenId) -> bool {
        self.slots.iter().any(|slot| slot.holds(token))
    }

    /// Whether a token is good.
    pub fn any_good(&self, context: &Context) -> bool {
        self.slots.iter().any(|slot| slot.good(context).is_some())
    }

    /// Takes note of the tokens to be kept through a reload (F3). Tells whether they changed.
    pub fn note_live(&mut self, context: &Context) -> bool {
        let mut changed = false;
        for slot in &mut self.slots {
            let live = slot.good(context).map_or(TokenId(0), |held| held.token);
            changed |= slot.live != live;
            slot.live = live;
        }
        changed
    }

    /// The tokens to be kept through a reload, each with its template.
    pub fn live(&self) -> impl Iterator<Item = (Name, TokenId)> {
        let kept = self.slots.iter().filter(|slot| slot.live != TokenId(0));
        kept.map(|slot| (slot.template, slot.live))
    }
}
