//! The row of a count. It begins with the tenant's number, so that whoever settles transfers needs no other lock for it.

use ::store::{Bind, Column, Corrupt, KeyShape, Kind, Locked, Row, Spec, Take, TenantNo};

/// How many of one thing in one month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRow {
    pub tenant: TenantNo,
    /// [`base::Month::number`].
    pub month: i64,
    pub meter: String,
    pub count: u64,
}

impl Row for UsageRow {
    type Key = (TenantNo, i64, String);
    const SLOT: usize = 17;
    const SPEC: Spec = Spec {
        name: "usage",
        columns: &[
            Column::new("tenant", Kind::Int),
            Column::new("month", Kind::Int),
            Column::new("meter", Kind::Text),
            Column::new("count", Kind::Int),
        ],
        key: KeyShape::First(3),
        keep: 5_000,
        locked: Locked::ByHead,
    };

    fn key(&self) -> Self::Key {
        (self.tenant, self.month, self.meter.clone())
    }

    fn write_key(key: &Self::Key, out: &mut dyn Bind) {
        out.int(i64::from(key.0));
        out.int(key.1);
        out.text(&key.2);
    }

    fn write(&self, out: &mut dyn Bind) {
        UsageRow::write_key(&self.key(), out);
        out.int(self.count.cast_signed());
    }

    fn read(from: &mut dyn Take) -> Result<UsageRow, Corrupt> {
        let (tenant, month) = (crate::schema::tenant(from)?, from.int()?);
        Ok(UsageRow { tenant, month, meter: from.text()?.to_owned(), count: from.int()?.cast_unsigned() })
    }
}
