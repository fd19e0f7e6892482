//! Nodes, Redis and the network between them fail at the worst moment, under a steady load; afterwards every
//! client shows the truth.

mod cluster;
mod parts;
mod sentinel;
mod stage;
