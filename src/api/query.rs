//! The query of a request, word by word: one that is not known is an answer's to say, and not to be passed over.

use super::senseless;
use crate::{
    board::{CELL, Window},
    boards::KeptBoard,
    clock::Micros,
    http::Problem,
};
use axum::http::{StatusCode, Uri};

/// The longest window that is asked for at once: 35 days.
const LONGEST: Micros = 35 * 24 * 3600 * 1_000_000;
/// The year 2100: later is surely in another unit.
const LATEST: Micros = 4_102_444_800_000_000;

/// What of a query was not read yet.
pub(super) struct Query {
    parameters: Vec<(String, String)>,
}

impl Query {
    pub(super) fn of(uri: &Uri) -> Result<Self, Problem> {
        let parameters = serde_urlencoded::from_str(uri.query().unwrap_or_default());
        let parameters = parameters.map_err(|_| {
            Problem::new(StatusCode::BAD_REQUEST, "bad-query", "the query cannot be read: is it URL-encoded?")
        })?;
        Ok(Self { parameters })
    }

    /// A parameter, which may be there once.
    pub(super) fn take(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        let mut found = self.parameters.extract_if(.., |(known, _)| known == name).map(|(_, value)| value);
        let value = found.next();
        match found.next() {
            Some(_) => Err(senseless(name, format!("{name} is there more than once"))),
            None => Ok(value.filter(|value| !value.is_empty())),
        }
    }

    /// One that is read.
    pub(super) fn parse<T>(
        &mut self,
        name: &'static str,
        must_be: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.take(name)? else { return Ok(None) };
        let parsed = parse(&text).ok_or_else(|| senseless(name, format!("{name} must be {must_be}")))?;
        Ok(Some(parsed))
    }

    /// A list with commas between its words, each of which is read.
    pub(super) fn list<T>(
        &mut self,
        name: &'static str,
        must_be: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<Vec<T>>, Problem> {
        self.parse(name, must_be, |text| text.split(',').map(|word| parse(word.trim())).collect())
    }

    /// `from` and `to`, of which both must be there.
    pub(super) fn window(&mut self) -> Result<Option<Window>, Problem> {
        const TIME: &str = "microseconds since 1970, between 1970 and 2100";
        let time = |text: &str| text.parse().ok().filter(|at: &Micros| *at <= LATEST);
        let (from, to) = (self.parse("from", TIME, time)?, self.parse("to", TIME, time)?);
        match (from, to) {
            (None, None) => Ok(None),
            (Some(_), None) => Err(senseless("to", "from is there, and to is not")),
            (None, Some(_)) => Err(senseless("from", "to is there, and from is not")),
            (Some(from), Some(to)) if from >= to => Err(senseless("from", "from must be before to")),
            (Some(from), Some(to)) if to - from > LONGEST => {
                Err(senseless("to", "from and to may be 35 days apart"))
            }
            (Some(from), Some(to)) => Ok(Some(Window { from, to })),
        }
    }

    /// The same of figures, which are kept by the quarter of an hour.
    pub(super) fn window_of_quarters(&mut self) -> Result<Option<Window>, Problem> {
        let Some(window) = self.window()? else { return Ok(None) };
        for (name, at) in [("from", window.from), ("to", window.to)] {
            if at % CELL != 0 {
                return Err(senseless(
                    name,
                    format!("{name} must be at a quarter of an hour: a multiple of {CELL}"),
                ));
            }
        }
        Ok(Some(window))
    }

    /// Nothing may be left.
    pub(super) fn finish(self) -> Result<(), Problem> {
        match self.parameters.first() {
            None => Ok(()),
            Some((name, _)) => {
                let shown: String = name.chars().filter(|it| !it.is_control()).take(64).collect();
                let why = format!("there is no parameter {shown:?} here");
                Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unprocessable", why))
            }
        }
    }
}

/// The local day until now, where nobody says of when.
pub(super) fn today(kept: &KeptBoard, now: Micros) -> Window {
    crate::board::WindowName::Today.at(now, &kept.zone)
}
