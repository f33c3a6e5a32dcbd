use std::sync::Arc;

use base::{SeededChance, Stop, TestClock, Time};
use store::{Place, PostgresUrl};

use crate::tenants::{self, Refusal};
use crate::{Control, Operator, Settings, Tenant};

const AT: Time = Time(1_750_000_000_000_000);

pub(crate) fn open(dir: &std::path::Path) -> Control {
    // A new seed for each opening: ids must not repeat.
    let seed = std::fs::read_dir(dir).map_or(0, |files| files.count() as u64);
    let settings = Settings { run_twice: true, ..Settings::default() };
    Control::open(place(dir), dir, settings, Arc::new(TestClock::at(AT)), Arc::new(SeededChance::new(seed))).unwrap()
}

/// Where a directory's store is: in it, or in the database that belongs to it.
pub(crate) fn place(dir: &std::path::Path) -> Place {
    match pgkit::wanted() {
        true => Place::Postgres(PostgresUrl::parse(&pgkit::database_of(dir)).unwrap()),
        false => Place::from(dir),
    }
}

#[tokio::test]
async fn a_tenant_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let control = open(dir.path());
    control.ready().unwrap();
    let made = tenants::create(&control, &Operator::over_the_socket(), "Café Ørsted & Sons").await.unwrap();
    assert_eq!((made.name.as_str(), made.created_at), ("Café Ørsted & Sons", AT));
    control.close();
    drop(control);

    let control = open(dir.path());
    assert_eq!(tenants::find(&control, &made.id).unwrap(), Some(made.clone()));
    let second = tenants::create(&control, &Operator::over_the_socket(), &made.name).await.unwrap();
    assert_ne!(second.id, made.id);
    let ids =
        |tenants: Vec<Tenant>| tenants.into_iter().map(|tenant| tenant.id).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(ids(tenants::list(&control).unwrap()), [made.id, second.id].into());
}

#[tokio::test]
async fn a_name_that_cannot_be_shown_is_refused_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let control = open(dir.path());
    for name in ["", "   ", "two\nlines", "\u{7}", &"x".repeat(101)] {
        let refused = tenants::create(&control, &Operator::over_the_socket(), name).await;
        assert!(matches!(refused, Err(Stop::Refused(Refusal::NameUnusable))), "{name:?}");
    }
    assert!(tenants::create(&control, &Operator::over_the_socket(), &"é".repeat(100)).await.is_ok());
    assert_eq!(tenants::list(&control).unwrap().len(), 1);
}

#[tokio::test]
async fn a_second_process_is_refused() {
    if pgkit::wanted() {
        // A database is there for several.
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let first = open(dir.path());
    let second = Control::open(
        dir.path(),
        dir.path(),
        Settings::default(),
        Arc::new(TestClock::at(AT)),
        Arc::new(SeededChance::new(9)),
    );
    let Err(fault) = second else { panic!("two handles hold one store") };
    assert!(fault.chain().contains("another process has the store"), "{}", fault.chain());
    first.close();
}
