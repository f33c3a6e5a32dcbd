//! The store as the rest of the house holds it: submit an operation, read what is committed, close.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use base::{Clock, Fault, Stop};
use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::committer::Committer;
use crate::engine::Engine;
use crate::job::Operation;
use crate::queue::{Lane, Limits, NotQueued, Queue};
use crate::reader::Reader;
use crate::schema::Schema;
use crate::sqlite::{Checkpointer, FOLD_AT_PAGES, ReadSide, SqliteEngine, open_reader, open_writer};
use crate::stats::Stats;
use crate::tx::{Halt, Tx};

/// Idle read connections that are kept; each has a cache of 2 MB at most.
const READERS_KEPT: usize = 4;

/// How to open a store.
pub struct Options {
    /// The store's own directory; made if missing, with mode 0700.
    pub dir: PathBuf,
    /// Which store of its kind: `sandbox/main`. A file of another identity is refused.
    pub identity: String,
    pub limits: Limits,
    /// Tests only: run every operation twice and end the process when the two differ.
    pub run_twice: bool,
    /// The runtime whose tasks wait for answers: a batch's answers are sent from one task inside it, which wakes its
    /// tasks more cheaply than the committer's thread can. `None`: from the committer's thread.
    pub answers_on: Option<tokio::runtime::Handle>,
}

impl Options {
    pub fn new(dir: impl Into<PathBuf>, identity: impl Into<String>) -> Options {
        Options {
            dir: dir.into(),
            identity: identity.into(),
            limits: Limits::default(),
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
    file: PathBuf,
    readers: Mutex<Vec<ReadSide>>,
    committer: Mutex<Option<JoinHandle<()>>>,
    /// Held while the store is open: a second process is refused.
    _lock: File,
}

impl Store {
    /// Opens or creates the store in `options.dir`, migrates it and starts its committer.
    pub fn open(options: Options, schema: &Schema, clock: Arc<dyn Clock>) -> Result<Store, Fault> {
        Store::open_with(options, schema, clock, FOLD_AT_PAGES, |engine| Box::new(engine))
    }

    /// As [`Store::open`], with the engine in a wrapper and another length at which the log is folded.
    pub(crate) fn open_with(
        options: Options,
        schema: &Schema,
        clock: Arc<dyn Clock>,
        fold_at_pages: u64,
        wrap: impl FnOnce(SqliteEngine) -> Box<dyn Engine>,
    ) -> Result<Store, Fault> {
        make_dir(&options.dir)?;
        let lock = lock(&options.dir)?;
        let file = options.dir.join("store.db");
        let (writer, last) = open_writer(&file, schema, &options.identity)?;
        sync_dir(&options.dir)?;
        let checkpointer = Checkpointer::start(&file, &options.identity, fold_at_pages)?;
        let queue = Arc::new(Queue::new(options.limits));
        let stats = Arc::new(Stats::default());
        let committer = Committer {
            queue: Arc::clone(&queue),
            stats: Arc::clone(&stats),
            clock,
            engine: wrap(SqliteEngine::new(writer, checkpointer)),
            maps: schema.maps(),
            last,
            run_twice: options.run_twice,
            answers_on: options.answers_on,
        };
        let thread = std::thread::Builder::new()
            .name(format!("{}-commit", options.identity))
            .spawn(move || committer.run())
            .map_err(|error| Fault::because("starting the committer", error))?;
        let committer = Mutex::new(Some(thread));
        Ok(Store { shared: Arc::new(Shared { queue, stats, file, readers: Mutex::default(), committer, _lock: lock }) })
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
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Operation { run, told, ended: None, reply });
        if let Err((why, job)) = self.shared.queue.push(lane, job) {
            if why == NotQueued::Full {
                Stats::add(&self.shared.stats.refused_queue_full, 1);
            }
            job.fail(Fault::busy(match why {
                NotQueued::Full => "too many operations wait; this one was not run",
                NotQueued::Closed => "the store is closing; this operation was not run",
            }));
        }
        answer.await.unwrap_or_else(|_| Err(Stop::Faulted(Fault::new("the committer ended; the outcome is unknown"))))
    }

    /// Reads what is committed, all of it in the state of one moment. The call blocks for as long as the read takes, and
    /// the log cannot be folded past it: keep it to a few rows, and take a fresh call for each page of a list.
    pub fn read<T>(&self, read: impl FnOnce(&Reader<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
        let kept = self.shared.readers.lock().pop();
        let side = match kept {
            Some(side) => side,
            None => open_reader(&self.shared.file)?,
        };
        side.begin().map_err(|error| Fault::because("beginning a read", error))?;
        let outcome = read(&Reader { side: &side });
        // A connection that cannot end its read is closed instead of kept.
        if side.end().is_ok() {
            let mut readers = self.shared.readers.lock();
            if readers.len() < READERS_KEPT {
                readers.push(side);
            }
        }
        outcome
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
        self.readers.lock().clear();
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

fn lock(dir: &Path) -> Result<File, Fault> {
    let path = dir.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| Fault::because(format!("opening {}", path.display()), error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(error) => Err(Fault::because(format!("another process has the store in {}", dir.display()), error)),
    }
}
