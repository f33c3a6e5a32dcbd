//! The rules of presences and leases. Pure: rows and times are passed in.
//!
//! No machine's clock is compared with another's. A row that its owner keeps alive changes with every sign of life; who
//! looks on measures, with its own clock that never jumps, for how long the row has stood still. Clocks that are hours
//! apart change nothing, and only clocks that run at half another's speed would.

use std::collections::HashMap;

use base::{Span, Time};

use super::store::{LeaseRow, ProcessRow};

/// How long a process trusts its memory after it began its last heartbeat.
pub(super) const TRUSTED: Span = Span::millis(1_500);
/// A presence that has stood still for so long is over: nobody waits for that process.
pub(super) const GONE: Span = Span::seconds(3);
/// The row of a presence that is over is removed after so long.
pub(super) const BURIED: Span = Span::seconds(60);

/// A holder keeps its lease alive this often.
pub(super) const RENEWED: Span = Span::seconds(1);
/// For so long after it began its last renewal a holder takes the lease to be its own.
pub(super) const HELD: Span = Span::seconds(4);
/// A lease that has stood still for so long may be taken by another.
pub(super) const RUN_OUT: Span = Span::seconds(5);

/// What changes in a row with every sign of life.
pub(super) type Stamp = (i64, i64);

/// A look at rows by the looker's own measure. What the rows say was so at some moment in between.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) begun: Time,
    pub(super) ended: Time,
}

/// Since when each row has looked as it does.
#[derive(Default)]
pub(super) struct Watch {
    since: HashMap<String, (Stamp, Time)>,
}

impl Watch {
    /// Notes what a look found, and answers for how long the row has stood still at least: counted from the end of the
    /// look that saw it change to the beginning of this one, so that a process that was halted in between is not fooled.
    pub(super) fn still(&mut self, of: &str, stamp: Stamp, look: Look) -> Span {
        match self.since.get(of) {
            Some((known, since)) if *known == stamp => look.begun.since(*since).max(Span(0)),
            _ => {
                self.since.insert(of.to_owned(), (stamp, look.ended));
                Span(0)
            }
        }
    }

    /// Forgets rows that are gone.
    pub(super) fn keep(&mut self, there: impl Fn(&str) -> bool) {
        self.since.retain(|of, _| there(of));
    }
}

/// Whether a process may use what it remembers, so long after it began its last heartbeat.
pub(super) fn trusts(since_beat: Span) -> bool {
    since_beat < TRUSTED
}

/// Whether the answer to change `number` waits for the process of this row, which has stood `still` for so long.
pub(super) fn waits_for(row: &ProcessRow, me: &str, number: i64, still: Span) -> bool {
    row.id != me && row.seen < number && still < GONE
}

/// A process that asks for a lease.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask<'a> {
    pub(super) name: &'static str,
    pub(super) me: &'a str,
    /// The asker's count: no two of its signs of life are alike.
    pub(super) beat: i64,
    /// The lease as the asker has seen it stand still for long enough.
    pub(super) run_out: Option<Stamp>,
}

/// The lease as it is once the asker has it; `None` when it is another's.
pub(super) fn taken(row: Option<LeaseRow>, ask: &Ask<'_>) -> Option<LeaseRow> {
    let (holder, beat) = (ask.me.to_owned(), ask.beat);
    match row {
        None => Some(LeaseRow { name: ask.name.to_owned(), holder, epoch: 1, beat }),
        Some(row) if row.holder == holder => Some(LeaseRow { beat, ..row }),
        Some(row) if row.is_free() || ask.run_out == Some(row.stamp()) => {
            Some(LeaseRow { holder, beat, epoch: row.epoch + 1, ..row })
        }
        Some(_) => None,
    }
}

/// The lease as it is once this process has given it back; `None` when that is not its to do.
pub(super) fn given_back(row: Option<LeaseRow>, me: &str) -> Option<LeaseRow> {
    let row = row.filter(|row| row.holder == me)?;
    Some(LeaseRow { holder: String::new(), ..row })
}
