//! The same directory by JSON and by CSV, and the same lookups in whatever order its rows stand.

use super::*;
use proptest::{collection::vec, prelude::*, sample::subsequence};

fn item() -> impl Strategy<Value = String> {
    // What has to be quoted is among them, and never a semicolon.
    "[a-zé ,\"'=@+|]{0,12}[a-z]"
}

fn row(nth: usize) -> impl Strategy<Value = Row> {
    let ids = subsequence(vec!["sub", "email", "clinic"], 0..=3);
    ("[ -~é]{0,40}", vec(item(), 0..4), vec("[+0-9][0-9 ./-]{3,10}[0-9]", 0..4), ids).prop_map(
        move |(name, groups, numbers, kinds)| {
            let ids = kinds.iter().map(|kind| format!("{kind}:u,\"{nth}@x")).collect();
            let draft = Draft { extension: format!("x{nth}"), name, groups, numbers, ids };
            draft.check().ok().unwrap()
        },
    )
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    (0..12_usize).prop_flat_map(|count| (0..count).map(row).collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn json_and_csv_are_the_same_directory(rows in rows()) {
        let directory = Directory::new(rows);
        for again in [
            Directory::from_json(directory.to_json().as_bytes()).unwrap(),
            Directory::from_csv(directory.to_csv().as_bytes()).unwrap(),
            serde_json::from_str(&directory.to_json()).unwrap(),
        ] {
            prop_assert_eq!(&again.rows, &directory.rows);
            prop_assert_eq!(again.etag(), directory.etag());
        }
    }

    #[test]
    fn the_order_of_rows_finds_nobody_else(
        (rows, others) in rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
    ) {
        let (one, other) = (Directory::new(rows), Directory::new(others));
        for nth in 0..13 {
            let sub = format!("u,\"{nth}@x");
            let found = one.extensions_of(&sub);
            prop_assert_eq!(&found, &other.extensions_of(&sub));
            let expected = format!("x{nth}");
            prop_assert!(found.iter().all(|it| it.as_str() == expected));
        }
        let found = (0..13).filter(|nth| !one.extensions_of(&format!("u,\"{nth}@x")).is_empty()).count();
        prop_assert_eq!(found, one.rows.iter().filter(|row| row.ids.iter().any(|id| id.starts_with(SUB))).count());
        // Another order is another text, and so another ETag.
        prop_assert_eq!(one.etag() == other.etag(), one.rows == other.rows);
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<Vec<u8>>(), lines in "[a-z,;:\"\n{}\\[\\]]{0,80}") {
        for text in [text.as_slice(), lines.as_bytes(), format!("extension,name,groups,numbers,ids\n{lines}").as_bytes()] {
            let _ = (Directory::from_json(text), Directory::from_csv(text), Directory::all_from_csv(text));
        }
    }
}

#[test]
fn a_file_of_many_tenants_counts_its_rows_through() {
    let text = "tenant_id,extension,name,groups,numbers,ids\n\
        one,200,Ann,,,sub:ann\ntwo,200,Bob,,,sub:ann\none,210,,,,sub:eve\n";
    let all = Directory::all_from_csv(text.as_bytes()).unwrap();
    let of = |tenant: &str| all[&TenantId::try_from(tenant).unwrap()].len();
    assert_eq!((all.len(), of("one"), of("two")), (2, 2, 1));
    let twice = format!("{text}two,220,,,,sub:eve\none,220,,,,sub:eve\n");
    let refusal = Directory::all_from_csv(twice.as_bytes()).unwrap_err();
    assert_eq!(refusal.to_string(), "row 5, column ids: row 3 has one of them");
    let nobody = format!("{text},220,,,,\n");
    assert!(
        Directory::all_from_csv(nobody.as_bytes())
            .unwrap_err()
            .to_string()
            .starts_with("row 4, column tenant_id: ")
    );
}

#[test]
fn an_email_is_the_same_in_either_case_and_what_is_listed_twice_counts_once() {
    let with =
        |rows: &str| Directory::from_csv(format!("extension,name,groups,numbers,ids\n{rows}").as_bytes());
    assert!(with("1,,,,email:Ann@x\n2,,,,email:ann@X\n").is_err());
    assert!(with("1,,,,sub:Ann\n2,,,,sub:ann\n").is_ok());
    let twice = with("1,, a;;b ;a,,sub:x; sub:x\n").unwrap();
    assert_eq!(
        (&*twice.rows[0].groups, &*twice.rows[0].ids),
        (&["a".into(), "b".into()][..], &["sub:x".to_owned()][..])
    );
}

#[test]
fn a_byte_order_mark_is_no_part_of_it() {
    let plain = Directory::from_json(br#"{"rows":[{"extension":"200"}]}"#).unwrap();
    let marked = Directory::from_json("\u{feff}{\"rows\":[{\"extension\":\"200\"}]}".as_bytes()).unwrap();
    assert_eq!(plain.etag(), marked.etag());
    let csv =
        Directory::from_csv("\u{feff}extension,name,groups,numbers,ids\r\n200,,,,\r\n".as_bytes()).unwrap();
    assert_eq!(plain.etag(), csv.etag());
}
