//! Rows without their types: what checks and copies of whole stores see.

use sha2::{Digest, Sha256};

use crate::row::{Column, Corrupt, KeyShape, Kind, Spec, Take};

/// A value of any column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Big(i128),
    Text(String),
    Blob(Vec<u8>),
}

/// The values of a row, in the order of its columns, key first.
pub(crate) fn values(spec: &Spec, take: &mut dyn Take) -> Result<Vec<Value>, Corrupt> {
    let keys = match spec.key {
        KeyShape::TenantSeq => 2,
        KeyShape::First(columns) => columns,
    };
    spec.columns.iter().enumerate().map(|(at, column)| value(column, at < keys, take)).collect()
}

/// A key is never without a value; another column may be, unless it holds amounts.
fn value(column: &Column, key: bool, take: &mut dyn Take) -> Result<Value, Corrupt> {
    Ok(match (column.kind, key) {
        (Kind::Int, true) => Value::Int(take.int()?),
        (Kind::Int, false) => take.opt_int()?.map_or(Value::Null, Value::Int),
        (Kind::Big, _) => Value::Big(take.big()?),
        (Kind::Text, _) => take.opt_text()?.map_or(Value::Null, |text| Value::Text(text.to_owned())),
        (Kind::Blob, _) => take.opt_blob()?.map_or(Value::Null, |bytes| Value::Blob(bytes.to_owned())),
    })
}

/// Reads values as a row type reads its columns.
pub(crate) struct TakeValues<'a> {
    table: &'static str,
    left: std::slice::Iter<'a, Value>,
}

impl<'a> TakeValues<'a> {
    pub(crate) fn new(spec: &'static Spec, values: &'a [Value]) -> TakeValues<'a> {
        TakeValues { table: spec.name, left: values.iter() }
    }

    fn next(&mut self) -> Result<&'a Value, Corrupt> {
        self.left.next().ok_or_else(|| self.corrupt("a column too few"))
    }
}

impl Take for TakeValues<'_> {
    fn int(&mut self) -> Result<i64, Corrupt> {
        self.opt_int()?.ok_or_else(|| self.corrupt("an integer is missing"))
    }

    fn big(&mut self) -> Result<i128, Corrupt> {
        let Value::Big(value) = self.next()? else { return Err(self.corrupt("a value is not an amount")) };
        Ok(*value)
    }

    fn text(&mut self) -> Result<&str, Corrupt> {
        let Value::Text(text) = self.next()? else { return Err(self.corrupt("a value is not text")) };
        Ok(text)
    }

    fn blob(&mut self) -> Result<&[u8], Corrupt> {
        let Value::Blob(bytes) = self.next()? else { return Err(self.corrupt("a value is not bytes")) };
        Ok(bytes)
    }

    fn opt_int(&mut self) -> Result<Option<i64>, Corrupt> {
        match self.next()? {
            Value::Null => Ok(None),
            Value::Int(value) => Ok(Some(*value)),
            _ => Err(self.corrupt("a value is not an integer")),
        }
    }

    fn opt_text(&mut self) -> Result<Option<&str>, Corrupt> {
        match self.next()? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text)),
            _ => Err(self.corrupt("a value is not text")),
        }
    }

    fn opt_blob(&mut self) -> Result<Option<&[u8]>, Corrupt> {
        match self.next()? {
            Value::Null => Ok(None),
            Value::Blob(bytes) => Ok(Some(bytes)),
            _ => Err(self.corrupt("a value is not bytes")),
        }
    }

    fn corrupt(&self, why: &str) -> Corrupt {
        Corrupt { table: self.table, why: why.to_owned() }
    }
}

/// SHA-256 over rows in the order in which they are added: each value with a tag for its type and with its length, so
/// that nothing can move from one value or row into the next unseen. It does not depend on the engine.
#[derive(Default)]
pub(crate) struct RowDigest(Sha256);

impl RowDigest {
    pub(crate) fn add(&mut self, values: &[Value]) {
        self.tagged(b'r', &values.len().to_le_bytes());
        for value in values {
            match value {
                Value::Null => self.tagged(b'n', &[]),
                Value::Int(value) => self.tagged(b'i', &value.to_le_bytes()),
                Value::Big(value) => self.tagged(b'a', &value.to_le_bytes()),
                Value::Text(text) => self.tagged(b't', text.as_bytes()),
                Value::Blob(bytes) => self.tagged(b'b', bytes),
            }
        }
    }

    /// In hexadecimal.
    pub(crate) fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn tagged(&mut self, tag: u8, bytes: &[u8]) {
        self.0.update([tag]);
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(rows: &[&[Value]]) -> String {
        let mut digest = RowDigest::default();
        rows.iter().for_each(|row| digest.add(row));
        digest.finish()
    }

    #[test]
    fn every_difference_between_rows_changes_the_digest() {
        let text = |text: &str| Value::Text(text.to_owned());
        let different: [&[&[Value]]; 9] = [
            &[],
            &[&[]],
            &[&[text("a"), text("b")]],
            &[&[text("ab"), text("")]],
            &[&[text("a")], &[text("b")]],
            &[&[text("b")], &[text("a")]],
            &[&[Value::Int(1), Value::Null]],
            &[&[Value::Big(1), Value::Null]],
            &[&[Value::Blob(vec![1]), Value::Null]],
        ];
        let digests: std::collections::BTreeSet<String> = different.iter().map(|rows| digest(rows)).collect();
        assert_eq!(digests.len(), different.len());
        assert_eq!(digest(&[&[Value::Int(1)]]), digest(&[&[Value::Int(1)]]));
    }
}
