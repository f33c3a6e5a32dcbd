//! A copy of a store's file while the store is written.
//!
//! SQLite's backup starts anew whenever another connection commits, so under steady load it would never end. Inside a
//! read transaction it has nothing to start anew for: every step copies pages of the one state that the transaction
//! sees. The price is that the log cannot be folded past that state until the copy is done, so the copy hurries when
//! the log grows long and gives up before the committer would have to wait for it.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use base::Fault;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::open::open_with;

/// Half a megabyte: a step is over before a committer on the same disk notices it.
const STEP_PAGES: i32 = 128;
/// What was written reaches the disk in pieces: one large sync at the end would hold up the committer's own.
const STEPS_A_SYNC: u64 = 16;
/// Bytes of log from which the copy takes no pauses any more.
const HURRY: u64 = 256 << 20;
/// Bytes of log at which the copy gives up: half of what makes the committer wait.
const GIVE_UP: u64 = 1 << 30;
const PAUSE_LEAST: Duration = Duration::from_millis(1);
const PAUSE_MOST: Duration = Duration::from_millis(50);

/// How far a copy is, in bytes of the store's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    pub bytes: u64,
    pub of: u64,
}

/// What a copy asks of whoever wants it.
pub struct Watch<'a> {
    /// Bytes of log that are not folded, as a running committer sees them; `None` when the store is stopped.
    pub log_bytes: Option<&'a dyn Fn() -> u64>,
    /// Told after every step; answers whether to go on.
    pub told: &'a mut dyn FnMut(Copied) -> bool,
}

/// Copies the store in `dir` to the new file `to`, as it is at this moment, log included, and syncs it. The store may be
/// written meanwhile, by this process or by another. On failure what there is of `to` is left to the caller.
pub fn copy_store(dir: &Path, to: &Path, watch: Watch<'_>) -> Result<Copied, Fault> {
    let fault = |error: rusqlite::Error| Fault::because(format!("copying the store in {}", dir.display()), error);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = open_with(&dir.join("store.db"), flags)?;
    source.execute_batch("BEGIN").map_err(fault)?;
    // The transaction begins to see with its first read.
    source.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(fault)?;
    let page: u64 = source.query_row("PRAGMA page_size", [], |row| row.get::<_, u32>(0)).map_err(fault)?.into();
    let (mut target, file) = new_file(to)?;
    let copied = steps(&Backup::new(&source, &mut target).map_err(fault)?, page, &file, watch)?;
    target.close().map_err(|(_, error)| fault(error))?;
    file.sync_all().map_err(|error| Fault::because(format!("syncing {}", to.display()), error))?;
    Ok(copied)
}

/// A file of mode 0600 that was not there before. It needs no journal: a copy that is cut off is thrown away.
fn new_file(to: &Path) -> Result<(Connection, File), Fault> {
    use std::os::unix::fs::OpenOptionsExt;
    let shown = to.display();
    let file = File::options().create_new(true).write(true).mode(0o600).open(to);
    let file = file.map_err(|error| Fault::because(format!("making {shown}"), error))?;
    let fault = |error| Fault::because(format!("opening {shown}"), error);
    let target = open_with(to, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    target.pragma_update_and_check(None, "journal_mode", "off", |_| Ok(())).map_err(fault)?;
    target.pragma_update(None, "synchronous", "OFF").map_err(fault)?;
    Ok((target, file))
}

fn steps(backup: &Backup<'_, '_>, page: u64, file: &File, watch: Watch<'_>) -> Result<Copied, Fault> {
    let fault = |error: rusqlite::Error| Fault::because("copying the store", error);
    for step in 1u64.. {
        let log = watch.log_bytes.map_or(0, |bytes| bytes());
        if log >= GIVE_UP {
            return Err(Fault::busy(format!(
                "the store is written faster than it can be copied: its log has grown to {} MB; back up at a quieter time",
                log >> 20
            )));
        }
        let began = std::time::Instant::now();
        let result = backup.step(STEP_PAGES).map_err(fault)?;
        let progress = backup.progress();
        let pages = |count: i32| u64::from(count.unsigned_abs()) * page;
        let copied = Copied { bytes: pages(progress.pagecount - progress.remaining), of: pages(progress.pagecount) };
        if !(watch.told)(copied) {
            return Err(Fault::busy("the copy was stopped"));
        }
        match result {
            StepResult::Done => return Ok(copied),
            StepResult::More => {}
            busy => return Err(Fault::busy(format!("the store cannot be read now: {busy:?}"))),
        }
        if step.is_multiple_of(STEPS_A_SYNC) {
            file.sync_data().map_err(|error| Fault::because("syncing the copy", error))?;
        }
        if watch.log_bytes.is_some() && log < HURRY {
            // As long as the step took: half of a core and of the disk are left to the committer.
            std::thread::park_timeout(began.elapsed().clamp(PAUSE_LEAST, PAUSE_MOST));
        }
    }
    unreachable!("the steps end")
}
