//! What plans say, and what usage comes to under them. The doors are walked in `control/tests/live.rs`.

use base::Amount;

use super::{PRICE, PacspacePlan, Plans, Product, charges};

fn plan(tier: &str) -> PacspacePlan {
    Plans::published().pacspace.into_iter().find(|plan| plan.tier == tier).unwrap()
}

fn dollars(text: &str) -> Amount {
    Amount::parse(text, PRICE).unwrap()
}

#[test]
fn what_is_included_costs_nothing_and_each_further_one_its_price() {
    let pilot = plan("pilot");
    for (consumed, overage, charge, remaining) in [
        (0, 0, "0", 10_000),
        (9_999, 0, "0", 1),
        (10_000, 0, "0", 0),
        (10_001, 1, "0.02", 0),
        (123_456, 113_456, "2269.12", 0),
    ] {
        let found = charges(&pilot, consumed);
        assert_eq!((found.overage, found.charge, found.remaining), (overage, dollars(charge), Some(remaining)));
    }
    assert_eq!(charges(&plan("starter"), 100_001).charge, dollars("0.012"));
    assert_eq!(charges(&plan("scale"), u64::MAX).overage, u64::MAX - 2_000_000);
    // Nothing is charged where nothing is taken beyond what is included, or where it is agreed.
    assert_eq!(charges(&plan("free"), 101), super::Charges { overage: 1, charge: dollars("0"), remaining: Some(0) });
    let agreed = charges(&plan("enterprise"), 1_000_000_000);
    assert_eq!((agreed.overage, agreed.charge, agreed.remaining), (0, dollars("0"), None));
}

#[test]
fn every_plan_but_the_first_opens_live() {
    let plans = Plans::published();
    for product in Product::ALL {
        let live: Vec<bool> = plans.of(product).iter().map(super::Terms::live).collect();
        assert!(!live[0] && live[1..].iter().all(|live| *live), "{product:?}");
        assert_eq!(plans.first(product), "free");
        assert_eq!(Product::from_word(product.word()), Some(product));
    }
    assert!(plans.terms(Product::Paychain, "pilot").is_none() && plans.terms(Product::Pacspace, "").is_none());
}
