use std::convert::Infallible;

use ::store::{Direction, Tx};
use base::{TenantId, Time, UserId};

use super::{SeatOfRow, SeatRow, give, of, role_of};
use crate::access::Role;
use crate::json_row::all_of;

fn tenant(last: char) -> TenantId {
    format!("tnt_000000000000000{last}").parse().unwrap()
}

fn user(last: char) -> UserId {
    format!("usr_000000000000000{last}").parse().unwrap()
}

#[tokio::test]
async fn a_seat_is_found_by_its_tenant_and_by_its_user_and_is_in_no_other_tenant() {
    let dir = tempfile::tempdir().unwrap();
    let control = crate::tenants::tests::open(dir.path());
    let run = |tx: &mut Tx<'_>| {
        give(tx, &tenant('1'), &user('a'), Role::Owner, None)?;
        give(tx, &tenant('1'), &user('b'), Role::Viewer, Some(user('a')))?;
        Ok(give(tx, &tenant('2'), &user('a'), Role::Finance, None)?)
    };
    control.run::<_, Infallible, _>(run).await.unwrap();

    let role = |at: char, who: char| control.store().read(|reader| role_of(reader, &tenant(at), &user(who))).unwrap();
    assert_eq!([role('1', 'a'), role('1', 'b')], [Some(Role::Owner), Some(Role::Viewer)]);
    assert_eq!([role('2', 'a'), role('2', 'b')], [Some(Role::Finance), None]);
    let seats = control.run::<_, Infallible, _>(|tx: &mut Tx<'_>| Ok(of(tx, &tenant('1'))?)).await.unwrap();
    assert_eq!(seats.into_iter().map(|seat| seat.person).collect::<Vec<_>>(), [user('a'), user('b')]);
    let (from, to) = all_of(&user('a').to_string());
    let listed = control.store().read(|reader| reader.walk::<SeatOfRow>(&from, &to, Direction::Ascending, 9)).unwrap();
    assert_eq!(listed.into_iter().map(|seat| seat.of).collect::<Vec<_>>(), [tenant('1'), tenant('2')]);
}

#[tokio::test]
async fn who_has_a_seat_gets_another_role_and_stays_since_when_he_was() {
    let dir = tempfile::tempdir().unwrap();
    let control = crate::tenants::tests::open(dir.path());
    let kept = SeatRow { of: tenant('1'), person: user('a'), role: Role::Admin, since: Time(7), invited_by: None };
    let run = move |tx: &mut Tx<'_>| {
        tx.get::<SeatRow>(&SeatRow::keyed(&kept.of, &kept.person))?;
        tx.put(kept.clone());
        give(tx, &tenant('1'), &user('a'), Role::Viewer, None)?;
        Ok(of(tx, &tenant('1'))?)
    };
    let seats = control.run::<_, Infallible, _>(run).await.unwrap();
    assert_eq!((seats.len(), seats[0].role, seats[0].since), (1, Role::Viewer, Time(7)));
}
