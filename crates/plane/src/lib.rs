//! One environment's money, over its own store. A plane is built from one configuration and holds nothing global: two
//! planes in one process share nothing. It never sees HTTP and never calls the outside world.
//!
//! Rooms, in reading order: `grants` (tenants and keys), `wishes` (keys that are asked for from afar), `standing` (who is
//! suspended), `deeds` (what a tenant really did), `usage` (what it used in a month), `books` (accounts and movements), `kyc` (receivers and their limits), `spending` (what a key moved in 24
//! hours), `payouts` (transfers), `sandbox`, whose every door takes a [`Sandbox`] witness, and `members` (the processes that
//! serve one plane together).

mod authority;
pub mod books;
pub mod config;
pub mod corridor;
pub mod deeds;
pub mod grants;
pub mod kyc;
pub mod members;
pub mod payouts;
pub mod phone;
mod plane;
mod resets;
pub mod sandbox;
mod schema;
mod secrets;
mod spending;
pub mod standing;
pub mod usage;
pub mod wishes;
mod work;

pub use authority::{Authority, Office, Operator};
pub use base::KeyKind;
pub use config::PlaneConfig;
pub use corridor::{Corridor, Corridors};
pub use grants::{Caller, Denied};
pub use phone::Phone;
pub use plane::Plane;
pub use sandbox::Sandbox;
pub use schema::schema;
pub use store::{Lane, PostgresUrl, Saved, TenantNo};
pub use work::{OpenWork, Rung};
