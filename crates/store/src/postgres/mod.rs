//! The shared engine: PostgreSQL 15 and later, and what speaks its wire. Any number of processes has the store; a tenant's
//! head row is the lock and the order. Uses nothing that distributed engines lack: no advisory lock, no sequence as order,
//! no trigger, no listening.

mod columns;
mod create;
mod doubt;
mod engine;
mod errors;
mod fixed;
mod link;
mod loads;
mod look;
mod numeric;
mod open;
mod proof;
mod read;
mod take;
mod text;
mod tls;
mod url;
mod writing;

pub(crate) use look::{look_at, remove, rename};
pub(crate) use open::{Postgres, open};
pub(crate) use proof::Proof;
pub use url::PostgresUrl;
