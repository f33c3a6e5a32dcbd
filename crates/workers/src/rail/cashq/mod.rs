//! A rail that is another server speaking the CashQ contract (facts: cashq 4.4, 4.5, 6), so that installations can be
//! chained. Every transfer is submitted under an id of ours that is the same on every try; the peer answers a repeated
//! submission as it did the first time. An unknown outcome is asked about for as long as it takes and never becomes a
//! failure by itself.
//!
//! Two installations that are chained to one peer need an agent account each: their ids would meet in one.

mod client;
mod dossier;
mod exchange;
mod order;
mod wire;

#[cfg(test)]
mod tests;

pub use client::CashQRail;
pub(crate) use dossier::Dossier;
pub(crate) use exchange::exchange;
pub use order::submission_id;
