//! What tests above `plane` share: a real plane on a directory of its own with a clock that moves when told, the front
//! office with two such planes, calls to a router without a socket, a stage for its surfaces, and the files of
//! `conformance/`. Only for tests:
//! everything here panics when it fails.

mod asked;
pub mod authenticator;
mod callers;
pub mod further_fields;
pub mod golden;
pub mod guide;
pub mod mailbox;
pub mod matrix;
mod office;
mod plane;
pub mod provider;
pub mod stage;

pub use asked::{Answer, ask, peer};
pub use office::{LIVE_URL, Mail, NearPlanes, TestOffice};
pub use pgkit as postgres;
pub use plane::{Keys, Minted, TestPlane};
