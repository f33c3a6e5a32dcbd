//! What a plane that starts is to hear before it serves, page by page: revocations first, then what is to be voided by now, then
//! suspensions and resumptions of which it has not been heard that they are done.

use base::{Environment, Fault, TenantId, Time};
use serde::{Deserialize, Serialize};

use super::{What, WishRow, ask_of};
use crate::planes::Ask;
use crate::{Control, environments};

/// A part of what waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    pub asks: Vec<Ask>,
    /// What to ask for next; `None` where this is the end.
    pub next: Option<Place>,
}

/// The last that a page held, in the order of pages. Somebody else's wishes may come and go between two pages.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Of wishes: the id.
    Revocation(String),
    Void(String),
    /// The tenant's id.
    Standing(String),
}

/// Asks in a page: some hundred kilobytes, far below what an answer may hold.
const PAGE: usize = 1_000;

/// A page of what is wanted of this environment's plane, after a place or from the beginning. It may be done again. What the
/// plane has said to be done is not in it, so it is as long as what is unfinished, however many were ever suspended.
pub fn waiting(control: &Control, environment: Environment, after: Option<&Place>) -> Result<Page, Fault> {
    let now = control.now();
    control.store().read(|reader| {
        let rows = reader.select::<WishRow>("1 = 1 ORDER BY id")?.into_iter();
        let wished = rows.filter(|row| row.environment == environment && is_ripe(row, now));
        let wished = wished.map(|row| (place_of(&row), Waits::Wish(row)));
        let turned = environments::unfinished(reader, environment)?.into_iter();
        let turned = turned.map(|of| (Place::Standing(of.to_string()), Waits::Tenant(of)));
        let mut all: Vec<_> =
            wished.chain(turned).filter(|(place, _)| after.is_none_or(|after| place > after)).collect();
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        let more = all.len() > PAGE;
        all.truncate(PAGE);
        let next = all.last().filter(|_| more).map(|(place, _)| place.clone());
        let mut asks = Vec::with_capacity(all.len());
        for (_, waits) in all {
            asks.extend(match waits {
                Waits::Wish(row) => Some(ask_of(&row)),
                Waits::Tenant(tenant) => {
                    environments::turned(reader, &tenant, environment)?.map(|standing| Ask::Stand { tenant, standing })
                }
            });
        }
        Ok(Page { asks, next })
    })
}

enum Waits {
    Wish(WishRow),
    Tenant(TenantId),
}

fn place_of(row: &WishRow) -> Place {
    match row.what {
        What::Revoke { .. } => Place::Revocation(row.id.clone()),
        What::Void { .. } => Place::Void(row.id.clone()),
    }
}

/// A mint that is under way at this moment is not voided: its answer may be here before its time is over.
fn is_ripe(row: &WishRow, now: Time) -> bool {
    matches!(row.what, What::Revoke { .. }) || row.attempts > 0 || row.due_at <= now
}
