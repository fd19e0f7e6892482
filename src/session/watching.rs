//! A session that is shown a board, or conversations beside its calls.

use super::{
    Session,
    command::{malformed, refusal},
    end::End,
};
use crate::{
    board::ConversationId,
    boards::{Channel, ChannelPlace, Held, Inbox, Interest, NoBoard, Sight, Wanted},
    config::AgentsSee,
    displays::DisplayPass,
    feed::Stream,
    protocol::{CloseCode, ErrorCode, Frame, Mention, ServerFrame},
};
use prometheus_client::metrics::gauge::Gauge;
use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

/// How long a client waits for a board that is being read.
const PATIENCE: Duration = Duration::from_millis(500);

/// What a client wants to be shown, beside or instead of calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct View {
    /// `view=board`: no calls.
    pub(super) board: bool,
    /// `want=conversation`.
    pub(super) conversations: bool,
}

/// Comes when there is news.
type Coming = Pin<Box<dyn Future<Output = News> + Send + Sync>>;

/// What became of a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// There is something to tell.
    Rows,
    /// It has ended.
    Over,
    /// Whoever watches it may not any more.
    Revoked,
}

/// What a session watches of its tenant's board.
pub(super) struct Watching {
    held: Held,
    sight: Sight,
    shown: Option<Shown>,
    inbox: Arc<Inbox>,
    news: Coming,
    pass: Option<Arc<DisplayPass>>,
    counted: Option<Gauge>,
}

/// A board that is shown.
struct Shown {
    channel: Arc<Channel>,
    place: ChannelPlace,
}

impl Watching {
    fn new(
        held: Held,
        sight: Sight,
        view: View,
        pass: Option<Arc<DisplayPass>>,
        counted: Option<Gauge>,
    ) -> Self {
        let shown = view.board.then(|| Shown {
            channel: held.board.channel(&sight, &Wanted::default()),
            place: ChannelPlace::default(),
        });
        let interest = Interest { sight: sight.clone(), all: view.conversations };
        let inbox = held.board.inbox(interest);
        let news = news(&held, shown.as_ref(), &inbox, pass.as_deref());
        Self { held, sight, shown, inbox, news, pass, counted }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<News> {
        self.news.as_mut().poll(context)
    }

    /// What is to be told now.
    fn tell(&mut self) -> Vec<Frame> {
        let shown = self.shown.as_mut().map(|Shown { channel, place }| channel.tell(place));
        let mut frames = shown.unwrap_or_default();
        frames.extend(self.inbox.take(&self.held.board.tenant, &self.held.board.kept()));
        self.news = news(&self.held, self.shown.as_ref(), &self.inbox, self.pass.as_deref());
        frames
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        if let Some(counted) = &self.counted {
            counted.dec();
        }
    }
}

/// Waits for what is to be told.
fn news(held: &Held, shown: Option<&Shown>, inbox: &Arc<Inbox>, pass: Option<&DisplayPass>) -> Coming {
    let revoked = pass.map(DisplayPass::revoked);
    let mut channel = shown.map(|shown| (shown.channel.listen(), shown.channel.clone(), shown.place));
    let (inbox, ended) = (inbox.clone(), held.board.ended());
    Box::pin(async move {
        let told = async {
            match &mut channel {
                // What came before this was listened to is news as well.
                Some((_, channel, place)) if channel.has_news(place) => {}
                Some((news, ..)) => _ = news.changed().await,
                None => std::future::pending().await,
            }
        };
        let revoked = async {
            match revoked {
                Some(revoked) => revoked.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = revoked => News::Revoked,
            () = ended.cancelled() => News::Over,
            () = told => News::Rows,
            () = inbox.ready() => News::Rows,
        }
    })
}

impl Session {
    /// Begins to watch what the client wants to see beside its calls, or instead of them.
    pub(super) async fn watch(&mut self) -> Result<(), End> {
        if self.view == View::default() {
            return Ok(());
        }
        let sight = match &self.stream {
            Stream::Tenant { .. } if self.pass.is_some() => {
                let people = self.gateway().config.displays.people;
                Sight { people, ..Sight::of_tenant(&self.identity) }
            }
            Stream::Tenant { .. } => Sight::of_tenant(&self.identity),
            Stream::User { .. } if self.view.board => {
                Sight::of_user(&self.identity, self.gateway().boards.agents_see())
            }
            // Beside calls, only conversations are shown: their own.
            Stream::User { .. } => Sight::of_user(&self.identity, AgentsSee::Off),
        };
        let sessions = self.sessions.clone();
        let boards = &sessions.gateway.boards;
        let held = match boards.hold(&self.identity.tenant) {
            Ok(held) => held,
            // Beside calls it is a help; who came for the board is told.
            Err(_) if !self.view.board => return Ok(()),
            Err(why) => return Err(no_board(&why)),
        };
        if self.view.board {
            // What is not there by then is said to be missing, and follows.
            let _ = self.unless_over(pin!(held.board.catch_up(PATIENCE))).await?;
        }
        let counted = self.view.board.then(|| boards.metrics().sessions.clone());
        if let Some(sessions) = &counted {
            sessions.inc();
        }
        self.watching = Some(Box::new(Watching::new(held, sight, self.view, self.pass.clone(), counted)));
        Ok(())
    }

    /// Waits for news of what is watched; for ever, where nothing is.
    pub(super) async fn watched(watching: &mut Option<Box<Watching>>) -> News {
        poll_fn(|context| match watching {
            Some(watching) => watching.poll(context),
            None => Poll::Pending,
        })
        .await
    }

    pub(super) async fn on_watched(&mut self, news: News) -> Result<(), End> {
        match news {
            News::Rows => {}
            News::Over => return self.on_board_ended().await,
            News::Revoked => return Err(End::revoked()),
        }
        let frames = self.watching.as_mut().map(|watching| watching.tell()).unwrap_or_default();
        self.send(&frames).await
    }

    async fn on_board_ended(&mut self) -> Result<(), End> {
        if self.gateway().feed.is_draining() {
            let after_ms = self.gateway().reconnect_after_ms();
            self.send(&[ServerFrame::Reconnect { after_ms }.encode()]).await?;
            return Err(End::draining());
        }
        // The next board is read anew.
        self.watching = None;
        self.watch().await
    }

    /// Other figures are wanted.
    pub(super) fn on_board(&mut self, windows: &[String], by: &[String]) -> Option<Frame> {
        let Some(wanted) = Wanted::named(windows, by) else {
            return Some(malformed(
                "windows are of today, m15, m30 and m60, and by is of tenant, group, line and extension; one of each at least",
            ));
        };
        let Some(Watching { held, sight, shown: Some(shown), inbox, news: waiting, pass, .. }) =
            self.watching.as_deref_mut()
        else {
            return Some(malformed("figures are sent with view=board"));
        };
        *shown = Shown { channel: held.board.channel(sight, &wanted), place: ChannelPlace::default() };
        *waiting = news(held, Some(shown), inbox, pass.as_deref());
        None
    }

    /// A conversation is to be followed.
    pub(super) fn on_watch(&mut self, id: &str) -> Option<Frame> {
        let Some(watching) = self.watching.as_deref().filter(|_| self.pass.is_none()) else {
            return Some(malformed(
                "conversations are watched by users, with view=board or want=conversation",
            ));
        };
        let board = &watching.held.board;
        let is_there = ConversationId::parse(id).is_some_and(|id| watching.inbox.watch(&board.kept(), id));
        let why = "no such conversation among those that you see";
        (!is_there).then(|| refusal(ErrorCode::UnknownConversation, why, Mention::default()))
    }
}

fn no_board(why: &NoBoard) -> End {
    let reason = match why {
        NoBoard::Disabled => "there are no boards here: board.enabled is false",
        NoBoard::TooMany | NoBoard::Engine(_) => "too many boards are open on this node",
    };
    let code = if *why == NoBoard::Disabled { CloseCode::Forbidden } else { CloseCode::Draining };
    End::close(super::end::Cause::Engine, code, reason)
}
