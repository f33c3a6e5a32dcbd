//! The PostgreSQL of a test run: one private cluster for all tests, each of which makes databases of its own in it.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pgkit::{CLUSTER, Cluster, Options, Programs};

use crate::packages;

/// How often the databases of tests that have ended are dropped. Each is about 8 MB.
const SWEEP: Duration = Duration::from_secs(10);

/// The cluster for one run. Dropped, it stops; should this process be killed, the cluster's own guard stops it.
pub struct Postgres {
    /// The address for the tests.
    pub url: String,
    sweeper: Option<(Sender<()>, JoinHandle<()>)>,
    _cluster: Option<Cluster>,
}

/// Starts a cluster, after installing PostgreSQL if it may; one that the environment names is used as it is. Fails with
/// what to install.
pub fn start() -> anyhow::Result<Postgres> {
    if let Some(url) = std::env::var(CLUSTER).ok().filter(|url| !url.is_empty()) {
        eprintln!("== PostgreSQL: the cluster that {CLUSTER} names");
        return Ok(Postgres { url, sweeper: None, _cluster: None });
    }
    server()?;
    let begun = Instant::now();
    let cluster = Options::durable().start()?;
    let url = cluster.url("postgres");
    eprintln!("== PostgreSQL: a cluster of our own on port {}, in {:.1?}", cluster.port(), begun.elapsed());
    Ok(Postgres { sweeper: Some(sweep(url.clone())), url, _cluster: Some(cluster) })
}

/// Installs PostgreSQL, if it may and it is missing.
pub fn server() -> anyhow::Result<()> {
    if Programs::find().is_some() { Ok(()) } else { packages::postgresql() }
}

/// Installs Patroni and etcd for the failover test, if it may and they are missing.
pub fn failover() -> anyhow::Result<()> {
    let there = |program: &str| std::path::Path::new("/usr/bin").join(program).exists();
    if there("patroni") && there("etcd") { Ok(()) } else { packages::patroni() }
}

fn sweep(url: String) -> (Sender<()>, JoinHandle<()>) {
    let (over, told) = channel();
    let thread = std::thread::spawn(move || {
        while told.recv_timeout(SWEEP) == Err(RecvTimeoutError::Timeout) {
            // What stays undropped costs room until the run is over, nothing else.
            let _ = pgkit::drop_abandoned(&url);
        }
    });
    (over, thread)
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some((over, thread)) = self.sweeper.take() {
            drop(over);
            let _ = thread.join();
        }
    }
}
