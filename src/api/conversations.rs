//! `GET /v1/conversations`, `/v1/conversations/{id or leg}` and `/v1/conversations.csv`.

use super::{
    Asking, Reports,
    csv::{ConversationLine, Dialect},
    cursor::Cursor,
    query::{Query, today},
    search::{self, Sought},
    senseless,
};
use crate::{
    auth::Identity,
    board::{Basis, Conversation, ConversationId, ConversationKind, ConversationOutcome, Window, named},
    boards::{KeptBoard, Sight, shown_conversation},
    clock::{Micros, now},
    http::{Problem, no_store},
    id::{Extension, TenantId},
    tasks::apart_if,
};
use axum::{
    Json,
    body::Body,
    extract::{Path, State, rejection::PathRejection},
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::value::RawValue;
use std::sync::Arc;
use tokio::task::yield_now;

/// How many conversations one answer has, where nobody says so, and at most.
const USUAL: usize = 50;
const MOST: usize = 200;
/// The most rows of a CSV.
const MOST_ROWS: usize = 100_000;

/// Which conversations are asked for.
#[derive(Default)]
struct Filter {
    window: Option<Window>,
    kind: Option<ConversationKind>,
    outcome: Option<Vec<ConversationOutcome>>,
    basis: Option<Basis>,
    extension: Option<Extension>,
    group: Option<String>,
    number: Option<String>,
    with: Vec<With>,
    text: Option<Sought>,
}

/// What they must have.
#[derive(Clone, Copy, PartialEq, Eq)]
enum With {
    Summary,
    Note,
    Transfer,
}

/// A page of them, the latest first.
#[derive(Serialize)]
struct Listed {
    items: Vec<Box<RawValue>>,
    next: Option<String>,
    complete: f64,
    as_of: Micros,
}

/// `GET /v1/conversations`.
pub(crate) async fn list(
    State(reports): State<Arc<Reports>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let (who, mut query) = reports.hear(&headers, &uri).await?;
    let filter = Filter::read(&mut query)?;
    let of = |text: &str| text.parse().ok().filter(|limit| (1..=MOST).contains(limit));
    let limit = query.parse("limit", "from 1 to 200", of)?.unwrap_or(USUAL);
    let cursor = query.take("cursor")?;
    query.finish()?;
    let asking = filter.open(&reports, who).await?;
    let (now, tenant) = (now(), &asking.identity.tenant);
    let (window, complete) = filter.frame(&asking, now)?;
    // The day of today ends with the present minute, and a list of it goes on in the next.
    let named = filter.window.unwrap_or(Window { to: 0, ..window });
    let question = filter.question(tenant, named);
    let after = match cursor {
        None => None,
        Some(cursor) => Some(Cursor::read(&cursor, &question).ok_or_else(|| {
            senseless(
                "cursor",
                "this cursor is not one that was given for these parameters: begin without it",
            )
        })?),
    };
    let mut found = filter.found(&reports, &asking, (window, after), limit + 1).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|last| Cursor { start: last.start, id: last.id });
    let listed = Listed {
        items: found.iter().filter_map(|it| shown_conversation(tenant, &asking.sight, it)).collect(),
        next: next.map(|next| next.write(&question)),
        complete,
        as_of: now,
    };
    Ok((no_store(), Json(listed)).into_response())
}

/// `GET /v1/conversations/{id or leg}`.
pub(crate) async fn one(
    State(reports): State<Arc<Reports>>,
    headers: HeaderMap,
    named: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let who = reports.admit(&headers).await?;
    let nothing = || Problem::new(StatusCode::NOT_FOUND, "not-found", "no such conversation is kept");
    let Path(named) = named.map_err(|_| nothing())?;
    let asking = reports.open(who, now()).await?;
    if let Some(found) = asking.find(&named) {
        return Ok(found);
    }
    // No board goes back so far, so all that is kept is looked through.
    let Asking { identity, sight, .. } = asking;
    let asking = reports.open((identity, sight), 0).await?;
    asking.find(&named).ok_or_else(nothing)
}

impl Asking {
    fn find(&self, named: &str) -> Option<Response> {
        let kept = self.kept();
        let by_id = ConversationId::parse(named).and_then(|id| kept.ledger.conversation(id));
        let is_seen = |it: &Arc<Conversation>| self.sight.sees_conversation(it, &kept.people);
        let of_leg = || kept.ledger.of_leg_id(named).into_iter().filter(is_seen);
        let by_leg = || of_leg().max_by_key(|it| (it.start, it.id));
        let found = by_id.filter(is_seen).or_else(by_leg)?;
        let json = shown_conversation(&self.identity.tenant, &self.sight, &found)?;
        Some((no_store(), Json(json)).into_response())
    }
}

/// `GET /v1/conversations.csv`: all of them, up to 100,000.
pub(crate) async fn list_csv(
    State(reports): State<Arc<Reports>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let (who, mut query) = reports.hear(&headers, &uri).await?;
    let filter = Filter::read(&mut query)?;
    let dialect = Dialect::read(&mut query)?;
    query.finish()?;
    let asking = filter.open(&reports, who).await?;
    let (window, _) = filter.frame(&asking, now())?;
    let found = filter.found(&reports, &asking, (window, None), MOST_ROWS).await?;
    let zone = asking.kept().zone.clone();
    let sight = asking.sight;
    let lines = found.into_iter().map(move |it| ConversationLine::of(&it, &sight, &zone));
    let body = Body::from_stream(dialect.write(ConversationLine::HEAD, lines));
    Ok((no_store(), dialect.headers("conversations"), body).into_response())
}

impl Filter {
    fn read(query: &mut Query) -> Result<Self, Problem> {
        let with = |word: &str| match word {
            "summary" => Some(With::Summary),
            "note" => Some(With::Note),
            "transfer" => Some(With::Transfer),
            _ => None,
        };
        Ok(Self {
            window: query.window()?,
            kind: query.parse("kind", "inbound, outbound or internal", named)?,
            outcome: query.list(
                "outcome",
                "of open, answered, missed, short, reached, connected, no_answer and unknown",
                named,
            )?,
            basis: query.parse("basis", "observed or inferred", named)?,
            extension: query.parse("extension", "an extension", |text| text.try_into().ok())?,
            group: query.take("group")?,
            number: query.take("number")?,
            with: query.list("with", "of summary, note and transfer", with)?.unwrap_or_default(),
            text: query
                .parse("q", "a text of at most 64 characters", Sought::read)?
                .filter(|sought| !sought.is_blank()),
        })
    }

    /// What is known of the time that is asked for.
    async fn open(&self, reports: &Reports, who: (Identity, Sight)) -> Result<Asking, Problem> {
        reports.open(who, self.window.map_or(now(), |window| window.from)).await
    }

    /// The time that is asked for, and which part of its calls is counted; unless what is named is not there, or may
    /// not be seen.
    fn frame(&self, asking: &Asking, now: Micros) -> Result<(Window, f64), Problem> {
        let kept = asking.kept();
        self.check(&kept, &asking.sight)?;
        Ok((self.window.unwrap_or_else(|| today(&kept, now)), kept.complete))
    }

    /// The latest of the conversations, so many at most. What is written of them is read off any lock.
    async fn found(
        &self,
        reports: &Reports,
        asking: &Asking,
        (window, after): (Window, Option<Cursor>),
        most: usize,
    ) -> Result<Vec<Arc<Conversation>>, Problem> {
        let _place = reports.place().await?;
        let Some(text) = &self.text else {
            return Ok(self.scan(asking, (window, after), most, |_| 1).await);
        };
        let all = self.scan(asking, (window, after), search::MOST_LEGS + 1, |it| it.legs.len()).await;
        let candidates = text.candidates(all, &asking.kept(), &asking.sight)?;
        Ok(candidates.search(&reports.gateway.engine, &asking.identity.tenant, most).await?)
    }

    /// The latest of them, until they weigh as much as that. They are made of their legs, so others have their turn at the
    /// board after each hour.
    async fn scan(
        &self,
        asking: &Asking,
        (window, after): (Window, Option<Cursor>),
        most: usize,
        weight: impl Fn(&Conversation) -> usize,
    ) -> Vec<Arc<Conversation>> {
        let to = after.map_or(window.to, |after| window.to.min(after.start + 1));
        let hours: Vec<Window> = Window { to, ..window }.hours().collect();
        let (mut found, mut sum) = (Vec::new(), 0);
        for hour in hours.into_iter().rev() {
            apart_if(true, || {
                let kept = asking.kept();
                let mut more = self.find(&kept, &asking.sight, hour, after);
                while sum < most
                    && let Some(next) = more.next()
                {
                    sum += weight(&next);
                    found.push(next);
                }
            });
            if sum >= most {
                break;
            }
            yield_now().await;
        }
        found
    }

    /// Whether what is named is there, and may be seen.
    fn check(&self, kept: &KeptBoard, sight: &Sight) -> Result<(), Problem> {
        let Some(group) = self.group.as_deref() else { return Ok(()) };
        if !sight.sees_group(group) {
            let why = "this group is not among those that you see";
            return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", why).with("parameter", "group"));
        }
        if !kept.people.all_groups().iter().any(|known| ***known == *group) {
            return Err(senseless("group", "the directory has no such group"));
        }
        Ok(())
    }

    /// The conversations, the latest first.
    fn find<'a>(
        &'a self,
        kept: &'a KeptBoard,
        sight: &'a Sight,
        window: Window,
        after: Option<Cursor>,
    ) -> impl Iterator<Item = Arc<Conversation>> {
        let is_later =
            move |it: &Conversation| after.is_none_or(|after| (it.start, it.id) < (after.start, after.id));
        kept.ledger.within(window).rev().filter(move |it| {
            is_later(it) && self.takes(it, kept, sight) && sight.sees_conversation(it, &kept.people)
        })
    }

    fn takes(&self, it: &Conversation, kept: &KeptBoard, sight: &Sight) -> bool {
        let has_leg = |of: &dyn Fn(&Extension) -> bool| it.legs.iter().any(|leg| of(&leg.key.extension));
        let in_group =
            |group: &String, of: &Extension| kept.people.groups(of).iter().any(|it| **it == **group);
        self.kind.is_none_or(|kind| it.kind == kind)
            && self.outcome.as_ref().is_none_or(|outcomes| outcomes.contains(&it.outcome))
            && self.basis.is_none_or(|basis| it.basis == basis)
            && self.extension.as_ref().is_none_or(|extension| has_leg(&|of| of == extension))
            && self.group.as_ref().is_none_or(|group| has_leg(&|of| in_group(group, of)))
            && self.number.as_deref().is_none_or(|number| is_shown_as(number, it, sight))
            && self.with.iter().all(|with| match with {
                With::Summary => it.has_summary,
                With::Note => it.has_note,
                With::Transfer => !it.handovers.is_empty(),
            })
    }

    /// The same for the same question.
    fn question(&self, tenant: &TenantId, Window { from, to }: Window) -> String {
        let Self { window: _, kind, outcome, basis, extension, group, number, with, text } = self;
        let with: Vec<u8> = with.iter().map(|it| *it as u8).collect();
        format!(
            "{tenant} {from} {to} {kind:?} {outcome:?} {basis:?} {extension:?} {group:?} {number:?} {with:?} \
             {text:?}"
        )
    }
}

/// A number is looked for as it is shown.
fn is_shown_as(number: &str, it: &Conversation, sight: &Sight) -> bool {
    sight.number(it.number.as_ref()).as_deref() == Some(number)
}
