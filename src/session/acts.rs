//! What a client said, and is not durable yet. Nothing at all for a session whose client says nothing.

use crate::{
    engine::{EngineError, Receipt},
    id::ItemKey,
};
use futures_util::{FutureExt, StreamExt, stream::FuturesOrdered};
use std::{future::pending, pin::Pin};

/// Something that a client said of an item, under the number of its change.
pub(crate) struct Act {
    pub(crate) key: ItemKey,
    pub(crate) seq: u64,
}

type Outcome = (Act, Result<(), EngineError>);
type Waiting = Pin<Box<dyn Future<Output = Outcome> + Send + Sync>>;

/// In the order in which they were said. As many as a client may send frames while one of them waits for its disk.
#[derive(Default)]
pub(crate) struct Acts(Option<Box<FuturesOrdered<Waiting>>>);

impl Acts {
    pub(crate) fn add(&mut self, act: Act, receipt: Receipt) {
        let durable = receipt.durable().map(|went| (act, went));
        self.0.get_or_insert_default().push_back(Box::pin(durable));
    }

    /// The next of which it is known how it went. Never, while there is none; cancel safe.
    pub(crate) async fn next(&mut self) -> Outcome {
        if let Some(waiting) = &mut self.0
            && let Some(outcome) = waiting.next().await
        {
            return outcome;
        }
        pending().await
    }
}
