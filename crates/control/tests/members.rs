//! Who has a seat, who may give and take one, how somebody is invited to one, and how a session gets from one tenant to another.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use base::{Secret, Span, Stop, UserId};
use control::invitations::{self, Accepted, Names};
use control::mail::Kind;
use control::seats::{self, Refusal};
use control::sessions::{self, Carrier, LoggedIn};
use control::{Carried, Control, Denied, Presented, Role, users};
use kit::{House, PASSWORD, desk, from, mails, registered, secret, verified};

control::rows! {
    MEMBERS: PATCH "/members", seats(B B N N N), at Nowhere, step_up, 200;
}

const SAM: &str = "sam@example.com";
const KIM: &str = "kim@example.com";
const JO: &str = "jo@example.com";
const HOME: &str = "10.0.0.1";

/// Sam, a verified owner, and his session.
async fn house() -> (House, Secret<String>) {
    let house = kit::tuned(|settings| {
        (settings.limits.mails_per_hour, settings.limits.mails_per_net) = (1_000, 1_000);
    });
    verified(&house.control, SAM, HOME).await;
    let sam = desk::token(&house.control, SAM, HOME).await;
    (house, sam)
}

async fn invite(
    control: &Control,
    by: &Secret<String>,
    email: &str,
    role: Role,
) -> Result<String, invitations::Refusal> {
    let (permit, proof) = (desk::permit(control, by, MEMBERS), desk::proof(control, by));
    let invited = invitations::invite(control, &permit, &proof, email, role).await;
    invited.map_err(refusal)?;
    let letters = mails(control).await;
    let letter = letters.into_iter().find(|(kind, to, _)| *kind == Kind::Invited && to == email);
    Ok(letter.and_then(|(_, _, token)| token).unwrap())
}

async fn accept(control: &Control, token: &str) -> Result<Accepted, invitations::Refusal> {
    let names = Names { first: "Kim".to_owned(), last: "Roe".to_owned() };
    invitations::accept(control, &from(HOME), token, secret(PASSWORD), Some(names)).await.map_err(refusal)
}

async fn join(control: &Control, who: &Secret<String>, token: &str) -> Result<Accepted, invitations::Refusal> {
    invitations::join(control, &desk::permit(control, who, desk::OWN), token).await.map_err(refusal)
}

/// Somebody new in the tenant of who invites: id and session.
async fn seated(control: &Control, by: &Secret<String>, email: &str, role: Role) -> (UserId, Secret<String>) {
    let token = invite(control, by, email, role).await.unwrap();
    let accepted = accept(control, &token).await.unwrap();
    assert_eq!((accepted.role, accepted.email.as_str()), (role, email));
    (accepted.user, desk::token(control, email, HOME).await)
}

async fn change(control: &Control, by: &Secret<String>, whose: &UserId, role: Role) -> Result<Role, Refusal> {
    let (permit, proof) = (desk::permit(control, by, MEMBERS), desk::proof(control, by));
    let changed = seats::change_role(control, &permit, &proof, &whose.to_string(), role).await;
    changed.map(|view| view.role).map_err(refusal)
}

async fn remove(control: &Control, by: &Secret<String>, whose: &UserId) -> Result<(), Refusal> {
    let (permit, proof) = (desk::permit(control, by, MEMBERS), desk::proof(control, by));
    seats::remove(control, &permit, &proof, &whose.to_string()).await.map_err(refusal)
}

fn refusal<R>(stop: Stop<R>) -> R {
    match stop {
        Stop::Refused(refusal) => refusal,
        Stop::Faulted(fault) => panic!("{}", fault.chain()),
    }
}

fn denied(control: &Control, token: &Secret<String>) -> Option<Denied> {
    sessions::authenticate(control, Presented::Bearer(token.expose()), &from(HOME)).err().map(refusal)
}

fn token_of(logged_in: LoggedIn) -> Secret<String> {
    match logged_in {
        LoggedIn::In { issued, .. } => match issued.carrier {
            Carrier::Token(token) => token,
            Carrier::Cookie(_) => panic!("a cookie for a bearer"),
        },
        LoggedIn::SecondStep { .. } => panic!("a second step"),
    }
}

#[tokio::test]
async fn owners_grant_anything_and_admins_what_is_not_an_owners() {
    let (house, sam) = house().await;
    let control = &house.control;
    let (_, admin) = seated(control, &sam, "admin@example.com", Role::Admin).await;
    let (kim, _) = seated(control, &sam, KIM, Role::Viewer).await;
    for had in Role::ALL {
        for role in Role::ALL {
            change(control, &sam, &kim, had).await.unwrap();
            let allowed = had != Role::Owner && role != Role::Owner;
            let expected = if allowed { Ok(role) } else { Err(Refusal::RoleForbids) };
            assert_eq!(change(control, &admin, &kim, role).await, expected, "{had:?} to {role:?}");
            let kept = if allowed { role } else { had };
            assert_eq!(change(control, &sam, &kim, kept).await, Ok(kept));
            let invited = invite(control, &admin, "lee@example.com", role).await.map(|_| ());
            let expected = if role == Role::Owner { Err(invitations::Refusal::RoleForbids) } else { Ok(()) };
            assert_eq!(invited, expected, "{role:?}");
        }
    }
}

#[tokio::test]
async fn a_role_counts_from_the_next_request_on() {
    let (house, sam) = house().await;
    let control = &house.control;
    let (kim, token) = seated(control, &sam, KIM, Role::Admin).await;
    // Asked for as an admin, done when that is over.
    let (permit, proof) = (desk::permit(control, &token, MEMBERS), desk::proof(control, &token));
    change(control, &sam, &kim, Role::Developer).await.unwrap();
    assert_eq!(desk::session(control, &token).role(), Role::Developer);
    let late = seats::change_role(control, &permit, &proof, &kim.to_string(), Role::Admin).await;
    assert_eq!(late.map_err(refusal).err(), Some(Refusal::RoleForbids));
    let late = invitations::invite(control, &permit, &proof, "lee@example.com", Role::Viewer).await;
    assert_eq!(late.map_err(refusal).err(), Some(invitations::Refusal::RoleForbids));
}

#[tokio::test]
async fn a_tenant_keeps_an_owner_whoever_is_faster() {
    let (house, sam) = house().await;
    let control = &house.control;
    let sams = desk::session(control, &sam).user().clone();
    assert_eq!(remove(control, &sam, &sams).await, Err(Refusal::LastOwner));
    assert_eq!(change(control, &sam, &sams, Role::Admin).await, Err(Refusal::LastOwner));
    let (kim, token) = seated(control, &sam, KIM, Role::Owner).await;
    let both = tokio::join!(remove(control, &sam, &kim), remove(control, &token, &sams));
    let gone = [both.0, both.1];
    assert_eq!(gone.iter().filter(|gone| gone.is_ok()).count(), 1, "{gone:?}");
    assert!(gone.contains(&Err(Refusal::RoleForbids)) || gone.contains(&Err(Refusal::LastOwner)), "{gone:?}");
    let left = if denied(control, &sam).is_none() { &sam } else { &token };
    let listed = seats::list(control, &desk::permit(control, left, desk::OWN)).unwrap();
    assert_eq!(listed.iter().map(|seat| seat.role).collect::<Vec<_>>(), [Role::Owner]);
}

#[tokio::test]
async fn who_is_removed_is_out_at_once_there_and_nowhere_else() {
    let (house, sam) = house().await;
    let control = &house.control;
    let jos = verified(control, JO, HOME).await;
    let token = desk::token(control, JO, HOME).await;
    let invitation = invite(control, &sam, JO, Role::Admin).await.unwrap();
    let sams = join(control, &token, &invitation).await.unwrap().tenant;
    let at_home = desk::token(control, JO, HOME).await;
    let moved = seats::switch(control, &desk::permit(control, &token, desk::OWN), &sams.to_string()).await;
    let moved = token_of(moved.map_err(refusal).unwrap());
    assert_eq!((desk::session(control, &moved).tenant(), desk::session(control, &moved).role()), (&sams, Role::Admin));

    remove(control, &sam, &jos.user).await.unwrap();
    assert_eq!(denied(control, &moved), Some(Denied::Revoked));
    assert_eq!(denied(control, &at_home), None);
    assert_eq!(remove(control, &sam, &jos.user).await, Err(Refusal::Unknown));
    // A seat that is given again revives nothing.
    let again = invite(control, &sam, JO, Role::Viewer).await.unwrap();
    join(control, &at_home, &again).await.unwrap();
    assert_eq!(denied(control, &moved), Some(Denied::Revoked));
}

#[tokio::test]
async fn a_login_leads_to_where_there_is_a_seat() {
    let (house, sam) = house().await;
    let control = &house.control;
    let other = verified(control, "mo@example.com", "10.0.5.1").await;
    let mo = desk::token(control, "mo@example.com", "10.0.5.1").await;
    let (kim, _) = seated(control, &sam, KIM, Role::Admin).await;
    // By the password that is there already.
    let token = invite(control, &mo, KIM, Role::Finance).await.unwrap();
    let by_password = invitations::accept(control, &from(HOME), &token, secret(PASSWORD), None).await;
    assert_eq!(by_password.map_err(refusal).unwrap().user, kim);
    remove(control, &sam, &kim).await.unwrap();
    let session = desk::session(control, &desk::token(control, KIM, HOME).await);
    assert_eq!((session.tenant(), session.role()), (&other.tenant, Role::Finance));
    // With one in the first tenant again, and without the second.
    let token = invite(control, &sam, KIM, Role::Viewer).await.unwrap();
    join(control, &desk::token(control, KIM, HOME).await, &token).await.unwrap();
    remove(control, &mo, &kim).await.unwrap();
    assert_eq!(desk::session(control, &desk::token(control, KIM, HOME).await).role(), Role::Viewer);
}

#[tokio::test]
async fn who_loses_the_last_seat_is_forgotten_and_the_address_is_free() {
    let (house, sam) = house().await;
    let control = &house.control;
    let (kim, token) = seated(control, &sam, KIM, Role::Admin).await;
    remove(control, &sam, &kim).await.unwrap();
    assert_eq!(denied(control, &token), Some(Denied::Revoked));
    let nowhere = sessions::log_in(control, &from(HOME), KIM, secret(PASSWORD), Carried::Bearer).await;
    assert!(matches!(nowhere, Err(Stop::Refused(sessions::Refusal::Invalid))));
    let again = verified(control, KIM, HOME).await;
    let session = desk::session(control, &desk::token(control, KIM, HOME).await);
    assert!(again.user != kim && session.verified() && *session.tenant() == again.tenant);
}

#[tokio::test]
async fn a_seat_that_is_taken_away_leaves_no_invitation_behind() {
    let (house, sam) = house().await;
    let control = &house.control;
    verified(control, "mo@example.com", "10.0.5.1").await;
    let mo = desk::token(control, "mo@example.com", "10.0.5.1").await;
    let (kim, token) = seated(control, &sam, KIM, Role::Admin).await;
    // Another seat, so that Kim is not forgotten.
    let elsewhere = invite(control, &mo, KIM, Role::Viewer).await.unwrap();
    join(control, &token, &elsewhere).await.unwrap();
    let to_kim = invite(control, &sam, KIM, Role::Admin).await.unwrap();
    let by_kim = invite(control, &token, "lee@example.com", Role::Admin).await.unwrap();
    let other = invite(control, &sam, "al@example.com", Role::Viewer).await.unwrap();
    remove(control, &sam, &kim).await.unwrap();

    let open = invitations::list(control, &desk::permit(control, &sam, desk::OWN)).unwrap();
    assert_eq!(open.iter().map(|open| open.email.as_str()).collect::<Vec<_>>(), ["al@example.com"]);
    let invalid = Err(invitations::Refusal::User(users::Refusal::TokenInvalid));
    let token = desk::token(control, KIM, HOME).await;
    assert_eq!(join(control, &token, &to_kim).await, invalid);
    let again = invite(control, &sam, KIM, Role::Owner).await.unwrap();
    join(control, &token, &again).await.unwrap();
    assert_eq!(accept(control, &by_kim).await, invalid);
    accept(control, &other).await.unwrap();
}

#[tokio::test]
async fn a_text_that_is_no_id_is_an_unknown_invitation() {
    let (house, sam) = house().await;
    let permit = desk::permit(&house.control, &sam, MEMBERS);
    for id in ["", "\0", "inv_0123456789abcde\0", "inv_0000000000000000"] {
        let withdrawn = invitations::withdraw(&house.control, &permit, id).await;
        assert_eq!(withdrawn.map_err(refusal), Err(invitations::Refusal::Unknown), "{id:?}");
    }
}

#[tokio::test]
async fn an_invitation_is_good_once_and_for_a_week() {
    let (house, sam) = house().await;
    let control = &house.control;
    let invalid = Err(invitations::Refusal::User(users::Refusal::TokenInvalid));
    let first = invite(control, &sam, KIM, Role::Viewer).await.unwrap();
    let second = invite(control, &sam, "Kim@Example.com", Role::Finance).await.unwrap();
    assert_eq!(accept(control, &first).await, invalid, "replaced");
    house.clock.advance(Span(Span::days(7).0 - 1));
    assert_eq!(accept(control, &second).await.unwrap().role, Role::Finance);
    assert_eq!(accept(control, &second).await, invalid, "used");
    let third = invite(control, &desk::token(control, SAM, HOME).await, "lee@example.com", Role::Viewer).await.unwrap();
    house.clock.advance(Span::days(7));
    assert_eq!(accept(control, &third).await, invalid, "past");
}

#[tokio::test]
async fn of_many_at_once_one_is_seated() {
    let (house, sam) = house().await;
    let control = &house.control;
    verified(control, JO, HOME).await;
    let jo = desk::token(control, JO, HOME).await;
    let token = invite(control, &sam, JO, Role::Admin).await.unwrap();
    let joining: Vec<_> = (0..64)
        .map(|_| {
            let (control, jo, token) = (control.clone(), jo.clone(), token.clone());
            tokio::spawn(async move { join(&control, &jo, &token).await.is_ok() })
        })
        .collect();
    let mut seated = 0;
    for joined in joining {
        seated += usize::from(joined.await.unwrap());
    }
    assert_eq!(seated, 1);
}

#[tokio::test]
async fn an_invitation_is_worth_what_its_sender_may_still_grant() {
    let (house, sam) = house().await;
    let control = &house.control;
    let (lee, admin) = seated(control, &sam, "lee@example.com", Role::Admin).await;
    let token = invite(control, &admin, KIM, Role::Admin).await.unwrap();
    change(control, &sam, &lee, Role::Developer).await.unwrap();
    let invalid = Err(invitations::Refusal::User(users::Refusal::TokenInvalid));
    assert_eq!(accept(control, &token).await, invalid);
    change(control, &sam, &lee, Role::Admin).await.unwrap();
    remove(control, &sam, &lee).await.unwrap();
    assert_eq!(accept(control, &token).await, invalid);
}

#[tokio::test]
async fn the_ticket_proves_the_address_for_whoever_has_the_mail() {
    let (house, sam) = house().await;
    let control = &house.control;
    // Somebody has registered with an address that is not his.
    let squatter = registered(control, KIM, "10.0.6.1").await;
    let link = mails(control).await.into_iter().find_map(|(_, to, token)| token.filter(|_| to == KIM)).unwrap();
    let token = invite(control, &sam, KIM, Role::Developer).await.unwrap();
    let names = Names { first: "Kim".to_owned(), last: "Roe".to_owned() };
    let accepted = invitations::accept(control, &from(HOME), &token, secret("TheRealKim1"), Some(names)).await;
    let accepted = accepted.map_err(refusal).unwrap();
    assert_ne!(accepted.user, squatter.user);
    let late = users::verify(control, &from("10.0.6.1"), &link).await;
    assert!(matches!(late, Err(Stop::Refused(users::Refusal::TokenInvalid))));

    // Who has registered himself needs no other proof than the invitation.
    let jos = registered(control, JO, HOME).await;
    mails(control).await;
    let token = invite(control, &sam, JO, Role::Viewer).await.unwrap();
    let wrong = invitations::accept(control, &from(HOME), &token, secret("WrongPass9"), None).await;
    assert_eq!(wrong.map_err(refusal), Err(invitations::Refusal::Invalid));
    let accepted = invitations::accept(control, &from(HOME), &token, secret(PASSWORD), None).await;
    assert_eq!(accepted.map_err(refusal).unwrap().user, jos.user);
    let session = desk::session(control, &desk::token(control, JO, HOME).await);
    assert!(session.verified() && *session.tenant() == jos.tenant);
}

#[tokio::test]
async fn an_invitation_is_for_its_address_alone() {
    let (house, sam) = house().await;
    let control = &house.control;
    verified(control, JO, HOME).await;
    let jo = desk::token(control, JO, HOME).await;
    let token = invite(control, &sam, KIM, Role::Viewer).await.unwrap();
    assert_eq!(join(control, &jo, &token).await, Err(invitations::Refusal::OtherAddress));
    accept(control, &token).await.unwrap();
    // An account that has the address is not replaced by somebody new.
    let token = invite(control, &sam, JO, Role::Viewer).await.unwrap();
    assert_eq!(accept(control, &token).await, Err(invitations::Refusal::AddressTaken));
    join(control, &jo, &token).await.unwrap();
    let token = invite(control, &sam, JO, Role::Owner).await.unwrap();
    assert_eq!(join(control, &jo, &token).await, Err(invitations::Refusal::Already));
}

#[tokio::test]
async fn who_has_not_proved_his_own_address_invites_nobody() {
    let house = kit::open();
    registered(&house.control, JO, HOME).await;
    let jo = desk::token(&house.control, JO, HOME).await;
    let invited = invite(&house.control, &jo, KIM, Role::Viewer).await;
    assert_eq!(invited, Err(invitations::Refusal::NotVerified));
}

#[tokio::test]
async fn switching_proves_nothing_and_prolongs_nothing() {
    let (house, sam) = house().await;
    let control = &house.control;
    let jos = verified(control, JO, HOME).await;
    let jo = desk::token(control, JO, HOME).await;
    let invitation = invite(control, &sam, JO, Role::Owner).await.unwrap();
    let sams = join(control, &jo, &invitation).await.unwrap().tenant;
    let places = seats::places(control, &desk::permit(control, &jo, desk::OWN)).unwrap();
    let seen: Vec<_> = places.iter().map(|place| (place.tenant == jos.tenant, place.current)).collect();
    assert!(seen == [(true, true), (false, false)] || seen == [(false, false), (true, true)], "{seen:?}");

    let switch = async |token: &Secret<String>, to: &str| {
        let permit = desk::permit(control, token, desk::OWN);
        seats::switch(control, &permit, to).await.map_err(refusal)
    };
    for nowhere in
        ["", "mine", "tnt_0000000000000000", &registered(control, "mo@example.com", HOME).await.tenant.to_string()]
    {
        assert_eq!(switch(&jo, nowhere).await.err(), Some(Refusal::Unknown), "{nowhere:?}");
    }
    house.clock.advance(Span::hours(7));
    let moved = token_of(switch(&jo, &sams.to_string()).await.unwrap());
    assert_eq!(denied(control, &jo), Some(Denied::Revoked));
    let session = desk::session(control, &moved);
    assert_eq!((session.tenant(), session.role(), session.proved()), (&sams, Role::Owner, None));
    let permit = session.permit(desk::OWN).unwrap();
    assert_eq!(sessions::step_up(&permit, control.now()).err(), Some(Denied::StepUpRequired));
    let home = token_of(switch(&moved, &jos.tenant.to_string()).await.unwrap());
    house.clock.advance(Span(Span::hours(1).0 - 1));
    assert_eq!(denied(control, &home), None);
    house.clock.advance(Span(1));
    assert_eq!(denied(control, &home), Some(Denied::Expired));
}

#[tokio::test]
async fn a_cookie_that_a_login_replaces_is_worth_nothing() {
    let (house, _) = house().await;
    let control = &house.control;
    let Carrier::Cookie(cookie) = desk::issued(control, SAM, HOME, Carried::Cookie).await.carrier else {
        panic!("a token for a cookie")
    };
    for cookie in [cookie.expose().as_str(), cookie.expose(), "usr_.ses_.", ""] {
        sessions::replaced(control, &from(HOME), cookie).await.unwrap();
    }
    let shown = sessions::authenticate(control, Presented::Cookie(cookie.expose()), &from(HOME));
    assert_eq!(shown.err().map(refusal), Some(Denied::Revoked));
}
