//! The processes that serve one plane together over a shared store: who is there, what each remembers, and which of them
//! runs a loop. A process that is alone with its store has none of this to do, and it costs nothing.
//!
//! Life of a presence: none → heartbeats, by which it says how much it has seen → its row stands still → over; or given
//! up at an orderly stop. Life of a lease: free → held and renewed → given back, or run out → taken by another under
//! the next epoch. Both are drawn in `docs/lifecycles.md`.
//!
//! What a process remembers (keys, tenants' clocks, weather) must never be older than what a caller was told. So a change
//! is counted in its own operation, and answered when every process that is there says that it remembers nothing older.
//! A process whose heartbeats do not get through stops using its memory well before others stop waiting for it.

mod lease;
mod memory;
mod state;
mod store;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::time::Duration;

use ::store::{Halt, Lane, Missing, Tx};
use base::{Fault, Span, Stop, Time};

use crate::{Plane, sandbox};

pub use lease::{Duty, give_back, hold, holds};
pub(crate) use lease::{fence, fence_of, lost};
pub(crate) use memory::{Members, Pulse};
use state::{BURIED, waits_for};
pub use store::{ChangeRow, LeaseRow, ProcessRow};

/// What a heartbeat found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// Memory is as new as the store was when the heartbeat was kept.
    Kept,
    /// Something changed in between: the next heartbeat is due now.
    Overtaken,
}

/// One heartbeat: memory is brought up to the last change first, then the row says so. Due every 300 ms.
pub async fn beat(plane: &Plane) -> Result<Beat, Fault> {
    beat_after(plane, look(plane)?).await
}

async fn beat_after(plane: &Plane, found: Found) -> Result<Beat, Fault> {
    let members = plane.members();
    if found.number != members.seen() {
        refresh(plane)?;
        members.refreshed(found.number);
    }
    let buried = found.rows.into_iter().filter(|(_, still)| *still >= BURIED).map(|(row, _)| row).collect();
    let row = ProcessRow { id: members.id().to_string(), seen: found.number, beat: members.next_beat() };
    let number = keep(plane, row, buried).await?;
    // A change that was answered without this process, because its presence was over, happened before this heartbeat:
    // then the count has moved, and memory is as old as it was.
    if number != found.number {
        return Ok(Beat::Overtaken);
    }
    members.beaten(found.begun);
    Ok(Beat::Kept)
}

/// Refuses a process whose secret is not the one under which the store's keys are kept: they would all be unknown to it.
pub(crate) fn same_secret(plane: &Plane) -> Result<(), Fault> {
    if !plane.members().shared() {
        return Ok(());
    }
    let known = plane.store().read(|reader| reader.get::<ChangeRow>(&ChangeRow::SECRET.to_owned()))?;
    match known {
        Some(row) if row.number != plane.secret_mark() => Err(another_secret()),
        _ => Ok(()),
    }
}

fn another_secret() -> Fault {
    Fault::new(
        "the file `secret` in the plane's directory is not the one under which the database's keys are kept: copy it from \
         a machine that serves this plane, or from a backup",
    )
}

/// The first process of a new database says by what its secret is known.
fn note_secret(tx: &mut Tx<'_>, mark: i64) -> Result<(), Halt<Infallible>> {
    match tx.get::<ChangeRow>(&ChangeRow::SECRET.to_owned())? {
        Some(row) if row.number == mark => Ok(()),
        Some(_) => Err(Halt::Faulted(another_secret())),
        None => {
            tx.put(ChangeRow { name: ChangeRow::SECRET.to_owned(), number: mark });
            Ok(())
        }
    }
}

/// Keeps the heartbeat and answers the count of changes that it was kept at.
async fn keep(plane: &Plane, row: ProcessRow, buried: Vec<ProcessRow>) -> Result<i64, Fault> {
    let mark = plane.secret_mark();
    let run = move |tx: &mut Tx<'_>| {
        tx.want::<ChangeRow>(&ChangeRow::NAME.to_owned());
        tx.want::<ChangeRow>(&ChangeRow::SECRET.to_owned());
        buried.iter().for_each(|row| tx.want::<ProcessRow>(&row.id));
        tx.get::<ProcessRow>(&row.id)?;
        for dead in &buried {
            if tx.get::<ProcessRow>(&dead.id)?.as_ref() == Some(dead) {
                tx.remove::<ProcessRow>(&dead.id);
            }
        }
        note_secret(tx, mark)?;
        let number = number(tx)?;
        tx.put(row.clone());
        Ok(number)
    };
    plane.store().submit(Lane::Worker { tenant: 0, objects: 1 }, run).await.map_err(never_refused)
}

/// Ends this process's presence at an orderly stop. From here on it remembers nothing.
pub async fn leave(plane: &Plane) -> Result<(), Fault> {
    let members = plane.members();
    members.distrust();
    let id = members.id().to_string();
    let run = move |tx: &mut Tx<'_>| {
        if tx.get::<ProcessRow>(&id)?.is_some() {
            tx.remove::<ProcessRow>(&id);
        }
        Ok(())
    };
    plane.store().submit(Lane::Worker { tenant: 0, objects: 1 }, run).await.map_err(never_refused)
}

/// A change to what processes remember, by its number; nothing to wait for where the process is alone.
#[must_use = "a change is answered when every process has seen it"]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change(Option<i64>);

/// Asks for what [`changed`] reads.
pub(crate) fn want(tx: &mut Tx<'_>, shared: bool) {
    if shared {
        tx.want::<ChangeRow>(&ChangeRow::NAME.to_owned());
    }
}

/// Counts a change to what processes remember, in the operation that makes it.
pub(crate) fn changed(tx: &mut Tx<'_>, shared: bool) -> Result<Change, Missing> {
    if !shared {
        return Ok(Change(None));
    }
    let number = number(tx)? + 1;
    tx.put(ChangeRow { name: ChangeRow::NAME.to_owned(), number });
    Ok(Change(Some(number)))
}

/// The last change, for an operation that found its own to be made already: that one may not have been answered yet.
pub(crate) fn unchanged(tx: &mut Tx<'_>, shared: bool) -> Result<Change, Missing> {
    Ok(Change(if shared { Some(number(tx)?) } else { None }))
}

fn number(tx: &mut Tx<'_>) -> Result<i64, Missing> {
    Ok(tx.get::<ChangeRow>(&ChangeRow::NAME.to_owned())?.map_or(0, |row| row.number))
}

/// Between two looks at whether everybody has seen a change.
const POLL: Duration = Duration::from_millis(50);
/// 5 seconds: longer than a presence can last without a heartbeat.
const POLLS: usize = 100;

/// Returns when every process that is there has seen the change: none of them uses anything older from then on. This
/// process has it from the commit itself. A fault means that the change is kept, and that this is not known.
pub(crate) async fn settled(plane: &Plane, change: Change) -> Result<(), Fault> {
    let Change(Some(number)) = change else { return Ok(()) };
    let me = plane.members().id();
    let mut unread = None;
    for _ in 0..POLLS {
        match look(plane) {
            Ok(found) if !found.rows.iter().any(|(row, still)| waits_for(row, me, number, *still)) => return Ok(()),
            Ok(_) => unread = None,
            Err(fault) => unread = Some(fault),
        }
        tokio::time::sleep(POLL).await;
    }
    if let Some(fault) = unread {
        tracing::warn!(fault = fault.chain(), "the processes of the plane could not be read");
    }
    Err(Fault::new("the change is kept, but whether every process knows of it could not be found out; ask again"))
}

struct Found {
    begun: Time,
    /// Each with how long it has stood still.
    rows: Vec<(ProcessRow, Span)>,
    number: i64,
}

fn look(plane: &Plane) -> Result<Found, Fault> {
    let members = plane.members();
    let read = || {
        plane.store().read(|reader| {
            let rows = reader.select::<ProcessRow>("1 = 1 ORDER BY id")?;
            Ok((rows, reader.get::<ChangeRow>(&ChangeRow::NAME.to_owned())?))
        })
    };
    let ((rows, change), look) = members.look(read)?;
    let mut watch = members.processes.lock();
    watch.keep(|id| rows.iter().any(|row| row.id == id));
    let timed = |row: ProcessRow| {
        let still = watch.still(&row.id, row.stamp(), look);
        (row, still)
    };
    let (rows, number) = (rows.into_iter().map(timed).collect(), change.map_or(0, |row| row.number));
    Ok(Found { begun: look.begun, rows, number })
}

/// Everything that this process remembers of others' doing, anew.
fn refresh(plane: &Plane) -> Result<(), Fault> {
    plane.grants().forget_all();
    sandbox::recall(plane)
}

fn never_refused(stop: Stop<Infallible>) -> Fault {
    match stop {
        Stop::Faulted(fault) => fault,
        Stop::Refused(never) => match never {},
    }
}
