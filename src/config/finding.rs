//! What is wrong with a configuration, in words for the person who mends it.
//!
//! A problem never holds a secret: whoever makes one masks the value first.

use std::fmt;

/// What stands in a problem for a secret value.
pub(super) const MASK: &str = "***";

/// One thing that is wrong, or that is worth a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(super) key: String,
    /// As the reader is to see it; secrets are masked already.
    pub(super) value: Option<String>,
    /// Where the value came from, unless it stands in the configuration file itself.
    pub(super) origin: Option<String>,
    pub(super) message: String,
}

impl Finding {
    pub(super) fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { key: key.into(), value: None, origin: None, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)?;
        if let Some(value) = &self.value {
            write!(f, " = {value}")?;
        }
        if let Some(origin) = &self.origin {
            write!(f, " (from {origin})")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Everything that is wrong with a configuration; one line each when displayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Findings {
    /// At least one.
    pub(crate) problems: Vec<Finding>,
    /// What would have been only a warning.
    pub(crate) warnings: Vec<Finding>,
}

impl From<Finding> for Findings {
    fn from(problem: Finding) -> Self {
        Self { problems: vec![problem], warnings: Vec::new() }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let line_break = if index == 0 { "" } else { "\n" };
            write!(f, "{line_break}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Findings {}
