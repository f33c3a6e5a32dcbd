//! A mail server on this machine: it takes mails, speaks TLS, wants a login, and comes to grief as a test says. On threads of its
//! own, with a protocol of its own, so that it shares nothing with what it judges.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Stops when it is dropped; its address is free again then.
pub struct Mailbox {
    pub address: SocketAddr,
    /// Who vouches for its certificate, in PEM. Empty where it does not encrypt.
    pub authority: String,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

/// A mail that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    pub from: String,
    pub to: String,
    /// Headers and text.
    pub message: String,
    pub encrypted: bool,
    /// As `AUTH PLAIN` gave it: a zero byte before each of name and password.
    pub login: Option<String>,
}

/// What happens to one mail. Those after the last that was scripted go well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Well,
    /// "Later": 451.
    Later,
    /// "Never": 550.
    Never,
    /// It hangs up in the middle of the mail, and has none.
    CutWithin,
    /// It has the mail, and hangs up before it says so.
    CutAfter,
}

/// What it asks of its clients.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manners {
    #[default]
    Plain,
    /// `STARTTLS`, and then a login.
    Encrypted,
    /// TLS from the first byte, and then a login.
    Wrapped,
}

struct Shared {
    received: Mutex<Vec<Received>>,
    fates: Mutex<VecDeque<Fate>>,
    visits: AtomicUsize,
    closing: AtomicBool,
    manners: Manners,
    tls: Option<Arc<ServerConfig>>,
}

const HOST: &str = "127.0.0.1";
/// How long a client may say nothing.
const SILENCE: Duration = Duration::from_secs(20);

impl Mailbox {
    pub fn open(manners: Manners) -> Mailbox {
        Mailbox::at(SocketAddr::from(([127, 0, 0, 1], 0)), manners)
    }

    /// At an address of this machine, such as that of one that was dropped.
    pub fn at(address: SocketAddr, manners: Manners) -> Mailbox {
        let listener = TcpListener::bind(address).expect("a free address");
        let address = listener.local_addr().expect("its address");
        let (tls, authority) = match manners {
            Manners::Plain => (None, String::new()),
            Manners::Encrypted | Manners::Wrapped => {
                let (config, authority) = certified();
                (Some(Arc::new(config)), authority)
            }
        };
        let shared = Arc::new(Shared {
            received: Mutex::default(),
            fates: Mutex::default(),
            visits: AtomicUsize::new(0),
            closing: AtomicBool::new(false),
            manners,
            tls,
        });
        let serving = Arc::clone(&shared);
        let listening = Some(std::thread::spawn(move || serving.listen(&listener)));
        Mailbox { address, authority, shared, listening }
    }

    /// What happens to the next mails, in order.
    pub fn script(&self, fates: impl IntoIterator<Item = Fate>) {
        *self.shared.fates.lock() = fates.into_iter().collect();
    }

    /// All that it has, the oldest first.
    pub fn received(&self) -> Vec<Received> {
        self.shared.received.lock().clone()
    }

    /// Connections that have ended, whatever came of them.
    pub fn visits(&self) -> usize {
        self.shared.visits.load(Ordering::SeqCst)
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect(self.address);
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
    }
}

impl Shared {
    fn listen(&self, listener: &TcpListener) {
        // One connection after the other, as the mailer makes them.
        while let Ok((stream, _)) = listener.accept() {
            if self.closing.load(Ordering::SeqCst) {
                return;
            }
            let _ = stream.set_read_timeout(Some(SILENCE));
            // A client that goes away is its own affair.
            let _ = self.serve(stream);
            self.visits.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn serve(&self, stream: TcpStream) -> io::Result<()> {
        let mut talk = Talk::over(stream, self);
        if self.manners == Manners::Wrapped {
            talk = talk.encrypted()?;
        }
        talk.say("220 mail.example.com at your service")?;
        while let Some(line) = talk.line()? {
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
            match verb.as_str() {
                "EHLO" => talk.hello()?,
                "STARTTLS" => {
                    talk.say("220 go on")?;
                    talk = talk.encrypted()?;
                }
                "AUTH" => talk.login(&line)?,
                "MAIL" if self.manners != Manners::Plain && talk.login.is_none() => talk.say("530 log in first")?,
                "MAIL" => {
                    talk.from = path(&line);
                    talk.say("250 so far so good")?;
                }
                "RCPT" => {
                    talk.to = path(&line);
                    match talk.fate() {
                        Fate::Later => talk.say("451 the box is being emptied")?,
                        Fate::Never => talk.say("550 nobody of that name")?,
                        _ => talk.say("250 so far so good")?,
                    }
                }
                "DATA" => {
                    talk.say("354 go on")?;
                    if !talk.take()? {
                        return Ok(());
                    }
                    talk.say("250 taken")?;
                }
                "QUIT" => return talk.say("221 farewell"),
                _ => talk.say("502 not here")?,
            }
        }
        Ok(())
    }
}

/// One connection.
struct Talk<'a> {
    stream: BufReader<Wire>,
    shared: &'a Shared,
    fate: Option<Fate>,
    from: String,
    to: String,
    login: Option<String>,
}

enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl<'a> Talk<'a> {
    fn over(stream: TcpStream, shared: &'a Shared) -> Talk<'a> {
        let stream = BufReader::new(Wire::Plain(stream));
        Talk { stream, shared, fate: None, from: String::new(), to: String::new(), login: None }
    }

    fn encrypted(self) -> io::Result<Talk<'a>> {
        let Talk { stream, shared, fate, from, to, login } = self;
        let (Wire::Plain(stream), Some(tls)) = (stream.into_inner(), &shared.tls) else {
            return Err(io::Error::other("encrypted twice, or never"));
        };
        let server = ServerConnection::new(Arc::clone(tls)).map_err(io::Error::other)?;
        let stream = BufReader::new(Wire::Tls(Box::new(StreamOwned::new(server, stream))));
        Ok(Talk { stream, shared, fate, from, to, login })
    }

    fn say(&mut self, line: &str) -> io::Result<()> {
        let wire = self.stream.get_mut();
        wire.write_all(line.as_bytes())?;
        wire.write_all(b"\r\n")?;
        wire.flush()
    }

    fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line)?;
        Ok((read > 0).then(|| line.trim_end().to_owned()))
    }

    fn hello(&mut self) -> io::Result<()> {
        self.say("250-mail.example.com")?;
        match (self.shared.manners, self.is_encrypted()) {
            (Manners::Encrypted, false) => self.say("250-STARTTLS")?,
            (Manners::Plain, _) => {}
            (_, true) => self.say("250-AUTH PLAIN")?,
            (Manners::Wrapped, false) => return Err(io::Error::other("not encrypted")),
        }
        self.say("250 8BITMIME")
    }

    /// Whatever name and password: a test looks at what it was.
    fn login(&mut self, line: &str) -> io::Result<()> {
        if !self.is_encrypted() {
            return self.say("538 encrypt first");
        }
        let plain = line.rsplit(' ').next().unwrap_or_default();
        let plain = data_encoding::BASE64.decode(plain.as_bytes()).map_err(io::Error::other)?;
        self.login = Some(String::from_utf8_lossy(&plain).into_owned());
        self.say("235 welcome")
    }

    fn is_encrypted(&self) -> bool {
        matches!(self.stream.get_ref(), Wire::Tls(_))
    }

    /// Of the mail at hand.
    fn fate(&mut self) -> Fate {
        let fate = self.shared.fates.lock().pop_front().unwrap_or(Fate::Well);
        self.fate = Some(fate);
        fate
    }

    /// Reads one mail; false where the client is to hear nothing of it.
    fn take(&mut self) -> io::Result<bool> {
        let mut message = String::new();
        loop {
            let Some(line) = self.line()? else { return Ok(false) };
            if self.fate == Some(Fate::CutWithin) {
                return Ok(false);
            }
            if line == "." {
                break;
            }
            message.push_str(line.strip_prefix('.').unwrap_or(&line));
            message.push('\n');
        }
        let received = Received {
            from: self.from.clone(),
            to: self.to.clone(),
            message,
            encrypted: self.is_encrypted(),
            login: self.login.clone(),
        };
        self.shared.received.lock().push(received);
        Ok(self.fate != Some(Fate::CutAfter))
    }
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(stream) => stream.read(into),
            Wire::Tls(stream) => stream.read(into),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        match self {
            Wire::Plain(stream) => stream.write(from),
            Wire::Tls(stream) => stream.write(from),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Wire::Plain(stream) => stream.flush(),
            Wire::Tls(stream) => stream.flush(),
        }
    }
}

/// What stands between the angles.
fn path(line: &str) -> String {
    let inside = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map(|(path, _)| path.to_owned()).unwrap_or_default()
}

/// A certificate for this machine, and who vouches for it.
fn certified() -> (ServerConfig, String) {
    let mut about = rcgen::CertificateParams::new(Vec::new()).expect("an authority");
    about.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().expect("a key");
    let authority = about.self_signed(&key).expect("a certificate").pem();
    let issuer = rcgen::Issuer::new(about, key);
    let key = rcgen::KeyPair::generate().expect("a key");
    let about = rcgen::CertificateParams::new(vec![HOST.to_owned()]).expect("a name");
    let certificate = about.signed_by(&key, &issuer).expect("a certificate");
    let key = PrivatePkcs8KeyDer::from(key.serialize_der()).into();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key);
    (config.expect("a usable certificate"), authority)
}
