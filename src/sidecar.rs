//! The OAuth lifecycle of a user's integration: activation, refresh tokens that are sent once
//! and never lost, access tokens for those who need them.
//!
//! It knows nothing of calls: it imports neither `session` nor `registry` nor `engine`.

pub mod store;
