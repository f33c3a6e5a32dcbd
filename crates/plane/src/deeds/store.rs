//! The row of a tenant's deeds. It is named by the tenant's id and not by its number, which a reset changes.

use ::store::{Bind, Column, Corrupt, KeyShape, Kind, Locked, Row, Spec, Take};

/// A set of [`base::Deed`]s.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeedRow {
    /// The tenant's public id.
    pub id: String,
    pub deeds: u64,
}

impl Row for DeedRow {
    type Key = String;
    const SLOT: usize = 18;
    const SPEC: Spec = Spec {
        name: "deed",
        columns: &[Column::new("id", Kind::Text), Column::new("deeds", Kind::Int)],
        key: KeyShape::First(1),
        keep: 2_000,
        locked: Locked::ByHead,
    };

    fn key(&self) -> String {
        self.id.clone()
    }

    fn write_key(key: &String, out: &mut dyn Bind) {
        out.text(key);
    }

    fn write(&self, out: &mut dyn Bind) {
        out.text(&self.id);
        out.int(self.deeds.cast_signed());
    }

    fn read(from: &mut dyn Take) -> Result<DeedRow, Corrupt> {
        Ok(DeedRow { id: from.text()?.to_owned(), deeds: from.int()?.cast_unsigned() })
    }
}
