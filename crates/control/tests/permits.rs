//! A permit is worth what its session and its seat are worth when the operation runs: the rest of a request may come long after
//! it was let in.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use base::{Environment, Stop};
use control::keys;
use control::{Ask, Control, Permit, Placed, StepUp, approvals, sessions, totp};
use kit::planes::{FakePlanes, ordinary};
use kit::{House, app, desk, secret, verified};

const JO: &str = "jo@example.com";
const HOME: &str = "10.0.0.1";

/// Jo's permits, as requests had them whose session has ended since.
struct Late {
    house: House,
    planes: FakePlanes,
    permit: Permit,
    placed: Placed,
    step_up: StepUp,
}

async fn late() -> Late {
    let house = kit::open();
    let planes = FakePlanes::new(&house.clock);
    verified(&house.control, JO, HOME).await;
    desk::provision(&house.control, &planes).await;
    let token = desk::token(&house.control, JO, HOME).await;
    let permit = desk::permit(&house.control, &token, desk::OWN);
    let placed = desk::placed(&house.control, &token, desk::KEYS, Environment::Sandbox);
    let step_up = desk::proof(&house.control, &token);
    Late { house, planes, permit, placed, step_up }
}

/// Nothing was done, and who asks again will hear why.
fn is_over<T, R>(done: Result<T, Stop<R>>) -> bool {
    matches!(done, Err(Stop::Faulted(fault)) if fault.busy)
}

fn facts() -> approvals::Facts {
    approvals::Facts {
        legal_name: "Acme Ltd".to_owned(),
        country: "EG".to_owned(),
        website: "https://acme.example".to_owned(),
        use_case: "Payouts".to_owned(),
        monthly_volume: "1.00".to_owned(),
        contact_name: "Jo Doe".to_owned(),
    }
}

/// Each way of using an old permit: by its name, and whether it was over.
async fn used(late: &Late) -> Vec<(&'static str, bool)> {
    let (control, planes): (&Control, _) = (&late.house.control, &late.planes);
    let (permit, placed, step_up) = (&late.permit, &late.placed, &late.step_up);
    vec![
        ("key", is_over(keys::create(control, planes, placed, step_up, ordinary("till")).await)),
        ("app", is_over(totp::begin(control, permit, step_up).await)),
        ("application", is_over(approvals::apply(control, permit, facts(), vec![]).await)),
        ("environment", is_over(control::environments::provision(control, placed).await)),
    ]
}

#[tokio::test]
async fn a_permit_ends_with_its_session() {
    let late = late().await;
    assert!(used(&late).await.iter().all(|(_, over)| !over), "a session that lives is worth something");
    let late = self::late().await;
    let begun = totp::begin(&late.house.control, &late.permit, &late.step_up).await.map_err(|_| ()).unwrap();
    let code = secret(&app::now(&late.house.control, begun.secret.expose()));
    sessions::log_out(&late.house.control, &late.permit).await.unwrap();
    let used = used(&late).await;
    assert!(used.iter().all(|(_, over)| *over), "{used:?}");
    assert!(is_over(totp::confirm(&late.house.control, &late.permit, &late.step_up, &code).await));
    assert!(
        !late.planes.asked().iter().any(|(_, ask)| matches!(ask, Ask::Mint { .. })),
        "no plane was asked for a key"
    );
}
