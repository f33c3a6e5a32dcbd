//! No answer tells whether an address has an account: whatever is asked of an address that is taken, free or pending, the
//! same rows are written and the same is answered. The letter alone differs.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use std::collections::BTreeMap;

use base::Stop;
use control::mail::Kind;
use control::sessions::{self, LoggedIn};
use control::{Carried, Control, Role, invitations, users};
use kit::{House, PASSWORD, desk, from, mails, new_user, registered, secret, verified};
use store::Inspector;

control::rows! {
    MEMBERS: POST "/members", seats(B B N N N), at Nowhere, step_up, 201;
}

const TAKEN: &str = "taken@example.com";
const FREE: &str = "free@example.com";
const PENDING: &str = "pending@example.com";
/// Each address is asked for from a network of its own, so that what one asked for does not count for another.
const ASKED: [(&str, &str); 3] = [(TAKEN, "192.0.2.1"), (FREE, "198.51.100.1"), (PENDING, "203.0.113.1")];

/// A front office in which every table and chain has been used before.
async fn house() -> House {
    let house = kit::open();
    verified(&house.control, TAKEN, "10.0.0.1").await;
    registered(&house.control, PENDING, "10.0.1.1").await;
    users::forgot(&house.control, &from("10.0.2.1"), "other@example.com").await.map_err(|_| ()).unwrap();
    let _ = log_in(&house.control, "other@example.com", "10.0.3.1", "WrongPass9").await;
    mails(&house.control).await;
    house
}

/// Rows of each table and a digest of them.
async fn tables(house: &House) -> BTreeMap<&'static str, (u64, String)> {
    let place = kit::place(house.dir.path());
    let read = move || {
        let mut inspector = Inspector::of(&place).unwrap().unwrap();
        inspector.rows(&control::schema(), &mut |_, _| ()).unwrap()
    };
    let read = tokio::task::spawn_blocking(read).await.unwrap();
    read.into_iter().map(|table| (table.table, (table.rows, table.digest))).collect()
}

/// Which tables a request changed, and by how many rows. A pending address is written over, so there it is the change alone.
async fn written<T>(house: &House, ask: impl AsyncFn() -> T) -> (T, BTreeMap<&'static str, u64>) {
    let before = tables(house).await;
    let answer = ask().await;
    let after = tables(house).await;
    let changed = after.into_iter().filter(|(table, now)| before[table] != *now);
    let more = changed.map(|(table, now)| (table, if table == "pending_email" { 1 } else { now.0 - before[table].0 }));
    (answer, more.collect())
}

async fn log_in(control: &Control, email: &str, ip: &str, password: &str) -> Result<(bool, String), String> {
    let said = sessions::log_in(control, &from(ip), email, secret(password), Carried::Bearer).await;
    match said {
        Ok(LoggedIn::In { view, .. }) => Ok((view.verified, view.id.to_string())),
        Ok(LoggedIn::SecondStep(_)) => panic!("nobody here has a second factor"),
        Err(Stop::Refused(refusal)) => Err(refusal.to_string()),
        Err(Stop::Faulted(fault)) => panic!("{}", fault.chain()),
    }
}

fn said<T, R: std::fmt::Display>(answer: Result<T, Stop<R>>) -> Result<T, String> {
    answer.map_err(|stop| match stop {
        Stop::Refused(refusal) => refusal.to_string(),
        Stop::Faulted(fault) => panic!("{}", fault.chain()),
    })
}

/// Asks the same of all three addresses: answers and written rows are alike. Answers which letters they got.
async fn alike<T: PartialEq + std::fmt::Debug>(
    house: &House,
    ask: impl AsyncFn(&Control, &'static str, &'static str) -> T,
) -> [Vec<(Kind, bool)>; 3] {
    let mut seen = Vec::new();
    let mut letters = Vec::new();
    for (email, ip) in ASKED {
        seen.push(written(house, async || ask(&house.control, email, ip).await).await);
        let got = mails(&house.control).await;
        letters.push(got.into_iter().map(|(kind, _, token)| (kind, token.is_some())).collect());
    }
    assert!(!seen[0].1.is_empty(), "nothing was written");
    assert_eq!(seen[0], seen[1]);
    assert_eq!(seen[0], seen[2]);
    letters.try_into().unwrap()
}

#[tokio::test]
async fn registering_tells_nothing_and_neither_does_what_follows() {
    let house = house().await;
    let letters = alike(&house, async |control, email, ip| {
        let registered = said(users::register(control, &from(ip), new_user(email)).await)?;
        Ok::<_, String>((registered.first, registered.last, registered.email == email))
    });
    let confirm = vec![(Kind::Confirm, true)];
    assert_eq!(letters.await, [vec![(Kind::AlreadyHere, false)], confirm.clone(), confirm]);
    // The newcomer signs in with the password that he chose, whoever has the address.
    let mut new = new_user(TAKEN);
    new.password = secret("NewcomersPass1");
    users::register(&house.control, &from("192.0.2.1"), new).await.map_err(|_| ()).unwrap();
    let newcomer = log_in(&house.control, TAKEN, "192.0.2.1", "NewcomersPass1").await.unwrap();
    let free = log_in(&house.control, FREE, "198.51.100.1", PASSWORD).await.unwrap();
    let holder = log_in(&house.control, TAKEN, "192.0.2.1", PASSWORD).await.unwrap();
    assert_eq!((newcomer.0, free.0, holder.0), (false, false, true));
    assert_ne!(newcomer.1, holder.1);
}

#[tokio::test]
async fn asking_for_a_new_password_tells_nothing() {
    let house = house().await;
    let letters = alike(&house, async |control, email, ip| said(users::forgot(control, &from(ip), email).await));
    let reset = vec![(Kind::Reset, true)];
    assert_eq!(letters.await, [reset.clone(), vec![], reset]);
}

#[tokio::test]
async fn asking_for_the_proof_again_tells_nothing() {
    let house = house().await;
    let letters = alike(&house, async |control, email, ip| said(users::resend(control, &from(ip), email).await));
    assert_eq!(letters.await, [vec![(Kind::AlreadyHere, false)], vec![], vec![(Kind::Confirm, true)]]);
}

#[tokio::test]
async fn inviting_tells_nothing() {
    let house = house().await;
    verified(&house.control, "sam@example.com", "10.0.4.1").await;
    let sam = desk::token(&house.control, "sam@example.com", "10.0.4.1").await;
    let invite = async |control: &Control, email: &'static str, _: &'static str| {
        let (permit, proof) = (desk::permit(control, &sam, MEMBERS), desk::proof(control, &sam));
        let invited = said(invitations::invite(control, &permit, &proof, email, Role::Viewer).await)?;
        Ok::<_, String>((invited.role, invited.email == email, invited.expires_at.since(invited.created_at)))
    };
    invite(&house.control, "first@example.com", "").await.unwrap();
    mails(&house.control).await;
    let invited = vec![(Kind::Invited, true)];
    assert_eq!(alike(&house, invite).await, [invited.clone(), invited.clone(), invited]);
}

#[tokio::test]
async fn a_wrong_password_tells_nothing() {
    let house = house().await;
    let letters = alike(&house, async |control, email, ip| log_in(control, email, ip, "WrongPass9").await);
    assert_eq!(letters.await, [vec![], vec![], vec![]]);
}

#[tokio::test]
async fn mails_beyond_the_limit_of_an_address_are_answered_alike_and_not_sent() {
    let house = house().await;
    for (email, ip) in ASKED {
        let mut sent = 0;
        for _ in 0..8 {
            said(users::forgot(&house.control, &from(ip), email).await).unwrap();
            sent += mails(&house.control).await.len();
        }
        assert_eq!(sent, if email == FREE { 0 } else { 5 }, "{email}");
    }
    for _ in 0..20 - 8 {
        said(users::resend(&house.control, &from("192.0.2.9"), "more@example.com").await).unwrap();
    }
    let refused = said(users::forgot(&house.control, &from("192.0.2.200"), "more@example.com").await);
    assert_eq!(refused.unwrap_err(), "too many tries; wait and try again");
}
