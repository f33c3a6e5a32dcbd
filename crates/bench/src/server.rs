//! The servers that are measured: child processes of the program that runs the bench, each in a directory of its own.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde::Deserialize;
use tokio::io::AsyncBufReadExt as _;
use tokio::process::{Child, Command};

use crate::connection::Base;
use crate::machine::CpuList;

/// How long a server may take until it accepts; the reference writes its whole file first.
const START: Duration = Duration::from_secs(60);
/// How long a server may take to end after it was asked to.
const END: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// Somebody who answers: the product, or a reference.
#[derive(Clone, Debug)]
pub struct Target {
    pub base: Base,
    /// Path of the requests, where the scenario does not fix it.
    pub path: String,
    /// Keys that requests carry, one per tenant.
    pub keys: Vec<String>,
    /// The process, where it is a child.
    pub pid: Option<u32>,
    /// The metrics listener, where there is one.
    pub metrics: Option<Base>,
}

/// How children are started.
#[derive(Clone, Debug)]
pub struct Launcher {
    /// The program: the product's own executable.
    pub program: PathBuf,
    pub cpus: Option<CpuList>,
}

/// A running child. Dropped, it is killed; [`Server::end`] lets it finish.
pub struct Server {
    child: Child,
    pub target: Target,
}

/// The part of `dev.json` that a client needs.
#[derive(Deserialize)]
struct Dev {
    sandbox: String,
    metrics: Option<String>,
    keys: Keys,
}

#[derive(Deserialize)]
struct Keys {
    sandbox: EnvironmentKeys,
}

#[derive(Deserialize)]
struct EnvironmentKeys {
    agent: String,
}

/// A line of `tenant create --json`.
#[derive(Deserialize)]
struct Created {
    keys: Keys,
}

/// The first line of a reference server. `path` and `key` come from one that has a path and a gate of its own.
#[derive(Deserialize)]
struct Listening {
    listening: String,
    path: Option<String>,
    key: Option<String>,
}

impl Server {
    /// Starts the product on `dir`, waits until it accepts, and makes tenants if there should be more than the seeded one.
    /// Its data is in the database `store` where one is named.
    pub async fn product(
        launcher: &Launcher,
        dir: &Path,
        tenants: usize,
        store: Option<&str>,
    ) -> anyhow::Result<Server> {
        let free = "127.0.0.1:0";
        let mut command = Command::new(&launcher.program);
        command.arg("dev").arg("--data").arg(dir);
        if let Some(url) = store {
            command.args(["--store", url]);
        }
        command.args(["--control", free, "--sandbox", free, "--live", free, "--metrics", free]);
        let log = dir.join("server.log");
        command.stdout(File::create(&log)?).stderr(File::options().append(true).open(&log)?);
        let mut child = launcher.spawn(command)?;
        let dev = wait_for_dev(&mut child, dir).await.with_context(|| last_words(&log))?;
        let mut keys = vec![dev.keys.sandbox.agent];
        if tenants > 1 {
            keys = create_tenants(launcher, dir, tenants).await?;
        }
        let metrics = match dev.metrics {
            Some(url) => Some(Base::with_path(&url)?.0),
            None => None,
        };
        let base = Base::with_path(&dev.sandbox)?.0;
        let target = Target { base, path: "/api/agent_balance".to_owned(), keys, pid: child.id(), metrics };
        Ok(Server { child, target })
    }

    /// Starts `bench-reference` with these arguments and waits for its first line.
    pub async fn reference(launcher: &Launcher, dir: &Path, arguments: &[&str]) -> anyhow::Result<Server> {
        let log = dir.join("reference.log");
        let mut command = Command::new(&launcher.program);
        command.arg("bench-reference").args(arguments).stdout(Stdio::piped()).stderr(File::create(&log)?);
        let mut child = launcher.spawn(command)?;
        let stdout = child.stdout.take().context("the reference has no stdout")?;
        let mut lines = tokio::io::BufReader::new(stdout).lines();
        let line = tokio::time::timeout(START, lines.next_line()).await.context("the reference did not start")??;
        let line = line.with_context(|| format!("the reference ended at once; {}", last_words(&log)))?;
        let listening: Listening = serde_json::from_str(&line).with_context(|| format!("the reference said {line}"))?;
        let (base, _) = Base::with_path(&listening.listening)?;
        let path = listening.path.unwrap_or_else(|| "/".to_owned());
        let keys = vec![listening.key.unwrap_or_else(|| placeholder_key().to_owned())];
        Ok(Server { target: Target { base, path, keys, pid: child.id(), metrics: None }, child })
    }

    /// Ctrl-C, then a bounded wait, then a kill.
    pub async fn end(mut self) -> anyhow::Result<()> {
        if let Some(pid) = self.child.id().and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?)) {
            rustix::process::kill_process(pid, rustix::process::Signal::INT)?;
        }
        if tokio::time::timeout(END, self.child.wait()).await.is_err() {
            eprintln!("a server did not end within {END:?} and is killed");
            self.child.kill().await?;
        }
        Ok(())
    }
}

impl Launcher {
    /// A child takes over the cores of the thread that starts it, so a confined thread starts it.
    pub fn spawn(&self, mut command: Command) -> anyhow::Result<Child> {
        command.kill_on_drop(true).stdin(Stdio::null());
        let runtime = tokio::runtime::Handle::current();
        let started = std::thread::scope(|scope| {
            let starting = scope.spawn(|| {
                let _inside = runtime.enter();
                if let Some(cpus) = &self.cpus {
                    cpus.confine_this_thread()?;
                }
                command.spawn()
            });
            starting.join()
        });
        let spawned = started.map_err(|_| anyhow::anyhow!("starting a server panicked"))?;
        spawned.with_context(|| format!("starting {}", self.program.display()))
    }
}

async fn wait_for_dev(child: &mut Child, dir: &Path) -> anyhow::Result<Dev> {
    let path = dir.join("dev.json");
    let started = Instant::now();
    while started.elapsed() < START {
        if let Ok(bytes) = std::fs::read(&path) {
            return serde_json::from_slice(&bytes).with_context(|| format!("reading {}", path.display()));
        }
        if let Some(status) = child.try_wait()? {
            bail!("the server ended with {status} before it listened");
        }
        tokio::time::sleep(POLL).await;
    }
    bail!("the server did not listen within {START:?}")
}

/// Makes `count` tenants through the running server's admin socket; their sandbox agent keys.
async fn create_tenants(launcher: &Launcher, dir: &Path, count: usize) -> anyhow::Result<Vec<String>> {
    let mut command = Command::new(&launcher.program);
    command.arg("admin").arg("--data").arg(dir);
    command.args(["tenant", "create", "--count", &count.to_string(), "--json"]);
    let output = command.stdin(Stdio::null()).output().await.context("starting `admin tenant create`")?;
    if !output.status.success() {
        bail!("`admin tenant create` ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    let text = String::from_utf8(output.stdout).context("`admin tenant create` did not print text")?;
    let keys: Vec<String> = text
        .lines()
        .map(|line| Ok(serde_json::from_str::<Created>(line)?.keys.sandbox.agent))
        .collect::<Result<_, serde_json::Error>>()
        .context("`admin tenant create --json` printed something else")?;
    if keys.len() != count {
        bail!("`admin tenant create` made {} tenants instead of {count}", keys.len());
    }
    Ok(keys)
}

/// As long as a real key, so that the reference reads as many bytes as the product.
const fn placeholder_key() -> &'static str {
    "pk_test_000000000000.000000000000000000000000000000000"
}

fn last_words(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    format!("its last words: {}", lines[lines.len().saturating_sub(10)..].join("\n"))
}
