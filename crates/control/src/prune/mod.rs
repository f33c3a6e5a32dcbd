//! What is past goes: rows that nothing asks for any more, and people who registered and never proved their address.
//!
//! A sweep walks whole tables, a page at a time, so that nothing on the way of a login has to be kept in order for it. What it
//! finds is judged again in the operation that removes it.
//!
//! Refuses nothing. Life of what it is about: past → swept.

mod departed;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;

use ::store::{Direction, Row, Tx};
use base::{Fault, Span, TicketId, Time, UserId};

use crate::Control;
use crate::mail::MailRow;
use crate::passkeys::CeremonyRow;
use crate::sessions::SessionRow;
use crate::throttle::ThrottleRow;
use crate::tickets::{Purpose, TicketRow};
use crate::users::UserRow;

pub(crate) use departed::forget;

/// What one sweep removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub users: u64,
    /// Of sessions, tickets, throttles, ceremonies and mails.
    pub rows: u64,
}

/// Removes all that is past by now.
pub async fn sweep(control: &Control) -> Result<Swept, Fault> {
    let mut rows = remove(control, ends_of_text(), |mail: &MailRow, now| is_over(mail, now)).await?;
    // A ticket whose mail was not sent yet begins to live when it is.
    let mut unsent = HashSet::new();
    look(control, ends_of_text(), |mail: MailRow| unsent.extend(mail.due_at.and(mail.ticket)))?;
    let unsent: Arc<HashSet<TicketId>> = Arc::new(unsent);
    let past = move |row: &TicketRow, now| row.expires_at <= now && !unsent.contains(&row.id);
    rows += remove(control, ends_of_text(), past).await?;
    rows += remove(control, ends_of_texts(), |row: &SessionRow, now| row.expires_at <= now).await?;
    // A throttle whose time has come is as one that was never used.
    rows += remove(control, ends_of_text(), |row: &ThrottleRow, now| row.tat <= now).await?;
    rows += remove(control, ends_of_text(), |row: &CeremonyRow, now| row.expires_at <= now).await?;
    Ok(Swept { users: unproved(control).await?, rows })
}

/// How long somebody may take to prove an address.
const UNPROVED: Span = Span::days(7);
/// Mails that were sent or given up are kept so long.
const MAILS: Span = Span::days(30);
/// Rows of one read, and of one operation.
const PAGE: usize = 200;

fn is_over(mail: &MailRow, now: Time) -> bool {
    mail.due_at.is_none() && mail.put_at.plus(MAILS) <= now
}

/// Those whose time is over, and who have no good link to prove their address by. A link that was asked for is its address's
/// until it is sent.
async fn unproved(control: &Control) -> Result<u64, Fault> {
    let (now, mut linked) = (control.now(), HashSet::new());
    let mut asked = HashSet::new();
    look(control, ends_of_text(), |row: TicketRow| {
        if row.purpose == Purpose::Verify && row.used_at.is_none() {
            match row.person {
                Some(person) => drop(linked.insert(person)),
                None => drop(asked.insert(row.email_key)),
            }
        }
    })?;
    let mut late: Vec<UserId> = Vec::new();
    look(control, ends_of_text(), |user: UserRow| {
        let late_now = user.verified_at.is_none() && user.created_at.plus(UNPROVED) <= now;
        let stays = linked.contains(&user.id) || asked.contains(&user.email_key);
        late.extend((late_now && !stays).then_some(user.id));
    })?;
    let mut users = 0;
    for person in late {
        users += u64::from(departed::leave(control, person).await?);
    }
    Ok(users)
}

/// Every row of a table, one read a page.
fn look<R: Row>(control: &Control, ends: (R::Key, R::Key), mut seen: impl FnMut(R)) -> Result<(), Fault> {
    let (mut from, to) = ends;
    let mut last: Option<R::Key> = None;
    loop {
        let page = control.store().read(|reader| reader.walk::<R>(&from, &to, Direction::Ascending, PAGE))?;
        let whole = page.len() < PAGE;
        for row in page {
            // The last of a page is the first of the next.
            let key = row.key();
            if last.as_ref() != Some(&key) {
                seen(row);
            }
            from = key.clone();
            last = Some(key);
        }
        if whole {
            return Ok(());
        }
    }
}

/// Removes what is past from a table, one operation a page, and answers how much that was.
async fn remove<R: Row>(
    control: &Control,
    ends: (R::Key, R::Key),
    past: impl Fn(&R, Time) -> bool + Clone + Send + 'static,
) -> Result<u64, Fault> {
    let (mut keys, now) = (Vec::new(), control.now());
    look(control, ends, |row: R| keys.extend(past(&row, now).then(|| row.key())))?;
    let mut removed = 0;
    for page in keys.chunks(PAGE) {
        let (page, past) = (page.to_vec(), past.clone());
        let run = move |tx: &mut Tx<'_>| {
            let (now, mut removed) = (tx.now(), 0);
            page.iter().for_each(|key| tx.want::<R>(key));
            for key in &page {
                if tx.get::<R>(key)?.is_some_and(|row| past(&row, now)) {
                    tx.remove::<R>(key);
                    removed += 1;
                }
            }
            Ok(removed)
        };
        removed += control.change(run).await?;
    }
    Ok(removed)
}

/// Around every key that is one text.
fn ends_of_text() -> (String, String) {
    (String::new(), "\u{10FFFF}".to_owned())
}

/// Around every key of two texts.
fn ends_of_texts() -> ((String, String), (String, String)) {
    let ((from, to), none) = (ends_of_text(), String::new);
    ((from, none()), (to, none()))
}
