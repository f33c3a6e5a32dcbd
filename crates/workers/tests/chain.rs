//! A live plane chained to a peer by the CashQ contract, over a network that loses things: what we settled is what the
//! peer paid, to the cent, whatever happened in between.
#![allow(clippy::inconsistent_digit_grouping, reason = "cents are written as dollars and two places")]
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod kit;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base::{Environment, Secret, Span, SystemClock};
use kit::lossy::{Fate, Lossy};
use kit::peer::{End, FAILS, KEY, Kept, Peer, REFUSES, REFUSES_ONCE};
use kit::{Agent, open_with, until};
use plane::Plane;
use plane::payouts::{State, submission};
use tokio::runtime::Handle;
use workers::rail::cashq::submission_id;
use workers::{CashQRail, Rail, Workers};

const FUNDS: i64 = 1_000_000_00;
const TRANSFERS: i64 = 120;

fn live(dir: &std::path::Path) -> Plane {
    open_with(Environment::Live, dir, Arc::new(SystemClock), |config| {
        config.payouts.stage = Span::millis(2);
        config.payouts.retry_first = Span::millis(20);
        config.payouts.retry_most = Span::millis(200);
    })
}

/// A rail of little patience: a try is over after 100 ms, and cannot arrive any more 1.5 s after it.
fn rail(to: std::net::SocketAddr) -> Rail {
    let key = Secret::new(KEY.to_owned());
    let rail = CashQRail::new(&format!("http://{to}/"), &key, Some(Duration::from_millis(100)));
    Rail::CashQ(rail.expect("a rail").with_quiet(Span::millis(1_500)))
}

fn cents(at: i64) -> i64 {
    // Every last digit comes up; on live no amount is magic.
    10_00 + at
}

/// Ours and theirs agree about every transfer, and the money with them.
fn agree(agent: &Agent, peer: &Peer, peers_start: i128) {
    let books = peer.books.lock().unwrap();
    let mut paid = 0;
    for at in 1..=TRANSFERS {
        let id = at.to_string();
        let row = plane::payouts::of_tenant(&agent.plane, agent.caller.tenant(), &id).unwrap().unwrap();
        let theirs: Option<&Kept> = books.transfers.get(&submission_id(row.tenant, row.seq));
        let digit = i128::from(cents(at)) % 10;
        match row.state {
            State::Paid => {
                paid += row.amount.minor;
                assert_eq!(theirs.map(|kept| (&kept.end, kept.cents)), Some((&End::Paid, row.amount.minor)), "{id}");
                assert!(row.trans.is_some_and(|trans| trans.starts_with("PEER-")));
                assert!(![FAILS, REFUSES].contains(&digit), "{id}");
            }
            State::Failed => {
                assert!(theirs.is_none_or(|kept| kept.end == End::Failed), "{id} failed here and not there");
                assert!(
                    [FAILS, REFUSES].contains(&digit) || REFUSES_ONCE.contains(&digit),
                    "{id} failed for nothing: {:?}",
                    row.note
                );
                assert!(row.note.is_some(), "{id} failed without a word");
            }
            other => panic!("{id} is in {other:?}"),
        }
    }
    drop(books);
    assert_eq!(agent.money(), (i128::from(FUNDS) - paid, 0));
    assert_eq!((peer.paid(), peer.books.lock().unwrap().balance), (paid, peers_start - paid));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_network_that_loses_things_nothing_is_paid_twice_and_nothing_is_lost() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let dir = tempfile::tempdir().unwrap();
    let plane = live(dir.path());
    // Too little for all: the peer's operator adds to it later.
    let peer = Peer::start(500_00).await;
    let lossy = Lossy::start(peer.address, seed).await;
    let agent = Agent::admitted(&plane, seed, FUNDS).await;
    let workers = Workers::start(plane.clone(), rail(lossy.address), &Handle::current());
    for at in 1..=TRANSFERS {
        agent.send(&at.to_string(), cents(at)).await;
    }
    until("the first payments", || peer.paid() > 100_00).await;
    peer.change(|books| books.locked_out = true);
    let lost = lossy.lost.load(Ordering::SeqCst);
    until("calls while locked out", || lossy.lost.load(Ordering::SeqCst) > lost + 20).await;
    peer.change(|books| {
        (books.locked_out, books.unwell) = (false, true);
        books.balance += 1_000_000_00;
    });
    let lost = lossy.lost.load(Ordering::SeqCst);
    until("calls while unwell", || lossy.lost.load(Ordering::SeqCst) > lost + 20).await;
    peer.change(|books| books.unwell = false);
    until("an hour of bad weather", || lossy.lost.load(Ordering::SeqCst) > lost + 100).await;
    lossy.clear_up();
    until("everything is final", || plane.work().open_count() == 0).await;
    workers.stop().await;
    until("nothing is on its way any more", || lossy.on_their_way.load(Ordering::SeqCst) == 0).await;
    agree(&agent, &peer, 1_000_500_00);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_no_failure_while_an_earlier_try_may_still_arrive() {
    let dir = tempfile::tempdir().unwrap();
    let plane = live(dir.path());
    let peer = Peer::start(1_000_00).await;
    let lossy = Lossy::planned(peer.address, [Fate::Late]).await;
    let agent = Agent::admitted(&plane, 1, FUNDS).await;
    let workers = Workers::start(plane.clone(), rail(lossy.address), &Handle::current());
    // Refused the first time that it is seen, which is our second try; the first one arrives after it and is taken.
    agent.send("1", 10_06).await;
    until("final", || plane.work().open_count() == 0).await;
    workers.stop().await;
    until("nothing is on its way any more", || lossy.on_their_way.load(Ordering::SeqCst) == 0).await;
    assert_eq!((agent.state("1"), peer.paid()), (State::Paid, 10_06));
    assert_eq!(agent.money(), (i128::from(FUNDS) - 10_06, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_key_fails_no_transfer_and_is_mended_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let plane = live(dir.path());
    let peer = Peer::start(1_000_00).await;
    peer.change(|books| books.locked_out = true);
    let agent = Agent::admitted(&plane, 1, FUNDS).await;
    let workers = Workers::start(plane.clone(), rail(peer.address), &Handle::current());
    agent.send("1", 10_01).await;
    let row = || plane::payouts::of_tenant(&plane, agent.caller.tenant(), "1").unwrap().unwrap();
    until("a few tries", || row().attempts > 5).await;
    assert!(matches!(row().state, State::Retrying(_)) && agent.money().1 == 10_01);
    assert!(row().note.is_some_and(|note| note.contains("authentication_error")));
    peer.change(|books| books.locked_out = false);
    until("paid", || row().state == State::Paid).await;
    workers.stop().await;
    assert_eq!(agent.money(), (i128::from(FUNDS) - 10_01, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_submitted_is_what_was_asked() {
    let dir = tempfile::tempdir().unwrap();
    let plane = live(dir.path());
    let peer = Peer::start(1_000_00).await;
    let agent = Agent::admitted(&plane, 1, FUNDS).await;
    let workers = Workers::start(plane.clone(), rail(peer.address), &Handle::current());
    agent.send("00042", 12_31).await;
    until("paid", || agent.state("00042") == State::Paid).await;
    workers.stop().await;
    let row = plane::payouts::of_tenant(&plane, agent.caller.tenant(), "00042").unwrap().unwrap();
    let (_, entry) = submission(&plane, row.tenant, row.seq).unwrap().unwrap();
    assert!(entry.facts.contains("\"00042\""), "{}", entry.facts);
    let id = submission_id(row.tenant, row.seq);
    assert_eq!(row.trans, Some(format!("PEER-{id}")));
    // The quoted amount stays where the peer names none.
    assert_eq!(row.sum_prov.as_deref(), Some("582.19"));
    let books = peer.books.lock().unwrap();
    let kept = &books.transfers[&id];
    assert_eq!((kept.cents, kept.submissions, books.transfers.len()), (12_31, 1, 1));
}
