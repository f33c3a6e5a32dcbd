//! Values out of PostgreSQL, after the row's checksum has been compared.

use tokio_postgres::Row as SqlRow;
use tokio_postgres::types::FromSql;

use super::errors::words;
use super::numeric::Numeric;
use crate::engine::{EngineError, Found};
use crate::row::{Corrupt, Kind, Spec, Take};
use crate::sum::RowSum;

/// Reads one row's values in order.
pub(super) struct PgTake<'r> {
    row: &'r SqlRow,
    table: &'static str,
    next: usize,
}

impl<'r> PgTake<'r> {
    /// Checks the row's checksum (its last column) before anything is read from it. `skip` columns stand before the row.
    pub(super) fn checked(row: &'r SqlRow, spec: &'static Spec, skip: usize) -> Result<PgTake<'r>, Corrupt> {
        let take = PgTake { row, table: spec.name, next: skip };
        let mut sum = RowSum::new();
        for (at, column) in spec.columns.iter().enumerate() {
            let at = at + skip;
            let present = match column.kind {
                Kind::Int => take.value::<i64>(at)?.map(|value| sum.int(value)),
                Kind::Big => take.value::<Numeric>(at)?.map(|value| sum.blob(&value.0.to_be_bytes())),
                Kind::Text => take.value::<&str>(at)?.map(|value| sum.text(value.as_bytes())),
                Kind::Blob => take.value::<&[u8]>(at)?.map(|value| sum.blob(value)),
            };
            if present.is_none() {
                sum.null();
            }
        }
        if take.value::<i64>(skip + spec.columns.len())? == Some(sum.finish()) {
            return Ok(take);
        }
        Err(take.corrupt("its checksum does not match its content"))
    }

    fn value<T: FromSql<'r>>(&self, at: usize) -> Result<Option<T>, Corrupt> {
        self.row.try_get::<_, Option<T>>(at).map_err(|error| self.corrupt(&format!("column {}: {error}", at + 1)))
    }

    fn optional<T: FromSql<'r>>(&mut self) -> Result<Option<T>, Corrupt> {
        self.next += 1;
        self.value(self.next - 1)
    }

    fn present<T: FromSql<'r>>(&mut self) -> Result<T, Corrupt> {
        let value = self.optional()?;
        value.ok_or_else(|| self.corrupt(&format!("column {} is empty", self.next)))
    }
}

/// Gives each row with the number of the key or range that it answers, which is its first column, from 1.
pub(super) fn give(rows: &[SqlRow], spec: &'static Spec, found: Found<'_>) -> Result<(), EngineError> {
    for row in rows {
        let number: i64 = row.try_get(0).map_err(|error| EngineError::Unreachable(words(&error)))?;
        let at = usize::try_from(number - 1).map_err(|error| EngineError::Broken(error.to_string()))?;
        match PgTake::checked(row, spec, 1) {
            Ok(mut take) => found(at, Ok(&mut take)),
            Err(corrupt) => found(at, Err(corrupt)),
        }
    }
    Ok(())
}

impl Take for PgTake<'_> {
    fn int(&mut self) -> Result<i64, Corrupt> {
        self.present()
    }

    fn big(&mut self) -> Result<i128, Corrupt> {
        self.present::<Numeric>().map(|value| value.0)
    }

    fn text(&mut self) -> Result<&str, Corrupt> {
        self.present()
    }

    fn blob(&mut self) -> Result<&[u8], Corrupt> {
        self.present()
    }

    fn opt_int(&mut self) -> Result<Option<i64>, Corrupt> {
        self.optional()
    }

    fn opt_text(&mut self) -> Result<Option<&str>, Corrupt> {
        self.optional()
    }

    fn opt_blob(&mut self) -> Result<Option<&[u8]>, Corrupt> {
        self.optional()
    }

    fn corrupt(&self, why: &str) -> Corrupt {
        Corrupt { table: self.table, why: why.to_owned() }
    }
}
