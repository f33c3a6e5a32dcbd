//! Real processes of this program, and calls to them.

#![allow(dead_code, reason = "each test file uses its own part of the kit")]

pub mod http;
pub mod intercom;
pub mod person;
pub mod shared;

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

pub use http::{Answer, Connection};

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The call that every key but a payout key may make.
pub const BALANCE: &str = "/api/agent_balance";

/// Lines of a server's log that a failing test shows.
const LAST_WORDS: usize = 40;

/// A running `counterfoil`; killed when dropped.
pub struct Server {
    child: Child,
    stdout: Option<std::thread::JoinHandle<String>>,
    stderr: Option<std::thread::JoinHandle<String>>,
    /// `dev.json`, or the line that `serve` prints.
    pub facts: Value,
}

/// What a process left when it ended.
pub struct Ended {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_counterfoil"));
    command.stdin(Stdio::null());
    command
}

/// Everything on free ports, in `data`.
pub fn dev_command(data: &Path) -> Command {
    let mut command = dev_on_files(data);
    if pgkit::wanted() {
        command.arg("--store").arg(pgkit::database_of(data));
    }
    command
}

/// As [`dev_command`], with stores that are files whatever engine this run of the tests is on.
pub fn dev_on_files(data: &Path) -> Command {
    let mut command = program();
    command.arg("dev").arg("--data").arg(data);
    for listener in ["--control", "--sandbox", "--live", "--metrics"] {
        command.args([listener, "127.0.0.1:0"]);
    }
    command
}

/// `serve` of one role on free ports, in `data`.
pub fn serve_command(role: &str, data: &Path) -> Command {
    let mut command = program();
    let section = role.to_uppercase();
    command.args(["serve", "--role", role]);
    command.env(format!("COUNTERFOIL_{section}__LISTEN"), "127.0.0.1:0");
    if pgkit::wanted() {
        command.env(format!("COUNTERFOIL_{section}__STORE"), pgkit::beside(&pgkit::database_of(data), role));
    }
    command.env(format!("COUNTERFOIL_METRICS__{section}"), "127.0.0.1:0");
    command.env(format!("COUNTERFOIL_{section}__DATA"), data.join(role));
    command
}

impl Server {
    /// Starts `dev` and waits until it has said that it runs.
    pub fn dev(data: &Path) -> Server {
        Server::dev_with(dev_command(data), data)
    }

    /// Starts a `dev` command on `data` and waits until it has said that it runs.
    pub fn dev_with(command: Command, data: &Path) -> Server {
        let mut server = Server::start(command, "Ctrl-C");
        let text = std::fs::read(data.join("dev.json")).expect("dev.json is there when everything listens");
        server.facts = serde_json::from_slice(&text).expect("dev.json is JSON");
        assert_eq!(server.facts["pid"], server.child.id());
        server
    }

    /// Starts one role and waits for its line.
    pub fn role(role: &str, data: &Path) -> Server {
        Server::serve(serve_command(role, data))
    }

    /// Starts a `serve` command and waits for its line.
    pub fn serve(command: Command) -> Server {
        Server::start(command, "listening")
    }

    fn start(mut command: Command, word: &'static str) -> Server {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut stderr = child.stderr.take().expect("piped");
        let (told, ready) = std::sync::mpsc::channel();
        let stdout = std::thread::spawn(move || {
            let mut said = String::new();
            for line in stdout.lines().map_while(Result::ok) {
                if line.contains(word) {
                    let _ = told.send(line.clone());
                }
                said.push_str(&line);
                said.push('\n');
            }
            said
        });
        let stderr = std::thread::spawn(move || {
            let mut said = Vec::new();
            stderr.read_to_end(&mut said).expect("its errors can be read");
            String::from_utf8_lossy(&said).into_owned()
        });
        match ready.recv_timeout(PATIENCE) {
            Ok(line) => {
                let facts = serde_json::from_str(&line).unwrap_or_default();
                Server { child, stdout: Some(stdout), stderr: Some(stderr), facts }
            }
            Err(_) => {
                let _ = child.kill();
                let said = [stdout, stderr].map(|text| text.join().unwrap_or_default());
                panic!("it did not start: {}", said.join("\n"));
            }
        }
    }

    /// Base URL of a listener, by its name in the facts.
    pub fn url(&self, listener: &str) -> &str {
        self.facts[listener].as_str().expect("the facts name it")
    }

    /// A key of the seeded tenant.
    pub fn key(&self, environment: &str, kind: &str) -> &str {
        self.facts["keys"][environment][kind].as_str().expect("dev.json has it")
    }

    pub fn tenant(&self) -> &str {
        self.facts["tenant"].as_str().expect("dev.json has it")
    }

    /// One call on a connection of its own.
    pub fn get(&self, listener: &str, path: &str, key: Option<&str>) -> Answer {
        Connection::open(self.url(listener)).send("GET", path, key, None)
    }

    pub fn post(&self, listener: &str, path: &str, key: Option<&str>, body: &str) -> Answer {
        Connection::open(self.url(listener)).send("POST", path, key, Some(body))
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a pid")).expect("not zero")
    }

    /// Ctrl-C, and everything that it leaves.
    pub fn interrupt(self) -> Ended {
        self.end(Signal::INT)
    }

    pub fn terminate(self) -> Ended {
        self.end(Signal::TERM)
    }

    /// kill -9.
    pub fn kill(self) {
        let ended = self.end(Signal::KILL);
        assert_eq!(ended.status.signal(), Some(9));
    }

    fn end(mut self, signal: Signal) -> Ended {
        kill_process(self.pid(), signal).expect("it runs");
        let status = self.child.wait().expect("it ends");
        let take = |text: Option<std::thread::JoinHandle<String>>| text.expect("once").join().expect("it was read");
        Ended { status, stdout: take(self.stdout.take()), stderr: take(self.stderr.take()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking()
            && let Some(said) = self.stderr.take().and_then(|stderr| stderr.join().ok())
        {
            let lines: Vec<&str> = said.lines().collect();
            eprintln!("the server said last:\n{}", lines[lines.len().saturating_sub(LAST_WORDS)..].join("\n"));
        }
    }
}

/// `admin --data DIR …`.
pub fn admin(data: &Path, arguments: &[&str]) -> Output {
    program().arg("admin").arg("--data").arg(data).args(arguments).output().expect("the program runs")
}

/// The JSON lines of an admin command that has to succeed.
pub fn admin_json(data: &Path, arguments: &[&str]) -> Vec<Value> {
    let output = admin(data, &[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

/// The exit code and stderr of an admin command that has to fail.
pub fn admin_refused(data: &Path, arguments: &[&str]) -> (i32, String) {
    let output = admin(data, arguments);
    assert!(!output.status.success(), "{arguments:?} was done");
    (output.status.code().expect("an exit code"), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A CashQ transfer through corridor 1271.
pub fn transfer(id: &str, amount: &str) -> String {
    serde_json::json!({
        "id": id, "sender_phone": "+15615019469", "receiver_phone": "+201001234567", "amount": amount,
        "service": "1271", "receiver_country": "EG", "receiver_currency": "EGP",
        "attribute": [
            {"name": "receiverName", "value": "Mona Hassan"}, {"name": "receiverAccType", "value": "1"},
            {"name": "receiverAccountNumber", "value": "100012345678"}, {"name": "receiverBankName", "value": "Bank"},
        ],
    })
    .to_string()
}

/// What random choices begin with: `SEED`, or the same in every run.
pub fn seed() -> u64 {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_260_101);
    println!("seed {seed} (set SEED to repeat another)");
    seed
}

/// Whether this is the long run of `cargo xtask soak`.
pub fn soak() -> bool {
    std::env::var_os("COUNTERFOIL_SOAK").is_some()
}

pub fn dollars(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// Asks until `found` answers something, for a bounded time.
pub fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if let Some(found) = found() {
            return found;
        }
        std::thread::park_timeout(Duration::from_millis(10));
    }
    panic!("{what} did not happen");
}

/// Every file below `dir`.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}
