//! A process that pays out, killed at random moments and started again until everything is final: each transfer settles
//! exactly once. The process is this test's own binary, told by its environment to be one.
#![allow(clippy::inconsistent_digit_grouping, reason = "cents are written as dollars and two places")]
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod kit;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base::{Environment, Secret, Span, SystemClock};
use kit::peer::{End, FAILS, KEY, Peer, REFUSES, REFUSES_ONCE};
use kit::{Agent, open_with};
use plane::Plane;
use plane::payouts::{State, of_tenant};
use workers::rail::cashq::submission_id;
use workers::{CashQRail, Rail, Simulated, Workers};

const DIR: &str = "COUNTERFOIL_TEST_PAYS_OUT_IN";
const PEER: &str = "COUNTERFOIL_TEST_PAYS_OUT_TO";
const KILLS: usize = 25;
const TRANSFERS: i64 = 150;
/// One at a time: until it runs its own program, a process that one test starts holds whatever the other has open, and
/// so the lock of a store that was closed meanwhile.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
const FUNDS: i64 = 1_000_000_00;

fn open(environment: Environment, dir: &Path) -> Plane {
    // A sandbox waits for nobody but itself: slow enough to be killed often on its way.
    let stage = if environment == Environment::Sandbox { 100 } else { 15 };
    open_with(environment, dir, Arc::new(SystemClock), |config| {
        config.payouts.stage = Span::millis(stage);
        config.payouts.retry_first = Span::millis(5);
        config.payouts.retry_most = Span::millis(100);
    })
}

/// What the killed process does. Without its environment it is a test that has nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pays_out_until_killed() {
    let Ok(dir) = std::env::var(DIR) else { return };
    let peer = std::env::var(PEER).ok();
    let environment = if peer.is_some() { Environment::Live } else { Environment::Sandbox };
    let plane = open(environment, &PathBuf::from(dir));
    let rail = match peer {
        Some(peer) => {
            let key = Secret::new(KEY.to_owned());
            let rail = CashQRail::new(&format!("http://{peer}"), &key, Some(Duration::from_millis(200))).unwrap();
            Rail::CashQ(rail.with_quiet(Span::millis(500)))
        }
        None => Rail::Simulated(Simulated::new(plane.sandbox().unwrap())),
    };
    let workers = Workers::start(plane.clone(), rail, &tokio::runtime::Handle::current());
    let mut often = tokio::time::interval(Duration::from_millis(3));
    while plane.work().open_count() > 0 {
        often.tick().await;
        println!("open {}", plane.work().open_count());
    }
    workers.stop().await;
    println!("all final");
}

fn start(dir: &Path, peer: Option<&Peer>) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "pays_out_until_killed", "--nocapture"]).env(DIR, dir).stdout(Stdio::piped());
    if let Some(peer) = peer {
        command.env(PEER, peer.address.to_string());
    }
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    (child, lines)
}

/// Reads until the process says that all is final, or until `lines` of it were read. True when all is final. A process
/// that ends by itself before that is a defect, however well the next one mends it.
fn watch(mut from: impl BufRead, lines: usize) -> bool {
    let mut line = String::new();
    for _ in 0..lines {
        line.clear();
        assert!(from.read_line(&mut line).unwrap() > 0, "a process ended by itself; what it said is on stderr");
        if line.contains("all final") {
            return true;
        }
    }
    false
}

fn end(mut child: Child) {
    // SIGKILL, and no harm when it has ended by itself.
    let _ = child.kill();
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_random_moments_a_sandbox_settles_each_transfer_once() {
    let _alone = ALONE.lock().await;
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut chance = fastrand::Rng::with_seed(seed);
    let dir = tempfile::tempdir().unwrap();
    let plane = open(Environment::Sandbox, dir.path());
    let agent = Agent::admitted(&plane, 1, 0).await;
    let cents = |at: i64| if at % 2 == 0 { 66_00 + at % 9 } else { 20_00 + at };
    for at in 1..=TRANSFERS {
        // 66.05 hangs and would never end.
        agent.send(&at.to_string(), if cents(at) == 66_05 { 66_06 } else { cents(at) }).await;
    }
    let id = agent.id.clone();
    drop(agent);
    plane.close();
    drop(plane);
    for round in 0..=KILLS {
        println!("round {round}");
        let (child, lines) = start(dir.path(), None);
        let most = if round < KILLS { chance.usize(1..16) } else { usize::MAX };
        let done = watch(lines, most);
        end(child);
        if done {
            println!("all final after {round} kills");
            break;
        }
        assert!(round < KILLS, "the last process ended before everything was final");
    }
    let plane = open(Environment::Sandbox, dir.path());
    assert_eq!(plane.work().open_count(), 0);
    let agent = Agent::of(&plane, id).await;
    let mut paid = 0;
    for at in 1..=TRANSFERS {
        let row = of_tenant(&plane, agent.caller.tenant(), &at.to_string()).unwrap().unwrap();
        let fails = (66_01..=66_04).contains(&row.amount.minor);
        assert_eq!(row.state, if fails { State::Failed } else { State::Paid }, "{at}");
        paid += if fails { 0 } else { row.amount.minor };
    }
    assert_eq!(agent.money(), (100_000_000 - paid, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_between_the_peers_books_and_its_answer_a_live_plane_pays_each_transfer_once() {
    let _alone = ALONE.lock().await;
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut chance = fastrand::Rng::with_seed(seed);
    let dir = tempfile::tempdir().unwrap();
    let plane = open(Environment::Live, dir.path());
    let agent = Agent::admitted(&plane, 1, FUNDS).await;
    for at in 1..=TRANSFERS {
        agent.send(&at.to_string(), 10_00 + at).await;
    }
    let id = agent.id.clone();
    drop(agent);
    plane.close();
    drop(plane);
    let peer = Peer::start(i128::from(FUNDS)).await;
    for round in 0..=KILLS {
        println!("round {round}");
        let fuse = if round < KILLS { chance.i64(1..30) } else { i64::MAX };
        peer.fuse.store(fuse, Ordering::SeqCst);
        let (child, lines) = start(dir.path(), Some(&peer));
        let watched = tokio::task::spawn_blocking(move || watch(lines, usize::MAX));
        // The peer's bell rings when it has applied a submission that it will never answer.
        let done = tokio::select! {
            biased;
            () = peer.bell.notified() => false,
            done = watched => done.unwrap(),
        };
        end(child);
        if done {
            println!("all final after {round} kills");
            break;
        }
        assert!(round < KILLS, "the last process ended before everything was final");
    }
    let plane = open(Environment::Live, dir.path());
    let agent = Agent::of(&plane, id).await;
    let (books, mut paid) = (peer.books.lock().unwrap(), 0);
    for at in 1..=TRANSFERS {
        let row = of_tenant(&plane, agent.caller.tenant(), &at.to_string()).unwrap().unwrap();
        let theirs = books.transfers.get(&submission_id(row.tenant, row.seq)).map(|kept| &kept.end);
        match row.state {
            State::Paid => assert_eq!(theirs, Some(&End::Paid), "{at}"),
            State::Failed => assert!(theirs.is_none_or(|end| *end == End::Failed), "{at}: {theirs:?}"),
            other => panic!("{at} is in {other:?}"),
        }
        let digit = row.amount.minor % 10;
        let failing = [FAILS, REFUSES].contains(&digit) || REFUSES_ONCE.contains(&digit);
        assert!(row.state == State::Paid || failing, "{at} failed for nothing: {:?}", row.note);
        paid += if row.state == State::Paid { row.amount.minor } else { 0 };
    }
    drop(books);
    assert_eq!((agent.money(), peer.paid()), ((i128::from(FUNDS) - paid, 0), paid));
}
