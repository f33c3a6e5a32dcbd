//! Words that every crate shares: typed ids, exact money, time, chance, secrets, faults. No I/O happens here except
//! reading the system's clock and its random source, each behind a trait so that tests replace them.

pub mod chance;
pub mod deed;
pub mod environment;
pub mod fault;
pub mod id;
pub mod key_kind;
pub mod mac;
pub mod money;
pub mod month;
pub mod payout_policy;
pub mod secret;
pub mod signature;
pub mod time;

pub use chance::{Chance, OsChance, SeededChance};
pub use deed::Deed;
pub use environment::{Environment, PlaneName};
pub use fault::{Fault, Stop};
pub use id::{ContractId, KeyId, SessionId, TenantId, TicketId, UserId};
pub use key_kind::KeyKind;
pub use money::{Amount, Asset};
pub use month::Month;
pub use payout_policy::PayoutPolicy;
pub use secret::Secret;
pub use time::{Clock, Span, SystemClock, TestClock, Time};
