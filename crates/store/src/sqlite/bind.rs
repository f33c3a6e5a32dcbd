//! Values into SQLite, each row followed by its checksum.

use rusqlite::Statement;

use crate::row::{Bind, KeyShape, Spec, pack};
use crate::sum::RowSum;

/// Binds values to a statement's parameters, from 1 on.
pub(crate) struct SqliteBind<'s, 'c> {
    statement: &'s mut Statement<'c>,
    next: usize,
    /// The tenant of a packed key, until its sequence arrives.
    packed: Packed,
    /// A range has two packed keys: another one follows the first.
    second: bool,
    sum: RowSum,
    /// The first error; later values are ignored.
    failed: Option<rusqlite::Error>,
}

enum Packed {
    No,
    Tenant,
    Seq(i64),
}

impl<'s, 'c> SqliteBind<'s, 'c> {
    pub(crate) fn new(statement: &'s mut Statement<'c>, spec: &Spec) -> SqliteBind<'s, 'c> {
        let packed = if spec.key == KeyShape::TenantSeq { Packed::Tenant } else { Packed::No };
        SqliteBind { statement, next: 1, packed, second: false, sum: RowSum::new(), failed: None }
    }

    /// For the two keys of a range.
    pub(crate) fn range(statement: &'s mut Statement<'c>, spec: &Spec) -> SqliteBind<'s, 'c> {
        let bind = SqliteBind::new(statement, spec);
        SqliteBind { second: spec.key == KeyShape::TenantSeq, ..bind }
    }

    fn bind(&mut self, value: impl rusqlite::ToSql) {
        if self.failed.is_none()
            && let Err(error) = self.statement.raw_bind_parameter(self.next, value)
        {
            self.failed = Some(error);
        }
        self.next += 1;
    }

    /// All values are bound.
    pub(crate) fn done(self) -> rusqlite::Result<()> {
        self.failed.map_or(Ok(()), Err)
    }

    /// All values are bound; the row's checksum follows them.
    pub(crate) fn done_with_sum(mut self) -> rusqlite::Result<()> {
        let sum = std::mem::replace(&mut self.sum, RowSum::new()).finish();
        self.bind(sum);
        self.done()
    }

    pub(crate) fn limit(&mut self, limit: usize) {
        self.bind(i64::try_from(limit).unwrap_or(i64::MAX));
    }
}

impl Bind for SqliteBind<'_, '_> {
    fn int(&mut self, value: i64) {
        let value = match std::mem::replace(&mut self.packed, Packed::No) {
            Packed::No => value,
            Packed::Tenant => {
                self.packed = Packed::Seq(value);
                return;
            }
            Packed::Seq(tenant) => {
                if std::mem::take(&mut self.second) {
                    self.packed = Packed::Tenant;
                }
                pack(tenant, value)
            }
        };
        self.sum.int(value);
        self.bind(value);
    }

    fn big(&mut self, value: i128) {
        // Small ones as integers, which people can read in the file; the rest as 16 bytes, big-endian.
        match i64::try_from(value) {
            Ok(small) => self.int(small),
            Err(_) => self.blob(&value.to_be_bytes()),
        }
    }

    fn text(&mut self, value: &str) {
        self.sum.text(value.as_bytes());
        self.bind(value);
    }

    fn blob(&mut self, value: &[u8]) {
        self.sum.blob(value);
        self.bind(value);
    }

    fn null(&mut self) {
        self.sum.null();
        self.bind(rusqlite::types::Null);
    }
}
