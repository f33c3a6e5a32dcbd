//! The real engine with the troubles of a disk, on demand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use base::Time;

use crate::engine::{Engine, EngineError, Found, Write};
use crate::row::{Spec, TenantNo};
use crate::sqlite::SqliteEngine;

/// What the engine is to suffer next.
#[derive(Default)]
pub(super) struct Script {
    /// The most pages that the file may have; 0 for no bound. Beyond it SQLite says that the disk is full.
    pub(super) pages: AtomicI64,
    /// The next commit finds no room.
    pub(super) full_at_commit: AtomicBool,
    /// The next begin finds the file locked.
    pub(super) locked: AtomicBool,
}

pub(super) struct Scripted {
    pub(super) inner: SqliteEngine,
    pub(super) script: Arc<Script>,
}

impl Engine for Scripted {
    fn shared(&self) -> bool {
        false
    }

    fn begin(&mut self, tenants: &[TenantNo]) -> Result<Option<Time>, EngineError> {
        if self.script.locked.swap(false, Ordering::SeqCst) {
            return Err(EngineError::Locked);
        }
        let pages = match self.script.pages.load(Ordering::SeqCst) {
            0 => i64::from(u32::MAX) - 1,
            pages => pages,
        };
        self.inner.connection().pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
        self.inner.begin(tenants)
    }

    fn load(&mut self, spec: &'static Spec, keys: usize, key: Write<'_>, found: Found<'_>) -> Result<(), EngineError> {
        self.inner.load(spec, keys, key, found)
    }

    fn ranges(
        &mut self,
        spec: &'static Spec,
        limits: &[usize],
        ends: Write<'_>,
        found: Found<'_>,
    ) -> Result<(), EngineError> {
        self.inner.ranges(spec, limits, ends, found)
    }

    fn insert(&mut self, spec: &'static Spec, rows: usize, row: Write<'_>) -> Result<(), EngineError> {
        self.inner.insert(spec, rows, row)
    }

    fn update(&mut self, spec: &'static Spec, rows: usize, row: Write<'_>) -> Result<(), EngineError> {
        self.inner.update(spec, rows, row)
    }

    fn delete(&mut self, spec: &'static Spec, keys: usize, key: Write<'_>) -> Result<(), EngineError> {
        self.inner.delete(spec, keys, key)
    }

    fn commit(&mut self, stamp: Option<Time>) -> Result<(), EngineError> {
        if self.script.full_at_commit.swap(false, Ordering::SeqCst) {
            return Err(EngineError::Full);
        }
        self.inner.commit(stamp)
    }

    fn rollback(&mut self) {
        self.inner.rollback();
    }

    fn rest(&mut self) {
        self.inner.rest();
    }

    fn calls(&self) -> u64 {
        self.inner.calls()
    }

    fn log_bytes(&self) -> u64 {
        self.inner.log_bytes()
    }
}
