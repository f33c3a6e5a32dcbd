//! The store as the rest of the house holds it: submit an operation, read what is committed, close.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use base::{Clock, Fault, Stop, Time};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::committer::Committer;
use crate::engine::{Engine, EngineError, ReadSide};
use crate::job::{Operation, Reply};
use crate::postgres::{self, Postgres, PostgresUrl, Proof};
use crate::queue::{Lane, Limits, NotQueued, Queue};
use crate::reader::Reader;
use crate::readers::Readers;
use crate::row::TenantNo;
use crate::schema::Schema;
use crate::sqlite::{Checkpointer, FOLD_AT_PAGES, Hold, SqliteEngine, held, open_reader, open_writer};
use crate::stats::Stats;
use crate::tx::{Halt, Tx};

/// Idle read connections that are kept; each has a cache of 2 MB at most.
const READERS_KEPT: usize = 4;
/// How long a read waits for the commit that proves it.
const PROVEN_WITHIN: Duration = Duration::from_secs(10);
/// Of rows that belong to none.
const NO_TENANT: TenantNo = 0;

/// Where a store is.
#[derive(Clone)]
pub enum Place {
    /// One SQLite file in the store's own directory; made if missing, with mode 0700. One process has it at a time.
    Directory(PathBuf),
    /// A database of its own in a PostgreSQL cluster, or in what speaks its wire; any number of processes has it.
    Postgres(PostgresUrl),
}

impl<P: Into<PathBuf>> From<P> for Place {
    fn from(dir: P) -> Place {
        Place::Directory(dir.into())
    }
}

/// How to open a store.
pub struct Options {
    pub place: Place,
    /// Which store of its kind: `sandbox/main`. A place of another identity is refused.
    pub identity: String,
    pub limits: Limits,
    /// Whether settings under which an answered operation could be lost are refused. SQLite's are always set as they must be.
    pub strict: bool,
    /// Tests only: run every operation twice and end the process when the two differ.
    pub run_twice: bool,
    /// The runtime whose tasks wait for answers: a batch's answers are sent from one task inside it, which wakes its
    /// tasks more cheaply than the committer's thread can. `None`: from the committer's thread.
    pub answers_on: Option<tokio::runtime::Handle>,
}

impl Options {
    /// With SQLite in a directory.
    pub fn new(dir: impl Into<PathBuf>, identity: impl Into<String>) -> Options {
        Options::at(Place::Directory(dir.into()), identity)
    }

    pub fn at(place: Place, identity: impl Into<String>) -> Options {
        Options {
            place,
            identity: identity.into(),
            limits: Limits::default(),
            strict: true,
            run_twice: false,
            answers_on: None,
        }
    }
}

/// One store: its committer, its readers, its lock. Clones share it.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    queue: Arc<Queue>,
    stats: Arc<Stats>,
    /// Of a store that several processes may have.
    proof: Option<Proof>,
    readers: Readers,
    committer: Mutex<Option<JoinHandle<()>>>,
    /// Held while the store is open: a second process is refused.
    _lock: Option<Hold>,
}

/// An engine that is open: what the rest of the store needs of it.
struct Opened {
    engine: Box<dyn Engine>,
    readers: Readers,
    proof: Option<Proof>,
    last: Time,
    lock: Option<Hold>,
}

impl Store {
    /// Opens or creates the store, migrates it and starts its committer.
    pub fn open(options: Options, schema: &Schema, clock: Arc<dyn Clock>) -> Result<Store, Fault> {
        Store::open_with(options, schema, clock, FOLD_AT_PAGES, |engine| Box::new(engine))
    }

    /// As [`Store::open`], with SQLite's engine in a wrapper and another length at which the log is folded.
    pub(crate) fn open_with(
        options: Options,
        schema: &Schema,
        clock: Arc<dyn Clock>,
        fold_at_pages: u64,
        wrap: impl FnOnce(SqliteEngine) -> Box<dyn Engine>,
    ) -> Result<Store, Fault> {
        let opened = match &options.place {
            Place::Directory(dir) => open_sqlite(dir, &options.identity, schema, fold_at_pages, wrap)?,
            Place::Postgres(url) => {
                let Postgres { engine, readers, proof } =
                    postgres::open(url, schema, &options.identity, options.strict)?;
                Opened { engine, readers, proof: Some(proof), last: Time(i64::MIN), lock: None }
            }
        };
        let queue = Arc::new(Queue::new(options.limits, opened.proof.is_some()));
        let stats = Arc::new(Stats::default());
        let committer = Committer {
            queue: Arc::clone(&queue),
            stats: Arc::clone(&stats),
            clock,
            engine: opened.engine,
            maps: schema.maps(),
            last: opened.last,
            run_twice: options.run_twice,
            answers_on: options.answers_on,
        };
        let thread = std::thread::Builder::new()
            .name(format!("{}-commit", options.identity))
            .spawn(move || committer.run())
            .map_err(|error| Fault::because("starting the committer", error))?;
        let committer = Mutex::new(Some(thread));
        let Opened { readers, proof, lock, .. } = opened;
        Ok(Store { shared: Arc::new(Shared { queue, stats, proof, readers, committer, _lock: lock }) })
    }

    /// Queues an operation and answers its outcome after the batch it ran in is durable. Dropping the future cancels
    /// nothing. A full queue and a closing store are faults with `busy` set: nothing was run.
    pub async fn submit<T, R, F>(&self, lane: Lane, run: F) -> Result<T, Stop<R>>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, Halt<R>> + Send + 'static,
        T: Send + 'static,
        R: Send + 'static,
    {
        self.submit_then(lane, run, |_| ()).await
    }

    /// As [`Store::submit`], and `told` is called with the outcome once it is durable, on the thread that sends
    /// the answers, even when the caller has gone away by then. It must be quick and must not wait.
    pub async fn submit_then<T, R, F, G>(&self, lane: Lane, run: F, told: G) -> Result<T, Stop<R>>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, Halt<R>> + Send + 'static,
        G: FnOnce(&T) + Send + 'static,
        T: Send + 'static,
        R: Send + 'static,
    {
        let answer = self.enqueue(lane, run, told);
        answer.await.unwrap_or_else(|_| Err(Stop::Faulted(Fault::new("the committer ended; the outcome is unknown"))))
    }

    /// Queues an operation, or fails it at once. Nobody has to wait for the answer.
    fn enqueue<T, R, F, G>(&self, lane: Lane, run: F, told: G) -> oneshot::Receiver<Reply<T, R>>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, Halt<R>> + Send + 'static,
        G: FnOnce(&T) + Send + 'static,
        T: Send + 'static,
        R: Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Operation { tenant: lane.tenant(), run, told, ended: None, reply });
        if let Err((why, job)) = self.shared.queue.push(lane, job) {
            if why == NotQueued::Full {
                Stats::add(&self.shared.stats.refused_queue_full, 1);
            }
            job.fail(Fault::busy(match why {
                NotQueued::Full => "too many operations wait; this one was not run",
                NotQueued::Closed => "the store is closing; this operation was not run",
            }));
        }
        answer
    }

    /// Reads what is committed, all of it in the state of one moment. The call blocks for as long as the read takes, and
    /// the log cannot be folded past it: keep it to a few rows, and take a fresh call for each page of a list. In a shared
    /// store it is refused as busy when it may have been answered by a server that is not the present one any more.
    pub fn read<T>(&self, read: impl FnOnce(&Reader<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
        match &self.shared.proof {
            Some(proof) => off_the_runtime(|| self.read_proven(proof, read)),
            None => self.shared.readers.read(read),
        }
    }

    fn read_proven<T>(&self, proof: &Proof, read: impl FnOnce(&Reader<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
        if !proof.committed() {
            self.prove()?;
        }
        let losses = proof.losses();
        let outcome = self.shared.readers.read(read)?;
        if !proof.holds() {
            self.prove()?;
        }
        if proof.losses() != losses {
            return Err(Fault::busy("the database moved to another server while it was read"));
        }
        Ok(outcome)
    }

    /// Waits for a commit that began after this call did, or for what holds without one.
    fn prove(&self) -> Result<(), Fault> {
        let (committed, heard) = std::sync::mpsc::sync_channel(1);
        let told = move |_: &()| {
            let _ = committed.send(());
        };
        // Whether it was refused or failed, `told` goes with it unheard.
        drop(self.enqueue(Lane::Client(NO_TENANT), |_: &mut Tx<'_>| Ok::<_, Halt<()>>(()), told));
        let proven = heard.recv_timeout(PROVEN_WITHIN).is_ok();
        proven
            .then_some(())
            .ok_or_else(|| Fault::busy("the database cannot be reached: nothing could be committed on it"))
    }

    /// Whether other processes may have the same store.
    pub fn shared(&self) -> bool {
        self.shared.proof.is_some()
    }

    pub fn stats(&self) -> &Stats {
        &self.shared.stats
    }

    /// Operations that wait.
    pub fn depth(&self) -> usize {
        self.shared.queue.depth()
    }

    /// Takes no more operations, runs those that wait, and ends the committer. The directory stays locked until the last
    /// clone is dropped; reads go on until then.
    pub fn close(&self) {
        self.shared.close(self.shared.committer.lock().take());
    }
}

impl Shared {
    fn close(&self, committer: Option<JoinHandle<()>>) {
        // First: the connection that is closed last folds the log, and a reader's cannot.
        self.readers.clear();
        self.queue.close();
        // An operation may own the last clone: the committer must not wait for itself.
        if let Some(committer) = committer.filter(|committer| committer.thread().id() != std::thread::current().id()) {
            let _ = committer.join();
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let committer = self.committer.get_mut().take();
        self.close(committer);
    }
}

fn open_sqlite(
    dir: &Path,
    identity: &str,
    schema: &Schema,
    fold_at_pages: u64,
    wrap: impl FnOnce(SqliteEngine) -> Box<dyn Engine>,
) -> Result<Opened, Fault> {
    make_dir(dir)?;
    let lock = held(dir)?;
    let file = dir.join("store.db");
    let (writer, last) = open_writer(&file, schema, identity)?;
    sync_dir(dir)?;
    let checkpointer = Checkpointer::start(&file, identity, fold_at_pages)?;
    let engine = wrap(SqliteEngine::new(writer, checkpointer));
    let open = move || match open_reader(&file) {
        Ok(side) => Ok(Box::new(side) as Box<dyn ReadSide>),
        Err(fault) => Err(EngineError::Broken(fault.chain())),
    };
    let readers = Readers::new(READERS_KEPT, usize::MAX, Box::new(open));
    Ok(Opened { engine, readers, proof: None, last, lock: Some(lock) })
}

/// A read over a network waits: the tasks of a runtime's thread go on elsewhere meanwhile.
fn off_the_runtime<T>(read: impl FnOnce() -> T) -> T {
    use tokio::runtime::{Handle, RuntimeFlavor};
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(read),
        _ => read(),
    }
}

fn make_dir(dir: &Path) -> Result<(), Fault> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| Fault::because(format!("making the directory {}", dir.display()), error))
}

/// A new store's own name survives a power cut too.
fn sync_dir(dir: &Path) -> Result<(), Fault> {
    let sync = |dir: &Path| File::open(dir).and_then(|dir| dir.sync_all());
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    sync(dir).and_then(|()| sync(parent)).map_err(|error| Fault::because(format!("syncing {}", dir.display()), error))
}
