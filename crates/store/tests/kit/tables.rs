//! A small store of accounts and transfers, shaped as a plane's is: a head, a wide journal row, a claim with a random
//! key, a narrow state row and one hot account per operation.

use store::{Bind, Column, Corrupt, KeyShape, Kind, Locked, Migration, Row, Schema, Spec, Take, TenantNo};

pub const MIGRATIONS: &[Migration] = &[Migration {
    version: 1,
    sqlite: concat!(
        store::own_tables!(),
        "CREATE TABLE account (tenant INTEGER NOT NULL, name TEXT NOT NULL, balance ANY NOT NULL, moves INTEGER NOT NULL,
  sum INTEGER NOT NULL, PRIMARY KEY (tenant, name)) STRICT, WITHOUT ROWID;
CREATE TABLE progress (pos INTEGER PRIMARY KEY, state INTEGER NOT NULL, next INTEGER NOT NULL, sum INTEGER NOT NULL) STRICT;
CREATE TABLE item (rank INTEGER NOT NULL, name TEXT NOT NULL, note BLOB, sum INTEGER NOT NULL,
  PRIMARY KEY (rank, name)) STRICT, WITHOUT ROWID;
CREATE TABLE badge (name TEXT PRIMARY KEY, number INTEGER NOT NULL, sum INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    ),
    postgres: concat!(
        store::own_tables_postgres!(),
        "CREATE TABLE account (tenant BIGINT NOT NULL, name TEXT COLLATE \"C\" NOT NULL, balance NUMERIC(39,0) NOT NULL,
  moves BIGINT NOT NULL, sum BIGINT NOT NULL, PRIMARY KEY (tenant, name));
CREATE TABLE progress (tenant BIGINT NOT NULL, seq BIGINT NOT NULL, state BIGINT NOT NULL, next BIGINT NOT NULL,
  sum BIGINT NOT NULL, PRIMARY KEY (tenant, seq));
CREATE TABLE item (rank BIGINT NOT NULL, name TEXT COLLATE \"C\" NOT NULL, note BYTEA, sum BIGINT NOT NULL,
  PRIMARY KEY (rank, name));
CREATE TABLE badge (name TEXT COLLATE \"C\" PRIMARY KEY, number BIGINT NOT NULL, sum BIGINT NOT NULL);"
    ),
}];

pub fn schema() -> Schema {
    Schema::new("kit", MIGRATIONS).with::<Account>().with::<Progress>().with::<Item>().with::<Badge>()
}

#[derive(Clone, Debug, PartialEq)]
pub struct Account {
    pub tenant: TenantNo,
    pub name: Box<str>,
    pub balance: i128,
    pub moves: i64,
}

impl Row for Account {
    type Key = (TenantNo, Box<str>);
    const SLOT: usize = 3;
    const SPEC: Spec = Spec {
        name: "account",
        columns: &[
            Column::new("tenant", Kind::Int),
            Column::new("name", Kind::Text),
            Column::new("balance", Kind::Big),
            Column::new("moves", Kind::Int),
        ],
        key: KeyShape::First(2),
        keep: 100,
        locked: Locked::ByHead,
    };

    fn key(&self) -> Self::Key {
        (self.tenant, self.name.clone())
    }

    fn write_key(key: &Self::Key, out: &mut dyn Bind) {
        out.int(i64::from(key.0));
        out.text(&key.1);
    }

    fn write(&self, out: &mut dyn Bind) {
        out.int(i64::from(self.tenant));
        out.text(&self.name);
        out.big(self.balance);
        out.int(self.moves);
    }

    fn read(from: &mut dyn Take) -> Result<Account, Corrupt> {
        let tenant = TenantNo::try_from(from.int()?).map_err(|_| from.corrupt("tenant"))?;
        Ok(Account { tenant, name: from.text()?.into(), balance: from.big()?, moves: from.int()? })
    }
}

/// The narrow state of a transfer.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    pub tenant: TenantNo,
    pub seq: u64,
    pub state: i64,
    pub next: i64,
}

impl Row for Progress {
    type Key = (TenantNo, u64);
    const SLOT: usize = 4;
    const SPEC: Spec = Spec {
        name: "progress",
        columns: &[
            Column::new("tenant", Kind::Int),
            Column::new("seq", Kind::Int),
            Column::new("state", Kind::Int),
            Column::new("next", Kind::Int),
        ],
        key: KeyShape::TenantSeq,
        keep: 0,
        locked: Locked::ByHead,
    };

    fn key(&self) -> Self::Key {
        (self.tenant, self.seq)
    }

    fn write_key(key: &Self::Key, out: &mut dyn Bind) {
        out.int(i64::from(key.0));
        out.int(key.1.cast_signed());
    }

    fn write(&self, out: &mut dyn Bind) {
        Progress::write_key(&self.key(), out);
        out.int(self.state);
        out.int(self.next);
    }

    fn read(from: &mut dyn Take) -> Result<Progress, Corrupt> {
        let tenant = TenantNo::try_from(from.int()?).map_err(|_| from.corrupt("tenant"))?;
        Ok(Progress { tenant, seq: from.int()?.cast_unsigned(), state: from.int()?, next: from.int()? })
    }
}

/// A row of an ordered list without a tenant, with a note that may be missing.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    pub rank: i64,
    pub name: String,
    pub note: Option<Vec<u8>>,
}

impl Row for Item {
    type Key = (i64, String);
    const SLOT: usize = 5;
    const SPEC: Spec = Spec {
        name: "item",
        columns: &[Column::new("rank", Kind::Int), Column::new("name", Kind::Text), Column::new("note", Kind::Blob)],
        key: KeyShape::First(2),
        keep: 8,
        locked: Locked::ByHead,
    };

    fn key(&self) -> Self::Key {
        (self.rank, self.name.clone())
    }

    fn stays_in_memory(&self) -> bool {
        self.note.as_deref() != Some(b"done")
    }

    fn write_key(key: &Self::Key, out: &mut dyn Bind) {
        out.int(key.0);
        out.text(&key.1);
    }

    fn write(&self, out: &mut dyn Bind) {
        out.int(self.rank);
        out.text(&self.name);
        out.opt_blob(self.note.as_deref());
    }

    fn read(from: &mut dyn Take) -> Result<Item, Corrupt> {
        Ok(Item { rank: from.int()?, name: from.text()?.to_owned(), note: from.opt_blob()?.map(<[u8]>::to_vec) })
    }
}

/// A row that many operations read and few change, as leases are.
#[derive(Clone, Debug, PartialEq)]
pub struct Badge {
    pub name: String,
    pub number: i64,
}

impl Row for Badge {
    type Key = String;
    const SLOT: usize = 6;
    const SPEC: Spec = Spec {
        name: "badge",
        columns: &[Column::new("name", Kind::Text), Column::new("number", Kind::Int)],
        key: KeyShape::First(1),
        keep: 8,
        locked: Locked::ByItself,
    };

    fn key(&self) -> Self::Key {
        self.name.clone()
    }

    fn write_key(key: &Self::Key, out: &mut dyn Bind) {
        out.text(key);
    }

    fn write(&self, out: &mut dyn Bind) {
        out.text(&self.name);
        out.int(self.number);
    }

    fn read(from: &mut dyn Take) -> Result<Badge, Corrupt> {
        Ok(Badge { name: from.text()?.to_owned(), number: from.int()? })
    }
}
