//! Controls that exist only in a sandbox. Every door takes a [`Sandbox`] witness, which a live plane cannot make.

pub mod magic;
mod weather;

pub(crate) use weather::Skies;
pub use weather::{Gust, Weather};

use crate::{Caller, Plane};

/// Proof that the plane at hand is a sandbox. Only [`crate::Plane::sandbox`] makes one.
#[derive(Clone, Copy, Debug)]
pub struct Sandbox {
    _made_by_the_plane: (),
}

impl Sandbox {
    pub(crate) fn witness(environment: base::Environment) -> Option<Sandbox> {
        (environment == base::Environment::Sandbox).then_some(Sandbox { _made_by_the_plane: () })
    }
}

/// What this call is to meet before it is looked at.
pub fn gust(plane: &Plane, _sandbox: Sandbox, caller: &Caller) -> Gust {
    plane.skies().gust(caller.tenant())
}
