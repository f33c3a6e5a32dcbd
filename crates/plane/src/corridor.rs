//! Corridors: where money can go, at which rate, and what the receiver's side must be told.

use std::collections::BTreeMap;

use base::{Amount, Asset};

/// One corridor, as configured. `rate` is receiver units per dollar, a decimal string that is shown as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corridor {
    pub service: String,
    pub country: String,
    pub currency: String,
    pub rate: String,
    pub required: Vec<String>,
    /// Smallest and largest amount of one transfer, in United States cents.
    pub smallest: Amount,
    pub largest: Amount,
}

/// Corridors by service id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Corridors(BTreeMap<String, Corridor>);

/// Attribute names that every corridor knows (facts: cashq 4.3). Any other name is refused.
pub const ATTRIBUTE_NAMES: [&str; 16] = [
    "receivedAmount",
    "receiverName",
    "receiverFirstName",
    "receiverLastName",
    "receiverAddressStreet",
    "receiverAddressCity",
    "receiverAddressState",
    "receiverAddressCountry",
    "receiverAccType",
    "receiverIssuerCode",
    "receiverAccountNumber",
    "receiverBankBranchCode",
    "receiverBankName",
    "receiverIdType",
    "receiverIdNumber",
    "approvelyId",
];

const BANK: [&str; 4] = ["receiverName", "receiverAccType", "receiverAccountNumber", "receiverBankName"];
const CASH: [&str; 2] = ["receiverFirstName", "receiverLastName"];

/// service, country, currency, rate, paid into a bank account?
const STANDARD: [(&str, &str, &str, &str, bool); 12] = [
    ("1271", "EG", "EGP", "47.2945", true),
    ("1301", "MX", "MXN", "18.4210", true),
    ("1302", "MX", "MXN", "18.3950", false),
    ("1311", "PH", "PHP", "57.1500", true),
    ("1321", "IN", "INR", "84.0320", true),
    ("1331", "NG", "NGN", "1602.5000", true),
    ("1341", "KE", "KES", "129.2500", true),
    ("1351", "GT", "GTQ", "7.7310", false),
    ("1361", "CO", "COP", "4321.7500", true),
    ("1371", "BR", "BRL", "5.6120", true),
    ("1381", "PK", "PKR", "278.1000", true),
    ("1391", "DO", "DOP", "60.2200", false),
];

impl Corridors {
    pub fn new(corridors: impl IntoIterator<Item = Corridor>) -> Corridors {
        Corridors(corridors.into_iter().map(|corridor| (corridor.service.clone(), corridor)).collect())
    }

    /// The corridors of an installation that configures none.
    pub fn standard() -> Corridors {
        Corridors::new(STANDARD.iter().map(|(service, country, currency, rate, bank)| {
            let required: &[&str] = if *bank { &BANK } else { &CASH };
            Corridor {
                service: (*service).to_owned(),
                country: (*country).to_owned(),
                currency: (*currency).to_owned(),
                rate: (*rate).to_owned(),
                required: required.iter().map(|name| (*name).to_owned()).collect(),
                smallest: Amount::cents(1),
                largest: Amount::cents(1_000_000),
            }
        }))
    }

    pub fn get(&self, service: &str) -> Option<&Corridor> {
        self.0.get(service)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Corridor> {
        self.0.values()
    }
}

/// The asset in which agents hold their money.
pub const AGENT_ASSET: Asset = Asset::USD;
