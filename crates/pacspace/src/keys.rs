//! API keys of both environments.

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::response::Response;
use base::{Environment, Stop};
use control::keys::{self, NewKey, Refusal, Shown, wire_id};
use gate::Json;
use gate::office::{Passage, Signed, Stepped};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};

use crate::ask::{self, by_key_word, invalid, number, parameter};
use crate::key_wire::{Change, Listed, Minted, Page, Revoked, Rotation, Wish};
use crate::refusals::{self, of_change, of_read};
use crate::words::{data, told};

type Id = Result<Path<String>, PathRejection>;

const PAGE_MOST: u32 = 10_000;
const KEYS_A_PAGE: u32 = 20;
const KEYS_A_PAGE_MOST: u32 = 100;

pub(crate) async fn create(stepped: Stepped, headers: HeaderMap, Json(wish): Json<Wish>) -> Result<Response, Response> {
    let Stepped { permit, step_up, passage } = stepped;
    let environment = wish.environment.as_deref().map_or(Ok(Environment::Sandbox), by_key_word)?;
    let new = NewKey { once: ask::once(&headers)?, ..wish.read()? };
    let placed = permit.in_environment(environment).map_err(|denied| refusals::denied(&passage, denied))?;
    let shown = keys::create(passage.control(), passage.planes(), &placed, &step_up, new).await;
    shown.map(|shown| minted(&shown)).map_err(|stop| unchanged(&passage, stop))
}

pub(crate) async fn rotate(
    stepped: Stepped,
    id: Id,
    headers: HeaderMap,
    rotation: Option<Json<Rotation>>,
) -> Result<Response, Response> {
    let Stepped { permit, step_up, passage } = stepped;
    let overlap_hours = rotation.map(|Json(rotation)| rotation).unwrap_or_default().overlap_hours()?;
    let (id, once) = (ask::id(id), ask::once(&headers)?);
    let planes = passage.planes();
    let shown = keys::rotate(passage.control(), planes, &permit, &step_up, &id, overlap_hours, once).await;
    shown.map(|shown| minted(&shown)).map_err(|stop| unchanged(&passage, stop))
}

pub(crate) async fn list(signed: Signed, uri: Uri) -> Result<Response, Response> {
    let Signed { permit, passage } = signed;
    let environment = parameter(&uri, "environment").map(|word| by_key_word(&word)).transpose()?;
    let page = number(&uri, "page", 1, PAGE_MOST)?;
    let limit = number(&uri, "limit", KEYS_A_PAGE, KEYS_A_PAGE_MOST)?;
    let wanted = keys::Page { environment, page, limit };
    let listed = keys::list(passage.control(), passage.planes(), &permit, wanted).await;
    let listed = listed.map_err(|stop| unread(&passage, stop))?;
    let items = listed.items.iter().map(Listed::of).collect();
    Ok(data(StatusCode::OK, &Page { items, total: listed.total, page, limit }))
}

pub(crate) async fn get(signed: Signed, id: Id) -> Response {
    let Signed { permit, passage } = signed;
    match keys::get(passage.control(), passage.planes(), &permit, &ask::id(id)).await {
        Ok(key) => data(StatusCode::OK, &Listed::of(&key)),
        Err(stop) => unread(&passage, stop),
    }
}

/// One change at a time, so that none is made without the other.
pub(crate) async fn change(signed: Signed, id: Id, Json(body): Json<Change>) -> Response {
    let step_up = signed.step_up();
    let Signed { permit, passage } = signed;
    let (control, planes, id) = (passage.control(), passage.planes(), ask::id(id));
    let changed = match (body.name, body.active) {
        (Some(name), None) => keys::rename(control, planes, &permit, &id, name).await,
        (None, Some(active)) => keys::set_active(control, planes, &permit, step_up.as_ref(), &id, active).await,
        _ => return invalid("Send either name or active.").into(),
    };
    match changed {
        Ok(key) => data(StatusCode::OK, &Listed::of(&key)),
        Err(stop) => unchanged(&passage, stop),
    }
}

pub(crate) async fn revoke(stepped: Stepped, id: Id) -> Response {
    let Stepped { permit, step_up, passage } = stepped;
    match keys::revoke(passage.control(), passage.planes(), &permit, &step_up, &ask::id(id)).await {
        Ok(key) => data(StatusCode::OK, &Revoked { id: wire_id(key.environment, key.id), revoked: true }),
        Err(stop) => unchanged(&passage, stop),
    }
}

fn minted(shown: &Shown) -> Response {
    if shown.whole.is_some() {
        return data(StatusCode::CREATED, &Minted::of(shown));
    }
    let message = "This key was made by an earlier request with the same Idempotency-Key. Its secret was shown then and is \
                   not kept: rotate the key if it was lost.";
    let mut response = told(StatusCode::CREATED, &Minted::of(shown), message);
    response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
    response
}

fn unread(passage: &Passage, stop: Stop<Refusal>) -> Response {
    of_read(passage, stop, |refusal| refusals::key(passage, refusal))
}

fn unchanged(passage: &Passage, stop: Stop<Refusal>) -> Response {
    of_change(passage, stop, |refusal| refusals::key(passage, refusal))
}
