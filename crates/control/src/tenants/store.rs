//! The row of a tenant.

use ::store::{Bind, Column, Corrupt, KeyShape, Kind, Locked, Row, Spec, Take};
use base::{TenantId, Time};

/// One customer of the platform, as control knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    pub id: TenantId,
    pub name: String,
    pub created_at: Time,
}

impl Row for Tenant {
    /// The id as text, `tnt_…`.
    type Key = String;
    const SLOT: usize = 3;
    const SPEC: Spec = Spec {
        name: "tenant",
        columns: &[
            Column::new("id", Kind::Text),
            Column::new("name", Kind::Text),
            Column::new("created_at", Kind::Int),
        ],
        key: KeyShape::First(1),
        keep: 1_000,
        locked: Locked::ByHead,
    };

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn write_key(key: &String, out: &mut dyn Bind) {
        out.text(key);
    }

    fn write(&self, out: &mut dyn Bind) {
        out.text(&self.id.to_string());
        out.text(&self.name);
        out.int(self.created_at.0);
    }

    fn read(from: &mut dyn Take) -> Result<Tenant, Corrupt> {
        let id = from.text()?.parse().map_err(|_| from.corrupt("tenant id"))?;
        Ok(Tenant { id, name: from.text()?.to_owned(), created_at: Time(from.int()?) })
    }
}
