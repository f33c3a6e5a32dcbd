//! The rows of windows and of the spends in them.

use ::store::{Bind, Column, Corrupt, KeyShape, Kind, Locked, Row, Spec, Take, TenantNo};
use base::{KeyId, Time};

/// What one key has spent in its window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowRow {
    pub tenant: TenantNo,
    pub name: KeyId,
    /// In minor units.
    pub total: i128,
    /// Spends before this time are out of `total` and removed.
    pub tail: Time,
}

/// What one key spent at one instant that still counts: all its transfers of one batch together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpendRow {
    pub tenant: TenantNo,
    pub name: KeyId,
    pub at: Time,
    /// In minor units.
    pub amount: i128,
}

impl Row for WindowRow {
    type Key = (TenantNo, KeyId);
    const SLOT: usize = 9;
    const SPEC: Spec = Spec {
        name: "spend_window",
        columns: &[
            Column::new("tenant", Kind::Int),
            Column::new("name", Kind::Text),
            Column::new("total", Kind::Big),
            Column::new("tail", Kind::Int),
        ],
        key: KeyShape::First(2),
        keep: 10_000,
        locked: Locked::ByHead,
    };

    fn key(&self) -> Self::Key {
        (self.tenant, self.name)
    }

    fn write_key(key: &Self::Key, out: &mut dyn Bind) {
        out.int(i64::from(key.0));
        out.text(key.1.as_str());
    }

    fn write(&self, out: &mut dyn Bind) {
        WindowRow::write_key(&self.key(), out);
        out.big(self.total);
        out.int(self.tail.0);
    }

    fn read(from: &mut dyn Take) -> Result<WindowRow, Corrupt> {
        let tenant = crate::schema::tenant(from)?;
        let name = from.text()?.parse().map_err(|_| from.corrupt("key id"))?;
        Ok(WindowRow { tenant, name, total: from.big()?, tail: Time(from.int()?) })
    }
}

impl Row for SpendRow {
    type Key = (TenantNo, KeyId, Time);
    const SLOT: usize = 10;
    const SPEC: Spec = Spec {
        name: "spend",
        columns: &[
            Column::new("tenant", Kind::Int),
            Column::new("name", Kind::Text),
            Column::new("at", Kind::Int),
            Column::new("amount", Kind::Big),
        ],
        key: KeyShape::First(3),
        keep: 0,
        locked: Locked::ByHead,
    };

    fn key(&self) -> Self::Key {
        (self.tenant, self.name, self.at)
    }

    fn write_key(key: &Self::Key, out: &mut dyn Bind) {
        out.int(i64::from(key.0));
        out.text(key.1.as_str());
        out.int(key.2.0);
    }

    fn write(&self, out: &mut dyn Bind) {
        SpendRow::write_key(&self.key(), out);
        out.big(self.amount);
    }

    fn read(from: &mut dyn Take) -> Result<SpendRow, Corrupt> {
        let tenant = crate::schema::tenant(from)?;
        let name = from.text()?.parse().map_err(|_| from.corrupt("key id"))?;
        Ok(SpendRow { tenant, name, at: Time(from.int()?), amount: from.big()? })
    }
}
