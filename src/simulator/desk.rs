//! What one sees of the simulator: the phones with their legs, and the log of the latest
//! webhooks. Every change makes a new view; whoever watches gets the latest.

use super::{
    courier::{Courier, Progress, Receipt, Room},
    phone::{Action, Direction, Exchange, Input, LegState, Party, PressRefusal},
    webhook::{self, Webhook},
};
use parking_lot::Mutex;
use serde::Serialize;
use std::{collections::VecDeque, sync::Arc};
use tokio::sync::watch;
use uuid::Uuid;

/// How many webhooks the log shows.
const LOG: usize = 50;

/// The view as JSON; none once the simulator has stopped.
pub(super) type Shown = Option<Arc<str>>;

pub(super) struct Desk {
    inner: Mutex<Inner>,
    shown: watch::Sender<Shown>,
}

struct Inner {
    exchange: Exchange,
    log: VecDeque<LogLine>,
    next_id: u64,
}

#[derive(Serialize)]
struct View<'a> {
    phones: Vec<PhoneView<'a>>,
    log: &'a VecDeque<LogLine>,
}

#[derive(Serialize)]
struct PhoneView<'a> {
    extension: &'a str,
    name: &'a str,
    legs: Vec<LegView<'a>>,
    can_send_summary: bool,
}

#[derive(Serialize)]
struct LegView<'a> {
    leg_id: &'a str,
    state: LegState,
    direction: Direction,
    remote: &'a Party,
    actions: Vec<Action>,
}

#[derive(Serialize)]
struct LogLine {
    id: u64,
    at_ms: u64,
    extension: String,
    leg_id: String,
    state: String,
    /// Null while it is being sent, and when no answer came.
    status: Option<u16>,
    attempts: u32,
}

impl Desk {
    pub(crate) fn new(exchange: Exchange) -> Self {
        let inner = Inner { exchange, log: VecDeque::new(), next_id: 1 };
        let shown = watch::Sender::new(Some(inner.view()));
        Self { inner: Mutex::new(inner), shown }
    }

    /// The view now, and then each time that it has changed.
    pub(crate) fn watch(&self) -> watch::Receiver<Shown> {
        let mut watch = self.shown.subscribe();
        watch.mark_changed();
        watch
    }

    /// Ends every watch.
    pub(crate) fn close(&self) {
        self.shown.send_replace(None);
    }

    /// Lets a user do something; the webhooks of it are sent in order. Answers the new view.
    pub(crate) fn on(
        &self,
        input: Input,
        courier: &Courier,
        room: &mut Room,
    ) -> Result<Arc<str>, PressRefusal> {
        let mut inner = self.inner.lock();
        let id = || Uuid::new_v4().to_string();
        let (next, webhooks) = inner.exchange.on(input, webhook::now(), id)?;
        inner.exchange = next;
        for webhook in webhooks {
            inner.send(webhook, courier, room);
        }
        Ok(self.show(&inner))
    }

    /// Sends a webhook that no phone is the cause of.
    pub(crate) fn send(&self, webhook: Webhook, courier: &Courier, room: &mut Room) {
        let mut inner = self.inner.lock();
        inner.send(webhook, courier, room);
        self.show(&inner);
    }

    pub(crate) fn on_receipt(&self, receipt: Receipt) {
        let mut inner = self.inner.lock();
        // It may have left the log long since.
        let Some(entry) = inner.log.iter_mut().find(|entry| entry.id == receipt.tag) else { return };
        entry.attempts = receipt.attempts;
        if let Progress::Done(status) = receipt.progress {
            entry.status = status;
        }
        self.show(&inner);
    }

    fn show(&self, inner: &Inner) -> Arc<str> {
        let view = inner.view();
        self.shown.send_if_modified(|shown| {
            let open = shown.is_some();
            if open {
                *shown = Some(view.clone());
            }
            open
        });
        view
    }
}

impl Inner {
    fn send(&mut self, webhook: Webhook, courier: &Courier, room: &mut Room) {
        let id = self.next_id;
        self.next_id += 1;
        if self.log.len() == LOG {
            self.log.pop_front();
        }
        self.log.push_back(LogLine {
            id,
            at_ms: webhook::now() / 1000,
            extension: webhook.text("user_extension").to_owned(),
            leg_id: webhook.leg_id().to_owned(),
            state: webhook.text("state").to_owned(),
            status: None,
            attempts: 0,
        });
        courier.take(room, id, webhook);
    }

    fn view(&self) -> Arc<str> {
        let phone = |phone| self.phone_view(phone);
        let view = View { phones: self.exchange.phones().iter().map(phone).collect(), log: &self.log };
        // Nothing in a view can fail to be JSON.
        serde_json::to_string(&view).unwrap_or_default().into()
    }

    fn phone_view<'a>(&'a self, phone: &'a super::Phone) -> PhoneView<'a> {
        let leg = |leg: &'a super::phone::Leg| LegView {
            leg_id: &leg.id,
            state: leg.state,
            direction: leg.direction,
            remote: leg.remote(),
            actions: self.exchange.actions(leg),
        };
        PhoneView {
            extension: phone.extension,
            name: phone.name,
            legs: self.exchange.legs_of(phone.extension).map(leg).collect(),
            can_send_summary: phone.summary_of.is_some(),
        }
    }
}
