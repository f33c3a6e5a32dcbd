//! The rows of receivers about whom something is known.

use ::store::{Bind, Column, Corrupt, KeyShape, Kind, Locked, Row, Spec, Take, TenantNo};
use base::Time;

/// One receiver of one tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectRow {
    pub tenant: TenantNo,
    /// Digits.
    pub phone: Box<str>,
    pub verified: bool,
    /// Overrides the plane's limit.
    pub dollars: Option<u32>,
    pub changed_at: Time,
    pub source: String,
}

impl Row for SubjectRow {
    type Key = (TenantNo, Box<str>);
    const SLOT: usize = 8;
    const SPEC: Spec = Spec {
        name: "subject",
        columns: &[
            Column::new("tenant", Kind::Int),
            Column::new("phone", Kind::Text),
            Column::new("verified", Kind::Int),
            Column::new("dollars", Kind::Int),
            Column::new("changed_at", Kind::Int),
            Column::new("source", Kind::Text),
        ],
        key: KeyShape::First(2),
        keep: 50_000,
        locked: Locked::ByHead,
    };

    fn key(&self) -> Self::Key {
        (self.tenant, self.phone.clone())
    }

    fn write_key(key: &Self::Key, out: &mut dyn Bind) {
        out.int(i64::from(key.0));
        out.text(&key.1);
    }

    fn write(&self, out: &mut dyn Bind) {
        out.int(i64::from(self.tenant));
        out.text(&self.phone);
        out.int(i64::from(self.verified));
        out.opt_int(self.dollars.map(i64::from));
        out.int(self.changed_at.0);
        out.text(&self.source);
    }

    fn read(from: &mut dyn Take) -> Result<SubjectRow, Corrupt> {
        let tenant = crate::schema::tenant(from)?;
        let phone = from.text()?.into();
        let verified = from.int()? != 0;
        let dollars = from.opt_int()?.map(u32::try_from).transpose().map_err(|_| from.corrupt("limit"))?;
        let (changed_at, source) = (Time(from.int()?), from.text()?.to_owned());
        Ok(SubjectRow { tenant, phone, verified, dollars, changed_at, source })
    }
}
