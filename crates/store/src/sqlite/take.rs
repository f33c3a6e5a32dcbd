//! Values out of SQLite, after the row's checksum has been compared: the file format has none of its own, and a flipped
//! bit must never become a balance.

use rusqlite::Row as SqlRow;
use rusqlite::types::ValueRef;

use crate::row::{Corrupt, KeyShape, Spec, Take, unpack};
use crate::sum::RowSum;

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
        let mut sum = RowSum::new();
        for at in 0..columns {
            match take.value(at)? {
                ValueRef::Null => sum.null(),
                ValueRef::Integer(value) => sum.int(value),
                ValueRef::Text(bytes) => sum.text(bytes),
                ValueRef::Blob(bytes) => sum.blob(bytes),
                ValueRef::Real(_) => return Err(take.corrupt("a floating-point value")),
            }
        }
        match take.value(columns)? {
            ValueRef::Integer(stored) if stored == sum.finish() => Ok(take),
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
