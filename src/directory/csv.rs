//! The directory as CSV, with a head, and lists whose items have semicolons between them.

use super::{
    COLUMNS, Refusal, SEPARATOR,
    row::{Draft, Fault, Row},
};
use crate::text::without_mark;
use csv::{ByteRecord, ReaderBuilder, Writer};
use std::str;

/// Hands every row to `take`, with its number and as many fields as there are columns.
pub(super) fn read(
    text: &[u8],
    columns: &[&'static str],
    mut take: impl FnMut(usize, &[&str]) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let mut reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(without_mark(text));
    let mut record = ByteRecord::new();
    // Reading from memory does not fail.
    let mut next = |record: &mut ByteRecord| reader.read_byte_record(record).unwrap_or(false);
    if !next(&mut record)
        || !record.iter().map(<[u8]>::trim_ascii).eq(columns.iter().map(|name| name.as_bytes()))
    {
        return Err(head(columns));
    }
    let mut nth = 0;
    while next(&mut record) {
        nth += 1;
        take(nth, &fields(&record, nth, columns)?)?;
    }
    Ok(())
}

fn head(columns: &[&str]) -> Refusal {
    Refusal::Shape(if columns.len() == COLUMNS.len() {
        "the first line must be extension,name,groups,numbers,ids"
    } else {
        "the first line must be tenant_id,extension,name,groups,numbers,ids"
    })
}

fn fields<'r>(record: &'r ByteRecord, nth: usize, columns: &[&'static str]) -> Result<Vec<&'r str>, Fault> {
    if let Some(missing) = columns.get(record.len()) {
        return Err(Fault::new(nth, missing, "is missing: the row has too few fields"));
    }
    let Some(last) = columns.last().filter(|_| record.len() > columns.len()) else {
        let fields = record.iter().zip(columns);
        return fields
            .map(|(field, column)| str::from_utf8(field).map_err(|_| Fault::new(nth, column, "is not UTF-8")))
            .collect();
    };
    Err(Fault::new(nth, last, "the row has too many fields: quote what has a comma"))
}

/// What a row says, by its fields in the order of the columns.
pub(super) fn draft(fields: &[&str]) -> Draft {
    let text = |nth: usize| fields.get(nth).copied().unwrap_or_default();
    let list = |nth| text(nth).split(SEPARATOR).map(str::to_owned).collect();
    Draft {
        extension: text(0).to_owned(),
        name: text(1).to_owned(),
        groups: list(2),
        numbers: list(3),
        ids: list(4),
    }
}

/// Rows with their head.
pub(super) fn write(rows: &[Row]) -> String {
    let mut writer = Writer::from_writer(Vec::new());
    let joined = |items: &[String]| items.join(&SEPARATOR.to_string());
    // Writing to memory does not fail, and what is written is text.
    let _ = writer.write_record(COLUMNS);
    for row in rows {
        let Row { extension, name, groups, numbers, ids } = row;
        let [groups, numbers, ids] = [groups, numbers, ids].map(|items| joined(items));
        let _ = writer.write_record([extension.as_str(), name, &groups, &numbers, &ids]);
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}
