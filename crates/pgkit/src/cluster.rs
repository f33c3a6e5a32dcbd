//! A private cluster: one real server of PostgreSQL on a free port of the loopback address, for the superuser `counterfoil`
//! without a password.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::guard::Guard;
use crate::ports::free_port;
use crate::programs::{self, Programs};
use crate::{PATIENCE, database, until};

/// Ports tried before giving up; another program may take the free one before the server does.
const PORTS_TRIED: u32 = 5;

/// What every cluster is told, before the caller's own settings.
const SETTINGS: &[(&str, &str)] = &[
    ("listen_addresses", "127.0.0.1"),
    ("unix_socket_directories", ""),
    ("max_connections", "200"),
    // In the cluster's directory: what a killed server leaves goes with it.
    ("dynamic_shared_memory_type", "mmap"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("log_checkpoints", "off"),
];

/// A running cluster, or one that was stopped and can start again with the same data on the same port. Ends when dropped.
pub struct Cluster {
    programs: Programs,
    settings: Vec<(String, String)>,
    port: u16,
    server: Option<Child>,
    // Last: it deletes the directory.
    guard: Guard,
}

/// How a server is stopped, in PostgreSQL's own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// After the last client has gone.
    Smart,
    /// Ends the sessions, rolls back what they had open, writes a checkpoint.
    Fast,
    /// Ends at once; the next start recovers, as after a failure.
    Immediate,
}

/// What a cluster is started with.
#[derive(Clone, Debug)]
pub struct Options {
    settings: Vec<(String, String)>,
    on_disk: bool,
    /// Certificate and key of a server that speaks TLS.
    tls: Option<(String, String)>,
}

impl Options {
    /// As in production: every commit is forced to a real disk.
    pub fn durable() -> Options {
        Options { settings: Vec::new(), on_disk: true, tls: None }
    }

    /// For tests of logic: nothing is forced to disk. It survives [`Cluster::kill`], but no failure of the machine.
    pub fn fast() -> Options {
        Options { settings: Vec::new(), on_disk: false, tls: None }.set("fsync", "off").set("full_page_writes", "off")
    }

    /// One setting of `postgresql.conf`, over what stands there.
    pub fn set(mut self, name: &str, value: &str) -> Options {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Speaks TLS to those who ask for it, with this certificate and its key, both in PEM.
    pub fn with_tls(mut self, certificate: &str, key: &str) -> Options {
        self.tls = Some((certificate.to_owned(), key.to_owned()));
        self.set("ssl", "on")
    }

    /// Makes the cluster and waits until it answers. Fails when PostgreSQL is not installed, or with what it complained of.
    pub fn start(self) -> anyhow::Result<Cluster> {
        let programs = Programs::find().ok_or_else(programs::missing)?;
        let guard = Guard::new("counterfoil-postgres-", self.on_disk, programs.account())?;
        let settings = SETTINGS.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings = settings.chain(self.settings.iter().cloned()).collect();
        let mut cluster = Cluster { programs, settings, port: 0, server: None, guard };
        cluster.make()?;
        if let Some((certificate, key)) = &self.tls {
            cluster.keep("server.crt", certificate)?;
            cluster.keep("server.key", key)?;
        }
        for _ in 0..PORTS_TRIED {
            cluster.port = free_port()?;
            match cluster.launch()? {
                Launched::Runs => return Ok(cluster),
                Launched::Ended(log) if log.contains("could not bind") => (),
                Launched::Ended(log) => bail!("PostgreSQL did not start: {log}"),
            }
        }
        bail!("PostgreSQL found its port taken {PORTS_TRIED} times")
    }
}

enum Launched {
    Runs,
    /// What it wrote to its log.
    Ended(String),
}

impl Cluster {
    /// [`Options::durable`], or a panic that says why not.
    pub fn start() -> Cluster {
        Options::durable().start().unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// [`Options::fast`], or a panic that says why not.
    pub fn fast() -> Cluster {
        Options::fast().start().unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// The address of `database` in this cluster. `postgres` is always there.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://counterfoil@127.0.0.1:{}/{database}", self.port)
    }

    /// The port, which stays the same over a stop and a start.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Makes the empty database `name` and gives its address. Panics when it exists.
    pub fn create_database(&self, name: &str) -> String {
        self.query("postgres", &format!("CREATE DATABASE \"{name}\""));
        self.url(name)
    }

    /// What `sql` answers in `database`: a line for each row, `|` between columns. Panics when it fails.
    pub fn query(&self, database: &str, sql: &str) -> String {
        database::query(&self.url(database), sql).unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// The server's own process. Panics when it is stopped.
    pub fn pid(&self) -> Pid {
        let server = self.server.as_ref().expect("the cluster runs");
        Pid::from_raw(i32::try_from(server.id()).expect("a process id")).expect("not zero")
    }

    /// Stops the server and waits until it is gone.
    pub fn stop(&mut self, mode: Mode) {
        let signal = match mode {
            Mode::Smart => Signal::TERM,
            Mode::Fast => Signal::INT,
            Mode::Immediate => Signal::QUIT,
        };
        let gone = self.end(signal);
        assert!(gone.is_some(), "PostgreSQL did not stop: {}", self.log());
    }

    /// kill -9 of the server's own process. Its sessions notice and end by themselves, a moment later.
    pub fn kill(&mut self) {
        let gone = self.end(Signal::KILL);
        assert!(gone.is_some(), "PostgreSQL outlived kill -9");
    }

    /// Starts a stopped server on the same data and port, and waits until it has recovered and answers.
    pub fn start_again(&mut self) {
        assert!(self.server.is_none(), "the cluster runs already");
        let mut last = String::new();
        // After a kill the sessions of the old server may hold its memory a moment longer, and the new one refuses to start.
        let started = until(PATIENCE, || match self.launch() {
            Ok(Launched::Runs) => Some(()),
            Ok(Launched::Ended(log)) => {
                last = log;
                None
            }
            Err(error) => panic!("{error:#}"),
        });
        assert!(started.is_some(), "PostgreSQL did not start again: {last}");
    }

    /// An immediate stop and a start, with a recovery, as after a failure.
    pub fn restart_immediate(&mut self) {
        self.stop(Mode::Immediate);
        self.start_again();
    }

    /// Everything that the server has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// The data directory, which belongs to the account that the server runs as.
    pub fn data(&self) -> PathBuf {
        self.guard.dir().join("data")
    }

    fn log_file(&self) -> PathBuf {
        self.guard.dir().join("log")
    }

    /// Makes the data directory.
    fn make(&self) -> anyhow::Result<()> {
        let mut initdb = self.programs.command("initdb");
        initdb.arg("--pgdata").arg(self.data()).current_dir(self.guard.dir());
        initdb.args(["--username=counterfoil", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        programs::finish(initdb, "making a cluster").map(drop)
    }

    /// A file in the data directory that the server alone may read.
    fn keep(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path = self.data().join(name);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(text.as_bytes())?;
        self.programs.account().map_or(Ok(()), |account| account.owns(&path))
    }

    /// Starts the server and waits until it answers or has ended.
    fn launch(&mut self) -> anyhow::Result<Launched> {
        let written = self.log().len();
        let log = OpenOptions::new().append(true).create(true).open(self.log_file()).context("opening the log")?;
        let mut command = self.programs.command("postgres");
        command.arg("-D").arg(self.data()).args(["-p", &self.port.to_string()]).current_dir(self.guard.dir());
        for (name, value) in &self.settings {
            command.args(["-c", &format!("{name}={value}")]);
        }
        command.stdout(log.try_clone()?).stderr(log);
        let mut server = command.spawn().context("starting PostgreSQL")?;
        let data = self.data();
        let outcome = until(PATIENCE, || match server.try_wait() {
            Ok(None) => is_ready(&data, server.id()).then_some(Ok(None)),
            other => Some(other),
        });
        match outcome {
            Some(Ok(None)) => {
                self.server = Some(server);
                Ok(Launched::Runs)
            }
            Some(Ok(Some(_))) => Ok(Launched::Ended(self.log().split_off(written))),
            Some(Err(error)) => Err(error).context("waiting for PostgreSQL"),
            None => {
                self.server = Some(server);
                bail!("PostgreSQL does not answer after {PATIENCE:?}: {}", self.log().split_off(written))
            }
        }
    }

    /// Sends `signal` and waits for the end; `None` when it does not come.
    fn end(&mut self, signal: Signal) -> Option<ExitStatus> {
        kill_process(self.pid(), signal).expect("the server is ours");
        let server = self.server.as_mut().expect("the cluster runs");
        let gone = until(PATIENCE, || server.try_wait().expect("the server is our child"));
        if gone.is_some() {
            self.server = None;
        }
        gone
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        if let Ok(id) = i32::try_from(server.id())
            && let Some(pid) = Pid::from_raw(id)
        {
            let _ = kill_process(pid, Signal::QUIT);
        }
        if until(Duration::from_secs(10), || server.try_wait().ok().flatten()).is_none() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

/// Whether the server with this process id says in its own file that it accepts connections.
fn is_ready(data: &Path, id: u32) -> bool {
    let Ok(text) = std::fs::read_to_string(data.join("postmaster.pid")) else { return false };
    let mut lines = text.lines();
    // The first line is the process id, the eighth the status; a file from before a kill names another process.
    lines.next().is_some_and(|line| line.trim() == id.to_string())
        && lines.nth(6).is_some_and(|line| line.trim() == "ready")
}
