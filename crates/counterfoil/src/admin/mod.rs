//! `counterfoil admin`: the operator's word, spoken to a running server through the 0600 socket in its directory.
//!
//! The commands (`commands`, and a file for each noun) run in the caller's process; the desks run in the server's. What
//! passes between them is in `wire`.

mod audit;
mod audit_desk;
mod client;
mod commands;
pub mod control_desk;
mod desk;
mod key;
mod live;
pub mod live_desk;
mod money;
mod payouts;
pub mod plane_desk;
pub mod print;
mod tenant;
mod user;
mod wire;

pub use client::Desk;
pub use commands::{Admin, run};
pub use desk::NotDone;
pub use wire::EnvironmentKeys;

/// The name of the socket in a role's directory.
pub const SOCKET: &str = "admin.sock";

/// An address or a network in CIDR notation.
pub fn network(text: &str) -> Option<ipnet::IpNet> {
    text.parse().ok().or_else(|| text.parse::<std::net::IpAddr>().ok().map(ipnet::IpNet::from))
}
