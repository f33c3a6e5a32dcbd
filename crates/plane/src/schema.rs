//! The plane's tables, in slot order: head 0, journal 1, claim 2 are the store's own.

use std::str::FromStr;

use base::TenantId;
pub(crate) use store::tenant;
use store::{Corrupt, Migration, Schema, Take};

use crate::books::AccountRow;
use crate::deeds::DeedRow;
use crate::grants::{KeyRow, TenantRow};
use crate::kyc::SubjectRow;
use crate::members::{ChangeRow, LeaseRow, ProcessRow};
use crate::payouts::{DueRow, TransferRow};
use crate::spending::{SpendRow, WindowRow};
use crate::standing::StandingRow;
use crate::usage::UsageRow;
use crate::wishes::WishRow;

const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    sqlite: concat!(store::own_tables!(), include_str!("../migrations/sqlite/0001.sql")),
    postgres: concat!(store::own_tables_postgres!(), include_str!("../migrations/postgres/0001.sql")),
}];

/// For commands that look at a store without opening the plane.
pub fn schema() -> Schema {
    Schema::new("plane", MIGRATIONS)
        .with::<TenantRow>()
        .with::<crate::grants::TenantIdRow>()
        .with::<KeyRow>()
        .with::<AccountRow>()
        .with::<TransferRow>()
        .with::<SubjectRow>()
        .with::<WindowRow>()
        .with::<SpendRow>()
        .with::<DueRow>()
        .with::<ProcessRow>()
        .with::<ChangeRow>()
        .with::<LeaseRow>()
        .with::<StandingRow>()
        .with::<WishRow>()
        .with::<UsageRow>()
        .with::<DeedRow>()
}

pub(crate) fn tenant_id(from: &mut dyn Take) -> Result<TenantId, Corrupt> {
    TenantId::from_str(from.text()?).map_err(|_| from.corrupt("tenant id"))
}
