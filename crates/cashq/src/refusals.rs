//! From what the plane refused to code and message. No wildcard: a new refusal does not compile until it has its words.

use axum::response::Response;
use gate::{Called, Refusal};
use http::StatusCode;
use plane::payouts::{self, PolicyRefusal, QuoteRefusal};

use crate::answers::StatusResult;
use crate::ask::Problem;
use crate::words::{Code, fail, json, met, push_failure};

/// A body that is no ask.
pub(crate) fn problem(called: &Called, problem: Problem) -> Response {
    match problem {
        Problem::NotJson(why) => called.refuse(&Refusal::BodyInvalid { why }),
        Problem::Field(message) => fail(Code::InvalidRequest, &message),
        Problem::Phone(message) => fail(Code::InvalidPhoneNumber, &message),
    }
}

pub(crate) fn account_malformed() -> Response {
    let message = "account is not a phone number: send its digits with the country code and without a + sign, such as \
                   16175551212.";
    fail(Code::InvalidPhoneNumber, message)
}

/// 404 with both documented answers in one body: the error, and a result with state -2 that will not change.
pub(crate) fn transfer_not_found(id: &str) -> Response {
    let nowhere =
        StatusResult { server_time: None, substate: 0, id, state: -2, trans: None, sum_prov: None, is_final: true };
    let mut body = String::with_capacity(256);
    body.push('{');
    nowhere.push(&mut body);
    body.push(',');
    let message = "No transfer has this id in this environment: send the id that was accepted.";
    push_failure(&mut body, Code::TransferNotFound, message);
    body.push('}');
    met(json(StatusCode::NOT_FOUND, body.into()), Code::TransferNotFound)
}

/// A transfer that was not accepted, or would not be.
pub(crate) fn transfer(called: &Called, refusal: &payouts::Refusal) -> Response {
    match refusal {
        payouts::Refusal::KeyKind => called.refuse(&Refusal::KindForbidden { needs: "an agent key" }),
        payouts::Refusal::Reset => {
            fail(Code::ServiceUnavailable, "This sandbox was reset while the request was under way: send it again.")
        }
        payouts::Refusal::OtherContent => fail(
            Code::InvalidRequest,
            "id was used for another transfer: choose a new id, or send the same content to get its answer again.",
        ),
        payouts::Refusal::Quote(refusal) => fail(Code::InvalidRequest, &quote(refusal)),
        payouts::Refusal::Policy(refusal) => fail(Code::InvalidRequest, &policy(refusal)),
        payouts::Refusal::ReceiverUnverified { limit_dollars } => fail(
            Code::KycNotVerified,
            &format!(
                "The receiver is not verified and may receive at most {limit_dollars} dollars in one transfer: send \
                 less, or have the receiver verified at the kyc_url of /api/kyc."
            ),
        ),
        payouts::Refusal::AboveReceiverLimit { limit_dollars } => fail(
            Code::InvalidRequest,
            &format!("amount: this receiver may receive at most {limit_dollars} dollars in one transfer: send less."),
        ),
        payouts::Refusal::Funds => fail(
            Code::InsufficientFunds,
            "Balance and overdraft do not cover the amount: see /api/agent_balance, add funds or send less.",
        ),
    }
}

fn quote(refusal: &QuoteRefusal) -> String {
    match refusal {
        QuoteRefusal::ServiceUnknown => "service is not a corridor here: send a service id such as 1271.".to_owned(),
        QuoteRefusal::CountryOtherThan { expected } => {
            format!("receiver_country does not belong to this service: send {expected}.")
        }
        QuoteRefusal::CurrencyOtherThan { expected } => {
            format!("receiver_currency does not belong to this service: send {expected}.")
        }
        QuoteRefusal::AttributeUnknown { name } => {
            format!("attribute: the name {name} is not known: leave it out or correct it.")
        }
        QuoteRefusal::AttributeTwice { name } => format!("attribute: {name} is there twice: send it once."),
        QuoteRefusal::AttributeMissing { name } => format!("attribute: {name} is missing: this service requires it."),
        QuoteRefusal::AmountBelow { smallest } => {
            format!("amount is too small for this service: send at least {smallest}.")
        }
        QuoteRefusal::AmountAbove { largest } => {
            format!("amount is too large for this service: send at most {largest}.")
        }
        QuoteRefusal::ReceiverNotOnTheNetwork => {
            "receiver_phone is nobody's on this network: check the number.".to_owned()
        }
    }
}

fn policy(refusal: &PolicyRefusal) -> String {
    match refusal {
        PolicyRefusal::Service => "service: this key's policy does not allow this corridor.".to_owned(),
        PolicyRefusal::PerTransfer { most } => {
            format!("amount: this key's policy allows at most {most} in one transfer.")
        }
        PolicyRefusal::Daily { left } => {
            format!("amount: this key's policy allows {left} more within these 24 hours.")
        }
    }
}
