//! Keys are revoked at the dashboard while callers use them: no call that begins after the answer is accepted.

mod kit;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use kit::person::Person;
use kit::{BALANCE, Connection, Server, soak};

const CALLERS: usize = 64;
/// Keys that live at once: a tenant has at most a thousand.
const KEYS: usize = 200;
/// Who revokes at once.
const HANDS: usize = 4;

/// One key of a round.
struct Key {
    id: String,
    whole: String,
    /// When its revocation was sent, and when that was answered.
    asked: OnceLock<Instant>,
    answered: OnceLock<Instant>,
}

#[derive(Default)]
struct Tally {
    /// Calls that were accepted in time.
    accepted: AtomicU64,
    /// Calls that began after the answer, and those of them that were accepted.
    after: AtomicU64,
    accepted_after: AtomicU64,
    /// Calls that ended before the revocation was sent and were refused.
    refused_before: AtomicU64,
}

impl Tally {
    fn add(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn no_call_is_accepted_after_its_key_was_revoked() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::dev(dir.path());
    let tally = Tally::default();
    let rounds = if soak() { 50 } else { 1 };
    let (begun, mut revoked) = (Instant::now(), 0);
    for _ in 0..rounds {
        // Signed in anew: a proof is good for ten minutes.
        let owner = Person::owner(server.url("control"), &server.facts);
        let keys: Vec<Key> = (0..KEYS).map(|_| key(&owner)).collect();
        round(&server, &owner, &keys, &tally);
        revoked += keys.len();
        // Whoever was not asked again in the crowd is asked now.
        let mut connection = Connection::open(server.url("sandbox"));
        keys.iter().for_each(|key| call(&mut connection, key, &tally));
    }
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    println!("figure: revoked = {revoked}");
    println!("figure: accepted = {}", count(&tally.accepted));
    println!("figure: calls_after = {}", count(&tally.after));
    println!("figure: accepted_after = {}", count(&tally.accepted_after));
    println!("figure: seconds = {}", begun.elapsed().as_secs());
    assert_eq!((count(&tally.accepted_after), count(&tally.refused_before)), (0, 0));
    assert!(count(&tally.after) >= revoked as u64 && count(&tally.accepted) > revoked as u64);
}

fn key(owner: &Person<'_>) -> Key {
    let (id, whole) = owner.new_key("test");
    Key { id, whole, asked: OnceLock::new(), answered: OnceLock::new() }
}

/// All keys are used by all callers while they are revoked, one after the other.
fn round(server: &Server, owner: &Person<'_>, keys: &[Key], tally: &Tally) {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for caller in 0..CALLERS {
            let over = &over;
            scope.spawn(move || {
                let mut connection = Connection::open(server.url("sandbox"));
                for at in (caller * keys.len() / CALLERS)..usize::MAX {
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    call(&mut connection, &keys[at % keys.len()], tally);
                }
            });
        }
        let hands: Vec<_> = (0..HANDS).map(|hand| scope.spawn(move || revoke(owner, keys, hand))).collect();
        let ended: Vec<_> = hands.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        over.store(true, Ordering::Relaxed);
        ended.into_iter().for_each(|ended| ended.expect("every revocation is answered"));
    });
}

fn revoke(owner: &Person<'_>, keys: &[Key], hand: usize) {
    for key in keys.iter().skip(hand).step_by(HANDS) {
        key.asked.set(Instant::now()).expect("once");
        owner.revoked(&key.id);
        key.answered.set(Instant::now()).expect("once");
    }
}

fn call(connection: &mut Connection, key: &Key, tally: &Tally) {
    let begun = Instant::now();
    let status = connection.send("GET", BALANCE, Some(&key.whole), None).status;
    let ended = Instant::now();
    assert!([200, 401].contains(&status), "{status}");
    if status == 200 {
        Tally::add(&tally.accepted);
    }
    if key.answered.get().is_some_and(|answered| *answered < begun) {
        Tally::add(&tally.after);
        if status == 200 {
            Tally::add(&tally.accepted_after);
        }
    }
    if status == 401 && key.asked.get().is_none_or(|asked| ended < *asked) {
        Tally::add(&tally.refused_before);
    }
}
