//! The embedded engine: one file, one writer, the log synced once a batch.

mod bind;
mod checkpoint;
mod engine;
mod open;
pub(crate) mod read;
mod text;

pub(crate) use checkpoint::Checkpointer;
pub(crate) use engine::SqliteEngine;
pub(crate) use open::{open_reader, open_writer};
