//! One connection with its prepared statements, and what the server warned of on it.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, NoTls, Row, Statement};

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

impl Link {
    /// Connects to the first host that answers and takes writes, inside a runtime on which the connection then lives.
    pub(super) async fn to(url: &PostgresUrl) -> Result<Link, EngineError> {
        let configs = url.configs().map_err(|fault| EngineError::Unreachable(fault.chain()))?;
        let mut why = EngineError::Unreachable("no host".to_owned());
        for config in &configs {
            match tokio::time::timeout(CONNECT, Link::with(url, config)).await {
                Ok(Ok(link)) => return Ok(link),
                Ok(Err(error)) => why = error,
                Err(_) => why = EngineError::Unreachable(format!("no answer within {} s", CONNECT.as_secs())),
            }
        }
        Err(why)
    }

    async fn with(url: &PostgresUrl, config: &Config) -> Result<Link, EngineError> {
        let warning = Arc::new(Mutex::new(None));
        let (client, listening) = if config.get_ssl_mode() == SslMode::Require {
            let tls = url.connector().map_err(|fault| EngineError::Unreachable(fault.chain()))?;
            let (client, connection) = config.connect(tls).await.map_err(unreachable)?;
            (client, tokio::spawn(listen(connection, Arc::clone(&warning))))
        } else {
            let (client, connection) = config.connect(NoTls).await.map_err(unreachable)?;
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

fn unreachable(error: tokio_postgres::Error) -> EngineError {
    EngineError::Unreachable(words(&error))
}

/// Waits for as long as a call may take.
pub(super) async fn patiently<T>(call: impl Future<Output = T>) -> Result<T, EngineError> {
    let late = || EngineError::Unreachable(format!("no answer within {} s", PATIENCE.as_secs()));
    tokio::time::timeout(PATIENCE, call).await.map_err(|_| late())
}
