//! The PayChainHQ surface, as far as it is the front office's: payout keys of a business. Bytes become an ask, and what the front
//! office says becomes bytes. It decides nothing; who may call which route stands in [`rows`].
//!
//! - A success is a bare object, a list `{"data":[…]}`.
//! - A failure is `{"error":{"code":…,"message":…,"details":[],"requestId":…}}`.

mod payout_ask;
mod payout_keys;
mod payout_shown;
mod refusals;
pub mod rows;
mod words;

use axum::Router;
use gate::office::{Office, Routes};

pub use words::{Code, Paychain};

/// Every route of [`rows::ALL`] behind the office's gate, and a refusal for the rest of `/api/v1`.
pub fn routes(office: Office) -> Router {
    Routes::new(office, Paychain, rows::ALL)
        .at(rows::PAYOUT_KEY_CREATE, payout_keys::create)
        .at(rows::PAYOUT_KEY_LIST, payout_keys::list)
        .at(rows::PAYOUT_KEY_GET, payout_keys::get)
        .at(rows::PAYOUT_KEY_CHANGE, payout_keys::change)
        .at(rows::PAYOUT_KEY_ROTATE, payout_keys::rotate)
        .at(rows::PAYOUT_KEY_REVOKE, payout_keys::revoke)
        .nothing_else_below("/api/v1")
        .into_router()
}
