//! The committer's connection. A batch takes two round trips when nothing is asked for twice, and no more however many
//! operations it has: begin, locks and loads; writes with the commit.

use std::sync::Arc;
use std::time::Instant;

use base::Time;
use futures_util::future::{join, join_all, join3};
use hashbrown::HashMap;
use tokio::runtime::Runtime;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, Row as SqlRow};

use super::columns::Columns;
use super::doubt;
use super::errors::{before_commit, words};
use super::fixed::{BEGIN, Fixed};
use super::link::{Link, PATIENCE, patiently};
use super::loads::{loads, prepared, purpose};
use super::proof::Proof;
use super::take::{PgTake, give};
use super::text::Purpose;
use super::url::PostgresUrl;
use super::writing::{Writing, Written};
use crate::engine::{Engine, EngineError, Found, Write};
use crate::journal::Head;
use crate::row::{First, Row, Spec, TenantNo};
use crate::sum::RowSum;

const HEAD: &Spec = &Head::SPEC;

pub(super) struct PgEngine {
    /// Has no thread of its own: the connection moves only while a call is waited for.
    runtime: Arc<Runtime>,
    url: PostgresUrl,
    link: Option<Link>,
    fixed: Option<Fixed>,
    /// The name under which its batches are marked, and the last of them.
    proof: Proof,
    number: i64,
    /// The heads that the batch has locked.
    heads: Vec<SqlRow>,
    expected: Vec<(&'static Spec, Columns)>,
    answered: HashMap<usize, Vec<SqlRow>>,
    writes: Vec<Writing>,
    calls: u64,
}

impl PgEngine {
    pub(super) fn new(runtime: Runtime, url: PostgresUrl, link: Link, proof: Proof) -> PgEngine {
        PgEngine {
            runtime: Arc::new(runtime),
            url,
            link: Some(link),
            fixed: None,
            proof,
            number: 1,
            heads: Vec::new(),
            expected: Vec::new(),
            answered: HashMap::new(),
            writes: Vec::new(),
            calls: 0,
        }
    }

    /// Connects if need be and prepares what every batch needs.
    async fn connect(&mut self) -> Result<(), EngineError> {
        if self.link.as_ref().is_none_or(|link| link.client.is_closed()) {
            self.lose();
            self.link = Some(Link::to(&self.url).await?);
        }
        if self.fixed.is_none() {
            self.fixed = Some(Fixed::on(&link(&mut self.link)?.client).await?);
        }
        Ok(())
    }

    async fn begin_once(&mut self, tenants: &[i64]) -> Result<Option<Time>, EngineError> {
        self.connect().await?;
        let fixed = fixed(&self.fixed)?;
        let link = link(&mut self.link)?;
        let statements = prepared(link, &self.expected).await?;
        let client = &link.client;
        self.calls += 2 + self.expected.len() as u64;
        let tenants_given: [&(dyn ToSql + Sync); 1] = [&tenants];
        let given: Vec<_> = self.expected.iter().map(|(_, columns)| columns.parameters()).collect();
        let (begin, lock) = (client.batch_execute(BEGIN), client.query(&fixed.lock, &tenants_given));
        let (begun, locked, loaded) = patiently(join3(begin, lock, loads(client, &statements, &given))).await?;
        begun.map_err(|error| before_commit(&error))?;
        let mut locked = locked.map_err(|error| before_commit(&error))?;
        if locked.len() == tenants.len() {
            drop(given);
            self.keep(loaded)?;
        } else {
            // New tenants have no head yet: of two that make it, the second waits for the first. What was loaded was not under
            // all locks, and is still expected.
            let sums: Vec<i64> = tenants.iter().map(|tenant| first_head_sum(*tenant)).collect();
            self.calls += 2;
            let made = patiently(client.execute(&fixed.make, &[&tenants, &sums])).await?;
            made.map_err(|error| before_commit(&error))?;
            locked =
                patiently(client.query(&fixed.lock, &tenants_given)).await?.map_err(|error| before_commit(&error))?;
        }
        // A damaged head says nothing about time: it would be the time of every tenant in the batch, and stay so.
        let latest = locked.iter().filter_map(|row| Head::read(&mut PgTake::checked(row, HEAD, 0).ok()?).ok());
        let latest = latest.map(|head| head.at).max();
        self.heads = locked;
        Ok(latest)
    }

    /// All expected loads in one round trip.
    async fn load_expected(&mut self) -> Result<(), EngineError> {
        let link = link(&mut self.link)?;
        let statements = prepared(link, &self.expected).await?;
        self.calls += self.expected.len() as u64;
        let given: Vec<_> = self.expected.iter().map(|(_, columns)| columns.parameters()).collect();
        let loaded = patiently(loads(&link.client, &statements, &given)).await?;
        drop(given);
        self.keep(loaded)
    }

    /// What was expected has come.
    fn keep(&mut self, loaded: Vec<Result<Vec<SqlRow>, Error>>) -> Result<(), EngineError> {
        for ((spec, _), rows) in self.expected.drain(..).zip(loaded) {
            self.answered.insert(address(spec), rows.map_err(|error| before_commit(&error))?);
        }
        Ok(())
    }

    async fn query(
        &mut self,
        spec: &'static Spec,
        purpose: Purpose,
        columns: Columns,
    ) -> Result<Vec<SqlRow>, EngineError> {
        self.calls += 1;
        link(&mut self.link)?.query(spec, purpose, &columns).await
    }

    /// Everything that the batch wrote and its commit, in one round trip.
    async fn write_and_commit(&mut self) -> Result<Written, EngineError> {
        let writes = std::mem::take(&mut self.writes);
        let fixed = fixed(&self.fixed)?;
        let number = self.number;
        let link = link(&mut self.link)?;
        let mut statements = Vec::with_capacity(writes.len());
        for Writing { spec, purpose, .. } in &writes {
            statements.push(link.statement(spec, *purpose).await?);
        }
        self.calls += writes.len() as u64 + 2;
        let parameters: Vec<_> = writes.iter().map(Writing::parameters).collect();
        let client = &link.client;
        link.take_warning();
        let committer = self.proof.committer();
        let marker: [&(dyn ToSql + Sync); 2] = [&committer, &number];
        let mut all = vec![client.execute(&fixed.mark, &marker)];
        let given = statements.iter().zip(&parameters);
        all.extend(given.map(|(statement, given)| client.execute(statement, given)));
        let sent = join(join_all(all), client.batch_execute("COMMIT"));
        let Ok((answers, committed)) = patiently(sent).await else { return Ok(Written::InDoubt) };
        let what = std::iter::once(None).chain(writes.iter().map(Some));
        for (answer, writing) in answers.into_iter().zip(what) {
            match answer {
                Ok(_) => {}
                // The server answered: it did not commit.
                Err(error) if error.as_db_error().is_some() && !client.is_closed() => {
                    return Err(writing.map_or_else(|| before_commit(&error), |writing| writing.failed(&error)));
                }
                Err(_) => return Ok(Written::InDoubt),
            }
        }
        let safe = committed.is_ok() && link.take_warning().is_none();
        Ok(if safe { Written::Committed } else { Written::InDoubt })
    }

    async fn commit_writes(&mut self) -> Result<(), EngineError> {
        let begun = Instant::now();
        let written = self.write_and_commit().await;
        let number = self.number;
        self.number += 1;
        match written? {
            Written::Committed => {
                self.proof.kept(number, begun);
                Ok(())
            }
            Written::InDoubt => {
                self.lose();
                tracing::warn!(number, "the answer to a commit was lost; finding out whether it happened");
                let (link, kept) = doubt::was_kept(&self.url, self.proof.committer(), number).await?;
                self.link = Some(link);
                tracing::warn!(number, kept, "whether the commit happened is known");
                if kept {
                    self.proof.kept(number, begun);
                    Ok(())
                } else {
                    Err(EngineError::Conflict("its commit did not happen".to_owned()))
                }
            }
        }
    }

    fn write(&mut self, spec: &'static Spec, purpose: Purpose, columns: Columns, rows: usize) {
        self.writes.push(Writing { spec, purpose, columns, rows: rows as i64 });
    }

    /// Locking them has read them.
    fn give_heads(
        &self,
        spec: &'static Spec,
        keys: usize,
        key: Write<'_>,
        found: Found<'_>,
    ) -> Result<(), EngineError> {
        for at in 0..keys {
            let mut first = First(None);
            key(at, &mut first);
            let head = self.heads.iter().find(|row| row.try_get::<_, i64>(0).ok() == first.0);
            let head = head.ok_or_else(|| EngineError::Broken("a head was read before it was locked".to_owned()))?;
            match PgTake::checked(head, spec, 0) {
                Ok(mut take) => found(at, Ok(&mut take)),
                Err(corrupt) => found(at, Err(corrupt)),
            }
        }
        Ok(())
    }

    /// The connection is of no use any more, nor are those of the readers.
    fn lose(&mut self) {
        self.proof.lost();
        self.link = None;
        self.fixed = None;
    }

    fn forget(&mut self) {
        self.heads.clear();
        self.expected.clear();
        self.answered.clear();
        self.writes.clear();
    }

    /// Runs a call on the engine's runtime; after one that did not reach the database the connection is made anew.
    fn call<T>(&mut self, call: impl AsyncFnOnce(&mut PgEngine) -> Result<T, EngineError>) -> Result<T, EngineError> {
        let outcome = Arc::clone(&self.runtime).block_on(call(self));
        if let Err(EngineError::Unreachable(_)) = outcome {
            self.lose();
        }
        outcome
    }
}

impl Engine for PgEngine {
    fn shared(&self) -> bool {
        true
    }

    fn begin(&mut self, tenants: &[TenantNo]) -> Result<Option<Time>, EngineError> {
        // What is expected was said for this batch.
        let expected = std::mem::take(&mut self.expected);
        self.forget();
        self.expected = expected;
        let tenants: Vec<i64> = tenants.iter().copied().map(i64::from).collect();
        let (had_link, begun) = (self.link.is_some(), Instant::now());
        match self.call(async |engine| engine.begin_once(&tenants).await) {
            // A connection that broke while nothing was going on is noticed now. Who has waited long enough is not kept.
            Err(EngineError::Unreachable(_)) if had_link && begun.elapsed() < PATIENCE => {
                self.call(async |engine| engine.begin_once(&tenants).await)
            }
            outcome => outcome,
        }
    }

    fn expect(&mut self, spec: &'static Spec, keys: usize, key: Write<'_>) {
        if spec.name != HEAD.name
            && let Ok(columns) = Columns::keys(spec, keys, key)
        {
            self.expected.push((spec, columns));
        }
    }

    fn load(&mut self, spec: &'static Spec, keys: usize, key: Write<'_>, found: Found<'_>) -> Result<(), EngineError> {
        if spec.name == HEAD.name {
            return self.give_heads(spec, keys, key, found);
        }
        if !self.expected.is_empty() {
            self.call(async |engine| engine.load_expected().await)?;
        }
        let rows = match self.answered.remove(&address(spec)) {
            Some(rows) => rows,
            None => match Columns::keys(spec, keys, key) {
                Ok(columns) => self.call(async |engine| engine.query(spec, purpose(spec), columns).await)?,
                // One of them cannot be kept, and so is not there: each is asked for alone.
                Err(EngineError::Constraint(_)) if keys > 1 => {
                    return (0..keys)
                        .try_for_each(|at| self.load(spec, 1, &|_, out| key(at, out), &mut |_, take| found(at, take)));
                }
                Err(EngineError::Constraint(_)) => return Ok(()),
                Err(error) => return Err(error),
            },
        };
        give(&rows, spec, found)
    }

    fn ranges(
        &mut self,
        spec: &'static Spec,
        limits: &[usize],
        ends: Write<'_>,
        found: Found<'_>,
    ) -> Result<(), EngineError> {
        let columns = Columns::ranges(spec, limits, ends)?;
        let rows = self.call(async |engine| engine.query(spec, Purpose::Ranges, columns).await)?;
        give(&rows, spec, found)
    }

    fn insert(&mut self, spec: &'static Spec, rows: usize, row: Write<'_>) -> Result<(), EngineError> {
        let columns = Columns::rows(spec, rows, row)?;
        self.write(spec, Purpose::Insert, columns, rows);
        Ok(())
    }

    fn update(&mut self, spec: &'static Spec, rows: usize, row: Write<'_>) -> Result<(), EngineError> {
        let columns = Columns::rows(spec, rows, row)?;
        self.write(spec, Purpose::Update, columns, rows);
        Ok(())
    }

    fn delete(&mut self, spec: &'static Spec, keys: usize, key: Write<'_>) -> Result<(), EngineError> {
        let columns = Columns::keys(spec, keys, key)?;
        self.write(spec, Purpose::Delete, columns, keys);
        Ok(())
    }

    /// The heads keep the batches' times: a stamp of its own would be a row that all processes change. A batch that writes
    /// nothing leaves its marker when readers need a commit as a proof.
    fn commit(&mut self, _stamp: Option<Time>) -> Result<(), EngineError> {
        if !self.writes.is_empty() || !self.proof.holds() {
            return self.call(async |engine| engine.commit_writes().await);
        }
        self.calls += 1;
        self.call(async |engine| {
            let ended = patiently(link(&mut engine.link)?.client.batch_execute("COMMIT")).await?;
            ended.map_err(|error| before_commit(&error))
        })
    }

    /// A transaction that cannot be ended goes with its connection.
    fn rollback(&mut self) {
        self.forget();
        if self.link.is_none() {
            return;
        }
        let ended = self.call(async |engine| {
            let ended = patiently(link(&mut engine.link)?.client.batch_execute("ROLLBACK")).await?;
            ended.map_err(|error| EngineError::Unreachable(words(&error)))
        });
        if let Err(error) = ended {
            tracing::debug!(%error, "a transaction was left to the database to end");
        }
    }

    fn rest(&mut self) {}

    fn calls(&self) -> u64 {
        self.calls
    }

    fn log_bytes(&self) -> u64 {
        0
    }
}

fn link(link: &mut Option<Link>) -> Result<&mut Link, EngineError> {
    link.as_mut().ok_or_else(|| EngineError::Unreachable("not connected".to_owned()))
}

fn fixed(fixed: &Option<Fixed>) -> Result<Fixed, EngineError> {
    fixed.clone().ok_or_else(|| EngineError::Unreachable("not connected".to_owned()))
}

fn address(spec: &'static Spec) -> usize {
    std::ptr::from_ref(spec).addr()
}

/// The checksum of a head that has seen nothing.
fn first_head_sum(tenant: i64) -> i64 {
    let mut sum = RowSum::new();
    [tenant, 0, 0].into_iter().for_each(|value| sum.int(value));
    sum.finish()
}
