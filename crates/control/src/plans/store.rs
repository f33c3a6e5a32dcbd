//! The row of a plan. A tenant without one has the first tier.

use ::store::{Missing, Tx};
use base::{TenantId, Time, UserId};
use serde::{Deserialize, Serialize};

use super::state::Product;
use crate::json_row::json_row;

json_row! {
    /// Which tier of one product a tenant has.
    #[derive(Clone, Debug, PartialEq)]
    PlanRow, slot 20, "plan", keep 5_000,
    key {
        of: TenantId,
        product: Product,
    }
    body {
        tier: String,
        since: Time,
        /// The checkout that pays for it; none where the operator says so.
        checkout: Option<String>,
        /// What the provider calls that.
        subscription: Option<String>,
        /// Until when it is paid.
        period_end: Option<Time>,
        /// Whether it ends then.
        cancel_at_end: bool,
        requested: Option<Requested>,
    }
}

/// Another tier that somebody of the tenant asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requested {
    pub tier: String,
    pub by: UserId,
    pub at: Time,
}

/// The row as it is, or as it is before there is one.
pub(crate) fn get(tx: &mut Tx<'_>, of: &TenantId, product: Product, tier: &str) -> Result<PlanRow, Missing> {
    let found = tx.get::<PlanRow>(&PlanRow::keyed(of, &product))?;
    Ok(found.unwrap_or_else(|| first(of, product, tier.to_owned())))
}

pub(super) fn first(of: &TenantId, product: Product, tier: String) -> PlanRow {
    PlanRow {
        of: of.clone(),
        product,
        tier,
        since: Time(0),
        checkout: None,
        subscription: None,
        period_end: None,
        cancel_at_end: false,
        requested: None,
    }
}
