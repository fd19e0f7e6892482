//! Takes webhooks to the gateway in the background: several at a time, those of one leg one
//! after the other and in order, a bounded number altogether. Its tasks end with it.

use super::{sender::Sender, webhook::Webhook};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinSet,
};

/// How many are sent at the same time.
const LANES: usize = 8;
/// How many may be waiting or on their way.
const CAPACITY: usize = 1024;

/// How far a webhook is, for whoever gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// As given to [`Courier::take`].
    pub(crate) tag: u64,
    pub(crate) attempts: u32,
    pub(crate) progress: Progress,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// An attempt has begun.
    Sending,
    /// Nothing more will be tried; none: no answer ever came.
    Done(Option<u16>),
}

/// Room for webhooks; what is not used is free again when it is dropped.
pub(crate) struct Room(OwnedSemaphorePermit);

struct Parcel {
    tag: u64,
    webhook: Webhook,
    _room: OwnedSemaphorePermit,
}

type OnReceipt = Arc<dyn Fn(Receipt) + Send + Sync>;

/// The handle; dropping it stops everything at once.
pub(crate) struct Courier {
    lanes: Vec<mpsc::Sender<Parcel>>,
    room: Arc<Semaphore>,
    tasks: JoinSet<()>,
}

impl Courier {
    /// Starts the lanes. `on_receipt` is called from their tasks and must not wait.
    pub(crate) fn start(sender: &Sender, on_receipt: impl Fn(Receipt) + Send + Sync + 'static) -> Self {
        let on_receipt: OnReceipt = Arc::new(on_receipt);
        let mut tasks = JoinSet::new();
        let lanes = (0..LANES)
            .map(|_| {
                // As much as there is room altogether, so that a lane is never full.
                let (lane, parcels) = mpsc::channel(CAPACITY);
                tasks.spawn(run_lane(sender.clone(), parcels, on_receipt.clone()));
                lane
            })
            .collect();
        Self { lanes, room: Arc::new(Semaphore::new(CAPACITY)), tasks }
    }

    /// Waits for room for one webhook.
    pub(crate) async fn room(&self) -> Option<Room> {
        self.room.clone().acquire_owned().await.ok().map(Room)
    }

    /// Room for several webhooks, if there is as much now.
    pub(crate) fn try_room(&self, webhooks: u32) -> Option<Room> {
        self.room.clone().try_acquire_many_owned(webhooks).ok().map(Room)
    }

    /// Takes a webhook; without room for it, it is left behind and the answer is false.
    /// Those of one leg are sent in the order in which they are taken.
    pub(crate) fn take(&self, room: &mut Room, tag: u64, webhook: Webhook) -> bool {
        let Some(room) = room.0.split(1) else { return false };
        let mut hasher = DefaultHasher::new();
        webhook.leg_id().hash(&mut hasher);
        let lane = &self.lanes[hasher.finish() as usize % LANES];
        lane.try_send(Parcel { tag, webhook, _room: room }).is_ok()
    }

    /// Waits until everything that was taken has been sent or given up.
    pub(crate) async fn finish(self) {
        let Self { lanes, room: _, mut tasks } = self;
        drop(lanes);
        while tasks.join_next().await.is_some() {}
    }
}

async fn run_lane(sender: Sender, mut parcels: mpsc::Receiver<Parcel>, on_receipt: OnReceipt) {
    while let Some(Parcel { tag, webhook, _room }) = parcels.recv().await {
        let sending = |attempts| on_receipt(Receipt { tag, attempts, progress: Progress::Sending });
        let outcome = sender.deliver(webhook.to_json(), sending).await;
        on_receipt(Receipt { tag, attempts: outcome.attempts, progress: Progress::Done(outcome.status) });
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::sender::tests::{FakeGateway, QUICK},
        *,
    };
    use parking_lot::Mutex;
    use serde_json::{Map, Value};

    fn event(leg: &str, state: u64) -> Webhook {
        Webhook::new(Map::new()).with("id", leg).with("state", state)
    }

    #[tokio::test]
    async fn a_leg_stays_in_order_whatever_is_retried() {
        let fake = FakeGateway::start([(503, None), (503, None)]).await;
        let receipts: Arc<Mutex<Vec<Receipt>>> = Arc::default();
        let on_receipt = {
            let receipts = receipts.clone();
            move |receipt| receipts.lock().push(receipt)
        };
        let courier = Courier::start(&Sender::new(&fake.gateway, QUICK).unwrap(), on_receipt);
        let mut room = courier.try_room(60).unwrap();
        for at in 0..20 {
            for leg in ["a", "b", "c"] {
                assert!(courier.take(&mut room, at, event(leg, at)));
            }
        }
        assert!(!courier.take(&mut room, 99, event("a", 99)));
        courier.finish().await;
        for leg in ["a", "b", "c"] {
            let got = fake.got.lock();
            let mut states: Vec<_> =
                got.iter().filter(|event| event["id"] == leg).map(|event| event["state"].as_u64()).collect();
            states.dedup();
            assert!(states.into_iter().eq((0..20).map(Some)), "{leg}");
        }
        let done = |receipt: &&Receipt| receipt.progress == Progress::Done(Some(204));
        assert_eq!(receipts.lock().iter().filter(done).count(), 60);
        assert!(fake.got.lock().iter().all(Value::is_object));
    }

    #[tokio::test]
    async fn no_more_is_taken_than_there_is_room_for() {
        let fake = FakeGateway::start([]).await;
        let courier = Courier::start(&Sender::new(&fake.gateway, QUICK).unwrap(), |_| {});
        let all = courier.try_room(CAPACITY as u32).unwrap();
        assert!(courier.try_room(1).is_none());
        drop(all);
        assert!(courier.try_room(1).is_some());
    }
}
