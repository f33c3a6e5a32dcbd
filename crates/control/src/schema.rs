//! Control's tables, in slot order: head 0, journal 1, claim 2 are the store's own.

use store::{Migration, Schema};

use crate::Tenant;

const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    sqlite: concat!(store::own_tables!(), include_str!("../migrations/sqlite/0001.sql")),
    postgres: concat!(store::own_tables_postgres!(), include_str!("../migrations/postgres/0001.sql")),
}];

/// For commands that look at a store without opening control.
pub fn schema() -> Schema {
    Schema::new("control", MIGRATIONS).with::<Tenant>()
}
