//! Events as they are read, and that their order does not matter. The doors are walked in `control/tests/live.rs`.

use base::{SeededChance, TenantId, Time, UserId};

use super::CheckoutRow;
use super::event::{Event, Malformed, What, read};
use super::state::{Refusal, Way, after, paid_beside, plan_after, way};
use crate::plans::{PlanRow, Plans, Product};

const AT: Time = Time(1_800_000_000_000_000);

fn checkout(id: &str) -> CheckoutRow {
    let chance = SeededChance::new(1);
    CheckoutRow {
        id: id.to_owned(),
        of: TenantId::draw(&chance),
        product: Product::Pacspace,
        tier: "pilot".to_owned(),
        by: UserId::draw(&chance),
        reference: "cs_1".to_owned(),
        opened_at: AT,
        paid_at: None,
        ended_at: None,
        subscription: None,
        period_end: None,
        cancel_at_end: false,
        as_of: 0,
    }
}

fn free() -> PlanRow {
    PlanRow {
        of: checkout("a").of,
        product: Product::Pacspace,
        tier: "free".to_owned(),
        since: Time(0),
        checkout: None,
        subscription: None,
        period_end: None,
        cancel_at_end: false,
        requested: None,
    }
}

fn event(at: i64, what: What) -> Event {
    Event { id: format!("evt_{at}"), checkout: "a".to_owned(), at, what }
}

fn stands(at: i64, cancel_at_end: bool) -> Event {
    event(at, What::Stands { subscription: "sub_1".to_owned(), period_end: Some(1_000 + at), cancel_at_end })
}

/// Checkout and plan after these events, in this order.
fn told(events: &[&Event]) -> (CheckoutRow, PlanRow) {
    events.iter().fold((checkout("a"), free()), |(before, plan), event| {
        let row = after(before.clone(), event, AT);
        let plan = plan_after(&plan, &before, &row, "free", AT);
        (row, plan)
    })
}

#[test]
fn events_make_the_same_in_every_order() {
    let paid = event(10, What::Paid { subscription: Some("sub_1".to_owned()) });
    let (early, late, ended) = (stands(11, false), stands(12, true), event(13, What::Ended));
    let of_three = |a, b, c| {
        [told(&[a, b, c]), told(&[a, c, b]), told(&[b, a, c]), told(&[b, c, a]), told(&[c, a, b]), told(&[c, b, a])]
    };
    let running = of_three(&paid, &early, &late);
    assert!(running.iter().all(|found| *found == running[0]), "{running:#?}");
    let (row, plan) = &running[0];
    assert_eq!((plan.tier.as_str(), plan.subscription.as_deref()), ("pilot", Some("sub_1")));
    assert_eq!((plan.period_end, plan.cancel_at_end, row.as_of), (Some(Time(1_012_000_000)), true, 12));
    let over = of_three(&paid, &late, &ended);
    assert!(over.iter().all(|(_, plan)| plan.tier == "free" && plan.checkout.is_none() && plan.subscription.is_none()));
}

#[test]
fn a_checkout_changes_the_plan_that_it_pays_for_and_no_other() {
    let paid = event(10, What::Paid { subscription: Some("sub_1".to_owned()) });
    let before = checkout("a");
    let row = after(before.clone(), &paid, AT);
    let only = plan_after(&free(), &before, &row, "free", AT);
    let plan = only.clone();
    // Another one is paid later: from then on it pays.
    let other = checkout("b");
    let others = after(other.clone(), &paid, AT);
    let plan = plan_after(&plan, &other, &CheckoutRow { tier: "growth".to_owned(), ..others }, "free", AT);
    assert_eq!((plan.tier.as_str(), plan.checkout.as_deref()), ("growth", Some("b")));
    for word in [stands(20, true), event(21, What::Ended)] {
        let later = after(row.clone(), &word, AT);
        assert_eq!(plan_after(&plan, &row, &later, "free", AT), plan, "{word:?}");
    }
    assert_eq!(paid_beside(&only, &plan), Some("sub_1"), "what was paid first goes on at the provider");
    assert_eq!((paid_beside(&free(), &only), paid_beside(&plan, &plan)), (None, None));
    // What the operator set in between stays, also when the subscription is over.
    let set = PlanRow { tier: "scale".to_owned(), ..plan };
    let others = CheckoutRow { id: "b".to_owned(), ..row.clone() };
    let later = after(others.clone(), &stands(30, false), AT);
    assert_eq!(plan_after(&set, &others, &later, "free", AT).tier, "scale");
    let later = after(others.clone(), &event(31, What::Ended), AT);
    let over = plan_after(&set, &others, &later, "free", AT);
    assert_eq!((over.tier.as_str(), over.checkout, over.subscription), ("scale", None, None));
}

#[test]
fn a_tier_with_a_price_is_paid_where_somebody_takes_money_and_nothing_runs_yet() {
    let plans = Plans::published();
    let terms = |tier: &str| plans.terms(Product::Pacspace, tier).unwrap();
    let price = terms("pilot").price().unwrap();
    assert_eq!(way("free", false, &terms("pilot"), true), Ok(Way::Pay(price)));
    assert_eq!(way("free", false, &terms("pilot"), false), Ok(Way::Ask));
    assert_eq!(way("starter", true, &terms("pilot"), true), Ok(Way::Ask));
    assert_eq!(way("pilot", false, &terms("free"), true), Ok(Way::Ask));
    assert_eq!(way("free", false, &terms("enterprise"), true), Ok(Way::Ask));
    assert_eq!(way("pilot", true, &terms("pilot"), true), Err(Refusal::Same));
}

#[test]
fn events_are_read_as_both_versions_write_them_and_others_are_left_alone() {
    let subscription = |more: &str| {
        format!(
            r#"{{"id":"evt_1","created":5,"type":"customer.subscription.updated","livemode":true,
                "data":{{"object":{{"id":"sub_1","metadata":{{"checkout":"a","x":"y"}},{more}}}}}}}"#
        )
    };
    let what = What::Stands { subscription: "sub_1".to_owned(), period_end: Some(77), cancel_at_end: true };
    let expected = Event { id: "evt_1".to_owned(), checkout: "a".to_owned(), at: 5, what };
    for more in [
        r#""current_period_end":77,"cancel_at_period_end":true"#,
        r#""items":{"data":[{"current_period_end":77}]},"cancel_at_period_end":true"#,
    ] {
        assert_eq!(read(&subscription(more)), Ok(Some(expected.clone())));
    }
    assert_eq!(read(r#"{"id":"evt_1","type":"invoice.paid","data":{"object":[]}}"#), Ok(None));
    let foreign = subscription(r#""cancel_at_period_end":false"#).replace(r#""checkout":"a","#, "");
    assert_eq!(read(&foreign), Ok(None), "a subscription that was made elsewhere");
    for broken in ["", "[]", "{}", r#"{"type":"checkout.session.completed"}"#, &subscription("\"items\":7")] {
        assert_eq!(read(broken), Err(Malformed), "{broken}");
    }
}
