//! What the provider says, as Stripe's events have it: the few kinds that mean something here, and of each the few fields.

use serde::Deserialize;

/// An event about one checkout of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) checkout: String,
    /// When it was made at the provider, in Unix seconds: by it the order is told.
    pub(super) at: i64,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// The page was paid.
    Paid { subscription: Option<String> },
    /// How the subscription stands.
    Stands { subscription: String, period_end: Option<i64>, cancel_at_end: bool },
    /// The subscription is over.
    Ended,
}

/// A signed body that is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is no event: id, created, type and data.object are missing or of another type")]
pub struct Malformed;

impl What {
    pub(super) fn word(&self) -> &'static str {
        match self {
            What::Paid { .. } => "paid",
            What::Stands { .. } => "stands",
            What::Ended => "ended",
        }
    }
}

#[derive(Deserialize)]
struct Wire {
    id: String,
    created: i64,
    #[serde(rename = "type")]
    kind: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Object,
}

/// The fields of both objects, a checkout's session and a subscription.
#[derive(Deserialize)]
struct Object {
    id: String,
    client_reference_id: Option<String>,
    subscription: Option<String>,
    payment_status: Option<String>,
    metadata: Option<Metadata>,
    current_period_end: Option<i64>,
    cancel_at_period_end: Option<bool>,
    items: Option<Items>,
}

#[derive(Deserialize)]
struct Metadata {
    checkout: Option<String>,
}

/// Later versions of the interface say here until when a subscription is paid.
#[derive(Deserialize)]
struct Items {
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    current_period_end: Option<i64>,
}

/// `None`: an event that means nothing here.
pub(super) fn read(body: &str) -> Result<Option<Event>, Malformed> {
    #[derive(Deserialize)]
    struct Kind {
        #[serde(rename = "type")]
        kind: String,
    }
    let Kind { kind } = serde_json::from_str(body).map_err(|_| Malformed)?;
    if !KINDS.contains(&kind.as_str()) {
        return Ok(None);
    }
    let Wire { id, created: at, kind, data: Data { object } } = serde_json::from_str(body).map_err(|_| Malformed)?;
    let of_session = kind.starts_with("checkout.");
    let named = object.metadata.and_then(|metadata| metadata.checkout);
    let checkout = if of_session { object.client_reference_id } else { named };
    let Some(checkout) = checkout else { return Ok(None) };
    let what = match kind.as_str() {
        "customer.subscription.deleted" => What::Ended,
        "customer.subscription.updated" => {
            let of_items = || object.items.and_then(|items| items.data.first()?.current_period_end);
            let period_end = object.current_period_end.or_else(of_items);
            let cancel_at_end = object.cancel_at_period_end.unwrap_or(false);
            What::Stands { subscription: object.id, period_end, cancel_at_end }
        }
        // Money that is still on its way comes with an event of its own.
        _ if object.payment_status.as_deref() == Some("unpaid") => return Ok(None),
        _ => What::Paid { subscription: object.subscription },
    };
    Ok(Some(Event { id, checkout, at, what }))
}

const KINDS: [&str; 4] = [
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "customer.subscription.updated",
    "customer.subscription.deleted",
];
