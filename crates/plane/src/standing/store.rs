//! The row of a standing. It is named by the tenant's id and not by its number, which a reset changes.

use ::store::{Bind, Column, Corrupt, KeyShape, Kind, Locked, Row, Spec, Take};

use super::Standing;

/// A tenant's standing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingRow {
    /// The tenant's public id.
    pub id: String,
    pub standing: Standing,
}

impl Row for StandingRow {
    type Key = String;
    const SLOT: usize = 15;
    const SPEC: Spec = Spec {
        name: "standing",
        columns: &[Column::new("id", Kind::Text), Column::new("body", Kind::Text)],
        key: KeyShape::First(1),
        keep: 5_000,
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
        // Plain values: this cannot fail.
        out.text(&serde_json::to_string(&self.standing).unwrap_or_default());
    }

    fn read(from: &mut dyn Take) -> Result<StandingRow, Corrupt> {
        let id = from.text()?.to_owned();
        let standing = serde_json::from_str(from.text()?);
        Ok(StandingRow { id, standing: standing.map_err(|_| from.corrupt("standing"))? })
    }
}
