//! The OAuth lifecycle of a user's integration: activation, refresh tokens that are sent once
//! and never lost, access tokens for those who need them.
//!
//! It knows nothing of calls: it imports neither `session` nor `registry` nor `engine`.

pub mod audit;
mod disk;
pub mod journal;
pub mod store;
pub mod vault;
