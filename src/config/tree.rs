//! The values as they were given, by dotted path: the file's, overlaid by the environment's.
//! Knows nothing of which keys there are or of their types. Nothing here can be displayed:
//! any value may be a secret.

use super::finding::Finding;
use crate::text::utf_8;
use std::{collections::BTreeMap, fs::File, io::Read, path::Path};
use toml::{Table, Value};

/// What the names of environment variables begin with.
pub(super) const PREFIX: &str = "CALLPOP_";
/// The variable that names the configuration file; not a key.
pub(super) const CONFIG_VARIABLE: &str = "CALLPOP_CONFIG";
/// What makes a key read its value from a file.
pub(super) const FILE_SUFFIX: &str = "_file";
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// A value as somebody wrote it.
pub(super) enum Raw {
    Toml(Value),
    /// Of an environment variable: a list is comma separated.
    Variable(String),
    /// The content of a file: a list has one value a line.
    Content(String),
}

/// A value and where it came from.
pub(super) struct Given {
    pub(crate) raw: Raw,
    /// None for the configuration file itself.
    pub(crate) origin: Option<String>,
}

/// All values by dotted path, such as `engine.kind`.
#[derive(Default)]
pub(super) struct Tree {
    entries: BTreeMap<String, Given>,
}

impl Tree {
    /// Reads a TOML file. The error never quotes it, as the line may hold a secret.
    pub(crate) fn from_file(path: &Path) -> Result<Self, Finding> {
        let text = read_file(path).map_err(|why| Finding::new(path.display().to_string(), why))?;
        let table: Table = toml::from_str(&text).map_err(|error| {
            let (line, column) = error.span().map_or((1, 1), |span| position(&text, span.start));
            let message = format!("line {line}, column {column}: {}", error.message());
            Finding::new(path.display().to_string(), message)
        })?;
        let mut tree = Self::default();
        tree.flatten("", table);
        Ok(tree)
    }

    fn flatten(&mut self, prefix: &str, table: Table) {
        for (name, value) in table {
            let path = format!("{prefix}{}", printable(&name));
            match value {
                Value::Table(inner) if !inner.is_empty() => self.flatten(&format!("{path}."), inner),
                value => {
                    self.entries.insert(path, Given { raw: Raw::Toml(value), origin: None });
                }
            }
        }
    }

    /// Lays environment variables over the values: one replaces the value of its key, whether
    /// that was given as it is or by `_file`. Those that are no business of ours are left out.
    pub(crate) fn overlay(&mut self, variables: Vec<(String, String)>) {
        let ours = |name: &str| name != CONFIG_VARIABLE && !is_of_kubernetes(name);
        let mut layer = BTreeMap::new();
        for (name, value) in variables {
            if let Some(path) = name.strip_prefix(PREFIX).filter(|_| ours(&name)) {
                let origin = Some(name.escape_debug().to_string());
                layer.insert(path_of(path), Given { raw: Raw::Variable(value), origin });
            }
        }
        for path in layer.keys() {
            let key = path.strip_suffix(FILE_SUFFIX).unwrap_or(path);
            self.entries.remove(key);
            self.entries.remove(&format!("{key}{FILE_SUFFIX}"));
        }
        self.entries.append(&mut layer);
    }

    pub(crate) fn get(&self, path: &str) -> Option<&Given> {
        self.entries.get(path)
    }

    /// Every path that has a value.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    pub(crate) fn remove(&mut self, path: &str) -> Option<Given> {
        self.entries.remove(path)
    }

    /// What nobody asked for.
    pub(crate) fn into_rest(self) -> impl Iterator<Item = (String, Given)> {
        self.entries.into_iter()
    }
}

/// Reads a whole text file of sane size.
pub(super) fn read_file(path: &Path) -> Result<String, String> {
    let cannot = |error: std::io::Error| format!("cannot be read: {error}");
    let file = File::open(path).map_err(cannot)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err("cannot be read: larger than 1 MiB".to_owned());
    }
    utf_8(&bytes).map(str::to_owned).map_err(|why| format!("cannot be read: {why}"))
}

/// Line and column of a byte, both from 1.
fn position(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// The path that a variable names. A name that is not in capitals names none that exists.
fn path_of(name: &str) -> String {
    if name.chars().any(char::is_lowercase) {
        return format!("{name:?}");
    }
    let parts: Vec<String> = name.split("__").map(|part| printable(&part.to_lowercase())).collect();
    parts.join(".")
}

/// A part of a path as it is; one that would be taken for several, or that would spoil a
/// terminal, is quoted.
fn printable(part: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !part.is_empty() && part.chars().all(bare) { part.to_owned() } else { format!("{part:?}") }
}

/// Whether Kubernetes sets that variable, for a service called `callpop` or `callpop-…`.
fn is_of_kubernetes(name: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let port = |rest: &str| {
        let mut parts = rest.splitn(3, '_');
        number(parts.next().unwrap_or_default())
            && matches!(parts.next(), Some("TCP" | "UDP" | "SCTP"))
            && matches!(parts.next(), None | Some("PROTO" | "PORT" | "ADDR"))
    };
    let of_service = name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || name.ends_with("_PORT")
        || name.match_indices("_PORT_").any(|(at, found)| port(&name[at + found.len()..]));
    of_service && !name.contains("__")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_kubernetes_are_not_ours() {
        for name in [
            "CALLPOP_SERVICE_HOST",
            "CALLPOP_SERVICE_PORT",
            "CALLPOP_SERVICE_PORT_HTTP",
            "CALLPOP_PORT",
            "CALLPOP_PORT_8080_TCP",
            "CALLPOP_PORT_8080_TCP_ADDR",
            "CALLPOP_PORT_8080_TCP_PORT",
            "CALLPOP_ADMIN_PORT_9090_TCP_PROTO",
        ] {
            assert!(is_of_kubernetes(name), "{name}");
        }
        for name in ["CALLPOP_LISTEN", "CALLPOP_PORT_FILE", "CALLPOP_PORTS", "CALLPOP_ENGINE__PORT"] {
            assert!(!is_of_kubernetes(name), "{name}");
        }
    }

    #[test]
    fn a_position_counts_lines_and_characters() {
        assert_eq!(position("", 0), (1, 1));
        assert_eq!(position("a = 1\nü = x", 10), (2, 4));
    }
}
