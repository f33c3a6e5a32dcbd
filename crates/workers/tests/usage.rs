//! What tenants used reaches the front office, and stays there when a plane is away.
#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

mod kit;

use std::sync::atomic::Ordering;

use base::{Deed, Environment, Month};
use control::planes::Planes as _;
use control::usage::{self, Counted};
use control::{Ask, NotDone, PlaneRefusal, Reply};
use kit::office::House;
use kit::{Agent, run, simulated};
use workers::provision::Provision;
use workers::usage::Usage;
use workers::{Bell, Loop};

control::rows! {
    USAGE: GET "/usage", seats(B B B B B), at Nowhere, 200;
}

#[tokio::test]
async fn what_was_paid_is_asked_for_and_kept() {
    let house = House::new();
    let tenant = house.register("jo@example.com").await.tenant;
    let mut provision = Provision::new(house.control.clone(), house.planes(), Bell::default());
    provision.step().await;
    provision.finish().await;
    let sandbox = house.planes.plane(Environment::Sandbox).clone();
    let agent = Agent::of(&sandbox, tenant).await;
    for id in ["1", "2", "3"] {
        agent.send(id, 5_00).await;
    }
    run(&mut simulated(&sandbox), &house.clock, 40).await;

    let month = Month::of(house.clock.advance(base::Span(0)));
    let permit = house.permit("jo@example.com", USAGE).await;
    let known = async || {
        let used = usage::of(&house.control, house.planes.as_ref(), &permit, month).await.unwrap();
        let transfers =
            |(environment, Counted { meters, .. }): &(Environment, Counted)| (*environment, meters["transfers"]);
        used.counted.iter().map(transfers).collect::<Vec<_>>()
    };
    assert_eq!(known().await, [(Environment::Sandbox, 3)], "live is not there");
    house.planes.wire.cut.store(true, Ordering::SeqCst);
    assert_eq!(known().await, [], "nobody has kept it yet");
    let mut usage = Usage::new(house.control.clone(), house.planes());
    usage.step().await;
    assert_eq!(known().await, []);
    house.planes.wire.cut.store(false, Ordering::SeqCst);
    usage.step().await;
    house.planes.wire.cut.store(true, Ordering::SeqCst);
    assert_eq!(known().await, [(Environment::Sandbox, 3)]);
    house.planes.wire.cut.store(false, Ordering::SeqCst);
    agent.send("4", 5_00).await;
    run(&mut simulated(&sandbox), &house.clock, 40).await;
    assert_eq!(known().await, [(Environment::Sandbox, 4)]);
}

#[tokio::test]
async fn a_fresh_start_and_deeds_are_the_sandboxs_alone() {
    let house = House::new();
    let [sandbox, live] = [Environment::Sandbox, Environment::Live].map(|side| house.planes.plane(side).clone());
    let (ours, _) = (Agent::admitted(&sandbox, 1, 0).await, Agent::admitted(&live, 1, 0).await);
    let tenant = ours.id.clone();
    ours.send("1", 66_05).await;
    let ask = async |environment, ask| house.planes.ask(environment, ask).await;
    let deeds = || Ask::Deeds { tenant: tenant.clone() };
    assert!(matches!(ask(Environment::Sandbox, deeds()).await, Ok(Reply::Deeds(set)) if set == Deed::Magic.bit()));
    assert!(matches!(ask(Environment::Live, deeds()).await, Ok(Reply::Deeds(0))));

    let reset = || Ask::Reset { tenant: tenant.clone() };
    assert!(matches!(ask(Environment::Live, reset()).await, Err(NotDone::Unreachable { may_have_run: false, .. })));
    assert_eq!(ours.money().1, 66_05);
    for _ in 0..2 {
        assert!(matches!(ask(Environment::Sandbox, reset()).await, Ok(Reply::Done)));
    }
    let anew = Agent::of(&sandbox, tenant.clone()).await;
    assert_ne!(anew.caller.tenant(), ours.caller.tenant());
    assert_eq!(anew.money(), (100_000_000, 0));
    assert!(matches!(ask(Environment::Sandbox, deeds()).await, Ok(Reply::Deeds(set)) if set == Deed::Magic.bit()));
    let nobody = Ask::Reset { tenant: "tnt_00000000000000zz".parse().unwrap() };
    let refused = ask(Environment::Sandbox, nobody).await;
    assert!(matches!(refused, Err(NotDone::Refused(PlaneRefusal::TenantUnknown))));
}
