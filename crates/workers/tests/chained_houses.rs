//! Two real installations: a live plane whose rail is the CashQ surface of another one's sandbox, gate and all, over a
//! network that loses things.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod kit;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base::{Environment, Span, SystemClock};
use gate::{Gate, Rate};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use kit::lossy::Lossy;
use kit::{Agent, mint, open_with, until};
use plane::Plane;
use plane::payouts::{State, of_tenant};
use plane::sandbox::magic::AMOUNTS;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use workers::rail::cashq::submission_id;
use workers::{CashQRail, Rail, Simulated, Workers};

const TRANSFERS: i64 = 60;
/// More than the peer lets an unverified receiver have.
const TOO_MUCH: i64 = 15_000;

fn open(environment: Environment, dir: &std::path::Path) -> Plane {
    open_with(environment, dir, Arc::new(SystemClock), |config| {
        config.payouts.stage = Span::millis(10);
        config.payouts.retry_first = Span::millis(20);
        config.payouts.retry_most = Span::millis(200);
        if environment == Environment::Sandbox {
            config.kyc.unverified_dollars = 100;
        }
    })
}

/// The peer's surface. Its gate lets less through than we would send, so that some is told to wait.
async fn serve(plane: Plane) -> SocketAddr {
    let options = gate::Options { rate: Rate::new(200, 40), ..gate::Options::default() };
    let gate = Gate::new(plane, options);
    let kyc_base = "http://127.0.0.1:1".to_owned();
    let routes = gate::front(cashq::routes(gate.clone(), cashq::Options { kyc_base }), gate, cashq::Cashq);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = TowerToHyperService::new(routes.clone());
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

/// Magic in the peer's sandbox, plain, and too much in turn; none that hangs or waits there for a person.
fn cents(at: i64) -> i64 {
    let magic = AMOUNTS[usize::try_from(at).unwrap() % AMOUNTS.len()].0;
    match at % 3 {
        0 if ![6_605, 6_609].contains(&magic) => magic,
        1 if at % 4 == 1 => TOO_MUCH,
        _ => 1_000 + at,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_house_settled_is_what_the_other_paid() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let (our_dir, their_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (ours, theirs) = (open(Environment::Live, our_dir.path()), open(Environment::Sandbox, their_dir.path()));
    let (agent, account) = (Agent::admitted(&ours, 1, 100_000_000).await, Agent::admitted(&theirs, 2, 0).await);
    let (starts, key) = ((agent.money(), account.money()), mint(&theirs, &account.id).await);
    let lossy = Lossy::start(serve(theirs.clone()).await, seed).await;
    let rail = CashQRail::new(&format!("http://{}/", lossy.address), &key, Some(Duration::from_millis(150))).unwrap();
    let simulated = Rail::Simulated(Simulated::new(theirs.sandbox().unwrap()));
    let their_workers = Workers::start(theirs.clone(), simulated, &Handle::current());
    let rail = Rail::CashQ(rail.with_quiet(Span::millis(1_500)));
    let our_workers = Workers::start(ours.clone(), rail, &Handle::current());
    for at in 1..=TRANSFERS {
        agent.send(&at.to_string(), cents(at)).await;
    }
    until("bad weather", || lossy.lost.load(Ordering::SeqCst) > 100 || ours.work().open_count() == 0).await;
    lossy.clear_up();
    until("everything is final here", || ours.work().open_count() == 0).await;
    our_workers.stop().await;
    until("nothing is on its way", || lossy.on_their_way.load(Ordering::SeqCst) == 0).await;
    until("everything is final there", || theirs.work().open_count() == 0).await;
    their_workers.stop().await;
    let mut paid = 0;
    for at in 1..=TRANSFERS {
        let row = of_tenant(&ours, agent.caller.tenant(), &at.to_string()).unwrap().unwrap();
        let known = of_tenant(&theirs, account.caller.tenant(), &submission_id(row.tenant, row.seq)).unwrap();
        let fails = cents(at) == TOO_MUCH || (6_601..=6_604).contains(&cents(at));
        assert_eq!(row.state, if fails { State::Failed } else { State::Paid }, "{at}: {:?}", row.note);
        assert_eq!(known.as_ref().map(|known| known.state), Some(row.state).filter(|_| cents(at) != TOO_MUCH), "{at}");
        if let Some(known) = known.filter(|_| row.state == State::Paid) {
            paid += row.amount.minor;
            assert_eq!((row.amount, row.trans, row.sum_prov), (known.amount, known.trans, known.sum_prov), "{at}");
        }
    }
    assert_eq!((agent.money(), account.money()), ((starts.0.0 - paid, 0), (starts.1.0 - paid, 0)));
}
