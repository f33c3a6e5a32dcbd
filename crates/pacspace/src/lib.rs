//! The dashboard surface, `/dashboard/*`: bytes become an ask of the front office, and what it says becomes bytes. It decides
//! nothing; who may call which route stands in [`rows`].
//!
//! - A success is `{"statusCode":…,"data":…,"message":…}`, the message where there is something to say.
//! - A failure is `{"statusCode":…,"error":<reason phrase>,"message":…,"code":…}`, with `retryAfterSeconds` where there is a wait.

mod approval;
mod ask;
mod audit;
mod auth;
mod billing;
mod contracts;
mod factors;
mod invitations;
mod key_wire;
mod keys;
mod members;
mod notifications;
mod passkeys;
mod passwords;
mod refusals;
mod reset;
pub mod rows;
mod sessions;
mod tenant;
mod usage;
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
        .at(rows::STEP_UP, factors::step_up)
        .at(rows::STEP_UP_PASSKEY, passkeys::for_step_up)
        .at(rows::SECOND_STEP, factors::second_step)
        .at(rows::SECOND_STEP_PASSKEY, passkeys::for_second_step)
        .at(rows::FACTORS, factors::held)
        .at(rows::TOTP_BEGIN, factors::begin_totp)
        .at(rows::TOTP_CONFIRM, factors::confirm_totp)
        .at(rows::TOTP_REMOVE, factors::remove_totp)
        .at(rows::RECOVERY_CODES, factors::recovery_codes)
        .at(rows::PASSKEY_OPTIONS, passkeys::options)
        .at(rows::PASSKEY_ADD, passkeys::add)
        .at(rows::PASSKEY_LIST, passkeys::list)
        .at(rows::PASSKEY_REMOVE, passkeys::remove)
        .at(rows::SIGNERS, sessions::signers)
        .at(rows::PROVISION, contracts::provision)
        .at(rows::STATUS, contracts::status)
        .at(rows::CONTRACTS, contracts::list)
        .at(rows::SANDBOX_RESET, reset::reset)
        .at(rows::KEY_CREATE, keys::create)
        .at(rows::KEY_LIST, keys::list)
        .at(rows::KEY_GET, keys::get)
        .at(rows::KEY_CHANGE, keys::change)
        .at(rows::KEY_ROTATE, keys::rotate)
        .at(rows::KEY_REVOKE, keys::revoke)
        .at(rows::BILLING_USAGE, usage::usage)
        .at(rows::PLACES, members::places)
        .at(rows::SWITCH, members::switch)
        .at(rows::MEMBER_LIST, members::list)
        .at(rows::MEMBER_CHANGE, members::change)
        .at(rows::MEMBER_REMOVE, members::remove)
        .at(rows::INVITE, invitations::invite)
        .at(rows::INVITATION_LIST, invitations::list)
        .at(rows::INVITATION_WITHDRAW, invitations::withdraw)
        .at(rows::INVITATION_HOW, invitations::how_to_accept)
        .at(rows::INVITATION_ACCEPT, invitations::accept)
        .at(rows::INVITATION_JOIN, invitations::join)
        .at(rows::NOTIFICATIONS, notifications::get)
        .at(rows::NOTIFICATIONS_CHANGE, notifications::change)
        .at(rows::AUDIT, audit::list)
        .at(rows::AUDIT_EXPORT, audit::export)
        .at(rows::TENANT, tenant::show)
        .at(rows::APPROVAL, approval::show)
        .at(rows::APPROVAL_APPLY, approval::apply)
        .at(rows::PLAN, billing::plan)
        .at(rows::PLAN_CHOOSE, billing::choose)
        .at(rows::PROVIDER_EVENT, billing::provider_event)
        .nothing_else_below("/dashboard")
        .into_router()
}
