//! What a tester sees of its sandbox: the overview and the list of transfers.

use ::store::{Direction, Entry};
use base::{Amount, Fault, Span, Stop, TenantId, Time};
use serde::Deserialize;

use super::{Clock, Refusal, Sandbox, Weather};
use crate::grants::TenantRow;
use crate::payouts::{State, TransferRow};
use crate::{Caller, Plane, books};

/// Everything about a tenant's sandbox that fits one page.
#[derive(Clone, Debug)]
pub struct Overview {
    pub tenant: TenantId,
    pub name: String,
    /// When the data was begun, by registration or the last reset, in the plane's time.
    pub opened_at: Time,
    pub balance: books::AgentBalance,
    pub conditions: Conditions,
    /// Transfers by state, among the latest ones; states without any are left out.
    pub transfers: Vec<StateCount>,
    /// Whether `transfers` covers all there are.
    pub counted_all: bool,
}

/// What a tenant has set for its sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conditions {
    pub clock: Clock,
    pub weather: Weather,
    pub link_pay_ins: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateCount {
    pub state: State,
    pub count: usize,
}

/// How many of the latest transfers the overview counts.
const COUNTED_MOST: usize = 2_000;

/// What the calling tenant has set, as committed.
pub fn conditions(plane: &Plane, sandbox: Sandbox, caller: &Caller) -> Result<Conditions, Stop<Refusal>> {
    sandbox.opens(plane)?;
    let row = plane.store().read(|reader| reader.get::<TenantRow>(&caller.tenant()))?;
    let row = row.filter(|row| !row.retired).ok_or(Stop::Refused(Refusal::Reset))?;
    Ok(conditions_of(plane, &row))
}

fn conditions_of(plane: &Plane, row: &TenantRow) -> Conditions {
    Conditions {
        clock: Clock { now: row.time(plane.now()), ahead: Span(row.clock_ahead) },
        weather: Weather::from_stored(&row.weather),
        link_pay_ins: row.link_pay_ins,
    }
}

/// The calling tenant's sandbox, as committed.
pub fn overview(plane: &Plane, sandbox: Sandbox, caller: &Caller) -> Result<Overview, Stop<Refusal>> {
    sandbox.opens(plane)?;
    let tenant = caller.tenant();
    let (row, latest) = plane.store().read(|reader| {
        let row = reader.get::<TenantRow>(&tenant)?;
        let (from, to) = ((tenant, 0), (tenant + 1, 0));
        Ok((row, reader.walk::<TransferRow>(&from, &to, Direction::Descending, COUNTED_MOST)?))
    })?;
    let row = row.filter(|row| !row.retired).ok_or(Stop::Refused(Refusal::Reset))?;
    let counts = State::ALL.into_iter().map(|state| {
        let count = latest.iter().filter(|transfer| transfer.state == state).count();
        StateCount { state, count }
    });
    Ok(Overview {
        balance: books::balance(plane, tenant)?,
        conditions: conditions_of(plane, &row),
        transfers: counts.filter(|counted| counted.count > 0).collect(),
        counted_all: latest.len() < COUNTED_MOST,
        opened_at: row.opened_at,
        name: row.name.to_string(),
        tenant: row.id,
    })
}

/// One transfer in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its place: the list pages by it, and it never changes.
    pub seq: u64,
    pub id: String,
    pub state: State,
    pub amount: Amount,
    /// Digits.
    pub receiver: String,
    pub service: String,
    /// In the plane's time.
    pub accepted_at: Time,
    /// In the tenant's time.
    pub changed_at: Time,
    /// What the rail or a control said last.
    pub note: Option<String>,
}

/// Most transfers of one page.
pub const LISTED_MOST: usize = 100;

/// What the journal says was asked; the other facts are of no interest here.
#[derive(Deserialize)]
struct Asked {
    id: String,
    receiver: String,
    service: String,
}

/// The calling tenant's transfers, latest first, those before place `before` when it is given.
pub fn transfers(
    plane: &Plane,
    sandbox: Sandbox,
    caller: &Caller,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<Listed>, Fault> {
    sandbox.opens(plane)?;
    let tenant = caller.tenant();
    let end = before.map_or((tenant + 1, 0), |before| (tenant, before.min(SEQ_END)));
    plane.store().read(|reader| {
        let limit = limit.clamp(1, LISTED_MOST);
        let rows = reader.walk::<TransferRow>(&(tenant, 0), &end, Direction::Descending, limit)?;
        let with_entry = |row: TransferRow| {
            let entry = reader.get::<Entry>(&(tenant, row.seq))?;
            Ok(listed(row, entry))
        };
        rows.into_iter().map(with_entry).collect()
    })
}

/// The last sequence that a store can hold for a tenant.
const SEQ_END: u64 = (1 << 40) - 1;

fn listed(row: TransferRow, entry: Option<Entry>) -> Listed {
    let asked = entry.and_then(|entry| serde_json::from_str::<Asked>(&entry.facts).ok());
    let asked = asked.unwrap_or(Asked { id: String::new(), receiver: String::new(), service: String::new() });
    Listed {
        seq: row.seq,
        id: asked.id,
        state: row.state,
        amount: row.amount,
        receiver: asked.receiver,
        service: asked.service,
        accepted_at: row.accepted_at,
        changed_at: row.changed_at,
        note: row.note,
    }
}
