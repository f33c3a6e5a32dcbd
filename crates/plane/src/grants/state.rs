//! Keys and callers: what a key may do, when it is dead, and the proof that somebody called with one.

use std::net::IpAddr;
use std::sync::Arc;

use ::store::{Halt, TenantNo};
use base::payout_policy::{Destinations, PayoutLimit};
use base::{Deed, KeyId, KeyKind, PayoutPolicy, TenantId, Time};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::KeyChange;
use super::cache::{Grants, Known};
use super::store::KeyRow;

/// What an agent key may move. Empty means no bound.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AgentPolicy {
    /// Most in one transfer, in cents.
    pub per_transfer_cents: Option<i64>,
    /// Most within any 24 hours, in cents.
    pub daily_cents: Option<i64>,
    /// Service ids; empty means every corridor.
    pub services: Vec<String>,
}

/// Limits that every kind of key may carry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeyLimits {
    pub expires_at: Option<i64>,
    /// Addresses that may use the key; empty means every address.
    pub ips: Vec<IpNet>,
    pub policy: AgentPolicy,
    /// Of a payout key; one without it may withdraw nothing.
    pub payout: Option<PayoutPolicy>,
}

/// What a payout key may do from now on; of it, what is left out stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyChange {
    pub destinations: Option<Destinations>,
    pub limits: Option<Vec<PayoutLimit>>,
    pub ips: Option<Vec<IpNet>>,
}

/// A key that is wished for.
#[derive(Clone, Debug)]
pub struct NewKey {
    pub tenant: TenantId,
    pub kind: KeyKind,
    pub name: String,
    pub limits: KeyLimits,
}

/// Payout keys live at most this long.
pub const PAYOUT_KEY_DAYS_MOST: i64 = 365;

impl NewKey {
    pub(super) fn check(&self, now: Time) -> Result<(), Refusal> {
        usable_name(&self.name)?;
        let expires = self.limits.expires_at.map(Time);
        if expires.is_some_and(|expires| expires <= now) {
            return Err(Refusal::ExpiryPast);
        }
        let latest = now.plus(base::Span::days(PAYOUT_KEY_DAYS_MOST));
        if self.kind == KeyKind::Payout && expires.is_none_or(|expires| expires > latest) {
            return Err(Refusal::PayoutExpiry);
        }
        let policy = &self.limits.policy;
        if [policy.per_transfer_cents, policy.daily_cents].into_iter().flatten().any(|cents| cents <= 0) {
            return Err(Refusal::PolicyAmount);
        }
        if self.limits.payout.is_some() && self.kind != KeyKind::Payout {
            return Err(Refusal::PolicyElsewhere);
        }
        Ok(())
    }
}

/// Names are shown in lists and logs.
pub(super) fn usable_name(name: &str) -> Result<(), Refusal> {
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(Refusal::NameUnusable);
    }
    Ok(())
}

/// Why a change to tenants or keys was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
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
    #[error("this tenant has as many keys as it may have; revoke one")]
    TooManyKeys,
    #[error("this store holds as many tenants as it can")]
    TooManyTenants,
    #[error("{0}")]
    Ledger(ledger::Refusal),
}

impl Refusal {
    pub(crate) fn from_ledger(halt: Halt<ledger::Refusal>) -> Halt<Refusal> {
        match halt {
            Halt::NotLoaded => Halt::NotLoaded,
            Halt::Refused(refusal) => Halt::Refused(Refusal::Ledger(refusal)),
            Halt::Faulted(fault) => Halt::Faulted(fault),
        }
    }
}

impl From<Refusal> for Halt<Refusal> {
    fn from(refusal: Refusal) -> Halt<Refusal> {
        Halt::Refused(refusal)
    }
}

impl KeyLimits {
    pub(super) fn set(&mut self, change: &PolicyChange) {
        let PolicyChange { destinations, limits, ips } = change.clone();
        let policy = self.payout.get_or_insert_with(PayoutPolicy::nothing);
        policy.destinations = destinations.unwrap_or_else(|| policy.destinations.clone());
        policy.limits = limits.unwrap_or_else(|| policy.limits.clone());
        self.ips = ips.unwrap_or_else(|| std::mem::take(&mut self.ips));
    }
}

impl KeyChange {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            KeyChange::Rename(_) => "key_renamed",
            KeyChange::Disable => "key_disabled",
            KeyChange::Enable => "key_enabled",
            KeyChange::Policy(_) => "key_policy_set",
            KeyChange::Revoke => "key_revoked",
            KeyChange::Rotated { .. } | KeyChange::NotRotated { .. } => "key_expiry_set",
        }
    }
}

/// A key as it may be shown: nothing secret in it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct KeyListing {
    pub id: String,
    pub tenant: String,
    pub kind: KeyKind,
    pub name: String,
    pub active: bool,
    pub revoked: bool,
    pub limits: KeyLimits,
    /// Microseconds since 1970.
    pub created_at: i64,
    pub last_used_at: Option<i64>,
}

/// Proof that a live key of this plane was presented from an allowed address. Only [`super::authenticate`] makes one.
#[derive(Clone)]
pub struct Caller {
    pub(super) tenant: TenantNo,
    pub(super) known: Arc<Known>,
}

impl Caller {
    pub fn tenant(&self) -> TenantNo {
        self.tenant
    }

    pub fn tenant_id(&self) -> &TenantId {
        &self.known.row.owner
    }

    pub fn key(&self) -> KeyId {
        self.known.row.id
    }

    pub fn kind(&self) -> KeyKind {
        self.known.row.kind
    }

    pub fn policy(&self) -> &AgentPolicy {
        &self.known.row.limits.policy
    }

    pub(crate) fn did(&self, grants: &Grants, deed: Deed) {
        grants.did(&self.known, deed);
    }
}

/// Why a key was not accepted. All but the first two can only be learnt by who holds the whole key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("the key is not valid")]
    Unknown,
    #[error("the key belongs to the other environment")]
    OtherEnvironment,
    #[error("the key is revoked")]
    Revoked,
    #[error("the key is disabled")]
    Disabled,
    #[error("the key has expired")]
    Expired,
    #[error("the key may not be used from this address")]
    Address,
    #[error("the tenant is suspended")]
    Suspended,
}

/// Whether this key, whose secret was right, may be used now from `ip`.
pub(super) fn may_be_used(row: &KeyRow, ip: IpAddr, now: Time) -> Result<(), Denied> {
    if row.revoked_at.is_some() {
        return Err(Denied::Revoked);
    }
    if !row.active {
        return Err(Denied::Disabled);
    }
    if row.limits.expires_at.is_some_and(|expires| Time(expires) <= now) {
        return Err(Denied::Expired);
    }
    let ip = ip.to_canonical();
    if !row.limits.ips.is_empty() && !row.limits.ips.iter().any(|net| canonical(*net).contains(&ip)) {
        return Err(Denied::Address);
    }
    Ok(())
}

/// A net of IPv4 addresses written in IPv6, such as `::ffff:10.0.0.0/104`, as the IPv4 net that it is.
fn canonical(net: IpNet) -> IpNet {
    let mapped = match net {
        IpNet::V6(six) if six.prefix_len() >= 96 => six.addr().to_ipv4_mapped().map(|four| (four, six.prefix_len())),
        _ => None,
    };
    mapped.and_then(|(four, prefix)| IpNet::new(four.into(), prefix - 96).ok()).unwrap_or(net)
}
