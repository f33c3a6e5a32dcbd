//! The rows of tenants and keys.

use std::sync::Arc;

use ::store::{Bind, Column, Corrupt, Halt, KeyShape, Kind, Locked, Row, Spec, Take, TenantNo};
use base::{KeyId, KeyKind, TenantId, Time};

use super::KeyChange;
use super::state::{KeyLimits, KeyListing, NewKey, Refusal, usable_name};

/// A tenant as this plane knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantRow {
    pub tenant: TenantNo,
    pub id: TenantId,
    pub name: Arc<str>,
    pub opened_at: Time,
    /// A sandbox reset gave the tenant another number; what is behind this one is being removed.
    pub retired: bool,
    /// How far the tenant's clock is ahead (sandbox only; 0 on live), in microseconds.
    pub clock_ahead: i64,
    /// Transfers wait in 0/9 until their pay-in is linked.
    pub link_pay_ins: bool,
    /// JSON of [`crate::sandbox::Weather`]; `{}` on live.
    pub weather: Arc<str>,
}

impl TenantRow {
    pub(super) fn open(tenant: TenantNo, id: TenantId, name: Arc<str>, now: Time) -> TenantRow {
        TenantRow {
            tenant,
            id,
            name,
            opened_at: now,
            retired: false,
            clock_ahead: 0,
            link_pay_ins: false,
            weather: Arc::from("{}"),
        }
    }

    /// The tenant's own time.
    pub fn time(&self, now: Time) -> Time {
        now.plus(base::Span(self.clock_ahead))
    }
}

/// From a tenant's public id to its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantIdRow {
    pub id: String,
    pub tenant: TenantNo,
    /// Its keys that are not revoked.
    pub keys: u32,
}

/// One key. Not `Debug`: it holds the hash of a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyRow {
    pub id: KeyId,
    pub owner: TenantId,
    pub kind: KeyKind,
    pub name: String,
    pub(super) mac: [u8; 32],
    pub active: bool,
    pub revoked_at: Option<i64>,
    pub limits: KeyLimits,
    pub created_at: i64,
    pub last_used_at: Option<i64>,
    /// The wish of the rotation that set its expiry last.
    pub rotated_under: Option<Box<str>>,
}

impl KeyRow {
    pub(super) fn minted(id: KeyId, new: &NewKey, mac: [u8; 32], now: Time) -> KeyRow {
        KeyRow {
            id,
            owner: new.tenant.clone(),
            kind: new.kind,
            name: new.name.clone(),
            mac,
            active: true,
            revoked_at: None,
            limits: new.limits.clone(),
            created_at: now.0,
            last_used_at: None,
            rotated_under: None,
        }
    }

    pub(super) fn changed(mut self, change: &KeyChange, now: Time) -> Result<KeyRow, Halt<Refusal>> {
        if self.revoked_at.is_some() && !matches!(change, KeyChange::Revoke) {
            return Err(Halt::Refused(Refusal::KeyRevoked));
        }
        match change {
            KeyChange::Rename(name) => {
                usable_name(name)?;
                self.name.clone_from(name);
            }
            KeyChange::Disable => self.active = false,
            KeyChange::Enable => self.active = true,
            KeyChange::Policy(_) if self.kind != KeyKind::Payout => {
                return Err(Halt::Refused(Refusal::PolicyElsewhere));
            }
            KeyChange::Policy(change) => self.limits.set(change),
            KeyChange::Revoke => {
                self.revoked_at.get_or_insert(now.0);
            }
            KeyChange::Rotated { at, wish } => {
                self.expire_at(*at);
                self.rotated_under.clone_from(wish);
            }
            KeyChange::NotRotated { wish, expired_at } => {
                if self.rotated_under.as_ref() == Some(wish) {
                    (self.limits.expires_at, self.rotated_under) = (*expired_at, None);
                }
            }
        }
        Ok(self)
    }

    fn expire_at(&mut self, at: Time) {
        self.limits.expires_at = Some(self.limits.expires_at.map_or(at.0, |present| present.min(at.0)));
    }

    pub(crate) fn listing(&self) -> KeyListing {
        KeyListing {
            id: self.id.to_string(),
            tenant: self.owner.to_string(),
            kind: self.kind,
            name: self.name.clone(),
            active: self.active,
            revoked: self.revoked_at.is_some(),
            limits: self.limits.clone(),
            created_at: self.created_at,
            last_used_at: self.last_used_at,
        }
    }
}

impl Row for TenantRow {
    type Key = TenantNo;
    const SLOT: usize = 3;
    const SPEC: Spec = Spec {
        name: "tenant",
        columns: &[
            Column::new("tenant", Kind::Int),
            Column::new("id", Kind::Text),
            Column::new("name", Kind::Text),
            Column::new("opened_at", Kind::Int),
            Column::new("retired", Kind::Int),
            Column::new("clock_ahead", Kind::Int),
            Column::new("link_pay_ins", Kind::Int),
            Column::new("weather", Kind::Text),
        ],
        key: KeyShape::First(1),
        keep: 20_000,
        locked: Locked::ByHead,
    };

    fn key(&self) -> TenantNo {
        self.tenant
    }

    fn write_key(key: &TenantNo, out: &mut dyn Bind) {
        out.int(i64::from(*key));
    }

    fn write(&self, out: &mut dyn Bind) {
        out.int(i64::from(self.tenant));
        out.text(&self.id.to_string());
        out.text(&self.name);
        out.int(self.opened_at.0);
        out.int(i64::from(self.retired));
        out.int(self.clock_ahead);
        out.int(i64::from(self.link_pay_ins));
        out.text(&self.weather);
    }

    fn read(from: &mut dyn Take) -> Result<TenantRow, Corrupt> {
        Ok(TenantRow {
            tenant: crate::schema::tenant(from)?,
            id: crate::schema::tenant_id(from)?,
            name: from.text()?.into(),
            opened_at: Time(from.int()?),
            retired: from.int()? != 0,
            clock_ahead: from.int()?,
            link_pay_ins: from.int()? != 0,
            weather: from.text()?.into(),
        })
    }
}

impl Row for TenantIdRow {
    type Key = String;
    const SLOT: usize = 4;
    const SPEC: Spec = Spec {
        name: "tenant_id",
        columns: &[Column::new("id", Kind::Text), Column::new("tenant", Kind::Int), Column::new("keys", Kind::Int)],
        key: KeyShape::First(1),
        keep: 20_000,
        locked: Locked::ByHead,
    };

    fn key(&self) -> String {
        self.id.clone()
    }

    fn write_key(key: &String, out: &mut dyn Bind) {
        out.text(key);
    }

    fn write(&self, out: &mut dyn Bind) {
        out.text(&self.id);
        out.int(i64::from(self.tenant));
        out.int(i64::from(self.keys));
    }

    fn read(from: &mut dyn Take) -> Result<TenantIdRow, Corrupt> {
        let (id, tenant) = (from.text()?.to_owned(), crate::schema::tenant(from)?);
        let keys = u32::try_from(from.int()?).map_err(|_| from.corrupt("number of keys"))?;
        Ok(TenantIdRow { id, tenant, keys })
    }
}

impl Row for KeyRow {
    type Key = KeyId;
    const SLOT: usize = 5;
    const SPEC: Spec = Spec {
        name: "key",
        columns: &[
            Column::new("id", Kind::Text),
            Column::new("owner", Kind::Text),
            Column::new("kind", Kind::Text),
            Column::new("name", Kind::Text),
            Column::new("mac", Kind::Blob),
            Column::new("active", Kind::Int),
            Column::new("revoked_at", Kind::Int),
            Column::new("limits", Kind::Text),
            Column::new("created_at", Kind::Int),
            Column::new("last_used_at", Kind::Int),
            Column::new("rotated_under", Kind::Text),
        ],
        key: KeyShape::First(1),
        keep: 2_000,
        locked: Locked::ByHead,
    };

    fn key(&self) -> KeyId {
        self.id
    }

    fn write_key(key: &KeyId, out: &mut dyn Bind) {
        out.text(key.as_str());
    }

    fn write(&self, out: &mut dyn Bind) {
        out.text(self.id.as_str());
        out.text(&self.owner.to_string());
        out.text(self.kind.word());
        out.text(&self.name);
        out.blob(&self.mac);
        out.int(i64::from(self.active));
        out.opt_int(self.revoked_at);
        // Limits are plain values with string keys: this cannot fail.
        out.text(&serde_json::to_string(&self.limits).unwrap_or_default());
        out.int(self.created_at);
        out.opt_int(self.last_used_at);
        out.opt_text(self.rotated_under.as_deref());
    }

    fn read(from: &mut dyn Take) -> Result<KeyRow, Corrupt> {
        let id = from.text()?.parse().map_err(|_| from.corrupt("key id"))?;
        let owner = crate::schema::tenant_id(from)?;
        let kind = KeyKind::from_word(from.text()?).ok_or_else(|| from.corrupt("key kind"))?;
        let name = from.text()?.to_owned();
        let mac: Result<[u8; 32], _> = from.blob()?.try_into();
        let mac = mac.map_err(|_| from.corrupt("key hash"))?;
        let (active, revoked_at) = (from.int()? != 0, from.opt_int()?);
        let limits = serde_json::from_str(from.text()?);
        let limits = limits.map_err(|_| from.corrupt("key limits"))?;
        let (created_at, last_used_at) = (from.int()?, from.opt_int()?);
        let rotated_under = from.opt_text()?.map(Box::from);
        Ok(KeyRow { id, owner, kind, name, mac, active, revoked_at, limits, created_at, last_used_at, rotated_under })
    }
}
