//! Every refusal, its place in the order, and that it changes nothing.

use base::{Amount, Asset};
use ledger::{Account, Floor, Leg, Movement, Phase, Refusal, Side, post};

const EUR: Asset = Asset::new("EUR", 2);
const MAX: i128 = i128::MAX;

/// An agent with 100 and an overdraft of 20; another with 10 and none; the card behind both; one in euros; and one
/// whose totals are at the end of the range.
fn books() -> Vec<(&'static str, Account)> {
    let credit = |asset, floor, posted| Account { credits_posted: posted, ..Account::open(asset, Side::Credit, floor) };
    let card = Account::open(Asset::USD, Side::Debit, Floor::Unlimited);
    let full = Account::open(Asset::USD, Side::Credit, Floor::Unlimited);
    vec![
        ("agent", credit(Asset::USD, Floor::Overdraft(20), 100)),
        ("poor", credit(Asset::USD, Floor::Overdraft(0), 10)),
        ("card", Account { debits_posted: 110, ..card }),
        ("euro", credit(EUR, Floor::Overdraft(0), 100)),
        ("full", Account { debits_posted: MAX - 5, debits_held: 5, credits_posted: MAX, ..full }),
    ]
}

fn debit(account: &'static str, minor: i128) -> Leg<&'static str> {
    Leg { account, side: Side::Debit, minor }
}

fn credit(account: &'static str, minor: i128) -> Leg<&'static str> {
    Leg { account, side: Side::Credit, minor }
}

fn dollars(phase: Phase, legs: Vec<Leg<&'static str>>) -> Movement<&'static str> {
    Movement { name: "test", asset: Asset::USD, phase, legs }
}

fn assert_refused(movement: &Movement<&'static str>, expected: Refusal) {
    let mut accounts = books();
    assert_eq!(post(&mut accounts, movement), Err(expected), "{movement:?}");
    assert_eq!(accounts, books(), "a refusal changed an account: {movement:?}");
}

#[test]
fn each_refusal_alone() {
    use Phase::{Hold, Post, Release, Settle};
    let rows = [
        (Post, vec![], Refusal::NoLegs),
        (Post, vec![debit("agent", 0), credit("card", 0)], Refusal::NotPositive),
        (Post, vec![debit("agent", -1), credit("card", -1)], Refusal::NotPositive),
        (Post, vec![debit("agent", i128::MIN), credit("card", i128::MIN)], Refusal::NotPositive),
        (Post, vec![debit("agent", 1)], Refusal::Unbalanced),
        (Post, vec![debit("agent", 1), debit("card", 1)], Refusal::Unbalanced),
        (Post, vec![debit("agent", 2), credit("card", 1)], Refusal::Unbalanced),
        (Post, vec![debit("nobody", 1), credit("card", 1)], Refusal::AccountMissing),
        (Post, vec![debit("agent", 1), credit("nobody", 1)], Refusal::AccountMissing),
        (Post, vec![debit("agent", 1), credit("euro", 1)], Refusal::WrongAsset),
        (Settle, vec![debit("agent", 1), credit("card", 1)], Refusal::HoldMissing),
        (Release, vec![debit("agent", 1), credit("card", 1)], Refusal::HoldMissing),
        (Post, vec![debit("card", 1), credit("full", 1)], Refusal::OutOfRange),
        (Post, vec![debit("full", 1), credit("card", 1)], Refusal::OutOfRange),
        (Hold, vec![debit("full", 1), credit("card", 1)], Refusal::OutOfRange),
        (Post, vec![debit("agent", 121), credit("card", 121)], Refusal::Insufficient { short_by: 1 }),
        (Hold, vec![debit("poor", MAX), credit("card", MAX)], Refusal::Insufficient { short_by: MAX - 10 }),
    ];
    for (phase, legs, expected) in rows {
        assert_refused(&dollars(phase, legs), expected);
    }
}

/// Each movement has the fault of its own row and those of all rows below that can be combined with it, the later
/// faults in the earlier legs.
#[test]
fn refusals_come_in_the_documented_order() {
    let rows = [
        (
            dollars(
                Phase::Settle,
                vec![debit("full", MAX), debit("nobody", MAX), credit("euro", 3), credit("poor", -5)],
            ),
            Refusal::NotPositive,
        ),
        (
            dollars(Phase::Settle, vec![debit("euro", MAX), debit("nobody", MAX), credit("full", 3)]),
            Refusal::Unbalanced,
        ),
        (
            dollars(Phase::Settle, vec![debit("euro", 50), credit("full", 50), debit("agent", 1), credit("nobody", 1)]),
            Refusal::AccountMissing,
        ),
        (dollars(Phase::Settle, vec![debit("full", 9), credit("euro", 9)]), Refusal::WrongAsset),
        (
            dollars(Phase::Post, vec![debit("poor", 99), credit("full", 99), debit("euro", 1), credit("card", 1)]),
            Refusal::WrongAsset,
        ),
        (dollars(Phase::Post, vec![debit("poor", 99), credit("full", 99)]), Refusal::OutOfRange),
        (dollars(Phase::Post, vec![debit("poor", 99), credit("card", 99)]), Refusal::Insufficient { short_by: 89 }),
    ];
    for (movement, expected) in rows {
        assert_refused(&movement, expected);
    }
}

/// Only totals written by hand can be out of range while settling, so this row has its own books.
#[test]
fn a_missing_hold_outranks_a_total_out_of_range() {
    let mut accounts = books();
    accounts[4].1.debits_posted = MAX;
    let before = accounts.clone();
    let settle = dollars(Phase::Settle, vec![debit("full", 5), credit("card", 5)]);
    assert_eq!(post(&mut accounts, &settle), Err(Refusal::HoldMissing));
    accounts[2].1.credits_held = 5;
    assert_eq!(post(&mut accounts, &settle), Err(Refusal::OutOfRange));
    accounts[2].1.credits_held = 0;
    assert_eq!(accounts, before);
}

#[test]
fn of_several_short_accounts_the_first_leg_is_named() {
    let poor_first = vec![debit("poor", 12), debit("agent", 125), credit("card", 137)];
    let agent_first = vec![debit("agent", 125), debit("poor", 12), credit("card", 137)];
    assert_refused(&dollars(Phase::Hold, poor_first), Refusal::Insufficient { short_by: 2 });
    assert_refused(&dollars(Phase::Hold, agent_first), Refusal::Insufficient { short_by: 5 });
}

/// Sums of a side may pass 128 bits; they are compared exactly, and the excess is found where the order says.
#[test]
fn sums_beyond_the_range_are_compared_exactly() {
    let many = |side, times| (0..times).map(move |_| Leg { account: "card", side, minor: MAX });
    let balanced: Vec<_> = many(Side::Debit, 5).chain(many(Side::Credit, 5)).collect();
    let mut unbalanced = balanced.clone();
    unbalanced[0].minor -= 1;
    // 2^128 + 1 against 1: the same low 128 bits.
    let wrapping = vec![debit("card", MAX), debit("card", MAX), debit("card", 3), credit("card", 1)];
    assert_refused(&dollars(Phase::Post, balanced.clone()), Refusal::OutOfRange);
    assert_refused(&dollars(Phase::Settle, balanced), Refusal::HoldMissing);
    assert_refused(&dollars(Phase::Post, unbalanced), Refusal::Unbalanced);
    assert_refused(&dollars(Phase::Post, wrapping), Refusal::Unbalanced);
}

#[test]
fn between_makes_the_two_legs_in_the_asset_of_the_amount() {
    let movement = Movement::between("fund", Phase::Hold, "card", "agent", Amount::new(5, EUR));
    let expected =
        Movement { name: "fund", asset: EUR, phase: Phase::Hold, legs: vec![debit("card", 5), credit("agent", 5)] };
    assert_eq!(movement, expected);
    assert_refused(&movement, Refusal::WrongAsset);
    let negative = Movement::between("fund", Phase::Post, "card", "agent", Amount::cents(-5));
    assert_refused(&negative, Refusal::NotPositive);
}

#[test]
fn a_refusal_says_what_is_wrong_in_words() {
    let texts = [Refusal::NoLegs, Refusal::Unbalanced, Refusal::Insufficient { short_by: 7 }].map(|r| r.to_string());
    assert!(texts.iter().all(|text| !text.is_empty()));
    assert!(texts[2].contains("short by 7 "), "{}", texts[2]);
}
