//! Control's end of what waits for a plane that starts.

use std::path::PathBuf;

use axum::Router;
use base::{Environment, PlaneName};
use bytes::Bytes;
use control::wishes::Place;
use control::{Control, wishes};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::secret_file;

use super::exchange::{Desk, door};
use super::proof::{Key, Way};
use super::{CONTROL, SECRET, WAITING, name_of};
use crate::config::Intercom;

/// Which plane asks, and for which page.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asking {
    pub(super) plane: String,
    /// Where the page before it ended.
    pub(super) after: Option<Place>,
}

/// Control's end: its store, and the planes' directories with each pair's secret.
struct ControlsDesk {
    control: Control,
    dirs: [(Environment, PathBuf); 2],
}

pub fn routes(control: Control, planes: &Intercom) -> Router {
    let dirs = [(Environment::Sandbox, planes.sandbox.clone()), (Environment::Live, planes.live.clone())];
    door(WAITING, ControlsDesk { control, dirs })
}

impl ControlsDesk {
    fn who(&self, body: &[u8]) -> Option<(Asking, &(Environment, PathBuf))> {
        let asking: Asking = serde_json::from_slice(body).ok()?;
        let dir = self.dirs.iter().find(|(environment, _)| name_of(&PlaneName::main(*environment)) == asking.plane)?;
        Some((asking, dir))
    }
}

impl Desk for ControlsDesk {
    fn expects(&self, body: &[u8]) -> Option<(Way, Key)> {
        let (asking, (_, dir)) = self.who(body)?;
        let key = secret_file::read(dir, SECRET).ok()?;
        Some((Way { from: asking.plane, to: CONTROL.to_owned(), path: WAITING }, key))
    }

    async fn answer(&self, body: Bytes) -> Option<(u16, Value)> {
        let (asking, (environment, _)) = self.who(&body)?;
        Some(match wishes::waiting(&self.control, *environment, asking.after.as_ref()) {
            Ok(page) => (200, json!(page)),
            Err(fault) => {
                tracing::error!(fault = fault.chain(), "what waits for a plane could not be read");
                (503, Value::Null)
            }
        })
    }
}
