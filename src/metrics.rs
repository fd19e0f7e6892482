//! The process's metrics: the one registry, and how a room comes to be in it. What is counted, and
//! under which names, is each room's own. Names begin with `callpop_`, units are in the names, and
//! no label holds anything personal.

use crate::id::SourceName;
use parking_lot::Mutex;
use prometheus_client::{
    encoding::{EncodeLabelValue, LabelValueEncoder, text::encode},
    registry::Registry,
};
use std::{
    any::{Any, TypeId},
    collections::HashMap,
    fmt,
    sync::Arc,
};

/// The words for the values of a label, as metrics and logs have them.
macro_rules! labels {
    ($label:ident { $($value:ident: $word:literal),+ $(,)? }) => {
        impl $label {
            pub(crate) fn word(self) -> &'static str {
                match self { $(Self::$value => $word),+ }
            }
        }

        impl prometheus_client::encoding::EncodeLabelValue for $label {
            fn encode(
                &self,
                encoder: &mut prometheus_client::encoding::LabelValueEncoder<'_>,
            ) -> std::fmt::Result {
                std::fmt::Write::write_str(encoder, self.word())
            }
        }
    };
}
pub(crate) use labels;

/// The buckets of most durations: 100 microseconds to 6.5 seconds.
pub(crate) const SECONDS: [f64; 9] = [0.0001, 0.0004, 0.0016, 0.0064, 0.0256, 0.1024, 0.4096, 1.6384, 6.5536];

/// What one room counts.
pub(crate) trait RoomMetrics: Default + Send + Sync + 'static {
    /// Gives each metric its name and its help text.
    fn name(&self, registry: &mut Registry);
}

impl EncodeLabelValue for SourceName {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        self.as_str().encode(encoder)
    }
}

/// Everything that is counted in this process.
pub struct Metrics {
    registry: Mutex<Registry>,
    rooms: Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { registry: Mutex::new(Registry::with_prefix("callpop")), rooms: Mutex::default() }
    }
}

impl Metrics {
    /// A room's metrics: the same whoever asks for them, and from the first time on in the text.
    pub(crate) fn of<R: RoomMetrics>(&self) -> Arc<R> {
        let mut rooms = self.rooms.lock();
        let room = rooms.entry(TypeId::of::<R>()).or_insert_with(|| {
            let room = R::default();
            room.name(&mut self.registry.lock());
            Arc::new(room)
        });
        // The entry is under its own type; should it not be, what is counted is only not shown.
        room.clone().downcast().unwrap_or_default()
    }

    /// The Prometheus text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry.lock());
        text
    }
}
