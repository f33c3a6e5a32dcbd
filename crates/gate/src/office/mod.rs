//! The gate in front of the front office: whose session it is, what it may do, how fast. Like the gate of a plane it decides
//! nothing; unlike there, a caller is a person and not a key.
//!
//! [`Routes`] is the only way to a router: each handler stands behind a [`control::Row`], which says who may call. In this order:
//! request id, client address, pace of its network, no key, one session by a token or by a cookie and not by both, for a change
//! by a cookie the dashboard's own page ([`Origin`]), [`control::sessions::authenticate`], the role's reach on this route, and a
//! fresh proof where the row asks for one. Then the handler, with a time limit and a net for panics.
//!
//! Handlers take what their row grants, [`Visitor`], [`Signed`] or [`Stepped`], and last [`crate::Json`].

mod called;
mod cookie;
mod door;
mod options;
mod presented;
mod refusal;
mod routes;
mod wire;

pub use called::{Passage, Signed, Stepped, Visitor};
pub use cookie::Origin;
pub use options::{Office, Options};
pub use refusal::{Refusal, Words};
pub use routes::Routes;
pub use wire::{json, networks, once, overlap_hours, public_key, time};
