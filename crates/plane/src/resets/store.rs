//! Removing what is behind a number, table by table.

use ::store::{Claim, Entry, Head, Missing, Row, TenantNo, Tx};
use base::{KeyId, Time};

use crate::books::{AccountName, AccountRow};
use crate::grants::TenantRow;
use crate::kyc::SubjectRow;
use crate::payouts::{DueRow, TransferRow};
use crate::spending::{SpendRow, WindowRow};
use crate::usage::UsageRow;

pub(super) struct Removed {
    pub(super) rows: usize,
    pub(super) open_transfers: i64,
    /// Nothing is left, the number itself included.
    pub(super) all: bool,
}

/// Removes at most `most` rows. Claims go first, so that a claim never points at an entry that is gone.
pub(super) fn remove(tx: &mut Tx<'_>, tenant: TenantNo, most: usize) -> Result<Removed, Missing> {
    let mut broom = Broom { left: most, tenant };
    let mut open_transfers = 0;
    let first = first_key_id();
    broom.sweep::<Claim>(tx, |tenant| (tenant, 0, "".into()), |_| ())?;
    broom.sweep::<DueRow>(tx, |tenant| (tenant, false, Time(i64::MIN), 0), |_| open_transfers += 1)?;
    broom.sweep::<TransferRow>(tx, |tenant| (tenant, 0), |_| ())?;
    broom.sweep::<Entry>(tx, |tenant| (tenant, 0), |_| ())?;
    broom.sweep::<SubjectRow>(tx, |tenant| (tenant, "".into()), |_| ())?;
    broom.sweep::<SpendRow>(tx, |tenant| (tenant, first, Time(i64::MIN)), |_| ())?;
    broom.sweep::<WindowRow>(tx, |tenant| (tenant, first), |_| ())?;
    broom.sweep::<UsageRow>(tx, |tenant| (tenant, 0, String::new()), |_| ())?;
    broom.sweep::<AccountRow>(tx, |tenant| (tenant, AccountName::Agent), |_| ())?;
    broom.sweep::<Head>(tx, |tenant| tenant, |_| ())?;
    // The row of the number itself goes last: as long as it is there, the sweep comes back.
    broom.sweep::<TenantRow>(tx, |tenant| tenant, |_| ())?;
    Ok(Removed { rows: most - broom.left, open_transfers, all: broom.left > 0 })
}

struct Broom {
    left: usize,
    tenant: TenantNo,
}

impl Broom {
    /// Removes rows of one table as long as there is room; `first` gives the lowest key of a number.
    fn sweep<R: Row>(
        &mut self,
        tx: &mut Tx<'_>,
        first: impl Fn(TenantNo) -> R::Key,
        mut gone: impl FnMut(&R),
    ) -> Result<(), Missing> {
        if self.left == 0 {
            return Ok(());
        }
        let rows = tx.walk::<R>(&first(self.tenant), &first(self.tenant + 1), self.left)?;
        for row in &rows {
            gone(row);
            tx.remove::<R>(&row.key());
        }
        self.left -= rows.len();
        Ok(())
    }
}

/// The lowest id in the order of ids.
fn first_key_id() -> KeyId {
    "0".repeat(KeyId::LENGTH).parse().unwrap_or_else(|_| unreachable!("zeros are in the alphabet of ids"))
}
