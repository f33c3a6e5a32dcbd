//! Control's end: both planes, as it asks them.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base::{Environment, PlaneName};
use control::planes::{Ask, BoxFuture, NotDone, Planes, Reply};
use store::secret_file;

use super::exchange::{Unanswered, ask};
use super::message::read;
use super::proof::Way;
use super::{ASK, CONTROL, SECRET, SOCKET, name_of};

/// The longest wait for an answer: a revocation waits up to five seconds for every process of the plane.
const WITHIN: Duration = Duration::from_secs(10);

/// Both planes, each by its directory on this machine. Clones share it.
#[derive(Clone)]
pub struct Reached {
    places: Arc<[Place; 2]>,
}

struct Place {
    environment: Environment,
    dir: PathBuf,
    /// Where clients reach it; told once it is known.
    base_url: OnceLock<String>,
}

impl Reached {
    pub fn new(sandbox: PathBuf, live: PathBuf) -> Reached {
        let place = |environment, dir| Place { environment, dir, base_url: OnceLock::new() };
        Reached { places: Arc::new([place(Environment::Sandbox, sandbox), place(Environment::Live, live)]) }
    }

    /// Where clients reach this environment from now on. Told once.
    pub fn clients_reach(&self, environment: Environment, base_url: String) {
        let _ = self.place(environment).base_url.set(base_url);
    }

    fn place(&self, environment: Environment) -> &Place {
        let [sandbox, live] = self.places.as_ref();
        if environment == sandbox.environment { sandbox } else { live }
    }
}

impl Planes for Reached {
    fn ask(&self, environment: Environment, ask: Ask) -> BoxFuture<'_, Result<Reply, NotDone>> {
        Box::pin(async move {
            let asked = tokio::time::timeout(WITHIN, self.place(environment).ask(&ask)).await;
            let late = format!("the {environment} plane gave no answer within {} s", WITHIN.as_secs());
            asked.unwrap_or(Err(NotDone::Unreachable { may_have_run: true, why: late }))
        })
    }

    fn base_url(&self, environment: Environment) -> Option<String> {
        self.place(environment).base_url.get().cloned()
    }
}

impl Place {
    async fn ask(&self, asked: &Ask) -> Result<Reply, NotDone> {
        let not_sent = |why: String| NotDone::Unreachable { may_have_run: false, why };
        let way = Way { from: CONTROL.to_owned(), to: name_of(&PlaneName::main(self.environment)), path: ASK };
        // Read at each ask: the plane makes it at its first start, which may be after control's.
        let key = secret_file::read(&self.dir, SECRET).map_err(|fault| not_sent(fault.chain()))?;
        let body = serde_json::to_vec(asked).map_err(|error| not_sent(error.to_string()))?;
        let answer = ask(&self.dir.join(SOCKET), &key, &way, body).await;
        let (status, body) =
            answer.map_err(|Unanswered { may_have_run, why }| NotDone::Unreachable { may_have_run, why })?;
        read(status, &body)
    }
}
