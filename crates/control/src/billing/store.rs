//! The rows of checkouts and of the provider's events.

use base::{TenantId, Time, UserId};

use crate::json_row::json_row;
use crate::plans::Product;

json_row! {
    /// One page at which a tenant pays for a plan, and what became of it.
    #[derive(Clone, Debug, PartialEq)]
    CheckoutRow, slot 27, "checkout", keep 1_000,
    key { id: String, }
    body {
        of: TenantId,
        product: Product,
        tier: String,
        by: UserId,
        /// The provider's name for the page.
        reference: String,
        opened_at: Time,
        paid_at: Option<Time>,
        ended_at: Option<Time>,
        /// The provider's name for what is paid monthly.
        subscription: Option<String>,
        period_end: Option<Time>,
        cancel_at_end: bool,
        /// When the provider made the newest word about the subscription, in Unix seconds.
        as_of: i64,
    }
}

json_row! {
    /// An event that was taken.
    #[derive(Clone, Debug, PartialEq)]
    ProviderEventRow, slot 28, "provider_event", keep 1_000,
    key { id: String, }
    body { at: Time, }
}
