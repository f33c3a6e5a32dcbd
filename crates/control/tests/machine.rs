//! A tenant's environments, from the wish to the plane that knows of it: walked at random against the documented table, and
//! killed at every step of their work.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use std::cell::Cell;
use std::collections::BTreeMap;

use base::{Environment, Span, Stop, TenantId};
use control::environments::{self, Refusal, Status, Step};
use control::planes::Standing;
use control::{Ask, Control, Denied, Operator, Planes, tenants, users, wishes};
use kit::planes::{FakePlanes, Fate};
use kit::{desk, new_user, registered, verified};

const JO: &str = "jo@example.com";
const HOME: &str = "10.0.0.1";
const SANDBOX: Environment = Environment::Sandbox;
const LIVE: Environment = Environment::Live;
/// Of a state and an event, so many are met in every walk.
const PAIRS: usize = 18;

fn operator() -> Operator {
    Operator::over_the_socket()
}

fn statuses(control: &Control, tenant: &TenantId) -> [Status; 2] {
    environments::show(control, &operator(), tenant).map_err(|_| "unknown").unwrap().map(|view| view.status)
}

/// (state, event) → state, as `docs/lifecycles.md` has it.
fn documented() -> BTreeMap<(String, String), Option<String>> {
    let text = include_str!("../../../docs/lifecycles.md");
    let part = text.split("\n## ").find(|part| part.starts_with("An environment\n")).unwrap();
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let mut lines = part.lines().filter(|line| line.starts_with("| ")).map(cells);
    let events = lines.next().unwrap();
    let entry = |line: Vec<String>| {
        let line = events
            .iter()
            .zip(line.clone())
            .skip(1)
            .map(move |(event, after)| ((line[0].clone(), event.clone()), after));
        line.map(|(key, after)| (key, Some(after).filter(|after| after != "–"))).collect::<Vec<_>>()
    };
    lines.flat_map(entry).collect()
}

#[tokio::test]
async fn the_doors_walk_as_the_table_says() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or_else(|| fastrand::u64(..));
    println!("SEED={seed}");
    let (mut rng, table) = (fastrand::Rng::with_seed(seed), documented());
    let house = kit::open();
    let (control, planes) = (&house.control, FakePlanes::new(&house.clock));
    let tenant = registered(control, JO, HOME).await.tenant;
    let token = desk::token(control, JO, HOME).await;
    let (mut seen, met) = (BTreeMap::new(), Cell::new(0));
    // On until the rare pairs were met too, and less than the eight hours for which the session lives.
    for _ in (0..900).take_while(|step| *step < 300 || met.get() < PAIRS) {
        // Long enough that whatever failed is due again.
        house.clock.advance(Span::seconds(31));
        let before = statuses(control, &tenant)[0].word().to_owned();
        let event = ["wish", "settle", "fail", "suspend", "resume"][rng.usize(..5)];
        let key = (before.clone(), event.to_owned());
        match event {
            "wish" => {
                let placed = desk::placed(control, &token, desk::SANDBOX, SANDBOX);
                let wished = environments::provision(control, &placed).await;
                assert_eq!(wished.is_ok(), table[&key].is_some(), "{key:?}");
            }
            "suspend" => drop(environments::suspend(control, &operator(), &tenant, SANDBOX, None).await),
            "resume" => drop(environments::resume(control, &operator(), &tenant, SANDBOX).await),
            "settle" => desk::provision(control, &planes).await,
            _ => {
                planes.script([Fate::Down]);
                desk::provision(control, &planes).await;
                planes.script([]);
            }
        }
        // What cannot happen changes nothing.
        let after = statuses(control, &tenant)[0].word().to_owned();
        assert_eq!(after, table[&key].clone().unwrap_or(before), "{key:?}");
        *seen.entry(key).or_insert(0u32) += 1;
        met.set(seen.len());
    }
    assert!(seen.len() >= PAIRS, "{seen:?}");
    house.clock.advance(Span::seconds(31));
    desk::provision(control, &planes).await;
    let suspended = planes.tenant(SANDBOX, &tenant).map(|(_, standing)| standing.suspended);
    assert_eq!(suspended, Some(statuses(control, &tenant)[0] == Status::Suspended));
}

#[tokio::test]
async fn a_sandbox_becomes_active_by_itself_and_live_names_its_gate() {
    let house = kit::open();
    let (control, planes) = (&house.control, FakePlanes::new(&house.clock));
    let jo = verified(control, JO, HOME).await;
    let mo = registered(control, "mo@example.com", HOME).await;
    assert_eq!(statuses(control, &jo.tenant), [Status::Provisioning, Status::NotProvisioned]);
    desk::provision(control, &planes).await;
    for (email, who, gate) in [(JO, &jo, Refusal::PlanRequired), ("mo@example.com", &mo, Refusal::EmailNotVerified)] {
        assert_eq!(statuses(control, &who.tenant), [Status::Active, Status::NotProvisioned]);
        assert_eq!(planes.tenant(SANDBOX, &who.tenant).map(|(name, _)| name).as_deref(), Some("Acme"));
        assert_eq!(planes.tenant(LIVE, &who.tenant), None);
        let token = desk::token(control, email, HOME).await;
        let refused = environments::provision(control, &desk::placed(control, &token, desk::KEYS, LIVE)).await;
        assert!(matches!(refused, Err(Stop::Refused(found)) if found == gate), "{email}");
        let again = environments::provision(control, &desk::placed(control, &token, desk::KEYS, SANDBOX)).await;
        let again = again.map_err(|_| "refused").unwrap();
        assert_eq!((again.fresh, again.view.status), (false, Status::Active));
        assert_eq!(again.view.provisioned_at, Some(control.now()));
        let permit = desk::permit(control, &token, desk::OWN);
        let listed = environments::list(control, &permit).unwrap();
        assert_eq!(listed, [again.view]);
    }
    assert!(environments::take(control).await.unwrap().is_none());
}

#[tokio::test]
async fn an_operators_tenant_gets_both_and_its_owner_hears_when_live_is_there() {
    let house = kit::open();
    let (control, planes) = (&house.control, FakePlanes::new(&house.clock));
    let tenant = tenants::create(control, &operator(), "Acme").await.unwrap().id;
    users::seed(control, &operator(), &tenant, new_user(JO)).await.map_err(|_| "not seeded").unwrap();
    desk::provision(control, &planes).await;
    assert_eq!(statuses(control, &tenant), [Status::Active, Status::Active]);
    let mails: Vec<_> = kit::mails(control).await.into_iter().map(|(kind, to, _)| (kind.word(), to)).collect();
    assert_eq!(mails, [("live-active", JO.to_owned())]);
    // It hears of a suspension, and not again of the way back.
    let why = Some("papers are missing".to_owned());
    environments::suspend(control, &operator(), &tenant, LIVE, why).await.map_err(|_| "refused").unwrap();
    let told: Vec<_> = kit::mails(control).await.into_iter().map(|(kind, ..)| kind.word()).collect();
    assert_eq!(told, ["suspended"]);
    desk::provision(control, &planes).await;
    assert_eq!(statuses(control, &tenant), [Status::Active, Status::Suspended]);
    environments::resume(control, &operator(), &tenant, LIVE).await.map_err(|_| "refused").unwrap();
    desk::provision(control, &planes).await;
    assert_eq!(statuses(control, &tenant), [Status::Active, Status::Active]);
    assert!(kit::mails(control).await.is_empty());
}

#[tokio::test]
async fn other_tenants_are_unknown_in_one_way() {
    let house = kit::open();
    let control = &house.control;
    let own = registered(control, JO, HOME).await.tenant;
    let other = registered(control, "mo@example.com", HOME).await.tenant;
    let permit = desk::permit(control, &desk::token(control, JO, HOME).await, desk::OWN);
    let status = |id: &str| environments::status(control, &permit, id);
    assert_eq!(status(&own.to_string()).map_err(|_| "unknown").unwrap().map(|view| view.environment), Environment::ALL);
    for id in [other.to_string().as_str(), "tnt_0000000000000000", "tnt_", "", "../1"] {
        assert!(matches!(status(id), Err(Stop::Refused(Denied::Unknown))), "{id:?}");
    }
}

/// What the loop would do, up to being killed after so many asks and reports.
async fn worked_until(control: &Control, planes: &FakePlanes, mut left: usize) {
    let mut goes_on = || {
        let on = left > 0;
        left = left.saturating_sub(1);
        on
    };
    while let Some(work) = environments::take(control).await.unwrap() {
        for step in &work.steps {
            let (tenant, standing) = (work.of.clone(), work.standing.clone());
            let ask = match step {
                Step::Admit => Ask::Admit { tenant, name: work.name.clone(), standing },
                Step::Stand => Ask::Stand { tenant, standing },
            };
            if !goes_on() {
                return;
            }
            planes.ask(work.environment, ask).await.map_err(|_| "not done").unwrap();
            if !goes_on() {
                return;
            }
            assert!(environments::step_done(control, &work, *step).await.unwrap());
        }
        if !goes_on() {
            return;
        }
        environments::settled(control, &work).await.unwrap();
    }
}

#[tokio::test]
async fn killed_at_any_point_of_its_work_it_becomes_active() {
    for killed_at in 0..=5 {
        let mut house = kit::open();
        let planes = FakePlanes::new(&house.clock);
        let tenant = registered(&house.control, JO, HOME).await.tenant;
        worked_until(&house.control, &planes, killed_at).await;
        house = house.again();
        let control = &house.control;
        assert!(environments::take(control).await.unwrap().is_none(), "for half a minute it is the dead one's");
        house.clock.advance(Span::seconds(30));
        planes.asked();
        desk::provision(control, &planes).await;
        assert_eq!(statuses(control, &tenant)[0], Status::Active, "killed at {killed_at}");
        // What was reported is not done again.
        let reported = killed_at / 2;
        let asked = planes.asked().len();
        assert_eq!(asked, if killed_at == 5 { 0 } else { 2 - reported }, "killed at {killed_at}");
    }
}

#[tokio::test]
async fn who_was_overtaken_changes_nothing() {
    let house = kit::open();
    let (control, planes) = (&house.control, FakePlanes::new(&house.clock));
    let tenant = registered(control, JO, HOME).await.tenant;
    let slow = environments::take(control).await.unwrap().unwrap();
    house.clock.advance(Span::seconds(30));
    let quick = environments::take(control).await.unwrap().unwrap();
    for step in &slow.steps {
        assert!(!environments::step_done(control, &slow, *step).await.unwrap());
    }
    environments::settled(control, &slow).await.unwrap();
    environments::failed(control, &slow, "too late").await.unwrap();
    assert_eq!(statuses(control, &tenant)[0], Status::Provisioning);
    // Not settled while a step is not done; and the operator's word takes it away.
    environments::settled(control, &quick).await.unwrap();
    assert_eq!(statuses(control, &tenant)[0], Status::Provisioning);
    environments::suspend(control, &operator(), &tenant, SANDBOX, None).await.map_err(|_| "refused").unwrap();
    for step in &quick.steps {
        assert!(!environments::step_done(control, &quick, *step).await.unwrap());
    }
    environments::settled(control, &quick).await.unwrap();
    assert_eq!(statuses(control, &tenant)[0], Status::Suspended);
    desk::provision(control, &planes).await;
    assert!(planes.tenant(SANDBOX, &tenant).unwrap().1.suspended);
}

#[tokio::test]
async fn a_failure_is_shown_tried_again_ever_more_rarely_and_told_to_the_operator_alone() {
    let house = kit::open();
    let (control, planes) = (&house.control, FakePlanes::new(&house.clock));
    let tenant = registered(control, JO, HOME).await.tenant;
    for wait in [1, 2, 4, 8, 16, 30, 30] {
        planes.script([Fate::Down]);
        desk::provision(control, &planes).await;
        assert_eq!(statuses(control, &tenant)[0], Status::Error);
        house.clock.advance(Span(Span::seconds(wait).0 - 1));
        assert!(environments::take(control).await.unwrap().is_none(), "before {wait} s");
        house.clock.advance(Span(1));
    }
    let permit = desk::permit(control, &desk::token(control, JO, HOME).await, desk::OWN);
    let [told, _] = environments::status(control, &permit, &tenant.to_string()).map_err(|_| "unknown").unwrap();
    let [known, _] = environments::show(control, &operator(), &tenant).map_err(|_| "unknown").unwrap();
    assert!(known.reason.unwrap().contains("as scripted"));
    assert!(told.reason.is_some_and(|reason| !reason.contains("scripted")));
    // The tenant's wish does not wait.
    planes.script([Fate::Down]);
    desk::provision(control, &planes).await;
    let token = desk::token(control, JO, HOME).await;
    let placed = desk::placed(control, &token, desk::SANDBOX, SANDBOX);
    let wished = environments::provision(control, &placed).await.map_err(|_| "refused").unwrap();
    assert_eq!((wished.fresh, wished.view.status, wished.view.reason), (true, Status::Provisioning, None));
    desk::provision(control, &planes).await;
    assert_eq!(statuses(control, &tenant)[0], Status::Active);
}

/// Of the one ask, which is about this tenant.
fn standing(asks: Vec<Ask>, of: &TenantId) -> Standing {
    match <[Ask; 1]>::try_from(asks) {
        Ok([Ask::Stand { tenant, standing }]) if tenant == *of => standing,
        other => panic!("not one standing of {of}: {other:?}"),
    }
}

#[tokio::test]
async fn who_was_suspended_and_resumed_again_has_lost_what_he_took_before() {
    let house = kit::open();
    let control = &house.control;
    let tenant = registered(control, JO, HOME).await.tenant;
    let before = environments::take(control).await.unwrap().unwrap();
    for suspend in [true, false] {
        let turned = match suspend {
            true => environments::suspend(control, &operator(), &tenant, SANDBOX, None).await,
            false => environments::resume(control, &operator(), &tenant, SANDBOX).await,
        };
        turned.map_err(|_| "refused").unwrap();
    }
    // Taken at the same moment, for as long, and wanted as before: it is another work all the same.
    let after = environments::take(control).await.unwrap().unwrap();
    assert!(!environments::step_done(control, &before, Step::Admit).await.unwrap());
    assert!(environments::step_done(control, &after, Step::Admit).await.unwrap());
    assert_eq!((before.standing.turn, after.standing.suspended), (0, false));
    assert!(after.standing.turn > 1);
}

#[tokio::test]
async fn a_suspension_holds_at_once_and_a_plane_that_starts_hears_of_it() {
    let house = kit::open();
    let (control, planes) = (&house.control, FakePlanes::new(&house.clock));
    let tenant = registered(control, JO, HOME).await.tenant;
    desk::provision(control, &planes).await;
    environments::suspend(control, &operator(), &tenant, SANDBOX, None).await.map_err(|_| "refused").unwrap();
    assert_eq!(statuses(control, &tenant)[0], Status::Suspended);
    let token = desk::token(control, JO, HOME).await;
    let placed = desk::placed(control, &token, desk::SANDBOX, SANDBOX);
    let wished = environments::provision(control, &placed).await;
    assert!(matches!(wished, Err(Stop::Refused(Refusal::Suspended))));
    let heard = || wishes::waiting(control, SANDBOX, None).unwrap().asks;
    let first = standing(heard(), &tenant);
    assert!(first.suspended && first.turn > 0);
    assert_eq!(wishes::waiting(control, LIVE, None).unwrap().asks, []);
    // Heard by the plane, it does not wait any more, however many were ever suspended.
    desk::provision(control, &planes).await;
    assert_eq!(heard(), []);
    environments::resume(control, &operator(), &tenant, SANDBOX).await.map_err(|_| "refused").unwrap();
    let second = standing(heard(), &tenant);
    assert!(!second.suspended && second.turn > first.turn, "{first:?} {second:?}");
    desk::provision(control, &planes).await;
    assert_eq!(heard(), []);
    // What was only ever wished for is no news of a turn.
    registered(control, "mo@example.com", HOME).await;
    assert_eq!(heard(), []);
    // What nobody wished for cannot be suspended.
    let nothing = environments::suspend(control, &operator(), &tenant, LIVE, None).await;
    assert!(matches!(nothing, Err(Stop::Refused(Refusal::Unknown))));
}
