//! A starting plane's end of what waits for it in control: revocations that it missed, what is to be voided, suspensions and
//! resumptions. The plane asks before it takes connections, and does without an answer when control is away: control gets to
//! it later.

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base::PlaneName;
use control::NotDone;
use control::planes::{Ask, Reply};
use control::wishes::{Page, Place};
use plane::{Office, Plane};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::exchange::{Unanswered, ask};
use super::proof::{Key, Way};
use super::waiting::Asking;
use super::{CONTROL, SOCKET, WAITING, name_of};

/// The longest that a start waits for a page of control's, and for what fails here to succeed. What control answers is
/// otherwise done however long that takes.
const WITHIN: Duration = Duration::from_secs(2);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);
/// Asks that are done at the same time.
const AT_ONCE: usize = 256;

/// When what failed is given up, once something has.
type Until = Arc<OnceLock<Instant>>;

/// Why there is no page.
#[derive(Debug, PartialEq, Eq)]
enum NoPage {
    /// Nobody listens: control is away, as it may be.
    NotThere(String),
    /// Somebody listens, and nothing that he said could be used.
    Unusable(String),
}

/// Asks control, whose directory is `control`, and does what it says. Returns when all of that is in force.
pub async fn catch_up(plane: &Plane, key: &Key, control: &Path) {
    let (mut after, until) = (None, Until::default());
    loop {
        let page = match page(plane.name(), key, control, after.as_ref()).await {
            Ok(page) => page,
            Err(NoPage::NotThere(why)) => {
                return tracing::info!(why, "control is not there: this plane goes by what it knows");
            }
            Err(NoPage::Unusable(why)) => {
                return tracing::error!(
                    why,
                    "control is there and did not say what waits for this plane: it may take calls with a revoked key"
                );
            }
        };
        if !page.asks.is_empty() {
            tracing::info!(asks = page.asks.len(), "control had something waiting for this plane");
        }
        let own = plane.clone();
        let answer = move |ask| {
            let plane = own.clone();
            async move { workers::plane_end::answer(&plane, &Office::proved_by_the_intercom(), ask).await }
        };
        apply(page.asks, &until, answer).await;
        // A page that does not go on from the last would be asked for for ever.
        match page.next.filter(|next| after.as_ref().is_none_or(|after| next > after)) {
            Some(next) => after = Some(next),
            None => return,
        }
    }
}

/// A page, asked for again within the bound while somebody is there whose answer cannot be used.
async fn page(plane: &PlaneName, key: &Key, control: &Path, after: Option<&Place>) -> Result<Page, NoPage> {
    let until = Instant::now() + WITHIN;
    loop {
        let asked = tokio::time::timeout_at(until, asked(plane, key, control, after)).await;
        let late = || Err(NoPage::Unusable(format!("it gave no answer within {} s", WITHIN.as_secs())));
        match asked.unwrap_or_else(|_| late()) {
            Err(NoPage::Unusable(_)) if Instant::now() + PAUSE < until => tokio::time::sleep(PAUSE).await,
            answer => return answer,
        }
    }
}

async fn asked(plane: &PlaneName, key: &Key, control: &Path, after: Option<&Place>) -> Result<Page, NoPage> {
    let way = Way { from: name_of(plane), to: CONTROL.to_owned(), path: WAITING };
    let body = json!(Asking { plane: way.from.clone(), after: after.cloned() }).to_string().into_bytes();
    let answer = ask(&control.join(SOCKET), key, &way, body).await;
    let (status, body) = answer.map_err(|Unanswered { may_have_run, why }| match may_have_run {
        true => NoPage::Unusable(why),
        false => NoPage::NotThere(why),
    })?;
    match status {
        200 => serde_json::from_slice(&body).map_err(|error| NoPage::Unusable(error.to_string())),
        status => Err(NoPage::Unusable(format!("it answered {status}"))),
    }
}

/// Does all of it, many at once. What fails is tried again until the bound is over, which begins with the first failure.
async fn apply<F>(asks: Vec<Ask>, until: &Until, answer: impl Fn(Ask) -> F + Clone + Send + Sync + 'static)
where
    F: Future<Output = Result<Reply, NotDone>> + Send,
{
    let (mut applying, mut asks) = (JoinSet::new(), asks.into_iter());
    loop {
        while applying.len() < AT_ONCE
            && let Some(ask) = asks.next()
        {
            let (answer, until) = (answer.clone(), Arc::clone(until));
            applying.spawn(async move { one(ask, &until, answer).await });
        }
        if applying.join_next().await.is_none() {
            return;
        }
    }
}

async fn one<F>(ask: Ask, until: &OnceLock<Instant>, answer: impl Fn(Ask) -> F)
where
    F: Future<Output = Result<Reply, NotDone>>,
{
    loop {
        // What the plane refuses is not there to be undone.
        let Err(NotDone::Unreachable { why, .. }) = answer(ask.clone()).await else { return };
        if Instant::now() + PAUSE >= *until.get_or_init(|| Instant::now() + WITHIN) {
            return tracing::error!(?ask, why, "what control had waiting was not done; control asks again");
        }
        tokio::time::sleep(PAUSE).await;
    }
}
