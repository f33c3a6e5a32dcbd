//! Payout keys as they are shown.

use base::payout_policy::{Destinations, PayoutPolicy};
use control::keys::{Shown, wire_id};
use control::planes::KeyView;
use gate::office;
use ipnet::IpNet;
use serde::Serialize;

use crate::payout_ask::{ANY, Limit, ONLY, Place};

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
    expires_at: Option<String>,
}

/// The same with what it may do.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Whole<'a> {
    #[serde(flatten)]
    listed: Listed<'a>,
    destination_policy: &'static str,
    destinations: Vec<Place>,
    limits: Vec<Limit>,
    ip_allowlist: Vec<String>,
}

/// A key that was minted: the one answer with its secret. A replay has null in its place and says why.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Minted<'a> {
    #[serde(flatten)]
    key: Whole<'a>,
    api_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_key_expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'static str>,
}

#[derive(Serialize)]
pub(crate) struct Page<'a> {
    pub(crate) data: Vec<Listed<'a>>,
}

#[derive(Serialize)]
pub(crate) struct Revoked {
    pub(crate) id: String,
    pub(crate) revoked: bool,
}

impl Listed<'_> {
    pub(crate) fn of(key: &KeyView) -> Listed<'_> {
        Listed {
            id: wire_id(key.environment, key.id),
            name: &key.name,
            environment: key.environment.word(),
            public_key: office::public_key(key),
            active: key.active && !key.revoked,
            created_at: office::time(key.created_at),
            last_used_at: key.last_used_at.map(office::time),
            expires_at: key.limits.expires_at.map(office::time),
        }
    }
}

impl Whole<'_> {
    pub(crate) fn of(key: &KeyView) -> Whole<'_> {
        let PayoutPolicy { destinations, limits } =
            key.limits.payout.as_deref().cloned().unwrap_or_else(PayoutPolicy::nothing);
        let (destination_policy, destinations) = match destinations {
            Destinations::Any => (ANY, Vec::new()),
            Destinations::Only(list) => (ONLY, list),
        };
        Whole {
            listed: Listed::of(key),
            destination_policy,
            destinations: destinations.into_iter().map(Place::of).collect(),
            limits: limits.iter().map(Limit::of).collect(),
            ip_allowlist: key.limits.ips.iter().map(IpNet::to_string).collect(),
        }
    }
}

impl Minted<'_> {
    pub(crate) fn of(shown: &Shown) -> Minted<'_> {
        let Shown { key, whole, replaced } = shown;
        let message = "This key was made by an earlier request with the same Idempotency-Key. Its secret was shown then and is \
                       not kept: rotate the key if it was lost.";
        Minted {
            key: Whole::of(key),
            api_key: whole.as_ref().map(|whole| whole.expose().as_str()),
            replaces: replaced.as_ref().map(|old| wire_id(old.environment, old.id)),
            old_key_expires_at: replaced.as_ref().and_then(|old| old.limits.expires_at).map(office::time),
            message: whole.is_none().then_some(message),
        }
    }
}
