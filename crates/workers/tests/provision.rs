//! The front office's loops: environments come to be, what planes still owe is asked for again, and mails go out.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod kit;

use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base::{Environment, KeyKind, Span, Stop, TenantId};
use control::environments::{self, Status};
use control::keys::{self, IdempotencyKey, NewKey, Refusal};
use control::{Ask, Control, Operator, sessions, tenants, users, wishes};
use kit::office::{House, from};
use kit::until;
use plane::grants::{self, Denied, authenticate};
use plane::{Plane, standing};
use tokio::runtime::Handle;
use workers::provision::Provision;
use workers::wishes::Wishes;
use workers::{Addresses, Bell, Loop, OfficeWorkers, Post};

control::rows! {
    KEYS: POST "/keys", seats(B B S N N), at Body, step_up, 201;
}

const IP: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

async fn tenant(control: &Control) -> TenantId {
    tenants::create(control, &Operator::over_the_socket(), "Shop & Sons").await.unwrap().id
}

fn statuses(house: &House, tenant: &TenantId) -> [Status; 2] {
    house.environments(tenant).map(|view| view.status)
}

fn knows(plane: &Plane, tenant: &TenantId) -> bool {
    grants::tenant_no(plane, tenant).unwrap().is_some()
}

/// One look of the loop, and all that it begins.
async fn step(provision: &mut Provision) {
    provision.step().await;
    provision.finish().await;
}

/// The same of the loop of wishes.
async fn fulfil(wishes: &mut Wishes) {
    wishes.step().await;
    wishes.finish().await;
}

/// What the sandbox would hear if it started.
fn waiting(house: &House) -> Vec<Ask> {
    wishes::waiting(&house.control, Environment::Sandbox, None).unwrap().asks
}

fn provision(house: &House) -> Provision {
    Provision::new(house.control.clone(), house.planes(), Bell::default())
}

fn start(house: &House, post: Post) -> OfficeWorkers {
    let public = Arc::new(OnceLock::from("https://pay.example".to_owned()));
    let addresses = Addresses { public, from: "office@pay.example".to_owned() };
    OfficeWorkers::start(house.control.clone(), house.planes(), post, addresses, &Handle::current())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wished_for_comes_to_be() {
    let house = House::new();
    let running = start(&house, Post::Held);
    for _ in 0..5 {
        let id = tenant(&house.control).await;
        until("both environments are active", || statuses(&house, &id) == [Status::Active; 2]).await;
        for environment in [Environment::Sandbox, Environment::Live] {
            assert!(knows(house.planes.plane(environment), &id));
        }
    }
    running.stop().await;
}

#[tokio::test]
async fn a_plane_that_does_not_answer_is_an_error_until_it_does() {
    let house = House::new();
    let id = tenant(&house.control).await;
    let mut provision = provision(&house);
    house.planes.wire.cut.store(true, Ordering::SeqCst);
    step(&mut provision).await;
    assert_eq!(statuses(&house, &id), [Status::Error; 2]);
    assert!(house.environments(&id).iter().all(|view| view.reason.as_ref().unwrap().contains("the wire is cut")));
    for _ in 0..8 {
        house.clock.advance(Span::seconds(30));
        step(&mut provision).await;
    }
    assert_eq!(statuses(&house, &id), [Status::Error; 2]);
    house.planes.wire.cut.store(false, Ordering::SeqCst);
    step(&mut provision).await;
    assert_eq!(statuses(&house, &id), [Status::Error; 2], "its next try is not due yet");
    house.clock.advance(Span::seconds(30));
    step(&mut provision).await;
    assert_eq!(statuses(&house, &id), [Status::Active; 2]);
}

#[tokio::test]
async fn killed_after_any_ask_it_goes_on_where_it_was() {
    for asks in 0..4 {
        for arrives in [true, false] {
            let house = House::new();
            let id = tenant(&house.control).await;
            let mut halted = provision(&house);
            house.planes.wire.left.store(asks, Ordering::SeqCst);
            house.planes.wire.arrives.store(arrives, Ordering::SeqCst);
            halted.step().await;
            let unanswered = tokio::time::timeout(SETTLED, halted.finish()).await;
            assert!(unanswered.is_err(), "ask {asks} is not answered");
            drop(halted);
            // What was cut off lets go of the store when it is next looked at.
            tokio::task::yield_now().await;
            let house = house.killed();
            assert_ne!(statuses(&house, &id), [Status::Active; 2], "without an answer to ask {asks}");
            house.clock.advance(Span::seconds(30));
            step(&mut provision(&house)).await;
            assert_eq!(statuses(&house, &id), [Status::Active; 2], "killed at ask {asks}, arrived: {arrives}");
        }
    }
}

/// In which all that can be answered is; longer is no more, shorter only kills earlier.
const SETTLED: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_suspension_reaches_the_plane_and_so_does_its_end() {
    let house = House::new();
    let (id, operator) = (tenant(&house.control).await, Operator::over_the_socket());
    let mut provision = provision(&house);
    step(&mut provision).await;
    let live = house.planes.plane(Environment::Live).clone();
    let key = kit::mint(&live, &id).await;
    assert!(authenticate(&live, key.expose(), IP).is_ok());
    environments::suspend(&house.control, &operator, &id, Environment::Live, None).await.unwrap();
    step(&mut provision).await;
    assert!(matches!(authenticate(&live, key.expose(), IP), Err(Stop::Refused(Denied::Suspended))));
    assert!(!standing::of(house.planes.plane(Environment::Sandbox), &id).unwrap().suspended);
    environments::resume(&house.control, &operator, &id, Environment::Live).await.unwrap();
    step(&mut provision).await;
    assert!(authenticate(&live, key.expose(), IP).is_ok());
}

#[tokio::test]
async fn an_ask_that_a_suspension_overtook_undoes_nothing_and_is_the_last_of_its_work() {
    let house = House::new();
    let (id, operator) = (tenant(&house.control).await, Operator::over_the_socket());
    step(&mut provision(&house)).await;
    let live = house.planes.plane(Environment::Live).clone();
    let key = kit::mint(&live, &id).await;
    for _ in 0..2 {
        environments::suspend(&house.control, &operator, &id, Environment::Live, None).await.unwrap();
        step(&mut provision(&house)).await;
        environments::resume(&house.control, &operator, &id, Environment::Live).await.unwrap();
        let (wire, mut slow) = (&house.planes.wire, provision(&house));
        let asked = wire.asks.load(Ordering::SeqCst);
        wire.held.send_replace(Some((Environment::Live, asked + 1)));
        slow.step().await;
        until("the resumption is on its way", || wire.asks.load(Ordering::SeqCst) == asked + 1).await;
        environments::suspend(&house.control, &operator, &id, Environment::Live, None).await.unwrap();
        step(&mut provision(&house)).await;
        assert!(matches!(authenticate(&live, key.expose(), IP), Err(Stop::Refused(Denied::Suspended))));
        let settled = wire.asks.load(Ordering::SeqCst);
        wire.held.send_replace(None);
        slow.finish().await;
        assert_eq!(wire.asks.load(Ordering::SeqCst), settled, "it goes on with what is no longer wanted");
        assert!(standing::of(&live, &id).unwrap().suspended);
        assert!(matches!(authenticate(&live, key.expose(), IP), Err(Stop::Refused(Denied::Suspended))));
        assert_eq!(statuses(&house, &id)[1], Status::Suspended);
        environments::resume(&house.control, &operator, &id, Environment::Live).await.unwrap();
        step(&mut provision(&house)).await;
        assert!(authenticate(&live, key.expose(), IP).is_ok());
    }
}

fn new_key(once: Option<&str>) -> NewKey {
    NewKey {
        name: "till".to_owned(),
        kind: KeyKind::Standard,
        expires_in_days: None,
        ips: Vec::new(),
        policy: control::planes::AgentPolicy::default(),
        once: once.map(|once| IdempotencyKey::parse(once).unwrap()),
    }
}

#[tokio::test]
async fn a_key_whose_answer_was_lost_is_revoked_by_itself() {
    let house = House::new();
    let tenant = house.register("jo@example.com").await.tenant;
    step(&mut provision(&house)).await;
    let permit = house.permit("jo@example.com", KEYS).await;
    let step_up = sessions::step_up(&permit, house.control.now()).unwrap();
    let placed = permit.in_environment(Environment::Sandbox).unwrap();
    let (planes, sandbox) = (house.planes(), house.planes.plane(Environment::Sandbox));
    house.planes.wire.deaf.store(true, Ordering::SeqCst);
    let lost = keys::create(&house.control, planes.as_ref(), &placed, &step_up, new_key(None)).await;
    assert!(matches!(lost, Err(Stop::Refused(Refusal::Unreachable(Environment::Sandbox)))));
    let alive = || grants::list(sandbox, &tenant).unwrap().iter().filter(|key| !key.revoked).count();
    assert_eq!(alive(), 1, "the plane has minted it");
    let mut wishes = Wishes::new(house.control.clone(), house.planes(), Bell::default());
    // Asked again while nothing is heard, it stays wanted.
    for _ in 0..3 {
        house.clock.advance(Span::seconds(120));
        fulfil(&mut wishes).await;
    }
    assert_eq!(alive(), 0);
    assert_eq!(waiting(&house).len(), 1);
    house.planes.wire.deaf.store(false, Ordering::SeqCst);
    house.clock.advance(Span::hours(1));
    fulfil(&mut wishes).await;
    assert_eq!(waiting(&house), []);
    assert_eq!(alive(), 0);
}

#[tokio::test]
async fn a_revocation_that_the_plane_did_not_hear_comes_true() {
    let house = House::new();
    house.register("jo@example.com").await;
    step(&mut provision(&house)).await;
    let permit = house.permit("jo@example.com", KEYS).await;
    let step_up = sessions::step_up(&permit, house.control.now()).unwrap();
    let (planes, sandbox) = (house.planes(), house.planes.plane(Environment::Sandbox));
    let placed = permit.clone().in_environment(Environment::Sandbox).unwrap();
    let shown = keys::create(&house.control, planes.as_ref(), &placed, &step_up, new_key(Some("one"))).await;
    let shown = shown.ok().unwrap();
    let whole = shown.whole.unwrap();
    assert!(authenticate(sandbox, whole.expose(), IP).is_ok());
    house.planes.wire.cut.store(true, Ordering::SeqCst);
    let id = keys::wire_id(Environment::Sandbox, shown.key.id);
    let revoked = keys::revoke(&house.control, planes.as_ref(), &permit, &step_up, &id).await;
    assert!(matches!(revoked, Err(Stop::Refused(Refusal::Unreachable(Environment::Sandbox)))));
    assert!(authenticate(sandbox, whole.expose(), IP).is_ok());
    house.planes.wire.cut.store(false, Ordering::SeqCst);
    house.clock.advance(Span::hours(1));
    fulfil(&mut Wishes::new(house.control.clone(), house.planes(), Bell::default())).await;
    assert!(matches!(authenticate(sandbox, whole.expose(), IP), Err(Stop::Refused(Denied::Revoked))));
    assert_eq!(waiting(&house), []);
}

#[tokio::test]
async fn a_plane_that_hangs_holds_up_no_wish_of_the_other() {
    let house = House::new();
    house.register("jo@example.com").await;
    step(&mut provision(&house)).await;
    let permit = house.permit("jo@example.com", KEYS).await;
    let step_up = sessions::step_up(&permit, house.control.now()).unwrap();
    let (planes, wire) = (house.planes(), &house.planes.wire);
    let wish = async |environment, key: &str| {
        wire.cut.store(true, Ordering::SeqCst);
        let id = keys::wire_id(environment, key.parse().unwrap());
        let revoked = keys::revoke(&house.control, planes.as_ref(), &permit, &step_up, &id).await;
        assert!(matches!(revoked, Err(Stop::Refused(Refusal::Unreachable(_)))));
        wire.cut.store(false, Ordering::SeqCst);
        house.clock.advance(Span::seconds(5));
    };
    let owed = |environment| wishes::waiting(&house.control, environment, None).unwrap().asks.len();
    let mut wishes = Wishes::new(house.control.clone(), house.planes(), Bell::default());
    let asked = wire.asks.load(Ordering::SeqCst);
    for (number, key) in ["000000000001", "000000000002", "000000000003"].into_iter().enumerate() {
        wish(Environment::Sandbox, key).await;
        wish(Environment::Live, key).await;
        wire.held.send_replace(Some((Environment::Sandbox, u32::MAX)));
        let looked = tokio::time::timeout(Duration::from_secs(10), wishes.step()).await;
        assert!(looked.is_ok(), "it waits for the plane that hangs");
        until("live did what was wanted of it", || owed(Environment::Live) == 0).await;
        assert_eq!(owed(Environment::Sandbox), number + 1);
        // So that the next wish can be kept without its ask being held up.
        wire.held.send_replace(Some((Environment::Sandbox, wire.asks.load(Ordering::SeqCst))));
    }
    // Two of each wish, the operation's own and the loop's: what is under way is not asked for again.
    assert_eq!(wire.asks.load(Ordering::SeqCst) - asked, 12);
    wire.held.send_replace(None);
    wishes.finish().await;
    assert_eq!((owed(Environment::Sandbox), owed(Environment::Live)), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registration_is_confirmed_by_the_link_in_a_private_file() {
    let house = House::new();
    let running = start(&house, Post::Files(house.mails()));
    house.register("jo@example.com").await;
    let link = "https://pay.example/dashboard/auth/verify?token=";
    until("a mail is there", || mails(&house).len() == 1).await;
    let (name, mail) = mails(&house).remove(0);
    assert_eq!(name, "0001-confirm.eml");
    assert!(mail.contains("\r\nTo: <jo@example.com>\r\n"), "{mail}");
    let token = mail.split_once(link).unwrap().1.lines().next().unwrap();
    users::verify(&house.control, &from(), token).await.unwrap();
    // The address has its owner now: who registers with it hears of that, and gets no link.
    house.register("jo@example.com").await;
    until("a second mail is there", || mails(&house).len() == 2).await;
    let (name, mail) = mails(&house).remove(1);
    assert_eq!((name.as_str(), mail.contains("token=")), ("0002-already-here.eml", false));
    running.stop().await;
}

/// Names and texts of the mails that were sent, in order; each is its owner's alone.
fn mails(house: &House) -> Vec<(String, String)> {
    let Ok(files) = std::fs::read_dir(house.mails()) else { return Vec::new() };
    let paths = files.map(|file| file.unwrap().path());
    let mut mails: Vec<_> = paths.filter(|path| path.extension().is_some_and(|ending| ending == "eml")).collect();
    mails.sort();
    let read = |path: std::path::PathBuf| {
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(&path).unwrap())
    };
    mails.into_iter().map(read).collect()
}
