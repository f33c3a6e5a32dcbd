//! SQL made from a table's spec, once for each connection. Every table ends with `sum`, the checksum of the row.

use hashbrown::HashMap;

use crate::row::{KeyShape, Spec};

/// The statements of one table.
pub(crate) struct TableText {
    pub(super) select_one: String,
    pub(super) select_range: String,
    pub(super) select_range_descending: String,
    pub(super) insert: String,
    pub(super) update: String,
    pub(super) delete: String,
}

/// The statements of the tables that a connection has used. The key is the spec's address: one address is one content.
#[derive(Default)]
pub(crate) struct Texts(HashMap<usize, TableText>);

impl Texts {
    pub(super) fn of(&mut self, spec: &'static Spec) -> &TableText {
        self.0.entry(std::ptr::from_ref(spec).addr()).or_insert_with(|| TableText {
            select_one: select_one(spec),
            select_range: select_range(spec, false),
            select_range_descending: select_range(spec, true),
            insert: insert(spec),
            update: update(spec),
            delete: delete(spec),
        })
    }
}

pub(super) fn columns(spec: &Spec) -> Vec<&'static str> {
    match spec.key {
        KeyShape::TenantSeq => std::iter::once("pos").chain(spec.columns[2..].iter().map(|c| c.name)).collect(),
        KeyShape::First(_) => spec.columns.iter().map(|c| c.name).collect(),
    }
}

fn key_columns(spec: &Spec) -> usize {
    match spec.key {
        KeyShape::TenantSeq => 1,
        KeyShape::First(columns) => columns,
    }
}

/// `a, b, sum`: what a select lists, in the order in which rows read themselves.
pub(super) fn select_columns(spec: &Spec) -> String {
    format!("{}, sum", columns(spec).join(", "))
}

/// Every row, in the order of its key.
pub(super) fn select_all(spec: &Spec) -> String {
    let order = columns(spec)[..key_columns(spec)].join(", ");
    format!("SELECT {} FROM {} ORDER BY {order}", select_columns(spec), spec.name)
}

fn where_key(spec: &Spec) -> String {
    let key = &columns(spec)[..key_columns(spec)];
    let equal: Vec<String> = key.iter().enumerate().map(|(at, name)| format!("{name} = ?{}", at + 1)).collect();
    equal.join(" AND ")
}

fn select_one(spec: &Spec) -> String {
    format!("SELECT {} FROM {} WHERE {}", select_columns(spec), spec.name, where_key(spec))
}

fn select_range(spec: &Spec, descending: bool) -> String {
    let keys = key_columns(spec);
    let names = columns(spec)[..keys].join(", ");
    let from: Vec<String> = (1..=keys).map(|at| format!("?{at}")).collect();
    let to: Vec<String> = (keys + 1..=2 * keys).map(|at| format!("?{at}")).collect();
    let order: Vec<String> =
        columns(spec)[..keys].iter().map(|name| format!("{name}{}", if descending { " DESC" } else { "" })).collect();
    format!(
        "SELECT {} FROM {} WHERE ({names}) >= ({}) AND ({names}) < ({}) ORDER BY {} LIMIT ?{}",
        select_columns(spec),
        spec.name,
        from.join(", "),
        to.join(", "),
        order.join(", "),
        2 * keys + 1,
    )
}

fn insert(spec: &Spec) -> String {
    let places: Vec<String> = (1..=columns(spec).len() + 1).map(|at| format!("?{at}")).collect();
    format!("INSERT INTO {} ({}) VALUES ({})", spec.name, select_columns(spec), places.join(", "))
}

fn update(spec: &Spec) -> String {
    let keys = key_columns(spec);
    let names = columns(spec);
    let set: Vec<String> = names
        .iter()
        .chain(std::iter::once(&"sum"))
        .enumerate()
        .skip(keys)
        .map(|(at, name)| format!("{name} = ?{}", at + 1))
        .collect();
    format!("UPDATE {} SET {} WHERE {}", spec.name, set.join(", "), where_key(spec))
}

fn delete(spec: &Spec) -> String {
    format!("DELETE FROM {} WHERE {}", spec.name, where_key(spec))
}
