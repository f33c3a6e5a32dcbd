//! What tenants use of this plane: so many of a thing in a calendar month (UTC, the plane's time, wherever a tenant's
//! sandbox clock stands). Refuses nothing: what is counted here has happened.
//!
//! Life of a count: begun by the first of its month → raised in the transaction that makes the counted thing final, once for
//! each → carried to the tenant's next number by a reset, which undoes no use.

mod store;

use std::collections::BTreeMap;

use ::store::{Missing, TenantNo, Tx};
use base::{Fault, Month, TenantId};

use crate::Plane;
use crate::grants::TenantIdRow;

pub use store::UsageRow;

/// Transfers that were paid.
pub const TRANSFERS: &str = "transfers";

/// What one tenant used in one month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Used {
    pub tenant: TenantId,
    /// By what is counted; what there was none of is left out.
    pub meters: BTreeMap<String, u64>,
}

/// Asks for the row that [`paid`] changes.
pub(crate) fn want(tx: &mut Tx<'_>, tenant: TenantNo) {
    let key = (tenant, Month::of(tx.now()).number(), TRANSFERS.to_owned());
    tx.want::<UsageRow>(&key);
}

/// Counts transfers of one tenant that this operation settles.
pub(crate) fn paid(tx: &mut Tx<'_>, tenant: TenantNo, transfers: u64) -> Result<(), Missing> {
    if transfers == 0 {
        return Ok(());
    }
    let (month, meter) = (Month::of(tx.now()).number(), TRANSFERS.to_owned());
    let before = tx.get::<UsageRow>(&(tenant, month, meter.clone()))?.map_or(0, |row| row.count);
    tx.put(UsageRow { tenant, month, meter, count: before.saturating_add(transfers) });
    Ok(())
}

/// More rows than a tenant gets in a lifetime of months.
const ROWS_MOST: usize = 10_000;

/// Brings a tenant's counts to its next number, which has none yet. The old rows are swept with the old number.
pub(crate) fn carry(tx: &mut Tx<'_>, from: TenantNo, to: TenantNo) -> Result<(), Missing> {
    let first = |tenant| (tenant, 0, String::new());
    for row in tx.walk::<UsageRow>(&first(from), &first(from + 1), ROWS_MOST)? {
        tx.add(UsageRow { tenant: to, ..row });
    }
    Ok(())
}

/// What these tenants used in this month, as committed. A tenant without a count, or unknown here, is left out.
pub fn of(plane: &Plane, month: Month, tenants: &[TenantId]) -> Result<Vec<Used>, Fault> {
    let month = month.number();
    plane.store().read(|reader| {
        let ids: Vec<String> = tenants.iter().map(TenantId::to_string).collect();
        let numbers = reader.gets::<TenantIdRow>(&ids)?;
        let known: Vec<(&TenantId, TenantNo)> =
            tenants.iter().zip(numbers).filter_map(|(id, row)| Some((id, row?.tenant))).collect();
        let range = |tenant| ((tenant, month, String::new()), (tenant, month + 1, String::new()), ROWS_MOST);
        let ranges: Vec<_> = known.iter().map(|(_, number)| range(*number)).collect();
        let counts = reader.walks::<UsageRow>(&ranges)?;
        let used = known.into_iter().zip(counts).filter(|(_, rows)| !rows.is_empty()).map(|((tenant, _), rows)| {
            let meters = rows.into_iter().map(|row| (row.meter, row.count)).collect();
            Used { tenant: tenant.clone(), meters }
        });
        Ok(used.collect())
    })
}
