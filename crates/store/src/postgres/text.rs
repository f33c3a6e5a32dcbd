//! SQL made from a table's spec: one fixed text a table and purpose, whatever the number of rows.

use super::columns::key_columns;
use crate::row::{Kind, Spec};

/// What a statement is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Purpose {
    Load,
    /// The committer's, of rows that are [`crate::row::Locked::ByItself`].
    LoadLocked,
    Ranges,
    RangesDescending,
    Insert,
    Update,
    Delete,
}

/// The statement for `purpose` on the table.
pub(super) fn text(spec: &Spec, purpose: Purpose) -> String {
    match purpose {
        Purpose::Load => load(spec, ""),
        Purpose::LoadLocked => load(spec, " FOR SHARE OF t"),
        Purpose::Ranges => ranges(spec, ""),
        Purpose::RangesDescending => ranges(spec, " DESC"),
        Purpose::Insert => insert(spec),
        Purpose::Update => update(spec),
        Purpose::Delete => delete(spec),
    }
}

/// What a select lists, each behind `prefix`, in the order in which rows read themselves; the checksum comes last.
pub(super) fn listed(spec: &Spec, prefix: &str) -> String {
    let names = spec.columns.iter().map(|column| column.name).chain(["sum"]);
    names.map(|name| format!("{prefix}{name}")).collect::<Vec<_>>().join(", ")
}

fn array(kind: Kind) -> &'static str {
    match kind {
        Kind::Int => "bigint[]",
        Kind::Big => "numeric[]",
        Kind::Text => "text[]",
        Kind::Blob => "bytea[]",
    }
}

/// `$1::bigint[], $2::text[]`.
fn arrays(kinds: impl Iterator<Item = Kind>) -> String {
    kinds.enumerate().map(|(at, kind)| format!("${}::{}", at + 1, array(kind))).collect::<Vec<_>>().join(", ")
}

fn keys(spec: &Spec) -> Vec<&'static str> {
    spec.columns[..key_columns(spec)].iter().map(|column| column.name).collect()
}

fn key_kinds(spec: &Spec) -> impl Iterator<Item = Kind> {
    spec.columns[..key_columns(spec)].iter().map(|column| column.kind)
}

fn prefixed(names: &[&str], prefix: &str) -> String {
    names.iter().map(|name| format!("{prefix}{name}")).collect::<Vec<_>>().join(", ")
}

fn same_key(spec: &Spec) -> String {
    keys(spec).iter().map(|name| format!("t.{name} = u.{name}")).collect::<Vec<_>>().join(" AND ")
}

fn load(spec: &Spec, lock: &str) -> String {
    // No table has a column of this name: a key's own would be ambiguous.
    format!(
        "SELECT u.nth_key, {} FROM unnest({}) WITH ORDINALITY AS u({}, nth_key) JOIN {} t ON {}{lock}",
        listed(spec, "t."),
        arrays(key_kinds(spec)),
        keys(spec).join(", "),
        spec.name,
        same_key(spec),
    )
}

fn ranges(spec: &Spec, order: &str) -> String {
    let keys = keys(spec);
    let ordered: Vec<String> = keys.iter().map(|name| format!("t.{name}{order}")).collect();
    let outer: Vec<String> = keys.iter().map(|name| format!("r.{name}{order}")).collect();
    format!(
        "SELECT u.n, {} FROM unnest({}) WITH ORDINALITY AS u({}, {}, most, n) CROSS JOIN LATERAL (SELECT {} FROM {} t \
         WHERE ({}) >= ({}) AND ({}) < ({}) ORDER BY {} LIMIT u.most) r ORDER BY u.n, {}",
        listed(spec, "r."),
        arrays(key_kinds(spec).chain(key_kinds(spec)).chain([Kind::Int])),
        prefixed(&keys, "from_"),
        prefixed(&keys, "to_"),
        listed(spec, "t."),
        spec.name,
        prefixed(&keys, "t."),
        prefixed(&keys, "u.from_"),
        prefixed(&keys, "t."),
        prefixed(&keys, "u.to_"),
        ordered.join(", "),
        outer.join(", "),
    )
}

fn insert(spec: &Spec) -> String {
    let kinds = spec.columns.iter().map(|column| column.kind).chain([Kind::Int]);
    format!("INSERT INTO {} ({}) SELECT * FROM unnest({})", spec.name, listed(spec, ""), arrays(kinds))
}

fn update(spec: &Spec) -> String {
    let kinds = spec.columns.iter().map(|column| column.kind).chain([Kind::Int]);
    let changed = spec.columns[key_columns(spec)..].iter().map(|column| column.name).chain(["sum"]);
    let set: Vec<String> = changed.map(|name| format!("{name} = u.{name}")).collect();
    let update = format!(
        "UPDATE {} t SET {} FROM unnest({}) AS u({}) WHERE {}",
        spec.name,
        set.join(", "),
        arrays(kinds),
        listed(spec, ""),
        same_key(spec),
    );
    counted(&update, spec.columns.len() + 2)
}

fn delete(spec: &Spec) -> String {
    let delete = format!(
        "DELETE FROM {} t USING unnest({}) AS u({}) WHERE {}",
        spec.name,
        arrays(key_kinds(spec)),
        keys(spec).join(", "),
        same_key(spec),
    );
    counted(&delete, key_columns(spec) + 1)
}

/// Fails when it changes another number of rows than the last parameter says: the commit is sent right behind it.
fn counted(write: &str, last: usize) -> String {
    format!("WITH written AS ({write} RETURNING 1) SELECT 1 / (count(*) = ${last}::bigint)::int FROM written")
}
