//! Moving transfers: by the worker in bulk, by the operator's word, by a sandbox control. One operation per tenant, one
//! journal row for all of its moves, one posting for all that settles and one for all that is released.

use std::fmt::Write;

use ::store::{Claim, Draft, Entry, Halt, Lane, TenantNo, Tx};
use base::{Amount, Fault, Span, Stop, TenantId, Time};

use super::state::{Event, Illegal, State};
use super::store::TransferRow;
use super::{ROUTE_TRANSFER, policy};
use crate::config::PayoutSettings;
use crate::corridor::AGENT_ASSET;
use crate::plane::Due;
use crate::sandbox::magic::Script;
use crate::{Operator, Plane, books, grants};

/// One wished transition. It happens only if the transfer is still in `from`.
#[derive(Clone, Debug)]
pub struct Move {
    pub seq: u64,
    pub from: State,
    pub event: Event,
    /// The rail's reference and amount, with [`Event::Pay`].
    pub trans: Option<String>,
    pub sum_prov: Option<String>,
    /// What the operator should know, such as the rail's own words for a trouble.
    pub note: Option<String>,
}

impl Move {
    pub fn new(seq: u64, from: State, event: Event) -> Move {
        Move { seq, from, event, trans: None, sum_prov: None, note: None }
    }
}

/// A transfer after an [`advance`], moved or not.
#[derive(Clone, Copy, Debug)]
pub struct Moved {
    pub seq: u64,
    pub state: State,
    pub due_at: Time,
    pub attempts: u32,
    pub script: Script,
}

impl Moved {
    fn of(row: &TransferRow) -> Moved {
        let (due_at, attempts) = (row.due_at, row.attempts);
        Moved { seq: row.seq, state: row.state, due_at, attempts, script: row.script }
    }

    /// What the worker keeps of it.
    pub fn due(self, tenant: TenantNo) -> Due {
        let Moved { seq, state, due_at, attempts, script } = self;
        Due { at: due_at, tenant, seq, state, attempts, script }
    }
}

/// Moves transfers of one tenant. What does not stand where the move expects it is left alone and reported as it is.
/// An empty answer means that the tenant was reset.
pub async fn advance(plane: &Plane, tenant: TenantNo, moves: Vec<Move>) -> Result<Vec<Moved>, Stop<Illegal>> {
    let objects = u32::try_from(moves.len()).unwrap_or(u32::MAX);
    submit(plane, Lane::Worker { objects }, tenant, moves).await
}

async fn submit(plane: &Plane, lane: Lane, tenant: TenantNo, moves: Vec<Move>) -> Result<Vec<Moved>, Stop<Illegal>> {
    let settings = plane.config().payouts;
    let plane_of_commit = plane.clone();
    let run = move |tx: &mut Tx<'_>| run(tx, tenant, &moves, &settings);
    let outcome = plane.store().submit_then(lane, run, move |outcome: &Outcome| {
        plane_of_commit.work().opened(-outcome.closed);
    });
    Ok(outcome.await?.moved)
}

struct Outcome {
    moved: Vec<Moved>,
    closed: i64,
}

fn run(tx: &mut Tx<'_>, tenant: TenantNo, moves: &[Move], settings: &PayoutSettings) -> Result<Outcome, Halt<Illegal>> {
    moves.iter().for_each(|one| tx.want::<TransferRow>(&(tenant, one.seq)));
    tx.want::<::store::Head>(&tenant);
    books::want(tx, tenant);
    let Some(owner) = grants::current(tx, tenant)? else { return Ok(Outcome { moved: Vec::new(), closed: 0 }) };
    let now = owner.time(tx.now());
    let mut sums = Sums::default();
    let mut moved = Vec::with_capacity(moves.len());
    for one in moves {
        let Some(row) = tx.get::<TransferRow>(&(tenant, one.seq))? else { continue };
        let row = if row.state == one.from { sums.step(tx, one, row, now, settings)? } else { row };
        moved.push(Moved::of(&row));
    }
    if sums.steps > 0 {
        let postings = sums.post(tx, tenant)?;
        let facts = format!("{{\"moves\":[{}]}}", sums.text);
        tx.append::<Illegal>(tenant, Draft { kind: "transfers_moved", facts, postings, answer: None })?;
    }
    Ok(Outcome { moved, closed: sums.closed })
}

/// What the moves of one operation add up to.
#[derive(Default)]
struct Sums {
    settled: i128,
    released: i128,
    closed: i64,
    steps: usize,
    /// `[seq,"20/1"]` for each move.
    text: String,
}

impl Sums {
    fn step(
        &mut self,
        tx: &mut Tx<'_>,
        one: &Move,
        row: TransferRow,
        now: Time,
        settings: &PayoutSettings,
    ) -> Result<TransferRow, Halt<Illegal>> {
        let state = row.state.after(one.event).map_err(Halt::Refused)?;
        let attempts = row.attempts.saturating_add(u32::from(one.event.is_trouble()));
        match state {
            State::Paid => self.settled += row.amount.minor,
            State::Failed => {
                self.released += row.amount.minor;
                policy::give_back(tx, &row)?;
            }
            _ => {}
        }
        self.closed += i64::from(state.is_final());
        self.steps += 1;
        let comma = if self.steps == 1 { "" } else { "," };
        let (number, substate) = state.numbers();
        // Writing to a String cannot fail.
        let _ = write!(self.text, "{comma}[{},\"{number}/{substate}\"]", row.seq);
        let after = TransferRow {
            state,
            attempts,
            due_at: due(state, now, attempts, settings),
            changed_at: now,
            trans: one.trans.clone().or(row.trans),
            sum_prov: one.sum_prov.clone().or(row.sum_prov),
            note: one.note.clone().or(row.note),
            ..row
        };
        tx.put(after.clone());
        Ok(after)
    }

    /// A reservation always covers its settlement and its release: a refusal here is our fault.
    fn post(&self, tx: &mut Tx<'_>, tenant: TenantNo) -> Result<String, Halt<Illegal>> {
        let amount = |minor| Amount::new(minor, AGENT_ASSET);
        let mut movements = Vec::new();
        if self.settled > 0 {
            movements.push(books::settle(amount(self.settled)));
        }
        if self.released > 0 {
            movements.push(books::release(amount(self.released)));
        }
        books::post(tx, tenant, &movements).map_err(|halt| match halt {
            Halt::NotLoaded => Halt::NotLoaded,
            Halt::Refused(refusal) => Halt::Faulted(Fault::because("settling transfers", refusal)),
            Halt::Faulted(fault) => Halt::Faulted(fault),
        })
    }
}

fn due(state: State, now: Time, attempts: u32, settings: &PayoutSettings) -> Time {
    match state {
        State::Retrying(_) | State::ShortOfFunds | State::VerificationUnknown => {
            let wait = settings.retry_first.0.saturating_mul(1 << attempts.saturating_sub(1).min(20));
            now.plus(Span(wait.min(settings.retry_most.0)))
        }
        state => state.due(now, settings.stage),
    }
}

/// Every transfer that is not final, for the worker's start. Counts them as open.
pub fn open(plane: &Plane) -> Result<Vec<Due>, Fault> {
    let rows = plane.store().read(|reader| reader.select::<TransferRow>("open = 1"))?;
    plane.work().opened(i64::try_from(rows.len()).unwrap_or(i64::MAX));
    Ok(rows.iter().map(|row| Moved::of(row).due(row.tenant)).collect())
}

/// The tenant's transfer with this id.
pub fn of_tenant(plane: &Plane, tenant: TenantNo, id: &str) -> Result<Option<TransferRow>, Fault> {
    plane.store().read(|reader| {
        let Some(claim) = reader.get::<Claim>(&(tenant, ROUTE_TRANSFER, id.into()))? else { return Ok(None) };
        reader.get::<TransferRow>(&(tenant, claim.seq))
    })
}

/// A transfer with what was asked, for a rail that has to be told.
pub fn submission(plane: &Plane, tenant: TenantNo, seq: u64) -> Result<Option<(TransferRow, Entry)>, Fault> {
    plane.store().read(|reader| {
        let row = reader.get::<TransferRow>(&(tenant, seq))?;
        let entry = reader.get::<Entry>(&(tenant, seq))?;
        Ok(row.zip(entry))
    })
}

/// Why the operator's word had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WordRefusal {
    #[error("no tenant has this id on this plane")]
    TenantUnknown,
    #[error("the tenant has no transfer with this id")]
    TransferUnknown,
    #[error("the transfer is not in a state in which this can happen")]
    Illegal,
}

/// What the operator says of one transfer: paid, failed, linked. In force when this returns.
pub async fn on_operators_word(
    plane: &Plane,
    _operator: &Operator,
    tenant: &TenantId,
    id: &str,
    word: Move,
) -> Result<Moved, Stop<WordRefusal>> {
    let tenant = grants::tenant_no(plane, tenant)?.ok_or(Stop::Refused(WordRefusal::TenantUnknown))?;
    said(plane, tenant, id, word).await
}

/// Applies `word` (whose `seq` and `from` are filled in here) to the tenant's transfer.
pub(crate) async fn said(plane: &Plane, tenant: TenantNo, id: &str, word: Move) -> Result<Moved, Stop<WordRefusal>> {
    let row = of_tenant(plane, tenant, id)?.ok_or(Stop::Refused(WordRefusal::TransferUnknown))?;
    let word = Move { seq: row.seq, from: row.state, ..word };
    let moved = submit(plane, Lane::Client(tenant), tenant, vec![word]).await.map_err(|stop| match stop {
        Stop::Refused(Illegal) => Stop::Refused(WordRefusal::Illegal),
        Stop::Faulted(fault) => Stop::Faulted(fault),
    })?;
    let moved = moved.into_iter().next().ok_or(Stop::Refused(WordRefusal::TransferUnknown))?;
    if !moved.state.is_final() {
        plane.work().add([moved.due(tenant)]);
    }
    Ok(moved)
}
