//! The row of a wish. It is named by the tenant's id: a claim belongs to a tenant's number and goes with it at a reset, while
//! the key that was minted stays.

use ::store::{Bind, Column, Corrupt, KeyShape, Kind, Locked, Row, Spec, Take};
use base::TenantId;

use super::state::Wished;

/// One wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WishRow {
    pub owner: TenantId,
    pub id: String,
    pub wished: Wished,
}

impl Row for WishRow {
    /// Owner and id.
    type Key = (String, String);
    const SLOT: usize = 16;
    const SPEC: Spec = Spec {
        name: "wish",
        columns: &[Column::new("owner", Kind::Text), Column::new("id", Kind::Text), Column::new("body", Kind::Text)],
        key: KeyShape::First(2),
        keep: 2_000,
        locked: Locked::ByHead,
    };

    fn key(&self) -> (String, String) {
        (self.owner.to_string(), self.id.clone())
    }

    fn write_key((owner, id): &(String, String), out: &mut dyn Bind) {
        out.text(owner);
        out.text(id);
    }

    fn write(&self, out: &mut dyn Bind) {
        WishRow::write_key(&self.key(), out);
        // Plain values: this cannot fail.
        out.text(&serde_json::to_string(&self.wished).unwrap_or_default());
    }

    fn read(from: &mut dyn Take) -> Result<WishRow, Corrupt> {
        let (owner, id) = (crate::schema::tenant_id(from)?, from.text()?.to_owned());
        let wished = serde_json::from_str(from.text()?);
        Ok(WishRow { owner, id, wished: wished.map_err(|_| from.corrupt("wish"))? })
    }
}
