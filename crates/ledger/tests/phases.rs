//! What each phase does to the totals, to what can be spent, and to the floor.

use base::Asset;
use ledger::{Account, Floor, Leg, Movement, Phase, Refusal, Side, post};

use Phase::{Hold, Post, Release, Settle};
use Side::{Credit, Debit};

const NONE: Floor = Floor::Overdraft(0);

/// (posted debits, posted credits, held debits, held credits)
type Totals = (i128, i128, i128, i128);

/// What it is, the totals before, one leg of the account, the totals after or the refusal.
type Row = (&'static str, Totals, Phase, Side, i128, Result<Totals, Refusal>);

fn account(normal: Side, floor: Floor, totals: Totals) -> Account {
    let (debits_posted, credits_posted, debits_held, credits_held) = totals;
    Account { debits_posted, credits_posted, debits_held, credits_held, ..Account::open(Asset::USD, normal, floor) }
}

fn totals(account: &Account) -> Totals {
    (account.debits_posted, account.credits_posted, account.debits_held, account.credits_held)
}

fn movement(phase: Phase, legs: &[(&'static str, Side, i128)]) -> Movement<&'static str> {
    let legs = legs.iter().map(|&(account, side, minor)| Leg { account, side, minor }).collect();
    Movement { name: "test", asset: Asset::USD, phase, legs }
}

/// Runs one movement between `own` (the account of the row) and a boundary account with every hold it could need.
fn run(own: Account, phase: Phase, legs: &[(&'static str, Side, i128)]) -> Result<Account, Refusal> {
    let rail = account(Debit, Floor::Unlimited, (0, 0, 1_000, 1_000));
    let mut accounts = [("own", own), ("rail", rail)];
    post(&mut accounts, &movement(phase, legs))?;
    let [(_, own), _] = accounts;
    Ok(own)
}

fn short_by(short_by: i128) -> Result<Totals, Refusal> {
    Err(Refusal::Insufficient { short_by })
}

/// A credit-normal account (an agent): debits take away.
#[test]
fn each_phase_on_a_credit_normal_account() {
    let rows: &[Row] = &[
        ("post out", (0, 100, 0, 0), Post, Debit, 100, Ok((100, 100, 0, 0))),
        ("post out more than there is", (0, 100, 0, 0), Post, Debit, 101, short_by(1)),
        ("post out what is reserved", (0, 100, 60, 0), Post, Debit, 41, short_by(1)),
        ("post out what is only announced", (0, 0, 0, 50), Post, Debit, 1, short_by(1)),
        ("post in", (0, 0, 0, 0), Post, Credit, 5, Ok((0, 5, 0, 0))),
        ("hold out", (0, 100, 0, 0), Hold, Debit, 100, Ok((0, 100, 100, 0))),
        ("hold out twice", (0, 100, 100, 0), Hold, Debit, 1, short_by(1)),
        ("hold out what is only announced", (0, 10, 0, 50), Hold, Debit, 11, short_by(1)),
        ("hold in", (0, 0, 0, 0), Hold, Credit, 50, Ok((0, 0, 0, 50))),
        ("settle out", (0, 100, 100, 0), Settle, Debit, 100, Ok((100, 100, 0, 0))),
        ("settle out in part", (0, 100, 100, 0), Settle, Debit, 30, Ok((30, 100, 70, 0))),
        ("settle out too much", (0, 100, 30, 0), Settle, Debit, 31, Err(Refusal::HoldMissing)),
        ("settle out against the other side's hold", (0, 100, 0, 30), Settle, Debit, 30, Err(Refusal::HoldMissing)),
        ("settle in", (0, 0, 0, 50), Settle, Credit, 50, Ok((0, 50, 0, 0))),
        ("settle in in part", (0, 0, 0, 50), Settle, Credit, 20, Ok((0, 20, 0, 30))),
        ("settle in too much", (0, 0, 0, 50), Settle, Credit, 51, Err(Refusal::HoldMissing)),
        ("release out", (0, 100, 100, 0), Release, Debit, 100, Ok((0, 100, 0, 0))),
        ("release out in part", (0, 100, 100, 0), Release, Debit, 30, Ok((0, 100, 70, 0))),
        ("release out too much", (0, 100, 30, 0), Release, Debit, 31, Err(Refusal::HoldMissing)),
        ("release in", (0, 0, 0, 50), Release, Credit, 50, Ok((0, 0, 0, 0))),
        ("release in too much", (0, 0, 50, 0), Release, Credit, 1, Err(Refusal::HoldMissing)),
    ];
    for (what, before, phase, side, minor, expected) in rows {
        let other = if *side == Debit { Credit } else { Debit };
        let legs = [("own", *side, *minor), ("rail", other, *minor)];
        let after = run(account(Credit, NONE, *before), *phase, &legs);
        assert_eq!(after.map(|account| totals(&account)), *expected, "{what}");
    }
}

/// The same rows, mirrored, hold for a debit-normal account: credits take away.
#[test]
fn a_debit_normal_account_is_the_mirror() {
    let hold = run(account(Debit, NONE, (100, 0, 0, 0)), Hold, &[("rail", Debit, 100), ("own", Credit, 100)]);
    assert_eq!(hold, Ok(account(Debit, NONE, (100, 0, 0, 100))));
    let again = run(account(Debit, NONE, (100, 0, 0, 100)), Post, &[("rail", Debit, 1), ("own", Credit, 1)]);
    assert_eq!(again, Err(Refusal::Insufficient { short_by: 1 }));
    let announced = run(account(Debit, NONE, (0, 0, 50, 0)), Post, &[("rail", Debit, 1), ("own", Credit, 1)]);
    assert_eq!(announced, Err(Refusal::Insufficient { short_by: 1 }));
    let settled = run(account(Debit, NONE, (100, 0, 0, 100)), Settle, &[("rail", Debit, 60), ("own", Credit, 60)]);
    assert_eq!(settled, Ok(account(Debit, NONE, (100, 60, 0, 40))));
}

#[test]
fn readings_follow_the_normal_side() {
    let agent = account(Credit, Floor::Overdraft(20), (30, 100, 15, 7));
    assert_eq!((agent.posted(), agent.held(), agent.spendable(), agent.available()), (70, 15, 55, Some(75)));
    let cash = account(Debit, Floor::Overdraft(20), (30, 100, 15, 7));
    assert_eq!((cash.posted(), cash.held(), cash.spendable(), cash.available()), (-70, 7, -77, Some(-57)));
    let rail = account(Debit, Floor::Unlimited, (30, 100, 15, 7));
    assert_eq!((rail.spendable(), rail.available()), (-77, None));
}

#[test]
fn readings_of_extreme_totals_do_not_wrap() {
    let max = i128::MAX;
    let rich = account(Credit, Floor::Overdraft(max), (0, max, 0, 0));
    assert_eq!(rich.available(), Some(max));
    let deep = account(Credit, Floor::Overdraft(max), (max, 0, 0, 0));
    assert_eq!((deep.spendable(), deep.available()), (-max, Some(0)));
    let impossible = account(Credit, NONE, (max, 0, max, 0));
    assert_eq!((impossible.spendable(), impossible.available()), (i128::MIN, Some(i128::MIN)));
}

#[test]
fn the_overdraft_is_spendable_to_the_last_unit() {
    let agent = account(Credit, Floor::Overdraft(20), (0, 100, 0, 0));
    let all = run(agent.clone(), Post, &[("own", Debit, 120), ("rail", Credit, 120)]);
    assert_eq!(all.map(|account| (account.spendable(), account.available())), Ok((-20, Some(0))));
    let more = run(agent, Post, &[("own", Debit, 121), ("rail", Credit, 121)]);
    assert_eq!(more, Err(Refusal::Insufficient { short_by: 1 }));
}

#[test]
fn an_unlimited_account_is_never_short() {
    let rail = account(Debit, Floor::Unlimited, (0, 0, 0, 0));
    let legs = [("rail", Debit, i128::MAX - 1_000), ("own", Credit, i128::MAX - 1_000)];
    for phase in [Post, Hold] {
        assert!(run(rail.clone(), phase, &legs).is_ok(), "{phase:?}");
    }
}

/// Money that passes through an account in one movement needs no balance there: the net is what counts.
#[test]
fn several_legs_of_one_account_count_by_their_net() {
    let empty = account(Credit, NONE, (0, 0, 0, 0));
    let through = [("own", Debit, 50), ("rail", Credit, 50), ("rail", Debit, 50), ("own", Credit, 50)];
    assert_eq!(run(empty.clone(), Post, &through), Ok(account(Credit, NONE, (50, 50, 0, 0))));
    // Held money does not arrive before it is settled, so passing through does not work with holds.
    assert_eq!(run(empty.clone(), Hold, &through), Err(Refusal::Insufficient { short_by: 50 }));

    let split = [("own", Debit, 60), ("own", Debit, 60), ("rail", Credit, 120)];
    let hundred = account(Credit, NONE, (0, 100, 0, 0));
    assert_eq!(run(hundred, Post, &split), Err(Refusal::Insufficient { short_by: 20 }));
    let held = account(Credit, NONE, (0, 200, 100, 0));
    assert_eq!(run(held, Settle, &split), Err(Refusal::HoldMissing));
    let enough = account(Credit, NONE, (0, 200, 130, 0));
    assert_eq!(run(enough, Settle, &split), Ok(account(Credit, NONE, (120, 200, 10, 0))));
}

/// An account can be below its floor only when it was read in so; what pays it up is still let in.
#[test]
fn an_account_below_its_floor_can_be_paid_up_settled_and_released() {
    let below = account(Credit, NONE, (100, 0, 30, 0));
    let out = [("own", Debit, 10), ("rail", Credit, 10)];
    assert!(run(below.clone(), Settle, &out).is_ok());
    assert!(run(below.clone(), Release, &out).is_ok());
    assert!(run(below.clone(), Post, &[("rail", Debit, 10), ("own", Credit, 10)]).is_ok());
    assert_eq!(run(below, Post, &out), Err(Refusal::Insufficient { short_by: 140 }));
}

/// A hold that could overflow when settled is refused when it is taken.
#[test]
fn what_was_held_can_always_be_settled() {
    let max = i128::MAX;
    let near = account(Credit, Floor::Unlimited, (max - 10, 0, 0, 0));
    assert_eq!(run(near.clone(), Hold, &[("own", Debit, 11), ("rail", Credit, 11)]), Err(Refusal::OutOfRange));
    let held = run(near, Hold, &[("own", Debit, 10), ("rail", Credit, 10)]);
    assert_eq!(held, Ok(account(Credit, Floor::Unlimited, (max - 10, 0, 10, 0))));
    let Ok(held) = held else { return };
    // A posting may not take the room that the hold needs.
    assert_eq!(run(held.clone(), Post, &[("own", Debit, 1), ("rail", Credit, 1)]), Err(Refusal::OutOfRange));
    let settled = run(held, Settle, &[("own", Debit, 10), ("rail", Credit, 10)]);
    assert_eq!(settled, Ok(account(Credit, Floor::Unlimited, (max, 0, 0, 0))));
}

#[test]
fn accounts_that_no_leg_names_stay_as_they_are() {
    let other = account(Credit, NONE, (1, 2, 3, 4));
    let mut accounts =
        [("other", other.clone()), ("own", account(Credit, NONE, (0, 9, 0, 0))), ("rail", other.clone())];
    accounts[2].1.floor = Floor::Unlimited;
    assert_eq!(post(&mut accounts, &movement(Post, &[("own", Debit, 9), ("rail", Credit, 9)])), Ok(()));
    assert_eq!(accounts[0].1, other);
    assert_eq!(totals(&accounts[1].1), (9, 9, 0, 0));
    assert_eq!(totals(&accounts[2].1), (1, 11, 3, 4));
}

#[test]
fn a_floor_may_change_unless_it_cuts_off_what_is_used() {
    // 20 used and 15 reserved of an overdraft of 50.
    let agent = account(Credit, Floor::Overdraft(50), (120, 100, 15, 0));
    assert_eq!(agent.with_floor(Floor::Overdraft(34)), Err(Refusal::Insufficient { short_by: 1 }));
    assert_eq!(agent.with_floor(NONE), Err(Refusal::Insufficient { short_by: 35 }));
    assert_eq!(agent.with_floor(Floor::Overdraft(-1)), Err(Refusal::OutOfRange));
    for floor in [Floor::Overdraft(35), Floor::Overdraft(i128::MAX), Floor::Unlimited] {
        assert_eq!(agent.with_floor(floor), Ok(account(Credit, floor, (120, 100, 15, 0))));
    }
    let rail = account(Debit, Floor::Unlimited, (0, 7, 0, 0));
    assert_eq!(rail.with_floor(Floor::Overdraft(6)), Err(Refusal::Insufficient { short_by: 1 }));
    assert!(rail.with_floor(Floor::Overdraft(7)).is_ok());
}

#[test]
fn a_negative_overdraft_counts_as_none() {
    assert_eq!(account(Credit, Floor::Overdraft(-5), (0, 10, 0, 0)).available(), Some(10));
}
