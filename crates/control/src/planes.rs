//! The port to the planes: what control may ask of one, and what it hears. Control knows neither addresses nor transports.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

use base::payout_policy::{Destinations, PayoutLimit};
use base::{Environment, KeyId, KeyKind, Month, PayoutPolicy, Secret, Span, TenantId, Time};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

pub use base::Deed;

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Both planes, as the wiring reaches them.
pub trait Planes: Send + Sync + 'static {
    /// One ask of one plane. Waits for a bounded time; see [`NotDone::Unreachable`] for what is then known.
    fn ask<'a>(&'a self, environment: Environment, ask: Ask) -> BoxFuture<'a, Result<Reply, NotDone>>;

    /// Where clients reach this environment, as far as it is known.
    fn base_url(&self, environment: Environment) -> Option<String>;
}

/// What control asks of a plane. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case", deny_unknown_fields)]
pub enum Ask {
    /// Know this tenant. Done again it changes nothing.
    Admit {
        tenant: TenantId,
        name: String,
        standing: Standing,
    },
    /// Done again it changes nothing.
    Stand {
        tenant: TenantId,
        standing: Standing,
    },
    /// One wish mints once: asked again with the same fingerprint it answers the key without its secret.
    Mint {
        wish: String,
        fingerprint: String,
        tenant: TenantId,
        kind: KeyKind,
        name: String,
        limits: KeyLimits,
    },
    /// Successor and expiry of the old key in one change; a wish as in `Mint`.
    Rotate {
        wish: String,
        fingerprint: String,
        tenant: TenantId,
        key: KeyId,
        overlap: Span,
    },
    /// Answered when it is in force everywhere.
    Change {
        tenant: TenantId,
        key: KeyId,
        change: KeyChange,
    },
    Keys {
        tenant: TenantId,
    },
    Key {
        tenant: TenantId,
        key: KeyId,
    },
    /// What was minted under this wish is revoked, and nothing will be.
    Void {
        tenant: TenantId,
        wish: String,
    },
    /// A tenant's fresh start; a sandbox alone has one. Done again at once it changes nothing.
    Reset {
        tenant: TenantId,
    },
    /// What the tenant has really done in this sandbox.
    Deeds {
        tenant: TenantId,
    },
    /// What these tenants used in one month.
    Usage {
        month: Month,
        tenants: Vec<TenantId>,
    },
}

/// What a plane knows of a tenant's terms.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    pub suspended: bool,
    /// Higher with each suspension and resumption; 0 before the first. A plane ignores one that is lower than what it has,
    /// so an ask that was on its way when the operator's word changed cannot undo that.
    pub turn: u64,
}

/// What happens to a key after it was minted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", content = "to", rename_all = "snake_case")]
pub enum KeyChange {
    Rename(String),
    Disable,
    Enable,
    /// Of a payout key alone.
    Policy(PolicyChange),
    Revoke,
}

/// What a payout key may do from now on; of it, what is left out stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyChange {
    pub destinations: Option<Destinations>,
    pub limits: Option<Vec<PayoutLimit>>,
    pub ips: Option<Vec<IpNet>>,
}

/// Limits that every kind of key may carry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyLimits {
    pub expires_at: Option<Time>,
    /// Empty means every address.
    pub ips: Vec<IpNet>,
    pub policy: AgentPolicy,
    /// Of a payout key, where one key is shown: not in lists. One without it may withdraw nothing.
    pub payout: Option<Box<PayoutPolicy>>,
}

/// What an agent key may move. Empty means no bound.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentPolicy {
    pub per_transfer_cents: Option<i64>,
    /// Within any 24 hours.
    pub daily_cents: Option<i64>,
    /// Service ids; empty means every corridor.
    pub services: Vec<String>,
}

/// A key as it may be shown: nothing secret in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyView {
    pub environment: Environment,
    pub id: KeyId,
    pub kind: KeyKind,
    pub name: String,
    pub active: bool,
    pub revoked: bool,
    pub limits: KeyLimits,
    pub created_at: Time,
    pub last_used_at: Option<Time>,
}

/// What a plane answers. It has no `Serialize`: who carries it writes the secret by hand.
pub enum Reply {
    Done,
    Minted {
        key: KeyView,
        /// Absent in a replay: a secret is shown once and never kept.
        whole: Option<Secret<String>>,
        /// Of a rotation: the old key with its new expiry.
        replaced: Option<Box<KeyView>>,
    },
    Key(KeyView),
    Keys(Vec<KeyView>),
    /// A set of [`Deed`]s, each by its bit.
    Deeds(u64),
    /// Of tenants with any use.
    Usage(Vec<Used>),
}

/// What one tenant used of a plane in one month, by what is counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    pub tenant: TenantId,
    pub meters: BTreeMap<String, u64>,
}

/// Why an ask had no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotDone {
    /// The plane's rules say no; nothing was changed.
    #[error("{0}")]
    Refused(PlaneRefusal),
    /// No answer that can be believed. Where it may have run, its effect is unknown.
    #[error("the plane does not answer: {why}")]
    Unreachable { may_have_run: bool, why: String },
}

/// A plane's refusals, in control's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum PlaneRefusal {
    #[error("no tenant has this id on this plane")]
    TenantUnknown,
    #[error("no key has this id")]
    KeyUnknown,
    #[error("the key is revoked; mint another")]
    KeyRevoked,
    #[error("name: give 1 to 100 characters, none of them a control character")]
    NameUnusable,
    #[error("expiry: choose a time that has not passed")]
    ExpiryPast,
    #[error("expiry: a payout key needs one, at most 365 days from now")]
    PayoutExpiry,
    #[error("policy: amounts are whole cents above zero")]
    PolicyAmount,
    #[error("policy: only a payout key has such a one")]
    PolicyElsewhere,
    #[error("this tenant has as many keys as it may have")]
    TooManyKeys,
    #[error("this plane holds as many tenants as it can")]
    TooManyTenants,
    #[error("the wish was used for another key")]
    OtherContent,
    #[error("the wish was voided; draw another")]
    Voided,
}
