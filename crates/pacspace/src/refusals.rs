//! From what the front office refused to code and message. No wildcard: a new refusal does not compile until it has its words.

use axum::response::Response;
use base::{Environment, Span, Stop};
use control::approvals::{self, Fact};
use control::billing::{self, NotTaken};
use control::{Denied, PlaneRefusal, environments, factors, invitations, keys, notifications, seats, sessions, users};
use gate::office::{Passage, Refusal};

use crate::words::{Code, fail, fail_for, network};

/// The answer to a read that did not succeed.
pub(crate) fn of_read<R>(passage: &Passage, stop: Stop<R>, refused: impl FnOnce(R) -> Response) -> Response {
    match stop {
        Stop::Refused(refusal) => refused(refusal),
        Stop::Faulted(fault) => passage.read_faulted(&fault),
    }
}

/// The answer to a change that did not succeed.
pub(crate) fn of_change<R>(passage: &Passage, stop: Stop<R>, refused: impl FnOnce(R) -> Response) -> Response {
    match stop {
        Stop::Refused(refusal) => refused(refusal),
        Stop::Faulted(fault) => passage.change_faulted(&fault),
    }
}

/// In the same words as at the door.
pub(crate) fn denied(passage: &Passage, denied: Denied) -> Response {
    passage.refuse(&Refusal::Denied(denied))
}

pub(crate) fn user(refusal: users::Refusal) -> Response {
    let unusable = |message: &str| fail(Code::ValidationError, message);
    match refusal {
        users::Refusal::Throttled { retry_after } => throttled(retry_after),
        users::Refusal::EmailUnusable => unusable("email: send an address such as jo@example.com."),
        users::Refusal::PasswordUnusable => {
            unusable("password: choose 8 to 128 characters that are not easily guessed and not the address.")
        }
        users::Refusal::NameUnusable { field } => {
            let field = match field {
                users::NameField::First => "firstName",
                users::NameField::Last => "lastName",
                users::NameField::Company => "companyName",
            };
            unusable(&format!("{field}: send 1 to 100 characters without control characters."))
        }
        users::Refusal::TokenInvalid => {
            fail(Code::TokenInvalid, "The link is not valid any more, or was never valid: ask for another one.")
        }
        users::Refusal::WrongPassword => fail(Code::InvalidCredentials, "The current password is wrong."),
        users::Refusal::NotActive => fail(
            Code::EnvironmentNotActive,
            "This environment is not active: see its status, and provision it where it is not provisioned yet.",
        ),
    }
}

/// `wrong` says what was wrong where nobody may learn more.
pub(crate) fn session(refusal: sessions::Refusal, wrong: &str) -> Response {
    match refusal {
        sessions::Refusal::Throttled { retry_after } => throttled(retry_after),
        sessions::Refusal::Invalid => fail(Code::InvalidCredentials, wrong),
        sessions::Refusal::CodeInvalid => code_invalid(),
    }
}

pub(crate) fn factor(passage: &Passage, refusal: factors::Refusal) -> Response {
    let conflict = |message| fail(Code::Conflict, message);
    match refusal {
        factors::Refusal::StepUpRequired => denied(passage, Denied::StepUpRequired),
        factors::Refusal::Already => conflict("It is there already: remove it first to set it up anew."),
        factors::Refusal::NothingBegun => {
            conflict("No authenticator app is being set up: begin with POST /dashboard/auth/mfa/totp.")
        }
        factors::Refusal::NotThere => fail(Code::NotFound, "No second factor of yours is this one."),
        factors::Refusal::NoFactor => conflict("You have no second factor of this kind: add one first."),
        factors::Refusal::TooMany => conflict("You have as many passkeys as you may have: remove one first."),
        factors::Refusal::NameUnusable => {
            fail(Code::ValidationError, "name: send 1 to 100 characters without control characters.")
        }
        factors::Refusal::PasskeyUnusable => fail(
            Code::ValidationError,
            "credential: it does not answer what was asked for here: begin again with POST /dashboard/auth/mfa/passkeys/options.",
        ),
        factors::Refusal::CodeInvalid => code_invalid(),
    }
}

fn code_invalid() -> Response {
    fail(
        Code::CodeInvalid,
        "The code or passkey is wrong, was used before or comes too late. Where it stays so, sign in again.",
    )
}

pub(crate) fn seat(passage: &Passage, refusal: seats::Refusal) -> Response {
    match refusal {
        seats::Refusal::RoleForbids => denied(passage, Denied::RoleForbids),
        seats::Refusal::StepUpRequired => denied(passage, Denied::StepUpRequired),
        seats::Refusal::Unknown => denied(passage, Denied::Unknown),
        seats::Refusal::LastOwner => {
            fail(Code::Conflict, "An organisation keeps at least one owner: make somebody else one first.")
        }
    }
}

pub(crate) fn invitation(passage: &Passage, refusal: invitations::Refusal) -> Response {
    let conflict = |message: &str| fail(Code::Conflict, message);
    match refusal {
        invitations::Refusal::RoleForbids => denied(passage, Denied::RoleForbids),
        invitations::Refusal::StepUpRequired => denied(passage, Denied::StepUpRequired),
        invitations::Refusal::Unknown => denied(passage, Denied::Unknown),
        invitations::Refusal::NotVerified => {
            fail(Code::EmailNotVerified, "Confirm your own e-mail address first: follow the link in the mail.")
        }
        invitations::Refusal::TooMany => {
            conflict("Your organisation has as many members or open invitations as it may have: withdraw some first.")
        }
        invitations::Refusal::User(refusal) => user(refusal),
        invitations::Refusal::Invalid => fail(Code::InvalidCredentials, "The password is wrong."),
        invitations::Refusal::AddressTaken => {
            conflict("This address has an account: send its password without names, or sign in and join.")
        }
        invitations::Refusal::OtherAddress => conflict("The invitation is for another address: sign in with that one."),
        invitations::Refusal::Already => conflict("You are a member of this organisation already."),
    }
}

pub(crate) fn notifications(refusal: notifications::Refusal) -> Response {
    let message = match refusal {
        notifications::Refusal::TooMany => "addresses: send at most 5.",
        notifications::Refusal::NotAMember => {
            "addresses: send confirmed addresses of people of this organisation; none at all means its owners."
        }
    };
    fail(Code::ValidationError, message)
}

pub(crate) fn environment(refusal: environments::Refusal) -> Response {
    match refusal {
        environments::Refusal::Unknown => fail(Code::NotFound, "Nothing is known by this id."),
        environments::Refusal::EmailNotVerified => {
            fail(Code::EmailNotVerified, "Production needs a confirmed e-mail address: follow the link in the mail.")
        }
        environments::Refusal::PlanRequired => {
            fail(Code::PlanRequired, "Production needs a paid plan: upgrade to Pilot or above first.")
        }
        environments::Refusal::ApprovalRequired => {
            fail(Code::ApprovalRequired, "Production needs the operator's approval: apply for it first.")
        }
        environments::Refusal::Rejected { reason: None } => {
            fail(Code::ApprovalRequired, "The operator has not approved production: apply for it again.")
        }
        environments::Refusal::Rejected { reason: Some(reason) } => {
            fail(Code::ApprovalRequired, &format!("The operator has not approved production: {reason}"))
        }
        environments::Refusal::ReasonUnusable => {
            fail(Code::ValidationError, "reason: send 1 to 200 characters without control characters.")
        }
        environments::Refusal::Suspended => {
            fail(Code::EnvironmentNotActive, "This environment is suspended: ask the operator.")
        }
    }
}

pub(crate) fn approval(refusal: approvals::Refusal) -> Response {
    let unusable = |message: &str| fail(Code::ValidationError, message);
    match refusal {
        approvals::Refusal::FactUnusable { field } => unusable(match field {
            Fact::LegalName => "businessFacts.legalName: send 1 to 200 characters on one line.",
            Fact::Country => "businessFacts.country: send two capital letters, such as EG.",
            Fact::Website => "businessFacts.website: send an address that begins with https://.",
            Fact::UseCase => "businessFacts.useCase: send 1 to 2000 characters.",
            Fact::MonthlyVolume => "businessFacts.expectedMonthlyVolumeUsd: send dollars such as \"25000.00\".",
            Fact::ContactName => "businessFacts.contactName: send 1 to 200 characters on one line.",
        }),
        approvals::Refusal::Approved => fail(Code::Conflict, "Production is approved already."),
        approvals::Refusal::Unknown => fail(Code::NotFound, "Nothing is known by this id."),
        approvals::Refusal::ReasonUnusable => unusable("reason: send 1 to 200 characters without control characters."),
    }
}

pub(crate) fn billing(passage: &Passage, refusal: billing::Refusal) -> Response {
    match refusal {
        billing::Refusal::StepUpRequired => denied(passage, Denied::StepUpRequired),
        billing::Refusal::TierUnknown => {
            fail(Code::ValidationError, "tier: no plan of this product is called so; see the published plans.")
        }
        billing::Refusal::Same => fail(Code::Conflict, "Your organisation has this plan."),
        billing::Refusal::ProviderDown => fail_for(
            Code::ServiceUnavailable,
            "The payment provider does not answer at the moment: send the request again.",
            Span::seconds(5),
        ),
    }
}

/// An event of the payment provider that is not believed, or that nobody understands.
pub(crate) fn event(refusal: NotTaken) -> Response {
    match refusal {
        NotTaken::NotSigned(why) => fail(Code::ValidationError, &format!("Stripe-Signature: {why}.")),
        NotTaken::Malformed(why) => fail(Code::ValidationError, &format!("{why}.")),
    }
}

pub(crate) fn key(passage: &Passage, refusal: keys::Refusal) -> Response {
    match refusal {
        keys::Refusal::Unknown => key_unknown(),
        keys::Refusal::NotActive(environment) => not_active(environment),
        keys::Refusal::KindElsewhere => fail(
            Code::ValidationError,
            "kind: send standard or agent; payout keys are made at /api/v1/businesses/{id}/payout-api-keys.",
        ),
        keys::Refusal::StepUpRequired => denied(passage, Denied::StepUpRequired),
        keys::Refusal::OtherContent => other_content(),
        keys::Refusal::InProgress => not_run(),
        keys::Refusal::Plane(refusal) => plane(refusal),
        keys::Refusal::Unreachable(environment) => fail_for(
            Code::PlaneUnreachable,
            &format!("The {environment} environment does not answer at the moment: send the request again."),
            Span::seconds(1),
        ),
    }
}

fn plane(refusal: PlaneRefusal) -> Response {
    let unusable = |message| fail(Code::ValidationError, message);
    match refusal {
        PlaneRefusal::TenantUnknown => fail(
            Code::EnvironmentNotActive,
            "This environment does not know your organisation yet: wait a few seconds.",
        ),
        PlaneRefusal::KeyUnknown => key_unknown(),
        PlaneRefusal::KeyRevoked => fail(Code::Conflict, "The key is revoked: create another one."),
        PlaneRefusal::NameUnusable => unusable("name: send 1 to 100 characters without control characters."),
        PlaneRefusal::ExpiryPast => unusable("expiresInDays: choose a time that has not passed."),
        PlaneRefusal::PayoutExpiry => unusable("expiresInDays: a payout key needs it, from 1 to 365."),
        PlaneRefusal::PolicyAmount => unusable("policy: amounts are above zero."),
        PlaneRefusal::PolicyElsewhere => unusable("policy: only a payout key has such a one."),
        PlaneRefusal::TooManyKeys => {
            fail(Code::Conflict, "This environment has as many keys as one organisation may have there.")
        }
        PlaneRefusal::OtherContent => other_content(),
        PlaneRefusal::TooManyTenants | PlaneRefusal::Voided => not_run(),
    }
}

fn not_run() -> Response {
    let message = "The request was not run, because the service is busy or closing: send it again.";
    fail_for(Code::ServiceUnavailable, message, Span::seconds(1))
}

fn key_unknown() -> Response {
    fail(Code::NotFound, "No key has this id.")
}

pub(crate) fn not_active(environment: Environment) -> Response {
    let network = network(environment);
    let message = format!(
        "This environment is not active: see its status, and provision {network} where it is not provisioned yet."
    );
    fail(Code::EnvironmentNotActive, &message)
}

fn other_content() -> Response {
    fail(Code::IdempotencyConflict, "This Idempotency-Key was used with other content: choose a new one.")
}

fn throttled(wait: Span) -> Response {
    fail_for(Code::RateLimited, "Too many tries: wait and try again.", wait)
}
