//! What an operation sees: rows by key, declared ranges, the batch's time. Never a connection.

use base::{Fault, Stop, Time};

use crate::map::RowMap;
use crate::maps::Maps;
use crate::row::Row;

/// The operation asked for something that is not loaded yet. The committer loads it and runs the operation again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing;

/// Why an operation ended without an outcome.
#[derive(Debug)]
pub enum Halt<R> {
    /// Run me again when what I asked for is loaded.
    NotLoaded,
    Refused(R),
    Faulted(Fault),
}

impl<R> From<Missing> for Halt<R> {
    fn from(_: Missing) -> Halt<R> {
        Halt::NotLoaded
    }
}

impl<R> From<Fault> for Halt<R> {
    fn from(fault: Fault) -> Halt<R> {
        Halt::Faulted(fault)
    }
}

impl<R> From<Stop<R>> for Halt<R> {
    fn from(stop: Stop<R>) -> Halt<R> {
        match stop {
            Stop::Refused(refusal) => Halt::Refused(refusal),
            Stop::Faulted(fault) => Halt::Faulted(fault),
        }
    }
}

/// One run of one operation over the batch's rows.
pub struct Tx<'a> {
    maps: &'a mut Maps,
    now: Time,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(maps: &'a mut Maps, now: Time) -> Tx<'a> {
        Tx { maps, now }
    }

    /// The batch's time: never earlier than the last committed one.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The row, or `None` when it is known not to exist.
    pub fn get<R: Row>(&mut self, key: &R::Key) -> Result<Option<R>, Missing> {
        Ok(self.map::<R>().get(key)?.cloned())
    }

    /// Asks for a row that will be needed, without stopping: one load then brings everything.
    pub fn want<R: Row>(&mut self, key: &R::Key) {
        self.map::<R>().want(key);
    }

    /// Keeps a row whose key has been looked at before in this operation. Panics otherwise (the operation is then
    /// discarded): a write without a look cannot know whether it inserts or updates.
    pub fn put<R: Row>(&mut self, row: R) {
        let (key, map) = (row.key(), self.map::<R>());
        assert!(map.knows(&key), "put before get in {}", R::SPEC.name);
        map.put(key, Some(row));
    }

    /// Keeps a row whose key cannot exist yet, such as the next sequence of a tenant. Panics (the operation is then
    /// discarded) when the row is known to exist; when it exists unseen, the store's constraint fails the operation.
    pub fn add<R: Row>(&mut self, row: R) {
        let (key, map) = (row.key(), self.map::<R>());
        assert!(!map.holds(&key), "add of a row that exists in {}", R::SPEC.name);
        map.put(key, Some(row));
    }

    /// Removes a row that has been looked at before; panics otherwise, as [`Tx::put`] does.
    pub fn remove<R: Row>(&mut self, key: &R::Key) {
        let map = self.map::<R>();
        assert!(map.knows(key), "remove before get in {}", R::SPEC.name);
        map.put(key.clone(), None);
    }

    /// Removes a row that exists because another row says so, and spares the look at it. Panics (the operation is then
    /// discarded) when the row is known not to exist; when it is missing unseen, the store fails the operation.
    pub fn remove_unseen<R: Row>(&mut self, key: &R::Key) {
        let map = self.map::<R>();
        assert!(map.holds(key) || !map.knows(key), "removal of a row that does not exist in {}", R::SPEC.name);
        map.remove_unseen(key);
    }

    /// Rows with `from <= key < to`, ascending, at most `limit`, with all pending changes applied.
    pub fn walk<R: Row>(&mut self, from: &R::Key, to: &R::Key, limit: usize) -> Result<Vec<R>, Missing> {
        self.map::<R>().walk(from, to, limit)
    }

    fn map<R: Row>(&mut self) -> &mut RowMap<R> {
        self.maps.of::<R>()
    }
}
