//! How long an answer takes tells nothing about an address: whoever times logins and requests for a new password, of addresses
//! that somebody has and of addresses that nobody has, is no better off than with a coin.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use std::time::Instant;

use control::{Carried, Control, sessions, users};
use kit::auc::{auc_milli, judged, pairs};
use kit::{House, from, new_user, secret};

#[test]
fn the_measure_tells_what_differs_from_what_does_not() {
    let (low, high): (Vec<u128>, Vec<u128>) = ((0..100).collect(), (1_000..1_100).collect());
    assert_eq!((auc_milli(&high, &low), auc_milli(&low, &high), auc_milli(&low, &low)), (1_000, 0, 500));
}

/// A front office as it is shipped.
fn house() -> House {
    kit::tuned(|settings| settings.run_twice = false)
}

/// An address that somebody has, or one that nobody has.
fn address(at: usize, side: usize) -> String {
    format!("{}{at}@example.com", ["known", "other"][side])
}

/// An address in a network that nothing else comes from.
fn network(number: usize) -> String {
    format!("10.{}.{}.1", number / 256, number % 256)
}

/// Everybody who is known; every other one has proved the address.
async fn everybody(control: &Control, how_many: usize) {
    for at in 0..how_many {
        let (ip, email) = (network(30_000 + at), address(at, 0));
        if at % 2 == 0 {
            kit::verified(control, &email, &ip).await;
        } else {
            users::register(control, &from(&ip), new_user(&email)).await.map_err(|_| "not registered").unwrap();
        }
    }
}

/// Asks for an address, each time from a network of its own, so that no throttle answers.
async fn timed(figure: &str, seed: u64, ask: impl AsyncFn(&str, &str)) {
    let took = async |round: usize, at: usize, side: usize| {
        let (email, ip) = (address(at, side), network(10_000 * round + 2 * at + side));
        let began = Instant::now();
        ask(&email, &ip).await;
        began.elapsed().as_nanos()
    };
    judged(figure, seed, took).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_and_a_reset_take_as_long_for_an_address_that_nobody_has() {
    let (house, seed) = (house(), kit::seed());
    everybody(&house.control, pairs()).await;
    let forgot = async |email: &str, ip: &str| {
        assert!(users::forgot(&house.control, &from(ip), email).await.is_ok());
    };
    timed("reset_auc_milli", seed, forgot).await;
    let wrong = async |email: &str, ip: &str| {
        let tried = sessions::log_in(&house.control, &from(ip), email, secret("WrongPass9"), Carried::Bearer).await;
        assert!(matches!(tried, Err(base::Stop::Refused(sessions::Refusal::Invalid))));
    };
    timed("login_auc_milli", seed, wrong).await;
}
