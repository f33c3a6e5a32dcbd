//! Where plans are paid: the wiring's end of control's port to a payment provider. The provider speaks Stripe's interface; `dev`
//! and tests have one of our own that speaks it too and moves no money.

mod fake;
mod stripe;

use std::sync::Arc;

use axum::Router;
use base::{Chance as _, Fault, OsChance, Secret, id};
use control::billing::Provider;

use crate::config::Checkout;
use stripe::Stripe;
pub use stripe::may_be_told;

/// What takes part in payments, and the routes of our own provider where it is that one. `here` is control as the outside
/// reaches it, `near` as this process does.
pub fn provider(checkout: &Checkout, here: &str, near: &str) -> Result<(Option<Arc<dyn Provider>>, Router), Fault> {
    match checkout {
        Checkout::None => Ok((None, Router::new())),
        Checkout::Stripe { base_url, secret_key, events } => {
            let stripe = Stripe::new(base_url, secret_key, events.clone(), here)?;
            Ok((Some(Arc::new(stripe)), Router::new()))
        }
        Checkout::Fake => {
            let (secret_key, events) = (drawn("sk_test_"), drawn("whsec_"));
            let stripe = Stripe::new(&format!("{near}{}", fake::AT), &secret_key, events.clone(), here)?;
            Ok((Some(Arc::new(stripe)), fake::routes(near, here, secret_key, events)?))
        }
    }
}

/// A secret of this process, for its own provider.
fn drawn(prefix: &str) -> Secret<String> {
    const CHARACTERS: usize = 32;
    Secret::new(format!("{prefix}{}", OsChance.text(id::ID_ALPHABET, CHARACTERS)))
}
