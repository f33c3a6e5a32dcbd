//! Somebody at the dashboard: signed in, with permits; and the loops that a test runs by hand.

use base::{Environment, Secret};
use control::audit::{self, Line};
use control::environments::{self, Step};
use control::sessions::{self, Carrier, Issued, LoggedIn};
use control::{Ask, Carried, Control, Permit, Placed, Planes, Presented, Row, Session, StepUp, wishes};

use super::{PASSWORD, from, secret};

control::rows! {
    /// As keys are made: owners and admins anywhere, developers in the sandbox.
    KEYS: POST "/keys", seats(B B S N N), at Body, step_up, 201;
    /// What anybody who is signed in may do.
    OWN: GET "/own", signed, at Nowhere, 200;
    /// What reaches the sandbox alone, whatever the role.
    SANDBOX: POST "/sandbox", seats(S S S S S), at Body, 200;
}

/// Signs in with the kit's password and answers the token.
pub async fn token(control: &Control, email: &str, ip: &str) -> Secret<String> {
    match issued(control, email, ip, Carried::Bearer).await.carrier {
        Carrier::Token(token) => token,
        Carrier::Cookie(_) => panic!("a cookie for a bearer"),
    }
}

pub async fn issued(control: &Control, email: &str, ip: &str, carried: Carried) -> Issued {
    let logged_in = sessions::log_in(control, &from(ip), email, secret(PASSWORD), carried).await;
    let Ok(LoggedIn::In { issued, .. }) = logged_in else { panic!("not signed in") };
    issued
}

/// The session of a token as it stands now.
pub fn session(control: &Control, token: &Secret<String>) -> Session {
    let found = sessions::authenticate(control, Presented::Bearer(token.expose()), &from("10.9.9.9"));
    found.map_err(|_| "no session").unwrap()
}

pub fn permit(control: &Control, token: &Secret<String>, row: &'static Row) -> Permit {
    session(control, token).permit(row).unwrap()
}

pub fn placed(control: &Control, token: &Secret<String>, row: &'static Row, environment: Environment) -> Placed {
    permit(control, token, row).in_environment(environment).unwrap()
}

pub fn proof(control: &Control, token: &Secret<String>) -> StepUp {
    sessions::step_up(&permit(control, token, OWN), control.now()).unwrap()
}

/// The newest lines of the tenant's audit log, the newest first.
pub fn noted(control: &Control, token: &Secret<String>, lines: usize) -> Vec<Line> {
    audit::list(control, &permit(control, token, OWN), None, lines).unwrap().lines
}

/// What the loop that provisions does with all that is due.
pub async fn provision(control: &Control, planes: &dyn Planes) {
    while let Some(work) = environments::take(control).await.unwrap() {
        let mut failed = None;
        for step in &work.steps {
            let (tenant, standing) = (work.of.clone(), work.standing.clone());
            let ask = match step {
                Step::Admit => Ask::Admit { tenant, name: work.name.clone(), standing },
                Step::Stand => Ask::Stand { tenant, standing },
            };
            match planes.ask(work.environment, ask).await {
                Ok(_) => assert!(environments::step_done(control, &work, *step).await.unwrap()),
                Err(not_done) => {
                    failed = Some(not_done.to_string());
                    break;
                }
            }
        }
        match failed {
            Some(why) => environments::failed(control, &work, &why).await.unwrap(),
            None => environments::settled(control, &work).await.unwrap(),
        }
    }
}

/// What the loop of wishes does with all that is due; answers how many came true.
pub async fn fulfil(control: &Control, planes: &dyn Planes) -> usize {
    let mut came_true = 0;
    for environment in Environment::ALL {
        for due in wishes::due(control, environment).unwrap() {
            match planes.ask(environment, due.ask).await {
                Err(control::NotDone::Unreachable { .. }) => wishes::postponed(control, &due.id).await.unwrap(),
                Ok(_) | Err(control::NotDone::Refused(_)) => {
                    wishes::finished(control, &due.id).await.unwrap();
                    came_true += 1;
                }
            }
        }
    }
    came_true
}
