//! A commit whose answer was lost. Every batch that writes leaves a marker row under its number; after a lost answer the
//! same number is claimed on a new connection. That waits for the old transaction, and then the row tells who was first.

use std::time::{Duration, Instant};

use tokio_postgres::error::SqlState;

use super::errors::words;
use super::link::{Link, patiently};
use super::url::PostgresUrl;
use crate::engine::EngineError;

/// How long an outcome is looked for before callers are told that it is unknown.
const DOUBT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(100);

/// The marker of a batch that is kept; the one before it is not needed any more, nor those before that, some of which may
/// stand for batches that were not kept. How far back it looks is bounded, for removed markers stay in the index for a while
/// and would all be read again each time.
pub(super) const MARK: &str = "WITH before AS (DELETE FROM batch WHERE committer = $1 AND number BETWEEN $2::bigint - 32 AND $2::bigint - 1) \
     INSERT INTO batch (committer, number, kept, at) \
     VALUES ($1, $2, 1, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)";
/// The marker of one that is given up.
const GIVE_UP: &str = "INSERT INTO batch (committer, number, kept, at) \
     VALUES ($1, $2, 0, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint)";
/// Writes, so that its commit waits for the standbys: what they have then, they have of the batch as well.
const CONFIRM: &str = "UPDATE batch SET at = at + 1 WHERE committer = $1 AND number = $2 RETURNING kept";
const BEGIN: &str = "BEGIN; SET LOCAL lock_timeout = 3000";

/// Whether the batch was kept. Asks until it is known, at most for [`DOUBT`].
pub(super) async fn was_kept(url: &PostgresUrl, committer: &str, number: i64) -> Result<(Link, bool), EngineError> {
    let begun = Instant::now();
    loop {
        let why = match ask(url, committer, number).await {
            Ok(known) => return Ok(known),
            Err(why) => why,
        };
        tracing::warn!(%why, "whether a commit happened is not known yet");
        if begun.elapsed() > DOUBT {
            return Err(EngineError::Unknown(why.to_string()));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn ask(url: &PostgresUrl, committer: &str, number: i64) -> Result<(Link, bool), EngineError> {
    let link = Link::to(url).await?;
    let claimed = claim(&link, committer, number).await?;
    let kept = if claimed { false } else { confirm(&link, committer, number).await? };
    Ok((link, kept))
}

/// True when the number was free: the batch was not kept, and never will be.
async fn claim(link: &Link, committer: &str, number: i64) -> Result<bool, EngineError> {
    run(link, BEGIN).await?;
    match patiently(link.client.execute(GIVE_UP, &[&committer, &number])).await? {
        Ok(_) => commit(link).await.map(|()| true),
        Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => run(link, "ROLLBACK").await.map(|()| false),
        Err(error) => Err(EngineError::Unreachable(words(&error))),
    }
}

async fn confirm(link: &Link, committer: &str, number: i64) -> Result<bool, EngineError> {
    run(link, BEGIN).await?;
    let row = patiently(link.client.query_one(CONFIRM, &[&committer, &number])).await?;
    let kept: i64 = row.map_err(|error| EngineError::Unreachable(words(&error)))?.get(0);
    commit(link).await.map(|()| kept == 1)
}

/// A commit that the server warned of may not have reached the standbys.
async fn commit(link: &Link) -> Result<(), EngineError> {
    link.take_warning();
    run(link, "COMMIT").await?;
    link.take_warning().map_or(Ok(()), |warning| Err(EngineError::Unreachable(warning)))
}

async fn run(link: &Link, sql: &str) -> Result<(), EngineError> {
    patiently(link.client.batch_execute(sql)).await?.map_err(|error| EngineError::Unreachable(words(&error)))
}
