//! One turn of the exchange: the steps of an input, and the webhooks that they cause.
//! The order of the webhooks is the one in the provider's recordings.

use super::{
    Action, Direction, Ended, Exchange, Leg, LegState, MAX_LEGS, Micros, Party, Phone, PressRefusal, Webhook,
};

type Step = Result<(), PressRefusal>;

/// An exchange in between two states.
pub(super) struct Turn<F> {
    exchange: Exchange,
    webhooks: Vec<Webhook>,
    now: Micros,
    new_id: F,
}

impl<F: FnMut() -> String> Turn<F> {
    pub(crate) fn new(exchange: Exchange, now: Micros, new_id: F) -> Self {
        Self { exchange, webhooks: Vec::new(), now, new_id }
    }

    pub(crate) fn finish(self) -> (Exchange, Vec<Webhook>) {
        (self.exchange, self.webhooks)
    }

    pub(crate) fn on_incoming(&mut self, extension: &str, caller: Party) -> Step {
        let callee = self.exchange.phone(extension)?.party();
        let leg = self.new_leg(extension, Direction::Inbound, caller, callee);
        self.ring(leg)
    }

    pub(crate) fn on_dial(&mut self, extension: &str, callee: Party) -> Step {
        let caller = self.exchange.phone(extension)?.party();
        if callee.number == extension {
            return Err(PressRefusal::NotNow("a phone cannot call itself"));
        }
        self.hold_active(extension)?;
        match self.exchange.phone(&callee.number) {
            Err(_) => {
                let leg = self.new_leg(extension, Direction::Outbound, caller, callee);
                self.ring(leg)
            }
            Ok(colleague) => {
                let colleague = colleague.party();
                self.call_internally(caller, colleague, None)
            }
        }
    }

    pub(crate) fn on_send_summary(&mut self, extension: &str) -> Step {
        self.exchange.phone(extension)?;
        let mut phones = self.exchange.phones.iter_mut();
        let ended = phones.find(|phone| phone.extension == extension).and_then(|p| p.summary_of.take());
        let ended =
            ended.ok_or(PressRefusal::NotNow("no answered call has ended that has no summary yet"))?;
        let at = self.tick();
        self.webhooks.push(ended.webhook(&self.exchange.tenant, at));
        Ok(())
    }

    pub(crate) fn on_press(&mut self, id: &str, action: Action, to: Option<&str>) -> Step {
        // A transfer can be completed from the call that is handed over, too.
        let consultation = self.exchange.consultation_about(id).map(|leg| leg.id.clone());
        let id = match (action, consultation) {
            (Action::CompleteTransfer, Some(consultation)) => consultation,
            _ => id.to_owned(),
        };
        let leg = self.exchange.leg(&id)?.clone();
        if !self.exchange.actions(&leg).contains(&action) {
            return Err(PressRefusal::NotNow(why_not(&leg, action)));
        }
        match action {
            Action::Answer => self.on_answer(&leg),
            Action::Hold => self.hold(&id),
            Action::Resume => self.activate(&id),
            Action::HangUp => self.on_hang_up(&leg),
            Action::BlindTransfer => self.on_blind_transfer(&leg, to),
            Action::AttendedTransfer => self.on_attended_transfer(&leg, to),
            Action::CompleteTransfer => self.on_complete_transfer(&leg),
        }
    }

    fn on_answer(&mut self, leg: &Leg) -> Step {
        match &leg.peer {
            None => self.activate(&leg.id),
            // Who answers a consultation is reported first; else the caller is.
            Some(peer) if leg.transfer_of.is_some() => {
                self.activate(&leg.id)?;
                self.activate(peer)
            }
            Some(peer) => {
                self.activate(peer)?;
                self.activate(&leg.id)
            }
        }
    }

    /// Whoever hangs up, both sides of an internal call end, the caller's first.
    fn on_hang_up(&mut self, leg: &Leg) -> Step {
        match (&leg.peer, leg.direction) {
            (None, _) => self.end(&leg.id),
            (Some(peer), Direction::Outbound) => {
                self.end(&leg.id)?;
                self.end(peer)
            }
            (Some(peer), Direction::Inbound) => {
                self.end(peer)?;
                self.end(&leg.id)
            }
        }
    }

    fn on_blind_transfer(&mut self, leg: &Leg, to: Option<&str>) -> Step {
        let target = self.transfer_target(leg, to)?;
        self.hold_if_active(leg)?;
        self.end(&leg.id)?;
        let ringing = self.new_leg(&target.number.clone(), Direction::Inbound, leg.remote().clone(), target);
        self.ring(ringing)
    }

    fn on_attended_transfer(&mut self, leg: &Leg, to: Option<&str>) -> Step {
        let target = self.transfer_target(leg, to)?;
        self.hold_active(&leg.extension)?;
        self.call_internally(leg.local().clone(), target, Some(leg))
    }

    /// The colleague's leg goes on with the call that was handed over; both others end.
    fn on_complete_transfer(&mut self, consultation: &Leg) -> Step {
        let (Some(original), Some(peer)) = (&consultation.consults_for, &consultation.peer) else {
            return Err(PressRefusal::NotNow(why_not(consultation, Action::CompleteTransfer)));
        };
        let caller = self.exchange.leg(original)?.remote().clone();
        let colleague = self.exchange.leg_mut(peer)?;
        (colleague.caller, colleague.peer, colleague.transfer_of) = (caller, None, None);
        self.activate(peer)?;
        self.end(original)?;
        self.end(&consultation.id)
    }

    /// Rings both phones of an internal call; `about`: the leg that it is to be transferred.
    fn call_internally(&mut self, caller: Party, callee: Party, about: Option<&Leg>) -> Step {
        let (from, to) = (caller.number.clone(), callee.number.clone());
        let mut outbound = self.new_leg(&from, Direction::Outbound, caller.clone(), callee.clone());
        let mut inbound = self.new_leg(&to, Direction::Inbound, caller, callee);
        outbound.peer = Some(inbound.id.clone());
        inbound.peer = Some(outbound.id.clone());
        outbound.consults_for = about.map(|leg| leg.id.clone());
        inbound.transfer_of = about.map(|leg| leg.remote().number.clone());
        self.ring(outbound)?;
        self.ring(inbound)
    }

    fn new_leg(&mut self, extension: &str, direction: Direction, caller: Party, callee: Party) -> Leg {
        Leg {
            id: (self.new_id)(),
            extension: extension.to_owned(),
            direction,
            state: LegState::Ringing,
            caller,
            callee,
            peer: None,
            consults_for: None,
            transfer_of: None,
            answered_at: None,
            holds: 0,
        }
    }

    fn transfer_target(&self, leg: &Leg, to: Option<&str>) -> Result<Party, PressRefusal> {
        let target = match to {
            Some(extension) => Some(self.exchange.phone(extension)?),
            None => self.exchange.phones.iter().find(|phone| phone.extension != leg.extension),
        };
        target
            .filter(|phone| phone.extension != leg.extension)
            .map(Phone::party)
            .ok_or(PressRefusal::NotNow("a call cannot be transferred to the phone that it is on"))
    }

    fn ring(&mut self, leg: Leg) -> Step {
        if self.exchange.legs_of(&leg.extension).count() >= MAX_LEGS {
            return Err(PressRefusal::NotNow("the phone has as many calls as it can show"));
        }
        let id = leg.id.clone();
        self.exchange.legs.push(leg);
        self.emit(&id, "RINGING")
    }

    /// Puts a leg through; a phone talks on one leg at a time, so another one is held first.
    fn activate(&mut self, id: &str) -> Step {
        let extension = self.exchange.leg(id)?.extension.clone();
        let others: Vec<_> = self.exchange.active(&extension).filter(|other| *other != id).collect();
        for other in others {
            self.hold(&other)?;
        }
        let at = self.tick();
        let leg = self.exchange.leg_mut(id)?;
        leg.state = LegState::Active;
        leg.answered_at.get_or_insert(at);
        self.emit_at(id, "ACTIVE", at)
    }

    fn hold(&mut self, id: &str) -> Step {
        let leg = self.exchange.leg_mut(id)?;
        leg.state = LegState::Held;
        leg.holds += 1;
        self.emit(id, "HELD")
    }

    fn hold_active(&mut self, extension: &str) -> Step {
        let active: Vec<_> = self.exchange.active(extension).collect();
        active.iter().try_for_each(|id| self.hold(id))
    }

    fn hold_if_active(&mut self, leg: &Leg) -> Step {
        if leg.state == LegState::Active { self.hold(&leg.id) } else { Ok(()) }
    }

    /// Ends a leg. What was tied to it goes on as a call of its own.
    fn end(&mut self, id: &str) -> Step {
        let at = self.tick();
        self.emit_at(id, "HANGUP", at)?;
        let ended = self.exchange.leg(id)?.clone();
        self.exchange.legs.retain(|leg| leg.id != id);
        if let Some(consultation) = self.exchange.consultation_about(id).cloned() {
            self.exchange.leg_mut(&consultation.id)?.consults_for = None;
            if let Some(peer) = &consultation.peer {
                self.exchange.leg_mut(peer)?.transfer_of = None;
            }
        }
        let Some(answered_at) = ended.answered_at else { return Ok(()) };
        for phone in &mut self.exchange.phones {
            if phone.extension == ended.extension {
                phone.summary_of = Some(Ended { leg: ended.clone(), answered_at, ended_at: at });
            }
        }
        Ok(())
    }

    fn emit(&mut self, id: &str, state: &str) -> Step {
        let at = self.tick();
        self.emit_at(id, state, at)
    }

    fn emit_at(&mut self, id: &str, state: &str, at: Micros) -> Step {
        let webhook = self.exchange.leg(id)?.webhook(&self.exchange.tenant, state, at);
        self.webhooks.push(webhook);
        Ok(())
    }

    /// The present, but later than anything before.
    fn tick(&mut self) -> Micros {
        self.exchange.latest = self.now.max(self.exchange.latest + 1);
        self.exchange.latest
    }
}

impl Exchange {
    /// The buttons that a leg has now.
    pub(crate) fn actions(&self, leg: &Leg) -> Vec<Action> {
        leg.actions(self.consultation_about(&leg.id).is_some())
    }

    fn consultation_about(&self, id: &str) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.consults_for.as_deref() == Some(id))
    }

    fn active(&self, extension: &str) -> impl Iterator<Item = String> {
        self.legs_of(extension).filter(|leg| leg.state == LegState::Active).map(|leg| leg.id.clone())
    }
}

fn why_not(leg: &Leg, action: Action) -> &'static str {
    let ringing = leg.state == LegState::Ringing;
    match action {
        Action::Answer if ringing => "the colleague answers on the other phone",
        Action::Answer => "the call has been answered",
        Action::CompleteTransfer if leg.consults_for.is_none() => {
            "no colleague is being asked to take this call: begin with an attended transfer"
        }
        Action::CompleteTransfer => "the colleague has not answered yet",
        _ if ringing => "the call has not been answered yet",
        Action::Hold => "the call is on hold",
        Action::Resume => "the call is not on hold",
        Action::BlindTransfer | Action::AttendedTransfer if leg.peer.is_some() => {
            "a call between the two phones cannot be transferred: there is no third"
        }
        Action::BlindTransfer | Action::AttendedTransfer => {
            "the transfer is being talked over: complete it, or hang up that call"
        }
        Action::HangUp => "the call has ended",
    }
}
