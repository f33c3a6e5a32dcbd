//! Three nodes of PostgreSQL under Patroni, with one etcd, on the loopback address: the cluster manager that operators run,
//! with real failovers. Commits are synchronous and strict: no acknowledgement before a second node has the commit.
//!
//! Nodes see each other and etcd through [`Wire`]s, so that a node can be cut off without the machine's network being touched.
//! All ends with the test's process, however it ends.

mod node;
mod wire;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pgkit::{Guard, Programs};

use node::Node;
use wire::Wire;

/// Longer than a start or a failover takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
const NODES: usize = 3;
const ETCD: &str = "/usr/bin/etcd";
const ETCDCTL: &str = "/usr/bin/etcdctl";
const PATRONI: &str = "/usr/bin/patroni";

/// The running cluster. Nodes have numbers from 0.
pub struct Patroni {
    programs: Programs,
    nodes: Vec<Node>,
    etcd: Child,
    etcd_url: String,
    /// The node that is killed, cut off or paused, until [`Patroni::heal`].
    hurt: Option<(usize, Hurt)>,
    // Last: it deletes the directory.
    _guard: Guard,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hurt {
    Killed,
    CutOff,
    Paused,
}

/// Whether the packages are here. When not, says so, and panics if `CI` is `true`.
pub fn available() -> bool {
    let missing = [ETCD, ETCDCTL, PATRONI].into_iter().find(|program| !Path::new(program).exists());
    let Some(missing) = missing else { return pgkit::available() };
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{missing} is missing");
    eprintln!("NOT RUN: {missing} is missing; on Debian, install patroni, etcd-server and etcd-client");
    false
}

impl Patroni {
    /// Starts everything and waits for a leader with a synchronous standby and a third node that follows.
    pub fn start() -> Patroni {
        let programs = Programs::find().expect("available() was asked");
        let guard = Guard::new("counterfoil-patroni-", true, programs.account()).expect("a directory");
        let (etcd, etcd_url) = start_etcd(&programs, &guard);
        let nodes = (0..NODES).map(|number| Node::new(number, &guard, &programs, &etcd_url)).collect();
        let mut cluster = Patroni { programs, nodes, etcd, etcd_url, hurt: None, _guard: guard };
        for node in &mut cluster.nodes {
            node.start(&cluster.programs);
        }
        cluster.wait_for_leader();
        cluster.wait_for_standbys(NODES - 1);
        cluster
    }

    /// The address of `database` for a client that reaches every node that runs, also one that the others do not reach. To a
    /// paused node a connection is made, and then nobody answers on it: a client needs time limits of its own.
    pub fn url(&self, database: &str) -> String {
        self.address(database, |node| node.port)
    }

    /// The address of `database` for a client that a partition cuts off from the same node as the others: a connection is
    /// made, and then nobody answers on it. To a node that is down the same is made and closed at once.
    pub fn url_across(&self, database: &str) -> String {
        self.address(database, |node| node.wires.postgres.port())
    }

    /// The address of `database` on one node, whatever its role.
    pub fn url_of(&self, node: usize, database: &str) -> String {
        format!("postgres://counterfoil@127.0.0.1:{}/{database}?connect_timeout=2", self.nodes[node].port)
    }

    fn address(&self, database: &str, port: impl Fn(&Node) -> u16) -> String {
        let hosts: Vec<String> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", port(node))).collect();
        let options = "target_session_attrs=read-write&connect_timeout=2";
        format!("postgres://counterfoil@{}/{database}?{options}", hosts.join(","))
    }

    /// The node that holds the leader's lock in etcd now, whether or not it can work.
    pub fn leader(&self) -> Option<usize> {
        let key = "/service/counterfoil/leader";
        let mut etcdctl = Command::new(ETCDCTL);
        etcdctl.env("ETCDCTL_API", "2").args(["--endpoints", &self.etcd_url, "get", key]);
        let output = etcdctl.output().expect("etcdctl runs");
        let name = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        self.nodes.iter().position(|node| node.name == name)
    }

    /// Waits until a node that is not hurt is the leader, takes writes, and has a synchronous standby, without which strict
    /// commits wait. Gives the node.
    pub fn wait_for_leader(&self) -> usize {
        let ready = "SELECT NOT pg_is_in_recovery() AND EXISTS \
                     (SELECT FROM pg_stat_replication WHERE sync_state = 'sync' AND state = 'streaming')";
        self.until("a leader with a synchronous standby", || {
            let leader = self.leader().filter(|leader| self.hurt.is_none_or(|(hurt, _)| hurt != *leader))?;
            let answer = pgkit::query(&self.url_of(leader, "postgres"), ready).ok()?;
            (answer.trim() == "t").then_some(leader)
        })
    }

    /// Waits until so many nodes follow the leader and answer. One that was set back to where it left its timeline streams
    /// before it answers: until it has come as far as the leader was then, it cannot do without that leader.
    pub fn wait_for_standbys(&self, count: usize) {
        // A node that is still being copied streams too.
        let following = "SELECT count(*) FROM pg_stat_replication \
                         WHERE state = 'streaming' AND application_name <> 'pg_basebackup'";
        self.until(&format!("{count} standbys"), || {
            let answer = pgkit::query(&self.url_of(self.leader()?, "postgres"), following).ok()?;
            let answers = |node: &usize| {
                pgkit::query(&self.url_of(*node, "postgres"), "SELECT pg_is_in_recovery()")
                    .is_ok_and(|answer| answer.trim() == "t")
            };
            (answer.trim() == count.to_string() && (0..NODES).filter(answers).count() == count).then_some(())
        });
    }

    /// kill -9 of the leader: its Patroni and its PostgreSQL. Gives the node; it stays down until [`Patroni::heal`].
    pub fn kill_leader(&mut self) -> usize {
        self.hurt_leader(Hurt::Killed, Node::kill)
    }

    /// Cuts the leader off from etcd and the other nodes, in both directions. It goes on running, and clients of
    /// [`Patroni::url`] still reach it. Gives the node.
    pub fn partition_leader(&mut self) -> usize {
        self.hurt_leader(Hurt::CutOff, |node| node.wires.cut())
    }

    /// Stops every process of the leader where it stands. At [`Patroni::heal`] it wakes up and still believes to be the
    /// leader. Gives the node.
    pub fn pause_leader(&mut self) -> usize {
        self.hurt_leader(Hurt::Paused, Node::pause)
    }

    fn hurt_leader(&mut self, hurt: Hurt, act: impl Fn(&mut Node)) -> usize {
        assert!(self.hurt.is_none(), "heal the cluster first");
        let leader = self.leader().expect("a leader");
        act(&mut self.nodes[leader]);
        self.hurt = Some((leader, hurt));
        leader
    }

    /// Undoes what was done to a leader. Returns at once; [`Patroni::wait_for_standbys`] waits until the node follows.
    pub fn heal(&mut self) {
        let Some((node, hurt)) = self.hurt.take() else { return };
        let node = &mut self.nodes[node];
        match hurt {
            Hurt::Killed => node.start(&self.programs),
            Hurt::CutOff => node.wires.mend(),
            Hurt::Paused => node.go_on(),
        }
    }

    fn until<T>(&self, what: &str, found: impl FnMut() -> Option<T>) -> T {
        if let Some(found) = within(PATIENCE, found) {
            return found;
        }
        let logs: Vec<String> = self.nodes.iter().map(Node::last_words).collect();
        panic!("{what} did not come\n{}", logs.join("\n"));
    }
}

impl Drop for Patroni {
    fn drop(&mut self) {
        for node in &mut self.nodes {
            node.end();
        }
        let _ = self.etcd.kill();
        let _ = self.etcd.wait();
    }
}

fn start_etcd(programs: &Programs, guard: &Guard) -> (Child, String) {
    let port = || pgkit::free_port().expect("a port");
    let (client, peer) = (format!("http://127.0.0.1:{}", port()), format!("http://127.0.0.1:{}", port()));
    let data = guard.dir().join("etcd");
    let mut etcd = node::command(ETCD, programs, &guard.dir().join("etcd.log"));
    etcd.args(["--enable-v2", "--name", "one", "--log-level", "warn", "--logger", "zap", "--data-dir"]).arg(data);
    etcd.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
    etcd.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
    etcd.args(["--initial-cluster", &format!("one={peer}")]);
    let etcd = etcd.stdin(Stdio::null()).spawn().expect("etcd starts");
    node::note(&guard.dir().join("etcd.pid"), &etcd);
    // Patroni ends for good when it asks before etcd has settled which version the cluster speaks.
    let settled = || get(&client, "/version").filter(|told| told.contains("etcdcluster\":\"3")).map(drop);
    assert!(within(PATIENCE, settled).is_some(), "etcd does not answer at {client}");
    (etcd, client)
}

/// What `GET base/path` answers, head and body; `None` when nobody answers.
fn get(base: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(base.strip_prefix("http://")?).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(2))).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
    let mut told = String::new();
    stream.read_to_string(&mut told).ok()?;
    Some(told)
}

/// Asks until `found` answers something, or `patience` is over.
fn within<T>(patience: Duration, mut found: impl FnMut() -> Option<T>) -> Option<T> {
    let started = Instant::now();
    while started.elapsed() < patience {
        if let Some(found) = found() {
            return Some(found);
        }
        std::thread::park_timeout(Duration::from_millis(50));
    }
    None
}
