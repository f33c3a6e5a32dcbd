//! The rows of transfers, and what is open in the order in which it is due: what the worker, the operator and the auditor
//! read.

use ::store::{Bind, Column, Corrupt, Direction, Entry, KeyShape, Kind, Locked, Reader, Row, Spec, Take, TenantNo};
use base::{Amount, Fault, KeyId, Time};

use super::state::State;
use crate::corridor::AGENT_ASSET;
use crate::sandbox::magic::Script;
use crate::{Operator, Plane};

/// Where a transfer is now. Narrow: what was asked is in the journal, at the same (tenant, seq).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferRow {
    pub tenant: TenantNo,
    pub seq: u64,
    pub state: State,
    /// When the worker should look at it, in the tenant's time; the far future when it waits for a person.
    pub due_at: Time,
    /// In the plane's time.
    pub accepted_at: Time,
    /// In the tenant's time.
    pub changed_at: Time,
    /// Troubles so far: short of funds, doubted, or to be tried again.
    pub attempts: u32,
    pub amount: Amount,
    pub script: Script,
    /// The key whose daily amount it counts against, if that key has one.
    pub spender: Option<KeyId>,
    pub trans: Option<String>,
    /// The quoted amount until the rail says otherwise.
    pub sum_prov: Option<String>,
    pub note: Option<String>,
}

impl TransferRow {
    /// Its row in the order of what is due; none when it is final.
    pub(super) fn due(&self) -> Option<DueRow> {
        let TransferRow { tenant, due_at: at, seq, state, attempts, script, .. } = *self;
        (!state.is_final()).then_some(DueRow { tenant, at, seq, state, attempts, script })
    }
}

impl Row for TransferRow {
    type Key = (TenantNo, u64);
    const SLOT: usize = 7;
    const SPEC: Spec = Spec {
        name: "transfer",
        columns: &[
            Column::new("tenant", Kind::Int),
            Column::new("seq", Kind::Int),
            Column::new("state", Kind::Int),
            Column::new("substate", Kind::Int),
            Column::new("due_at", Kind::Int),
            Column::new("accepted_at", Kind::Int),
            Column::new("changed_at", Kind::Int),
            Column::new("attempts", Kind::Int),
            Column::new("amount", Kind::Big),
            Column::new("script", Kind::Int),
            Column::new("spender", Kind::Text),
            Column::new("trans", Kind::Text),
            Column::new("sum_prov", Kind::Text),
            Column::new("note", Kind::Text),
        ],
        key: KeyShape::TenantSeq,
        keep: 20_000,
        locked: Locked::ByHead,
    };

    fn key(&self) -> Self::Key {
        (self.tenant, self.seq)
    }

    fn stays_in_memory(&self) -> bool {
        !self.state.is_final()
    }

    fn write_key(key: &Self::Key, out: &mut dyn Bind) {
        out.int(i64::from(key.0));
        out.int(key.1.cast_signed());
    }

    fn write(&self, out: &mut dyn Bind) {
        let (state, substate) = self.state.numbers();
        TransferRow::write_key(&self.key(), out);
        out.int(state);
        out.int(substate);
        out.int(self.due_at.0);
        out.int(self.accepted_at.0);
        out.int(self.changed_at.0);
        out.int(i64::from(self.attempts));
        out.big(self.amount.minor);
        out.int(self.script as i64);
        out.opt_text(self.spender.as_ref().map(KeyId::as_str));
        out.opt_text(self.trans.as_deref());
        out.opt_text(self.sum_prov.as_deref());
        out.opt_text(self.note.as_deref());
    }

    fn read(from: &mut dyn Take) -> Result<TransferRow, Corrupt> {
        let (tenant, seq) = (crate::schema::tenant(from)?, from.int()?.cast_unsigned());
        let state = State::from_numbers(from.int()?, from.int()?).ok_or_else(|| from.corrupt("state"))?;
        let (due_at, accepted_at, changed_at) = (Time(from.int()?), Time(from.int()?), Time(from.int()?));
        let attempts = u32::try_from(from.int()?).map_err(|_| from.corrupt("attempts"))?;
        let amount = Amount::new(from.big()?, AGENT_ASSET);
        let script = Script::from_number(from.int()?).ok_or_else(|| from.corrupt("script"))?;
        let spender = from.opt_text()?.map(str::parse).transpose().map_err(|_| from.corrupt("spender"))?;
        let mut text = || Ok::<_, Corrupt>(from.opt_text()?.map(str::to_owned));
        let (trans, sum_prov, note) = (text()?, text()?, text()?);
        Ok(TransferRow {
            tenant,
            seq,
            state,
            due_at,
            accepted_at,
            changed_at,
            attempts,
            amount,
            script,
            spender,
            trans,
            sum_prov,
            note,
        })
    }
}

/// An open transfer, where the worker finds it when it is due. Each transfer that is not final has one, written anew by
/// the operation that moves it. It says nothing that the transfer's own row does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueRow {
    pub tenant: TenantNo,
    /// In the tenant's time; the far future when it waits for a person.
    pub at: Time,
    pub seq: u64,
    pub state: State,
    pub attempts: u32,
    pub script: Script,
}

impl Row for DueRow {
    /// (tenant, with the rail, at, seq): a rail that is slow keeps nothing waiting that is not its own.
    type Key = (TenantNo, bool, Time, u64);
    const SLOT: usize = 11;
    const SPEC: Spec = Spec {
        name: "due",
        columns: &[
            Column::new("tenant", Kind::Int),
            Column::new("with_rail", Kind::Int),
            Column::new("at", Kind::Int),
            Column::new("seq", Kind::Int),
            Column::new("state", Kind::Int),
            Column::new("substate", Kind::Int),
            Column::new("attempts", Kind::Int),
            Column::new("script", Kind::Int),
        ],
        key: KeyShape::First(4),
        keep: 20_000,
        locked: Locked::ByHead,
    };

    fn key(&self) -> Self::Key {
        (self.tenant, self.state.is_with_the_rail(), self.at, self.seq)
    }

    fn write_key(key: &Self::Key, out: &mut dyn Bind) {
        out.int(i64::from(key.0));
        out.int(i64::from(key.1));
        out.int(key.2.0);
        out.int(key.3.cast_signed());
    }

    fn write(&self, out: &mut dyn Bind) {
        let (state, substate) = self.state.numbers();
        DueRow::write_key(&self.key(), out);
        out.int(state);
        out.int(substate);
        out.int(i64::from(self.attempts));
        out.int(self.script as i64);
    }

    fn read(from: &mut dyn Take) -> Result<DueRow, Corrupt> {
        let (tenant, with_rail) = (crate::schema::tenant(from)?, from.int()? != 0);
        let (at, seq) = (Time(from.int()?), from.int()?.cast_unsigned());
        let state = State::from_numbers(from.int()?, from.int()?).filter(|state| state.is_with_the_rail() == with_rail);
        let state = state.ok_or_else(|| from.corrupt("state"))?;
        let attempts = u32::try_from(from.int()?).map_err(|_| from.corrupt("attempts"))?;
        let script = Script::from_number(from.int()?).ok_or_else(|| from.corrupt("script"))?;
        Ok(DueRow { tenant, at, seq, state, attempts, script })
    }
}

type Key = <DueRow as Row>::Key;

/// Rows that are read at once.
const PAGE: usize = 500;

/// Whose due transfers are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub tenant: TenantNo,
    /// Those that are with the rail, or those that are not.
    pub with_rail: bool,
    /// In the tenant's time, itself included.
    pub until: Time,
    pub most: usize,
}

/// What was due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The longest due first.
    pub rows: Vec<DueRow>,
    /// When to look again: at once when there may be more that is due, else when the next one is; `None` when none is.
    pub next: Option<Time>,
}

/// What is due, for each that is wanted, as committed. What waits for a person never is.
pub fn due(plane: &Plane, wanted: &[Wanted]) -> Result<Vec<Found>, Fault> {
    let ranges: Vec<(Key, Key, usize)> = wanted
        .iter()
        .flat_map(|&Wanted { tenant, with_rail, until, most }| {
            let key = |at| (tenant, with_rail, at, 0);
            let later = Time(until.0.saturating_add(1));
            [(key(FIRST), key(later), most), (key(later), key(NEVER), 1)]
        })
        .collect();
    let mut rows = plane.store().read(|reader| reader.walks::<DueRow>(&ranges))?.into_iter();
    let found = |wanted: &Wanted| {
        let (rows, later) = (rows.next().unwrap_or_default(), rows.next().unwrap_or_default());
        let next = if rows.len() >= wanted.most { rows.last() } else { later.first() };
        Found { next: next.map(|row| row.at), rows }
    };
    Ok(wanted.iter().map(found).collect())
}

/// When the first transfer of each of these tenants is due, of those that are with the rail and of those that are not:
/// (tenant, with the rail, when). What waits for a person is not among them.
pub fn first_due(plane: &Plane, tenants: &[TenantNo]) -> Result<Vec<(TenantNo, bool, Time)>, Fault> {
    let both = tenants.iter().flat_map(|tenant| [(*tenant, false), (*tenant, true)]);
    let ranges: Vec<(Key, Key, usize)> =
        both.map(|(tenant, with_rail)| ((tenant, with_rail, FIRST, 0), (tenant, with_rail, NEVER, 0), 1)).collect();
    let rows = plane.store().read(|reader| reader.walks::<DueRow>(&ranges))?;
    Ok(rows.iter().flatten().map(|row| (row.tenant, row.state.is_with_the_rail(), row.at)).collect())
}

const FIRST: Time = Time(i64::MIN);
const NEVER: Time = Time(i64::MAX);

/// Hands over every open transfer, those of retired tenants included, page by page in the order of what is due.
pub(crate) fn each_open(
    reader: &Reader<'_>,
    mut page: impl FnMut(&[DueRow]) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut from = (0, false, FIRST, 0);
    loop {
        let rows = reader.walk::<DueRow>(&from, &(TenantNo::MAX, true, NEVER, 0), Direction::Ascending, PAGE)?;
        page(&rows)?;
        let Some(last) = rows.last().filter(|_| rows.len() == PAGE) else { return Ok(()) };
        let (tenant, with_rail, at, seq) = last.key();
        from = (tenant, with_rail, at, seq + 1);
    }
}

/// Open transfers with what was asked, in order of tenant and acceptance: the first `most` for which `wanted` holds.
/// Reads every open transfer's state: for the operator, not for callers.
pub fn open_asks(
    plane: &Plane,
    _operator: &Operator,
    most: usize,
    wanted: impl Fn(&TransferRow) -> bool,
) -> Result<Vec<(TransferRow, Entry)>, Fault> {
    plane.store().read(|reader| {
        let mut open: Vec<(TenantNo, u64)> = Vec::new();
        each_open(reader, |page| {
            open.extend(page.iter().map(|row| (row.tenant, row.seq)));
            Ok(())
        })?;
        open.sort_unstable();
        let mut found = Vec::new();
        for page in open.chunks(PAGE) {
            let transfers = by_key::<TransferRow>(reader, page)?;
            let transfers = transfers.into_iter().filter(&wanted).take(most - found.len());
            let transfers: Vec<TransferRow> = transfers.collect();
            let keys: Vec<(TenantNo, u64)> = transfers.iter().map(Row::key).collect();
            let mut entries = by_key::<Entry>(reader, &keys)?.into_iter().peekable();
            let with_ask =
                |row: TransferRow| entries.next_if(|entry| entry.key() == row.key()).map(|entry| (row, entry));
            found.extend(transfers.into_iter().filter_map(with_ask));
            if found.len() >= most {
                break;
            }
        }
        Ok(found)
    })
}

/// The rows with these keys, in their order.
pub(crate) fn by_key<R: Row<Key = (TenantNo, u64)>>(
    reader: &Reader<'_>,
    keys: &[(TenantNo, u64)],
) -> Result<Vec<R>, Fault> {
    let ranges: Vec<(R::Key, R::Key, usize)> =
        keys.iter().map(|&(tenant, seq)| ((tenant, seq), (tenant, seq + 1), 1)).collect();
    Ok(reader.walks::<R>(&ranges)?.into_iter().flatten().collect())
}
