//! Many rows as one array a column: what a statement over `unnest` takes, whatever the number of rows.

use tokio_postgres::types::ToSql;

use super::numeric::Numeric;
use crate::engine::EngineError;
use crate::row::{Bind, KeyShape, Kind, Spec};
use crate::sum::RowSum;

const TYPE: &str = "a value of another type than its column's";

/// One column's values.
enum Cells {
    Int(Vec<Option<i64>>),
    Big(Vec<Option<Numeric>>),
    Text(Vec<Option<String>>),
    Blob(Vec<Option<Vec<u8>>>),
}

impl Cells {
    fn parameter(&self) -> &(dyn ToSql + Sync) {
        match self {
            Cells::Int(values) => values,
            Cells::Big(values) => values,
            Cells::Text(values) => values,
            Cells::Blob(values) => values,
        }
    }
}

/// The arrays of a statement, filled row after row.
pub(super) struct Columns {
    cells: Vec<Cells>,
    at: usize,
    sum: RowSum,
    /// Where a walk's sequences are: an end beyond every sequence arrives as a negative number.
    ends: bool,
    /// A value that its column cannot take.
    wrong: Option<&'static str>,
}

impl Columns {
    /// Whole rows, each followed by its checksum.
    pub(super) fn rows(spec: &Spec, rows: usize, row: &dyn Fn(usize, &mut dyn Bind)) -> Result<Columns, EngineError> {
        let mut columns = Columns::new(spec.columns.iter().map(|column| column.kind).chain([Kind::Int]), rows);
        for at in 0..rows {
            columns.at = 0;
            columns.sum = RowSum::new();
            row(at, &mut columns);
            let sum = std::mem::replace(&mut columns.sum, RowSum::new()).finish();
            columns.int(sum);
        }
        columns.checked(spec)
    }

    /// Keys alone.
    pub(super) fn keys(spec: &Spec, keys: usize, key: &dyn Fn(usize, &mut dyn Bind)) -> Result<Columns, EngineError> {
        let mut columns = Columns::new(spec.columns[..key_columns(spec)].iter().map(|column| column.kind), keys);
        for at in 0..keys {
            columns.at = 0;
            key(at, &mut columns);
        }
        columns.checked(spec)
    }

    /// Both keys of each range and its limit.
    pub(super) fn ranges(
        spec: &Spec,
        limits: &[usize],
        ends: &dyn Fn(usize, &mut dyn Bind),
    ) -> Result<Columns, EngineError> {
        let kinds: Vec<Kind> = spec.columns[..key_columns(spec)].iter().map(|column| column.kind).collect();
        let mut columns = Columns::new(kinds.iter().chain(&kinds).copied().chain([Kind::Int]), limits.len());
        columns.ends = spec.key == KeyShape::TenantSeq;
        for (at, limit) in limits.iter().enumerate() {
            columns.at = 0;
            ends(at, &mut columns);
            columns.int(i64::try_from(*limit).unwrap_or(i64::MAX));
        }
        columns.checked(spec)
    }

    pub(super) fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.cells.iter().map(Cells::parameter).collect()
    }

    fn new(kinds: impl Iterator<Item = Kind>, rows: usize) -> Columns {
        let cells = kinds.map(|kind| match kind {
            Kind::Int => Cells::Int(Vec::with_capacity(rows)),
            Kind::Big => Cells::Big(Vec::with_capacity(rows)),
            Kind::Text => Cells::Text(Vec::with_capacity(rows)),
            Kind::Blob => Cells::Blob(Vec::with_capacity(rows)),
        });
        Columns { cells: cells.collect(), at: 0, sum: RowSum::new(), ends: false, wrong: None }
    }

    fn checked(self, spec: &Spec) -> Result<Columns, EngineError> {
        match self.wrong {
            Some(why) => Err(EngineError::Constraint(format!("{} ({why})", spec.name))),
            None => Ok(self),
        }
    }

    fn next(&mut self) -> Option<&mut Cells> {
        self.at += 1;
        self.cells.get_mut(self.at - 1)
    }
}

/// How many columns a key has.
pub(super) fn key_columns(spec: &Spec) -> usize {
    match spec.key {
        KeyShape::TenantSeq => 2,
        KeyShape::First(columns) => columns,
    }
}

impl Bind for Columns {
    fn int(&mut self, value: i64) {
        self.sum.int(value);
        let value = if self.ends && value < 0 { i64::MAX } else { value };
        match self.next() {
            Some(Cells::Int(values)) => values.push(Some(value)),
            _ => self.wrong = Some(TYPE),
        }
    }

    fn big(&mut self, value: i128) {
        self.sum.blob(&value.to_be_bytes());
        match self.next() {
            Some(Cells::Big(values)) => values.push(Some(Numeric(value))),
            _ => self.wrong = Some(TYPE),
        }
    }

    fn text(&mut self, value: &str) {
        self.sum.text(value.as_bytes());
        if value.contains('\0') {
            self.wrong = Some("a text with the character 0, which PostgreSQL cannot keep");
        }
        match self.next() {
            Some(Cells::Text(values)) => values.push(Some(value.to_owned())),
            _ => self.wrong = Some(TYPE),
        }
    }

    fn blob(&mut self, value: &[u8]) {
        self.sum.blob(value);
        match self.next() {
            Some(Cells::Blob(values)) => values.push(Some(value.to_vec())),
            _ => self.wrong = Some(TYPE),
        }
    }

    fn null(&mut self) {
        self.sum.null();
        match self.next() {
            Some(Cells::Int(values)) => values.push(None),
            Some(Cells::Big(values)) => values.push(None),
            Some(Cells::Text(values)) => values.push(None),
            Some(Cells::Blob(values)) => values.push(None),
            None => self.wrong = Some(TYPE),
        }
    }
}
