//! The handle: control's store, its secrets, its clock and its chance.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use base::{Chance, Clock, Environment, Fault, Stop, Time};
use store::{Halt, Lane, Options, Place, Store, TenantNo, Tx};
use tokio::sync::Notify;

use crate::hashing::Hasher;
use crate::proof::Permit;
use crate::schema::schema;
use crate::secrets::{self, Secrets};
use crate::sessions;
use crate::settings::Settings;

/// Control keeps one order for all of its entries; it is the front office's own, no tenant's.
pub(crate) const OFFICE: TenantNo = 0;

/// The front office. Clones share it.
#[derive(Clone)]
pub struct Control {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    settings: Settings,
    secrets: Secrets,
    hasher: Hasher,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    due: Arc<Notify>,
}

impl Control {
    /// Opens or creates control's store, and its secret in `dir`. Fails with what to mend; of a directory, a second process
    /// is refused.
    pub fn open(
        place: impl Into<Place>,
        dir: &Path,
        settings: Settings,
        clock: Arc<dyn Clock>,
        chance: Arc<dyn Chance>,
    ) -> Result<Control, Fault> {
        make_private_dir(dir)?;
        let secrets = secrets::load(dir, chance.as_ref())?;
        let mut options = Options::at(place.into(), "control/main");
        options.run_twice = settings.run_twice;
        let store = Store::open(options, &schema(), Arc::clone(&clock))?;
        let hasher = Hasher::new(settings.limits.hashes_at_once);
        let inner = Inner { store, settings, secrets, hasher, clock, chance, due: Arc::default() };
        Ok(Control { inner: Arc::new(inner) })
    }

    /// Whether the store answers.
    pub fn ready(&self) -> Result<(), Fault> {
        self.store().read(|reader| reader.get::<crate::Tenant>(&String::new()).map(|_| ()))
    }

    /// Rung by every change, for the loops. It wakes who waits: take `notified()` first, look at what is due, then wait.
    pub fn due(&self) -> &Notify {
        &self.inner.due
    }

    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub fn now(&self) -> Time {
        self.inner.clock.now()
    }

    pub fn stats(&self) -> &store::Stats {
        self.store().stats()
    }

    /// Operations that wait for the committer.
    pub fn depth(&self) -> usize {
        self.store().depth()
    }

    /// Runs what waits and closes the store.
    pub fn close(&self) {
        self.store().close();
    }

    /// Runs one operation of the front office, and rings for the loops when it is durable.
    pub(crate) async fn run<T, R, F>(&self, run: F) -> Result<T, Stop<R>>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, Halt<R>> + Send + 'static,
        T: Send + 'static,
        R: Send + 'static,
    {
        // The committer holds the bell and not control, which would keep the store open.
        let due = Arc::clone(&self.inner.due);
        self.store().submit_then(Lane::Client(OFFICE), run, move |_: &T| due.notify_waiters()).await
    }

    /// As [`Control::run`], by a permit. The rest of a request may come long after its permit was judged, so session and role
    /// are judged again where nothing comes between. One that has ended meanwhile is a fault that passes: who asks again hears
    /// why.
    pub(crate) async fn run_by<T, R, F>(
        &self,
        permit: &Permit,
        environment: Option<Environment>,
        run: F,
    ) -> Result<T, Stop<R>>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, Halt<R>> + Send + 'static,
        T: Send + 'static,
        R: Send + 'static,
    {
        let permit = permit.clone();
        let run = move |tx: &mut Tx<'_>| match sessions::holds(tx, &permit, environment)? {
            true => run(tx),
            false => Err(Fault::busy("the session or the seat ended while it was being used").into()),
        };
        self.run(run).await
    }

    /// As [`Control::run`], for an operation that refuses nothing.
    pub(crate) async fn change<T, F>(&self, run: F) -> Result<T, Fault>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, Halt<Infallible>> + Send + 'static,
        T: Send + 'static,
    {
        self.run(run).await.map_err(|stop| match stop {
            Stop::Faulted(fault) => fault,
            Stop::Refused(never) => match never {},
        })
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(crate) fn secrets(&self) -> &Secrets {
        &self.inner.secrets
    }

    pub(crate) fn hasher(&self) -> &Hasher {
        &self.inner.hasher
    }

    pub(crate) fn chance(&self) -> &dyn Chance {
        self.inner.chance.as_ref()
    }
}

fn make_private_dir(dir: &Path) -> Result<(), Fault> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| Fault::because(format!("making the directory {}", dir.display()), error))
}
