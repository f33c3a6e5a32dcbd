//! A plane's end: what control asks of it.

use std::path::Path;

use axum::Router;
use base::{Chance, Fault};
use bytes::Bytes;
use control::planes::Ask;
use plane::{Office, Plane};
use serde_json::Value;

use super::exchange::{Desk, door};
use super::message::written;
use super::proof::{Key, Way};
use super::{ASK, CONTROL, SECRET, name_of};

struct PlanesDesk {
    plane: Plane,
    key: Key,
}

/// The pair's secret, made at the plane's first start.
pub fn secret(dir: &Path, chance: &dyn Chance) -> Result<Key, Fault> {
    store::secret_file::load(dir, SECRET, false, chance)
}

pub fn routes(plane: Plane, key: Key) -> Router {
    door(ASK, PlanesDesk { plane, key })
}

impl Desk for PlanesDesk {
    fn expects(&self, _: &[u8]) -> Option<(Way, Key)> {
        let way = Way { from: CONTROL.to_owned(), to: name_of(self.plane.name()), path: ASK };
        Some((way, self.key.clone()))
    }

    async fn answer(&self, body: Bytes) -> Option<(u16, Value)> {
        let ask = serde_json::from_slice::<Ask>(&body).ok()?;
        Some(written(workers::plane_end::answer(&self.plane, &Office::proved_by_the_intercom(), ask).await))
    }
}
