//! What an engine must do. One call is one statement over a network: the committer's calls per batch are counted and
//! bounded (`docs/store.md`, rule 2). SQLite has no network and runs a prepared statement a row inside a call.

use base::{Fault, Time};

use crate::row::{Bind, Corrupt, Spec, Take, TenantNo};

/// Why an engine could not do it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    /// The last net caught what `decide` should have refused: names the constraint.
    #[error("constraint: {0}")]
    Constraint(String),
    /// No room. Nothing of the batch was kept; a later batch may succeed.
    #[error("the disk is full")]
    Full,
    /// Another program holds the file's write lock. Nothing was begun.
    #[error("the store is locked by another program")]
    Locked,
    /// Another transaction was in the way. Nothing of the batch was kept; the same batch may be run again now.
    #[error("another transaction was in the way: {0}")]
    Conflict(String),
    /// The database cannot be reached or does not take writes. Nothing of the batch was kept; a later batch may succeed.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// The commit was sent, and whether it happened could not be found out in time.
    #[error("whether the commit happened is unknown: {0}")]
    Unknown(String),
    #[error(transparent)]
    Corrupt(#[from] Corrupt),
    /// Reading or writing failed in a way that leaves doubt: the process must end and recover at start.
    #[error("{0}")]
    Broken(String),
}

impl EngineError {
    /// As the fault of a read.
    pub(crate) fn of_read(self, table: &str) -> Fault {
        match self {
            EngineError::Unreachable(why) => {
                Fault::busy(format!("reading `{table}`: the database cannot be reached: {why}"))
            }
            other => Fault::because(format!("reading `{table}`"), other),
        }
    }
}

/// Writes the `i`-th row or key into the binder.
pub(crate) type Write<'a> = &'a dyn Fn(usize, &mut dyn Bind);
/// Receives each row found, with the number of the key or range that it answers, or why it cannot be read.
pub(crate) type Found<'a> = &'a mut dyn FnMut(usize, Result<&mut dyn Take, Corrupt>);

/// The committer's side.
pub(crate) trait Engine: Send {
    /// Whether other processes change the same store: rows are then locked before they are read, and none is kept in
    /// memory from one batch to the next.
    fn shared(&self) -> bool;
    /// Opens the batch's transaction and, in a shared store, locks the heads of `tenants` (ascending), before it reads
    /// anything. Answers the latest time that a locked head has seen.
    fn begin(&mut self, tenants: &[TenantNo]) -> Result<Option<Time>, EngineError>;
    /// Says which keys the next [`Engine::load`] of this table will ask for, so that the loads of several tables can share
    /// a round trip; before [`Engine::begin`], that of the locks.
    fn expect(&mut self, _spec: &'static Spec, _keys: usize, _key: Write<'_>) {}
    fn load(&mut self, spec: &'static Spec, keys: usize, key: Write<'_>, found: Found<'_>) -> Result<(), EngineError>;
    /// For each range, rows from its first key (inclusive) to its second (exclusive), ascending, at most its limit.
    /// `ends` writes both keys of a range.
    fn ranges(
        &mut self,
        spec: &'static Spec,
        limits: &[usize],
        ends: Write<'_>,
        found: Found<'_>,
    ) -> Result<(), EngineError>;
    fn insert(&mut self, spec: &'static Spec, rows: usize, row: Write<'_>) -> Result<(), EngineError>;
    fn update(&mut self, spec: &'static Spec, rows: usize, row: Write<'_>) -> Result<(), EngineError>;
    fn delete(&mut self, spec: &'static Spec, keys: usize, key: Write<'_>) -> Result<(), EngineError>;
    /// Ends the batch's transaction; durable when it returns. `stamp` is the batch's time, when it differs from the last
    /// one; it is kept in the same transaction.
    fn commit(&mut self, stamp: Option<Time>) -> Result<(), EngineError>;
    fn rollback(&mut self);
    /// Work that may be done between batches (checkpoints). Never fails a batch.
    fn rest(&mut self);
    /// Calls so far, for the statement-count test.
    fn calls(&self) -> u64;
    /// Bytes of log not yet folded into the main file.
    fn log_bytes(&self) -> u64;
}

/// The readers' side: one connection, one state of the store from `begin` to `end`.
pub(crate) trait ReadSide: Send {
    fn begin(&mut self) -> Result<(), EngineError>;
    fn end(&mut self) -> Result<(), EngineError>;
    fn load(&mut self, spec: &'static Spec, keys: usize, key: Write<'_>, found: Found<'_>) -> Result<(), EngineError>;
    /// As [`Engine::ranges`], in either order.
    fn ranges(
        &mut self,
        spec: &'static Spec,
        limits: &[usize],
        descending: bool,
        ends: Write<'_>,
        found: Found<'_>,
    ) -> Result<(), EngineError>;
    /// Rows whose column is this text, for a column that has an index.
    fn matching(
        &mut self,
        spec: &'static Spec,
        column: &'static str,
        text: &str,
        found: Found<'_>,
    ) -> Result<(), EngineError>;
    /// Rows by a fixed condition.
    fn select(&mut self, spec: &'static Spec, condition: &'static str, found: Found<'_>) -> Result<(), EngineError>;
    fn count(&mut self, spec: &'static Spec) -> Result<u64, EngineError>;
}
