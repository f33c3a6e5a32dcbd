//! The dashboard surface, `/dashboard/*`: bytes become an ask of the front office, and what it says becomes bytes. It decides
//! nothing; who may call which route stands in [`rows`].
//!
//! - A success is `{"statusCode":…,"data":…,"message":…}`, the message where there is something to say.
//! - A failure is `{"statusCode":…,"error":<reason phrase>,"message":…,"code":…}`, with `retryAfterSeconds` where there is a wait.

mod ask;
mod auth;
mod contracts;
mod key_wire;
mod keys;
mod passwords;
mod refusals;
pub mod rows;
mod sessions;
mod words;

use axum::Router;
use gate::office::{Office, Routes};

pub use words::{Code, Pacspace};

/// Every route of [`rows::ALL`] behind the office's gate, and a refusal for the rest of `/dashboard`.
pub fn routes(office: Office) -> Router {
    Routes::new(office, Pacspace, rows::ALL)
        .at(rows::REGISTER, auth::register)
        .at(rows::VERIFY, auth::verify)
        .at(rows::RESEND, auth::resend)
        .at(rows::LOGIN, auth::login)
        .at(rows::ME, auth::me)
        .at(rows::PREFERENCES, auth::preferences)
        .at(rows::PASSWORD_FORGOT, passwords::forgot)
        .at(rows::PASSWORD_RESET_HOW, passwords::how_to_reset)
        .at(rows::PASSWORD_RESET, passwords::reset)
        .at(rows::PASSWORD_CHANGE, passwords::change)
        .at(rows::LOGOUT, sessions::log_out)
        .at(rows::SESSIONS, sessions::list)
        .at(rows::SESSION_REVOKE, sessions::revoke)
        .at(rows::STEP_UP, sessions::step_up)
        .at(rows::SIGNERS, sessions::signers)
        .at(rows::PROVISION, contracts::provision)
        .at(rows::STATUS, contracts::status)
        .at(rows::CONTRACTS, contracts::list)
        .at(rows::KEY_CREATE, keys::create)
        .at(rows::KEY_LIST, keys::list)
        .at(rows::KEY_GET, keys::get)
        .at(rows::KEY_CHANGE, keys::change)
        .at(rows::KEY_ROTATE, keys::rotate)
        .at(rows::KEY_REVOKE, keys::revoke)
        .nothing_else_below("/dashboard")
        .into_router()
}
