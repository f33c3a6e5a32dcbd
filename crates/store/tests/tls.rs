//! The way to a database that is not on this machine: encrypted, and only to a server that an authority vouches for.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod kit;

use std::path::Path;
use std::sync::Arc;

use base::{Fault, TestClock};
use kit::START;
use kit::tables::{Account, schema};
use pgkit::Options as Cluster;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use store::{Options, Place, PostgresUrl, Store};

struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut about = CertificateParams::new(Vec::new()).unwrap();
        about.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = about.self_signed(&key).unwrap().pem();
        Authority { pem, issuer: Issuer::new(about, key) }
    }

    /// A running server with a certificate for `name`.
    fn server(&self, name: &str) -> pgkit::Cluster {
        let key = KeyPair::generate().unwrap();
        let about = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = about.signed_by(&key, &self.issuer).unwrap();
        Cluster::fast().with_tls(&certificate.pem(), &key.serialize_pem()).start().unwrap()
    }

    /// Its file, as `sslrootcert` names it.
    fn kept_in(&self, dir: &Path) -> String {
        let file = dir.join("authority.pem");
        std::fs::write(&file, &self.pem).unwrap();
        file.display().to_string()
    }
}

fn opened(url: &str, options: &str) -> Result<Store, Fault> {
    let place = Place::Postgres(PostgresUrl::parse(&format!("{url}?{options}")).unwrap());
    let options = Options { strict: false, ..Options::at(place, "sandbox/main") };
    Store::open(options, &schema(), Arc::new(TestClock::at(START)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_speaks_tls_to_a_server_that_its_authority_vouches_for_and_to_no_other() {
    if !pgkit::available() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    let required = format!("sslmode=require&sslrootcert={}", authority.kept_in(dir.path()));
    let cluster = authority.server("127.0.0.1");
    let url = cluster.create_database("pay");
    let store = opened(&url, &required).unwrap();
    kit::funded(&store, 1, 40).await;
    assert_eq!(store.read(|reader| reader.count::<Account>()).unwrap(), 1);
    let plain = cluster.query(
        "pay",
        "SELECT count(*) FROM pg_stat_activity a JOIN pg_stat_ssl s USING (pid) \
         WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND NOT s.ssl",
    );
    assert_eq!(plain.trim(), "0", "a connection of the store is not encrypted");
    drop(store);

    let other = tempfile::tempdir().unwrap();
    let stranger = format!("sslmode=require&sslrootcert={}", Authority::new().kept_in(other.path()));
    let elsewhere = authority.server("db.example.com");
    let deaf = Cluster::fast().start().unwrap();
    let cases = [
        (url, &stranger, "a server that another authority vouches for"),
        (elsewhere.create_database("pay"), &required, "a server with another name"),
        (deaf.create_database("pay"), &required, "a server without TLS"),
    ];
    for (url, options, what) in cases {
        let Err(refused) = opened(&url, options) else { panic!("{what} was accepted") };
        println!("{what}: {}", refused.chain());
    }
}
