use std::convert::Infallible;

use ::store::{Direction, Entry, Row, Tx};
use base::{Fault, TenantId, Time};
use data_encoding::HEXLOWER;
use serde_json::json;

use super::{AuditHeadRow, AuditRow, Verified, append, state, verify};
use crate::{Operator, tenants};

#[tokio::test]
async fn each_change_is_one_line_of_its_chain_and_one_entry() {
    let dir = tempfile::tempdir().unwrap();
    let control = crate::tenants::tests::open(dir.path());
    let operator = Operator::over_the_socket();
    let first = tenants::create(&control, &operator, "One").await.unwrap();
    tenants::create(&control, &operator, "Two\nlines").await.unwrap_err();
    tenants::create(&control, &operator, "Two").await.unwrap();

    let of = first.id.to_string();
    let (lines, entries) = control
        .store()
        .read(|reader| {
            let lines = reader.walk::<AuditRow>(&(of.clone(), 0), &(of.clone(), i64::MAX), Direction::Ascending, 10)?;
            Ok((lines, reader.walk::<Entry>(&(0, 0), &(0, u64::MAX), Direction::Ascending, 10)?))
        })
        .unwrap();
    assert_eq!((lines.len(), entries.len()), (1, 2));
    let (line, entry) = (&lines[0], &entries[0]);
    assert_eq!((line.n, line.seq, line.at, entry.kind.as_str()), (1, entry.seq, entry.at, "tenant_created"));
    assert!(entry.facts.contains(r#""actor":"operator""#), "{}", entry.facts);
    let hash = |facts: &str| HEXLOWER.encode(&state::link("", &of, 1, line.at, &entry.kind, facts));
    assert_eq!(line.hash, hash(&entry.facts));
    assert_ne!(line.hash, hash(&entry.facts.replace("One", "Une")));
}

#[tokio::test]
async fn a_chain_has_no_gap_and_each_line_leans_on_the_one_before_it_alone() {
    let dir = tempfile::tempdir().unwrap();
    let control = crate::tenants::tests::open(dir.path());
    let ours: TenantId = "tnt_0000000000000001".parse().unwrap();
    let theirs: TenantId = "tnt_0000000000000002".parse().unwrap();
    for (of, what) in [(Some(&ours), 1), (Some(&theirs), 2), (None, 3), (Some(&ours), 4), (Some(&ours), 5)] {
        let (of, act) = (of.cloned(), Operator::over_the_socket().act());
        let run =
            move |tx: &mut ::store::Tx<'_>| append::<Infallible>(tx, &act, of.as_ref(), "tried", json!({"n": what}));
        control.run(run).await.unwrap();
    }
    let chain = |of: &str| {
        let (from, to) = ((of.to_owned(), 0), (of.to_owned(), i64::MAX));
        let read = |reader: &::store::Reader<'_>| {
            let lines = reader.walk::<AuditRow>(&from, &to, Direction::Ascending, 10)?;
            let facts = |line: &AuditRow| Ok(reader.get::<Entry>(&(0, line.seq))?.map(|entry| entry.facts));
            let facts: Result<Vec<_>, Fault> = lines.iter().map(facts).collect();
            Ok((lines, facts?, reader.get::<AuditHeadRow>(&of.to_owned())?))
        };
        control.store().read(read).unwrap()
    };
    for (of, seqs) in
        [(ours.to_string(), vec![1, 4, 5]), (theirs.to_string(), vec![2]), ("operator".to_owned(), vec![3])]
    {
        let (lines, facts, head) = chain(&of);
        assert_eq!(lines.iter().map(|line| line.seq).collect::<Vec<_>>(), seqs);
        let mut before = String::new();
        for ((line, facts), n) in lines.iter().zip(facts).zip(1..) {
            assert_eq!(line.n, n);
            before = HEXLOWER.encode(&state::link(&before, &of, n, line.at, "tried", &facts.unwrap()));
            assert_eq!(line.hash, before);
        }
        assert_eq!(head.map(|head| (head.n, head.hash)), Some((lines.len() as u64, before)));
    }
}

/// A front office with a few lines in three chains, and the first tenant's.
async fn kept() -> (crate::Control, String, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let control = crate::tenants::tests::open(dir.path());
    let operator = Operator::over_the_socket();
    let first = tenants::create(&control, &operator, "One").await.unwrap();
    tenants::create(&control, &operator, "Two").await.unwrap();
    for n in 0..3 {
        for of in [Some(first.id.clone()), None] {
            let act = operator.act();
            let run = move |tx: &mut Tx<'_>| append(tx, &act, of.as_ref(), "tried", json!({"n": n, "what": "ever"}));
            control.change(run).await.unwrap();
        }
    }
    (control, first.id.to_string(), dir)
}

/// Puts rows as somebody would who may write to the store itself, and knows how.
async fn tamper<R: Row>(control: &crate::Control, key: R::Key, row: Option<R>) {
    let run = move |tx: &mut Tx<'_>| {
        tx.get::<R>(&key)?;
        match &row {
            Some(row) => tx.put(row.clone()),
            None => tx.remove::<R>(&key),
        }
        Ok(())
    };
    control.change(run).await.unwrap();
}

/// What is found wrong while a row is another, or gone; afterwards it is as it was.
async fn wrong_with<R: Row>(control: &crate::Control, key: R::Key, spoil: impl Fn(R) -> Option<R>) -> Vec<String> {
    let found = control.store().read(|reader| reader.get::<R>(&key)).unwrap().unwrap();
    tamper(control, key.clone(), spoil(found.clone())).await;
    let operator = Operator::over_the_socket();
    let wrong = verify(control, &operator).unwrap().wrong;
    tamper(control, key, Some(found)).await;
    assert_eq!(verify(control, &operator).unwrap().wrong, Vec::<String>::new());
    wrong
}

#[tokio::test]
async fn a_log_that_nobody_touched_is_whole() {
    let (control, _, _dir) = kept().await;
    let verified = verify(&control, &Operator::over_the_socket()).unwrap();
    assert_eq!(verified, Verified { chains: 3, lines: 8, entries: 8, wrong: Vec::new() });
}

#[tokio::test]
async fn whatever_is_changed_in_the_store_itself_is_found() {
    let (control, of, _dir) = kept().await;
    let line = |n: i64| (of.clone(), n);
    let seq = control.store().read(|reader| reader.get::<AuditRow>(&line(2))).unwrap().unwrap().seq;
    let entry = (crate::front::OFFICE, seq);
    let second = |why: &str| vec![format!("{of}: line 2 is {why}")];
    let (changed, alone) = ("not what was written after the line before it", "without its entry");

    let said =
        wrong_with(&control, entry, |row: Entry| Some(Entry { facts: row.facts.replace("ever", "else"), ..row }));
    assert_eq!(said.await, second(changed));
    let said = wrong_with(&control, entry, |row: Entry| Some(Entry { kind: "done".to_owned(), ..row }));
    assert_eq!(said.await, second(changed));
    let said = wrong_with(&control, entry, |row: Entry| Some(Entry { at: Time(row.at.0 + 1), ..row }));
    assert_eq!(said.await, second(alone));
    let said = wrong_with(&control, line(2), |row: AuditRow| Some(AuditRow { at: Time(row.at.0 + 1), ..row }));
    assert_eq!(said.await, second(alone));
    let said = wrong_with(&control, line(2), |row: AuditRow| Some(AuditRow { seq: row.seq + 1, ..row }));
    assert_eq!(said.await, second(changed));
    let said = wrong_with(&control, line(2), |row: AuditRow| Some(AuditRow { hash: "00".repeat(32), ..row }));
    assert_eq!(said.await, second(changed));

    let said = wrong_with(&control, entry, |_: Entry| None).await;
    assert_eq!(said[1..], second(alone));
    assert_eq!(said[0], "the chains end at 8 lines together, but 8 and 7 entries are there");
    let said = wrong_with(&control, line(2), |_: AuditRow| None).await;
    assert_eq!(said[1..], [format!("{of}: line 2 is missing")]);
    let said = wrong_with(&control, line(4), |_: AuditRow| None).await;
    assert_eq!(said[1..], [format!("{of}: it ends at line 3, where line 4 was the last")]);
    let said = wrong_with(&control, of.clone(), |head: AuditHeadRow| Some(AuditHeadRow { n: 3, ..head })).await;
    assert_eq!(said.len(), 2, "{said:?}");
    let said = wrong_with(&control, of.clone(), |_: AuditHeadRow| None).await;
    assert_eq!(said, ["the chains end at 4 lines together, but 8 and 8 entries are there"]);
}
