use std::collections::BTreeMap;

use ::store::{Row, Tx};
use base::{Environment, Month, Span, TenantId, Time};

use super::state::{Counted, Counts};
use super::{UsageRow, keep, months, page};
use crate::environments::{EnvironmentRow, Status, Wanted};
use crate::planes::Used;
use crate::{Control, tenants};

fn month(text: &str) -> Month {
    text.parse().unwrap()
}

fn meters(counts: &[(&str, u64)]) -> BTreeMap<String, u64> {
    counts.iter().map(|(meter, count)| ((*meter).to_owned(), *count)).collect()
}

#[test]
fn a_month_is_asked_for_while_it_lasts_and_a_day_longer() {
    // 2026-02-01T00:00:00Z.
    let february = Time(1_769_904_000_000_000);
    for (after, asked) in [(-1, vec!["2026-01"]), (0, vec!["2026-01", "2026-02"]), (86_399, vec!["2026-01", "2026-02"])]
    {
        let words: Vec<String> = months(february.plus(Span::seconds(after))).iter().map(Month::to_string).collect();
        assert_eq!(words, asked, "{after} s");
    }
    assert_eq!(months(february.plus(Span::days(1))), [month("2026-02")]);
}

#[test]
fn what_is_included_for_life_is_used_up_in_every_month_and_by_the_sandbox() {
    let mut counts = Counts::of(Vec::new());
    for (at, environment, deltas) in [
        ("2026-01", Environment::Sandbox, 1),
        ("2026-01", Environment::Live, 20),
        ("2026-02", Environment::Sandbox, 300),
        ("2026-02", Environment::Live, 4_000),
    ] {
        let counted = Counted { as_of: Time(1), meters: meters(&[("deltas", deltas)]) };
        counts.put(month(at), environment, counted);
    }
    assert_eq!((counts.deltas(month("2026-01"), false), counts.deltas(month("2026-02"), false)), (20, 4_000));
    assert_eq!((counts.deltas(month("2026-01"), true), counts.deltas(month("2026-03"), false)), (4_321, 0));
    let here = counts.in_month(month("2026-01"));
    let counts = |place: usize| (here[place].0, here[place].1.meters["deltas"], here[place].1.meters["transfers"]);
    assert_eq!((here.len(), counts(0), counts(1)), (2, (Environment::Sandbox, 1, 0), (Environment::Live, 20, 0)));
}

async fn used(control: &Control, of: &TenantId, transfers: u64) {
    let used = vec![Used { tenant: of.clone(), meters: meters(&[("transfers", transfers)]) }];
    keep(control, Environment::Live, month("2026-01"), used).await.unwrap();
}

fn row(control: &Control, of: &TenantId) -> Option<UsageRow> {
    let key = UsageRow::keyed(of, &"2026-01".to_owned(), &Environment::Live);
    control.store().read(|reader| reader.get::<UsageRow>(&key)).unwrap()
}

#[tokio::test]
async fn what_a_plane_says_again_is_not_written_again() {
    let dir = tempfile::tempdir().unwrap();
    let control = tenants::tests::open(dir.path());
    let of: TenantId = "tnt_0000000000000001".parse().unwrap();
    assert!(row(&control, &of).is_none());
    used(&control, &of, 3).await;
    assert_eq!(row(&control, &of).unwrap().meters, meters(&[("transfers", 3)]));
    let written = control.stats().figures().client_operations;
    used(&control, &of, 3).await;
    assert_eq!(control.stats().figures().client_operations, written);
    used(&control, &of, 4).await;
    assert_eq!(row(&control, &of).unwrap().meters, meters(&[("transfers", 4)]));
}

#[tokio::test]
async fn every_tenant_that_a_plane_knows_is_on_one_page() {
    let dir = tempfile::tempdir().unwrap();
    let control = tenants::tests::open(dir.path());
    let made: Vec<TenantId> = (0..130).map(|at| format!("tnt_{at:016}").parse().unwrap()).collect();
    let rows: Vec<EnvironmentRow> =
        made.iter().flat_map(|of| Environment::ALL.map(|side| environment(of, side))).collect();
    let put = move |tx: &mut Tx<'_>| {
        rows.iter().for_each(|row| tx.want::<EnvironmentRow>(&row.key()));
        for row in &rows {
            tx.get::<EnvironmentRow>(&row.key())?;
            tx.put(row.clone());
        }
        Ok(())
    };
    control.change(put).await.unwrap();
    let (mut found, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = page(&control, Environment::Live, after.as_ref()).unwrap();
        found.extend(page.tenants);
        pages += 1;
        let Some(next) = page.next else { break };
        after = Some(next);
    }
    assert!(pages > 1, "one page is no test");
    assert_eq!(found, made[1..], "all but the one that its plane does not know yet");
}

fn environment(of: &TenantId, environment: Environment) -> EnvironmentRow {
    EnvironmentRow {
        of: of.clone(),
        environment,
        id: "ctr_0000000000000000".parse().unwrap(),
        status: Status::Active,
        wanted: Wanted::Active,
        turn: 0,
        reason: None,
        provisioned_at: (of.to_string() != "tnt_0000000000000000").then_some(Time(1)),
        attempts: 0,
        taken_until: None,
        steps_done: Vec::new(),
        due_at: None,
    }
}
