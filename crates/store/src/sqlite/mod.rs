//! The embedded engine: one file, one writer, the log synced once a batch.

mod bind;
mod checkpoint;
mod engine;
mod open;
mod read;

mod take;
mod text;

pub(crate) use checkpoint::{Checkpointer, FOLD_AT_PAGES};
pub(crate) use engine::SqliteEngine;
pub(crate) use open::{open_reader, open_writer};
