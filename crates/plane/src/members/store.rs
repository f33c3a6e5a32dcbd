//! The rows of presences, of the count of changes, and of leases. They belong to no tenant.

use ::store::{Bind, Column, Corrupt, KeyShape, Kind, Locked, Row, Spec, Take};

use super::state::Stamp;

/// The slot of the room's first table.
const FIRST: usize = 12;

/// A process that serves this plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessRow {
    /// Drawn at its start.
    pub id: String,
    /// It remembers nothing older than this change.
    pub seen: i64,
    /// Its count of heartbeats: another one with each.
    pub beat: i64,
}

/// How often something changed that processes remember; and, under another name, by what the secret is known under which the
/// store's keys are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRow {
    pub name: String,
    pub number: i64,
}

/// Who runs a loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRow {
    /// The loop's.
    pub name: String,
    /// The id of a process; empty when nobody has it.
    pub holder: String,
    /// Counts holders: one more with each.
    pub epoch: i64,
    /// The holder's count: another one with each renewal.
    pub beat: i64,
}

impl ChangeRow {
    pub(super) const NAME: &'static str = "memory";
    pub(super) const SECRET: &'static str = "secret";
}

impl ProcessRow {
    pub(super) fn stamp(&self) -> Stamp {
        (0, self.beat)
    }
}

impl LeaseRow {
    pub(super) fn is_free(&self) -> bool {
        self.holder.is_empty()
    }

    pub(super) fn stamp(&self) -> Stamp {
        (self.epoch, self.beat)
    }
}

impl Row for ProcessRow {
    type Key = String;
    const SLOT: usize = FIRST;
    const SPEC: Spec = Spec {
        name: "process",
        columns: &[Column::new("id", Kind::Text), Column::new("seen", Kind::Int), Column::new("beat", Kind::Int)],
        key: KeyShape::First(1),
        keep: 100,
        locked: Locked::ByHead,
    };

    fn key(&self) -> String {
        self.id.clone()
    }

    fn write_key(key: &String, out: &mut dyn Bind) {
        out.text(key);
    }

    fn write(&self, out: &mut dyn Bind) {
        out.text(&self.id);
        out.int(self.seen);
        out.int(self.beat);
    }

    fn read(from: &mut dyn Take) -> Result<ProcessRow, Corrupt> {
        Ok(ProcessRow { id: from.text()?.to_owned(), seen: from.int()?, beat: from.int()? })
    }
}

impl Row for ChangeRow {
    type Key = String;
    const SLOT: usize = FIRST + 1;
    const SPEC: Spec = Spec {
        name: "change",
        columns: &[Column::new("name", Kind::Text), Column::new("number", Kind::Int)],
        key: KeyShape::First(1),
        keep: 100,
        locked: Locked::ByHead,
    };

    fn key(&self) -> String {
        self.name.clone()
    }

    fn write_key(key: &String, out: &mut dyn Bind) {
        out.text(key);
    }

    fn write(&self, out: &mut dyn Bind) {
        out.text(&self.name);
        out.int(self.number);
    }

    fn read(from: &mut dyn Take) -> Result<ChangeRow, Corrupt> {
        Ok(ChangeRow { name: from.text()?.to_owned(), number: from.int()? })
    }
}

impl Row for LeaseRow {
    type Key = String;
    const SLOT: usize = FIRST + 2;
    const SPEC: Spec = Spec {
        name: "lease",
        columns: &[
            Column::new("name", Kind::Text),
            Column::new("holder", Kind::Text),
            Column::new("epoch", Kind::Int),
            Column::new("beat", Kind::Int),
        ],
        key: KeyShape::First(1),
        keep: 100,
        // Every operation of a loop reads its lease: they must not wait for one another.
        locked: Locked::ByItself,
    };

    fn key(&self) -> String {
        self.name.clone()
    }

    fn write_key(key: &String, out: &mut dyn Bind) {
        out.text(key);
    }

    fn write(&self, out: &mut dyn Bind) {
        out.text(&self.name);
        out.text(&self.holder);
        out.int(self.epoch);
        out.int(self.beat);
    }

    fn read(from: &mut dyn Take) -> Result<LeaseRow, Corrupt> {
        let (name, holder) = (from.text()?.to_owned(), from.text()?.to_owned());
        Ok(LeaseRow { name, holder, epoch: from.int()?, beat: from.int()? })
    }
}
