//! The sidecar from outside: consents, refresh tokens that are sent once and never lost, and what
//! users and other servers see of it. The token server is as strict as a provider can be, and its
//! records say what was really sent.

mod activation;
mod assigned;
mod callbacks;
mod contacts;
mod crash;
mod delivery;
mod disk;
mod early;
mod endpoints;
mod journal;
mod logs;
mod outcomes;
mod overtaken;
mod replicas;
pub mod scene;
mod separate;
mod soak;
mod sources;
mod vending;
