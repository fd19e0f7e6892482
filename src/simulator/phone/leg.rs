//! One phone's part of a call: what it is, which buttons it has, and what Telsmart says of it.

use super::{Micros, Webhook};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// From the side of the phone's user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Direction {
    Inbound,
    Outbound,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LegState {
    Ringing,
    Active,
    Held,
}

/// A leg's buttons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// On an outbound leg it is the other side that answers.
    Answer,
    Hold,
    Resume,
    HangUp,
    BlindTransfer,
    AttendedTransfer,
    CompleteTransfer,
}

/// One side of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Party {
    pub(crate) number: String,
    pub(crate) name: Option<String>,
}

/// A live leg.
#[derive(Clone, Debug)]
pub(crate) struct Leg {
    pub(crate) id: String,
    pub(crate) extension: String,
    pub(crate) direction: Direction,
    pub(crate) state: LegState,
    pub(crate) caller: Party,
    pub(crate) callee: Party,
    /// The colleague's leg of an internal call.
    pub(crate) peer: Option<String>,
    /// On the leg of a consultation: the leg that is to be handed over.
    pub(crate) consults_for: Option<String>,
    /// On the colleague's side of a consultation: whose call is to be handed over.
    pub(crate) transfer_of: Option<String>,
    pub(crate) answered_at: Option<Micros>,
    /// How often it was held.
    pub(crate) holds: u32,
}

impl Leg {
    /// The other party.
    pub(crate) fn remote(&self) -> &Party {
        match self.direction {
            Direction::Inbound => &self.caller,
            Direction::Outbound => &self.callee,
        }
    }

    /// The phone's own user.
    pub(crate) fn local(&self) -> &Party {
        match self.direction {
            Direction::Inbound => &self.callee,
            Direction::Outbound => &self.caller,
        }
    }

    /// The buttons that it has now. `consulting`: its transfer is being talked over.
    pub(crate) fn actions(&self, consulting: bool) -> Vec<Action> {
        let external = self.peer.is_none();
        let mut actions = match self.state {
            LegState::Ringing if external || self.direction == Direction::Inbound => vec![Action::Answer],
            LegState::Ringing => vec![],
            LegState::Active => vec![Action::Hold],
            LegState::Held => vec![Action::Resume],
        };
        if self.state != LegState::Ringing {
            if external && !consulting {
                actions.extend([Action::BlindTransfer, Action::AttendedTransfer]);
            }
            if self.consults_for.is_some() {
                actions.push(Action::CompleteTransfer);
            }
        }
        actions.push(Action::HangUp);
        actions
    }

    /// The webhook of a state.
    pub(crate) fn webhook(&self, tenant: &str, state: &str, at: Micros) -> Webhook {
        let unknown_yet = self.direction == Direction::Outbound && self.answered_at.is_none();
        let callee_name = if unknown_yet { "" } else { self.callee.shown_name() };
        let direction = match self.direction {
            Direction::Inbound => "in",
            Direction::Outbound => "out",
        };
        let timestamp = at.to_string();
        let mut fields = Map::new();
        for (field, text) in [
            ("tenant_id", tenant),
            ("caller_number", &self.caller.number),
            ("direction", direction),
            ("callee_name", callee_name),
            ("state", state),
            ("caller_name", self.caller.shown_name()),
            ("callee_number", &self.callee.number),
            ("user_extension", &self.extension),
            ("id", &self.id),
            ("timestamp", &timestamp),
        ] {
            fields.insert(field.to_owned(), Value::from(text));
        }
        if let Some(number) = &self.transfer_of {
            fields.insert("transfer_caller_number".to_owned(), Value::from(number.as_str()));
        }
        Webhook::new(fields)
    }
}

impl Party {
    /// A party whose name is not known, or is.
    pub(crate) fn new(number: &str, name: Option<&str>) -> Self {
        Self { number: number.to_owned(), name: name.map(str::to_owned) }
    }

    /// Telsmart repeats the number where it knows no name.
    fn shown_name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.number)
    }
}
