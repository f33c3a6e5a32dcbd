//! The embedded engine: one file, one writer, the log synced once a batch.

mod backup;
mod bind;
mod checkpoint;
mod engine;
mod hold;
mod inspect;
mod open;
mod read;

mod take;
mod text;

pub use backup::{Copied, Watch, copy_store};
pub(crate) use checkpoint::{Checkpointer, FOLD_AT_PAGES};
pub(crate) use engine::SqliteEngine;
pub(crate) use hold::held;
pub use hold::{Hold, hold};
pub(crate) use inspect::{look_at, look_at_still, rename};
pub(crate) use open::{open_reader, open_writer};
