//! Which way a choice goes, and what an event makes of a checkout and of the plan that it pays for. Pure.

use base::{Amount, Time};

use super::CheckoutRow;
use super::event::{Event, What};
use crate::plans::{PlanRow, Terms};

/// Why a plan was not chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("prove that it is you first")]
    StepUpRequired,
    #[error("no plan of this product has this tier")]
    TierUnknown,
    #[error("the tenant has this plan")]
    Same,
    #[error("the payment provider does not answer")]
    ProviderDown,
}

/// How a tenant comes to a tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Pay(Amount),
    Ask,
}

/// `has` is the tier that the tenant has, `running` whether a subscription pays for it.
pub(super) fn way(has: &str, running: bool, wanted: &Terms, provider: bool) -> Result<Way, Refusal> {
    if has == wanted.tier() {
        return Err(Refusal::Same);
    }
    let price = wanted.price().filter(|price| price.minor > 0 && provider && !running);
    Ok(price.map_or(Way::Ask, Way::Pay))
}

/// A checkout after an event. Paid and ended stay so, and an older word about a subscription changes nothing of a newer one:
/// so the order in which events come does not matter.
pub(super) fn after(row: CheckoutRow, event: &Event, now: Time) -> CheckoutRow {
    match &event.what {
        What::Paid { subscription } => {
            let subscription = row.subscription.clone().or_else(|| subscription.clone());
            CheckoutRow { paid_at: row.paid_at.or(Some(now)), subscription, ..row }
        }
        What::Stands { subscription, period_end, cancel_at_end } if event.at >= row.as_of => CheckoutRow {
            subscription: Some(subscription.clone()),
            period_end: period_end.and_then(time_of).or(row.period_end),
            cancel_at_end: *cancel_at_end,
            as_of: event.at,
            ..row
        },
        What::Stands { .. } => row,
        What::Ended => CheckoutRow { ended_at: row.ended_at.or(Some(now)), ..row },
    }
}

/// The plan after its checkout went from `before` to `after`. A checkout takes the plan over when it is paid, and gives it
/// back to the `first` tier when it ends while it still pays for it. A tier that the operator set since then stays.
pub(super) fn plan_after(plan: &PlanRow, before: &CheckoutRow, after: &CheckoutRow, first: &str, now: Time) -> PlanRow {
    let takes_over = before.paid_at.is_none() && after.paid_at.is_some() && after.ended_at.is_none();
    let pays = takes_over || plan.checkout.as_ref() == Some(&after.id);
    if !pays {
        return plan.clone();
    }
    if after.ended_at.is_some() {
        let own = plan.tier == after.tier;
        let tier = if own { first.to_owned() } else { plan.tier.clone() };
        let since = if tier == plan.tier { plan.since } else { now };
        let none = (None, None, None);
        let (checkout, subscription, period_end) = none;
        return PlanRow { tier, since, checkout, subscription, period_end, cancel_at_end: false, ..plan.clone() };
    }
    let tier = if takes_over { after.tier.clone() } else { plan.tier.clone() };
    let answered = plan.requested.clone().filter(|requested| requested.tier != tier);
    PlanRow {
        since: if tier == plan.tier { plan.since } else { now },
        tier,
        checkout: Some(after.id.clone()),
        subscription: after.subscription.clone(),
        period_end: after.period_end,
        cancel_at_end: after.cancel_at_end,
        requested: answered,
        ..plan.clone()
    }
}

/// The subscription that goes on at the provider though another one pays for the plan from now on: somebody paid twice.
pub(super) fn paid_beside<'a>(plan: &'a PlanRow, then: &PlanRow) -> Option<&'a str> {
    let another = plan.checkout.is_some() && then.checkout.is_some() && then.checkout != plan.checkout;
    plan.subscription.as_deref().filter(|_| another)
}

fn time_of(seconds: i64) -> Option<Time> {
    seconds.checked_mul(1_000_000).map(Time)
}
