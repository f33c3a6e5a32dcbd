//! The front office over its own store: tenants, the people who work for them, their environments and what they want of
//! the planes. It holds no money and keeps no key; a plane goes on working while control is down.
//!
//! Rooms, in reading order: `tenants`, `users` (people and their passwords), `tickets` (mailed words), `mail`, `throttle`,
//! `sessions`, `factors` (the second step of a login) with `totp`, `passkeys` and `recovery`, `signers` (of tokens), `seats` (who may do what), `invitations`, `environments` (sandbox and live of a
//! tenant), `approvals` (whether live may be opened), `plans` and `billing` (how one is paid), `keys` and `wishes` (what is asked of planes), `audit` (every change, in chains), `notifications` (who is told of what),
//! `prune` (what is past goes).

pub mod access;
pub mod act;
mod agenda;
pub mod approvals;
pub mod audit;
pub mod billing;
pub mod environments;
pub mod factors;
mod front;
mod hashing;
pub mod invitations;
mod json_row;
pub mod keys;
pub mod mail;
pub mod notifications;
pub mod passkeys;
pub mod payout_keys;
pub mod planes;
pub mod plans;
pub mod proof;
pub mod prune;
pub mod recovery;
mod schema;
mod seal;
pub mod seats;
mod secrets;
pub mod sessions;
pub mod settings;
pub mod signers;
pub mod tenants;
pub mod throttle;
pub mod tickets;
mod tokens;
pub mod totp;
pub mod usage;
pub mod users;
pub mod wishes;

pub use access::{Reach, Role, Row, Where, Who};
pub use act::{Act, Actor};
pub use front::Control;
pub use planes::{Ask, NotDone, PlaneRefusal, Planes, Reply};
pub use proof::{Carried, Denied, Net, Operator, Permit, Placed, Presented, ProofKind, Session, StepUp};
pub use schema::schema;
pub use settings::{Approval, Limits, Settings};
pub use tenants::{Refusal, Tenant};
