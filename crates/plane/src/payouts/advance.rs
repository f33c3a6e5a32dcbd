//! Moving transfers, by the worker in bulk and by a person's word, and letting them rest. One operation per tenant, one
//! journal row for all of its moves, one posting for all that settles and one for all that is released.

use std::fmt::Write;

use ::store::{Claim, Draft, Entry, Halt, Lane, Row, TenantNo, Tx};
use base::{Amount, Fault, Span, Stop, TenantId, Time};

use super::ROUTE_TRANSFER;
use super::state::{Event, Illegal, State};
use super::store::{DueRow, TransferRow};
use crate::config::PayoutSettings;
use crate::corridor::AGENT_ASSET;
use crate::members::{self, Duty};
use crate::sandbox::magic::Script;
use crate::work::OpenWork;
use crate::{Operator, Plane, books, grants, spending, usage};

/// One wished transition. It happens only if the transfer is still in `from`.
#[derive(Clone, Debug)]
pub struct Move {
    pub seq: u64,
    pub from: State,
    pub event: Event,
    /// It comes behind another move of the same transfer in the same operation.
    pub follows: bool,
    /// The rail's reference and amount, with [`Event::Pay`].
    pub trans: Option<String>,
    pub sum_prov: Option<String>,
    /// What the operator should know, such as the rail's own words for a trouble.
    pub note: Option<String>,
}

impl Move {
    pub fn new(seq: u64, from: State, event: Event) -> Move {
        Move { seq, from, event, follows: false, trans: None, sum_prov: None, note: None }
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
    /// Where the transfer stands.
    pub fn of(row: &TransferRow) -> Moved {
        let (due_at, attempts) = (row.due_at, row.attempts);
        Moved { seq: row.seq, state: row.state, due_at, attempts, script: row.script }
    }

    /// Its row in the order of what is due, as long as it is open.
    pub fn due(self, tenant: TenantNo) -> DueRow {
        let Moved { seq, state, due_at, attempts, script } = self;
        DueRow { at: due_at, tenant, seq, state, attempts, script }
    }
}

/// Moves transfers of one tenant, for the payout worker. What does not stand where the move expects it is left alone and
/// reported as it is. An empty answer means that the tenant was reset.
pub async fn advance(plane: &Plane, tenant: TenantNo, moves: Vec<Move>) -> Result<Vec<Moved>, Stop<Illegal>> {
    let objects = u32::try_from(moves.iter().filter(|one| !one.follows).count()).unwrap_or(u32::MAX);
    let (settings, work) = (plane.config().payouts, plane.work_told());
    let fence = members::fence_of(plane, Duty::Payouts);
    let run = move |tx: &mut Tx<'_>| match members::fence(tx, &fence)? {
        true => run(tx, tenant, &moves, &settings),
        false => Err(Halt::Faulted(members::lost())),
    };
    let told = move |outcome: &Outcome| work.opened(-outcome.closed);
    Ok(plane.store().submit_then(Lane::Worker { tenant, objects }, run, told).await?.moved)
}

struct Outcome {
    moved: Vec<Moved>,
    closed: i64,
}

impl Outcome {
    /// The payout worker hears of a move of one transfer that was not its own.
    fn tell(&self, work: &OpenWork, tenant: TenantNo) {
        work.opened(-self.closed);
        if let Some(moved) = self.moved.last().filter(|moved| !moved.state.is_final()) {
            work.ring(&moved.due(tenant));
        }
    }
}

/// All moves of one operation, one after the other.
fn run(tx: &mut Tx<'_>, tenant: TenantNo, moves: &[Move], settings: &PayoutSettings) -> Result<Outcome, Halt<Illegal>> {
    let leading = moves.iter().filter(|one| !one.follows);
    want(tx, tenant, leading.map(|one| one.seq));
    tx.want::<::store::Head>(&tenant);
    books::want(tx, tenant);
    if moves.iter().any(|one| one.event == Event::Pay) {
        usage::want(tx, tenant);
    }
    let Some(owner) = grants::current(tx, tenant)? else { return Ok(Outcome { moved: Vec::new(), closed: 0 }) };
    let now = owner.time(tx.now());
    let mut sums = Sums::default();
    let mut moved = Vec::with_capacity(moves.len());
    for one in moves {
        let Some(row) = tx.get::<TransferRow>(&(tenant, one.seq))? else { continue };
        moved.push(if row.state == one.from { sums.step(tx, one, row, now, settings)? } else { Moved::of(&row) });
    }
    if sums.steps > 0 {
        let postings = sums.post(tx, tenant)?;
        usage::paid(tx, tenant, sums.paid)?;
        let facts = format!("{{\"moves\":[{}]}}", sums.text);
        tx.append::<Illegal>(tenant, Draft { kind: "transfers_moved", facts, postings, answer: None })?;
    }
    Ok(Outcome { moved, closed: sums.closed })
}

/// Asks for everything that is read when transfers move, so that one load brings it.
fn want(tx: &mut Tx<'_>, tenant: TenantNo, transfers: impl Iterator<Item = u64>) {
    for seq in transfers {
        tx.want::<TransferRow>(&(tenant, seq));
    }
}

/// Keeps a transfer that was due as `before` says, in both of its rows. An open transfer has its place in the order of what
/// is due, so that is not looked at.
fn keep(tx: &mut Tx<'_>, before: Option<DueRow>, after: TransferRow) -> Moved {
    if let Some(due) = before {
        tx.remove_unseen::<DueRow>(&due.key());
    }
    if let Some(due) = after.due() {
        tx.add(due);
    }
    let moved = Moved::of(&after);
    tx.put(after);
    moved
}

/// A transfer that stays as it is and is not looked at before `until`, in the tenant's time: never by itself, where that
/// is the end of time. It happens only if the transfer is still due as it was.
#[derive(Clone, Copy, Debug)]
pub struct Rest {
    pub due: DueRow,
    pub until: Time,
}

/// Lets transfers of one tenant rest, and answers where each that is still there stands. No fact: the journal does not
/// hear of it. An empty answer means that the tenant was reset. Refuses nothing.
pub async fn rest(plane: &Plane, tenant: TenantNo, rests: Vec<Rest>) -> Result<Vec<Moved>, Stop<Illegal>> {
    let objects = u32::try_from(rests.len()).unwrap_or(u32::MAX);
    let fence = members::fence_of(plane, Duty::Payouts);
    let run = move |tx: &mut Tx<'_>| {
        if !members::fence(tx, &fence)? {
            return Err(Halt::Faulted(members::lost()));
        }
        want(tx, tenant, rests.iter().map(|rest| rest.due.seq));
        let mut stand = Vec::with_capacity(rests.len());
        if grants::current(tx, tenant)?.is_none() {
            return Ok(stand);
        }
        for rest in &rests {
            let Some(row) = tx.get::<TransferRow>(&(tenant, rest.due.seq))? else { continue };
            let before = row.due();
            stand.push(match before == Some(rest.due) {
                true => keep(tx, before, TransferRow { due_at: rest.until, ..row }),
                false => Moved::of(&row),
            });
        }
        Ok(stand)
    };
    plane.store().submit(Lane::Worker { tenant, objects }, run).await
}

/// What the moves of one operation add up to.
#[derive(Default)]
struct Sums {
    settled: i128,
    /// Transfers behind `settled`.
    paid: u64,
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
    ) -> Result<Moved, Halt<Illegal>> {
        let state = row.state.after(one.event).map_err(Halt::Refused)?;
        let attempts = row.attempts.saturating_add(u32::from(one.event.is_trouble()));
        match state {
            State::Paid => {
                self.settled += row.amount.minor;
                self.paid += 1;
            }
            State::Failed => {
                self.released += row.amount.minor;
                if let Some(name) = row.spender {
                    spending::give_back(tx, (row.tenant, name), row.accepted_at, row.amount)?;
                }
            }
            _ => {}
        }
        self.closed += i64::from(state.is_final());
        self.steps += 1;
        let comma = if self.steps == 1 { "" } else { "," };
        let (number, substate) = state.numbers();
        // Writing to a String cannot fail.
        let _ = write!(self.text, "{comma}[{},\"{number}/{substate}\"]", row.seq);
        let before = row.due();
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
        Ok(keep(tx, before, after))
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

/// Applies `word` (whose `seq` and `from` are filled in here) to the tenant's transfer, in whatever state it is when
/// the word is kept.
pub(crate) async fn said(plane: &Plane, tenant: TenantNo, id: &str, word: Move) -> Result<Moved, Stop<WordRefusal>> {
    let (settings, work) = (plane.config().payouts, plane.work_told());
    let id: Box<str> = id.into();
    let run = move |tx: &mut Tx<'_>| {
        let unknown = || Halt::Refused(WordRefusal::TransferUnknown);
        let seq = tx.get::<Claim>(&(tenant, ROUTE_TRANSFER, id.clone()))?.ok_or_else(unknown)?.seq;
        let from = tx.get::<TransferRow>(&(tenant, seq))?.ok_or_else(unknown)?.state;
        run(tx, tenant, &[Move { seq, from, ..word.clone() }], &settings).map_err(illegal)
    };
    let told = move |outcome: &Outcome| outcome.tell(&work, tenant);
    last(plane.store().submit_then(Lane::Client(tenant), run, told).await?)
}

/// Takes one transfer through several moves in one operation, each only if it stands where the move expects it, and
/// answers where it is then.
pub(crate) async fn walk(plane: &Plane, tenant: TenantNo, moves: Vec<Move>) -> Result<Moved, Stop<WordRefusal>> {
    let (settings, work) = (plane.config().payouts, plane.work_told());
    let run = move |tx: &mut Tx<'_>| run(tx, tenant, &moves, &settings).map_err(illegal);
    let told = move |outcome: &Outcome| outcome.tell(&work, tenant);
    last(plane.store().submit_then(Lane::Client(tenant), run, told).await?)
}

fn last(outcome: Outcome) -> Result<Moved, Stop<WordRefusal>> {
    outcome.moved.last().copied().ok_or(Stop::Refused(WordRefusal::TransferUnknown))
}

fn illegal(halt: Halt<Illegal>) -> Halt<WordRefusal> {
    match halt {
        Halt::NotLoaded => Halt::NotLoaded,
        Halt::Refused(Illegal) => Halt::Refused(WordRefusal::Illegal),
        Halt::Faulted(fault) => Halt::Faulted(fault),
    }
}
