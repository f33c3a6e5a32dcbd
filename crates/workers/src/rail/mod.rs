//! Where payouts go. A plane has one rail.

pub mod cashq;
pub mod simulated;

pub use cashq::CashQRail;
pub use simulated::Simulated;

pub enum Rail {
    /// Pays nothing and says that it did: sandbox only, by type.
    Simulated(Simulated),
    /// Every transfer stops in 40/0 until the operator says `paid` or `failed`.
    Manual,
    /// Another server that speaks the CashQ contract.
    CashQ(CashQRail),
}
