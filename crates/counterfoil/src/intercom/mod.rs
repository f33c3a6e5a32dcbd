//! How control and a plane speak: asks over a socket in the other's directory that only the process's user can open, each
//! message with a proof that only somebody with the plane's own intercom secret can make, in either direction. It is not
//! the operator's socket: what control may ask is in `control::planes`, and it is little; a plane asks one thing, and that
//! at its start.

mod catch_up;
mod client;
mod exchange;
mod message;
mod proof;
mod server;
mod waiting;

use base::PlaneName;

pub use catch_up::catch_up;
pub use client::Reached;
pub use server::{routes, secret};
pub use waiting::routes as waiting_routes;

/// The name of the socket in either's directory.
pub const SOCKET: &str = "intercom.sock";
/// The name of the pair's secret in the plane's directory.
const SECRET: &str = "intercom";
/// Where control asks a plane.
const ASK: &str = "/intercom/v1/ask";
/// Where a plane asks control.
const WAITING: &str = "/intercom/v1/waiting";
/// What control is called in proofs.
const CONTROL: &str = "control";

/// What a plane is called in proofs.
fn name_of(plane: &PlaneName) -> String {
    format!("{}/{}", plane.environment, plane.name)
}
