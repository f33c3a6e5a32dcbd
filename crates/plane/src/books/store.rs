//! The account rows.

use ::store::{Bind, Column, Corrupt, KeyShape, Kind, Locked, Row, Spec, Take, TenantNo};
use base::Asset;
use ledger::{Account, Floor, Side};

use super::state::AccountName;

/// One account of one tenant: four running totals and how far it may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    pub tenant: TenantNo,
    pub name: AccountName,
    pub account: Account,
}

impl Row for AccountRow {
    type Key = (TenantNo, AccountName);
    const SLOT: usize = 6;
    const SPEC: Spec = Spec {
        name: "account",
        columns: &[
            Column::new("tenant", Kind::Int),
            Column::new("name", Kind::Int),
            Column::new("asset", Kind::Text),
            Column::new("decimals", Kind::Int),
            Column::new("normal", Kind::Int),
            Column::new("overdraft", Kind::Big),
            Column::new("debits_posted", Kind::Big),
            Column::new("credits_posted", Kind::Big),
            Column::new("debits_held", Kind::Big),
            Column::new("credits_held", Kind::Big),
        ],
        key: KeyShape::First(2),
        keep: 50_000,
        locked: Locked::ByHead,
    };

    fn key(&self) -> Self::Key {
        (self.tenant, self.name)
    }

    fn write_key(key: &Self::Key, out: &mut dyn Bind) {
        out.int(i64::from(key.0));
        out.int(key.1 as i64);
    }

    fn write(&self, out: &mut dyn Bind) {
        let account = &self.account;
        AccountRow::write_key(&self.key(), out);
        out.text(account.asset.code());
        out.int(i64::from(account.asset.decimals()));
        out.int(i64::from(account.normal == Side::Credit));
        match account.floor {
            Floor::Overdraft(minor) => out.big(minor),
            Floor::Unlimited => out.big(-1),
        }
        out.big(account.debits_posted);
        out.big(account.credits_posted);
        out.big(account.debits_held);
        out.big(account.credits_held);
    }

    fn read(from: &mut dyn Take) -> Result<AccountRow, Corrupt> {
        let tenant = crate::schema::tenant(from)?;
        let name = match from.int()? {
            1 => AccountName::Agent,
            2 => AccountName::Rail,
            3 => AccountName::Funding,
            _ => return Err(from.corrupt("an account of no known name")),
        };
        let code = from.text()?.to_owned();
        let decimals = u8::try_from(from.int()?).map_err(|_| from.corrupt("decimals"))?;
        let asset = known_asset(&code, decimals).ok_or_else(|| from.corrupt("an asset of no known code"))?;
        let normal = if from.int()? == 1 { Side::Credit } else { Side::Debit };
        let floor = match from.big()? {
            -1 => Floor::Unlimited,
            minor => Floor::Overdraft(minor),
        };
        let account = Account {
            asset,
            normal,
            floor,
            debits_posted: from.big()?,
            credits_posted: from.big()?,
            debits_held: from.big()?,
            credits_held: from.big()?,
        };
        Ok(AccountRow { tenant, name, account })
    }
}

fn known_asset(code: &str, decimals: u8) -> Option<Asset> {
    (Asset::USD.code() == code && Asset::USD.decimals() == decimals).then_some(Asset::USD)
}
