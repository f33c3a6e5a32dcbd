//! The published plans of both products: what each costs, what it includes, and whether it opens live.

use base::{Amount, Asset};
use serde::{Deserialize, Serialize};

/// Prices go down to millionths of a dollar.
pub const PRICE: Asset = Asset::new("USD", 6);

/// What is sold, each under plans of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Product {
    Pacspace,
    Paychain,
}

/// Why a plan is not another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("no tenant has this id")]
    Unknown,
    #[error("no plan of this product has this tier")]
    TierUnknown,
}

/// The plans of an installation. The first of each product is the one that a tenant begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plans {
    pub pacspace: Vec<PacspacePlan>,
    pub paychain: Vec<PaychainPlan>,
}

/// Verified records by number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacspacePlan {
    pub tier: String,
    /// A month, in [`PRICE`]; `None`: as agreed.
    pub price: Option<Amount>,
    /// How many deltas are included; `None`: as agreed.
    pub deltas: Option<u64>,
    /// Whether they are included once and not each month.
    pub for_life: bool,
    /// What each further one costs; `None`: as agreed, or none is taken.
    pub overage: Option<Amount>,
    /// Whether it opens live.
    pub live: bool,
}

/// Payments by volume.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaychainPlan {
    pub tier: String,
    /// A month, in [`PRICE`]; `None`: as agreed.
    pub price: Option<Amount>,
    /// In hundredths of a per cent of a settled invoice.
    pub invoice_fee_bps: u32,
    pub minimum_fee: Amount,
    /// Network fees that are included each month; `None`: as agreed.
    pub gas: Option<Amount>,
    /// Withdrawals by key that are included each month; `None`: as agreed.
    pub payout_withdrawals: Option<u64>,
    /// Whether it opens live.
    pub live: bool,
}

/// What a plan says, of either product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Terms {
    Pacspace(PacspacePlan),
    Paychain(PaychainPlan),
}

/// What a number of deltas comes to under a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charges {
    /// How many are beyond what is included.
    pub overage: u64,
    /// What those cost, in [`PRICE`].
    pub charge: Amount,
    /// How many are still included; `None`: as agreed.
    pub remaining: Option<u64>,
}

/// What so many deltas come to: of this month, or ever where they are included for life.
pub fn charges(plan: &PacspacePlan, consumed: u64) -> Charges {
    let overage = plan.deltas.map_or(0, |included| consumed.saturating_sub(included));
    let each = plan.overage.map_or(0, |price| price.minor);
    let charge = Amount::new(each.saturating_mul(i128::from(overage)), PRICE);
    Charges { overage, charge, remaining: plan.deltas.map(|included| included.saturating_sub(consumed)) }
}

impl Product {
    pub const ALL: [Product; 2] = [Product::Pacspace, Product::Paychain];

    pub fn word(self) -> &'static str {
        match self {
            Product::Pacspace => "pacspace",
            Product::Paychain => "paychain",
        }
    }

    pub fn from_word(word: &str) -> Option<Product> {
        Product::ALL.into_iter().find(|product| product.word() == word)
    }
}

impl Terms {
    pub fn tier(&self) -> &str {
        match self {
            Terms::Pacspace(plan) => &plan.tier,
            Terms::Paychain(plan) => &plan.tier,
        }
    }

    pub fn price(&self) -> Option<Amount> {
        match self {
            Terms::Pacspace(plan) => plan.price,
            Terms::Paychain(plan) => plan.price,
        }
    }

    pub fn live(&self) -> bool {
        match self {
            Terms::Pacspace(plan) => plan.live,
            Terms::Paychain(plan) => plan.live,
        }
    }
}

impl Plans {
    pub fn of(&self, product: Product) -> Vec<Terms> {
        match product {
            Product::Pacspace => self.pacspace.iter().cloned().map(Terms::Pacspace).collect(),
            Product::Paychain => self.paychain.iter().cloned().map(Terms::Paychain).collect(),
        }
    }

    /// A plan by its tier. One that a tenant has and the configuration does not name any more has no terms.
    pub fn terms(&self, product: Product, tier: &str) -> Option<Terms> {
        self.of(product).into_iter().find(|terms| terms.tier() == tier)
    }

    /// The tier that a tenant begins with.
    pub fn first(&self, product: Product) -> String {
        self.of(product).first().map_or_else(String::new, |terms| terms.tier().to_owned())
    }

    /// As both products publish them.
    pub fn published() -> Plans {
        let cents = |cents: i128| Amount::new(cents * 10_000, PRICE);
        let pacspace = |tier: &str, price, deltas, overage: Option<i128>| PacspacePlan {
            tier: tier.to_owned(),
            price,
            deltas,
            for_life: false,
            overage: overage.map(|thousandths| Amount::new(thousandths * 1_000, PRICE)),
            live: true,
        };
        let paychain = |tier: &str, price, invoice_fee_bps, minimum, gas, payout_withdrawals| PaychainPlan {
            tier: tier.to_owned(),
            price,
            invoice_fee_bps,
            minimum_fee: cents(minimum),
            gas,
            payout_withdrawals,
            live: true,
        };
        let dollars = |dollars: i128| Some(cents(dollars * 100));
        let free = pacspace("free", dollars(0), Some(100), None);
        let started = paychain("free", dollars(0), 95, 10, None, Some(0));
        Plans {
            pacspace: vec![
                PacspacePlan { for_life: true, live: false, ..free },
                pacspace("pilot", dollars(1_000), Some(10_000), Some(20)),
                pacspace("starter", dollars(3_000), Some(100_000), Some(12)),
                pacspace("growth", dollars(8_000), Some(500_000), Some(10)),
                pacspace("scale", dollars(15_000), Some(2_000_000), Some(8)),
                pacspace("enterprise", None, None, None),
            ],
            paychain: vec![
                PaychainPlan { live: false, ..started },
                paychain("startup", dollars(19), 70, 10, dollars(10), Some(100)),
                paychain("growth", dollars(99), 55, 5, dollars(35), Some(1_000)),
                paychain("scale", dollars(499), 35, 5, dollars(150), Some(10_000)),
                paychain("enterprise", None, 35, 0, None, None),
            ],
        }
    }
}
