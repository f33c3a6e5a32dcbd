//! The unit of work: many operations, one durable commit. Operations are plain functions over [`Tx`]; one committer
//! runs whatever waits, loads what they missed in bulk, writes the changed rows, syncs once and only then answers.
//! The rules, each with the failure it prevents, are in `docs/store.md`.

mod committer;
mod copy;
mod engine;
mod handle;
mod inspect;
mod job;
mod journal;
mod map;
mod maps;
mod postgres;
mod queue;
mod ranges;
mod reader;
mod readers;
mod row;
mod schema;
pub mod secret_file;
mod sqlite;
mod stats;
mod sum;
mod tx;
mod value;

#[cfg(test)]
extern crate self as store;
#[cfg(test)]
mod tests;

pub use copy::{pump, remove, rename};
pub use handle::{Options, Place, Store};
pub use inspect::{Inspection, Inspector, TableRead};
pub use journal::{Claim, ClaimKey, Claimed, Draft, Entry, EntryKey, Head, Once, Saved, tenant};
pub use postgres::PostgresUrl;
pub use queue::{Lane, Limits};
pub use reader::{Direction, Reader};
pub use row::{Bind, Column, Corrupt, KeyShape, Kind, Locked, Row, Spec, Take, TenantNo};
pub use schema::{Migration, Schema};
pub use sqlite::{Copied, Hold, Watch, copy_store, hold};
pub use stats::{Figures, Stats};
pub use tx::{Halt, Missing, Tx};
