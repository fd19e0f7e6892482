//! The telephone exchange of one tenant with two phones. A pure state machine: what a user
//! does goes in, the next state and the webhooks of it come out, or a refusal that says why.

mod leg;
mod turn;

pub(crate) use leg::{Action, Direction, Leg, LegState, Party};

use super::webhook::{Micros, Webhook};
use turn::Turn;

/// The tenant of the provider's documentation.
pub(crate) const TENANT: &str = "b11d749b-8eb7-4236-a068-3d94ba3860d6";
/// Who calls, and is called, when nobody else is named.
pub(crate) const SOMEONE: &str = "+3228992675";
/// No input causes more webhooks than this.
pub(crate) const MOST_WEBHOOKS: u32 = 8;
/// As many calls as one phone shows.
const MAX_LEGS: usize = 8;

/// What a user does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// Someone outside calls a phone.
    Incoming { extension: String, caller: Party },
    /// The user of a phone calls a number, or the colleague's extension.
    Dial { extension: String, callee: Party },
    /// The summary of the phone's last answered call becomes ready.
    SendSummary { extension: String },
    /// A button of a leg. A transfer goes `to` an extension; none: to the colleague.
    Press { leg: String, action: Action, to: Option<String> },
}

/// Why nothing happened.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum PressRefusal {
    #[error("there is no phone {0:?}")]
    NoPhone(String),
    #[error("there is no leg {0:?}, or it has ended")]
    NoLeg(String),
    #[error("{0}")]
    NotNow(&'static str),
}

/// A user's telephone.
#[derive(Clone, Debug)]
pub(crate) struct Phone {
    pub(crate) extension: &'static str,
    pub(crate) name: &'static str,
    /// The last answered call that has ended, until its summary is sent.
    pub(super) summary_of: Option<Ended>,
}

/// A leg that was answered and has ended.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) leg: Leg,
    pub(crate) answered_at: Micros,
    pub(crate) ended_at: Micros,
}

/// The phones and the calls on them.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    tenant: String,
    phones: [Phone; 2],
    legs: Vec<Leg>,
    /// The latest timestamp given; the next is later.
    latest: Micros,
}

impl Exchange {
    /// John's phone 200 and Jane's 210, without calls.
    pub(crate) fn new(tenant: &str) -> Self {
        let phone = |extension, name| Phone { extension, name, summary_of: None };
        Self {
            tenant: tenant.to_owned(),
            phones: [phone("200", "John Doe"), phone("210", "Jane Doe")],
            legs: Vec::new(),
            latest: 0,
        }
    }

    pub(crate) fn phones(&self) -> &[Phone] {
        &self.phones
    }

    /// The legs of a phone, oldest first.
    pub(crate) fn legs_of(&self, extension: &str) -> impl Iterator<Item = &Leg> {
        self.legs.iter().filter(move |leg| leg.extension == extension)
    }

    /// What happens on an input. The events are stamped from `now` on, each later than any
    /// before; `new_id` names new legs.
    pub(crate) fn on(
        &self,
        input: Input,
        now: Micros,
        new_id: impl FnMut() -> String,
    ) -> Result<(Self, Vec<Webhook>), PressRefusal> {
        let mut turn = Turn::new(self.clone(), now, new_id);
        match input {
            Input::Incoming { extension, caller } => turn.on_incoming(&extension, caller)?,
            Input::Dial { extension, callee } => turn.on_dial(&extension, callee)?,
            Input::SendSummary { extension } => turn.on_send_summary(&extension)?,
            Input::Press { leg, action, to } => turn.on_press(&leg, action, to.as_deref())?,
        }
        Ok(turn.finish())
    }

    fn phone(&self, extension: &str) -> Result<&Phone, PressRefusal> {
        let phone = self.phones.iter().find(|phone| phone.extension == extension);
        phone.ok_or_else(|| PressRefusal::NoPhone(extension.to_owned()))
    }

    fn leg(&self, id: &str) -> Result<&Leg, PressRefusal> {
        self.legs.iter().find(|leg| leg.id == id).ok_or_else(|| PressRefusal::NoLeg(id.to_owned()))
    }

    fn leg_mut(&mut self, id: &str) -> Result<&mut Leg, PressRefusal> {
        self.legs.iter_mut().find(|leg| leg.id == id).ok_or_else(|| PressRefusal::NoLeg(id.to_owned()))
    }
}

impl Phone {
    fn party(&self) -> Party {
        Party::new(self.extension, Some(self.name))
    }
}

#[cfg(test)]
mod tests;
