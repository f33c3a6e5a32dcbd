//! Who calls, on which environment, with which proof, how fast. The gate stands in front of every surface of a plane and
//! decides nothing about money; [`office`] is the same in front of control.
//!
//! - [`guard`] stands in front of routes that need a key. In this order: request id, client address, no browser, one
//!   key, [`plane::grants::authenticate`], pace, and in a sandbox the weather that the tenant wished for. Then the
//!   handler, with a time limit and a net for panics.
//! - [`open`] is the same without the key, for pages and callbacks that prove themselves otherwise.
//! - [`front`] goes around everything that one listener serves: it collapses doubled slashes and answers unknown paths.
//!
//! Handlers take [`Called`] (or [`Visited`] behind [`open`]) and, last, [`Json`] or [`JsonText`]. Every refusal of the
//! gate is a [`Refusal`], which the [`Surface`] puts into its own words.

mod address;
mod body;
mod called;
mod door;
mod front;
mod guard;
mod lines;
mod meters;
pub mod office;
mod options;
mod pace;
mod passing;
mod refusal;
mod request_id;
pub mod strict;

pub use body::{Json, JsonText};
pub use called::{Called, Visited};
pub use front::front;
pub use guard::{guard, open};
pub use lines::lines;
pub use options::{Gate, Monotonic, Options, Rate};
pub use refusal::{Refusal, Surface};
pub use request_id::RequestId;
