//! A Telsmart to develop against: it plays recorded calls or a whole call centre, has two phones whose
//! buttons one can press, and sends the webhooks of all of them to a gateway over real HTTP. Its users consent
//! in MyTelsmart, and its token server is as strict as a real one.
//!
//! It knows nothing of the gateway but the provider's documented webhook and callbacks; they share
//! the one HTTP error. Nothing imports it but the command line, [`crate::demo`] and tests.

mod api;
mod centre;
mod courier;
mod desk;
mod error;
mod faults;
mod pace;
mod phone;
mod play;
mod program;
mod scenario;
mod sender;
mod summary;
mod telsmart;
mod webhook;

pub(crate) use api::Simulator;
pub(crate) use error::SimulatorError;
pub(crate) use phone::{Phone, TENANT};
pub(crate) use play::{Play, play, serve, write};
pub(crate) use scenario::Scenario;
pub(crate) use sender::{Destination, Retries, Sender, TELSMART};
pub(crate) use telsmart::{Telsmart, TelsmartOptions};
