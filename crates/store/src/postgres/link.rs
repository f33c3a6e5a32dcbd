//! One connection with its prepared statements, and what the server warned of on it.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error, NoTls, Row, Statement};

use super::columns::Columns;
use super::errors::{before_commit, words};
use super::text::{Purpose, text};
use super::url::{CONNECT, PostgresUrl};
use crate::engine::EngineError;
use crate::row::Spec;

/// No call waits longer for the database: a paused or cut off server must not hold callers for ever.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Dropped, it closes its socket at once, whatever answers are still to come: the server then ends what was open.
pub(super) struct Link {
    pub(super) client: Client,
    listening: AbortHandle,
    statements: HashMap<(usize, Purpose), Statement>,
    warning: Arc<Mutex<Option<String>>>,
}

/// Why there is no connection.
pub(super) enum NoLink {
    Failed(Error),
    Silent(String),
}

impl NoLink {
    /// Whether a server refused it with this code.
    pub(super) fn is(&self, code: &SqlState) -> bool {
        matches!(self, NoLink::Failed(error) if error.code() == Some(code))
    }

    pub(super) fn words(&self) -> String {
        match self {
            NoLink::Failed(error) => words(error),
            NoLink::Silent(why) => why.clone(),
        }
    }
}

impl Link {
    /// Connects to the first host that answers and takes writes, inside a runtime on which the connection then lives.
    pub(super) async fn to(url: &PostgresUrl) -> Result<Link, EngineError> {
        Link::connect(url).await.map_err(|no| EngineError::Unreachable(no.words()))
    }

    /// As [`Link::to`], with what a server said. What one said counts more than that another said nothing.
    pub(super) async fn connect(url: &PostgresUrl) -> Result<Link, NoLink> {
        let configs = url.configs().map_err(|fault| NoLink::Silent(fault.chain()))?;
        let mut why = NoLink::Silent("no host".to_owned());
        for config in &configs {
            let no = match tokio::time::timeout(CONNECT, Link::with(url, config)).await {
                Ok(Ok(link)) => return Ok(link),
                Ok(Err(no)) => no,
                Err(_) => NoLink::Silent(format!("no answer within {} s", CONNECT.as_secs())),
            };
            if matches!(why, NoLink::Silent(_)) || matches!(&no, NoLink::Failed(error) if error.as_db_error().is_some())
            {
                why = no;
            }
        }
        Err(why)
    }

    async fn with(url: &PostgresUrl, config: &Config) -> Result<Link, NoLink> {
        let warning = Arc::new(Mutex::new(None));
        let (client, listening) = if config.get_ssl_mode() == SslMode::Require {
            let tls = url.connector().map_err(|fault| NoLink::Silent(fault.chain()))?;
            let (client, connection) = config.connect(tls).await.map_err(NoLink::Failed)?;
            (client, tokio::spawn(listen(connection, Arc::clone(&warning))))
        } else {
            let (client, connection) = config.connect(NoTls).await.map_err(NoLink::Failed)?;
            (client, tokio::spawn(listen(connection, Arc::clone(&warning))))
        };
        Ok(Link { client, listening: listening.abort_handle(), statements: HashMap::new(), warning })
    }

    /// The prepared statement; prepared at its first use, in a round trip of its own.
    pub(super) async fn statement(&mut self, spec: &'static Spec, purpose: Purpose) -> Result<Statement, EngineError> {
        let key = (std::ptr::from_ref(spec).addr(), purpose);
        if let Some(statement) = self.statements.get(&key) {
            return Ok(statement.clone());
        }
        let prepared = patiently(self.client.prepare(&text(spec, purpose))).await?;
        let statement = prepared.map_err(|error| before_commit(&error))?;
        self.statements.insert(key, statement.clone());
        Ok(statement)
    }

    /// The rows that the table's statement finds for these keys or ranges.
    pub(super) async fn query(
        &mut self,
        spec: &'static Spec,
        purpose: Purpose,
        columns: &Columns,
    ) -> Result<Vec<Row>, EngineError> {
        let statement = self.statement(spec, purpose).await?;
        let rows = patiently(self.client.query(&statement, &columns.parameters())).await?;
        rows.map_err(|error| before_commit(&error))
    }

    /// What the server warned of since the last call.
    pub(super) fn take_warning(&self) -> Option<String> {
        self.warning.lock().take()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Moves the connection's bytes until it ends, and keeps the last warning.
async fn listen<S, T>(mut connection: Connection<S, T>, heard: Arc<Mutex<Option<String>>>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if let AsyncMessage::Notice(notice) = message
            && notice.severity() == "WARNING"
        {
            tracing::warn!(warning = notice.message(), "the database warns");
            *heard.lock() = Some(notice.message().to_owned());
        }
    }
}

/// Waits for as long as a call may take.
pub(super) async fn patiently<T>(call: impl Future<Output = T>) -> Result<T, EngineError> {
    let late = || EngineError::Unreachable(format!("no answer within {} s", PATIENCE.as_secs()));
    tokio::time::timeout(PATIENCE, call).await.map_err(|_| late())
}
