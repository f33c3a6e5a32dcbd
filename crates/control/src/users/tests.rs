use std::sync::Arc;

use base::{Environment, Secret, SeededChance, Span, Stop, TenantId, TestClock, Time, UserId};
use store::{Place, PostgresUrl};

use super::{EmailRow, NameField, NewUser, PendingEmailRow, Refusal, Registered, UserRow, email_key, state};
use crate::access::{Role, Row, Where, Who};
use crate::mail::{self, Kind};
use crate::proof::{Carried, From, Presented};
use crate::sessions::{self, Carrier, Issued, LoggedIn, SessionRow};
use crate::{Control, Operator, Permit, Settings, hashing, tenants, users};

/// Any route of a signed-in user.
const SELF: &Row = &Row {
    name: "SELF",
    method: "GET",
    path: "/self",
    who: Who::Signed,
    at: Where::Nowhere,
    step_up: false,
    answers: &[200],
};
const AT: Time = Time(1_750_000_000_000_000);

/// A front office with a clock that the test moves.
pub(crate) struct House {
    pub(crate) control: Control,
    pub(crate) clock: Arc<TestClock>,
    _dir: tempfile::TempDir,
}

pub(crate) fn open() -> House {
    let dir = tempfile::tempdir().unwrap();
    let place = match pgkit::wanted() {
        true => Place::Postgres(PostgresUrl::parse(&pgkit::database_of(dir.path())).unwrap()),
        false => Place::from(dir.path()),
    };
    let (settings, clock) = (Settings { run_twice: true, ..Settings::default() }, Arc::new(TestClock::at(AT)));
    let chance = Arc::new(SeededChance::new(7));
    let control = Control::open(place, dir.path(), settings, Arc::clone(&clock) as _, chance).unwrap();
    House { control, clock, _dir: dir }
}

impl House {
    pub(crate) async fn registers(&self, email: &str) -> Result<Registered, Refusal> {
        self.tries(|_| (), email).await
    }

    async fn tries(&self, spoil: impl FnOnce(&mut NewUser), email: &str) -> Result<Registered, Refusal> {
        let text = |text: &str| text.to_owned();
        let mut new = NewUser {
            email: text(email),
            password: secret("SecurePass1"),
            first: text("Jo"),
            last: text("Doe"),
            company: text("Acme"),
        };
        spoil(&mut new);
        users::register(&self.control, &from(), new).await.map_err(refused)
    }

    /// The mails that are due, taken and sent: what each is and its token.
    pub(crate) async fn mails(&self) -> Vec<(Kind, String, Option<String>)> {
        let mut mails = Vec::new();
        while let Some(mail) = mail::take(&self.control).await.unwrap() {
            mail::sent(&self.control, &mail.id).await.unwrap();
            mails.push((mail.kind, mail.address, mail.token.map(|token| token.expose().clone())));
        }
        mails
    }

    /// The token of the one mail that is due.
    async fn token(&self) -> String {
        let mut mails = self.mails().await;
        assert_eq!(mails.len(), 1);
        mails.pop().and_then(|mail| mail.2).unwrap()
    }

    async fn verifies(&self, token: &str) -> Result<(), Refusal> {
        users::verify(&self.control, &from(), token).await.map_err(refused)
    }

    async fn resets(&self, token: &str, new: &str) -> Result<(), Refusal> {
        users::reset(&self.control, &from(), token, secret(new)).await.map_err(refused)
    }

    async fn changes(&self, permit: &Permit, current: &str, new: &str) -> Result<LoggedIn, Refusal> {
        users::change_password(&self.control, permit, secret(current), secret(new)).await.map_err(refused)
    }

    fn user(&self, id: &UserId) -> UserRow {
        super::row(&self.control, id).unwrap()
    }

    async fn has_password(&self, id: &UserId, text: &str) -> bool {
        hashing::check(&self.control, secret(text), Some(self.user(id).password)).await.unwrap()
    }

    fn holders(&self, key: &str) -> (Option<UserId>, Option<UserId>) {
        let key = key.to_owned();
        let read = |reader: &store::Reader<'_>| {
            let proved = reader.get::<EmailRow>(&key)?.map(|row| row.person);
            Ok((proved, reader.get::<PendingEmailRow>(&key)?.map(|row| row.person)))
        };
        self.control.store().read(read).unwrap()
    }

    /// A new session of a user, as what a door takes as its proof.
    async fn permit(&self, registered: &Registered) -> Permit {
        let password = secret("SecurePass1");
        let led = sessions::log_in(&self.control, &from(), &registered.email, password, Carried::Bearer).await;
        let Ok(LoggedIn::In { issued: Issued { carrier: Carrier::Token(token), .. }, .. }) = led else {
            panic!("no session")
        };
        let session = sessions::authenticate(&self.control, Presented::Bearer(token.expose()), &from());
        session.map_err(|_| "a session that does not hold").unwrap().permit(SELF).unwrap()
    }

    fn live_sessions(&self, of: &UserId) -> usize {
        let (first, last) = crate::json_row::all_of(&of.to_string());
        let walk =
            |reader: &store::Reader<'_>| reader.walk::<SessionRow>(&first, &last, store::Direction::Ascending, 100);
        let rows = self.control.store().read(walk).unwrap();
        rows.into_iter().filter(|row| row.revoked_at.is_none()).count()
    }
}

fn from() -> From {
    From::new([203, 0, 113, 7].into(), "req_1", "a test")
}

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

fn refused(stop: Stop<Refusal>) -> Refusal {
    match stop {
        Stop::Refused(refusal) => refusal,
        Stop::Faulted(fault) => panic!("{}", fault.chain()),
    }
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_in_order_and_leaves_nothing() {
    let house = open();
    let all_bad = |new: &mut NewUser| {
        (new.password, new.first, new.last, new.company) = (secret("short"), "\n".into(), String::new(), " ".into());
    };
    let refused = async |email: &'static str, mend: fn(&mut NewUser)| {
        let spoil = |new: &mut NewUser| {
            all_bad(new);
            mend(new);
        };
        house.tries(spoil, email).await.unwrap_err()
    };
    let name = |field| Refusal::NameUnusable { field };
    assert_eq!(refused("jo@", |_| ()).await, Refusal::EmailUnusable);
    assert_eq!(refused("jo@example.com", |_| ()).await, Refusal::PasswordUnusable);
    assert_eq!(refused("jo@example.com", |new| new.password = secret("SecurePass1")).await, name(NameField::First));
    let but_last = |new: &mut NewUser| (new.password, new.first) = (secret("SecurePass1"), "Jo".into());
    assert_eq!(refused("jo@example.com", but_last).await, name(NameField::Last));
    let but_company = |new: &mut NewUser| {
        (new.password, new.first, new.last) = (secret("SecurePass1"), "Jo".into(), "Doe".into());
    };
    assert_eq!(refused("jo@example.com", but_company).await, name(NameField::Company));
    assert_eq!((house.mails().await, house.holders("jo@example.com")), (vec![], (None, None)));
    for number in 0..20 {
        house.registers(&format!("jo{number}@example.com")).await.unwrap();
    }
    let Refusal::Throttled { retry_after } = refused("jo@", |_| ()).await else { panic!("not throttled") };
    assert_eq!(retry_after, Span::seconds(180));
    house.clock.advance(retry_after);
    house.registers("jo@example.com").await.unwrap();
}

#[tokio::test]
async fn an_address_belongs_to_who_proves_it_first() {
    let house = open();
    let first = house.registers("Jo@Example.com").await.unwrap();
    let (kind, address, one) = house.mails().await.pop().unwrap();
    assert_eq!((kind, address.as_str()), (Kind::Confirm, "Jo@Example.com"));
    let one = one.unwrap();
    let second = house.registers("jo@example.com").await.unwrap();
    assert_eq!(house.holders("jo@example.com"), (None, Some(second.user.clone())));
    let two = house.token().await;
    assert_eq!(house.verifies(&one).await, Ok(()));
    assert_eq!(house.holders("jo@example.com"), (Some(first.user.clone()), Some(second.user.clone())));
    assert!(house.user(&first.user).verified_at.is_some() && house.user(&second.user).verified_at.is_none());
    // A scanner opened the link before: again is no error. The other one's link is.
    assert_eq!(house.verifies(&one).await, Ok(()));
    assert_eq!(house.verifies(&two).await, Err(Refusal::TokenInvalid));
    for bad in ["", "tkt_", &one[..39], &format!("{one}x")] {
        assert_eq!(house.verifies(bad).await, Err(Refusal::TokenInvalid), "{bad:?}");
    }
    // From now on whoever registers with it gets another letter, which proves nothing.
    house.registers("jo@example.com").await.unwrap();
    assert_eq!(house.mails().await, [(Kind::AlreadyHere, "Jo@Example.com".to_owned(), None)]);
}

#[tokio::test]
async fn a_proof_is_mailed_again_to_who_registered_last() {
    let house = open();
    house.registers("jo@example.com").await.unwrap();
    let last = house.registers("jo@example.com").await.unwrap();
    house.mails().await;
    users::resend(&house.control, &from(), "JO@example.com").await.unwrap();
    let token = house.token().await;
    assert_eq!(house.verifies(&token).await, Ok(()));
    assert_eq!(house.holders("jo@example.com"), (Some(last.user), None));
    let past = {
        house.registers("al@example.com").await.unwrap();
        house.token().await
    };
    house.clock.advance(Span::days(7));
    assert_eq!(house.verifies(&past).await, Err(Refusal::TokenInvalid));
    let unusable = users::resend(&house.control, &from(), "jo").await.map_err(refused);
    assert_eq!(unusable, Err(Refusal::EmailUnusable));
}

#[tokio::test]
async fn a_mailed_ticket_sets_a_password_once_and_ends_every_session() {
    let house = open();
    let jo = house.registers("jo@example.com").await.unwrap();
    house.mails().await;
    let forgot = async || users::forgot(&house.control, &from(), "jo@example.com").await.unwrap();
    house.clock.advance(Span::seconds(1));
    forgot().await;
    let [older, newer] = {
        let older = house.token().await;
        forgot().await;
        [older, house.token().await]
    };
    house.permit(&jo).await;
    assert_eq!(house.live_sessions(&jo.user), 1);
    house.clock.advance(Span::seconds(1));
    for bad in ["short", "password123", "JO@example.com"] {
        assert_eq!(house.resets(&newer, bad).await, Err(Refusal::PasswordUnusable), "{bad}");
    }
    assert_eq!(house.resets(&newer, "AnotherPass2").await, Ok(()));
    assert!(house.has_password(&jo.user, "AnotherPass2").await && house.live_sessions(&jo.user) == 0);
    assert_eq!(house.mails().await, [(Kind::PasswordChanged, "jo@example.com".to_owned(), None)]);
    for used in [newer, older] {
        assert_eq!(house.resets(&used, "AThirdPass3").await, Err(Refusal::TokenInvalid));
    }
    forgot().await;
    let past = house.token().await;
    house.clock.advance(Span::seconds(1_800));
    assert_eq!(house.resets(&past, "AThirdPass3").await, Err(Refusal::TokenInvalid));
    assert!(house.has_password(&jo.user, "AnotherPass2").await);
}

#[tokio::test]
async fn a_password_changes_with_the_present_one_and_answers_a_new_session() {
    let house = open();
    let jo = house.registers("jo@example.com").await.unwrap();
    house.mails().await;
    let permit = house.permit(&jo).await;
    let refused = async |current, new| house.changes(&permit, current, new).await.err();
    assert_eq!(refused("SecurePass2", "password123").await, Some(Refusal::PasswordUnusable));
    assert_eq!(refused("SecurePass2", "AnotherPass2").await, Some(Refusal::WrongPassword));
    let changed = house.changes(&permit, "SecurePass1", "AnotherPass2").await;
    let Ok(LoggedIn::In { view, .. }) = changed else { panic!("no session") };
    assert_eq!((view.id.clone(), house.live_sessions(&jo.user)), (jo.user.clone(), 1));
    assert!(house.has_password(&jo.user, "AnotherPass2").await);
    assert_eq!(house.mails().await, [(Kind::PasswordChanged, "jo@example.com".to_owned(), None)]);
    for _ in 0..10 {
        assert_eq!(refused("SecurePass1", "AThirdPass3").await, Some(Refusal::WrongPassword));
    }
    assert!(matches!(refused("AnotherPass2", "AThirdPass3").await, Some(Refusal::Throttled { .. })));
}

#[tokio::test]
async fn a_user_sees_himself_and_prefers_what_is_active() {
    let house = open();
    let jo = house.registers("jo@example.com").await.unwrap();
    let view = users::me(&house.control, &house.permit(&jo).await).unwrap();
    assert_eq!(
        (view.id, view.tenant, view.role, view.verified),
        (jo.user.clone(), jo.tenant.clone(), Role::Owner, false)
    );
    assert_eq!(
        (view.email.as_str(), view.first.as_str(), view.preferred),
        ("jo@example.com", "Jo", Environment::Sandbox)
    );
    let placed = house.permit(&jo).await.in_environment(Environment::Live).unwrap();
    let refusal = users::prefer(&house.control, &placed).await.map_err(refused).unwrap_err();
    assert_eq!((refusal, house.user(&jo.user).preferred), (Refusal::NotActive, Environment::Sandbox));
}

#[tokio::test]
async fn the_operators_owner_is_verified_and_has_the_address() {
    let house = open();
    let operator = Operator::over_the_socket();
    let tenant = tenants::create(&house.control, &operator, "Acme").await.unwrap().id;
    let new = || {
        let text = |text: &str| text.to_owned();
        NewUser {
            email: text("dev@example.com"),
            password: secret("SecurePass1"),
            first: text("Jo"),
            last: text("Doe"),
            company: text("Acme"),
        }
    };
    let owner = users::seed(&house.control, &operator, &tenant, new()).await.unwrap();
    assert_eq!(
        (house.holders("dev@example.com"), house.user(&owner).home),
        ((Some(owner.clone()), None), tenant.clone())
    );
    assert!(house.user(&owner).verified_at.is_some() && house.mails().await.is_empty());
    let role = house.control.store().read(|reader| crate::seats::role_of(reader, &tenant, &owner)).unwrap();
    assert_eq!(role, Some(Role::Owner));
    let twice = users::seed(&house.control, &operator, &tenant, new()).await;
    assert!(matches!(twice, Err(Stop::Faulted(_))));
    let unknown: TenantId = "tnt_0000000000000000".parse().unwrap();
    let nowhere = users::seed(&house.control, &operator, &unknown, NewUser { email: "b@example.com".into(), ..new() });
    assert!(matches!(nowhere.await, Err(Stop::Faulted(_))));
}

#[test]
fn an_address_is_compared_in_lower_case_and_is_never_more_than_an_address() {
    assert_eq!(email_key("Jo.Doe+x@Example.Co.UK").as_deref(), Some("jo.doe+x@example.co.uk"));
    for good in ["a@b.co", "o'neil@example.com", "a_b-c@sub.example.org", "1@1.io", "x@xn--bcher-kva.example"] {
        assert_eq!(email_key(good).as_deref(), Some(good));
    }
    let long = format!("{}@example.com", "a".repeat(65));
    let longest = format!("a@{}com", "abcdefg.".repeat(32));
    for bad in [
        "",
        "@",
        "jo",
        "jo@",
        "@example.com",
        "jo@example",
        "jo@@example.com",
        "jo@ex ample.com",
        " jo@example.com",
        "jo@example.com\r\nBcc: al@example.com",
        "jo@example.com\n",
        "\"jo\"@example.com",
        "jo,al@example.com",
        "Jo <jo@example.com>",
        ".jo@example.com",
        "jo.@example.com",
        "j..o@example.com",
        "jo@-example.com",
        "jo@example-.com",
        "jo@example..com",
        "jo@example.com.",
        "jo@127.0.0.1",
        "jö@example.com",
        "jo@exämple.com",
        &long,
        &longest,
    ] {
        assert_eq!(email_key(bad), None, "{bad:?}");
    }
}

#[test]
fn a_password_is_long_enough_and_not_what_everybody_tries() {
    let check = |text: &str| state::check_password(&secret(text), Some("jo.doe@example.com"));
    for good in ["SecurePass1", "8letters", "пароль-и-ещё", "with spaces in it", &"x".repeat(128)] {
        assert_eq!(check(good), Ok(()), "{good}");
    }
    for bad in ["", "7letter", &"x".repeat(129), "tab\tinside it", "Password1", "JO.DOE@example.com", "qwertyuiop"] {
        assert_eq!(check(bad), Err(Refusal::PasswordUnusable), "{bad}");
    }
}

#[tokio::test]
async fn a_password_that_was_right_is_worth_nothing_once_it_was_changed() {
    let house = open();
    house.registers("jo@example.com").await.unwrap();
    house.mails().await;
    users::forgot(&house.control, &from(), "jo@example.com").await.unwrap();
    let token = house.token().await;
    let recognised = sessions::recognise(&house.control, &from(), "jo@example.com", secret("SecurePass1")).await;
    let (known, _) = recognised.map_err(|_| "not recognised").unwrap();
    let stands = async || {
        let known = known.clone();
        house.control.change(move |tx| Ok(known.stands(tx)?)).await.unwrap()
    };
    assert!(stands().await);
    house.clock.advance(Span::seconds(1));
    assert_eq!(house.resets(&token, "AnotherPass2").await, Ok(()));
    assert!(!stands().await, "it would outlive the sessions that the reset has ended");
}
