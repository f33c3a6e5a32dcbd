//! What one plane is built from.

use std::path::PathBuf;

use base::{Amount, PlaneName, Span};
use store::{Limits, PostgresUrl};

use crate::Corridors;

/// One plane's configuration. Every value has been checked before it gets here.
#[derive(Clone)]
pub struct PlaneConfig {
    pub name: PlaneName,
    /// The plane's own directory: secret, socket, and the store with its lock when that is a file.
    pub dir: PathBuf,
    pub corridors: Corridors,
    pub kyc: KycLimits,
    pub payouts: PayoutSettings,
    /// What a tenant of a sandbox starts with, and has again after a reset. Unused on live.
    pub sandbox_start: SandboxStart,
    /// The database that is the plane's store; `None`: a file in `dir`.
    pub database: Option<PostgresUrl>,
    pub store_limits: Limits,
    /// Tests only: see [`store::Options::run_twice`].
    pub run_twice: bool,
    /// See [`store::Options::answers_on`].
    pub answers_on: Option<tokio::runtime::Handle>,
}

/// Most that a receiver may get in one transfer, in whole dollars (facts: cashq 4.2).
#[derive(Clone, Copy, Debug)]
pub struct KycLimits {
    pub unverified_dollars: u32,
    pub verified_dollars: u32,
}

/// How transfers move when nothing holds them up.
#[derive(Clone, Copy, Debug)]
pub struct PayoutSettings {
    /// How long a transfer stays in each state on its way.
    pub stage: Span,
    /// First wait before a failed submission is tried again; doubles each time.
    pub retry_first: Span,
    /// Longest wait between two tries.
    pub retry_most: Span,
    /// Tries before a transfer fails for good.
    pub attempts_most: u32,
}

#[derive(Clone, Copy, Debug)]
pub struct SandboxStart {
    pub balance: Amount,
    pub overdraft: Amount,
}

impl PlaneConfig {
    /// The defaults of a plane in `dir`.
    pub fn new(name: PlaneName, dir: impl Into<PathBuf>) -> PlaneConfig {
        PlaneConfig {
            name,
            dir: dir.into(),
            corridors: Corridors::standard(),
            kyc: KycLimits { unverified_dollars: 600, verified_dollars: 8_990 },
            payouts: PayoutSettings {
                stage: Span::millis(300),
                retry_first: Span::seconds(1),
                retry_most: Span::seconds(300),
                attempts_most: 20,
            },
            sandbox_start: SandboxStart { balance: Amount::cents(100_000_000), overdraft: Amount::cents(2_000) },
            database: None,
            store_limits: Limits::default(),
            run_twice: false,
            answers_on: None,
        }
    }
}
