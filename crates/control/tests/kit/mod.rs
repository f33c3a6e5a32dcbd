//! A front office in a directory of its own, with a clock and a chance that the test holds.
#![allow(dead_code, clippy::unwrap_used, reason = "each test binary uses its part of it; a test may unwrap")]

pub mod app;
pub mod auc;
pub mod clerk;
pub mod desk;
pub mod planes;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base::{Secret, SeededChance, TestClock, Time};
use control::mail::{self, Kind};
use control::proof::From;
use control::users::{self, NewUser, Registered};
use control::{Control, Settings};
use store::{Place, PostgresUrl};
use tempfile::TempDir;

pub const AT: Time = Time(1_800_000_000_000_000);
pub const PASSWORD: &str = "SecurePass1";

/// Control, its clock and its directory.
pub struct House {
    pub control: Control,
    pub clock: Arc<TestClock>,
    pub dir: TempDir,
    settings: Settings,
}

/// A front office that runs every operation twice, at [`AT`].
pub fn open() -> House {
    tuned(|_| ())
}

/// The same with other settings.
pub fn tuned(tune: impl FnOnce(&mut Settings)) -> House {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let clock = Arc::new(TestClock::at(AT));
    let mut settings = Settings { run_twice: true, ..Settings::default() };
    tune(&mut settings);
    let control = open_in(dir.path(), settings.clone(), &clock);
    House { control, clock, dir, settings }
}

impl House {
    /// The same directory and clock, closed and opened again.
    pub fn again(self) -> House {
        let House { control, clock, dir, settings } = self;
        control.close();
        drop(control);
        let control = open_in(dir.path(), settings.clone(), &clock);
        House { control, clock, dir, settings }
    }
}

/// Opens control in a directory. Each opening draws from a new seed: ids must not repeat.
pub fn open_in(dir: &Path, settings: Settings, clock: &Arc<TestClock>) -> Control {
    static SEED: AtomicU64 = AtomicU64::new(1);
    let chance = SeededChance::new(SEED.fetch_add(1, Ordering::Relaxed));
    Control::open(place(dir), dir, settings, Arc::clone(clock) as _, Arc::new(chance)).unwrap()
}

/// Where a directory's store is: in it, or in the database that belongs to it.
pub fn place(dir: &Path) -> Place {
    match pgkit::wanted() {
        true => Place::Postgres(PostgresUrl::parse(&pgkit::database_of(dir)).unwrap()),
        false => Place::from(dir),
    }
}

/// A request from an address.
pub fn from(ip: &str) -> From {
    From::new(ip.parse().unwrap(), "req_test", "a test")
}

pub fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

/// Jo Doe of Acme, with [`PASSWORD`].
pub fn new_user(email: &str) -> NewUser {
    NewUser {
        email: email.to_owned(),
        password: secret(PASSWORD),
        first: "Jo".to_owned(),
        last: "Doe".to_owned(),
        company: "Acme".to_owned(),
    }
}

/// Registers [`new_user`] from an address.
pub async fn registered(control: &Control, email: &str, ip: &str) -> Registered {
    users::register(control, &from(ip), new_user(email)).await.map_err(|_| "not registered").unwrap()
}

/// The mails that are due, taken and sent: what each is, to whom, and its token.
pub async fn mails(control: &Control) -> Vec<(Kind, String, Option<String>)> {
    let mut mails = Vec::new();
    while let Some(mail) = mail::take(control).await.unwrap() {
        mail::sent(control, &mail.id).await.unwrap();
        mails.push((mail.kind, mail.address, mail.token.map(|token| token.expose().clone())));
    }
    mails
}

/// Registers [`new_user`] and proves the address by the mailed ticket.
pub async fn verified(control: &Control, email: &str, ip: &str) -> Registered {
    let registered = registered(control, email, ip).await;
    let token = mails(control).await.into_iter().find_map(|(_, address, token)| token.filter(|_| address == email));
    users::verify(control, &from(ip), &token.unwrap()).await.map_err(|_| "not verified").unwrap();
    registered
}

/// What random choices begin with: `SEED`, or the same in every run.
pub fn seed() -> u64 {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_260_101);
    println!("seed {seed} (set SEED to repeat another)");
    seed
}

/// Whether this is the long run of `cargo xtask soak`.
pub fn soak() -> bool {
    std::env::var_os("COUNTERFOIL_SOAK").is_some()
}
