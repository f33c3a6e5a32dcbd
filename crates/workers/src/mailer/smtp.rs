//! Mails to a server that sends them on. Each goes over a connection of its own: a server that went away costs one mail a try.

use std::fmt;
use std::time::Duration;

use base::{Fault, Secret};
use lettre::address::Envelope;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Shorter than a taker has a mail for itself.
const WITHIN: Duration = Duration::from_secs(40);
/// Where servers take mails from programs that name themselves.
const SUBMISSION: u16 = 587;
const SUBMISSIONS: u16 = 465;
/// Of a server on this machine.
const SMTP: u16 = 25;

/// A mail server, and who we are there. Clones share nothing that matters.
#[derive(Clone)]
pub struct Smtp(AsyncSmtpTransport<Tokio1Executor>);

impl Smtp {
    /// `url` is `smtps://host[:port]`, or `smtp://host[:port]` for a server that is asked to encrypt: one that does not is sent
    /// nothing, unless it is on this machine and nobody logs in. `authority` is trusted besides those of the machine, in PEM.
    /// `hello` is how we call ourselves there. Fails with what to mend.
    pub fn new(
        url: &str,
        login: Option<(String, Secret<String>)>,
        authority: Option<&[u8]>,
        hello: &str,
    ) -> Result<Smtp, Fault> {
        let url =
            reqwest::Url::parse(url).map_err(|error| Fault::because("reading the mail server's address", error))?;
        let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
        if !bare || !matches!(url.path(), "" | "/") {
            return Err(Fault::new("the mail server's address is a scheme, a host and a port alone"));
        }
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| Fault::new("the mail server's address names no host"))?;
        let here = matches!(host, "127.0.0.1" | "[::1]" | "localhost");
        let host = host.trim_matches(['[', ']']);
        let (tls, port) = match url.scheme() {
            "smtps" => (Tls::Wrapper(encrypted(host, authority)?), SUBMISSIONS),
            "smtp" if here && login.is_none() => (Tls::None, SMTP),
            "smtp" => (Tls::Required(encrypted(host, authority)?), if here { SMTP } else { SUBMISSION }),
            _ => return Err(Fault::new("the mail server's address begins with smtp:// or smtps://")),
        };
        let server = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host).port(url.port().unwrap_or(port));
        let server = server.tls(tls).timeout(Some(WITHIN)).hello_name(ClientId::Domain(hello.to_owned()));
        let server = match login {
            Some((user, password)) => server.credentials(Credentials::new(user, password.expose().clone())),
            None => server,
        };
        Ok(Smtp(server.build()))
    }

    /// Returns when the server has taken the mail on itself. When it fails that may have happened all the same.
    pub(super) async fn hand_over(&self, from: &str, to: &str, message: &[u8]) -> Result<(), Fault> {
        let address = |text: &str| {
            text.parse::<Address>().map_err(|error| Fault::because("reading the address of a mail", error))
        };
        let envelope = Envelope::new(Some(address(from)?), vec![address(to)?])
            .map_err(|error| Fault::because("addressing a mail", error))?;
        match tokio::time::timeout(WITHIN, self.0.send_raw(&envelope, message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(Fault::because("handing a mail to its server", error)),
            Err(_) => Err(Fault::new(format!("the mail server took longer than {} s", WITHIN.as_secs()))),
        }
    }
}

/// Its password is in it.
impl fmt::Debug for Smtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Smtp")
    }
}

fn encrypted(host: &str, authority: Option<&[u8]>) -> Result<TlsParameters, Fault> {
    let mut parameters = TlsParameters::builder(host.to_owned());
    if let Some(pem) = authority {
        let unreadable = |error: String| Fault::because("reading the mail server's authority", error);
        // What the file is read with below takes one without a certificate too.
        let found = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
        if found.map_err(|error| unreadable(error.to_string()))?.is_empty() {
            return Err(Fault::new("the file of the mail server's authority has no certificate in it"));
        }
        let certificate = Certificate::from_pem(pem).map_err(|error| unreadable(error.to_string()))?;
        parameters = parameters.add_root_certificate(certificate);
    }
    parameters.build_rustls().map_err(|error| Fault::because("preparing to encrypt mails", error))
}

#[cfg(test)]
mod tests {
    use base::Secret;

    use super::Smtp;

    #[test]
    fn an_address_that_says_too_much_or_too_little_is_not_taken() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let login = || Some(("office".to_owned(), Secret::new("hush".to_owned())));
        for good in
            ["smtp://mail.example.com", "smtps://mail.example.com:4650", "smtp://127.0.0.1:2525", "smtp://[::1]"]
        {
            let server = Smtp::new(good, login(), None, "pay.example").unwrap();
            assert!(!format!("{server:?}").contains("hush"));
        }
        for bad in [
            "",
            "mail.example.com",
            "http://mail.example.com",
            "smtp://",
            "smtp://office@mail.example.com",
            "smtp://office:hush@mail.example.com",
            "smtp://mail.example.com/inbox",
            "smtp://mail.example.com?tls=none",
        ] {
            let said = Smtp::new(bad, None, None, "pay.example").err().unwrap().chain();
            assert!(!said.contains("hush"), "{said}");
        }
        for bad in [&b""[..], b"-----BEGIN nonsense", b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
            let said = Smtp::new("smtps://mail.example.com", None, Some(bad), "pay.example").err().unwrap().chain();
            assert!(said.contains("authority"), "{said}");
        }
    }
}
