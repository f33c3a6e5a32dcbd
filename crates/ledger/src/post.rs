//! Applying a movement. Everything is checked before anything is written; nothing is allocated. Work grows with
//! legs × (legs + accounts given), which is meant for movements of a few legs.

use crate::{Account, Leg, Movement, Phase, Refusal, Side};

/// Applies `movement` to the accounts it names, all or nothing: on a refusal `accounts` is unchanged.
///
/// Refusals come in the order of [`Refusal`]. The floor is checked on the result, once per account and for the net of
/// its legs, where the movement lowers what is available. So settling and releasing are never short: the hold has
/// reserved already. [`crate::Floor::Unlimited`] accounts are never short. Keys in `accounts` are distinct; of equal
/// ones only the first is used.
pub fn post<K: Clone + Eq>(accounts: &mut [(K, Account)], movement: &Movement<K>) -> Result<(), Refusal> {
    well_formed(&movement.legs)?;
    accounts_match(accounts, movement)?;
    // The same sums are made twice rather than kept between the passes: adding is cheaper than allocating.
    affordable(accounts, movement)?;
    for (at, leg) in movement.legs.iter().enumerate() {
        if is_first_of_account(&movement.legs, at)
            && let Some((_, account)) = accounts.iter_mut().find(|(key, _)| *key == leg.account)
        {
            *account = after(account, movement, &leg.account)?;
        }
    }
    Ok(())
}

fn well_formed<K>(legs: &[Leg<K>]) -> Result<(), Refusal> {
    if legs.is_empty() {
        return Err(Refusal::NoLegs);
    }
    if legs.iter().any(|leg| leg.minor <= 0) {
        return Err(Refusal::NotPositive);
    }
    if exact_total(legs, Side::Debit) != exact_total(legs, Side::Credit) {
        return Err(Refusal::Unbalanced);
    }
    Ok(())
}

/// The sum of one side as (carries, low 128 bits), so that sums beyond the range still compare rightly.
fn exact_total<K>(legs: &[Leg<K>], side: Side) -> (usize, u128) {
    legs.iter().filter(|leg| leg.side == side).fold((0, 0u128), |(carries, low), leg| {
        let (low, carried) = low.overflowing_add(leg.minor.unsigned_abs());
        (carries + usize::from(carried), low)
    })
}

fn accounts_match<K: Eq>(accounts: &[(K, Account)], movement: &Movement<K>) -> Result<(), Refusal> {
    let mut wrong_asset = false;
    for leg in &movement.legs {
        let account = find(accounts, &leg.account)?;
        wrong_asset |= account.asset != movement.asset;
    }
    if wrong_asset { Err(Refusal::WrongAsset) } else { Ok(()) }
}

/// One pass over the accounts, which keeps the refusal that comes first in the documented order.
fn affordable<K: Eq>(accounts: &[(K, Account)], movement: &Movement<K>) -> Result<(), Refusal> {
    let (mut out_of_range, mut short_by) = (false, 0);
    for (at, leg) in movement.legs.iter().enumerate() {
        if !is_first_of_account(&movement.legs, at) {
            continue;
        }
        let before = find(accounts, &leg.account)?;
        match after(before, movement, &leg.account) {
            Ok(after) if short_by == 0 && after.available() < before.available() => short_by = after.shortfall(),
            Ok(_) => {}
            Err(Refusal::OutOfRange) => out_of_range = true,
            Err(refusal) => return Err(refusal),
        }
    }
    match (out_of_range, short_by) {
        (true, _) => Err(Refusal::OutOfRange),
        (false, 0) => Ok(()),
        (false, short_by) => Err(Refusal::Insufficient { short_by }),
    }
}

/// The account as the net of its legs leaves it; `HoldMissing` or `OutOfRange` when there is no such account.
fn after<K: Eq>(account: &Account, movement: &Movement<K>, key: &K) -> Result<Account, Refusal> {
    let takes_holds = matches!(movement.phase, Phase::Settle | Phase::Release);
    // No hold is as large as a sum beyond the range.
    let beyond = if takes_holds { Refusal::HoldMissing } else { Refusal::OutOfRange };
    let debits = total(&movement.legs, key, Side::Debit).ok_or(beyond)?;
    let credits = total(&movement.legs, key, Side::Credit).ok_or(beyond)?;
    if takes_holds && (debits > account.debits_held || credits > account.credits_held) {
        return Err(Refusal::HoldMissing);
    }
    let (debits_posted, debits_held) =
        moved(movement.phase, account.debits_posted, account.debits_held, debits).ok_or(Refusal::OutOfRange)?;
    let (credits_posted, credits_held) =
        moved(movement.phase, account.credits_posted, account.credits_held, credits).ok_or(Refusal::OutOfRange)?;
    Ok(Account { debits_posted, credits_posted, debits_held, credits_held, ..account.clone() })
}

/// One side's totals after `minor` more; `None` when the totals, settled whole, would leave the range. Refusing that
/// here, before the hold is taken, is what lets every hold be settled later.
fn moved(phase: Phase, posted: i128, held: i128, minor: i128) -> Option<(i128, i128)> {
    let (posted, held) = match phase {
        Phase::Post => (posted.checked_add(minor)?, held),
        Phase::Hold => (posted, held.checked_add(minor)?),
        Phase::Settle => (posted.checked_add(minor)?, held.checked_sub(minor)?),
        Phase::Release => (posted, held.checked_sub(minor)?),
    };
    posted.checked_add(held)?;
    Some((posted, held))
}

/// What the legs move on one side of one account; `None` beyond the range.
fn total<K: Eq>(legs: &[Leg<K>], key: &K, side: Side) -> Option<i128> {
    let own = legs.iter().filter(|leg| leg.side == side && leg.account == *key);
    own.map(|leg| leg.minor).try_fold(0i128, i128::checked_add)
}

fn is_first_of_account<K: Eq>(legs: &[Leg<K>], at: usize) -> bool {
    legs[..at].iter().all(|earlier| earlier.account != legs[at].account)
}

fn find<'a, K: Eq>(accounts: &'a [(K, Account)], key: &K) -> Result<&'a Account, Refusal> {
    accounts.iter().find(|(given, _)| given == key).map(|(_, account)| account).ok_or(Refusal::AccountMissing)
}
