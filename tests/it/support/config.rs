//! A configuration file in a fresh folder, which also holds the data.

use super::{
    Gateway,
    token::{SECRET, WEBHOOK_SECRET},
};
use serde_json::Value;
use std::{collections::BTreeMap, fmt::Write, path::PathBuf, sync::Arc};
use tempfile::TempDir;

/// Keys by section; the folder goes when the last clone does.
#[derive(Clone)]
pub struct Config {
    folder: Arc<TempDir>,
    sections: BTreeMap<String, BTreeMap<String, Value>>,
}

impl Config {
    /// What `serve` needs, on free ports.
    pub fn new() -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let config = Self { folder, sections: BTreeMap::new() };
        let data = config.data_dir().to_str().unwrap().to_owned();
        config
            .set("listen", "127.0.0.1:0")
            .set("admin_listen", "127.0.0.1:0")
            .set("operator_listen", "127.0.0.1:0")
            .set("engine.data_dir", data)
            .set("auth.hs256_secret", SECRET)
            .set("sources.telsmart.secrets", vec![WEBHOOK_SECRET])
    }

    /// For events of years ago: nothing expires and nothing is forgotten.
    pub fn timeless(self) -> Self {
        self.set("calls.keep_ended", "3650d").set("calls.expire_after", "3650d")
    }

    /// The same in a folder of its own.
    pub fn elsewhere(&self) -> Self {
        Self { folder: Arc::new(tempfile::tempdir().unwrap()), ..self.clone() }
    }

    /// Sets the key at a dotted path.
    pub fn set(mut self, path: &str, value: impl Into<Value>) -> Self {
        let (section, key) = path.rsplit_once('.').unwrap_or(("", path));
        self.sections.entry(section.to_owned()).or_default().insert(key.to_owned(), value.into());
        self
    }

    /// Leaves out the key at a dotted path.
    pub fn without(mut self, path: &str) -> Self {
        let (section, key) = path.rsplit_once('.').unwrap_or(("", path));
        self.sections.get_mut(section).unwrap().remove(key).unwrap();
        self
    }

    /// The text at a dotted path.
    pub fn text(&self, path: &str) -> &str {
        let (section, key) = path.rsplit_once('.').unwrap_or(("", path));
        self.sections[section][key].as_str().unwrap()
    }

    /// Where the gateway keeps its data.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Writes a file beside the configuration.
    pub fn file(&self, name: &str, content: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// Writes the configuration file.
    pub fn write(&self) -> PathBuf {
        let mut toml = String::new();
        for (section, keys) in &self.sections {
            if !section.is_empty() {
                writeln!(toml, "[{section}]").unwrap();
            }
            for (key, value) in keys {
                writeln!(toml, "{key} = {value}").unwrap();
            }
        }
        self.file("callpop.toml", &toml).into()
    }

    /// Starts a gateway on it.
    pub async fn start(&self) -> Gateway {
        Gateway::start(self).await
    }
}
