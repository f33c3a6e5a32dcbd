//! PostgreSQL for tests: clusters of our own on free ports, and new databases in them. A cluster is a real server from the
//! machine's packages, in a temporary directory; it ends with the process that started it, however that process ends.
//! Only for tests and `xtask`. Nothing here touches a cluster that it did not start, except to make databases in the one
//! that `COUNTERFOIL_TEST_POSTGRES` names.

mod cluster;
mod database;
mod guard;
mod ports;
mod programs;

pub use cluster::{Cluster, Mode, Options};
pub use database::{
    CLUSTER, available, beside, database_of, drop_abandoned, fresh_database, query, test_cluster_url, wanted,
};
pub use guard::Guard;
pub use ports::free_port;
pub use programs::{Account, Programs, VERSION_MIN};

use std::time::{Duration, Instant};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks until `found` answers something, or `patience` is over.
fn until<T>(patience: Duration, mut found: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    loop {
        if let Some(found) = found() {
            return Some(found);
        }
        if started.elapsed() > patience {
            return None;
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
}
