//! Double entry as a pure function. A [`Movement`] names what happens and lists its legs; [`post`] applies it to the
//! accounts it names, all or nothing. No I/O, no clock, no async, no floats: the caller loads accounts, and keeps them.
//!
//! An account counts four totals in minor units of one asset: debits and credits, each posted and held. A hold reserves
//! on the side that takes away and announces on the side that adds: reserved money cannot be spent twice, announced
//! money cannot be spent yet. Per asset, the sums of debits and of credits over all accounts stay equal, for posted and
//! for held alike.

mod account;
mod movement;
mod post;
mod refusal;

pub use account::{Account, Floor, Side};
pub use movement::{Leg, Movement, Phase};
pub use post::post;
pub use refusal::Refusal;
