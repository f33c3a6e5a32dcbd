//! What tests above `plane` share: a real plane on a directory of its own with a clock that moves when told, and calls
//! to a router without a socket. Only for tests: everything here panics when it fails.

mod asked;
mod plane;

pub use asked::{Answer, ask, peer};
pub use pgkit as postgres;
pub use plane::{Keys, Minted, TestPlane};
