//! Debian's packages for tests. Installed only where apt is there and we are root; elsewhere the caller says what is missing.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

const NEW_CLUSTERS: &str = "/etc/postgresql-common/createcluster.conf";

/// PostgreSQL's server, without the cluster `main` that the package would make and start: postgresql-common comes first, so
/// that the setting stands before the server's package reads it.
pub fn postgresql() -> anyhow::Result<()> {
    install(&["postgresql-common"])?;
    finish("pg_conftool", &[NEW_CLUSTERS, "set", "create_main_cluster", "false"])?;
    install(&["postgresql"])
}

/// Patroni and etcd, for the failover test. Their services stay off: tests start their own.
pub fn patroni() -> anyhow::Result<()> {
    install(&["patroni", "etcd-server", "etcd-client"])?;
    if Path::new("/run/systemd/system").exists() {
        finish("systemctl", &["disable", "--now", "etcd.service", "patroni.service"])?;
    }
    Ok(())
}

fn install(packages: &[&str]) -> anyhow::Result<()> {
    let names = packages.join(" ");
    if !Path::new("/usr/bin/apt-get").exists() {
        bail!("install {names}; this machine has no apt-get, so it is not done here");
    }
    if finish("id", &["-u"])?.trim() != "0" {
        bail!("install them: `sudo apt-get install --no-install-recommends {names}`");
    }
    eprintln!("== installing Debian's {names}");
    let line = [&["install", "--yes", "--no-install-recommends"], packages].concat();
    if finish("apt-get", &line).is_err() {
        // The lists of a fresh machine are empty or old.
        finish("apt-get", &["update"])?;
        finish("apt-get", &line)?;
    }
    Ok(())
}

/// Runs a program to its end, quietly; what it printed, or its complaint.
fn finish(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let mut command = Command::new(program);
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    let output = command.output().with_context(|| format!("running {program}"))?;
    if !output.status.success() {
        let told = String::from_utf8_lossy(&output.stderr);
        bail!("{program} {} ended with {}: {}", arguments.join(" "), output.status, told.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
