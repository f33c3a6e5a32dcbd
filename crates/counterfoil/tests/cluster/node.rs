//! One node: PostgreSQL and the Patroni that starts it and decides its role.

use std::fs::OpenOptions;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use pgkit::{Guard, Programs};
use rustix::process::{Pid, Signal, kill_process};

use super::{PATRONI, Wire};

pub struct Node {
    pub name: String,
    /// Where PostgreSQL listens, beside every wire.
    pub port: u16,
    pub wires: Wires,
    patroni: Option<Child>,
    dir: PathBuf,
    number: usize,
}

/// All that connects this node with etcd and the others.
pub struct Wires {
    /// How other nodes reach this one's PostgreSQL.
    pub postgres: Wire,
    /// How other nodes ask this one's Patroni.
    patroni: Wire,
    /// How this node reaches etcd. Without it the node does not learn whom to connect to.
    etcd: Wire,
}

impl Wires {
    pub fn cut(&self) {
        [&self.postgres, &self.patroni, &self.etcd].into_iter().for_each(Wire::cut);
    }

    pub fn mend(&self) {
        [&self.postgres, &self.patroni, &self.etcd].into_iter().for_each(Wire::mend);
    }
}

impl Node {
    /// A node that is configured and not started.
    pub fn new(number: usize, guard: &Guard, programs: &Programs, etcd_url: &str) -> Node {
        let (port, api) = (pgkit::free_port().expect("a port"), pgkit::free_port().expect("a port"));
        let etcd = etcd_url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        let wires = Wires { postgres: Wire::to(port), patroni: Wire::to(api), etcd: Wire::to(etcd) };
        let name = format!("node{number}");
        let node = Node { name, port, wires, patroni: None, dir: guard.dir().to_owned(), number };
        std::fs::write(node.file("yml"), node.configuration(api, programs.bin())).expect("its configuration");
        node
    }

    /// Starts Patroni, which starts PostgreSQL as its role demands.
    pub fn start(&mut self, programs: &Programs) {
        let mut patroni = command(PATRONI, programs, &self.file("log"));
        let patroni = patroni.arg(self.file("yml")).spawn().expect("Patroni starts");
        note(&self.file("pid"), &patroni);
        self.patroni = Some(patroni);
    }

    /// kill -9 of Patroni and of PostgreSQL's own process; its sessions notice and end by themselves.
    pub fn kill(&mut self) {
        if let Some(mut patroni) = self.patroni.take() {
            let _ = patroni.kill();
            let _ = patroni.wait();
        }
        if let Some(server) = self.server() {
            let _ = kill_process(server, Signal::KILL);
        }
    }

    /// Stops every process of this node, the ones that could start others first.
    pub fn pause(&mut self) {
        self.signal(Signal::STOP);
    }

    pub fn go_on(&mut self) {
        self.signal(Signal::CONT);
    }

    /// Ends the node for good.
    pub fn end(&mut self) {
        self.wires.mend();
        let sessions = self.server().map(children).unwrap_or_default();
        self.kill();
        for session in sessions {
            let _ = kill_process(session, Signal::CONT);
        }
    }

    /// What the node wrote last, for a test that fails.
    pub fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.file("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines.len().saturating_sub(30);
        format!("{}:\n{}", self.name, lines[last..].join("\n"))
    }

    fn signal(&self, signal: Signal) {
        let patroni = self.patroni.as_ref().and_then(pid);
        let server = self.server();
        let _ = patroni.map(|patroni| kill_process(patroni, signal));
        let _ = server.map(|server| kill_process(server, signal));
        for session in server.map(children).unwrap_or_default() {
            let _ = kill_process(session, signal);
        }
    }

    /// PostgreSQL's own process, if this node's server runs.
    fn server(&self) -> Option<Pid> {
        let data = self.data();
        let told = std::fs::read_to_string(data.join("postmaster.pid")).ok()?;
        let pid = Pid::from_raw(told.lines().next()?.trim().parse().ok()?)?;
        // The file outlives a kill, and its number may be another's by then.
        let line = std::fs::read_to_string(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).ok()?;
        line.contains(data.to_str()?).then_some(pid)
    }

    fn data(&self) -> PathBuf {
        self.dir.join(format!("data{}", self.number))
    }

    fn file(&self, ending: &str) -> PathBuf {
        self.dir.join(format!("node{}.{ending}", self.number))
    }

    /// Patroni speaks etcd's older API: over the newer one, Patroni before 3.0.3 lets a leader that was paused past its lock take
    /// the lock back from its successor, whose acknowledged commits are then rewound away (its pull request 2689).
    ///
    /// The times, in seconds, are short but keep Patroni's rule: loop_wait + 2 * retry_timeout <= ttl. A leader that is cut off
    /// must stop sooner than Patroni asks a second time: while it waits for standbys that never answer, this Patroni would
    /// start PostgreSQL twice (its issue 3649).
    fn configuration(&self, api: u16, bin: &Path) -> String {
        let Wires { postgres, patroni, etcd } = &self.wires;
        format!(
            r#"scope: counterfoil
name: {name}
restapi:
  listen: 127.0.0.1:{api}
  connect_address: 127.0.0.1:{patroni}
etcd:
  hosts: ["127.0.0.1:{etcd}"]
  use_proxies: true
bootstrap:
  dcs:
    ttl: 8
    loop_wait: 1
    retry_timeout: 3
    synchronous_mode: true
    synchronous_mode_strict: true
    primary_stop_timeout: 3
    postgresql:
      use_pg_rewind: true
      use_slots: true
      parameters:
        max_connections: 200
        dynamic_shared_memory_type: mmap
        timezone: UTC
        wal_sender_timeout: 3s
        wal_receiver_timeout: 3s
        wal_retrieve_retry_interval: 500ms
  initdb: [{{encoding: UTF8}}, {{locale: C}}, data-checksums, no-sync]
postgresql:
  listen: 127.0.0.1:{port}
  connect_address: 127.0.0.1:{postgres}
  bin_dir: {bin}
  data_dir: {data}
  pgpass: {dir}/pgpass{number}
  remove_data_directory_on_rewind_failure: true
  remove_data_directory_on_diverged_timelines: true
  authentication:
    superuser: {{username: counterfoil}}
    rewind: {{username: counterfoil}}
    replication: {{username: replicator}}
  parameters:
    unix_socket_directories: {dir}
  pg_hba:
    - host all all 127.0.0.1/32 trust
    - host replication all 127.0.0.1/32 trust
watchdog:
  mode: off
"#,
            name = self.name,
            number = self.number,
            port = self.port,
            dir = self.dir.display(),
            data = self.data().display(),
            bin = bin.display(),
            postgres = postgres.port(),
            patroni = patroni.port(),
            etcd = etcd.port(),
        )
    }
}

/// `program` as the account that PostgreSQL runs as, in a process group of its own, with both outputs added to `log`.
pub fn command(program: &str, programs: &Programs, log: &Path) -> Command {
    let log_file = OpenOptions::new().append(true).create(true).open(log).expect("a log file");
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(log_file.try_clone().expect("a copy")).stderr(log_file);
    command.process_group(0).current_dir(log.parent().expect("a folder"));
    if let Some(account) = programs.account() {
        account.runs(&mut command);
    }
    command
}

/// Tells the guard which process to end should this one be killed.
pub fn note(file: &Path, process: &Child) {
    std::fs::write(file, format!("{}\n", process.id())).expect("a pid file");
}

fn pid(child: &Child) -> Option<Pid> {
    Pid::from_raw(i32::try_from(child.id()).ok()?)
}

/// The processes that `parent` started and that still run.
fn children(parent: Pid) -> Vec<Pid> {
    let parent = parent.as_raw_nonzero().to_string();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    numbers
        .filter(|number| {
            let about = std::fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
            // "1234 (a name) S 1200 …": the name may have spaces and brackets.
            about.rsplit_once(") ").and_then(|(_, rest)| rest.split(' ').nth(1)) == Some(&parent)
        })
        .filter_map(Pid::from_raw)
        .collect()
}
