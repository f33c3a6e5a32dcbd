//! The front office over its own store: tenants, the people who work for them, their environments and what they want of
//! the planes. It holds no money and keeps no key; a plane goes on working while control is down.
//!
//! Rooms, in reading order: `tenants`, `users` (people and their passwords), `tickets` (mailed words), `mail`, `throttle`,
//! `sessions`, `seats` (who may do what), `environments` (sandbox and live of a tenant), `keys` and `wishes` (what is asked of
//! planes), `audit` (every change, in chains).

pub mod access;
pub mod act;
mod agenda;
pub mod audit;
pub mod environments;
mod front;
mod hashing;
mod json_row;
pub mod keys;
pub mod mail;
pub mod planes;
pub mod proof;
mod schema;
pub mod seats;
mod secrets;
pub mod sessions;
pub mod settings;
pub mod tenants;
pub mod throttle;
pub mod tickets;
mod tokens;
pub mod users;
pub mod wishes;

pub use access::{Reach, Role, Row, Where, Who};
pub use act::{Act, Actor};
pub use front::Control;
pub use planes::{Ask, NotDone, PlaneRefusal, Planes, Reply};
pub use proof::{Carried, Denied, Net, Operator, Permit, Placed, Presented, ProofKind, Session, StepUp};
pub use schema::schema;
pub use settings::{Limits, Settings};
pub use tenants::{Refusal, Tenant};
