//! Making a database that is not there, where that is allowed.

use base::Fault;
use tokio::runtime::Builder;
use tokio_postgres::Config;
use tokio_postgres::error::SqlState;

use super::errors::words;
use super::link::{Link, NoLink, patiently};
use super::url::PostgresUrl;

const DEFAULT_PORT: u16 = 5432;
/// Which database every cluster has.
const ALWAYS_THERE: &str = "postgres";

impl PostgresUrl {
    /// Makes the database when it is missing and this user may; answers whether it did. Blocks; must not be called from
    /// a task.
    pub fn make_database(&self) -> Result<bool, Fault> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Fault::because("starting a runtime", error))?;
        runtime.block_on(make(self))
    }

    /// Whether both name one database on a host and port that they share. Two names of one host are not seen through.
    pub fn may_be_the_same(&self, other: &PostgresUrl) -> bool {
        let (Ok(one), Ok(two)) = (self.config(), other.config()) else { return false };
        let places = |config: &Config| {
            let ports = config.get_ports();
            // One port is every host's.
            let last = ports.last().copied().unwrap_or(DEFAULT_PORT);
            let ports = ports.iter().copied().chain(std::iter::repeat(last));
            config.get_hosts().iter().cloned().zip(ports).collect::<Vec<_>>()
        };
        let there = places(&two);
        one.get_dbname() == two.get_dbname() && places(&one).iter().any(|place| there.contains(place))
    }
}

async fn make(url: &PostgresUrl) -> Result<bool, Fault> {
    let reaching =
        |no: &NoLink, url: &PostgresUrl| Fault::new(format!("connecting to {}: {}", url.shown(), no.words()));
    match Link::connect(url).await {
        Ok(_) => return Ok(false),
        Err(no) if no.is(&SqlState::UNDEFINED_DATABASE) => {}
        Err(no) => return Err(reaching(&no, url)),
    }
    let other = url.with_database(ALWAYS_THERE)?;
    let link = Link::connect(&other).await.map_err(|no| reaching(&no, &other))?;
    let name = url.database();
    let create = format!("CREATE DATABASE \"{}\"", name.replace('"', "\"\""));
    let made = patiently(link.client.batch_execute(&create)).await;
    match made.map_err(|error| Fault::because(format!("making the database {name}"), error))? {
        Ok(()) => Ok(true),
        // Another process was first.
        Err(error)
            if [SqlState::DUPLICATE_DATABASE, SqlState::UNIQUE_VIOLATION]
                .iter()
                .any(|code| error.code() == Some(code)) =>
        {
            Ok(false)
        }
        Err(error) => Err(Fault::new(format!(
            "the database {name} does not exist and cannot be made ({}): make it, or let this user make databases",
            words(&error)
        ))),
    }
}
