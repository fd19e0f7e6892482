//! Takes typed values out of the tree by key, with defaults, and collects every problem on
//! the way. What nobody took in the end is an unknown key.

use super::{
    Config, Finding, Findings, Loaded, SourceKind,
    finding::MASK,
    parse,
    tree::{FILE_SUFFIX, Given, PREFIX, Raw, Tree, read_file},
};
use secrecy::SecretString;
use std::{collections::BTreeSet, path::Path};
use toml::Value;

const MAX_SHOWN_CHARS: usize = 80;
/// How alike a key must be to a known one to be taken for a slip of the pen.
const LIKELY: f64 = 0.6;

/// One pass over a configuration.
pub(super) struct Reader {
    tree: Tree,
    /// Of which a source may be.
    pub(super) kinds: &'static [SourceKind],
    known: Vec<String>,
    problems: Vec<Finding>,
    warnings: Vec<Finding>,
}

/// Whether a value may be shown.
#[derive(Clone, Copy, PartialEq)]
enum Show {
    Plain,
    Masked,
}

impl Reader {
    pub(crate) fn new(tree: Tree, kinds: &'static [SourceKind]) -> Self {
        Self { tree, kinds, known: Vec::new(), problems: Vec::new(), warnings: Vec::new() }
    }

    /// The value of a key, or its default.
    pub(crate) fn or<T>(
        &mut self,
        key: &str,
        default: T,
        parse: impl FnOnce(&Given) -> Result<T, String>,
    ) -> T {
        self.scalar(key, Show::Plain, parse).unwrap_or(default)
    }

    pub(crate) fn optional<T>(
        &mut self,
        key: &str,
        parse: impl FnOnce(&Given) -> Result<T, String>,
    ) -> Option<T> {
        self.scalar(key, Show::Plain, parse)
    }

    /// A value that is never shown.
    pub(crate) fn secret(
        &mut self,
        key: &str,
        parse: impl FnOnce(&Given) -> Result<String, String>,
    ) -> Option<SecretString> {
        self.scalar(key, Show::Masked, parse).map(Into::into)
    }

    pub(crate) fn list<T>(&mut self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        self.elements(key, Show::Plain, parse)
    }

    /// A list whose elements are never shown.
    pub(crate) fn secrets(
        &mut self,
        key: &str,
        parse: impl Fn(&str) -> Result<String, String>,
    ) -> Vec<SecretString> {
        self.elements(key, Show::Masked, parse).into_iter().map(Into::into).collect()
    }

    /// The names of the sections in a section: those of `sources` are what comes after `sources.` and before a dot.
    pub(crate) fn sections_of(&self, section: &str) -> BTreeSet<String> {
        let given =
            self.tree.paths().filter(|path| self.tree.get(path).is_some_and(|given| !is_unset(given)));
        let inside = given.filter_map(|path| path.strip_prefix(section)?.strip_prefix('.'));
        inside.filter_map(|rest| Some(rest.split_once('.')?.0.to_owned())).collect()
    }

    /// Whether a key has a value, right or wrong. To be asked before the value is taken.
    pub(crate) fn is_given(&self, key: &str) -> bool {
        let is_set = |path: &str| self.tree.get(path).is_some_and(|given| !is_unset(given));
        is_set(key) || is_set(&format!("{key}{FILE_SUFFIX}"))
    }

    /// Takes a key that is known but not read; says whether it had a value.
    pub(crate) fn ignore(&mut self, key: &str) -> bool {
        let given = self.is_given(key);
        self.known.push(key.to_owned());
        self.tree.remove(key);
        self.tree.remove(&format!("{key}{FILE_SUFFIX}"));
        given
    }

    /// Whether a key, or an element of its list, was found to be wrong.
    pub(crate) fn has_problem(&self, key: &str) -> bool {
        self.problems.iter().any(|problem| problem.key.starts_with(key))
    }

    pub(crate) fn refuse(&mut self, key: &str, message: impl Into<String>) {
        self.problems.push(Finding::new(key, message));
    }

    pub(crate) fn warn(&mut self, key: &str, message: impl Into<String>) {
        self.warnings.push(Finding::new(key, message));
    }

    /// Reports what is left, and gives the configuration if nothing is wrong with it.
    pub(crate) fn finish(mut self, config: Option<Config>) -> Result<Loaded, Findings> {
        let rest = std::mem::take(&mut self.tree).into_rest();
        for (path, given) in rest.filter(|(_, given)| !is_unset(given)) {
            if let Some(message) = unknown(&self.known, &path, &given) {
                self.problems.push(Finding::new(given.origin.unwrap_or(path), message));
            }
        }
        match config {
            Some(config) if self.problems.is_empty() => Ok(Loaded { config, warnings: self.warnings }),
            _ => Err(Findings { problems: self.problems, warnings: self.warnings }),
        }
    }

    /// Every key that was asked for.
    #[cfg(test)]
    pub(crate) fn known(&self) -> &[String] {
        &self.known
    }

    fn scalar<T>(
        &mut self,
        key: &str,
        show: Show,
        parse: impl FnOnce(&Given) -> Result<T, String>,
    ) -> Option<T> {
        let given = self.take(key)?;
        parse(&given)
            .map_err(|message| self.complain(key, shown(&given.raw, show), given.origin, message))
            .ok()
    }

    fn elements<T>(&mut self, key: &str, show: Show, parse: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let Some(given) = self.take(key) else { return Vec::new() };
        let elements = match parse::list(&given) {
            Ok(elements) => elements,
            Err(message) => {
                self.complain(key, shown(&given.raw, show), given.origin, message);
                return Vec::new();
            }
        };
        let mut parsed = Vec::with_capacity(elements.len());
        for (index, element) in elements.iter().enumerate() {
            match parse(element) {
                Ok(value) => parsed.push(value),
                Err(message) => {
                    let value = Some(if show == Show::Plain { quoted(element) } else { MASK.to_owned() });
                    self.complain(&format!("{key}[{index}]"), value, given.origin.clone(), message);
                }
            }
        }
        parsed
    }

    /// The value of a key, wherever it is kept.
    fn take(&mut self, key: &str) -> Option<Given> {
        self.known.push(key.to_owned());
        let file_key = format!("{key}{FILE_SUFFIX}");
        let mut remove = |path: &str| self.tree.remove(path).filter(|given| !is_unset(given));
        let (direct, by_file) = (remove(key), remove(&file_key));
        match (direct, by_file) {
            (Some(_), Some(pointer)) => {
                let message = format!("{key} is given as well: keep one of them");
                self.complain(&file_key, None, pointer.origin, message);
                None
            }
            (Some(given), None) => Some(given),
            (None, Some(pointer)) => self.content(&file_key, &pointer),
            (None, None) => None,
        }
    }

    fn content(&mut self, file_key: &str, pointer: &Given) -> Option<Given> {
        let read = parse::text(pointer).and_then(|path| read_file(Path::new(&path)));
        let read = read.and_then(|content| {
            if content.trim().is_empty() { Err("the file is empty".to_owned()) } else { Ok(content) }
        });
        match read {
            Ok(content) => Some(Given { raw: Raw::Content(content), origin: Some(file_key.to_owned()) }),
            Err(message) => {
                let value = shown(&pointer.raw, Show::Plain);
                self.complain(file_key, value, pointer.origin.clone(), message);
                None
            }
        }
    }

    fn complain(&mut self, key: &str, value: Option<String>, origin: Option<String>, message: String) {
        self.problems.push(Finding { key: key.to_owned(), value, origin, message });
    }
}

/// A variable that is empty takes its key back to the default, as if nobody had given it.
fn is_unset(given: &Given) -> bool {
    matches!(&given.raw, Raw::Variable(text) if text.trim().is_empty())
}

fn shown(raw: &Raw, show: Show) -> Option<String> {
    if show == Show::Masked {
        return Some(MASK.to_owned());
    }
    Some(match raw {
        Raw::Variable(text) | Raw::Content(text) | Raw::Toml(Value::String(text)) => quoted(text),
        Raw::Toml(Value::Integer(number)) => number.to_string(),
        Raw::Toml(Value::Float(number)) => number.to_string(),
        Raw::Toml(Value::Boolean(value)) => value.to_string(),
        Raw::Toml(Value::Datetime(time)) => time.to_string(),
        Raw::Toml(Value::Array(_)) => "[…]".to_owned(),
        Raw::Toml(Value::Table(_)) => "{…}".to_owned(),
    })
}

/// In quotes, without control characters, and not endless. A password in a URL is masked.
fn quoted(text: &str) -> String {
    let text = text.trim_end_matches(['\r', '\n']);
    let masked = match (text.split_once("://"), text.rfind('@')) {
        (Some((scheme, _)), Some(at)) => format!("{scheme}://{MASK}{}", &text[at..]),
        _ => text.to_owned(),
    };
    let short: String = masked.chars().take(MAX_SHOWN_CHARS).collect();
    format!("{:?}{}", short, if short.len() < masked.len() { "…" } else { "" })
}

/// What to say of a path that nobody asked for; nothing of a section that is merely empty.
/// The value is not shown: it may be the secret of a misspelt key.
fn unknown(known: &[String], path: &str, given: &Given) -> Option<String> {
    let section = format!("{path}.");
    let written = |key: &str| match given.origin {
        Some(_) => format!("{PREFIX}{}", key.replace('.', "__").to_uppercase()),
        None => key.to_owned(),
    };
    if let Some(inner) = known.iter().find(|key| key.starts_with(&section)) {
        let is_empty = matches!(&given.raw, Raw::Toml(Value::Table(_)));
        return (!is_empty).then(|| format!("is a section, not a key; it holds {}", written(inner)));
    }
    let (bare, suffix) = match path.strip_suffix(FILE_SUFFIX) {
        Some(bare) => (bare, FILE_SUFFIX),
        None => (path, ""),
    };
    let rated = known.iter().map(|key| {
        let whole = strsim::normalized_damerau_levenshtein(bare, key);
        let last = strsim::normalized_damerau_levenshtein(last_part(bare), last_part(key));
        // A whole path that is alike counts for more than a last part that is.
        let last = if last >= LIKELY { last * 0.95 } else { 0.0 };
        (key, whole.max(last), whole)
    });
    let alike = |a: &(_, f64, f64), b: &(_, f64, f64)| a.1.total_cmp(&b.1).then(a.2.total_cmp(&b.2));
    let (key, likeness, _) = rated.max_by(alike)?;
    let name = written(&format!("{key}{suffix}"));
    Some(if likeness >= LIKELY {
        format!("unknown key; did you mean {name}?")
    } else {
        format!("unknown key; the nearest known one is {name}")
    })
}

fn last_part(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shown_value_is_short_and_has_no_password() {
        assert_eq!(quoted("a\u{1b}[31m"), "\"a\\u{1b}[31m\"");
        assert_eq!(quoted("https://bob:hunter2@host/x"), "\"https://***@host/x\"");
        assert!(quoted(&"x".repeat(1000)).chars().count() < 100);
    }
}
