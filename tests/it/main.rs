//! The gateway from outside: real processes, real HTTP, real WebSockets.
