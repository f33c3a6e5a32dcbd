//! The handle: control's store, its clock and its chance.

use std::sync::Arc;

use base::{Chance, Clock, Fault};
use store::{Options, Place, Store};

use crate::schema::schema;

/// The front office. Clones share it.
#[derive(Clone)]
pub struct Control {
    store: Store,
    chance: Arc<dyn Chance>,
}

impl Control {
    /// Opens or creates control's store. Fails with what to mend; of a directory, a second process is refused.
    pub fn open(place: impl Into<Place>, clock: Arc<dyn Clock>, chance: Arc<dyn Chance>) -> Result<Control, Fault> {
        let store = Store::open(Options::at(place.into(), "control/main"), &schema(), clock)?;
        Ok(Control { store, chance })
    }

    /// Whether the store answers.
    pub fn ready(&self) -> Result<(), Fault> {
        self.store.read(|reader| reader.get::<crate::Tenant>(&String::new()).map(|_| ()))
    }

    pub fn stats(&self) -> &store::Stats {
        self.store.stats()
    }

    /// Operations that wait for the committer.
    pub fn depth(&self) -> usize {
        self.store.depth()
    }

    /// Runs what waits and closes the store.
    pub fn close(&self) {
        self.store.close();
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    pub(crate) fn chance(&self) -> &dyn Chance {
        self.chance.as_ref()
    }
}
