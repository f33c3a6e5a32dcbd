//! Leases: which process runs a loop. An economy, so that two do not do the same work; what a loop proposes is judged by
//! the store as ever. A loop that lost its lease while it was working is kept out by the fence in its operations.

use ::store::{Lane, Missing, Tx};
use base::Fault;

use super::never_refused;
use super::state::{Ask, RUN_OUT, Stamp, given_back, taken};
use super::store::LeaseRow;
use crate::Plane;

/// A loop that runs in one process at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Duty {
    Payouts,
    Sweep,
}

impl Duty {
    /// The lease's name, for people too.
    pub fn name(self) -> &'static str {
        match self {
            Duty::Payouts => "payouts",
            Duty::Sweep => "sweep",
        }
    }
}

/// Takes or renews the lease where that is due and possible; then ask [`holds`]. Due at least once a second. A fault
/// leaves a lease that is held as it is, until it runs out.
pub async fn hold(plane: &Plane, duty: Duty) -> Result<(), Fault> {
    let members = plane.members();
    if !members.shared() || members.renewed(duty) {
        return Ok(());
    }
    let begun = members.time();
    let run_out = match members.holds(duty) {
        Some(_) => None,
        None => match look(plane, duty)? {
            Seen::Another => {
                members.lost(duty);
                return Ok(());
            }
            Seen::Open(run_out) => run_out,
        },
    };
    let (me, beat) = (members.id().clone(), members.next_beat());
    let run = move |tx: &mut Tx<'_>| {
        let name = duty.name();
        let row = tx.get::<LeaseRow>(&name.to_owned())?;
        let Some(row) = taken(row, &Ask { name, me: &me, beat, run_out }) else { return Ok(None) };
        let epoch = row.epoch;
        tx.put(row);
        Ok(Some(epoch))
    };
    let epoch = plane.store().submit(Lane::Worker { tenant: 0, objects: 1 }, run).await.map_err(never_refused)?;
    match epoch {
        Some(epoch) => members.took(duty, epoch, begun),
        None => members.lost(duty),
    }
    Ok(())
}

/// A lease that this process does not have.
enum Seen {
    /// Another process keeps it alive.
    Another,
    /// Free, or run out with this stamp.
    Open(Option<Stamp>),
}

fn look(plane: &Plane, duty: Duty) -> Result<Seen, Fault> {
    let members = plane.members();
    let read = || plane.store().read(|reader| reader.get::<LeaseRow>(&duty.name().to_owned()));
    let (row, look) = members.look(read)?;
    let Some(row) = row.filter(|row| !row.is_free() && row.holder != **members.id()) else {
        return Ok(Seen::Open(None));
    };
    let still = members.others_leases.lock().still(duty.name(), row.stamp(), look);
    Ok(if still >= RUN_OUT { Seen::Open(Some(row.stamp())) } else { Seen::Another })
}

/// The epoch in which this process runs the loop now; `None` when another may. A process that is alone always does.
pub fn holds(plane: &Plane, duty: Duty) -> Option<i64> {
    let members = plane.members();
    if members.shared() { members.holds(duty) } else { Some(0) }
}

/// Gives the lease back at an orderly stop, so that another process goes on at once.
pub async fn give_back(plane: &Plane, duty: Duty) -> Result<(), Fault> {
    let members = plane.members();
    if members.epoch(duty).is_none() {
        return Ok(());
    }
    members.lost(duty);
    let me = members.id().clone();
    let run = move |tx: &mut Tx<'_>| {
        let row = tx.get::<LeaseRow>(&duty.name().to_owned())?;
        given_back(row, &me).into_iter().for_each(|row| tx.put(row));
        Ok(())
    };
    plane.store().submit(Lane::Worker { tenant: 0, objects: 1 }, run).await.map_err(never_refused)
}

/// The lease under which an operation of a loop was proposed. Open for a process that is alone, and for one that never
/// had the lease: it runs no such loop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fence(Option<(Duty, i64)>);

/// Taken before the operation is submitted.
pub(crate) fn fence_of(plane: &Plane, duty: Duty) -> Fence {
    Fence(plane.members().epoch(duty).map(|epoch| (duty, epoch)))
}

/// Whether the lease is still the one under which the operation was proposed: asked first, in the operation itself.
pub(crate) fn fence(tx: &mut Tx<'_>, fence: &Fence) -> Result<bool, Missing> {
    let Fence(Some((duty, epoch))) = fence else { return Ok(true) };
    let row = tx.get::<LeaseRow>(&duty.name().to_owned())?;
    Ok(row.is_some_and(|row| row.epoch == *epoch))
}

/// What an operation behind a fence that has moved ends with.
pub(crate) fn lost() -> Fault {
    Fault::busy("another process runs this loop by now; nothing was done")
}
