//! What an engine must do. One call is one statement over a network: the committer's calls per batch are counted and
//! bounded (`docs/store.md`, rule 2). SQLite has no network and runs a prepared statement a row inside a call.

use crate::row::{Bind, Corrupt, Spec, Take};

/// Why an engine could not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    /// The last net caught what `decide` should have refused: names the constraint.
    #[error("constraint: {0}")]
    Constraint(String),
    /// No room. Nothing of the batch was kept; a later batch may succeed.
    #[error("the disk is full")]
    Full,
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// Reading or writing failed in a way that leaves doubt: the process must end and recover at start.
    #[error("{0}")]
    Broken(String),
}

/// Writes the `i`-th row or key into the binder.
pub(crate) type Write<'a> = &'a dyn Fn(usize, &mut dyn Bind);
/// Receives each row found.
pub(crate) type Found<'a> = &'a mut dyn FnMut(&mut dyn Take) -> Result<(), Corrupt>;

pub(crate) trait Engine: Send {
    /// Opens the transaction of a batch, before its first write.
    fn begin(&mut self) -> Result<(), EngineError>;
    fn load(&mut self, spec: &'static Spec, keys: usize, key: Write<'_>, found: Found<'_>) -> Result<(), EngineError>;
    /// Rows from key 0 (inclusive) to key 1 (exclusive), ascending, at most `limit`.
    fn range(
        &mut self,
        spec: &'static Spec,
        ends: Write<'_>,
        limit: usize,
        found: Found<'_>,
    ) -> Result<(), EngineError>;
    fn insert(&mut self, spec: &'static Spec, rows: usize, row: Write<'_>) -> Result<(), EngineError>;
    fn update(&mut self, spec: &'static Spec, rows: usize, row: Write<'_>) -> Result<(), EngineError>;
    fn delete(&mut self, spec: &'static Spec, keys: usize, key: Write<'_>) -> Result<(), EngineError>;
    /// Durable when it returns.
    fn commit(&mut self) -> Result<(), EngineError>;
    fn rollback(&mut self);
    /// Work that may be done between batches (checkpoints). Never fails a batch.
    fn rest(&mut self);
    /// Calls so far, for the statement-count test.
    fn calls(&self) -> u64;
    /// Bytes of log not yet folded into the main file.
    fn log_bytes(&self) -> u64;
}
