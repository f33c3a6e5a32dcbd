//! Signing in and what a session is worth afterwards: its carrier, its proofs, its end.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use base::{Environment, Span, Stop};
use control::sessions::{self, Carrier, LoggedIn, Proof, Refusal};
use control::{Carried, Control, Denied, Presented, ProofKind, Role};
use kit::{PASSWORD, desk, from, registered, secret, verified};

const JO: &str = "jo@example.com";
const HOME: &str = "10.0.0.1";

fn shown(control: &Control, presented: Presented<'_>) -> Result<control::Session, Denied> {
    sessions::authenticate(control, presented, &from(HOME)).map_err(|stop| match stop {
        Stop::Refused(denied) => denied,
        Stop::Faulted(fault) => panic!("{}", fault.chain()),
    })
}

#[tokio::test]
async fn who_registered_signs_in_as_owner_and_who_proved_the_address_comes_first() {
    let house = kit::open();
    let control = &house.control;
    let first = registered(control, JO, HOME).await;
    let session = desk::session(control, &desk::token(control, JO, HOME).await);
    assert_eq!((session.user(), session.tenant(), session.role()), (&first.user, &first.tenant, Role::Owner));
    assert_eq!((session.verified(), session.preferred()), (false, Environment::Sandbox));
    assert_eq!(session.proved().map(|proved| proved.kind), Some(ProofKind::Login));

    // Somebody registers later with the same address and proves it: the address is his.
    let second = verified(control, "Jo@Example.com", "10.0.1.1").await;
    let session = desk::session(control, &desk::token(control, JO, HOME).await);
    assert_eq!((session.user(), session.verified()), (&second.user, true));
}

#[tokio::test]
async fn unknown_wrong_and_no_address_are_one_word() {
    let house = kit::open();
    verified(&house.control, JO, HOME).await;
    for (email, password) in
        [(JO, "WrongPass9"), ("no@example.com", PASSWORD), ("no address", PASSWORD), ("", PASSWORD)]
    {
        let refused = sessions::log_in(&house.control, &from(HOME), email, secret(password), Carried::Bearer).await;
        assert!(matches!(refused, Err(Stop::Refused(Refusal::Invalid))), "{email:?}");
    }
}

#[tokio::test]
async fn a_cookie_carries_its_own_session_and_no_other() {
    let house = kit::open();
    let control = &house.control;
    registered(control, JO, HOME).await;
    let Carrier::Cookie(cookie) = desk::issued(control, JO, HOME, Carried::Cookie).await.carrier else {
        panic!("a token for a cookie")
    };
    let session = shown(control, Presented::Cookie(cookie.expose())).ok().unwrap();
    assert_eq!(session.carried(), Carried::Cookie);
    let token = desk::token(control, JO, HOME).await;
    let bearer = desk::session(control, &token);

    let (ids, proof) = cookie.expose().rsplit_once('.').unwrap();
    let other = format!("{}.{}.{proof}", bearer.user(), bearer.id());
    let cut = &cookie.expose()[..cookie.expose().len() - 1];
    let changed = format!("{ids}.{}", "0".repeat(30));
    for wrong in [other.as_str(), cut, &changed, ids, "", ".", "..", token.expose()] {
        assert_eq!(shown(control, Presented::Cookie(wrong)).err(), Some(Denied::Unauthenticated), "{wrong:?}");
    }
    assert_eq!(shown(control, Presented::Bearer(cookie.expose())).err(), Some(Denied::Unauthenticated));
    sessions::log_out(control, &session.permit(desk::OWN).unwrap()).await.unwrap();
    assert_eq!(shown(control, Presented::Cookie(cookie.expose())).err(), Some(Denied::Revoked));
}

#[tokio::test]
async fn a_login_counts_as_a_proof_for_ten_minutes_and_a_password_renews_it() {
    let house = kit::open();
    let control = &house.control;
    registered(control, JO, HOME).await;
    let (token, other) = (desk::token(control, JO, HOME).await, desk::token(control, JO, HOME).await);
    house.clock.advance(Span(Span::seconds(600).0 - 1));
    assert_eq!(desk::proof(control, &token).by(), ProofKind::Login);
    house.clock.advance(Span(1));
    let step_up = |token| sessions::step_up(&desk::permit(control, token, desk::OWN), control.now());
    assert_eq!(step_up(&token).err(), Some(Denied::StepUpRequired));

    let permit = desk::permit(control, &token, desk::OWN);
    let wrong = sessions::prove(control, &permit, Proof::Password(secret("WrongPass9"))).await;
    assert!(matches!(wrong, Err(Stop::Refused(Refusal::Invalid))));
    assert_eq!(step_up(&token).err(), Some(Denied::StepUpRequired));
    let proved = sessions::prove(control, &permit, Proof::Password(secret(PASSWORD))).await;
    let (proved, until) = proved.map_err(|_| "refused").unwrap();
    assert_eq!((proved.kind, until.since(control.now())), (ProofKind::Password, Span::seconds(600)));
    assert_eq!(step_up(&token).ok().map(|step_up| step_up.by()), Some(ProofKind::Password));
    assert_eq!(step_up(&other).err(), Some(Denied::StepUpRequired), "it is the session's own");
    // Ended meanwhile: nothing is proved.
    sessions::log_out(control, &permit).await.unwrap();
    let late = sessions::prove(control, &permit, Proof::Password(secret(PASSWORD))).await;
    assert!(matches!(late, Err(Stop::Refused(Refusal::Invalid))));
}

#[tokio::test]
async fn proving_again_is_slowed_down_as_a_login_is() {
    let house = kit::tuned(|settings| settings.limits.failures_per_pair = 3);
    let control = &house.control;
    registered(control, JO, HOME).await;
    let permit = desk::permit(control, &desk::token(control, JO, HOME).await, desk::OWN);
    for _ in 0..3 {
        let wrong = sessions::prove(control, &permit, Proof::Password(secret("WrongPass9"))).await;
        assert!(matches!(wrong, Err(Stop::Refused(Refusal::Invalid))));
    }
    let right = sessions::prove(control, &permit, Proof::Password(secret(PASSWORD))).await;
    assert!(matches!(right, Err(Stop::Refused(Refusal::Throttled { .. }))));
}

#[tokio::test]
async fn of_tries_at_once_no_more_are_let_through_than_one_after_the_other() {
    let house = kit::tuned(|settings| settings.limits.failures_per_pair = 3);
    verified(&house.control, JO, HOME).await;
    let tries = (0..12).map(|_| {
        let control = house.control.clone();
        tokio::spawn(async move {
            let tried = sessions::log_in(&control, &from("10.7.0.1"), JO, secret("WrongPass9"), Carried::Bearer).await;
            matches!(tried, Err(Stop::Refused(Refusal::Invalid)))
        })
    });
    let mut checked = 0;
    for tried in tries.collect::<Vec<_>>() {
        checked += usize::from(tried.await.unwrap());
    }
    assert_eq!(checked, 3);
}

#[tokio::test]
async fn a_user_sees_his_live_sessions_and_ends_his_own_alone() {
    let house = kit::open();
    let control = &house.control;
    registered(control, JO, HOME).await;
    registered(control, "mo@example.com", HOME).await;
    let first = desk::token(control, JO, HOME).await;
    house.clock.advance(Span::seconds(1));
    let second = desk::token(control, JO, "10.0.0.2").await;
    let foreign = desk::token(control, "mo@example.com", HOME).await;
    let permit = desk::permit(control, &second, desk::OWN);
    let listed = sessions::list(control, &permit).unwrap();
    let ids: Vec<_> = listed.iter().map(|view| view.id.clone()).collect();
    let id = |token| desk::session(control, token).id().clone();
    assert_eq!(ids, [id(&second), id(&first)]);
    assert_eq!(listed.iter().map(|view| view.current).collect::<Vec<_>>(), [true, false]);
    assert_eq!((listed[0].ip.as_str(), listed[0].agent.as_str()), ("10.0.0.2", "a test"));

    let unknown = id(&foreign).to_string();
    for wrong in [unknown.as_str(), "ses_0000000000000000", "no id", ""] {
        let refused = sessions::revoke(control, &permit, wrong).await;
        assert!(matches!(refused, Err(Stop::Refused(Denied::Unknown))), "{wrong:?}");
    }
    desk::session(control, &foreign);
    sessions::revoke(control, &permit, &ids[1].to_string()).await.map_err(|_| "refused").unwrap();
    assert_eq!(shown(control, Presented::Bearer(first.expose())).err(), Some(Denied::Revoked));
    assert_eq!(sessions::list(control, &permit).unwrap().len(), 1);
    let again = sessions::revoke(control, &permit, &ids[1].to_string()).await;
    assert!(matches!(again, Err(Stop::Refused(Denied::Unknown))));
}

#[tokio::test]
async fn beyond_fifty_live_sessions_the_oldest_ends() {
    let house = kit::open();
    let control = &house.control;
    registered(control, JO, HOME).await;
    let mut tokens = Vec::new();
    for _ in 0..51 {
        house.clock.advance(Span::seconds(1));
        tokens.push(desk::token(control, JO, HOME).await);
    }
    assert_eq!(shown(control, Presented::Bearer(tokens[0].expose())).err(), Some(Denied::Unauthenticated));
    let permit = desk::permit(control, &tokens[1], desk::OWN);
    assert_eq!(sessions::list(control, &permit).unwrap().len(), 50);
}

#[tokio::test]
async fn a_login_takes_nothing_over_from_another() {
    let house = kit::open();
    registered(&house.control, JO, HOME).await;
    let logged_in = async || {
        let done = sessions::log_in(&house.control, &from(HOME), JO, secret(PASSWORD), Carried::Bearer).await;
        let Ok(LoggedIn::In { issued, .. }) = done else { panic!("not signed in") };
        let Carrier::Token(token) = issued.carrier else { panic!("a cookie for a bearer") };
        token
    };
    let (one, two) = (logged_in().await, logged_in().await);
    assert_ne!(desk::session(&house.control, &one).id(), desk::session(&house.control, &two).id());
}
