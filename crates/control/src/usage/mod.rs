//! What tenants use, as the planes count it: control asks, keeps the last answer, and says what it comes to under a plan.
//! Refuses nothing.
//!
//! Life of a count: begun by a plane → asked for again and again while its month lasts, and a day longer → kept. A plane that
//! is away leaves the last answer standing, with its time.

mod state;
mod store;
#[cfg(test)]
mod tests;

use ::store::{Direction, Reader, Tx};
use base::{Environment, Fault, Month, Span, TenantId, Time};

use crate::environments::{self, EnvironmentRow};
use crate::planes::{Ask, Planes, Reply, Used};
use crate::plans::{self, Charges, Product, Terms};
use crate::proof::Permit;
use crate::{Control, NotDone};

pub use state::{Counted, METERS};
pub use store::UsageRow;

/// One month of a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Usage {
    pub period: Month,
    /// Deltas that count against the plan: of this month, or ever where the plan includes some for life.
    pub deltas: u64,
    /// What those come to; `None` where the configuration does not know the plan any more.
    pub charges: Option<Charges>,
    /// Of each environment that somebody has counted.
    pub counted: Vec<(Environment, Counted)>,
}

/// What the permit's tenant used in a month: as the planes say now, and as they said last where one is away.
pub async fn of(control: &Control, planes: &dyn Planes, permit: &Permit, month: Month) -> Result<Usage, Fault> {
    let tenant = permit.session().tenant();
    let rows = control.store().read(|reader| all_of(reader, tenant))?;
    let mut counts = state::Counts::of(rows);
    for environment in environments::known(control, tenant)? {
        let ask = Ask::Usage { month, tenants: vec![tenant.clone()] };
        match planes.ask(environment, ask).await {
            Ok(Reply::Usage(used)) => {
                let meters = used.into_iter().next().map(|used| used.meters).unwrap_or_default();
                counts.put(month, environment, Counted { as_of: control.now(), meters });
            }
            Ok(_) => return Err(Fault::new("the plane answered something else than usage")),
            Err(NotDone::Unreachable { .. } | NotDone::Refused(_)) => {}
        }
    }
    let plan = match plans::of(control, permit, Product::Pacspace)?.terms {
        Some(Terms::Pacspace(plan)) => Some(plan),
        _ => None,
    };
    let deltas = counts.deltas(month, plan.as_ref().is_some_and(|plan| plan.for_life));
    let charges = plan.map(|plan| plans::charges(&plan, deltas));
    Ok(Usage { period: month, deltas, charges, counted: counts.in_month(month) })
}

/// Rows of a page. A tenant has one for each environment: an even number of them ends with a tenant.
const PAGE: usize = 200;

/// Some tenants of one environment.
pub struct Page {
    pub tenants: Vec<TenantId>,
    /// Behind whom the next page begins; `None` after the last.
    pub next: Option<TenantId>,
}

/// For the loop: tenants that this environment's plane knows, in the order of their ids, from behind `after` on.
pub fn page(control: &Control, environment: Environment, after: Option<&TenantId>) -> Result<Page, Fault> {
    // Behind every environment of `after`.
    let from = after.map_or_else(Default::default, |after| (after.to_string(), "\u{10FFFF}".to_owned()));
    let to = ("\u{10FFFF}".to_owned(), String::new());
    let walk = |reader: &Reader<'_>| reader.walk::<EnvironmentRow>(&from, &to, Direction::Ascending, PAGE);
    let rows = control.store().read(walk)?;
    let next = (rows.len() == PAGE).then(|| rows.last().map(|row| row.of.clone())).flatten();
    let here = rows.into_iter().filter(|row| row.environment == environment && row.provisioned_at.is_some());
    Ok(Page { tenants: here.map(|row| row.of).collect(), next })
}

/// The months whose counts may still grow, or grew a moment ago.
pub fn months(now: Time) -> Vec<Month> {
    let mut months = vec![Month::of(Time(now.0.saturating_sub(Span::days(1).0))), Month::of(now)];
    months.dedup();
    months
}

/// Keeps what a plane answered. What it says again is not written again.
pub async fn keep(control: &Control, environment: Environment, month: Month, used: Vec<Used>) -> Result<(), Fault> {
    let known = |reader: &Reader<'_>| {
        let keys: Vec<_> =
            used.iter().map(|used| UsageRow::keyed(&used.tenant, &month.to_string(), &environment)).collect();
        reader.gets::<UsageRow>(&keys)
    };
    let known = control.store().read(known)?;
    let said = |used: &Used, row: Option<UsageRow>| row.is_some_and(|row| row.meters == used.meters);
    let news: Vec<Used> =
        used.into_iter().zip(known).filter(|(used, row)| !said(used, row.clone())).map(|(used, _)| used).collect();
    if news.is_empty() {
        return Ok(());
    }
    let run = move |tx: &mut Tx<'_>| {
        let key = |used: &Used| UsageRow::keyed(&used.tenant, &month.to_string(), &environment);
        news.iter().for_each(|used| tx.want::<UsageRow>(&key(used)));
        for used in &news {
            tx.get::<UsageRow>(&key(used))?;
            let (of, meters, as_of) = (used.tenant.clone(), used.meters.clone(), tx.now());
            tx.put(UsageRow { of, month: month.to_string(), environment, as_of, meters });
        }
        Ok(())
    };
    control.change(run).await
}

fn all_of(reader: &Reader<'_>, tenant: &TenantId) -> Result<Vec<UsageRow>, Fault> {
    let end = |month: &str| (tenant.to_string(), month.to_owned(), String::new());
    reader.walk(&end(""), &end("\u{10FFFF}"), Direction::Ascending, usize::MAX >> 1)
}
