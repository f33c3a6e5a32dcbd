//! The handle: one plane's store, keys and memory.

use std::sync::Arc;

use base::{Chance, Clock, Environment, Fault, PlaneName, Secret, Span, Time};
use store::{Options, Place, Store, TenantNo};

use crate::config::PlaneConfig;
use crate::grants::Grants;
use crate::members::{self, Members, Pulse};
use crate::payouts::DueRow;
use crate::sandbox::{Sandbox, Skies};
use crate::schema::schema;
use crate::secrets::{self, Secrets};
use crate::work::OpenWork;

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
        let place = config.database.clone().map_or_else(|| Place::Directory(config.dir.clone()), Place::Postgres);
        let mut options = Options::at(place, identity);
        options.strict = config.name.environment == Environment::Live;
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
        members::same_secret(&plane)?;
        plane.remember()?;
        Ok(plane)
    }

    /// What a restart must know again: how far tenants' clocks are ahead, their weather, and how many transfers are open.
    fn remember(&self) -> Result<(), Fault> {
        for row in crate::grants::tenants(self)? {
            self.work().set_ahead(row.tenant, Span(row.clock_ahead));
            self.skies().set(row.tenant, &row.weather);
        }
        // What is behind a retired number counts as open until it is swept away.
        let open = self.store().read(|reader| reader.count::<DueRow>())?;
        self.work().opened(i64::try_from(open).unwrap_or(i64::MAX));
        Ok(())
    }

    /// By what this plane's secret is known.
    pub(crate) fn secret_mark(&self) -> i64 {
        self.inner.secrets.mark
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

    /// What the payout worker is told of open transfers.
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

fn make_private_dir(dir: &std::path::Path) -> Result<(), Fault> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| Fault::because(format!("making the directory {}", dir.display()), error))
}
