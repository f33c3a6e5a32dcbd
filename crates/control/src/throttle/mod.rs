//! Throttles against guessing and flooding, kept in rows so that they outlive a restart. They slow networks; none locks
//! an account. The same rows are read and written for addresses that do not exist.

mod state;
mod store;
#[cfg(test)]
mod tests;

use ::store::{Missing, Tx};
use base::{Fault, Span, Time, UserId, mac};
use data_encoding::HEXLOWER;

use crate::Control;
use crate::proof::Net;
use crate::tickets::Purpose;

pub use state::Throttled;
pub use store::ThrottleRow;

/// What is counted together, and how much of it is let through in which time. Its name is keyed, so that the table
/// tells nobody which addresses exist.
#[derive(Clone)]
pub(crate) struct Scope {
    name: String,
    count: u32,
    within: Span,
}

impl Scope {
    /// Failed logins from a network.
    pub(crate) fn net(control: &Control, net: Net) -> Scope {
        Scope::named(control, "ip", &[&net.to_string()], control.settings().limits.failures_per_net, minutes(10))
    }

    /// Failed logins to an address from a network.
    pub(crate) fn pair(control: &Control, email_key: &str, net: Net) -> Scope {
        let count = control.settings().limits.failures_per_pair;
        Scope::named(control, "pair", &[email_key, &net.to_string()], count, minutes(15))
    }

    /// Failed logins to an address.
    pub(crate) fn address(control: &Control, email_key: &str) -> Scope {
        Scope::named(control, "mail", &[email_key], control.settings().limits.failures_per_address, Span::hours(1))
    }

    /// Not a limit: kept for 90 days where a login from this network to this address succeeded.
    pub(crate) fn known(control: &Control, email_key: &str, net: Net) -> Scope {
        Scope::named(control, "known", &[email_key, &net.to_string()], 1, Span::days(90))
    }

    /// Wrong codes of a user's authenticator app from a network.
    pub(crate) fn codes(control: &Control, person: &UserId, net: Net) -> Scope {
        Scope::named(control, "codes", &[&person.to_string(), &net.to_string()], CODES_PER_NET, Span::hours(1))
    }

    /// The same from all networks without a success.
    pub(crate) fn codes_from_anywhere(control: &Control, person: &UserId) -> Scope {
        Scope::named(control, "codes from anywhere", &[&person.to_string()], CODES_FROM_ANYWHERE, Span::hours(1))
    }

    /// Mails for one purpose that somebody asked for to an address: who has it flooded with others takes nobody's way to a
    /// new password.
    pub(crate) fn mails_to(control: &Control, email_key: &str, purpose: Purpose) -> Scope {
        let count = control.settings().limits.mails_per_hour;
        Scope::named(control, "mails to", &[email_key, purpose.word()], count, Span::hours(1))
    }

    /// Mails that a network asked for.
    pub(crate) fn mails_from(control: &Control, net: Net) -> Scope {
        let count = control.settings().limits.mails_per_net;
        Scope::named(control, "mails from", &[&net.to_string()], count, Span::hours(1))
    }

    pub(crate) fn registrations(control: &Control, net: Net) -> Scope {
        let count = control.settings().limits.registrations_per_hour;
        Scope::named(control, "registrations", &[&net.to_string()], count, Span::hours(1))
    }

    fn named(control: &Control, what: &str, of: &[&str], count: u32, within: Span) -> Scope {
        let text = std::iter::once(&what).chain(of).copied().collect::<Vec<_>>().join("\n");
        let name = HEXLOWER.encode(&mac::hmac(&control.secrets().throttle, &[text.as_bytes()]));
        Scope { name, count, within }
    }
}

/// Of a million codes three count at any time: who tries so many in an hour, the password in hand, is right within it
/// once in 11,000 times. In an hour from everywhere: once in 3,300.
const CODES_PER_NET: u32 = 30;
const CODES_FROM_ANYWHERE: u32 = 100;

fn minutes(minutes: i64) -> Span {
    Span::seconds(minutes * 60)
}

/// Takes one from each scope, or from none: then the answer says how long to wait. What a refused operation took is not
/// taken: count a failure in an operation that succeeds.
pub(crate) fn spend(tx: &mut Tx<'_>, scopes: &[Scope], now: Time) -> Result<Option<Throttled>, Missing> {
    let before = tats(tx, scopes)?;
    let after = match all_after_one(scopes, &before, now) {
        Ok(after) => after,
        Err(throttled) => return Ok(Some(throttled)),
    };
    for (scope, tat) in scopes.iter().zip(after) {
        tx.put(ThrottleRow { name: scope.name.clone(), tat });
    }
    Ok(None)
}

/// Makes scopes as if nothing had been taken.
pub(crate) fn forgive(tx: &mut Tx<'_>, scopes: &[Scope]) -> Result<(), Missing> {
    tats(tx, scopes)?;
    for scope in scopes {
        tx.remove::<ThrottleRow>(&scope.name);
    }
    Ok(())
}

/// Whether one could be taken from each, as committed.
pub(crate) fn standing(control: &Control, scopes: &[Scope], now: Time) -> Result<Option<Throttled>, Fault> {
    let before = control.store().read(|reader| {
        let row = |scope: &Scope| Ok(reader.get::<ThrottleRow>(&scope.name)?.map(|row| row.tat));
        scopes.iter().map(row).collect::<Result<Vec<_>, Fault>>()
    })?;
    Ok(all_after_one(scopes, &before, now).err())
}

fn tats(tx: &mut Tx<'_>, scopes: &[Scope]) -> Result<Vec<Option<Time>>, Missing> {
    for scope in scopes {
        tx.want::<ThrottleRow>(&scope.name);
    }
    scopes.iter().map(|scope| Ok(tx.get::<ThrottleRow>(&scope.name)?.map(|row| row.tat))).collect()
}

/// Every scope after one more use, or the longest wait of those that have none left.
fn all_after_one(scopes: &[Scope], before: &[Option<Time>], now: Time) -> Result<Vec<Time>, Throttled> {
    let one = |(scope, tat): (&Scope, &Option<Time>)| state::after_one(*tat, scope.count, scope.within, now);
    let all: Vec<_> = scopes.iter().zip(before).map(one).collect();
    match all.iter().filter_map(|one| one.err()).max_by_key(|throttled| throttled.retry_after) {
        Some(longest) => Err(longest),
        None => Ok(all.into_iter().flatten().collect()),
    }
}
