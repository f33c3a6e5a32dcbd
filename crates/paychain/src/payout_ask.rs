//! Payout keys as they are asked for, and the parts of a policy in both directions.

use base::payout_policy::{Chain, Destination, Destinations, PayoutLimit, PayoutPolicy, Tokens, Unusable};
use control::payout_keys::{self, NewPayoutKey};
use control::planes::PolicyChange;
use gate::office;
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub(crate) struct Wish {
    name: String,
    /// In days.
    expires_in: Option<u32>,
    destination_policy: Option<String>,
    destinations: Option<Vec<Place>>,
    limits: Vec<Limit>,
    ip_allowlist: Option<Vec<String>>,
}

/// A name, or whether the key works, or what it may do: of the last as much as is to be replaced.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub(crate) struct Change {
    name: Option<String>,
    active: Option<bool>,
    destination_policy: Option<String>,
    destinations: Option<Vec<Place>>,
    limits: Option<Vec<Limit>>,
    ip_allowlist: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub(crate) struct Rotation {
    pub(crate) overlap_hours: Option<u16>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(crate) struct Place {
    chain: String,
    address: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
}

/// Amounts are decimal strings in whole tokens.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, expecting = "an object")]
pub(crate) struct Limit {
    chain: String,
    network_id: String,
    token: String,
    max_amount: String,
    daily_amount: String,
}

const DAYS: u32 = 365;

impl Wish {
    /// Everything but the idempotency key, which is in a header.
    pub(crate) fn read(self) -> Result<NewPayoutKey, String> {
        let Wish { name, expires_in, destination_policy, destinations, limits, ip_allowlist } = self;
        let expires_in_days = expires_in.unwrap_or(DAYS);
        if !(1..=DAYS).contains(&expires_in_days) {
            return Err(format!("expiresIn: send a whole number of days from 1 to {DAYS}."));
        }
        let destinations = places(destination_policy.as_deref().unwrap_or(ONLY), destinations)?;
        let policy = PayoutPolicy { destinations, limits: bounds(limits)? };
        let ips = office::networks(&ip_allowlist.unwrap_or_default())?;
        Ok(NewPayoutKey { name, expires_in_days, ips, policy, once: None })
    }
}

impl Change {
    /// One at a time, so that none is made without the other.
    pub(crate) fn read(self) -> Result<payout_keys::Change, String> {
        let Change { name, active, destination_policy, destinations, limits, ip_allowlist } = self;
        let destinations = match (destination_policy, destinations) {
            (None, None) => None,
            (policy, destinations) => Some(places(policy.as_deref().unwrap_or(ONLY), destinations)?),
        };
        let limits = limits.map(bounds).transpose()?;
        let ips = ip_allowlist.map(|texts| office::networks(&texts)).transpose()?;
        let of_policy = destinations.is_some() || limits.is_some() || ips.is_some();
        match (name, active, of_policy) {
            (Some(name), None, false) => Ok(payout_keys::Change::Rename(name)),
            (None, Some(active), false) => Ok(payout_keys::Change::SetActive(active)),
            (None, None, true) => Ok(payout_keys::Change::Policy(PolicyChange { destinations, limits, ips })),
            _ => Err("Send name, or active, or what the key may do.".to_owned()),
        }
    }
}

/// The words of `destinationPolicy`.
pub(crate) const ONLY: &str = "allowlist";
pub(crate) const ANY: &str = "any";

fn places(policy: &str, places: Option<Vec<Place>>) -> Result<Destinations, String> {
    match (policy, places) {
        (ANY, None) => Ok(Destinations::Any),
        (ANY, Some(_)) => Err("destinations: leave them out where destinationPolicy is any.".to_owned()),
        (ONLY, places) => {
            let read = places.unwrap_or_default().into_iter().enumerate().map(|(at, place)| place.read(at));
            let list = read.collect::<Result<_, _>>()?;
            Destinations::only(list).map_err(|why| said("destinations", why))
        }
        _ => Err(format!("destinationPolicy: send {ONLY} or {ANY}.")),
    }
}

fn bounds(limits: Vec<Limit>) -> Result<Vec<PayoutLimit>, String> {
    let read = limits.into_iter().enumerate().map(|(at, limit)| limit.read(at));
    PayoutLimit::all(read.collect::<Result<_, _>>()?).map_err(|why| said("limits", why))
}

impl Place {
    fn read(self, at: usize) -> Result<Destination, String> {
        let place = format!("destinations[{at}]");
        let chain = chain(&place, &self.chain)?;
        Destination::new(chain, self.address, self.label).map_err(|why| said(&place, why))
    }

    pub(crate) fn of(destination: Destination) -> Place {
        let Destination { chain, address, label, .. } = destination;
        Place { chain: chain.word().to_owned(), address, label }
    }
}

impl Limit {
    fn read(self, at: usize) -> Result<PayoutLimit, String> {
        let place = format!("limits[{at}]");
        let amount = |field: &str, text: &str| {
            let wrong = || {
                format!(
                    "{place}.{field}: send an amount above zero as a decimal string such as \"250.00\", at most 18 decimals."
                )
            };
            Tokens::parse(text).ok_or_else(wrong)
        };
        let (most, daily) = (amount("maxAmount", &self.max_amount)?, amount("dailyAmount", &self.daily_amount)?);
        let limit = PayoutLimit::new(chain(&place, &self.chain)?, self.network_id, self.token, most, daily);
        limit.map_err(|why| said(&place, why))
    }

    pub(crate) fn of(limit: &PayoutLimit) -> Limit {
        Limit {
            chain: limit.chain.word().to_owned(),
            network_id: limit.network.clone(),
            token: limit.token.clone(),
            max_amount: limit.most.as_str().to_owned(),
            daily_amount: limit.daily.as_str().to_owned(),
        }
    }
}

fn chain(place: &str, word: &str) -> Result<Chain, String> {
    Chain::from_word(word).ok_or_else(|| format!("{place}.chain: send {} or {}.", Chain::Eth.word(), Chain::Sol.word()))
}

/// What is wrong at `place`, and what to do.
fn said(place: &str, why: Unusable) -> String {
    match why {
        Unusable::Address => format!(
            "{place}.address: send an address of its chain: 0x and 40 hexadecimal digits on eth, base58 of 32 bytes on sol."
        ),
        Unusable::Label => format!("{place}.label: send 1 to 100 characters without control characters."),
        Unusable::Network => format!("{place}.networkId: send a network's id such as base-mainnet."),
        Unusable::Token => format!("{place}.token: send a token's symbol such as USDC."),
        Unusable::Number => {
            let most = if place == "limits" { PayoutPolicy::LIMITS_MOST } else { PayoutPolicy::DESTINATIONS_MOST };
            format!("{place}: send 1 to {most} of them.")
        }
        Unusable::Twice => format!("{place}: send each of them once."),
    }
}
