//! The front office over its own store: which tenants there are. It holds no money, sees no plane and knows no key. A
//! plane goes on working while control is down.

mod front;
mod schema;
pub mod tenants;

pub use front::Control;
pub use schema::schema;
pub use tenants::{Refusal, Tenant};
