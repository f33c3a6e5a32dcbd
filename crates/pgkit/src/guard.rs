//! What ends servers when their test cannot: a process that was killed runs no destructor.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::Context;
use tempfile::TempDir;

use crate::programs::Account;

/// Waits until its standard input ends, as it does when the test's process ends in whatever way. Then ends each process
/// that a `*.pid` file in the directory or one folder below names, if that process has the directory on its command line:
/// PostgreSQL by an immediate stop, everything else at once. Then deletes the directory.
const SCRIPT: &str = r#"
while read -r line; do :; done
runs() {
    pid=
    read -r pid 2>/dev/null <"$1" || [ -n "$pid" ] || return 1
    case "$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" || ps -o args= -p "$pid" 2>/dev/null)" in
        *"$GUARDED"*) return 0 ;;
        *) return 1 ;;
    esac
}
for file in "$GUARDED"/*.pid "$GUARDED"/*/*.pid; do
    case "$file" in */postmaster.pid) continue ;; esac
    runs "$file" && kill -KILL "$pid"
done
for file in "$GUARDED"/*/postmaster.pid; do
    runs "$file" || continue
    kill -QUIT "$pid"
    kill -CONT -"$pid" "$pid" 2>/dev/null
    tries=0
    while runs "$file" && [ "$tries" -lt 100 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    runs "$file" && kill -KILL "$pid"
done
rm -rf "$GUARDED"
"#;

/// A temporary directory whose servers end, and which is deleted, when this is dropped or its process dies.
pub struct Guard {
    process: Child,
    dir: TempDir,
}

impl Guard {
    /// A new directory whose name begins with `prefix`, owned by `account`. With `on_disk`, not in memory where the machine
    /// keeps its temporary files there.
    pub fn new(prefix: &str, on_disk: bool, account: Option<Account>) -> anyhow::Result<Guard> {
        let place = if on_disk { disk() } else { std::env::temp_dir() };
        let dir = tempfile::Builder::new().prefix(prefix).tempdir_in(&place);
        let dir = dir.with_context(|| format!("making a directory in {}", place.display()))?;
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT]).env("GUARDED", dir.path()).current_dir("/").process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(account) = account {
            account.owns(dir.path())?;
            account.runs(&mut command);
        }
        let process = command.spawn().context("starting the guard, /bin/sh")?;
        Ok(Guard { process, dir })
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// The temporary directory, unless that is memory: then the one that outlives a restart of the machine.
fn disk() -> PathBuf {
    const TMPFS: u32 = 0x0102_1994;
    let usual = std::env::temp_dir();
    let in_memory = rustix::fs::statfs(&usual).is_ok_and(|about| u32::try_from(about.f_type) == Ok(TMPFS));
    if in_memory { PathBuf::from("/var/tmp") } else { usual }
}
