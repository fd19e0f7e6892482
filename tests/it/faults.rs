//! Nodes, Redis and the network between them fail at the worst moment, under a steady load; afterwards every
//! client shows the truth.

mod acks;
mod cluster;
mod links_fail;
mod many_nodes;
mod nodes_fail;
mod overflow;
mod parts;
mod promises;
mod promotion;
mod redis_fails;
mod scale;
mod scene;
mod sentinel;
mod sentinel_users;
mod stage;
mod writes;
