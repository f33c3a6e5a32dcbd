//! What a scenario is compared with.

use std::path::PathBuf;

use crate::connection::Base;
use crate::options::Options;
use crate::scenario::Scenario;
use crate::server::{Launcher, Server, Target};

/// The yardstick of a group.
pub enum Yardstick {
    Child(Server),
    Elsewhere(Target),
    Missing,
}

impl Yardstick {
    /// Starts it in `dir`: the append reference, and for `balance` a constant answer behind the product's own gate. That
    /// one is the binary's (`bench-reference constant --data DIR`), because this crate knows nothing of the product.
    pub async fn start(
        launcher: &Launcher,
        options: &Options,
        scenario: Scenario,
        dir: PathBuf,
    ) -> anyhow::Result<Yardstick> {
        if scenario != Scenario::Balance {
            let file = dir.join("ref.bin").to_string_lossy().into_owned();
            return Ok(Yardstick::Child(Server::reference(launcher, &dir, &["append", "--file", &file]).await?));
        }
        if let Some(url) = &options.balance_reference {
            let (base, path) = Base::with_path(url)?;
            let keys = vec![options.balance_reference_key.clone().unwrap_or_default()];
            return Ok(Yardstick::Elsewhere(Target { base, path, keys, pid: None, metrics: None }));
        }
        let data = dir.to_string_lossy().into_owned();
        match Server::reference(launcher, &dir, &["constant", "--data", &data]).await {
            Ok(server) => Ok(Yardstick::Child(server)),
            Err(error) => {
                eprintln!("  no constant answer to compare with: {error:#}");
                Ok(Yardstick::Missing)
            }
        }
    }

    pub fn target(&self) -> Option<&Target> {
        match self {
            Yardstick::Child(server) => Some(&server.target),
            Yardstick::Elsewhere(target) => Some(target),
            Yardstick::Missing => None,
        }
    }

    /// The child, to be ended.
    pub fn into_child(self) -> Option<Server> {
        match self {
            Yardstick::Child(server) => Some(server),
            Yardstick::Elsewhere(_) | Yardstick::Missing => None,
        }
    }
}
