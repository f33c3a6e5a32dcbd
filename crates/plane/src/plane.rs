//! The handle: one plane's store, keys and memory.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use base::{Chance, Clock, Fault, PlaneName, Secret, Span, Time};
use parking_lot::{Mutex, RwLock};
use store::{Options, Store, TenantNo};
use tokio::sync::Notify;

use crate::config::PlaneConfig;
use crate::grants::Grants;
use crate::members::{Members, Pulse};
use crate::payouts::State;
use crate::sandbox::magic::Script;
use crate::sandbox::{Sandbox, Skies};
use crate::schema::schema;
use crate::secrets::{self, Secrets};

/// One environment's money. Clones share it.
#[derive(Clone)]
pub struct Plane {
    inner: Arc<Inner>,
}

struct Inner {
    config: PlaneConfig,
    store: Store,
    secrets: Secrets,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    grants: Arc<Grants>,
    work: Arc<OpenWork>,
    skies: Arc<Skies>,
    members: Members,
}

impl Plane {
    /// Opens or creates the plane's store and reads its secret. Fails with what to mend.
    pub fn open(config: PlaneConfig, clock: Arc<dyn Clock>, chance: Arc<dyn Chance>) -> Result<Plane, Fault> {
        let identity = format!("{}/{}", config.name.environment, config.name.name);
        make_private_dir(&config.dir)?;
        let secrets = secrets::load(&config.dir, chance.as_ref())?;
        let mut options = Options::new(&config.dir, identity);
        options.limits = config.store_limits;
        options.run_twice = config.run_twice;
        options.answers_on.clone_from(&config.answers_on);
        let store = Store::open(options, &schema(), Arc::clone(&clock))?;
        let members = match store.shared() {
            true => Members::among(chance.as_ref(), Arc::new(Pulse::default())),
            false => Members::alone(),
        };
        Plane::over(store, config, secrets, clock, chance, members)
    }

    /// Tests only: the plane as another process has it that serves it together with others, with a memory of its own and
    /// its own measure of time, over this one's store.
    pub fn as_another_process(&self, pulse: Arc<dyn Clock>) -> Result<Plane, Fault> {
        let Inner { config, store, clock, chance, .. } = self.inner.as_ref();
        let secrets = secrets::load(&config.dir, chance.as_ref())?;
        let members = Members::among(chance.as_ref(), pulse);
        Plane::over(store.clone(), config.clone(), secrets, Arc::clone(clock), Arc::clone(chance), members)
    }

    fn over(
        store: Store,
        config: PlaneConfig,
        secrets: Secrets,
        clock: Arc<dyn Clock>,
        chance: Arc<dyn Chance>,
        members: Members,
    ) -> Result<Plane, Fault> {
        let (grants, work, skies) = (Arc::default(), Arc::default(), Arc::default());
        let inner = Inner { config, store, secrets, clock, chance, grants, work, skies, members };
        let plane = Plane { inner: Arc::new(inner) };
        plane.remember()?;
        Ok(plane)
    }

    /// What a restart must know again: open transfers and how far tenants' clocks are ahead.
    fn remember(&self) -> Result<(), Fault> {
        let tenants = crate::grants::tenants(self)?;
        for row in &tenants {
            self.work().set_ahead(row.tenant, Span(row.clock_ahead));
            self.skies().set(row.tenant, &row.weather);
        }
        let open = crate::payouts::open(self)?;
        self.work().opened(i64::try_from(open.len()).unwrap_or(i64::MAX));
        // What is behind a retired number counts as open until it is swept away, and is not due.
        let present: HashSet<TenantNo> = tenants.iter().map(|row| row.tenant).collect();
        self.work().add(open.into_iter().filter(|due| present.contains(&due.tenant)));
        Ok(())
    }

    pub fn name(&self) -> &PlaneName {
        &self.inner.config.name
    }

    pub fn config(&self) -> &PlaneConfig {
        &self.inner.config
    }

    /// The witness that opens the doors of [`crate::sandbox`]; a live plane has none.
    pub fn sandbox(&self) -> Option<Sandbox> {
        Sandbox::witness(self.name().environment)
    }

    pub fn now(&self) -> Time {
        self.inner.clock.now()
    }

    /// Transfers that are not final yet, for the payout worker.
    pub fn work(&self) -> &OpenWork {
        &self.inner.work
    }

    pub fn stats(&self) -> &store::Stats {
        self.inner.store.stats()
    }

    /// Operations that wait for the committer.
    pub fn depth(&self) -> usize {
        self.inner.store.depth()
    }

    /// Whether the store answers.
    pub fn ready(&self) -> Result<(), Fault> {
        self.inner.store.read(|reader| reader.get::<crate::grants::TenantRow>(&0).map(|_| ()))
    }

    /// How many entries the tenant's journal has, as committed. What changes nothing leaves it as it was.
    pub fn entries(&self, tenant: TenantNo) -> Result<u64, Fault> {
        let head = self.inner.store.read(|reader| reader.get::<store::Head>(&tenant))?;
        Ok(head.map_or(0, |head| head.seq))
    }

    /// Runs what waits and closes the store.
    pub fn close(&self) {
        self.inner.store.close();
    }

    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(crate) fn chance(&self) -> &dyn Chance {
        self.inner.chance.as_ref()
    }

    /// To be told of commits: a job on the committer holds this and not the plane, which would keep the store open.
    pub(crate) fn work_told(&self) -> Arc<OpenWork> {
        Arc::clone(&self.inner.work)
    }

    pub(crate) fn grants(&self) -> &Arc<Grants> {
        &self.inner.grants
    }

    pub(crate) fn skies(&self) -> &Arc<Skies> {
        &self.inner.skies
    }

    /// Whether other processes may serve this plane over the same store.
    pub fn shared(&self) -> bool {
        self.inner.members.shared()
    }

    pub(crate) fn members(&self) -> &Members {
        &self.inner.members
    }

    pub(crate) fn pepper(&self) -> &Secret<[u8; 32]> {
        &self.inner.secrets.pepper
    }

    pub(crate) fn fingerprint_key(&self) -> &Secret<[u8; 32]> {
        &self.inner.secrets.fingerprint
    }

    pub(crate) fn link_key(&self) -> &Secret<[u8; 32]> {
        &self.inner.secrets.links
    }
}

/// When a transfer wants its next step, in its tenant's own time, and all that a rail without a memory has to know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    pub at: Time,
    pub tenant: TenantNo,
    pub seq: u64,
    pub state: State,
    pub attempts: u32,
    pub script: Script,
}

/// What the payout worker has to look at. Filled at start from the store, then by every commit that opens or moves a
/// transfer, on the committer's thread, so that a caller that has gone away changes nothing.
#[derive(Default)]
pub struct OpenWork {
    arrived: Mutex<Vec<Due>>,
    ahead: RwLock<HashMap<TenantNo, Span>>,
    bell: Notify,
    count: std::sync::atomic::AtomicI64,
}

impl OpenWork {
    /// Everything that arrived since the last call.
    pub fn take(&self) -> Vec<Due> {
        std::mem::take(&mut *self.arrived.lock())
    }

    /// Waits until something arrives or a clock is moved.
    pub async fn wait(&self) {
        self.bell.notified().await;
    }

    /// How far the tenant's clock is ahead of the plane's.
    pub fn ahead(&self, tenant: TenantNo) -> Span {
        self.ahead.read().get(&tenant).copied().unwrap_or_default()
    }

    /// Transfers that are not final.
    pub fn open_count(&self) -> i64 {
        self.count.load(std::sync::atomic::Ordering::Relaxed)
    }

    pub(crate) fn add(&self, due: impl IntoIterator<Item = Due>) {
        let mut arrived = self.arrived.lock();
        let before = arrived.len();
        arrived.extend(due);
        if arrived.len() > before {
            drop(arrived);
            self.bell.notify_one();
        }
    }

    pub(crate) fn opened(&self, transfers: i64) {
        self.count.fetch_add(transfers, std::sync::atomic::Ordering::Relaxed);
    }

    /// The tenant's number was retired by a reset: nothing behind it is due any more.
    pub(crate) fn forget(&self, tenant: TenantNo) {
        self.arrived.lock().retain(|due| due.tenant != tenant);
        self.ahead.write().remove(&tenant);
    }

    pub(crate) fn set_ahead(&self, tenant: TenantNo, ahead: Span) {
        let mut known = self.ahead.write();
        let known = known.entry(tenant).or_default();
        // What was read before a clock was moved may arrive after it; clocks only go forward.
        *known = ahead.max(*known);
        self.bell.notify_one();
    }
}

fn make_private_dir(dir: &std::path::Path) -> Result<(), Fault> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| Fault::because(format!("making the directory {}", dir.display()), error))
}
