//! What servers and pages ask over HTTP: conversations and figures, as JSON and as CSV, by the code that makes the frames,
//! so that they say the same; and the directory.

mod conversations;
mod csv;
mod cursor;
mod directory;
mod figures;
mod query;
mod search;

pub(crate) use conversations::{list, list_csv, one};
pub(crate) use directory::{DirectoryDoor, read as read_directory, write as write_directory};
pub(crate) use figures::{figures, figures_csv};

use crate::{
    auth::{Identity, Role},
    boards::{Held, KeptBoard, NoBoard, Sight},
    clock::{Micros, now},
    gateway::Gateway,
    http::{Problem, UserRate, unavailable},
};
use axum::http::{HeaderMap, StatusCode, Uri};
use governor::Quota;
use parking_lot::MutexGuard;
use query::Query;
use std::{num::NonZeroU32, sync::Arc, time::Duration};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::timeout,
};

/// How often each user may ask, a second.
const RATE: NonZeroU32 = NonZeroU32::new(10).unwrap();

/// Answers that take long, at the same time.
const MOST_AT_ONCE: usize = 2;
/// How long an answer waits for a board that is being read; then it says how much of it is there.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the routes need.
pub(crate) struct Reports {
    gateway: Arc<Gateway>,
    rate: UserRate,
    places: Semaphore,
}

/// Somebody who may ask, and a board that is up to date; or an older part of it.
struct Asking {
    identity: Identity,
    sight: Sight,
    source: Source,
}

/// From where an answer is read.
enum Source {
    Board(Held),
    /// Read for this answer, since no board goes back that far.
    Past(Box<parking_lot::Mutex<KeptBoard>>),
}

impl Reports {
    pub(crate) fn new(gateway: Arc<Gateway>) -> Self {
        let (rate, places) = (UserRate::new(Quota::per_second(RATE)), Semaphore::new(MOST_AT_ONCE));
        Self { gateway, rate, places }
    }

    /// The turn of an answer that takes long.
    async fn place(&self) -> Result<SemaphorePermit<'_>, Problem> {
        let turn = timeout(PATIENCE, self.places.acquire()).await;
        turn.ok()
            .and_then(Result::ok)
            .ok_or_else(|| unavailable("too many figures are asked for at the same time"))
    }

    /// Who asks, and what they may see.
    async fn admit(&self, headers: &HeaderMap) -> Result<(Identity, Sight), Problem> {
        let identity = self.gateway.verifier.identify(headers).await?;
        if let Err(wait) = self.rate.check(&identity.tenant, &identity.sub) {
            let why = "at most ten requests a second of one user";
            return Err(
                Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", why).retry_after(wait)
            );
        }
        let sight = match identity.role {
            Role::Supervisor | Role::Service => Sight::of_tenant(&identity),
            Role::Agent | Role::Display => Sight::of_user(&identity, self.gateway.boards.agents_see()),
        };
        Ok((identity, sight))
    }

    /// Who asks, and for what.
    async fn hear(&self, headers: &HeaderMap, uri: &Uri) -> Result<((Identity, Sight), Query), Problem> {
        Ok((self.admit(headers).await?, Query::of(uri)?))
    }

    /// The tenant's board with all that was committed until now; what began before its two days is read anew.
    async fn open(&self, (identity, sight): (Identity, Sight), from: Micros) -> Result<Asking, Problem> {
        let boards = &self.gateway.boards;
        let source = if from < KeptBoard::horizon(now()) {
            Source::Past(Box::new(parking_lot::Mutex::new(boards.past(&identity.tenant, from).await?)))
        } else {
            let held = boards.hold(&identity.tenant)?;
            held.board.catch_up(PATIENCE).await?;
            Source::Board(held)
        };
        Ok(Asking { identity, sight, source })
    }
}

impl Asking {
    fn kept(&self) -> MutexGuard<'_, KeptBoard> {
        match &self.source {
            Source::Board(held) => held.board.kept(),
            Source::Past(kept) => kept.lock(),
        }
    }
}

impl From<NoBoard> for Problem {
    fn from(why: NoBoard) -> Self {
        match &why {
            NoBoard::Disabled => Self::new(StatusCode::NOT_FOUND, "no-board", why),
            NoBoard::TooMany | NoBoard::Engine(_) => unavailable(&why.to_string()),
        }
    }
}

/// What is asked for makes no sense.
fn senseless(name: &'static str, why: impl ToString) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", why).with("parameter", name)
}
