//! Plans: which tier of each product a tenant has. Prices and what a tier includes are the configuration's; a row says which
//! one it is, since when, and what pays for it.
//!
//! Refuses in this order: an unknown tenant, an unknown tier. Life of a plan: the first tier → another one, set by the operator
//! or paid for (see `billing`), any number of times. A tier that a tenant falls back to closes nothing that is open.

mod state;
mod store;
#[cfg(test)]
mod tests;

use ::store::{Halt, Missing, Tx};
use base::{Environment, Fault, Stop, TenantId, Time};
use serde_json::json;

use crate::mail::{self, Kind};
use crate::notifications::{self, News};
use crate::proof::{Operator, Permit};
use crate::{Control, Tenant, audit};

pub use state::{Charges, PRICE, PacspacePlan, PaychainPlan, Plans, Product, Refusal, Terms, charges};
pub(crate) use store::get;
pub use store::{PlanRow, Requested};

/// A tenant's plan of one product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanView {
    pub product: Product,
    pub tier: String,
    /// `None` where the configuration does not name the tier any more.
    pub terms: Option<Terms>,
    pub subscription: Option<String>,
    pub period_end: Option<Time>,
    pub cancel_at_end: bool,
    /// What waits for the operator's word.
    pub requested: Option<Requested>,
}

/// The plan of the permit's tenant.
pub fn of(control: &Control, permit: &Permit, product: Product) -> Result<PlanView, Fault> {
    view_of(control, permit.session().tenant(), product)
}

/// By the operator, of any tenant: of each product.
pub fn show(control: &Control, _: &Operator, tenant: &TenantId) -> Result<[PlanView; 2], Fault> {
    let [pacspace, paychain] = Product::ALL.map(|product| view_of(control, tenant, product));
    Ok([pacspace?, paychain?])
}

/// Tenants that asked for another plan and wait for the operator's word.
pub fn requests(control: &Control, _: &Operator) -> Result<Vec<PlanRow>, Fault> {
    let rows = control.store().read(|reader| reader.select::<PlanRow>("1 = 1 ORDER BY of, product"))?;
    Ok(rows.into_iter().filter(|row| row.requested.is_some()).collect())
}

/// The operator's word: the tenant has this tier from now on, and what it asked for is answered. Its owners hear of a change.
pub async fn set(
    control: &Control,
    operator: &Operator,
    tenant: &TenantId,
    product: Product,
    tier: &str,
) -> Result<PlanView, Stop<Refusal>> {
    let terms = control.settings().plans.terms(product, tier).ok_or(Stop::Refused(Refusal::TierUnknown))?;
    let (of, first, act) = (tenant.clone(), control.settings().plans.first(product), operator.act());
    let letter = mail::draw(control);
    let run = move |tx: &mut Tx<'_>| {
        let known = tx.get::<Tenant>(&of.to_string())?.ok_or(Halt::Refused(Refusal::Unknown))?;
        let row = get(tx, &of, product, &first)?;
        if row.tier == terms.tier() && row.requested.is_none() {
            return Ok(seen(&row, Some(terms.clone())));
        }
        let facts = json!({"product": product.word(), "from": row.tier, "to": terms.tier()});
        audit::append::<Refusal>(tx, &act, Some(&of), "plan_set", facts)?;
        let changed = row.tier != terms.tier();
        let since = if changed { tx.now() } else { row.since };
        let row = PlanRow { tier: terms.tier().to_owned(), since, requested: None, ..row };
        if changed {
            tell(tx, &letter, &known.name, &row)?;
        }
        tx.put(row.clone());
        Ok(seen(&row, Some(terms.clone())))
    };
    control.run(run).await
}

/// Whether one of a tenant's plans opens live.
pub(crate) fn open_live(tx: &mut Tx<'_>, plans: &Plans, of: &TenantId) -> Result<bool, Missing> {
    for product in Product::ALL {
        let row = get(tx, of, product, &plans.first(product))?;
        if plans.terms(product, &row.tier).is_some_and(|terms| terms.live()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The owners hear of another plan.
pub(crate) fn tell(tx: &mut Tx<'_>, letter: &str, company: &str, row: &PlanRow) -> Result<(), Missing> {
    let facts = json!({"company": company, "product": row.product.word(), "tier": row.tier});
    let (environment, kind) = (Environment::Live, Kind::PlanChanged);
    notifications::tell(tx, letter, &News { of: &row.of, environment, by: None, kind, facts: &facts })
}

fn view_of(control: &Control, of: &TenantId, product: Product) -> Result<PlanView, Fault> {
    let row = control.store().read(|reader| reader.get::<PlanRow>(&PlanRow::keyed(of, &product)))?;
    let plans = &control.settings().plans;
    let row = row.unwrap_or_else(|| store::first(of, product, plans.first(product)));
    Ok(seen(&row, plans.terms(product, &row.tier)))
}

fn seen(row: &PlanRow, terms: Option<Terms>) -> PlanView {
    PlanView {
        product: row.product,
        tier: row.tier.clone(),
        terms,
        subscription: row.subscription.clone(),
        period_end: row.period_end,
        cancel_at_end: row.cancel_at_end,
        requested: row.requested.clone(),
    }
}
