//! Plans, and the payment provider's word about them.

use axum::response::Response;
use base::Amount;
use control::billing::{self, Choice};
use control::plans::{self, PlanView, Product, Terms};
use gate::office::{Passage, Signed, Stepped, json};
use gate::{Json, JsonText, Refusal};
use http::{HeaderMap, StatusCode, Uri};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::ask::{Invalid, invalid, parameter};
use crate::refusals::{self, of_change};
use crate::words::{data, time};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct Wish {
    tier: String,
    product: Option<String>,
}

pub(crate) async fn plan(signed: Signed, uri: Uri) -> Result<Response, Response> {
    let product = parameter(&uri, "product").map_or(Ok(Product::Pacspace), |word| product_of(&word))?;
    let view = plans::of(signed.passage.control(), &signed.permit, product);
    let view = view.map_err(|fault| signed.passage.read_faulted(&fault))?;
    Ok(match &view.terms {
        Some(Terms::Paychain(_)) => data(StatusCode::OK, &PaychainPlan::of(&view)),
        _ => data(StatusCode::OK, &PacspacePlan::of(&view)),
    })
}

pub(crate) async fn choose(stepped: Stepped, Json(wish): Json<Wish>) -> Result<Response, Response> {
    let product = wish.product.as_deref().map_or(Ok(Product::Pacspace), product_of)?;
    let Stepped { permit, step_up, passage } = stepped;
    let (control, provider) = (passage.control(), passage.provider());
    let choice = billing::choose(control, provider, &permit, &step_up, product, &wish.tier).await;
    Ok(match choice.map_err(|stop| of_change(&passage, stop, |refusal| refusals::billing(&passage, refusal)))? {
        Choice::Pay { url: checkout_url } => data(StatusCode::CREATED, &Checkout { checkout_url }),
        Choice::Requested => data(StatusCode::ACCEPTED, &Requested { requested: true }),
    })
}

/// Signed over the body as it comes. Without a provider there is no such place.
pub(crate) async fn provider_event(passage: Passage, headers: HeaderMap, JsonText(body): JsonText) -> Response {
    let Some(provider) = passage.provider() else { return passage.refuse(&Refusal::NotFound.into()) };
    let signature = headers.get("stripe-signature").and_then(|value| value.to_str().ok()).unwrap_or_default();
    match billing::heard(passage.control(), provider.events_secret(), signature, &body).await {
        Ok(()) => json(StatusCode::OK, &Received { received: true }),
        Err(stop) => of_change(&passage, stop, refusals::event),
    }
}

fn product_of(word: &str) -> Result<Product, Invalid> {
    let found = Product::from_word(word);
    found.ok_or_else(|| invalid(&format!("product: send {}.", Product::ALL.map(Product::word).join(" or "))))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checkout {
    checkout_url: String,
}

#[derive(Serialize)]
struct Requested {
    requested: bool,
}

#[derive(Serialize)]
struct Received {
    received: bool,
}

/// Amounts are numbers on this wire, written digit by digit.
type Number = Box<RawValue>;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PacspacePlan<'a> {
    tier: &'a str,
    monthly_allotment: Option<u64>,
    plan_price_usd: Option<Number>,
    overage_price_usd: Option<Number>,
    #[serde(flatten)]
    paid: Paid<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PaychainPlan<'a> {
    tier: &'a str,
    plan_price_usd: Option<Number>,
    invoice_fee_bps: Option<u32>,
    minimum_fee_usd: Option<Number>,
    monthly_gas_usd: Option<Number>,
    monthly_payout_withdrawals: Option<u64>,
    #[serde(flatten)]
    paid: Paid<'a>,
}

/// What pays for a plan, and what waits for the operator.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Paid<'a> {
    stripe_subscription_id: Option<&'a str>,
    cancel_at_period_end: bool,
    stripe_current_period_end: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requested_tier: Option<&'a str>,
}

impl PacspacePlan<'_> {
    fn of(view: &PlanView) -> PacspacePlan<'_> {
        let terms = match &view.terms {
            Some(Terms::Pacspace(terms)) => Some(terms),
            _ => None,
        };
        PacspacePlan {
            tier: &view.tier,
            monthly_allotment: terms.and_then(|terms| terms.deltas),
            plan_price_usd: terms.and_then(|terms| terms.price).and_then(number),
            overage_price_usd: terms.and_then(|terms| terms.overage).and_then(number),
            paid: Paid::of(view),
        }
    }
}

impl PaychainPlan<'_> {
    fn of(view: &PlanView) -> PaychainPlan<'_> {
        let terms = match &view.terms {
            Some(Terms::Paychain(terms)) => Some(terms),
            _ => None,
        };
        PaychainPlan {
            tier: &view.tier,
            plan_price_usd: terms.and_then(|terms| terms.price).and_then(number),
            invoice_fee_bps: terms.map(|terms| terms.invoice_fee_bps),
            minimum_fee_usd: terms.and_then(|terms| number(terms.minimum_fee)),
            monthly_gas_usd: terms.and_then(|terms| terms.gas).and_then(number),
            monthly_payout_withdrawals: terms.and_then(|terms| terms.payout_withdrawals),
            paid: Paid::of(view),
        }
    }
}

impl Paid<'_> {
    fn of(view: &PlanView) -> Paid<'_> {
        Paid {
            stripe_subscription_id: view.subscription.as_deref(),
            cancel_at_period_end: view.cancel_at_end,
            stripe_current_period_end: view.period_end.map(time),
            requested_tier: view.requested.as_ref().map(|requested| requested.tier.as_str()),
        }
    }
}

/// The shortest decimal of an amount: `1000`, `0.02`.
pub(crate) fn number(amount: Amount) -> Option<Number> {
    let text = amount.to_string();
    let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    RawValue::from_string(short.to_owned()).ok()
}
