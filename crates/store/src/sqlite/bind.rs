//! Values in and out of SQLite, each row with a checksum: the file format has none of its own, and a flipped bit must
//! never become a balance.

use rusqlite::types::ValueRef;
use rusqlite::{Row as SqlRow, Statement};

use crate::row::{Bind, Corrupt, KeyShape, Spec, Take, pack, unpack};

/// Binds values to a statement's parameters, from 1 on.
pub(crate) struct SqliteBind<'s, 'c> {
    statement: &'s mut Statement<'c>,
    next: usize,
    /// The tenant of a packed key, until its sequence arrives.
    packed: Packed,
    sum: crc32fast::Hasher,
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
        SqliteBind { statement, next: 1, packed, sum: crc32fast::Hasher::new(), failed: None }
    }

    /// Starts another key behind the first, for a range's end.
    pub(crate) fn again(&mut self, spec: &Spec) {
        if spec.key == KeyShape::TenantSeq {
            self.packed = Packed::Tenant;
        }
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
        let sum = i64::from(self.sum.clone().finalize());
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
            Packed::Seq(tenant) => pack(tenant, value),
        };
        sum_int(&mut self.sum, value);
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
        sum_bytes(&mut self.sum, b't', value.as_bytes());
        self.bind(value);
    }

    fn blob(&mut self, value: &[u8]) {
        sum_bytes(&mut self.sum, b'b', value);
        self.bind(value);
    }

    fn null(&mut self) {
        self.sum.update(b"n");
        self.bind(rusqlite::types::Null);
    }
}

fn sum_int(sum: &mut crc32fast::Hasher, value: i64) {
    sum.update(b"i");
    sum.update(&value.to_le_bytes());
}

fn sum_bytes(sum: &mut crc32fast::Hasher, tag: u8, bytes: &[u8]) {
    sum.update(&[tag]);
    sum.update(&(bytes.len() as u64).to_le_bytes());
    sum.update(bytes);
}

/// Reads one row's values in order.
pub(crate) struct SqliteTake<'r, 's> {
    row: &'r SqlRow<'s>,
    table: &'static str,
    next: usize,
    packed: bool,
    seq: Option<i64>,
}

impl<'r, 's> SqliteTake<'r, 's> {
    /// Checks the row's checksum (its last column) before anything is read from it.
    pub(crate) fn checked(row: &'r SqlRow<'s>, spec: &'static Spec) -> Result<SqliteTake<'r, 's>, Corrupt> {
        let packed = spec.key == KeyShape::TenantSeq;
        let take = SqliteTake { row, table: spec.name, next: 0, packed, seq: None };
        let columns = spec.columns.len() - usize::from(packed);
        let mut sum = crc32fast::Hasher::new();
        for at in 0..columns {
            match take.value(at)? {
                ValueRef::Null => sum.update(b"n"),
                ValueRef::Integer(value) => sum_int(&mut sum, value),
                ValueRef::Text(bytes) => sum_bytes(&mut sum, b't', bytes),
                ValueRef::Blob(bytes) => sum_bytes(&mut sum, b'b', bytes),
                ValueRef::Real(_) => return Err(take.corrupt("a floating-point value")),
            }
        }
        match take.value(columns)? {
            ValueRef::Integer(stored) if stored == i64::from(sum.finalize()) => Ok(take),
            _ => Err(take.corrupt("its checksum does not match its content")),
        }
    }

    fn value(&self, at: usize) -> Result<ValueRef<'r>, Corrupt> {
        self.row.get_ref(at).map_err(|error| self.corrupt(&error.to_string()))
    }

    fn next(&mut self) -> Result<ValueRef<'r>, Corrupt> {
        let value = self.value(self.next)?;
        self.next += 1;
        Ok(value)
    }

    fn wrong(&self, expected: &str) -> Corrupt {
        self.corrupt(&format!("column {} is not {expected}", self.next))
    }

    fn text_of(&self, value: ValueRef<'r>) -> Result<&'r str, Corrupt> {
        match value {
            ValueRef::Text(bytes) => std::str::from_utf8(bytes).map_err(|_| self.wrong("UTF-8")),
            _ => Err(self.wrong("text")),
        }
    }
}

impl Take for SqliteTake<'_, '_> {
    fn int(&mut self) -> Result<i64, Corrupt> {
        if let Some(seq) = self.seq.take() {
            return Ok(seq);
        }
        let ValueRef::Integer(value) = self.next()? else { return Err(self.wrong("an integer")) };
        if !std::mem::take(&mut self.packed) {
            return Ok(value);
        }
        let (tenant, seq) = unpack(value);
        self.seq = Some(seq);
        Ok(tenant)
    }

    fn big(&mut self) -> Result<i128, Corrupt> {
        match self.next()? {
            ValueRef::Integer(value) => Ok(i128::from(value)),
            ValueRef::Blob(bytes) => bytes.try_into().map(i128::from_be_bytes).map_err(|_| self.wrong("16 bytes")),
            _ => Err(self.wrong("an amount")),
        }
    }

    fn text(&mut self) -> Result<&str, Corrupt> {
        let value = self.next()?;
        self.text_of(value)
    }

    fn blob(&mut self) -> Result<&[u8], Corrupt> {
        match self.next()? {
            ValueRef::Blob(bytes) => Ok(bytes),
            _ => Err(self.wrong("bytes")),
        }
    }

    fn opt_int(&mut self) -> Result<Option<i64>, Corrupt> {
        match self.next()? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(value) => Ok(Some(value)),
            _ => Err(self.wrong("an integer or nothing")),
        }
    }

    fn opt_text(&mut self) -> Result<Option<&str>, Corrupt> {
        match self.next()? {
            ValueRef::Null => Ok(None),
            value => self.text_of(value).map(Some),
        }
    }

    fn opt_blob(&mut self) -> Result<Option<&[u8]>, Corrupt> {
        match self.next()? {
            ValueRef::Null => Ok(None),
            ValueRef::Blob(bytes) => Ok(Some(bytes)),
            _ => Err(self.wrong("bytes or nothing")),
        }
    }

    fn corrupt(&self, why: &str) -> Corrupt {
        Corrupt { table: self.table, why: why.to_owned() }
    }
}
