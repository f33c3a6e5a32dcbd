//! The audit log: who changed what, in a chain for each tenant and one for the operator. Every change of the front office is
//! one line of it and one entry of the journal, written by [`append`] alone. A line is never changed and never removed.
//!
//! Refuses nothing. Life of a line: appended, listed and exported, verified.

mod state;
mod store;
#[cfg(test)]
mod tests;

use ::store::{Draft, Entry, Halt, Reader, Tx};
use base::{Fault, TenantId, Time};
use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use crate::act::Act;
use crate::front::OFFICE;
use crate::{Control, Operator, Permit};

use self::state::Chain;
pub use state::Line;
pub use store::{AuditHeadRow, AuditRow};

/// Some lines of one chain, the newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub lines: Vec<Line>,
    /// The number that the next page's lines are below; none where nothing is left.
    pub before: Option<u64>,
}

/// One chain as it stood when it was asked for, from its first line on, a part at a time.
pub struct Export {
    control: Control,
    of: String,
    /// The last line's number.
    last: u64,
    /// How many lines were given, and the hash of the last of them.
    given: u64,
    hash: String,
}

/// What a look over all chains found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    pub chains: u64,
    pub lines: u64,
    /// In the journal: one for each line.
    pub entries: u64,
    /// What is wrong; not more than the first of each chain.
    pub wrong: Vec<String>,
}

/// Writes one line into the chain of `of`, or of the operator where it is about no tenant, and answers its number there.
/// `facts` hold no secret: no password, token, code or seed. E-mail addresses may be shown.
pub(crate) fn append<R>(
    tx: &mut Tx<'_>,
    act: &Act,
    of: Option<&TenantId>,
    kind: &'static str,
    facts: Value,
) -> Result<u64, Halt<R>> {
    let of = of.map_or_else(|| OPERATOR.to_owned(), TenantId::to_string);
    let head = tx.get::<AuditHeadRow>(&of)?;
    let (before, last) = head.map_or_else(|| (0, String::new()), |head| (head.n, head.hash));
    let facts = json!({"act": act.facts(), "of": of, "what": facts}).to_string();
    let (n, at) = (before + 1, tx.now());
    let hash = HEXLOWER.encode(&state::link(&last, &of, n, at, kind, &facts));
    let draft = Draft { kind, facts, postings: "[]".to_owned(), answer: None };
    let seq = tx.append::<R>(OFFICE, draft)?;
    tx.add(AuditRow { of: of.clone(), n, seq, at, hash: hash.clone() });
    tx.put(AuditHeadRow { of, n, hash });
    Ok(n)
}

/// Lines of the permit's tenant, the newest first: at most `limit` below number `before`.
pub fn list(control: &Control, permit: &Permit, before: Option<u64>, limit: usize) -> Result<Page, Fault> {
    let of = permit.session().tenant().to_string();
    control.store().read(|reader| {
        let rows = store::newest(reader, &of, before.unwrap_or(u64::MAX), limit + 1)?;
        let lines = lines(reader, rows.iter().take(limit))?;
        let more = rows.len() > limit;
        Ok(Page { before: lines.last().filter(|_| more).map(|line| line.n), lines })
    })
}

/// Every line of the permit's tenant so far, the oldest first.
pub fn export(control: &Control, permit: &Permit) -> Result<Export, Fault> {
    Export::of(control, permit.session().tenant().to_string())
}

/// Every line of a tenant, or of what is about none.
pub fn export_of(control: &Control, _: &Operator, of: Option<&TenantId>) -> Result<Export, Fault> {
    Export::of(control, of.map_or_else(|| OPERATOR.to_owned(), TenantId::to_string))
}

/// Reads every line of every chain and says what does not fit together.
pub fn verify(control: &Control, _: &Operator) -> Result<Verified, Fault> {
    let (heads, lines, entries) = control.store().read(|reader| {
        let heads = reader.select::<AuditHeadRow>("1 = 1 ORDER BY of")?;
        Ok((heads, reader.count::<AuditRow>()?, reader.count::<Entry>()?))
    })?;
    let mut wrong = Vec::new();
    let counted: u64 = heads.iter().map(|head| head.n).sum();
    if (counted, counted) != (lines, entries) {
        wrong.push(format!("the chains end at {counted} lines together, but {lines} and {entries} entries are there"));
    }
    let chains = u64::try_from(heads.len()).unwrap_or(u64::MAX);
    for head in heads {
        wrong.extend(broken(control, &head)?.map(|why| format!("{}: {why}", head.of)));
    }
    Ok(Verified { chains, lines, entries, wrong })
}

impl Export {
    fn of(control: &Control, of: String) -> Result<Export, Fault> {
        let head = control.store().read(|reader| reader.get::<AuditHeadRow>(&of))?;
        let last = head.map_or(0, |head| head.n);
        Ok(Export { control: control.clone(), of, last, given: 0, hash: String::new() })
    }

    /// The next lines, some hundreds at most; none when all were given.
    pub fn part(&mut self) -> Result<Vec<Line>, Fault> {
        if self.given == self.last {
            return Ok(Vec::new());
        }
        let (from, upto) = (self.given + 1, self.last.min(self.given + PART) + 1);
        let mut lines =
            self.control.store().read(|reader| lines(reader, &store::oldest(reader, &self.of, from, upto)?))?;
        for line in &mut lines {
            line.previous = std::mem::replace(&mut self.hash, line.hash.clone());
        }
        self.given = lines.last().map_or(self.last, |line| line.n);
        Ok(lines)
    }
}

/// When a tenant's chain grew last.
pub(crate) fn latest(reader: &Reader<'_>, of: &TenantId) -> Result<Option<Time>, Fault> {
    let of = of.to_string();
    let Some(head) = reader.get::<AuditHeadRow>(&of)? else { return Ok(None) };
    Ok(reader.get::<AuditRow>(&AuditRow::keyed(&of, &head.n))?.map(|line| line.at))
}

/// The chain of what is about no tenant.
const OPERATOR: &str = "operator";
/// Lines that one read of an export takes.
const PART: u64 = 500;

/// The first place at which a chain does not hold.
fn broken(control: &Control, head: &AuditHeadRow) -> Result<Option<String>, Fault> {
    let mut export = Export::of(control, head.of.clone())?;
    export.last = head.n;
    let mut chain = Chain::new(&head.of);
    loop {
        let part = export.part()?;
        if part.is_empty() {
            return Ok(chain.ends_at(head.n, &head.hash).err());
        }
        for line in &part {
            if let Err(why) = chain.take(line) {
                return Ok(Some(why));
            }
        }
    }
}

/// What the lines say, with one look for all of them. One whose entry is gone says nothing, and its hash tells.
fn lines<'a>(reader: &Reader<'_>, rows: impl IntoIterator<Item = &'a AuditRow>) -> Result<Vec<Line>, Fault> {
    let rows: Vec<&AuditRow> = rows.into_iter().collect();
    let keys: Vec<_> = rows.iter().map(|row| (OFFICE, row.seq)).collect();
    let entries = reader.gets::<Entry>(&keys)?;
    Ok(rows.into_iter().zip(entries).map(|(row, entry)| Line::of(row, entry)).collect())
}
