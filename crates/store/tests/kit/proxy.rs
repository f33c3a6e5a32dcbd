//! A stretch of network between a store and its database, which a test cuts or freezes at a moment of its choice.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

/// A commit as a store sends it, and as the server says that it is done.
const COMMIT: &[u8] = b"Q\0\0\0\x0bCOMMIT\0";
const COMMITTED: &[u8] = b"C\0\0\0\x0bCOMMIT\0";

/// When trouble comes. Each kind looks at one direction, over all connections.
#[derive(Clone, Copy, Debug)]
pub enum Moment {
    /// A commit has been sent and does not go on.
    BeforeCommit,
    /// A commit has gone on, whatever the server made of it by then.
    AfterCommit,
    /// The server has said that a commit is done, and that does not go on.
    Committed,
    /// So many further bytes have gone to the server.
    Sent(usize),
    /// So many further bytes have come back.
    Answered(usize),
}

#[derive(Clone, Copy, Debug)]
pub enum Trouble {
    /// Both ends see this connection end.
    Cut,
    /// Nothing goes through this connection any more, and neither end is told.
    Freeze,
    /// As [`Trouble::Freeze`] for every connection, new ones too, until the network is thawed.
    FreezeAll,
}

pub struct Proxy {
    port: u16,
    net: Arc<Net>,
}

struct Net {
    server: String,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    troubles: VecDeque<(Moment, Trouble)>,
    frozen: bool,
    over: bool,
    lines: Vec<Line>,
}

/// One connection: the store's end and the server's.
struct Line {
    store: TcpStream,
    server: TcpStream,
    frozen: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Way {
    Out,
    Back,
}

impl Proxy {
    /// Leads to the server of the database at `url`.
    pub fn to(url: &str) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = host(url).to_owned();
        let net = Arc::new(Net { server, state: Mutex::default(), changed: Condvar::new() });
        let lines = Arc::clone(&net);
        std::thread::spawn(move || listener.incoming().flatten().for_each(|store| Net::join(&lines, store)));
        Proxy { port, net }
    }

    /// The way to the database at `url` through here.
    pub fn url(&self, url: &str) -> String {
        url.replace(host(url), &format!("127.0.0.1:{}", self.port))
    }

    /// Lets trouble come, one after the other.
    pub fn expect(&self, troubles: &[(Moment, Trouble)]) {
        self.net.state.lock().troubles = troubles.iter().copied().collect();
    }

    /// Troubles that have not come yet.
    pub fn left(&self) -> usize {
        self.net.state.lock().troubles.len()
    }

    /// Troubles that have not come yet; none of them will.
    pub fn forget(&self) -> usize {
        self.net.state.lock().troubles.drain(..).count()
    }

    /// Ends all connections; new ones are not hindered.
    pub fn cut(&self) {
        let mut state = self.net.state.lock();
        state.lines.drain(..).for_each(|line| line.end());
    }

    pub fn freeze(&self) {
        self.net.state.lock().frozen = true;
    }

    pub fn thaw(&self) {
        let mut state = self.net.state.lock();
        state.frozen = false;
        state.lines.iter_mut().for_each(|line| line.frozen = false);
        self.net.changed.notify_all();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.net.state.lock().over = true;
        self.net.changed.notify_all();
        self.cut();
    }
}

impl Line {
    fn end(&self) {
        let _ = self.store.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }

    /// Its client's port names it.
    fn is(&self, store: &TcpStream) -> bool {
        self.store.peer_addr().ok() == store.peer_addr().ok()
    }
}

impl Net {
    fn join(net: &Arc<Net>, store: TcpStream) {
        let Ok(server) = TcpStream::connect(&net.server) else { return };
        let _ = (store.set_nodelay(true), server.set_nodelay(true));
        let copy = |stream: &TcpStream| stream.try_clone().unwrap();
        net.state.lock().lines.push(Line { store: copy(&store), server: copy(&server), frozen: false });
        for way in [Way::Out, Way::Back] {
            let (net, store, server) = (Arc::clone(net), copy(&store), copy(&server));
            std::thread::spawn(move || net.carry(way, &store, &server));
        }
    }

    fn carry(&self, way: Way, store: &TcpStream, server: &TcpStream) {
        let (mut from, mut to) = if way == Way::Out { (store, server) } else { (server, store) };
        let (mut held, mut buffer) = (Vec::new(), vec![0; 16_384]);
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            held.extend_from_slice(&buffer[..read]);
            let (passes, trouble) = self.judge(way, &mut held);
            self.wait_while_frozen(store);
            if to.write_all(&passes).is_err() || matches!(trouble, Some(Trouble::Cut)) {
                break;
            }
            self.begin(trouble, store);
            self.wait_while_frozen(store);
        }
        // Nobody hears of an end through a frozen connection.
        self.wait_while_frozen(store);
        let _ = (store.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
    }

    fn begin(&self, trouble: Option<Trouble>, store: &TcpStream) {
        let mut state = self.state.lock();
        match trouble {
            Some(Trouble::FreezeAll) => state.frozen = true,
            Some(Trouble::Freeze) => {
                state.lines.iter_mut().filter(|line| line.is(store)).for_each(|line| line.frozen = true);
            }
            Some(Trouble::Cut) | None => {}
        }
    }

    fn wait_while_frozen(&self, store: &TcpStream) {
        let mut state = self.state.lock();
        let frozen = |state: &State| state.frozen || state.lines.iter().any(|line| line.frozen && line.is(store));
        while frozen(&state) && !state.over {
            self.changed.wait(&mut state);
        }
    }

    /// What of the bytes goes on now, and the trouble that comes behind it. What is not yet known to be the next moment's
    /// message stays held.
    fn judge(&self, way: Way, held: &mut Vec<u8>) -> (Vec<u8>, Option<Trouble>) {
        let mut state = self.state.lock();
        let whole = held.len();
        let Some((moment, trouble)) = state.troubles.front_mut() else { return (std::mem::take(held), None) };
        let (passes, comes) = match (way, moment) {
            (Way::Out, Moment::BeforeCommit) => until(held, COMMIT, false),
            (Way::Out, Moment::AfterCommit) => until(held, COMMIT, true),
            (Way::Back, Moment::Committed) => until(held, COMMITTED, false),
            (Way::Out, Moment::Sent(left)) | (Way::Back, Moment::Answered(left)) => {
                let passes = whole.min(*left);
                *left -= passes;
                (passes, *left == 0)
            }
            _ => (whole, false),
        };
        let trouble = comes.then_some(*trouble);
        if comes {
            state.troubles.pop_front();
        }
        (held.drain(..passes).collect(), trouble)
    }
}

/// How many bytes pass before `message` (or with it), and whether it is there. A part of it at the end does not pass.
fn until(held: &[u8], message: &[u8], with: bool) -> (usize, bool) {
    match held.windows(message.len()).position(|window| window == message) {
        Some(at) => (at + if with { message.len() } else { 0 }, true),
        None => {
            let part = (1..message.len()).rev().find(|part| held.ends_with(&message[..*part]));
            (held.len() - part.unwrap_or(0), false)
        }
    }
}

/// Host and port of an address.
fn host(url: &str) -> &str {
    let behind = url.split_once('@').or_else(|| url.split_once("://")).unwrap().1;
    behind.split('/').next().unwrap()
}
