//! `GET /v1/figures` and `/v1/figures.csv`.

use super::{
    Asking, Reports,
    csv::Dialect,
    query::{Query, today},
    senseless,
};
use crate::{
    auth::Identity,
    board::{
        AgentValues, BoardRules, CELL, Conversation, Figures, Sums, Tally, Values, Window, WindowName, Zone,
        named,
    },
    boards::{By, ClosedDays, KeptBoard, Piece, Sight, StoredWindow},
    clock::{Micros, now},
    http::{Problem, no_store, unavailable},
};
use axum::{
    Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use std::{ops::RangeInclusive, sync::Arc};
use tokio::task::spawn_blocking;

/// To answer within: from a second to five minutes.
const WITHIN_MS: RangeInclusive<u64> = 1000..=300_000;
/// The most windows that one answer has, and the most rows.
const MOST_STEPS: usize = 96 * 35;
const MOST_ROWS: usize = 50_000;
/// So many lines are expected in a window.
const LINES: usize = 10;

/// What is asked for.
struct Question {
    windows: Option<Window>,
    name: Option<WindowName>,
    by: Vec<By>,
    step: Option<Step>,
    within: Option<Micros>,
}

/// Into how long parts a window is divided.
#[derive(Clone, Copy)]
enum Step {
    Quarter,
    Hour,
    /// A local one.
    Day,
}

/// An answer.
#[derive(Serialize)]
struct Answer {
    rows: Vec<Row>,
    complete: f64,
    as_of: Micros,
    from: Micros,
    to: Micros,
    time_zone: String,
    /// Since when there is anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    from_kept: Option<Micros>,
}

/// The figures of one, in one window.
#[derive(Serialize)]
pub(super) struct Row {
    pub(super) by: By,
    pub(super) key: Arc<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<Micros>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<Micros>,
    pub(super) values: RowValues,
    #[serde(skip_serializing_if = "Option::is_none")]
    histogram: Option<Histogram>,
}

/// How many waited for how long: each bucket that is not empty, with the second at which it ends.
#[derive(Serialize)]
struct Histogram {
    answered: Vec<(Option<u64>, u32)>,
    missed: Vec<(Option<u64>, u32)>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum RowValues {
    Calls(Box<Values>),
    Extension(Box<AgentValues>),
}

/// `GET /v1/figures`.
pub(crate) async fn figures(
    State(reports): State<Arc<Reports>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let (who, mut query) = reports.hear(&headers, &uri).await?;
    let question = Question::read(&mut query)?;
    query.finish()?;
    Ok((no_store(), Json(question.ask(&reports, who).await?.0)).into_response())
}

/// `GET /v1/figures.csv`.
pub(crate) async fn figures_csv(
    State(reports): State<Arc<Reports>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let (who, mut query) = reports.hear(&headers, &uri).await?;
    let question = Question::read(&mut query)?;
    let dialect = Dialect::read(&mut query)?;
    query.finish()?;
    if question.by.len() != 1 {
        return Err(senseless("by", "a table has the figures of one kind: give one of them"));
    }
    let by = question.by[0];
    let (answer, zone) = question.ask(&reports, who).await?;
    let whole = Window { from: answer.from, to: answer.to };
    let head = super::csv::head_of_figures(answer.rows.first(), by);
    let lines = answer.rows.into_iter().map(move |row| super::csv::figures_line(&row, whole, &zone));
    let body = Body::from_stream(dialect.write(head, lines));
    Ok((no_store(), dialect.headers("figures"), body).into_response())
}

impl Question {
    fn read(query: &mut Query) -> Result<Self, Problem> {
        let step = |text: &str| match text {
            "15m" => Some(Step::Quarter),
            "1h" => Some(Step::Hour),
            "1d" => Some(Step::Day),
            _ => None,
        };
        let within =
            |text: &str| text.parse().ok().filter(|ms| WITHIN_MS.contains(ms)).map(|ms: u64| ms * 1000);
        let mut by = query.list("by", "of tenant, group, line and extension", named)?;
        if let Some(by) = &mut by {
            by.sort_unstable();
            by.dedup();
        }
        let question = Self {
            name: query.parse("window", "today, m15, m30 or m60", named)?,
            windows: query.window_of_quarters()?,
            by: by.unwrap_or_else(|| vec![By::Tenant]),
            step: query.parse("step", "15m, 1h or 1d", step)?,
            within: query.parse("within_ms", "from 1000 to 300000", within)?,
        };
        match (&question.name, &question.windows) {
            (Some(_), Some(_)) => Err(senseless("window", "give either window, or from and to")),
            _ => Ok(question),
        }
    }

    fn from(&self) -> Micros {
        self.windows.map_or(now(), |window| window.from)
    }

    /// The answer, and the zone of its days.
    async fn ask(self, reports: &Reports, who: (Identity, Sight)) -> Result<(Answer, Zone), Problem> {
        self.by.iter().try_for_each(|by| may_see(*by, &who.1))?;
        let asking = reports.open(who, self.from()).await?;
        let stored = match self.windows {
            Some(window) => Some(reports.gateway.boards.stored(&asking.identity.tenant, window).await?),
            // The latest days have all of their legs.
            None => None,
        };
        let _place = reports.place().await?;
        // It may take long, and calls are delivered on this thread.
        let answered = spawn_blocking(move || {
            let answer = self.answer(&asking, stored)?;
            let zone = asking.kept().zone.clone();
            Ok((answer, zone))
        });
        answered.await.map_err(|_| unavailable("the node is going away"))?
    }

    fn answer(&self, asking: &Asking, stored: Option<StoredWindow>) -> Result<Answer, Problem> {
        let now = now();
        let kept = asking.kept();
        let whole = match (self.windows, self.name) {
            (Some(window), _) => window,
            (None, Some(name)) => name.at(now, &kept.zone),
            (None, None) => today(&kept, now),
        };
        let windows = self.steps(&kept, whole);
        if windows.len() * self.rows_of_window(&kept) > MOST_ROWS {
            let why = "that would be over 50,000 rows: ask for a shorter time, longer steps, or fewer kinds of figures";
            return Err(senseless("step", why));
        }
        let rolling = self.name.filter(|name| *name != WindowName::Today).is_some();
        let from_kept = stored.as_ref().map(|stored| stored.since(self.by.contains(&By::Extension)));
        let closed = stored.map(|stored| stored.beside(&kept)).unwrap_or_default();
        drop(kept);
        let mut rows = Vec::new();
        for window in windows {
            let told = self.step.is_some().then_some(window);
            self.rows(asking, &closed, (window, told, rolling), now, &mut rows);
        }
        let kept = asking.kept();
        Ok(Answer {
            rows,
            from_kept,
            complete: kept.complete,
            as_of: now,
            from: whole.from,
            to: whole.to,
            time_zone: kept.zone.name().unwrap_or("UTC").to_owned(),
        })
    }

    /// How many rows a window has, about.
    fn rows_of_window(&self, kept: &KeptBoard) -> usize {
        let rows_of = |by: &By| match by {
            By::Tenant => 1,
            By::Group => kept.people.all_groups().len(),
            By::Line => LINES,
            By::Extension => kept.ledger.extensions().count().max(kept.people.extensions().count()),
        };
        self.by.iter().map(rows_of).sum()
    }

    /// The windows that are asked for, in their order.
    fn steps(&self, kept: &KeptBoard, whole: Window) -> Vec<Window> {
        let Some(step) = self.step else { return vec![whole] };
        let mut windows: Vec<Window> = Vec::new();
        let mut from = whole.from;
        while from < whole.to && windows.len() <= MOST_STEPS {
            let to = match step {
                Step::Quarter => from - from % CELL + CELL,
                Step::Hour => kept.zone.hour_end(from),
                Step::Day => kept.zone.day(from).to,
            };
            windows.push(Window { from, to: to.min(whole.to) });
            from = to;
        }
        windows
    }

    /// The window that those who watch ask for, too, if it is one: its figures are kept up to date.
    fn watched(&self) -> Option<WindowName> {
        let is_other = self.windows.is_some() || self.step.is_some() || self.within.is_some();
        (!is_other).then(|| self.name.unwrap_or(WindowName::Today))
    }

    /// What the pieces of a window come to together.
    fn add_up(&self, asking: &Asking, pieces: &[Piece<'_>], now: Micros) -> Sums {
        let answer_within = self.within.unwrap_or(asking.kept().ledger.rules().answer_within);
        let mut parts = pieces.iter().map(|piece| match piece {
            Piece::Day(window, figures) => figures.within(*window, answer_within),
            Piece::Legs(window) => add_up_legs(asking, *window, self.within, now),
        });
        // What is carried into the first is carried into the whole.
        let mut sum = parts.next().unwrap_or_default();
        parts.for_each(|part| sum.add(&part));
        sum
    }

    fn rows(
        &self,
        asking: &Asking,
        closed: &ClosedDays,
        (window, told, rolling): (Window, Option<Window>, bool),
        now: Micros,
        rows: &mut Vec<Row>,
    ) {
        let pieces = closed.pieces(window);
        let Sums { figures, times } = match self.watched() {
            Some(name) => Sums::of(asking.kept().ledger.figures(name, window).clone()),
            None => self.add_up(asking, &pieces, now),
        };
        let (kept, sight) = (asking.kept(), &asking.sight);
        for by in &self.by {
            let mut push = |key: Arc<str>, (values, histogram)| {
                let (from, to) = (told.map(|it| it.from), told.map(|it| it.to));
                rows.push(Row { by: *by, key, from, to, values, histogram });
            };
            let calls =
                |tally: &Tally| (RowValues::Calls(Box::new(tally.values())), Some(Histogram::of(tally)));
            match by {
                By::Tenant => push("".into(), calls(&figures.tenant)),
                By::Group => {
                    let none = Tally::default();
                    let seen = kept.people.all_groups().into_iter().filter(|group| sight.sees_group(group));
                    seen.for_each(|group| {
                        push(group.clone(), calls(figures.groups.get(group).unwrap_or(&none)))
                    });
                }
                By::Line => figures.lines.iter().for_each(|(line, tally)| push(line.clone(), calls(tally))),
                By::Extension => {
                    let mut all = closed.extensions();
                    all.extend(kept.people.extensions().chain(kept.ledger.extensions()));
                    for extension in all.into_iter().filter(|it| sight.sees_calls(it, &kept.people)) {
                        let tally = figures.extensions.get(extension).copied().unwrap_or_default();
                        let mut time = times.get(extension).copied().unwrap_or_default();
                        for piece in &pieces {
                            if let Piece::Legs(window) = piece {
                                time.add(&kept.ledger.time(extension, *window, now));
                            }
                        }
                        let values = tally.values(&time, rolling.then_some(window));
                        push(extension.as_str().into(), (RowValues::Extension(Box::new(values)), None));
                    }
                }
            }
        }
    }
}

impl Histogram {
    fn of(tally: &Tally) -> Self {
        Self { answered: tally.waits.filled().collect(), missed: tally.waits_missed.filled().collect() }
    }
}

/// What the legs of a window come to; without their times, which are looked at by those who need them.
fn add_up_legs(asking: &Asking, window: Window, within: Option<Micros>, now: Micros) -> Sums {
    let mut sum = Sums::default();
    // Others have their turn at the board after each hour.
    for hour in window.hours() {
        let kept = asking.kept();
        let rules = *kept.ledger.rules();
        let rules = BoardRules { answer_within: within.unwrap_or(rules.answer_within), ..rules };
        let of = |conversations: &mut dyn Iterator<Item = Arc<Conversation>>| {
            Sums::of(Figures::of(conversations, hour, &kept.people.membership, &rules, now))
        };
        // What is carried into the first hour is carried into the whole.
        if hour.from == window.from {
            sum = of(&mut kept.ledger.going_on(hour.from).chain(kept.ledger.within(hour)));
        } else {
            sum.add(&of(&mut kept.ledger.within(hour)));
        }
    }
    sum
}

fn may_see(by: By, sight: &Sight) -> Result<(), Problem> {
    let why = match by {
        By::Tenant | By::Line if !sight.sees_tenant() => {
            "the figures of the whole tenant are not yours to see: ask with by=group or by=extension"
        }
        _ => return Ok(()),
    };
    Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", why).with("parameter", "by"))
}
