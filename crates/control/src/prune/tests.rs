use ::store::{Direction, Reader, Row, Tx};
use base::{Environment, Secret, Span, TicketId, UserId};

use super::{PAGE, Swept, sweep};
use crate::audit::{self, AuditHeadRow};
use crate::environments::{EnvironmentRow, Status};
use crate::mail::{self, MailRow};
use crate::proof::{Carried, From};
use crate::seats::{SeatOfRow, SeatRow};
use crate::sessions::{self, SessionRow};
use crate::throttle::ThrottleRow;
use crate::tickets::TicketRow;
use crate::users::tests::{House, open};
use crate::users::{self, PendingEmailRow, Registered, UserRow};

const JO: &str = "jo@example.com";
const WEEK: Span = Span::days(7);

async fn log_in(house: &House, email: &str, password: &str) -> bool {
    let (from, password) = (from(), Secret::new(password.to_owned()));
    sessions::log_in(&house.control, &from, email, password, Carried::Bearer).await.is_ok()
}

fn from() -> From {
    From::new([203, 0, 113, 7].into(), "req_1", "a test")
}

fn one<R: Row>(house: &House, key: &R::Key) -> Option<R> {
    house.control.store().read(|reader| reader.get::<R>(key)).unwrap()
}

fn count<R: Row>(house: &House) -> u64 {
    house.control.store().read(|reader: &Reader<'_>| reader.count::<R>()).unwrap()
}

async fn swept(house: &House) -> Swept {
    sweep(&house.control).await.unwrap()
}

fn sandbox(house: &House, of: &Registered) -> Status {
    one::<EnvironmentRow>(house, &EnvironmentRow::keyed(&of.tenant, &Environment::Sandbox)).unwrap().status
}

#[tokio::test]
async fn who_never_proves_an_address_is_gone_after_a_week() {
    let house = open();
    let jo = house.registers(JO).await.unwrap();
    assert!(log_in(&house, JO, "SecurePass1").await);
    while let Some(mail) = mail::take(&house.control).await.unwrap() {
        mail::sent(&house.control, &mail.id).await.unwrap();
    }
    house.clock.advance(Span(WEEK.0 - 1));
    assert_eq!(swept(&house).await.users, 0);
    assert!(sandbox(&house, &jo) != Status::Suspended && log_in(&house, JO, "SecurePass1").await);
    house.clock.advance(Span(1));
    let lines = |house: &House| one::<AuditHeadRow>(house, &jo.tenant.to_string()).unwrap().n;
    let before = lines(&house);
    assert_eq!(swept(&house).await.users, 1);
    assert_eq!((swept(&house).await.users, lines(&house)), (0, before + 2));
    assert_eq!(sandbox(&house, &jo), Status::Suspended);
    assert!(one::<UserRow>(&house, &UserRow::keyed(&jo.user)).is_none());
    assert!(one::<PendingEmailRow>(&house, &JO.to_owned()).is_none());
    assert_eq!((count::<SeatRow>(&house), count::<SeatOfRow>(&house), count::<SessionRow>(&house)), (0, 0, 0));
    assert!(!log_in(&house, JO, "SecurePass1").await);
    let verified = audit::verify(&house.control, &crate::Operator::over_the_socket()).unwrap();
    assert_eq!(verified.wrong, Vec::<String>::new());
    // The address is as free as it was.
    let again = house.registers(JO).await.unwrap();
    assert!(again.user != jo.user && log_in(&house, JO, "SecurePass1").await);
}

#[tokio::test]
async fn who_proved_it_or_still_has_a_good_link_or_shares_a_tenant_stays() {
    let house = open();
    let (proved, linked) = (house.registers(JO).await.unwrap(), house.registers("linked@example.com").await.unwrap());
    let shares = house.registers("shares@example.com").await.unwrap();
    let mut tokens = Vec::new();
    while let Some(mail) = mail::take(&house.control).await.unwrap() {
        mail::sent(&house.control, &mail.id).await.unwrap();
        tokens.extend(mail.token.map(|token| (mail.address, token)));
    }
    let (_, token) = tokens.iter().find(|(address, _)| address == JO).unwrap();
    users::verify(&house.control, &from(), token.expose()).await.map_err(|_| "not verified").unwrap();
    let (of, person) = (shares.tenant.clone(), proved.user.clone());
    let seat = move |tx: &mut Tx<'_>| Ok(crate::seats::give(tx, &of, &person, crate::Role::Viewer, None)?);
    house.control.change(seat).await.unwrap();
    house.clock.advance(Span(WEEK.0 - 1));
    users::resend(&house.control, &from(), "linked@example.com").await.map_err(|_| "not sent").unwrap();
    while let Some(mail) = mail::take(&house.control).await.unwrap() {
        mail::sent(&house.control, &mail.id).await.unwrap();
    }
    house.clock.advance(Span(1));
    assert_eq!(swept(&house).await.users, 0);
    let there = |house: &House, id: &UserId| one::<UserRow>(house, &UserRow::keyed(id)).is_some();
    assert!([&proved, &linked, &shares].iter().all(|one| there(&house, &one.user)));
    house.clock.advance(WEEK);
    assert_eq!(swept(&house).await.users, 1);
    assert_eq!([&proved, &linked, &shares].map(|one| there(&house, &one.user)), [true, false, true]);
}

#[tokio::test]
async fn who_asked_for_a_link_that_is_not_sent_yet_stays() {
    let house = open();
    let jo = house.registers(JO).await.unwrap();
    house.mails().await;
    house.clock.advance(WEEK);
    users::resend(&house.control, &from(), JO).await.map_err(|_| "not asked for").unwrap();
    assert_eq!(swept(&house).await.users, 0);
    let (_, _, token) = house.mails().await.pop().unwrap();
    users::verify(&house.control, &from(), &token.unwrap()).await.map_err(|_| "not verified").unwrap();
    assert!(one::<UserRow>(&house, &UserRow::keyed(&jo.user)).unwrap().verified_at.is_some());
}

#[tokio::test]
async fn what_is_past_goes_and_what_may_be_asked_for_stays() {
    let house = open();
    house.registers(JO).await.unwrap();
    assert!(log_in(&house, JO, "SecurePass1").await && !log_in(&house, JO, "WrongPass9").await);
    let (ticket, mail) = (first::<TicketRow>(&house), first::<MailRow>(&house));
    // The mail waits for its server: its ticket waits with it, although its own time is over.
    house.clock.advance(Span::days(8));
    let rows = swept(&house).await.rows;
    assert_eq!(count::<SessionRow>(&house), 0);
    // The session and four throttles; that Jo's network is known stays for ninety days.
    assert_eq!((rows, count::<ThrottleRow>(&house)), (5, 1));
    assert!(one::<TicketRow>(&house, &ticket.key()).is_some());
    let taken = mail::take(&house.control).await.unwrap().unwrap();
    assert_eq!(taken.id, mail.id);
    mail::sent(&house.control, &mail.id).await.unwrap();
    house.clock.advance(Span::days(7));
    assert!(swept(&house).await.rows == 1 && one::<TicketRow>(&house, &ticket.key()).is_none());
    house.clock.advance(Span(Span::days(15).0 - 1));
    assert!(swept(&house).await.rows == 0 && one::<MailRow>(&house, &mail.id).is_some());
    house.clock.advance(Span(1));
    assert!(swept(&house).await.rows == 1 && one::<MailRow>(&house, &mail.id).is_none());
    house.clock.advance(Span::days(90));
    swept(&house).await;
    assert_eq!(count::<ThrottleRow>(&house), 0);
}

#[tokio::test]
async fn a_table_of_many_pages_is_swept_to_its_end() {
    let house = open();
    let ids: Vec<TicketId> = (0..PAGE * 2 + 1).map(|_| TicketId::draw(house.control.chance())).collect();
    let now = house.control.now();
    let put = move |tx: &mut Tx<'_>| {
        for (at, id) in ids.iter().enumerate() {
            let expires_at = if at % 7 == 0 { now.plus(WEEK) } else { now };
            let (purpose, email_key) = (crate::tickets::Purpose::Reset, String::new());
            let (person, tenant, used_at, issued_at) = (None, None, None, now);
            let id = id.clone();
            tx.add(TicketRow { id, purpose, person, email_key, tenant, issued_at, expires_at, used_at, wrong: 0 });
        }
        Ok(())
    };
    house.control.change(put).await.unwrap();
    let stay = (PAGE * 2 + 1).div_ceil(7) as u64;
    let all = (PAGE * 2 + 1) as u64;
    assert_eq!(swept(&house).await, Swept { users: 0, rows: all - stay });
    assert_eq!(count::<TicketRow>(&house), stay);
}

/// The first row of a table whose key is one text.
fn first<R: Row<Key = String>>(house: &House) -> R {
    let walk =
        |reader: &Reader<'_>| reader.walk::<R>(&String::new(), &"\u{10FFFF}".to_owned(), Direction::Ascending, 1);
    house.control.store().read(walk).unwrap().remove(0)
}
