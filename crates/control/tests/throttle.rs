//! Guessing is slowed down, network by network, and nobody is locked out of an account by others who guess.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use base::{Span, Stop};
use control::mail::Kind;
use control::sessions::{self, LoggedIn, Refusal};
use control::{Carried, Control, Limits, users};
use kit::{House, PASSWORD, from, mails, secret, verified};

const JO: &str = "jo@example.com";
const WRONG: &str = "WrongPass9";
const HOME: &str = "10.0.0.1";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    In,
    Invalid,
    Throttled(Span),
}

async fn log_in(control: &Control, ip: &str, email: &str, password: &str) -> Said {
    match sessions::log_in(control, &from(ip), email, secret(password), Carried::Bearer).await {
        Ok(LoggedIn::In { .. }) => Said::In,
        Ok(LoggedIn::SecondStep(_)) => panic!("nobody here has a second factor"),
        Err(Stop::Refused(Refusal::Invalid | Refusal::CodeInvalid)) => Said::Invalid,
        Err(Stop::Refused(Refusal::Throttled { retry_after })) => Said::Throttled(retry_after),
        Err(Stop::Faulted(fault)) => panic!("{}", fault.chain()),
    }
}

/// Jo has an account and has signed in from home. Few tries are allowed, so that few passwords are hashed.
async fn house() -> House {
    let house = kit::tuned(|settings| {
        let few = Limits { failures_per_net: 8, failures_per_pair: 5, failures_per_address: 12, ..Limits::default() };
        settings.limits = few;
    });
    verified(&house.control, JO, HOME).await;
    assert_eq!(log_in(&house.control, HOME, JO, PASSWORD).await, Said::In);
    house
}

/// Guesses until it is told to wait, and answers how many times it could.
async fn guessed(control: &Control, ip: &str, email: &str) -> (usize, Span) {
    for tries in 0..100 {
        match log_in(control, ip, email, WRONG).await {
            Said::Invalid => {}
            Said::Throttled(wait) => return (tries, wait),
            Said::In => panic!("a wrong password is no password"),
        }
    }
    panic!("nothing stops it");
}

#[tokio::test]
async fn guessing_stops_at_the_limit_and_goes_on_no_faster_than_it_allows() {
    let house = house().await;
    let (tries, wait) = guessed(&house.control, "203.0.113.1", JO).await;
    assert_eq!((tries, wait), (5, Span::seconds(15 * 60 / 5)));
    // From another address of that network, and with the right password: it waits alike.
    assert_eq!(log_in(&house.control, "203.0.113.200", JO, PASSWORD).await, Said::Throttled(wait));
    assert_eq!(log_in(&house.control, "203.0.114.1", JO, WRONG).await, Said::Invalid);
    house.clock.advance(Span(wait.0 - 1));
    assert_eq!(log_in(&house.control, "203.0.113.1", JO, WRONG).await, Said::Throttled(Span(1)));
    house.clock.advance(Span(1));
    assert_eq!(log_in(&house.control, "203.0.113.1", JO, WRONG).await, Said::Invalid);
    assert!(matches!(log_in(&house.control, "203.0.113.1", JO, WRONG).await, Said::Throttled(_)));
}

#[tokio::test]
async fn at_the_same_time_no_more_can_be_tried_than_one_by_one() {
    let house = house().await;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let control = house.control.clone();
            tokio::spawn(async move { log_in(&control, "203.0.113.1", JO, WRONG).await })
        })
        .collect();
    let mut tried = 0;
    for task in tasks {
        tried += usize::from(task.await.unwrap() == Said::Invalid);
    }
    assert_eq!(tried, 5);
}

#[tokio::test]
async fn one_network_that_tries_many_addresses_is_stopped_too() {
    let house = house().await;
    let mut tries = 0;
    while log_in(&house.control, "203.0.113.1", &format!("u{tries}@example.com"), WRONG).await == Said::Invalid {
        tries += 1;
    }
    assert_eq!(tries, 8);
}

#[tokio::test]
async fn who_signed_in_from_a_network_before_still_does_while_others_guess() {
    let house = house().await;
    let mut tried = 0;
    for net in 0..10 {
        tried += guessed(&house.control, &format!("203.0.{net}.1"), JO).await.0;
    }
    // Twelve, with the one of Jo's when home was not known yet.
    assert_eq!(tried, 11);
    assert!(matches!(log_in(&house.control, "198.51.100.1", JO, PASSWORD).await, Said::Throttled(_)));
    assert_eq!(log_in(&house.control, HOME, JO, PASSWORD).await, Said::In);
    // Elsewhere a mailed reset opens the way.
    users::forgot(&house.control, &from("203.0.0.1"), JO).await.map_err(|_| ()).unwrap();
    let token = mails(&house.control).await.pop().unwrap().2.unwrap();
    let reset = users::reset(&house.control, &from("203.0.0.1"), &token, secret("AnotherPass2")).await;
    assert!(reset.is_ok());
    assert_eq!(log_in(&house.control, "203.0.0.1", JO, "AnotherPass2").await, Said::In);
    assert!(matches!(log_in(&house.control, "198.51.100.1", JO, "AnotherPass2").await, Said::Throttled(_)));
}

#[tokio::test]
async fn who_asks_for_other_mails_takes_nobodys_way_to_a_new_password() {
    let house = house().await;
    for net in 0..10 {
        users::resend(&house.control, &from(&format!("203.0.{net}.1")), JO).await.map_err(|_| ()).unwrap();
    }
    users::forgot(&house.control, &from(HOME), JO).await.map_err(|_| ()).unwrap();
    let letters: Vec<_> = mails(&house.control).await.into_iter().map(|(kind, _, _)| kind).collect();
    let other = letters.iter().filter(|kind| **kind == Kind::AlreadyHere).count();
    assert_eq!(other, usize::try_from(Limits::default().mails_per_hour).unwrap());
    assert_eq!((letters.len(), letters.contains(&Kind::Reset)), (other + 1, true));
}

#[tokio::test]
async fn an_address_that_nobody_has_throttles_alike() {
    let house = house().await;
    let jo = guessed(&house.control, "203.0.113.1", JO).await;
    assert_eq!(guessed(&house.control, "198.51.100.1", "nobody@example.com").await, jo);
}

#[tokio::test]
async fn a_restart_forgets_nothing() {
    let house = house().await;
    guessed(&house.control, "203.0.113.1", JO).await;
    let house = house.again();
    assert!(matches!(log_in(&house.control, "203.0.113.1", JO, PASSWORD).await, Said::Throttled(_)));
    assert_eq!(log_in(&house.control, HOME, JO, PASSWORD).await, Said::In);
}
