//! What a file takes from other rooms: in `use`, in paths of bodies and macros, by `super::` out of
//! its own room, and in re-exports. Read from the tokens, so that nothing written in code is missed.

use crate::room;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use std::iter::Peekable;

/// One path from a file into another room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// As `src/engine.rs:12`.
    pub place: String,
    pub from: String,
    pub to: String,
}

/// The imports of a file, whose path is from `src/`.
pub fn of(file: &str, text: &str) -> Vec<Import> {
    let Some(from) = room(file) else { return Vec::new() };
    let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
    let module = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    let mut reader = Reader { file, from, module, found: Vec::new() };
    reader.read(tokens);
    reader.found
}

struct Reader<'a> {
    file: &'a str,
    from: &'a str,
    /// Where the reader is, with the inline modules that it is in.
    module: Vec<String>,
    found: Vec<Import>,
}

type Tokens = Peekable<<TokenStream as IntoIterator>::IntoIter>;

impl Reader<'_> {
    fn read(&mut self, tokens: TokenStream) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match token {
                TokenTree::Ident(word) if word == "mod" => self.read_module(&mut tokens),
                TokenTree::Ident(word) if word == "crate" && is_path(&mut tokens) => {
                    self.follow(&mut tokens, Vec::new());
                }
                TokenTree::Ident(word) if word == "super" && is_path(&mut tokens) => {
                    let above = self.module[..self.module.len() - 1].to_vec();
                    self.follow(&mut tokens, above);
                }
                TokenTree::Group(group) => self.read(group.stream()),
                _ => {}
            }
        }
    }

    /// `mod tests { … }`: what is in it has one `super` more.
    fn read_module(&mut self, tokens: &mut Tokens) {
        let Some(TokenTree::Ident(name)) = tokens.peek().cloned() else { return };
        tokens.next();
        if let Some(TokenTree::Group(body)) = tokens.peek().cloned() {
            tokens.next();
            self.module.push(name.to_string());
            self.read(body.stream());
            self.module.pop();
        }
    }

    /// The rest of a path from `at`, after the `::`.
    fn follow(&mut self, tokens: &mut Tokens, mut at: Vec<String>) {
        match tokens.next() {
            Some(TokenTree::Ident(word)) if word == "super" => {
                at.pop();
                if is_path(tokens) {
                    self.follow(tokens, at);
                }
            }
            Some(TokenTree::Ident(word)) => {
                let line = word.span().start().line;
                let to = at.first().cloned().unwrap_or_else(|| word.to_string());
                self.note(to, line);
            }
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                self.follow_each(&group, &at);
            }
            // `use super::*`.
            Some(other) => self.note(at.first().cloned().unwrap_or_default(), other.span().start().line),
            None => {}
        }
    }

    /// `{a, b::c}`: each begins where the path was.
    fn follow_each(&mut self, group: &Group, at: &[String]) {
        let mut is_start = true;
        let mut tokens = group.stream().into_iter().peekable();
        while let Some(token) = tokens.peek() {
            let is_comma = matches!(token, TokenTree::Punct(sign) if sign.as_char() == ',');
            if is_start && !is_comma {
                self.follow(&mut tokens, at.to_vec());
                is_start = false;
                continue;
            }
            is_start = is_comma;
            tokens.next();
        }
    }

    fn note(&mut self, to: String, line: usize) {
        if to != self.from {
            let place = format!("src/{}:{line}", self.file);
            self.found.push(Import { place, from: self.from.to_owned(), to });
        }
    }
}

/// Takes the `::` that makes a path of a word.
fn is_path(tokens: &mut Tokens) -> bool {
    let is_colon =
        |token: Option<&TokenTree>| matches!(token, Some(TokenTree::Punct(sign)) if sign.as_char() == ':');
    if !is_colon(tokens.peek()) {
        return false;
    }
    tokens.next();
    let is_double = is_colon(tokens.peek());
    if is_double {
        tokens.next();
    }
    is_double
}

fn rooms_of(file: &str, text: &str) -> Vec<(String, String)> {
    let line = |place: &str| place.rsplit(':').next().unwrap().to_owned();
    of(file, text).into_iter().map(|import| (import.to, line(&import.place))).collect()
}

#[test]
fn every_way_to_name_another_room_counts() {
    for (file, text, expected) in [
        ("feed.rs", "use crate::session::Outbox;", "session"),
        ("feed.rs", "pub use crate::session::Outbox;", "session"),
        ("feed.rs", "use crate::{feed::Change, session::Outbox};", "session"),
        ("feed.rs", "use crate::{session::{self, Outbox}};", "session"),
        ("feed.rs", "fn f() { g(crate::session::Outbox::new()) }", "session"),
        ("feed.rs", "fn f() { println!(\"{}\", crate::session::name()) }", "session"),
        ("feed.rs", "macro_rules! m { () => { $crate::session::name() } }", "session"),
        ("feed.rs", "#[cfg(test)] mod tests { use crate::session::Outbox; }", "session"),
        ("feed.rs", "use super::session::Outbox;", "session"),
        ("feed/outbox.rs", "use super::super::session::Outbox;", "session"),
        ("feed/outbox.rs", "use super::{super::session::Outbox};", "session"),
        ("feed.rs", "mod tests { use super::super::session::Outbox; }", "session"),
        ("feed.rs", "type T = Vec<crate::session::Outbox>;", "session"),
        ("feed.rs", "pub(in crate::session) fn f() {}", "session"),
    ] {
        assert_eq!(rooms_of(file, text), [(expected.to_owned(), "1".to_owned())], "{text}");
    }
}

#[test]
fn ones_own_room_is_no_import() {
    for (file, text) in [
        ("feed.rs", "use crate::feed::Outbox; mod tests { use super::*; }"),
        ("feed/outbox.rs", "use super::Change; use super::super::feed::Stream; pub(crate) fn f() {}"),
        ("feed.rs", "// use crate::session::Outbox;\nconst TEXT: &str = \"crate::session\";"),
        ("lib.rs", "pub use crate::session::Outbox;"),
    ] {
        assert_eq!(rooms_of(file, text), [], "{text}");
    }
}

#[test]
fn an_import_is_named_with_its_line() {
    assert_eq!(
        rooms_of("feed.rs", "//! Text.\n\nuse crate::{\n    call::Call,\n    id::ItemId,\n};\n"),
        [("call".to_owned(), "4".to_owned()), ("id".to_owned(), "5".to_owned()),]
    );
}
