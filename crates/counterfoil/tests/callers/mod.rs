//! Callers of several processes who go on while the processes' database is lost: each transfer is sent again, under its id,
//! until it is accepted, and what was accepted is asked for all the time. Whatever they are told that a caller may not be
//! told then ends the test.

use std::io::ErrorKind;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::kit::{Answer, Connection, Server, dollars, transfer};

/// Callers that send, and a crowd of them that asks, of each process.
const SENDERS: usize = 4;
const CROWD: usize = 24;
/// Less than the server itself takes to say that an outcome is unknown: such callers hear nothing and hang up.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two calls. Shorter than a refusal's `Retry-After`, so that it is seen when commits go through again.
const PAUSE: Duration = Duration::from_millis(20);

/// The processes and what their callers were told.
pub struct Callers<'a> {
    servers: Vec<&'a str>,
    agent: &'a str,
    ids: AtomicU64,
    /// Calls that were refused with a time to wait.
    pub refused: AtomicU64,
    pulses: Vec<Mutex<Pulse>>,
    /// What was accepted last.
    latest: Mutex<Option<String>>,
    over: AtomicBool,
}

/// When a process accepted something.
struct Pulse {
    accepted: u64,
    last: Instant,
    silence: Duration,
}

/// A transfer that was sent.
pub struct Sent {
    pub id: String,
    pub cents: i64,
    /// The answer that said that it was accepted.
    pub answer: Option<String>,
    /// Whether a call was not answered, so that its outcome was unknown.
    pub unknown: bool,
}

/// What a caller may be told while the database is lost.
enum Told {
    Answer(Answer),
    /// 503 with a time to wait.
    Later,
    Nothing,
}

impl<'a> Callers<'a> {
    /// Callers with the tenant's agent key, whose transfers have ids from `first` on.
    pub fn new(servers: &'a [Server], agent: &'a str, first: u64) -> Callers<'a> {
        let pulse = |_: &Server| Mutex::new(Pulse { accepted: 0, last: Instant::now(), silence: Duration::ZERO });
        Callers {
            servers: servers.iter().map(|server| server.url("listening")).collect(),
            agent,
            ids: AtomicU64::new(first),
            refused: AtomicU64::new(0),
            pulses: servers.iter().map(pulse).collect(),
            latest: Mutex::new(None),
            over: AtomicBool::new(false),
        }
    }

    /// Everything that was sent while `work` went on.
    pub fn during(&self, seed: u64, work: impl FnOnce()) -> Vec<Sent> {
        self.over.store(false, Ordering::Relaxed);
        for pulse in &self.pulses {
            let mut pulse = pulse.lock().expect("no panic inside");
            (pulse.last, pulse.silence) = (Instant::now(), Duration::ZERO);
        }
        std::thread::scope(|scope| {
            let _end = End(&self.over);
            let callers = |each: usize| (0..self.servers.len() * each).map(|caller| caller % self.servers.len());
            callers(1).for_each(|server| drop(scope.spawn(move || self.ask(server, || self.is_over()))));
            let chances = (0..).map(|sender| fastrand::Rng::with_seed(seed ^ sender));
            let senders =
                callers(SENDERS).zip(chances).map(|(server, chance)| scope.spawn(move || self.send(server, chance)));
            let senders: Vec<_> = senders.collect();
            work();
            self.over.store(true, Ordering::Relaxed);
            senders.into_iter().flat_map(|sender| sender.join().expect("a sender ends")).collect()
        })
    }

    /// Waits until every process has accepted so many more.
    pub fn wait_for_accepted(&self, more: u64) {
        let accepted = || self.pulses.iter().map(|pulse| pulse.lock().expect("no panic inside").accepted);
        let before: Vec<u64> = accepted().collect();
        super::kit::until("transfers through every process", || {
            accepted().zip(&before).all(|(now, before)| now >= before + more).then_some(())
        });
    }

    /// For so long, many ask at once, so that each process reads over all the connections that it has.
    pub fn crowd(&self, time: Duration) {
        let begun = Instant::now();
        std::thread::scope(|scope| {
            for caller in 0..CROWD * self.servers.len() {
                scope.spawn(move || self.ask(caller % self.servers.len(), || begun.elapsed() > time || self.is_over()));
            }
        });
    }

    /// The longest time for which one of the processes has accepted nothing.
    pub fn longest_silence(&self) -> Duration {
        let silence = |pulse: &Mutex<Pulse>| pulse.lock().expect("no panic inside").silence;
        self.pulses.iter().map(silence).max().unwrap_or_default()
    }

    /// What `sent` comes to: how many are lost of those that were acknowledged. All are sent once more, to another process,
    /// which gives the first answer again or makes up for one that nobody heard.
    pub fn settle(&self, sent: &[Sent]) -> u64 {
        std::thread::scope(|scope| {
            let parts = sent.chunks(sent.len() / SENDERS + 1).enumerate();
            let parts =
                parts.map(|(part, sent)| scope.spawn(move || self.settle_part(part % self.servers.len(), sent)));
            let parts: Vec<_> = parts.collect();
            parts.into_iter().map(|part| part.join().expect("it ends")).sum()
        })
    }

    fn settle_part(&self, server: usize, sent: &[Sent]) -> u64 {
        let mut connection = Connection::open(self.servers[server]);
        let mut lost = 0;
        for Sent { id, cents, answer, .. } in sent {
            let known = connection.send("GET", &format!("/api/status/{id}"), Some(self.agent), None);
            lost += u64::from(answer.is_some() && known.status != 200);
            let body = transfer(id, &dollars(*cents));
            let again = connection.send("POST", "/api/transfer", Some(self.agent), Some(&body));
            assert!(again.status == 200 && again.json()["success"] == true, "{id}: {} {}", again.status, again.body);
            assert!(answer.as_ref().is_none_or(|first| *first == again.body), "{id}: {answer:?}, then {}", again.body);
        }
        lost
    }

    fn send(&self, server: usize, mut chance: fastrand::Rng) -> Vec<Sent> {
        let mut line = Line { callers: self, server, connection: None };
        let mut sent = Vec::new();
        while !self.is_over() {
            let id = self.ids.fetch_add(1, Ordering::Relaxed).to_string();
            let mut one = Sent { id, cents: chance.i64(1..100), answer: None, unknown: false };
            let body = transfer(&one.id, &dollars(one.cents));
            while one.answer.is_none() && !self.is_over() {
                match line.call("POST", "/api/transfer", Some(&body)) {
                    Told::Answer(answer) => {
                        assert!(answer.status == 200 && answer.json()["success"] == true, "{}: {answer:?}", one.id);
                        self.accepted(server, &one.id);
                        one.answer = Some(answer.body);
                    }
                    Told::Later => {}
                    Told::Nothing => one.unknown = true,
                }
                std::thread::park_timeout(PAUSE);
            }
            sent.push(one);
        }
        sent
    }

    /// What was accepted by one process is known to all: a refusal is allowed, an answer that does not know it is not.
    fn ask(&self, server: usize, over: impl Fn() -> bool) {
        let mut line = Line { callers: self, server, connection: None };
        while !over() {
            let latest = self.latest.lock().expect("no panic inside").clone();
            if let Some(id) = latest
                && let Told::Answer(answer) = line.call("GET", &format!("/api/status/{id}"), None)
            {
                assert_eq!(answer.status, 200, "{id} was accepted, and a process does not know it: {}", answer.body);
            }
            std::thread::park_timeout(PAUSE);
        }
    }

    fn accepted(&self, server: usize, id: &str) {
        let mut pulse = self.pulses[server].lock().expect("no panic inside");
        pulse.accepted += 1;
        pulse.silence = pulse.silence.max(pulse.last.elapsed());
        pulse.last = Instant::now();
        *self.latest.lock().expect("no panic inside") = Some(id.to_owned());
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}

/// A connection that is made anew after a call that was not answered.
struct Line<'c> {
    callers: &'c Callers<'c>,
    server: usize,
    connection: Option<Connection>,
}

impl Line<'_> {
    fn call(&mut self, method: &str, path: &str, body: Option<&str>) -> Told {
        let connection = self.connection.get_or_insert_with(|| {
            let connection = Connection::open(self.callers.servers[self.server]);
            connection.wait_at_most(PATIENCE);
            connection
        });
        match connection.try_send(method, path, Some(self.callers.agent), body) {
            Ok(answer) if answer.status == 503 => {
                assert!(answer.head.to_lowercase().contains("\r\nretry-after: "), "{path}: {answer:?}");
                self.callers.refused.fetch_add(1, Ordering::Relaxed);
                Told::Later
            }
            Ok(answer) => Told::Answer(answer),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                self.connection = None;
                Told::Nothing
            }
            Err(error) => panic!("{method} {path}: {error}"),
        }
    }
}

/// Ends the callers when the test fails meanwhile: whoever waits for them would wait for ever.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
