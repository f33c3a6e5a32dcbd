//! What can be said of an ask without any state: its corridor, its attributes, its rate, its canonical form.

use base::{Amount, Asset};
use serde::Serialize;

use super::NewTransfer;
use crate::corridor::ATTRIBUTE_NAMES;
use crate::sandbox::magic;
use crate::{Caller, Corridor, Plane};

/// What a transfer would do: the corridor's rate as configured and what the receiver gets, rounded down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Receiver units for one dollar, as a decimal string.
    pub fx_rate: String,
    /// In the receiver's currency, two places.
    pub received: String,
}

/// Why no corridor takes this transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    ServiceUnknown,
    CountryOtherThan { expected: String },
    CurrencyOtherThan { expected: String },
    AttributeUnknown { name: String },
    AttributeTwice { name: String },
    AttributeMissing { name: String },
    AmountBelow { smallest: Amount },
    AmountAbove { largest: Amount },
    ReceiverNotOnTheNetwork,
}

pub(super) fn quote(plane: &Plane, ask: &NewTransfer) -> Result<Quote, Refusal> {
    let corridor = plane.config().corridors.get(&ask.service).ok_or(Refusal::ServiceUnknown)?;
    if ask.country != corridor.country {
        return Err(Refusal::CountryOtherThan { expected: corridor.country.clone() });
    }
    if ask.currency != corridor.currency {
        return Err(Refusal::CurrencyOtherThan { expected: corridor.currency.clone() });
    }
    attributes(corridor, ask)?;
    if ask.amount.minor < corridor.smallest.minor.max(1) {
        return Err(Refusal::AmountBelow { smallest: corridor.smallest });
    }
    if ask.amount.minor > corridor.largest.minor {
        return Err(Refusal::AmountAbove { largest: corridor.largest });
    }
    let magic = plane.sandbox().and_then(|_| magic::receiver(&ask.receiver));
    if magic == Some(magic::Receiver::NotOnTheNetwork) {
        return Err(Refusal::ReceiverNotOnTheNetwork);
    }
    Ok(Quote { fx_rate: corridor.rate.clone(), received: received(ask.amount, &corridor.rate) })
}

fn attributes(corridor: &Corridor, ask: &NewTransfer) -> Result<(), Refusal> {
    for (at, (name, _)) in ask.attributes.iter().enumerate() {
        if !ATTRIBUTE_NAMES.contains(&name.as_str()) {
            return Err(Refusal::AttributeUnknown { name: name.clone() });
        }
        if ask.attributes[..at].iter().any(|(earlier, _)| earlier == name) {
            return Err(Refusal::AttributeTwice { name: name.clone() });
        }
    }
    let present = |name: &String| ask.attributes.iter().any(|(have, value)| have == name && !value.is_empty());
    match corridor.required.iter().find(|name| !present(name)) {
        Some(name) => Err(Refusal::AttributeMissing { name: name.clone() }),
        None => Ok(()),
    }
}

/// A rate has at most 8 places; configuration refuses others.
const RATE: Asset = Asset::new("RATE", 8);

/// `amount` times `rate`, rounded down to two places. The configuration has checked that the rate parses.
fn received(amount: Amount, rate: &str) -> String {
    let rate = Amount::parse(rate, RATE).map_or(0, |rate| rate.minor);
    let minor = amount.minor.checked_mul(rate).map_or(0, |product| product / 100_000_000);
    Amount::new(minor, Asset::USD).to_string()
}

/// One text for all ways of writing the same ask: parsed amount, phones on digits, attributes in order of name.
pub(super) fn canonical(ask: &NewTransfer) -> String {
    let mut attributes: Vec<&(String, String)> = ask.attributes.iter().collect();
    attributes.sort();
    let mut text = String::with_capacity(256);
    let amount = ask.amount.minor.to_string();
    let fields = [ask.sender.digits(), ask.receiver.digits(), &amount, &ask.service, &ask.country, &ask.currency];
    // Lengths in front keep two different asks from running together.
    for field in fields.into_iter().chain(attributes.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()])) {
        text.push_str(&field.len().to_string());
        text.push(':');
        text.push_str(field);
        text.push(',');
    }
    text
}

#[derive(Serialize)]
struct Facts<'a> {
    id: &'a str,
    sender: &'a str,
    receiver: &'a str,
    cents: String,
    service: &'a str,
    country: &'a str,
    currency: &'a str,
    attributes: &'a [(String, String)],
    key: &'a str,
}

/// What the journal keeps of an accepted transfer.
pub(super) fn facts(ask: &NewTransfer, caller: &Caller) -> String {
    let key = caller.key();
    let facts = Facts {
        id: &ask.id,
        sender: ask.sender.digits(),
        receiver: ask.receiver.digits(),
        cents: ask.amount.minor.to_string(),
        service: &ask.service,
        country: &ask.country,
        currency: &ask.currency,
        attributes: &ask.attributes,
        key: key.as_str(),
    };
    // Plain texts: this cannot fail.
    serde_json::to_string(&facts).unwrap_or_default()
}
