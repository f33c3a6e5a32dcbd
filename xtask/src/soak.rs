//! `cargo xtask soak`: the figures that take too long for a test run, written with their commit and date to
//! `docs/figures.md`. A new figure is a line `figure: name = value` in a soak test's output, or an entry in [`ITEMS`].

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

use crate::figures::{self, Measured, Reading};
use crate::{cargo, postgres};

const FIGURES: &str = "docs/figures.md";

/// One long measurement: what is run, and how its figures are read from what it prints.
struct Item {
    name: &'static str,
    about: &'static str,
    /// Arguments for cargo.
    command: &'static [&'static str],
    environment: &'static [(&'static str, &'static str)],
    /// A cluster is started for it, and its address is the command's last argument.
    database: bool,
    reading: Reading,
}

const ITEMS: &[Item] = &[
    Item {
        name: "bench",
        about: "The load generator against a fresh server, and against a reference that only appends each request to a file \
                with the same group sync, in the same run. `ratio` is the one over the other.",
        command: &["run", "--release", "--quiet", "--package", "counterfoil", "--", "bench", "--json"],
        environment: &[],
        database: false,
        reading: Reading::JsonLines,
    },
    Item {
        name: "bench-postgres",
        about: "The load generator against a fresh server whose stores are in PostgreSQL, and pgbench with the best stored function \
                that keeps the same facts, with as many clients, in the same run on the same cluster. `ratio` is the one over the \
                other. The cluster is a private one with Debian's settings, on the same machine as everything else.",
        command: &[
            "run",
            "--release",
            "--quiet",
            "--package",
            "counterfoil",
            "--",
            "bench",
            "--json",
            "--seconds",
            "10",
            "--store",
        ],
        environment: &[],
        database: true,
        reading: Reading::JsonLines,
    },
    Item {
        name: "kill",
        about: "The server is killed with SIGKILL under load, a thousand times on one store, and everything it acknowledged is \
                looked for.",
        command: &["test", "--release", "--package", "counterfoil", "--test", "kill", "--", "--nocapture"],
        environment: &[("COUNTERFOIL_SOAK", "1")],
        database: false,
        reading: Reading::FigureLines,
    },
    Item {
        name: "figures",
        about: "Memory and start-up after a million transfers, and live's answers while the sandbox is flooded: in one process, \
                and as two processes pinned to a core each, load included.",
        command: &[
            "test",
            "--release",
            "--package",
            "counterfoil",
            "--test",
            "figures",
            "--",
            "--nocapture",
            "--test-threads",
            "1",
        ],
        environment: &[("COUNTERFOIL_SOAK", "1")],
        database: false,
        reading: Reading::FigureLines,
    },
    Item {
        name: "storms",
        about: "One transfer sent as 64 copies at the same moment, over kept connections, to three processes on one PostgreSQL \
                database: ten thousand such storms in sequence. In each sixteenth some copies have other content.",
        command: &["test", "--release", "--package", "counterfoil", "--test", "storms", "--", "--nocapture"],
        environment: &[("COUNTERFOIL_SOAK", "1")],
        database: false,
        reading: Reading::FigureLines,
    },
    Item {
        name: "revocation",
        about: "64 connections use keys of a sandbox while ten thousand of them are revoked at the dashboard, two hundred at a time. A call \
                counts as after when it began after the revocation was answered.",
        command: &["test", "--release", "--package", "counterfoil", "--test", "revocation", "--", "--nocapture"],
        environment: &[("COUNTERFOIL_SOAK", "1")],
        database: false,
        reading: Reading::FigureLines,
    },
    Item {
        name: "restarts",
        about: "PostgreSQL is stopped at once and started again, two hundred times, under two stores that eight callers load. \
                Recovery runs from its start until both stores commit and read again.",
        command: &["test", "--release", "--package", "store", "--test", "restarts", "--", "--nocapture"],
        environment: &[("COUNTERFOIL_SOAK", "1")],
        database: false,
        reading: Reading::FigureLines,
    },
    Item {
        name: "failover",
        about: "Three nodes of PostgreSQL under Patroni with strict synchronous commits, whose leader is killed, cut off and paused \
                in turns, 24 times, under two processes of the sandbox that callers load over HTTP. Times are the longest for \
                which one of the processes committed nothing. Patroni's lock lasts 8 s.",
        command: &["test", "--release", "--package", "counterfoil", "--test", "failover", "--", "--nocapture"],
        environment: &[("COUNTERFOIL_SOAK", "1")],
        database: false,
        reading: Reading::FigureLines,
    },
    Item {
        name: "once",
        about: "Codes of an authenticator app, each shown 64 times at the same moment from 64 networks: how often one was taken.",
        command: &["test", "--release", "--package", "control", "--test", "once", "--", "--nocapture"],
        environment: &[("COUNTERFOIL_SOAK", "1")],
        database: false,
        reading: Reading::FigureLines,
    },
    Item {
        name: "timing",
        about: "How often, of a thousand, an address that somebody has took longer than one that nobody has, over two thousand pairs of \
                each: logins with a wrong password, and requests for a new one. 500 is a coin.",
        command: &["test", "--release", "--package", "control", "--test", "timing", "--", "--nocapture"],
        environment: &[("COUNTERFOIL_SOAK", "1")],
        database: false,
        reading: Reading::FigureLines,
    },
];

/// Runs the items called `names`, or all, and writes each one's figures as soon as it ends. An item that fails keeps its old
/// figures in the file, and the others still run.
pub fn run(root: &Path, names: &[String]) -> anyhow::Result<()> {
    let known: Vec<&str> = ITEMS.iter().map(|item| item.name).collect();
    if let Some(name) = names.iter().find(|name| !known.contains(&name.as_str())) {
        bail!("no soak is called {name}; there are: {}", known.join(", "));
    }
    let (commit, date) = (commit(root)?, output(root, "date", &["-u", "+%Y-%m-%d %H:%M UTC"])?);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let stamp = format!("Measured {date} at commit {commit} on {cores} cores");
    let mut failed = Vec::new();
    for item in ITEMS.iter().filter(|item| names.is_empty() || names.iter().any(|name| name == item.name)) {
        eprintln!("== soak {}", item.name);
        match prepare(item).and_then(|()| measure(root, item, &stamp)) {
            Ok(()) => eprintln!("== soak {}: written to {FIGURES}", item.name),
            Err(error) => {
                eprintln!("== soak {}: FAILED, its figures stay as they were: {error:#}", item.name);
                failed.push(item.name);
            }
        }
    }
    if !failed.is_empty() {
        bail!("== FAILED: {}", failed.join(", "));
    }
    Ok(())
}

/// Installs what the item needs and what is not part of a usual machine, if it may.
fn prepare(item: &Item) -> anyhow::Result<()> {
    match item.name {
        "storms" | "restarts" => postgres::server(),
        "failover" => postgres::server().and_then(|()| postgres::failover()),
        _ => Ok(()),
    }
}

fn measure(root: &Path, item: &Item, stamp: &str) -> anyhow::Result<()> {
    let lines = printed_by(root, item)?;
    let table = figures::read(item.reading, &lines)?;
    let command = format!("cargo xtask soak {}", item.name);
    let section = figures::section(&Measured { name: item.name, about: item.about, stamp, command: &command, table });
    let path = root.join(FIGURES);
    let before = if path.exists() { std::fs::read_to_string(&path)? } else { String::new() };
    std::fs::write(&path, figures::with_section(&before, item.name, &section))
        .with_context(|| format!("writing {FIGURES}"))
}

/// What the item printed on its standard output, which is shown as it comes.
fn printed_by(root: &Path, item: &Item) -> anyhow::Result<Vec<String>> {
    let cluster = if item.database { Some(postgres::start()?) } else { None };
    let mut command = cargo::command(root, item.command);
    command.args(cluster.as_ref().map(|cluster| &cluster.url));
    command.envs(item.environment.iter().copied()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().context("starting cargo")?;
    let mut lines = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line.context("reading what it prints")?;
            println!("{line}");
            lines.push(line);
        }
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("`cargo {}` ended with {status}", item.command.join(" "));
    }
    Ok(lines)
}

/// The short commit, and whether the tree had changes of its own besides the figures.
fn commit(root: &Path) -> anyhow::Result<String> {
    let commit = output(root, "git", &["rev-parse", "--short=12", "HEAD"])?;
    let changes = output(root, "git", &["status", "--porcelain", "--", ".", ":!docs/figures.md"])?;
    Ok(if changes.is_empty() { commit } else { format!("{commit} with uncommitted changes") })
}

fn output(root: &Path, program: &str, args: &[&str]) -> anyhow::Result<String> {
    let output =
        Command::new(program).args(args).current_dir(root).output().with_context(|| format!("running {program}"))?;
    if !output.status.success() {
        bail!("{program} {} ended with {}", args.join(" "), output.status);
    }
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
