//! What a stored row is: a typed value that can write itself as columns and read itself back.

use std::hash::Hash;

/// The small number that stands for a tenant inside one store: below 2^19, so that a packed key fits 18 decimal digits.
pub type TenantNo = u32;

/// The type of a column. Amounts are `Big`: 128 bits on both engines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Int,
    Big,
    Text,
    Blob,
}

#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub name: &'static str,
    pub kind: Kind,
}

impl Column {
    pub const fn new(name: &'static str, kind: Kind) -> Column {
        Column { name, kind }
    }
}

/// Which columns are the key; the tenant always comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyShape {
    /// The first two columns are `tenant` and `seq`. SQLite packs them into its rowid (see [`pack`]).
    TenantSeq,
    /// The first `n` columns.
    First(usize),
}

/// A table as both engines know it. Columns are in the order in which [`Row::write`] writes them, key first.
#[derive(Debug)]
pub struct Spec {
    pub name: &'static str,
    pub columns: &'static [Column],
    pub key: KeyShape,
    /// How many rows of this table stay in memory between batches. Zero for rows that are written once and rarely read.
    pub keep: usize,
    pub locked: Locked,
}

/// What keeps others from changing a row that an operation has read, in a shared store (`docs/store.md`, rule 23).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locked {
    /// The head of its tenant, for which all who read or change the tenant's rows wait.
    ByHead,
    /// The row itself, which any number may read and nobody changes meanwhile. Who changes it has head 0 besides. A row that
    /// is absent is not kept absent.
    ByItself,
}

/// A stored value contradicts what its row type can be.
#[derive(Debug, thiserror::Error)]
#[error("stored row of `{table}` is not readable: {why}")]
pub struct Corrupt {
    pub table: &'static str,
    pub why: String,
}

/// Takes values, column after column.
pub trait Bind {
    fn int(&mut self, value: i64);
    fn big(&mut self, value: i128);
    fn text(&mut self, value: &str);
    fn blob(&mut self, value: &[u8]);
    fn null(&mut self);

    fn opt_int(&mut self, value: Option<i64>) {
        match value {
            Some(value) => self.int(value),
            None => self.null(),
        }
    }

    fn opt_text(&mut self, value: Option<&str>) {
        match value {
            Some(value) => self.text(value),
            None => self.null(),
        }
    }

    fn opt_blob(&mut self, value: Option<&[u8]>) {
        match value {
            Some(value) => self.blob(value),
            None => self.null(),
        }
    }
}

/// Gives values, column after column.
pub trait Take {
    fn int(&mut self) -> Result<i64, Corrupt>;
    fn big(&mut self) -> Result<i128, Corrupt>;
    fn text(&mut self) -> Result<&str, Corrupt>;
    fn blob(&mut self) -> Result<&[u8], Corrupt>;
    fn opt_int(&mut self) -> Result<Option<i64>, Corrupt>;
    fn opt_text(&mut self) -> Result<Option<&str>, Corrupt>;
    fn opt_blob(&mut self) -> Result<Option<&[u8]>, Corrupt>;
    /// An error that names the table being read.
    fn corrupt(&self, why: &str) -> Corrupt;
}

/// A row type. `SLOT` is its place in its store's [`crate::Schema`]; slots 0 to 2 are the store's own tables.
pub trait Row: Clone + PartialEq + Send + Sync + 'static {
    type Key: Clone + Eq + Hash + Ord + Send + Sync + 'static;
    const SLOT: usize;
    const SPEC: Spec;

    fn key(&self) -> Self::Key;
    /// Whether it is likely to be looked at again: a row that is not leaves memory as soon as its batch is durable.
    fn stays_in_memory(&self) -> bool {
        true
    }
    /// Writes the key columns.
    fn write_key(key: &Self::Key, out: &mut dyn Bind);
    /// Writes all columns, key first.
    fn write(&self, out: &mut dyn Bind);
    /// Reads all columns, key first.
    fn read(from: &mut dyn Take) -> Result<Self, Corrupt>;
}

/// The row, if it is the one that was asked for: anything else means that the engine's index is damaged.
pub(crate) fn same_key<R: Row>(row: R, key: &R::Key) -> Result<R, Corrupt> {
    if row.key() == *key {
        return Ok(row);
    }
    Err(Corrupt { table: R::SPEC.name, why: "another row was found under its key".to_owned() })
}

/// The tenant under whose head a row with this key is locked; 0 for rows of no tenant.
pub(crate) fn tenant_of<R: Row>(key: &R::Key) -> TenantNo {
    if R::SPEC.columns.first().is_none_or(|column| column.name != "tenant") {
        return 0;
    }
    let mut first = First(None);
    R::write_key(key, &mut first);
    first.0.and_then(|tenant| TenantNo::try_from(tenant).ok()).unwrap_or(0)
}

/// Takes a key's first value.
pub(crate) struct First(pub(crate) Option<i64>);

impl Bind for First {
    fn int(&mut self, value: i64) {
        self.0.get_or_insert(value);
    }
    fn big(&mut self, _: i128) {}
    fn text(&mut self, _: &str) {}
    fn blob(&mut self, _: &[u8]) {}
    fn null(&mut self) {}
}

/// Bits of a packed key that hold the sequence: a tenant may have 2^40 entries in one store.
pub(crate) const SEQ_BITS: u32 = 40;
const LAST_SEQ: i64 = (1 << SEQ_BITS) - 1;
const LAST_TENANT: i64 = (1 << (63 - SEQ_BITS)) - 1;

/// (tenant, seq) as one integer that sorts by tenant, then by sequence. What lies beyond the representable stops at its
/// ends, so that `(tenant, u64::MAX)` ends a walk over everything that a tenant has.
pub(crate) fn pack(tenant: i64, seq: i64) -> i64 {
    // A sequence above `i64::MAX` arrives as a negative number.
    let seq = if seq < 0 { LAST_SEQ } else { seq.min(LAST_SEQ) };
    if tenant > LAST_TENANT { i64::MAX } else { (tenant << SEQ_BITS) | seq }
}

/// The reverse of [`pack`].
pub(crate) fn unpack(packed: i64) -> (i64, i64) {
    (packed >> SEQ_BITS, packed & LAST_SEQ)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_keys_come_back_and_sort_by_tenant_then_sequence() {
        let keys = [(0, 0), (0, 1), (0, LAST_SEQ), (1, 0), (7, 12_345), (1 << 19, 0), (1 << 19, LAST_SEQ - 1)];
        let packed: Vec<i64> = keys.iter().map(|(tenant, seq)| pack(*tenant, *seq)).collect();
        assert!(packed.is_sorted());
        assert_eq!(packed.into_iter().map(unpack).collect::<Vec<_>>(), keys);
    }

    #[test]
    fn an_end_beyond_every_sequence_stays_inside_its_tenant() {
        let end = pack(3, u64::MAX.cast_signed());
        assert!(pack(3, 1 << 39) < end && end < pack(4, 0));
        assert!(pack(i64::from(TenantNo::MAX), 0) > pack(1 << 19, LAST_SEQ));
    }
}
