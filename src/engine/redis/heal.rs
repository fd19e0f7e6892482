//! Reads for each tenant that is behind what it missed, and hands it to the watch.

use super::{
    keyspace::Keyspace,
    stored::Head,
    watch::{Watch, Watches},
};
use crate::{feed::Stream, id::Kind, tasks::Tasks};
use std::{sync::Arc, time::Duration};
use tokio::{sync::Semaphore, task::JoinSet, time::sleep};

/// Tenants that are read for at the same time.
const MOST_READS: usize = 128;
/// Between tries to read what was missed.
const AGAIN: Duration = Duration::from_millis(100);

/// Reads for all tenants that are behind what they missed, for ever: each at most once at a time.
pub(crate) async fn run(store: Arc<Keyspace>, watches: Arc<Watches>, tasks: Tasks) {
    let places = Arc::new(Semaphore::new(MOST_READS));
    let mut healing = JoinSet::new();
    loop {
        tokio::select! {
            () = watches.someone_is_behind.notified() => {}
            Some(healed) = healing.join_next() => {
                if !matches!(healed, Ok(Some(()))) {
                    // It is due again at once, and what made it panic is still there.
                    sleep(AGAIN).await;
                }
                continue;
            }
        }
        for watch in watches.take_behind() {
            let work = catch_up(store.clone(), watches.clone(), watch, places.clone());
            healing.spawn(tasks.watch("heal one", work));
        }
    }
}

/// A tenant while it is read for. Its messages are held until then, so if the reading does not come to
/// its end, however that happens, it is due again.
struct Healing {
    watches: Arc<Watches>,
    watch: Arc<Watch>,
    is_done: bool,
}

impl Drop for Healing {
    fn drop(&mut self) {
        if !self.is_done {
            self.watches.put_back(&self.watch);
        }
    }
}

/// Reads what one tenant missed, until that succeeds or it is no longer watched.
async fn catch_up(store: Arc<Keyspace>, watches: Arc<Watches>, watch: Arc<Watch>, places: Arc<Semaphore>) {
    let mut healing = Healing { watches: watches.clone(), watch: watch.clone(), is_done: false };
    read_until_done(&store, &watches, &watch, &places).await;
    healing.is_done = true;
}

async fn read_until_done(store: &Keyspace, watches: &Watches, watch: &Arc<Watch>, places: &Semaphore) {
    while watches.has(watch) {
        let Some(Head { epoch, seq }) = watches.head(watch) else { return };
        let stream = Stream::Tenant {
            tenant: watch.tenant.clone(),
            kinds: &Kind::ALL,
            only: None,
            own: Arc::default(),
        };
        let place = places.acquire().await;
        let read = store.changes(&stream, &epoch, seq).await;
        drop(place);
        match read {
            Ok(Ok(items)) => return watches.catch_up(watch, items),
            Ok(Err(head)) => return watches.start_over(watch, head),
            Err(_) => sleep(AGAIN).await,
        }
    }
}
