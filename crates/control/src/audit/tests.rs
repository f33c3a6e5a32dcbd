use std::convert::Infallible;

use ::store::{Direction, Entry};
use base::{Fault, TenantId};
use data_encoding::HEXLOWER;
use serde_json::json;

use super::{AuditHeadRow, AuditRow, append, state};
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
