//! Billing: how a tenant comes to another plan. Where a payment provider is there and the tier has a price, at a page of the
//! provider, which then says in signed events what was paid; else by a request that the operator answers.
//!
//! Refuses in this order: an unknown tier, the tier that the tenant has, a provider that does not answer. Life of a checkout:
//! opened → paid → ended. Amount and tier are the checkout's own; no event can change them.

mod event;
mod state;
mod store;
#[cfg(test)]
mod tests;

use ::store::{Halt, Tx};
use base::signature::NotSigned;
use base::{Amount, Secret, Stop, TenantId, UserId, signature};
use serde_json::json;

use crate::act::{Act, Actor};
use crate::planes::BoxFuture;
use crate::plans::{self, PlanRow, Product, Requested};
use crate::proof::{Permit, StepUp};
use crate::users::UserRow;
use crate::{Control, Tenant, audit, mail};

pub use event::Malformed;
pub use state::Refusal;
use state::Way;
pub use store::{CheckoutRow, ProviderEventRow};

/// The port to a payment provider: a page to pay at, and the secret by which it signs what it says afterwards.
pub trait Provider: Send + Sync + 'static {
    /// Opens a page for this checkout. Asked again with the same id it opens no second one.
    fn open(&self, checkout: Checkout) -> BoxFuture<'_, Result<Page, NotOpened>>;

    fn events_secret(&self) -> &Secret<String>;
}

/// What is to be paid, monthly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    pub id: String,
    pub product: Product,
    pub tier: String,
    /// In [`plans::PRICE`].
    pub price: Amount,
    /// Who pays.
    pub email: String,
}

/// Where it is paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub url: String,
    /// The provider's name for it.
    pub reference: String,
}

/// The provider has opened nothing that anybody knows of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the payment provider does not answer: {why}")]
pub struct NotOpened {
    pub why: String,
}

/// What became of a choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Pay here; the plan changes when the provider says so.
    Pay { url: String },
    /// The operator answers it.
    Requested,
}

/// Why an event of the provider was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    #[error(transparent)]
    NotSigned(#[from] NotSigned),
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

const ID_CHARACTERS: usize = 16;

/// Another plan, for the permit's tenant. A tier without a price, and any tier while a subscription runs, is the operator's
/// to change: a second subscription beside the first would be paid twice.
pub async fn choose(
    control: &Control,
    provider: Option<&dyn Provider>,
    permit: &Permit,
    step_up: &StepUp,
    product: Product,
    tier: &str,
) -> Result<Choice, Stop<Refusal>> {
    if !step_up.is_of(permit.session()) {
        return Err(Stop::Refused(Refusal::StepUpRequired));
    }
    let terms = control.settings().plans.terms(product, tier).ok_or(Stop::Refused(Refusal::TierUnknown))?;
    let mut choosing = Choosing {
        of: permit.session().tenant().clone(),
        by: permit.session().user().clone(),
        act: permit.act(Some(step_up)),
        product,
        first: control.settings().plans.first(product),
        tier: tier.to_owned(),
        page: None,
    };
    let (of, by) = (choosing.of.clone(), choosing.by.clone());
    let (row, user) = control.store().read(|reader| {
        let row = reader.get::<PlanRow>(&PlanRow::keyed(&of, &product))?;
        Ok((row, reader.get::<UserRow>(&UserRow::keyed(&by))?))
    })?;
    let has = row.as_ref().map_or(choosing.first.as_str(), |row| row.tier.as_str());
    let running = row.as_ref().is_some_and(|row| row.subscription.is_some());
    if let Way::Pay(price) = state::way(has, running, &terms, provider.is_some()).map_err(Stop::Refused)?
        && let Some(provider) = provider
    {
        let id = format!("chk_{}", control.chance().text(base::id::ID_ALPHABET, ID_CHARACTERS));
        let email = user.map(|user| user.email).unwrap_or_default();
        let checkout = Checkout { id: id.clone(), product, tier: tier.to_owned(), price, email };
        let page = provider.open(checkout).await.map_err(|not_opened| {
            tracing::warn!(why = not_opened.why, "no checkout was opened");
            Stop::Refused(Refusal::ProviderDown)
        })?;
        choosing.page = Some((id, page));
    }
    control.run_by(permit, None, move |tx| choosing.keep(tx)).await
}

/// A choice on its way into the store.
struct Choosing {
    of: TenantId,
    by: UserId,
    act: Act,
    product: Product,
    first: String,
    tier: String,
    /// The page that was opened for it, with the checkout's id.
    page: Option<(String, Page)>,
}

impl Choosing {
    fn keep(&self, tx: &mut Tx<'_>) -> Result<Choice, Halt<Refusal>> {
        let (of, product, now) = (&self.of, self.product, tx.now());
        let row = plans::get(tx, of, product, &self.first)?;
        if row.tier == self.tier {
            return Err(Halt::Refused(Refusal::Same));
        }
        let facts = json!({"product": product.word(), "from": row.tier, "to": self.tier});
        let Some((id, page)) = &self.page else {
            audit::append::<Refusal>(tx, &self.act, Some(of), "plan_requested", facts)?;
            let requested = Requested { tier: self.tier.clone(), by: self.by.clone(), at: now };
            tx.put(PlanRow { requested: Some(requested), ..row });
            return Ok(Choice::Requested);
        };
        tx.get::<CheckoutRow>(id)?;
        let facts = json!({"plan": facts, "checkout": id});
        audit::append::<Refusal>(tx, &self.act, Some(of), "checkout_opened", facts)?;
        tx.put(CheckoutRow {
            id: id.clone(),
            of: of.clone(),
            product,
            tier: self.tier.clone(),
            by: self.by.clone(),
            reference: page.reference.clone(),
            opened_at: now,
            paid_at: None,
            ended_at: None,
            subscription: None,
            period_end: None,
            cancel_at_end: false,
            as_of: 0,
        });
        Ok(Choice::Pay { url: page.url.clone() })
    }
}

/// An event of the provider: `signature` is its header over the body as it came. Taken once, in whatever order events come;
/// one that is about nothing of ours changes nothing.
pub async fn heard(
    control: &Control,
    secret: &Secret<String>,
    signature: &str,
    body: &str,
) -> Result<(), Stop<NotTaken>> {
    signature::judge(secret, signature, body.as_bytes(), control.now()).map_err(|why| {
        tracing::warn!(%why, "an event of the payment provider was not believed");
        Stop::Refused(why.into())
    })?;
    let Some(event) = event::read(body).map_err(|why| Stop::Refused(why.into()))? else { return Ok(()) };
    let (plans, letter) = (control.settings().plans.clone(), mail::draw(control));
    let run = move |tx: &mut Tx<'_>| {
        let now = tx.now();
        tx.want::<ProviderEventRow>(&event.id);
        tx.want::<CheckoutRow>(&event.checkout);
        let taken = tx.get::<ProviderEventRow>(&event.id)?.is_some();
        let Some(before) = tx.get::<CheckoutRow>(&event.checkout)?.filter(|_| !taken) else { return Ok(None) };
        let after = state::after(before.clone(), &event, now);
        let plan = plans::get(tx, &after.of, after.product, &plans.first(after.product))?;
        let then = state::plan_after(&plan, &before, &after, &plans.first(after.product), now);
        let facts = json!({
            "event": event.id, "what": event.what.word(), "checkout": after.id, "product": after.product.word(),
            "from": plan.tier, "to": then.tier, "paidBeside": state::paid_beside(&plan, &then),
        });
        audit::append(tx, &Act::by(Actor::Provider), Some(&after.of), "checkout_heard", facts)?;
        if then.tier != plan.tier {
            let company = tx.get::<Tenant>(&after.of.to_string())?.map_or_else(String::new, |tenant| tenant.name);
            plans::tell(tx, &letter, &company, &then)?;
        }
        tx.put(ProviderEventRow { id: event.id.clone(), at: now });
        let beside = state::paid_beside(&plan, &then).map(|subscription| (plan.of.clone(), subscription.to_owned()));
        tx.put(after);
        tx.put(then);
        Ok(beside)
    };
    let beside = control.change(run).await?;
    if let Some((tenant, subscription)) = beside {
        tracing::error!(%tenant, subscription, "a tenant pays for two subscriptions of one product: end this one at the provider");
    }
    Ok(())
}
