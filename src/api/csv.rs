//! Lists as CSV (RFC 4180): a line at a time, so that many rows are never in memory at once. What a spreadsheet would
//! take for a formula is text.

use super::{
    figures::{Row, RowValues},
    query::Query,
};
use crate::{
    board::{Conversation, Window, Zone},
    boards::{By, Sight},
    http::Problem,
};
use axum::http::{HeaderName, HeaderValue, header};
use bytes::Bytes;
use csv::WriterBuilder;
use futures_util::{Stream, stream};
use serde::Serialize;
use serde_json::Value;
use std::{borrow::Cow, convert::Infallible, iter, sync::Arc};

/// By which UTF-8 is known.
const MARK: &str = "\u{feff}";
/// So many lines are written in one go.
const TOGETHER: usize = 500;

/// How a table is written.
#[derive(Clone, Copy)]
pub(super) struct Dialect {
    separator: u8,
    for_excel: bool,
}

/// What stands in one place.
pub(super) enum Cell {
    Text(String),
    /// A telephone number, which no spreadsheet is to add up.
    Number(String),
    Plain(String),
}

impl Dialect {
    /// `lang=nl` and `fr` have semicolons between values, since they write numbers with commas; `excel=1`.
    pub(super) fn read(query: &mut Query) -> Result<Self, Problem> {
        let separator = |text: &str| match text {
            "en" => Some(b','),
            "nl" | "fr" => Some(b';'),
            _ => None,
        };
        let yes = |text: &str| matches!(text, "0" | "1").then_some(text == "1");
        Ok(Self {
            separator: query.parse("lang", "en, nl or fr", separator)?.unwrap_or(b','),
            for_excel: query.parse("excel", "0 or 1", yes)?.unwrap_or(false),
        })
    }

    pub(super) fn headers(self, name: &str) -> [(HeaderName, HeaderValue); 2] {
        let file = HeaderValue::try_from(format!("attachment; filename=\"{name}.csv\""));
        [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present")),
            (header::CONTENT_DISPOSITION, file.unwrap_or(HeaderValue::from_static("attachment"))),
        ]
    }

    /// The table, piece by piece.
    pub(super) fn write(
        self,
        head: impl IntoIterator<Item = impl Into<String>>,
        lines: impl Iterator<Item = Vec<Cell>> + Send + 'static,
    ) -> impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static {
        let head: Vec<Cell> = head.into_iter().map(|name| Cell::Plain(name.into())).collect();
        let mut lines = iter::once(head).chain(lines);
        let mut is_first = true;
        let pieces = iter::from_fn(move || {
            let some: Vec<Vec<Cell>> = lines.by_ref().take(TOGETHER).collect();
            (!some.is_empty()).then(|| {
                let text = self.lines(some);
                let mark = if std::mem::take(&mut is_first) { MARK.as_bytes() } else { b"" };
                Ok(Bytes::from([mark, &text].concat()))
            })
        });
        stream::iter(pieces)
    }

    fn lines(self, lines: Vec<Vec<Cell>>) -> Vec<u8> {
        let terminator = csv::Terminator::CRLF;
        let mut builder = WriterBuilder::new();
        let mut writer = builder.delimiter(self.separator).terminator(terminator).from_writer(Vec::new());
        for line in lines {
            // Memory takes what is written.
            let _ = writer.write_record(line.iter().map(|cell| self.cell(cell).into_owned()));
        }
        writer.into_inner().unwrap_or_default()
    }

    fn cell(self, cell: &Cell) -> Cow<'_, str> {
        match cell {
            Cell::Number(number) if self.for_excel && !number.is_empty() => format!("=\"{number}\"").into(),
            Cell::Number(number) if number.starts_with('+') => number.into(),
            Cell::Text(text) | Cell::Number(text) => harmless(text),
            Cell::Plain(text) => text.into(),
        }
    }
}

/// A text that no spreadsheet takes for a formula.
fn harmless(text: &str) -> Cow<'_, str> {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        true => format!("'{text}").into(),
        false => text.into(),
    }
}

/// A conversation in a table.
pub(super) struct ConversationLine;

impl ConversationLine {
    pub(super) const HEAD: [&'static str; 18] = [
        "conversation_id",
        "kind",
        "outcome",
        "basis",
        "certainty",
        "number",
        "name",
        "started_local",
        "started_utc",
        "ended_utc",
        "wait_ms",
        "talk_ms",
        "hold_ms",
        "answered_by",
        "extensions",
        "hops",
        "transfers",
        "summary",
    ];

    pub(super) fn of(it: &Conversation, sight: &Sight, zone: &Zone) -> Vec<Cell> {
        let text = |text: Option<Arc<str>>| text.as_deref().unwrap_or_default().to_owned();
        let utc = |at| Cell::Plain(Zone::utc().text(at));
        let word = |it: &dyn erased::Word| Cell::Plain(it.word());
        let ms = |duration: Option<u64>| {
            Cell::Plain(duration.map(|it| (it / 1000).to_string()).unwrap_or_default())
        };
        let is_known = it.has_durations();
        let extensions: Vec<&str> = it.legs.iter().map(|leg| leg.key.extension.as_str()).collect();
        vec![
            Cell::Plain(it.id.to_string()),
            word(&it.kind),
            word(&it.outcome),
            word(&it.basis),
            word(&it.certainty),
            Cell::Number(text(sight.number(it.number.as_ref()))),
            Cell::Text(text(sight.party(it.name.as_ref()))),
            Cell::Plain(zone.text(it.start)),
            utc(it.start),
            it.end.map_or(Cell::Plain(String::new()), utc),
            ms(it.wait),
            ms(is_known.then_some(it.talk)),
            ms(is_known.then_some(it.hold)),
            Cell::Text(it.answered_by.as_ref().map(ToString::to_string).unwrap_or_default()),
            Cell::Text(extensions.join(" ")),
            Cell::Plain(it.hops.to_string()),
            Cell::Plain(it.handovers.len().to_string()),
            Cell::Plain(it.has_summary.to_string()),
        ]
    }
}

/// Words as JSON has them.
mod erased {
    use super::{Serialize, Value};

    pub(super) trait Word {
        fn word(&self) -> String;
    }

    impl<T: Serialize> Word for T {
        fn word(&self) -> String {
            match serde_json::to_value(self) {
                Ok(Value::String(word)) => word,
                _ => String::new(),
            }
        }
    }
}

/// The columns of figures.
pub(super) fn head_of_figures(first: Option<&Row>, by: By) -> Vec<String> {
    let fixed = ["by", "key", "from_local", "from_utc", "to_utc"];
    let values = first.map(|row| values(&row.values)).unwrap_or_default();
    let fallback = || crate::board::AgentValues::COLUMNS.iter().map(|name| (*name).to_owned()).collect();
    let names: Vec<String> = match values.is_empty() && by == By::Extension {
        true => fallback(),
        false => values.into_iter().map(|(name, _)| name).collect(),
    };
    fixed.into_iter().map(str::to_owned).chain(names).collect()
}

/// A row of them.
pub(super) fn figures_line(row: &Row, whole: Window, zone: &Zone) -> Vec<Cell> {
    let (from, to) = (row.from.unwrap_or(whole.from), row.to.unwrap_or(whole.to));
    let mut line = vec![
        Cell::Plain(erased::Word::word(&row.by)),
        match row.by {
            By::Line => Cell::Number(row.key.to_string()),
            _ => Cell::Text(row.key.to_string()),
        },
        Cell::Plain(zone.text(from)),
        Cell::Plain(Zone::utc().text(from)),
        Cell::Plain(Zone::utc().text(to)),
    ];
    let shown = values(&row.values).into_iter().map(|(_, value)| match value {
        Value::Null => String::new(),
        other => other.to_string(),
    });
    line.extend(shown.map(Cell::Plain));
    line
}

fn values(values: &RowValues) -> Vec<(String, Value)> {
    match serde_json::to_value(values) {
        Ok(Value::Object(values)) => values.into_iter().collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_formulas_are_text() {
        for formula in ["=1+1", "+1", "-1", "@a", "\ta", "\ra"] {
            assert_eq!(harmless(formula), format!("'{formula}"));
        }
        assert_eq!(harmless("Jan = Piet"), "Jan = Piet");
        let cell = |excel, cell| Dialect { separator: b',', for_excel: excel }.cell(&cell).into_owned();
        let number = || Cell::Number("+32475123467".to_owned());
        assert_eq!(
            (cell(false, number()), cell(true, number())),
            ("+32475123467".into(), "=\"+32475123467\"".into())
        );
        assert_eq!(cell(false, Cell::Number("=cmd".to_owned())), "'=cmd");
    }
}
