//! Encryption on the way to the database. With `sslmode=require` the server must show a certificate that an authority
//! vouches for: one of `sslrootcert`, or else one that the machine trusts. A certificate that nobody checks would keep
//! nobody out.

use std::path::Path;

use base::Fault;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

/// What makes encrypted connections to servers that one of these authorities vouches for.
pub(super) fn connector(authorities: Option<&Path>) -> Result<MakeRustlsConnect, Fault> {
    let mut roots = RootCertStore::empty();
    let found = match authorities {
        Some(file) => from_file(file)?,
        None => rustls_native_certs::load_native_certs().certs,
    };
    roots.add_parsable_certificates(found);
    if roots.is_empty() {
        return Err(Fault::new("no certificate authority was found: name a file of them with sslrootcert"));
    }
    // The first call decides for the process; a later one changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn from_file(file: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let fault = |error| Fault::because(format!("reading the certificates of sslrootcert in {}", file.display()), error);
    CertificateDer::pem_file_iter(file).map_err(fault)?.collect::<Result<_, _>>().map_err(fault)
}
