//! What tests above `plane` share: a real plane on a directory of its own with a clock that moves when told, the front
//! office with two such planes, calls to a router without a socket, and the files of `conformance/`. Only for tests:
//! everything here panics when it fails.

mod asked;
pub mod golden;
mod office;
mod plane;

pub use asked::{Answer, ask, peer};
pub use office::{LIVE_URL, Mail, NearPlanes, TestOffice};
pub use pgkit as postgres;
pub use plane::{Keys, Minted, TestPlane};
