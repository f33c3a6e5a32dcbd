//! Tests that need what callers do not see: the engine's room and errors, the length of the log, the rows in memory.

#[path = "../../tests/kit/mod.rs"]
mod kit;

mod fold;
mod memory;
#[allow(clippy::unit_arg, reason = "an operation in one line")]
mod queues;
mod room;
mod scripted;
