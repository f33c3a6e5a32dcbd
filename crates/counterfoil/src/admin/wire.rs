//! What passes through the socket: JSON over HTTP/1.1, one path for each ask. A private contract between two copies of
//! this program; scripts use the command line and its `--json`.

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub struct NewTenant {
    pub name: String,
}

/// To a plane: know this tenant, and mint a key of each kind if `keys`.
#[derive(Serialize, Deserialize)]
pub struct Admit {
    pub tenant: String,
    pub name: String,
    pub keys: bool,
}

/// One whole key of each kind, as shown once.
#[derive(Clone, Serialize, Deserialize)]
pub struct EnvironmentKeys {
    pub standard: String,
    pub payout: String,
    pub agent: String,
}

#[derive(Serialize, Deserialize)]
pub struct NewKey {
    pub tenant: String,
    pub kind: String,
    pub name: String,
    pub expires_days: Option<u32>,
    pub ips: Vec<String>,
    pub per_transfer_cents: Option<i64>,
    pub daily_cents: Option<i64>,
    pub services: Vec<String>,
}

#[derive(Serialize, Deserialize)]
pub struct ChangeKey {
    pub tenant: String,
    pub id: String,
    pub change: KeyWish,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyWish {
    Rename(String),
    Disable,
    Enable,
    Revoke,
    /// A new key beside the old one, which dies after so many hours.
    Rotate {
        overlap_hours: u32,
    },
}

#[derive(Serialize, Deserialize)]
pub struct OfTenant {
    pub tenant: String,
}

/// A tenant's chain, or the operator's own.
#[derive(Serialize, Deserialize)]
pub struct OfAudit {
    pub tenant: Option<String>,
}

/// Of which user, and why.
#[derive(Serialize, Deserialize)]
pub struct ForgetFactors {
    pub email: String,
    pub reason: Option<String>,
}

/// The operator's word about live.
#[derive(Serialize, Deserialize)]
pub struct Decide {
    pub tenant: String,
    pub approve: bool,
    pub reason: Option<String>,
}

/// Suspend an environment, or let it go on.
#[derive(Serialize, Deserialize)]
pub struct Stand {
    pub tenant: String,
    pub environment: String,
    pub suspend: bool,
    pub reason: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub struct SetPlan {
    pub tenant: String,
    pub product: String,
    pub tier: String,
}

#[derive(Serialize, Deserialize)]
pub struct Fund {
    pub tenant: String,
    /// Dollars.
    pub amount: String,
    pub reason: String,
}

#[derive(Serialize, Deserialize)]
pub struct Overdraft {
    pub tenant: String,
    /// Dollars.
    pub amount: String,
}

#[derive(Serialize, Deserialize)]
pub struct LinkPayIns {
    pub tenant: String,
    pub link: bool,
}

#[derive(Serialize, Deserialize)]
pub struct Kyc {
    pub tenant: String,
    pub phone: String,
    pub verified: bool,
    /// Whole dollars.
    pub limit: Option<u32>,
}

#[derive(Default, Serialize, Deserialize)]
pub struct PayoutsWanted {
    /// `40` or `40/0`.
    pub state: Option<String>,
    pub tenant: Option<String>,
    pub limit: usize,
}

#[derive(Serialize, Deserialize)]
pub struct PayoutWord {
    /// May be left out when only one open transfer has this id.
    pub tenant: Option<String>,
    pub id: String,
    pub word: Word,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    Paid { trans: String, amount: Option<String> },
    Failed { reason: String },
    Link { approvely_id: String },
    Confirm,
}

#[derive(Serialize, Deserialize)]
pub struct Level {
    pub level: String,
}
