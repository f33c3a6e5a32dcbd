use ::store::Tx;
use base::{Environment, SessionId, Span, Stop, TenantId, UserId};
use serde_json::json;

use super::{Change, Events, News, Refusal, View, get, set, tell};
use crate::access::{Role, Row, Where, Who};
use crate::mail::{self, Kind};
use crate::proof::{Carried, From};
use crate::sessions::SessionRow;
use crate::users::tests::{House, open};
use crate::users::{EmailRow, UserRow};
use crate::{Placed, Session, seats};

const ANY: &Row = &Row {
    name: "ANY",
    method: "GET",
    path: "/any",
    who: Who::Signed,
    at: Where::Nowhere,
    step_up: false,
    answers: &[],
};

/// Somebody with a seat in the tenant whose address is proved, as far as told.
async fn seated(house: &House, of: Option<&TenantId>, email: &str, role: Role, proved: bool) -> (TenantId, UserId) {
    let made = house.registers(email).await.unwrap();
    let (of, person, key) = (of.cloned().unwrap_or(made.tenant), made.user.clone(), email.to_owned());
    let tenant = of.clone();
    let run = move |tx: &mut Tx<'_>| {
        seats::give(tx, &of, &person, role, None)?;
        if proved {
            let now = tx.now();
            let user = tx.get::<UserRow>(&UserRow::keyed(&person))?.unwrap();
            tx.put(UserRow { verified_at: Some(now), ..user });
            tx.get::<EmailRow>(&key)?;
            tx.put(EmailRow { email_key: key.clone(), person: person.clone() });
        }
        Ok(())
    };
    house.control.change(run).await.unwrap();
    (tenant, made.user)
}

async fn placed(house: &House, tenant: &TenantId, user: &UserId, environment: Environment) -> Placed {
    let session = Session {
        user: user.clone(),
        id: SessionId::draw(house.control.chance()),
        tenant: tenant.clone(),
        role: Role::Owner,
        verified: true,
        preferred: Environment::Sandbox,
        carried: Carried::Bearer,
        proved: None,
        from: From::new([203, 0, 113, 7].into(), "req_1", "a test"),
    };
    let (person, id, tenant) = (session.user.clone(), session.id.clone(), session.tenant.clone());
    let run = move |tx: &mut Tx<'_>| {
        let now = tx.now();
        tx.add(SessionRow {
            person: person.clone(),
            id: id.clone(),
            created_at: now,
            expires_at: now.plus(Span::hours(8)),
            revoked_at: None,
            carried: Carried::Bearer,
            cookie_mac: None,
            tenant: tenant.clone(),
            proved: None,
            ip: String::new(),
            agent: String::new(),
        });
        Ok(())
    };
    house.control.change(run).await.unwrap();
    session.permit(ANY).unwrap().in_environment(environment).unwrap()
}

/// Who gets a mail of this event.
async fn told(house: &House, of: &TenantId, environment: Environment, kind: Kind, by: Option<&UserId>) -> Vec<String> {
    while mail::take(&house.control).await.unwrap().is_some() {}
    let (of, by, letter) = (of.clone(), by.cloned(), mail::draw(&house.control));
    let run = move |tx: &mut Tx<'_>| {
        Ok(tell(tx, &letter, &News { of: &of, environment, by: by.as_ref(), kind, facts: &json!({}) })?)
    };
    house.control.change(run).await.unwrap();
    let mut addresses = Vec::new();
    while let Some(mail) = mail::take(&house.control).await.unwrap() {
        addresses.push(mail.address);
    }
    addresses.sort();
    addresses
}

async fn chosen(house: &House, placed: &Placed, addresses: &[&str], change: Change) -> Result<View, Refusal> {
    let addresses = addresses.iter().map(|address| (*address).to_owned()).collect();
    set(&house.control, placed, Some(addresses), change).await.map_err(|stop| match stop {
        Stop::Refused(refusal) => refusal,
        Stop::Faulted(fault) => panic!("{}", fault.chain()),
    })
}

#[tokio::test]
async fn until_somebody_chooses_the_owners_hear_of_live_and_nobody_of_the_sandbox() {
    let house = open();
    let (of, owner) = seated(&house, None, "owner@example.com", Role::Owner, true).await;
    let (_, admin) = seated(&house, Some(&of), "admin@example.com", Role::Admin, true).await;
    seated(&house, Some(&of), "unproved@example.com", Role::Owner, false).await;
    let (live, sandbox) = (Environment::Live, Environment::Sandbox);
    assert_eq!(told(&house, &of, live, Kind::KeyCreated, Some(&owner)).await, ["owner@example.com"]);
    let both = ["admin@example.com", "owner@example.com"];
    assert_eq!(told(&house, &of, live, Kind::KeyCreated, Some(&admin)).await, both);
    assert_eq!(told(&house, &of, live, Kind::LiveActive, None).await, ["owner@example.com"]);
    assert_eq!(told(&house, &of, sandbox, Kind::KeyCreated, Some(&owner)).await, Vec::<String>::new());
    let view = get(&house.control, &placed(&house, &of, &owner, live).await).unwrap();
    assert_eq!(view, View { environment: live, addresses: Vec::new(), events: Events::usual(live) });
}

#[tokio::test]
async fn each_environment_has_its_own_choice_and_each_event_its_own_word() {
    let house = open();
    let (of, owner) = seated(&house, None, "owner@example.com", Role::Owner, true).await;
    seated(&house, Some(&of), "money@example.com", Role::Finance, true).await;
    let (live, sandbox) = (Environment::Live, Environment::Sandbox);
    let (on_live, on_sandbox) = (placed(&house, &of, &owner, live).await, placed(&house, &of, &owner, sandbox).await);
    let off = Change { key_created: Some(false), ..Change::default() };
    let view = chosen(&house, &on_live, &["Money@Example.com", "money@example.com"], off).await.unwrap();
    assert_eq!(view.addresses, ["money@example.com"]);
    assert_eq!(view.events, Events { key_created: false, ..Events::usual(live) });
    assert_eq!(told(&house, &of, live, Kind::KeyCreated, Some(&owner)).await, Vec::<String>::new());
    assert_eq!(told(&house, &of, live, Kind::PlanChanged, None).await, ["money@example.com"]);
    let both = ["money@example.com", "owner@example.com"];
    assert_eq!(told(&house, &of, live, Kind::KeyRevoked, Some(&owner)).await, both);
    assert_eq!(get(&house.control, &on_sandbox).unwrap().events, Events::usual(sandbox));

    let on = Change { key_revoked: Some(true), ..Change::default() };
    set(&house.control, &on_sandbox, None, on).await.map_err(|_| "not chosen").unwrap();
    assert_eq!(told(&house, &of, sandbox, Kind::KeyRevoked, None).await, ["owner@example.com"]);
    assert_eq!(get(&house.control, &on_live).unwrap(), view);
}

#[tokio::test]
async fn mails_go_to_proved_addresses_with_a_seat_alone() {
    let house = open();
    let (of, owner) = seated(&house, None, "owner@example.com", Role::Owner, true).await;
    seated(&house, Some(&of), "unproved@example.com", Role::Admin, false).await;
    seated(&house, None, "stranger@example.com", Role::Owner, true).await;
    let (_, viewer) = seated(&house, Some(&of), "viewer@example.com", Role::Viewer, true).await;
    let live = placed(&house, &of, &owner, Environment::Live).await;
    for nobodys in ["unproved@example.com", "stranger@example.com", "nobody@example.com", "no address", ""] {
        let refused = chosen(&house, &live, &["viewer@example.com", nobodys], Change::default()).await;
        assert_eq!(refused.err(), Some(Refusal::NotAMember), "{nobodys:?}");
    }
    let six = ["viewer@example.com"; 6];
    assert_eq!(chosen(&house, &live, &six, Change::default()).await.err(), Some(Refusal::TooMany));
    assert_eq!(get(&house.control, &live).unwrap().addresses, Vec::<String>::new());

    chosen(&house, &live, &["viewer@example.com"], Change::default()).await.unwrap();
    assert_eq!(told(&house, &of, Environment::Live, Kind::KeyRevoked, None).await, ["viewer@example.com"]);
    // Where nobody of those who were chosen is left, it is the owners again.
    let gone = of.clone();
    let run = move |tx: &mut Tx<'_>| {
        let key = seats::SeatRow::keyed(&gone, &viewer);
        tx.get::<seats::SeatRow>(&key)?;
        tx.remove::<seats::SeatRow>(&key);
        Ok(())
    };
    house.control.change(run).await.unwrap();
    assert_eq!(told(&house, &of, Environment::Live, Kind::KeyRevoked, None).await, ["owner@example.com"]);
    assert_eq!(get(&house.control, &live).unwrap().addresses, Vec::<String>::new());
}
