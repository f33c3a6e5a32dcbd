//! Keys as they are asked for and shown.

use base::{Amount, Asset, KeyKind};
use control::keys::{NewKey, Shown, wire_id};
use control::planes::{AgentPolicy, KeyView};
use gate::office::{self, public_key};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::ask::{Invalid, invalid};
use crate::words::time;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub(crate) struct Wish {
    name: String,
    pub(crate) environment: Option<String>,
    kind: Option<String>,
    expires_in_days: Option<u32>,
    ip_allowlist: Option<Vec<String>>,
    policy: Option<Policy>,
}

/// What an agent key may move: dollars as decimal strings.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
struct Policy {
    per_transfer_usd: Option<String>,
    daily_usd: Option<String>,
    services: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct Change {
    pub(crate) name: Option<String>,
    pub(crate) active: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub(crate) struct Rotation {
    overlap_hours: Option<u16>,
}

const DAYS_MOST: u32 = 3_650;
const SERVICES_MOST: usize = 64;

impl Wish {
    /// Everything but the idempotency key, which is in a header.
    pub(crate) fn read(self) -> Result<NewKey, Invalid> {
        let kind = match self.kind.as_deref() {
            None => KeyKind::Standard,
            Some(word) => KeyKind::from_word(word).ok_or_else(|| invalid("kind: send standard or agent."))?,
        };
        if self.expires_in_days.is_some_and(|days| !(1..=DAYS_MOST).contains(&days)) {
            return Err(invalid(&format!("expiresInDays: send a whole number from 1 to {DAYS_MOST}.")));
        }
        if self.policy.is_some() && kind != KeyKind::Agent {
            return Err(invalid("policy: only an agent key has one."));
        }
        let policy = self.policy.map_or(Ok(AgentPolicy::default()), Policy::read)?;
        let ips = office::networks(&self.ip_allowlist.unwrap_or_default()).map_err(Invalid)?;
        Ok(NewKey { name: self.name, kind, expires_in_days: self.expires_in_days, ips, policy, once: None })
    }
}

impl Policy {
    fn read(self) -> Result<AgentPolicy, Invalid> {
        let services = self.services.unwrap_or_default();
        if services.len() > SERVICES_MOST || services.iter().any(|service| !(1..=32).contains(&service.len())) {
            return Err(invalid(&format!("policy.services: send at most {SERVICES_MOST} service ids.")));
        }
        Ok(AgentPolicy {
            per_transfer_cents: cents("policy.perTransferUsd", self.per_transfer_usd)?,
            daily_cents: cents("policy.dailyUsd", self.daily_usd)?,
            services,
        })
    }
}

fn cents(field: &str, text: Option<String>) -> Result<Option<i64>, Invalid> {
    let Some(text) = text else { return Ok(None) };
    let amount = Amount::parse(&text, Asset::USD).ok().and_then(|amount| i64::try_from(amount.minor).ok());
    amount.map(Some).ok_or_else(|| invalid(&format!("{field}: send dollars as a decimal string such as \"250.00\".")))
}

impl Rotation {
    pub(crate) fn overlap_hours(&self) -> Result<u16, Invalid> {
        office::overlap_hours(self.overlap_hours).map_err(Invalid)
    }
}

/// A key that was minted: the one answer with its secret. A replay has null in its place.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Minted<'a> {
    id: String,
    name: &'a str,
    environment: &'static str,
    public_key: String,
    secret_key: Option<&'a str>,
    full_key: Option<&'a str>,
    kind: &'static str,
    created_at: String,
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    ip_allowlist: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_key_expires_at: Option<String>,
}

impl Minted<'_> {
    pub(crate) fn of(shown: &Shown) -> Minted<'_> {
        let Shown { key, whole, replaced } = shown;
        let full_key = whole.as_ref().map(|whole| whole.expose().as_str());
        Minted {
            id: wire_id(key.environment, key.id),
            name: &key.name,
            environment: key.environment.key_word(),
            public_key: public_key(key),
            secret_key: full_key.and_then(|whole| whole.split_once('.')).map(|(_, secret)| secret),
            full_key,
            kind: key.kind.word(),
            created_at: time(key.created_at),
            active: key.active,
            expires_at: key.limits.expires_at.map(time),
            ip_allowlist: key.limits.ips.iter().map(IpNet::to_string).collect(),
            replaces: replaced.as_ref().map(|old| wire_id(old.environment, old.id)),
            old_key_expires_at: replaced.as_ref().and_then(|old| old.limits.expires_at).map(time),
        }
    }
}

/// A key as it is listed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listed<'a> {
    id: String,
    name: &'a str,
    environment: &'static str,
    public_key: String,
    active: bool,
    created_at: String,
    last_used_at: Option<String>,
    kind: &'static str,
    expires_at: Option<String>,
    /// Of a payout key it is shown with its policy, to whoever has proved himself lately.
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_allowlist: Option<Vec<String>>,
}

impl Listed<'_> {
    pub(crate) fn of(key: &KeyView) -> Listed<'_> {
        Listed {
            id: wire_id(key.environment, key.id),
            name: &key.name,
            environment: key.environment.key_word(),
            public_key: public_key(key),
            active: key.active && !key.revoked,
            created_at: time(key.created_at),
            last_used_at: key.last_used_at.map(time),
            kind: key.kind.word(),
            expires_at: key.limits.expires_at.map(time),
            ip_allowlist: (key.kind != KeyKind::Payout).then(|| key.limits.ips.iter().map(IpNet::to_string).collect()),
        }
    }
}

#[derive(Serialize)]
pub(crate) struct Page<'a> {
    pub(crate) items: Vec<Listed<'a>>,
    pub(crate) total: usize,
    pub(crate) page: u32,
    pub(crate) limit: u32,
}

#[derive(Serialize)]
pub(crate) struct Revoked {
    pub(crate) id: String,
    pub(crate) revoked: bool,
}
