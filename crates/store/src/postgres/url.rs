//! Where a store's database is.

use std::path::PathBuf;
use std::time::Duration;

use base::{Fault, Secret};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::tls;

/// How long a host is waited for before the next one is tried.
pub(super) const CONNECT: Duration = Duration::from_secs(2);

/// A database's address with its credentials. What may be shown of it is [`PostgresUrl::shown`].
#[derive(Clone)]
pub struct PostgresUrl {
    whole: Secret<String>,
    /// A file of certificate authorities: `sslrootcert`.
    authorities: Option<PathBuf>,
    shown: String,
    database: String,
}

impl PostgresUrl {
    /// `postgres://user:password@host:port,host:port/database?options`. Of the options, `sslmode=require` encrypts, and
    /// `sslrootcert=FILE` names the authorities that vouch for the server. The error says what is wrong with it, without
    /// repeating it.
    pub fn parse(url: &str) -> Result<PostgresUrl, Fault> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(Fault::new("the address of a store begins with postgres://"));
        }
        let (url, authorities) = without_authorities(url);
        let config: Config = url.parse().map_err(|error| Fault::because("reading the address of a store", error))?;
        let database = config.get_dbname().filter(|name| !name.is_empty());
        let database =
            database.ok_or_else(|| Fault::new("the address of a store names a database: postgres://host/name"))?;
        let hosts: Vec<String> = config.get_hosts().iter().map(host).collect();
        if hosts.is_empty() {
            return Err(Fault::new("the address of a store names a host: postgres://host/name"));
        }
        let shown = format!("{}/{database}", hosts.join(","));
        Ok(PostgresUrl { whole: Secret::new(url), authorities, shown, database: database.to_owned() })
    }

    /// Hosts and database: for logs and refusals.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    pub fn database(&self) -> &str {
        &self.database
    }

    /// The same cluster with another database.
    pub fn with_database(&self, database: &str) -> Result<PostgresUrl, Fault> {
        let whole = self.whole.expose();
        let scheme = whole.find("://").map_or(0, |at| at + 3);
        let path = whole[scheme..].find('/').map_or(whole.len(), |at| scheme + at);
        let query = whole[path..].find('?').map_or("", |at| &whole[path + at..]);
        let other = PostgresUrl::parse(&format!("{}/{database}{query}", &whole[..path]))?;
        Ok(PostgresUrl { authorities: self.authorities.clone(), ..other })
    }

    /// What makes encrypted connections.
    pub(super) fn connector(&self) -> Result<MakeRustlsConnect, Fault> {
        tls::connector(self.authorities.as_deref())
    }

    pub(super) fn config(&self) -> Result<Config, Fault> {
        self.whole.expose().parse().map_err(|error| Fault::because("reading the address of a store", error))
    }

    /// One configuration a host, in their order: a host that accepts and then says nothing must not keep the next one from
    /// being tried. Of several, only one that takes writes is connected to.
    pub(super) fn configs(&self) -> Result<Vec<Config>, Fault> {
        let whole = self.whole.expose();
        let start = whole.find("://").map_or(0, |at| at + 3);
        let end = whole[start..].find(['/', '?']).map_or(whole.len(), |at| start + at);
        let (user, hosts) = match whole[start..end].rsplit_once('@') {
            Some((user, hosts)) => (format!("{user}@"), hosts),
            None => (String::new(), &whole[start..end]),
        };
        let several = hosts.contains(',');
        let one = |host: &str| {
            let url = Secret::new(format!("{}{user}{host}{}", &whole[..start], &whole[end..]));
            let mut config: Config =
                url.expose().parse().map_err(|error| Fault::because("reading the address of a store", error))?;
            config.application_name("counterfoil").connect_timeout(CONNECT).tcp_user_timeout(Duration::from_secs(5));
            config
                .keepalives_idle(Duration::from_secs(5))
                .keepalives_interval(Duration::from_secs(2))
                .keepalives_retries(2);
            if several {
                config.target_session_attrs(TargetSessionAttrs::ReadWrite);
            }
            Ok(config)
        };
        hosts.split(',').map(one).collect()
    }
}

/// The address without the option that the client library does not know, and that option's value.
fn without_authorities(url: &str) -> (String, Option<PathBuf>) {
    let Some((address, options)) = url.split_once('?') else { return (url.to_owned(), None) };
    let (ours, theirs): (Vec<&str>, Vec<&str>) =
        options.split('&').partition(|option| option.starts_with("sslrootcert="));
    let file = ours.last().and_then(|option| option.split_once('=')).map(|(_, file)| PathBuf::from(file));
    let options = if theirs.is_empty() { String::new() } else { format!("?{}", theirs.join("&")) };
    (format!("{address}{options}"), file)
}

fn host(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        Host::Unix(path) => path.display().to_string(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]
mod tests {
    use super::PostgresUrl;

    #[test]
    fn what_is_shown_holds_no_password() {
        let url = PostgresUrl::parse("postgres://me:hush@one,two:5433/money?application_name=x").unwrap();
        assert_eq!(url.shown(), "one,two/money");
        assert_eq!(url.with_database("other").unwrap().shown(), "one,two/other");
    }

    #[test]
    fn the_authorities_are_kept_and_the_rest_of_the_options_too() {
        let url = PostgresUrl::parse("postgres://h/d?sslrootcert=/etc/ca.pem&sslmode=require").unwrap();
        assert_eq!(url.authorities.as_deref(), Some(std::path::Path::new("/etc/ca.pem")));
        assert_eq!(url.configs().unwrap()[0].get_ssl_mode(), tokio_postgres::config::SslMode::Require);
        assert_eq!(url.with_database("e").unwrap().authorities, url.authorities);
    }

    #[test]
    fn each_host_has_a_configuration_of_its_own() {
        let url = PostgresUrl::parse("postgres://me:a%40b@one:1,two:2/d?target_session_attrs=any").unwrap();
        let configs = url.configs().unwrap();
        assert_eq!(configs.iter().map(|config| config.get_ports()[0]).collect::<Vec<_>>(), [1, 2]);
        assert!(configs.iter().all(|config| config.get_password() == Some(b"a@b") && config.get_hosts().len() == 1));
        assert!(configs.iter().all(|config| config.get_target_session_attrs() == super::TargetSessionAttrs::ReadWrite));
    }

    #[test]
    fn an_address_without_a_part_is_refused_by_name() {
        for (address, word) in
            [("mysql://host/name", "postgres://"), ("postgres://host", "database"), ("postgres:///name", "host")]
        {
            let error = PostgresUrl::parse(address).err().unwrap();
            assert!(error.chain().contains(word), "{address}: {}", error.chain());
        }
    }
}
