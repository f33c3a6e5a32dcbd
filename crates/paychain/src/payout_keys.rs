//! Payout keys of a business, in one environment: the header `X-Environment` names it, or else it is the one that the user
//! prefers; a key's id names its own.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::Response;
use base::Environment;
use control::Denied;
use control::keys::{Shown, key_of, wire_id};
use control::payout_keys::{self, NewPayoutKey};
use gate::Json;
use gate::office::{self, Refusal, Signed, Stepped, json};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::payout_ask::{Change, Rotation, Wish};
use crate::payout_shown::{Listed, Minted, Page, Revoked, Whole};
use crate::refusals::{denied, invalid, unchanged, unread};

type Business = Result<Path<String>, PathRejection>;
type Key = Result<Path<(String, String)>, PathRejection>;

pub(crate) async fn create(
    stepped: Stepped,
    business: Business,
    headers: HeaderMap,
    Json(wish): Json<Wish>,
) -> Result<Response, Response> {
    let Stepped { permit, step_up, passage } = stepped;
    let wrong = |why| invalid(&passage, why);
    let environment = environment(&headers).map_err(wrong)?.unwrap_or(permit.session().preferred());
    let once = office::once(&headers).map_err(wrong)?;
    let new = NewPayoutKey { once, ..wish.read().map_err(wrong)? };
    let placed = permit.in_environment(environment).map_err(|refusal| denied(&passage, refusal))?;
    let (control, planes, business) = (passage.control(), passage.planes(), named(business));
    let shown = payout_keys::create(control, planes, &placed, &step_up, &business, new).await;
    shown.map(|shown| minted(&shown)).map_err(|stop| unchanged(&passage, stop))
}

pub(crate) async fn list(signed: Signed, business: Business, headers: HeaderMap) -> Result<Response, Response> {
    let Signed { permit, passage } = signed;
    let environment = environment(&headers).map_err(|why| invalid(&passage, why))?;
    let environment = environment.unwrap_or(permit.session().preferred());
    let placed = permit.in_environment(environment).map_err(|refusal| denied(&passage, refusal))?;
    let listed = payout_keys::list(passage.control(), passage.planes(), &placed, &named(business)).await;
    let keys = listed.map_err(|stop| unread(&passage, stop))?;
    Ok(json(StatusCode::OK, &Page { data: keys.iter().map(Listed::of).collect() }))
}

pub(crate) async fn get(stepped: Stepped, key: Key, headers: HeaderMap) -> Result<Response, Response> {
    let Stepped { permit, step_up, passage } = stepped;
    let (business, id) = key_in(key, &headers).map_err(|refusal| passage.refuse(&refusal))?;
    let (control, planes) = (passage.control(), passage.planes());
    let key = payout_keys::get(control, planes, &permit, &step_up, &business, &id).await;
    key.map(|key| json(StatusCode::OK, &Whole::of(&key))).map_err(|stop| unread(&passage, stop))
}

/// The answer shows what a key may do only to who has just changed it.
pub(crate) async fn change(
    signed: Signed,
    key: Key,
    headers: HeaderMap,
    Json(body): Json<Change>,
) -> Result<Response, Response> {
    let step_up = signed.step_up();
    let Signed { permit, passage } = signed;
    let (business, id) = key_in(key, &headers).map_err(|refusal| passage.refuse(&refusal))?;
    let change = body.read().map_err(|why| invalid(&passage, why))?;
    let of_policy = matches!(change, payout_keys::Change::Policy(_));
    let (control, planes) = (passage.control(), passage.planes());
    let named = (business.as_str(), id.as_str());
    let changed = payout_keys::change(control, planes, &permit, step_up.as_ref(), named, change).await;
    let key = changed.map_err(|stop| unchanged(&passage, stop))?;
    Ok(if of_policy { json(StatusCode::OK, &Whole::of(&key)) } else { json(StatusCode::OK, &Listed::of(&key)) })
}

pub(crate) async fn rotate(
    stepped: Stepped,
    key: Key,
    headers: HeaderMap,
    rotation: Option<Json<Rotation>>,
) -> Result<Response, Response> {
    let Stepped { permit, step_up, passage } = stepped;
    let wrong = |why| invalid(&passage, why);
    let (business, id) = key_in(key, &headers).map_err(|refusal| passage.refuse(&refusal))?;
    let rotation = rotation.map(|Json(rotation)| rotation).unwrap_or_default();
    let overlap_hours = office::overlap_hours(rotation.overlap_hours).map_err(wrong)?;
    let once = office::once(&headers).map_err(wrong)?;
    let wanted = payout_keys::Rotation { id, overlap_hours, once };
    let (control, planes) = (passage.control(), passage.planes());
    let shown = payout_keys::rotate(control, planes, &permit, &step_up, &business, wanted).await;
    shown.map(|shown| minted(&shown)).map_err(|stop| unchanged(&passage, stop))
}

pub(crate) async fn revoke(stepped: Stepped, key: Key, headers: HeaderMap) -> Result<Response, Response> {
    let Stepped { permit, step_up, passage } = stepped;
    let (business, id) = key_in(key, &headers).map_err(|refusal| passage.refuse(&refusal))?;
    let (control, planes) = (passage.control(), passage.planes_to_keep());
    let revoked = payout_keys::revoke(control, planes, &permit, step_up, &business, &id).await;
    let key = revoked.map_err(|stop| unchanged(&passage, stop))?;
    Ok(json(StatusCode::OK, &Revoked { id: wire_id(key.environment, key.id), revoked: true }))
}

fn minted(shown: &Shown) -> Response {
    let mut response = json(StatusCode::CREATED, &Minted::of(shown));
    if shown.whole.is_none() {
        response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    response
}

/// What the header says, where there is one.
fn environment(headers: &HeaderMap) -> Result<Option<Environment>, String> {
    let mut values = headers.get_all("x-environment").iter();
    let Some(value) = values.next() else { return Ok(None) };
    let environment = match value.to_str() {
        Ok("sandbox") => Some(Environment::Sandbox),
        Ok("live" | "production") => Some(Environment::Live),
        _ => None,
    };
    let told = environment.filter(|_| values.next().is_none());
    told.map(Some).ok_or_else(|| "X-Environment: send sandbox or live, once.".to_owned())
}

/// An id that cannot be read is an unknown one, and such are refused by the room.
fn named(business: Business) -> String {
    business.map_or_else(|_| String::new(), |Path(id)| id)
}

/// Business and key. A key of an environment other than the one that the header names is not there.
fn key_in(key: Key, headers: &HeaderMap) -> Result<(String, String), Refusal> {
    let (business, id) = key.map_or_else(|_| Default::default(), |Path(named)| named);
    let wanted = environment(headers).map_err(|why| gate::Refusal::BodyInvalid { why })?;
    let elsewhere = wanted.is_some_and(|wanted| key_of(&id).is_some_and(|(environment, _)| environment != wanted));
    if elsewhere { Err(Refusal::Denied(Denied::Unknown)) } else { Ok((business, id)) }
}
