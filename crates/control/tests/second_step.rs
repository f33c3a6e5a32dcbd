//! The second step of a login, from setting an app up to losing it: who gets past it, who does not, and who is never
//! shut out.

#![allow(clippy::unwrap_used, reason = "tests")]

mod kit;

use base::{Secret, Span, Stop};
use control::factors::{self, Held, Method, Refusal as NoChange};
use control::mail::Kind;
use control::sessions::{self, Carrier, LoggedIn, Proof, Refusal};
use control::{Carried, Control, Operator, ProofKind, recovery, totp, users};
use kit::{House, PASSWORD, app, desk, from, mails, secret, verified};

const JO: &str = "jo@example.com";
const HOME: &str = "10.0.0.1";
const WRONG: &str = "no code";

/// Jo, signed in at home, with an app and ten recovery codes.
struct Jo {
    house: House,
    token: Secret<String>,
    seed: String,
    codes: Vec<String>,
}

async fn jo() -> Jo {
    let house = kit::open();
    verified(&house.control, JO, HOME).await;
    let token = desk::token(&house.control, JO, HOME).await;
    let (seed, codes) = app::added(&house.control, &token).await;
    mails(&house.control).await;
    Jo { house, token, seed, codes }
}

impl Jo {
    fn control(&self) -> &Control {
        &self.house.control
    }

    /// A code that was not used yet.
    fn fresh(&self) -> Proof {
        self.house.clock.advance(Span::seconds(30));
        Proof::Code(secret(&app::now(self.control(), &self.seed)))
    }

    fn recovery(&self, at: usize) -> Proof {
        Proof::Recovery(secret(&self.codes[at]))
    }

    async fn half(&self, ip: &str) -> String {
        app::half(self.control(), JO, ip).await.ticket.expose().clone()
    }
}

/// The token of a second step that led in.
fn led_in(second: Result<LoggedIn, Refusal>) -> Secret<String> {
    match second {
        Ok(LoggedIn::In { issued, .. }) => match issued.carrier {
            Carrier::Token(token) => token,
            Carrier::Cookie(_) => panic!("a cookie for a bearer"),
        },
        Ok(LoggedIn::SecondStep(_)) => panic!("a third step"),
        Err(refusal) => panic!("{refusal}"),
    }
}

fn wrong(second: Result<LoggedIn, Refusal>) -> bool {
    matches!(second, Err(Refusal::CodeInvalid))
}

fn guess() -> Proof {
    Proof::Code(secret(WRONG))
}

#[tokio::test]
async fn the_password_leads_half_the_way_and_either_code_the_rest() {
    let jo = jo().await;
    let control = jo.control();
    let half = app::half(control, JO, HOME).await;
    assert_eq!(half.methods, [Method::Totp, Method::Recovery]);
    assert_eq!(half.expires_at.since(control.now()), Span::seconds(300));
    let by = |token: &Secret<String>| desk::session(control, token).proved().unwrap().kind;
    let token = led_in(app::second(control, HOME, half.ticket.expose(), jo.fresh()).await);
    assert_eq!(by(&token), ProofKind::Totp);
    let token = led_in(app::second(control, HOME, &jo.half(HOME).await, jo.recovery(0)).await);
    assert_eq!(by(&token), ProofKind::Recovery);
    let held = factors::held(control, &desk::permit(control, &token, desk::OWN)).unwrap();
    assert_eq!(held, Held { totp: true, passkeys: 0, recovery_codes_left: 9 });
    // A ticket is no session, nor is it good for anything else that is mailed.
    let ticket = jo.half(HOME).await;
    let shown = sessions::authenticate(control, control::Presented::Bearer(&ticket), &from(HOME));
    assert!(shown.is_err());
    assert!(users::reset(control, &from(HOME), &ticket, secret("AnotherPass2")).await.is_err());
    assert!(users::verify(control, &from(HOME), &ticket).await.is_err());
}

#[tokio::test]
async fn nobody_hears_of_a_factor_before_the_password_is_right() {
    let jo = jo().await;
    for email in [JO, "nobody@example.com"] {
        let refused = sessions::log_in(jo.control(), &from(HOME), email, secret("WrongPass9"), Carried::Bearer).await;
        assert!(matches!(refused, Err(Stop::Refused(Refusal::Invalid))), "{email}");
    }
}

#[tokio::test]
async fn what_is_wrong_used_late_or_another_purposes_is_one_word() {
    let jo = jo().await;
    let control = jo.control();
    let ticket = jo.half(HOME).await;
    let used = Proof::Code(secret(&app::now(control, &jo.seed)));
    assert!(wrong(app::second(control, HOME, &ticket, used).await), "the one that confirmed the app");
    for proof in [guess(), Proof::Recovery(secret("AAAA-AAAA-AAAA")), Proof::Password(secret(PASSWORD))] {
        assert!(wrong(app::second(control, HOME, &ticket, proof).await));
    }
    users::forgot(control, &from(HOME), JO).await.map_err(|_| ()).unwrap();
    let reset = mails(control).await.pop().unwrap().2.unwrap();
    for other in ["", "tkt_no", &reset, &ticket[..39], jo.token.expose()] {
        assert!(wrong(app::second(control, HOME, other, jo.recovery(0)).await), "{other}");
    }
    jo.house.clock.advance(Span(Span::seconds(300).0 - 1));
    let late = jo.half(HOME).await;
    jo.house.clock.advance(Span::seconds(300));
    for ticket in [&ticket, &late] {
        assert!(wrong(app::second(control, HOME, ticket, jo.recovery(0)).await));
    }
    led_in(app::second(control, HOME, &jo.half(HOME).await, jo.recovery(0)).await);
}

#[tokio::test]
async fn the_fifth_wrong_answer_ends_a_ticket_and_no_more_are_looked_at_when_all_come_at_once() {
    let jo = jo().await;
    let control = jo.control();
    let ticket = jo.half(HOME).await;
    for _ in 0..4 {
        assert!(wrong(app::second(control, HOME, &ticket, guess()).await));
    }
    led_in(app::second(control, HOME, &ticket, jo.fresh()).await);
    let ticket = jo.half(HOME).await;
    let tries = (0..20).map(|_| {
        let (control, ticket) = (control.clone(), ticket.clone());
        tokio::spawn(async move { wrong(app::second(&control, HOME, &ticket, guess()).await) })
    });
    for tried in tries.collect::<Vec<_>>() {
        assert!(tried.await.unwrap());
    }
    assert!(wrong(app::second(control, HOME, &ticket, jo.recovery(0)).await));
    // The fifteen that came too late were not counted, and the right one forgave four: of thirty an hour 25 are left.
    let mut counted = 0;
    while app::prove(control, &jo.token, HOME, guess()).await == Err(Refusal::CodeInvalid) {
        counted += 1;
    }
    assert_eq!(counted, 25);
}

#[tokio::test]
async fn guessing_is_slowed_in_its_own_network_and_shuts_nobody_out() {
    let jo = jo().await;
    let control = jo.control();
    // Somebody has Jo's password, and networks enough. Tickets cost logins, so he guesses in few of them.
    let far = |net: usize| format!("203.0.{net}.1");
    let mut guesses = 0;
    'nets: for net in 0..8 {
        for _ in 0..4 {
            let Ok(LoggedIn::SecondStep(half)) =
                sessions::log_in(control, &from(&far(net)), JO, secret(PASSWORD), Carried::Bearer).await
            else {
                panic!("the password is right")
            };
            for _ in 0..5 {
                match app::second(control, &far(net), half.ticket.expose(), guess()).await {
                    Err(Refusal::CodeInvalid) => guesses += 1,
                    Err(Refusal::Throttled { .. }) => break 'nets,
                    _ => panic!("a wrong code is no code"),
                }
            }
        }
    }
    assert_eq!(guesses, 100, "an hour, from everywhere");
    let throttled = async |ip: &str, proof| {
        let second = app::second(control, ip, &jo.half(ip).await, proof).await;
        matches!(second, Err(Refusal::Throttled { .. }))
    };
    assert!(throttled("198.51.100.1", jo.fresh()).await, "from a network that nobody knows");
    // At home a code does, and on the way what cannot be guessed.
    led_in(app::second(control, HOME, &jo.half(HOME).await, jo.fresh()).await);
    led_in(app::second(control, "198.51.100.2", &jo.half("198.51.100.2").await, jo.recovery(0)).await);
}

#[tokio::test]
async fn thirty_wrong_codes_an_hour_is_what_a_session_may_try_also_after_a_restart() {
    let mut jo = jo().await;
    for _ in 0..30 {
        assert_eq!(app::prove(jo.control(), &jo.token, HOME, guess()).await, Err(Refusal::CodeInvalid));
    }
    let right = jo.fresh();
    let waits = Refusal::Throttled { retry_after: Span::seconds(90) };
    assert_eq!(app::prove(jo.control(), &jo.token, HOME, right).await, Err(waits));
    jo.house = jo.house.again();
    let right = jo.fresh();
    let waits = Refusal::Throttled { retry_after: Span::seconds(60) };
    assert_eq!(app::prove(jo.control(), &jo.token, HOME, right).await, Err(waits));
    assert_eq!(app::prove(jo.control(), &jo.token, HOME, jo.recovery(0)).await, Ok(()));
    jo.house.clock.advance(Span::seconds(60));
    let right = jo.fresh();
    assert_eq!(app::prove(jo.control(), &jo.token, HOME, right).await, Ok(()));
}

#[tokio::test]
async fn a_new_password_ends_logins_that_are_half_way() {
    let jo = jo().await;
    let control = jo.control();
    let half = jo.half(HOME).await;
    jo.house.clock.advance(Span::seconds(1));
    users::forgot(control, &from(HOME), JO).await.map_err(|_| ()).unwrap();
    let reset = mails(control).await.pop().unwrap().2.unwrap();
    users::reset(control, &from(HOME), &reset, secret("AnotherPass2")).await.map_err(|_| ()).unwrap();
    assert!(wrong(app::second(control, HOME, &half, jo.recovery(0)).await));
    // The new password alone leads nowhere either.
    let again = sessions::log_in(control, &from(HOME), JO, secret("AnotherPass2"), Carried::Bearer).await;
    assert!(matches!(again, Ok(LoggedIn::SecondStep(_))));
}

#[tokio::test]
async fn adding_and_removing_a_factor_ends_other_sessions_and_is_told() {
    let house = kit::open();
    let control = &house.control;
    verified(control, JO, HOME).await;
    mails(control).await;
    let (token, other) = (desk::token(control, JO, HOME).await, desk::token(control, JO, HOME).await);
    let live = |token: &Secret<String>| {
        sessions::authenticate(control, control::Presented::Bearer(token.expose()), &from(HOME)).is_ok()
    };
    let (seed, codes) = app::added(control, &token).await;
    assert_eq!((live(&token), live(&other)), (true, false));
    let told = |kinds: &[(Kind, String, Option<String>)]| kinds.iter().map(|mail| mail.0).collect::<Vec<_>>();
    assert_eq!(told(&mails(control).await), [Kind::FactorsChanged]);
    let again = totp::begin(control, &desk::permit(control, &token, desk::OWN), &desk::proof(control, &token)).await;
    assert!(matches!(again, Err(Stop::Refused(NoChange::Already))));

    house.clock.advance(Span::seconds(30));
    let ticket = app::half(control, JO, HOME).await.ticket;
    let code = Proof::Code(secret(&app::now(control, &seed)));
    let other = led_in(app::second(control, HOME, ticket.expose(), code).await);
    let (permit, proof) = (desk::permit(control, &token, desk::OWN), desk::proof(control, &token));
    let foreign = desk::proof(control, &other);
    let refused = totp::remove(control, &permit, &foreign).await;
    assert!(matches!(refused, Err(Stop::Refused(NoChange::StepUpRequired))), "another session's proof");
    let anew = recovery::regenerate(control, &permit, &proof).await.map_err(|_| ()).unwrap();
    assert_eq!(
        (anew.written.len(), live(&other), told(&mails(control).await)),
        (10, false, vec![Kind::FactorsChanged])
    );
    assert_eq!(app::prove(control, &token, HOME, Proof::Recovery(secret(&codes[0]))).await, Err(Refusal::CodeInvalid));

    totp::remove(control, &permit, &proof).await.map_err(|_| ()).unwrap();
    let held = factors::held(control, &permit).unwrap();
    assert_eq!(held, Held { totp: false, passkeys: 0, recovery_codes_left: 0 });
    let twice = totp::remove(control, &permit, &proof).await;
    assert!(matches!(twice, Err(Stop::Refused(NoChange::NotThere))));
    let none = recovery::regenerate(control, &permit, &proof).await;
    assert!(matches!(none, Err(Stop::Refused(NoChange::NoFactor))));
    desk::token(control, JO, HOME).await;
}

#[tokio::test]
async fn an_app_counts_from_its_first_code_on_and_its_seed_is_nowhere_to_be_read() {
    let house = kit::open();
    let control = &house.control;
    verified(control, JO, HOME).await;
    let token = desk::token(control, JO, HOME).await;
    let (permit, proof) = (desk::permit(control, &token, desk::OWN), desk::proof(control, &token));
    let begin = async || totp::begin(control, &permit, &proof).await.map_err(|_| ()).unwrap().secret.expose().clone();
    let confirm = async |seed: &str| totp::confirm(control, &permit, &proof, &secret(&app::now(control, seed))).await;
    let nothing = confirm("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").await;
    assert!(matches!(nothing, Err(Stop::Refused(NoChange::NothingBegun))));
    let (given_up, seed) = (begin().await, begin().await);
    assert!(matches!(confirm(&given_up).await, Err(Stop::Refused(NoChange::CodeInvalid))));
    desk::token(control, JO, HOME).await;
    assert!(confirm(&seed).await.is_ok_and(|codes| codes.is_some()));
    app::half(control, JO, HOME).await;
    if !pgkit::wanted() {
        house.control.close();
        let bytes = data_encoding::BASE32_NOPAD.decode(seed.as_bytes()).unwrap();
        let forms = [bytes.clone(), seed.into_bytes(), data_encoding::HEXLOWER.encode(&bytes).into_bytes()];
        for entry in std::fs::read_dir(house.dir.path()).unwrap() {
            let found = std::fs::read(entry.unwrap().path()).unwrap_or_default();
            for form in &forms {
                assert!(!found.windows(form.len()).any(|part| part == form));
            }
        }
    }
}

#[tokio::test]
async fn the_operator_takes_the_factors_of_who_has_lost_them_all() {
    let jo = jo().await;
    let (control, operator) = (jo.control(), Operator::over_the_socket());
    for nobody in ["kim@example.com", "no address"] {
        let refused = factors::take_away(control, &operator, nobody, None).await;
        assert!(matches!(refused, Err(Stop::Refused(NoChange::NotThere))), "{nobody}");
    }
    let live = || sessions::authenticate(control, control::Presented::Bearer(jo.token.expose()), &from(HOME)).is_ok();
    assert!(live());
    let half = jo.half(HOME).await;
    factors::take_away(control, &operator, "JO@example.com", Some("seen in person")).await.map_err(|_| ()).unwrap();
    assert!(!live());
    assert_eq!(mails(control).await.iter().map(|mail| mail.0).collect::<Vec<_>>(), [Kind::FactorsChanged]);
    assert!(app::second(control, HOME, &half, jo.recovery(0)).await.is_err(), "the old codes are worth nothing");
    desk::token(control, JO, HOME).await;
    let again = factors::take_away(control, &operator, JO, None).await;
    assert!(matches!(again, Err(Stop::Refused(NoChange::NotThere))));
}
