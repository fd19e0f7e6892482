//! The directory beyond one engine: the operator's file, and several nodes on one Redis.

mod disk;
mod file;
mod nodes;
mod page;
