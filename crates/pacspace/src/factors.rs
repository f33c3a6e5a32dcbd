//! Second factors: what a user has, an authenticator app, recovery codes, the second step of a login, and proving
//! oneself again by a password or a factor. A passkey's own routes are in [`crate::passkeys`].

use axum::response::Response;
use base::Secret;
use control::passkeys::Site;
use control::recovery::Codes;
use control::sessions::{self, Proof};
use control::{factors, recovery, totp};
use gate::Json;
use gate::office::{Passage, Signed, Stepped, Visitor};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::ask::{invalid, maybe_secret, secret};
use crate::auth::entered;
use crate::passkeys::Credential;
use crate::refusals::{self, of_change};
use crate::words::{data, message, time};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub(crate) struct SecondStep {
    mfa_ticket: String,
    #[serde(default, deserialize_with = "maybe_secret")]
    code: Option<Secret<String>>,
    #[serde(default, deserialize_with = "maybe_secret")]
    recovery_code: Option<Secret<String>>,
    passkey: Option<Credential>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub(crate) struct Proving {
    #[serde(default, deserialize_with = "maybe_secret")]
    password: Option<Secret<String>>,
    #[serde(default, deserialize_with = "maybe_secret")]
    code: Option<Secret<String>>,
    #[serde(default, deserialize_with = "maybe_secret")]
    recovery_code: Option<Secret<String>>,
    passkey: Option<Credential>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct FirstCode {
    #[serde(deserialize_with = "secret")]
    code: Secret<String>,
}

pub(crate) async fn second_step(visitor: Visitor, Json(body): Json<SecondStep>) -> Result<Response, Response> {
    let SecondStep { mfa_ticket, code, recovery_code, passkey } = body;
    let proofs = [None, code.map(Proof::Code), recovery_code.map(Proof::Recovery), by(&visitor.passage, passkey)];
    let proof = one(proofs).ok_or_else(|| invalid("Send one of code, recoveryCode and passkey."))?;
    let control = visitor.passage.control();
    let carried = visitor.carried().map_err(|refusal| visitor.passage.refuse(&refusal))?;
    let logged_in = factors::second_step(control, &visitor.from, &mfa_ticket, proof, carried).await;
    let logged_in =
        logged_in.map_err(|stop| of_change(&visitor.passage, stop, |refusal| refusals::session(refusal, "")))?;
    entered(&visitor, &logged_in).await
}

pub(crate) async fn step_up(signed: Signed, Json(body): Json<Proving>) -> Result<Response, Response> {
    let Proving { password, code, recovery_code, passkey } = body;
    let passkey = by(&signed.passage, passkey);
    let proofs = [password.map(Proof::Password), code.map(Proof::Code), recovery_code.map(Proof::Recovery), passkey];
    let proof = one(proofs).ok_or_else(|| invalid("Send one of password, code, recoveryCode and passkey."))?;
    let proved = sessions::prove(signed.passage.control(), &signed.permit, proof).await;
    let wrong = |refusal| refusals::session(refusal, "The password is wrong.");
    let (proved, until) = proved.map_err(|stop| of_change(&signed.passage, stop, wrong))?;
    Ok(data(StatusCode::OK, &Fresh { proved_by: proved.kind.word(), until: time(until) }))
}

pub(crate) async fn held(signed: Signed) -> Response {
    match factors::held(signed.passage.control(), &signed.permit) {
        Ok(held) => data(StatusCode::OK, &Held::of(held)),
        Err(fault) => signed.passage.read_faulted(&fault),
    }
}

pub(crate) async fn begin_totp(stepped: Stepped) -> Response {
    match totp::begin(stepped.passage.control(), &stepped.permit, &stepped.step_up).await {
        Ok(begun) => {
            let (secret, otpauth_url) = (begun.secret.expose(), begun.url.expose());
            data(StatusCode::CREATED, &Seed { secret, otpauth_url })
        }
        Err(stop) => of_change(&stepped.passage, stop, |refusal| refusals::factor(&stepped.passage, refusal)),
    }
}

pub(crate) async fn confirm_totp(stepped: Stepped, Json(body): Json<FirstCode>) -> Response {
    match totp::confirm(stepped.passage.control(), &stepped.permit, &stepped.step_up, &body.code).await {
        Ok(codes) => data(StatusCode::OK, &Made { recovery_codes: codes.as_ref().map(shown) }),
        Err(stop) => of_change(&stepped.passage, stop, |refusal| refusals::factor(&stepped.passage, refusal)),
    }
}

pub(crate) async fn remove_totp(stepped: Stepped) -> Response {
    match totp::remove(stepped.passage.control(), &stepped.permit, &stepped.step_up).await {
        Ok(()) => message(StatusCode::OK, "Authenticator app removed. Your other sessions have ended."),
        Err(stop) => of_change(&stepped.passage, stop, |refusal| refusals::factor(&stepped.passage, refusal)),
    }
}

pub(crate) async fn recovery_codes(stepped: Stepped) -> Response {
    match recovery::regenerate(stepped.passage.control(), &stepped.permit, &stepped.step_up).await {
        Ok(codes) => data(StatusCode::CREATED, &Made { recovery_codes: Some(shown(&codes)) }),
        Err(stop) => of_change(&stepped.passage, stop, |refusal| refusals::factor(&stepped.passage, refusal)),
    }
}

fn by(passage: &Passage, passkey: Option<Credential>) -> Option<Proof> {
    passkey.map(|credential| Proof::Passkey(credential.answer(Site::at(passage.origin().as_str()))))
}

fn one(proofs: [Option<Proof>; 4]) -> Option<Proof> {
    let mut proofs = proofs.into_iter().flatten();
    match (proofs.next(), proofs.next()) {
        (Some(proof), None) => Some(proof),
        _ => None,
    }
}

/// Codes as their user reads them, once.
pub(crate) fn shown(codes: &Codes) -> Vec<&str> {
    codes.written.iter().map(|code| code.expose().as_str()).collect()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fresh {
    proved_by: &'static str,
    until: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Held {
    totp: bool,
    passkeys: usize,
    recovery_codes_left: usize,
}

impl Held {
    fn of(held: factors::Held) -> Held {
        let factors::Held { totp, passkeys, recovery_codes_left } = held;
        Held { totp, passkeys, recovery_codes_left }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Seed<'a> {
    secret: &'a str,
    otpauth_url: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Made<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery_codes: Option<Vec<&'a str>>,
}
