//! The place of the engine for many nodes. There is none in this version, and it says so.

use super::EngineError;

/// Cannot be made: every use of it is known to be unreachable.
pub enum Redis {}

impl Redis {
    /// Refuses.
    pub fn open() -> Result<Self, EngineError> {
        let why = "engine.kind = \"redis\": this version has the embedded engine only; set engine.kind = \"embedded\"";
        Err(EngineError::CannotOpen(why.to_owned()))
    }

    pub(super) fn unreachable(&self) -> ! {
        match *self {}
    }
}
