//! Wishes: what control still wants of a plane and has not heard done. Kept before the ask, so that a lost answer leaves no key
//! alive that nobody knows, and no key that was revoked.
//!
//! Refuses nothing. Life of a wish: kept → done by who asked, or due when its ask had time to be answered, and then the
//! loop's until it comes true.

mod state;
mod store;
#[cfg(test)]
mod tests;
mod waiting;

use ::store::{Missing, Tx};
use base::{Environment, Fault, Span, TenantId};
use serde_json::json;

use crate::act::Act;
use crate::agenda::{self, Duty};
use crate::mail;
use crate::notifications::{self, News};
use crate::planes::{Ask, KeyChange};
use crate::{Control, audit};

pub use store::{What, WishRow};
pub use waiting::{Page, Place, waiting};

/// A wish whose time has come.
#[derive(Clone, Debug)]
pub struct Due {
    pub id: String,
    pub ask: Ask,
}

/// A wish as an operation keeps it.
#[derive(Clone)]
pub(crate) struct Wish {
    pub(crate) id: String,
    pub(crate) of: TenantId,
    pub(crate) environment: Environment,
    pub(crate) what: What,
}

/// What became of a wish whose ask was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It is forgotten: nothing undoes what was asked.
    Done,
    /// Too late: the loop has it, or has had it.
    Overtaken,
}

/// Between two tries of the loop at most.
const WAIT_MOST: Span = Span::seconds(60);

/// Keeps a wish, with its place on the agenda, and says whether it is new. One that is there already stays as it is: somebody
/// asks for it at this moment, or the loop has it.
pub(crate) fn keep(tx: &mut Tx<'_>, wish: &Wish) -> Result<bool, Missing> {
    if tx.get::<WishRow>(&wish.id)?.is_some() {
        return Ok(false);
    }
    let (since, Wish { id, of, environment, what }) = (tx.now(), wish.clone());
    let due_at = since.plus(state::patience(&what));
    agenda::moved(tx, Duty::Wish(environment), &id, None, Some(due_at))?;
    tx.put(WishRow { id, of, environment, what, since, attempts: 0, due_at });
    Ok(true)
}

/// Forgets a wish whose ask was answered in time. Where that came late the loop may be voiding it at this moment: then it
/// stays, and what was asked for counts as undone.
pub(crate) fn end(tx: &mut Tx<'_>, id: &str) -> Result<Ended, Missing> {
    let Some(row) = tx.get::<WishRow>(&id.to_owned())? else { return Ok(Ended::Overtaken) };
    if !state::in_time(&row, tx.now()) {
        return Ok(Ended::Overtaken);
    }
    forget(tx, row)?;
    Ok(Ended::Done)
}

/// Forgets a wish of which nothing can be left to do, and says whether it was there.
pub(crate) fn drop_it(tx: &mut Tx<'_>, id: &str) -> Result<bool, Missing> {
    let Some(row) = tx.get::<WishRow>(&id.to_owned())? else { return Ok(false) };
    forget(tx, row)?;
    Ok(true)
}

fn forget(tx: &mut Tx<'_>, row: WishRow) -> Result<(), Missing> {
    agenda::moved(tx, Duty::Wish(row.environment), &row.id, Some(row.due_at), None)?;
    tx.remove::<WishRow>(&row.id);
    Ok(())
}

/// What is due now of one side's plane, the earliest first, at most 100.
pub fn due(control: &Control, environment: Environment) -> Result<Vec<Due>, Fault> {
    const MOST: usize = 100;
    let now = control.now();
    control.store().read(|reader| {
        let lines = agenda::until(reader, Duty::Wish(environment), now, MOST)?;
        let rows = lines.into_iter().map(|line| reader.get::<WishRow>(&line.id));
        let rows = rows.collect::<Result<Vec<_>, Fault>>()?.into_iter().flatten();
        Ok(rows.map(|row| Due { ask: ask_of(&row), id: row.id }).collect())
    })
}

/// The plane has done it, or says that there is nothing to do.
pub async fn finished(control: &Control, id: &str) -> Result<(), Fault> {
    let (id, letter) = (id.to_owned(), mail::draw(control));
    let run = move |tx: &mut Tx<'_>| {
        let Some(row) = tx.get::<WishRow>(&id)? else { return Ok(()) };
        let act = Act::of_the_system().in_environment(row.environment);
        let (kind, facts) = match &row.what {
            What::Void { wish } => ("wish_voided", json!({"wish": wish})),
            What::Revoke { key } => ("key_revoked", json!({"key": key.to_string()})),
        };
        audit::append(tx, &act, Some(&row.of), kind, facts)?;
        if let What::Revoke { key } = &row.what {
            let (of, environment, kind) = (&row.of, row.environment, mail::Kind::KeyRevoked);
            let facts = json!({"key": key.to_string(), "environment": environment.word()});
            notifications::tell(tx, &letter, &News { of, environment, by: None, kind, facts: &facts })?;
        }
        Ok(forget(tx, row)?)
    };
    control.change(run).await
}

/// The plane did not answer: it is due again later.
pub async fn postponed(control: &Control, id: &str) -> Result<(), Fault> {
    let id = id.to_owned();
    let run = move |tx: &mut Tx<'_>| {
        let Some(row) = tx.get::<WishRow>(&id)? else { return Ok(()) };
        let attempts = row.attempts.saturating_add(1);
        let due_at = tx.now().plus(agenda::back_off(Span::seconds(1), attempts, WAIT_MOST));
        agenda::moved(tx, Duty::Wish(row.environment), &id, Some(row.due_at), Some(due_at))?;
        tx.put(WishRow { attempts, due_at, ..row });
        Ok(())
    };
    control.change(run).await
}

fn ask_of(row: &WishRow) -> Ask {
    let tenant = row.of.clone();
    match &row.what {
        What::Void { wish } => Ask::Void { tenant, wish: wish.clone() },
        What::Revoke { key } => Ask::Change { tenant, key: *key, change: KeyChange::Revoke },
    }
}
