//! How control and a plane speak: asks over a socket in the plane's directory that only the process's user can open, each
//! message with a proof that only somebody with the plane's own intercom secret can make, in either direction. It is not
//! the operator's socket: what control may ask is in `control::planes`, and it is little.

mod client;
mod message;
mod proof;
mod server;

pub use client::Reached;
pub use server::{routes, secret};

/// The names of the socket and of the secret in a plane's directory.
pub const SOCKET: &str = "intercom.sock";
const SECRET: &str = "intercom";
const PATH: &str = "/intercom/v1/ask";
/// Carries a message's proof.
const PROOF: &str = "x-intercom";
