//! PostgreSQL's own client programs: `psql` for single statements, `pgbench` for the load on the yardstick.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail};
use tokio::process::Command;

/// Where Debian keeps one folder for each major version.
const VERSIONS: &str = "/usr/lib/postgresql";

#[derive(Clone, Debug)]
pub struct Programs {
    psql: PathBuf,
    pub pgbench: PathBuf,
}

impl Programs {
    /// From the `PATH`, else from the newest installed version.
    pub fn find() -> anyhow::Result<Programs> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders: Vec<PathBuf> = std::env::split_paths(&path).chain(versions(Path::new(VERSIONS))).collect();
        Programs::among(&folders)
    }

    fn among(folders: &[PathBuf]) -> anyhow::Result<Programs> {
        let find = |name: &str| {
            let found = folders.iter().map(|folder| folder.join(name)).find(|program| program.is_file());
            found.with_context(|| {
                format!(
                    "`{name}` is neither on the PATH nor in {VERSIONS}/*/bin: install PostgreSQL's client programs (Debian: \
                     the package `postgresql`, which has pgbench)"
                )
            })
        };
        Ok(Programs { psql: find("psql")?, pgbench: find("pgbench")? })
    }

    /// What psql prints for these arguments at `url`: a line a row, `|` between columns. Fails with its own words.
    pub async fn psql(&self, url: &str, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(&self.psql);
        command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]);
        command.args(arguments).args(["--dbname", url]).env("PGAPPNAME", "counterfoil-bench").stdin(Stdio::null());
        let output = command.kill_on_drop(true).output().await.context("starting psql")?;
        if !output.status.success() {
            bail!("psql ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
        }
        String::from_utf8(output.stdout).context("psql did not print text")
    }
}

/// The `bin` folders below `above`, newest version first.
fn versions(above: &Path) -> Vec<PathBuf> {
    let named = std::fs::read_dir(above).into_iter().flatten().flatten();
    let mut numbers: Vec<u32> = named.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable_by(|one, other| other.cmp(one));
    numbers.into_iter().map(|number| above.join(number.to_string()).join("bin")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_its_remedy() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("psql"), "").unwrap();
        let error = Programs::among(&[dir.path().to_owned()]).unwrap_err().to_string();
        assert!(error.contains("`pgbench`") && error.contains("install"), "{error}");
        std::fs::write(dir.path().join("pgbench"), "").unwrap();
        assert_eq!(Programs::among(&[dir.path().to_owned()]).unwrap().pgbench, dir.path().join("pgbench"));
    }

    #[test]
    fn the_newest_version_comes_first() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["9", "15", "17", "README"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        let found = versions(dir.path());
        assert_eq!(found, ["17", "15", "9"].map(|number| dir.path().join(number).join("bin")));
        assert!(versions(&dir.path().join("none")).is_empty());
    }
}
