//! The stored function that our server is measured against does what it claims, or a ratio to it would mean nothing.

#![allow(clippy::unwrap_used, reason = "in a test a failure is a panic")]

use std::io::Write as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const SCHEMA: &str = include_str!("../sql/yardstick.sql");
/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

struct Books(String);

impl Books {
    /// Fresh ones with two tenants; `funds` cents on the agent account of the first.
    fn open(funds: i64) -> Books {
        let books = Books(pgkit::fresh_database());
        books.ask(&SCHEMA.replace(":tenants", "2"));
        books.ask(&format!("UPDATE account SET credits_posted = {funds} WHERE tenant = 1 AND name = 1"));
        books
    }

    fn ask(&self, sql: &str) -> String {
        pgkit::query(&self.0, sql).unwrap_or_else(|error| panic!("{error:#}")).trim().to_owned()
    }

    fn transfer(&self, tenant: i32, key: &str, fingerprint: i64, cents: i64) -> String {
        self.ask(&call(tenant, key, fingerprint, cents))
    }

    /// Runs all of these while the first tenant's queue is closed, so that they wait for it or for each other all at once.
    fn all_at_once(&self, calls: &[String]) -> Vec<String> {
        let gate = Gate::close(&self.0);
        std::thread::scope(|scope| {
            let running: Vec<_> = calls.iter().map(|call| scope.spawn(move || self.ask(call))).collect();
            let waiting = "SELECT count(*) FROM pg_stat_activity \
                WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'SELECT transfer%'";
            let started = Instant::now();
            while self.ask(waiting) != calls.len().to_string() {
                assert!(started.elapsed() < PATIENCE, "only {} of {} wait", self.ask(waiting), calls.len());
            }
            gate.open();
            running.into_iter().map(|call| call.join().unwrap()).collect()
        })
    }

    /// head | transfers | their sum | postings of each account | held on each account | outbox | claims, of one tenant.
    fn sums(&self, tenant: i32) -> String {
        let of = |what: &str| format!("(SELECT {what} tenant = {tenant})");
        let parts = [
            "seq FROM head WHERE",
            "count(*) FROM transfer WHERE",
            "coalesce(sum(amount), 0) FROM transfer WHERE",
            "coalesce(sum(amount), 0) FROM posting WHERE account = 1 AND side = 1 AND",
            "coalesce(sum(amount), 0) FROM posting WHERE account = 2 AND side = 2 AND",
            "debits_held FROM account WHERE name = 1 AND",
            "credits_held FROM account WHERE name = 2 AND",
            "count(*) FROM outbox WHERE",
            "count(*) FROM claim WHERE",
        ];
        self.ask(&format!("SELECT {}", parts.map(of).join(", ")))
    }
}

/// A session that holds the queue of the first tenant.
struct Gate(Child);

impl Gate {
    fn close(url: &str) -> Gate {
        let mut psql = pgkit::Programs::find().unwrap().command("psql");
        psql.args(["--no-psqlrc", "--quiet", "--dbname", url]).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = psql.spawn().unwrap();
        child.stdin.as_mut().unwrap().write_all(b"BEGIN;\nSELECT pg_advisory_xact_lock(1);\n").unwrap();
        let started = Instant::now();
        let held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = 1 \
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
        while pgkit::query(url, held).unwrap().trim() != "1" {
            assert!(started.elapsed() < PATIENCE, "the gate does not close");
        }
        Gate(child)
    }

    /// The end of its input ends the session and with it its transaction.
    fn open(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

fn call(tenant: i32, key: &str, fingerprint: i64, cents: i64) -> String {
    format!("SELECT transfer({tenant}, '{key}', {fingerprint}, '+201012345678', {cents}, '{{}}')")
}

fn accepted(answer: &str) -> bool {
    answer.ends_with(r#""success":true}"#)
}

#[test]
fn the_same_ask_gets_the_same_answer_once() {
    if !pgkit::available() {
        return;
    }
    let books = Books::open(1_000);
    let first = books.transfer(1, "77", 5, 100);
    assert!(accepted(&first) && first.contains(r#""id":"77""#), "{first}");
    assert_eq!(books.transfer(1, "77", 5, 100), first);
    assert_eq!(books.sums(1), "1|1|100|100|100|100|100|1|1");

    let other = books.transfer(1, "77", 6, 900);
    assert!(other.contains("other content") && !accepted(&other), "{other}");
    assert_eq!(books.sums(1), "1|1|100|100|100|100|100|1|1");

    assert_eq!(
        books.transfer(2, "77", 6, 3),
        first,
        "another tenant's key is another key, and the answer names only the id"
    );
    assert_eq!(books.sums(2), "1|1|3|3|3|3|3|1|1");
}

#[test]
fn sixty_four_copies_at_once_have_one_effect() {
    if !pgkit::available() {
        return;
    }
    let books = Books::open(1_000);
    let answers = books.all_at_once(&vec![call(1, "88", 5, 10); 64]);
    assert!(accepted(&answers[0]), "{answers:?}");
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(books.sums(1), "1|1|10|10|10|10|10|1|1");
}

#[test]
fn of_sixty_four_at_once_only_those_with_funds_are_accepted() {
    if !pgkit::available() {
        return;
    }
    // 300 cents and an overdraft of 100: forty of ten.
    let books = Books::open(300);
    books.ask("UPDATE account SET overdraft = 100 WHERE tenant = 1 AND name = 1");
    let calls: Vec<String> = (0..64).map(|number| call(1, &format!("9{number}"), number, 10)).collect();
    let answers = books.all_at_once(&calls);
    assert_eq!(answers.iter().filter(|answer| accepted(answer)).count(), 40, "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| answer.contains("insufficient funds")).count(), 24);
    assert_eq!(books.sums(1), "40|40|400|400|400|400|400|40|40");
    assert_eq!(books.ask("SELECT min(seq), max(seq), count(DISTINCT seq) FROM transfer"), "1|40|40", "without a gap");

    // A refusal left nothing: the same keys work once there is money.
    books.ask("UPDATE account SET credits_posted = credits_posted + 240 WHERE tenant = 1 AND name = 1");
    let again: Vec<String> = calls.iter().map(|call| books.ask(call)).collect();
    assert!(again.iter().all(|answer| accepted(answer)), "{again:?}");
    assert_eq!(books.sums(1), "64|64|640|640|640|640|640|64|64");
}

#[test]
fn nothing_but_a_positive_amount_moves() {
    if !pgkit::available() {
        return;
    }
    let books = Books::open(1_000);
    for cents in [0, -5, i64::MIN + 1] {
        assert!(!accepted(&books.transfer(1, "66", 1, cents)), "{cents}");
    }
    assert_eq!(books.sums(1), "0|0|0|0|0|0|0|0|0");
}
