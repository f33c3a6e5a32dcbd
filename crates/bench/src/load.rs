//! The load generator: a closed loop per connection, as cheap as it gets, because it shares the machine with the server
//! that it measures. One thread drives many connections on a runtime of its own; buffers are reused; nothing is locked.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};

use crate::connection::Connection;
use crate::machine::CpuList;
use crate::tally::Tally;

/// How long answers may still come after the last request; what is missing then counts as an error.
const GRACE: Duration = Duration::from_secs(30);
/// A connection that fails this often in a row is given up.
const FAILURES: u32 = 10;

/// What one connection asks, request by request.
pub trait Requests: Send {
    /// Writes the next whole HTTP request into the empty buffer.
    fn write_next(&mut self, request: &mut Vec<u8>);
}

/// How much load, on whom, and what counts as an accepted answer.
#[derive(Clone, Debug)]
pub struct Load {
    pub target: SocketAddr,
    pub connections: usize,
    /// Threads that drive the connections; one is right when client and server share few cores.
    pub threads: usize,
    pub until: Until,
    /// Whether an answer (HTTP status, body) is one that was hoped for.
    pub accepted: fn(u16, &[u8]) -> bool,
    /// Cores that the threads are confined to.
    pub cpus: Option<CpuList>,
    /// How long a connection waits from one request to the next, at least; none where it asks as soon as it is answered.
    pub every: Option<Duration>,
}

/// When the connections stop asking. A request that was sent is always waited for.
#[derive(Clone, Copy, Debug)]
pub enum Until {
    Elapsed(Duration),
    /// After this many requests in total.
    Sent(u64),
}

/// Runs the load to its end, blocking. `requests_of` makes the source of each connection, by its number.
///
/// # Errors
/// A thread, runtime or histogram could not be made. Errors of the target are counted in the tally instead.
pub fn run(load: &Load, mut requests_of: impl FnMut(usize) -> Box<dyn Requests>) -> anyhow::Result<Tally> {
    let threads = load.threads.clamp(1, load.connections.max(1));
    let mut shares: Vec<Vec<Box<dyn Requests>>> = (0..threads).map(|_| Vec::new()).collect();
    for connection in 0..load.connections {
        shares[connection % threads].push(requests_of(connection));
    }
    std::thread::scope(|scope| {
        let running: Vec<_> = shares
            .into_iter()
            .enumerate()
            .map(|(thread, sources)| {
                let until = share_of(load.until, thread as u64, threads as u64);
                scope.spawn(move || drive_thread(load, until, sources))
            })
            .collect();
        let mut whole = Tally::new()?;
        for thread in running {
            whole.merge(thread.join().map_err(|_| anyhow!("a load thread panicked"))??)?;
        }
        Ok(whole)
    })
}

fn share_of(until: Until, thread: u64, threads: u64) -> Until {
    match until {
        Until::Elapsed(span) => Until::Elapsed(span),
        Until::Sent(count) => Until::Sent(count / threads + u64::from(thread < count % threads)),
    }
}

fn drive_thread(load: &Load, until: Until, sources: Vec<Box<dyn Requests>>) -> anyhow::Result<Tally> {
    if let Some(cpus) = &load.cpus {
        cpus.confine_this_thread().context("confining the load generator")?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let share = Rc::new(Share::new(load, until)?);
    let tasks = tokio::task::LocalSet::new();
    for source in sources {
        tasks.spawn_local(drive_connection(share.clone(), source));
    }
    runtime.block_on(async {
        match until {
            Until::Elapsed(span) => drop(tokio::time::timeout(span + GRACE, tasks).await),
            Until::Sent(_) => tasks.await,
        }
    });
    Ok(share.finish())
}

/// What the connections of one thread share.
struct Share {
    target: SocketAddr,
    accepted: fn(u16, &[u8]) -> bool,
    started: Instant,
    last_answer: Cell<Instant>,
    until: Until,
    every: Option<Duration>,
    tally: RefCell<Tally>,
}

impl Share {
    fn new(load: &Load, until: Until) -> anyhow::Result<Share> {
        let now = Instant::now();
        Ok(Share {
            target: load.target,
            accepted: load.accepted,
            started: now,
            last_answer: Cell::new(now),
            until,
            every: load.every,
            tally: RefCell::new(Tally::new()?),
        })
    }

    /// Counts a request as sent, unless the run is over.
    fn may_send(&self) -> bool {
        let mut tally = self.tally.borrow_mut();
        let more = match self.until {
            // The time of the last answer stands in for now: it saves a clock call and is microseconds old.
            Until::Elapsed(span) => self.last_answer.get() - self.started < span,
            Until::Sent(count) => tally.sent < count,
        };
        tally.sent += u64::from(more);
        more
    }

    fn count(&self, asked: Instant, status: u16, body: &[u8]) {
        let now = Instant::now();
        self.last_answer.set(now);
        let mut tally = self.tally.borrow_mut();
        if (self.accepted)(status, body) {
            tally.accept(now - asked);
        } else {
            tally.refuse(|| format!("{status} {}", String::from_utf8_lossy(&body[..body.len().min(400)])));
        }
    }

    fn count_broken(&self, error: &std::io::Error) {
        self.last_answer.set(Instant::now());
        self.tally.borrow_mut().refuse(|| format!("no answer: {error}"));
    }

    /// The tally, with every request that was never answered as an error.
    fn finish(&self) -> Tally {
        let mut tally = self.tally.borrow().clone();
        tally.elapsed = self.last_answer.get() - self.started;
        for _ in (tally.accepted + tally.errors)..tally.sent {
            tally.refuse(|| "no answer in time".to_owned());
        }
        tally
    }
}

async fn drive_connection(share: Rc<Share>, mut source: Box<dyn Requests>) {
    let mut request = Vec::with_capacity(2048);
    let mut open = None;
    let mut failures = 0;
    let mut pace = share.every.map(paced);
    while failures < FAILURES && share.may_send() {
        if let Some(pace) = &mut pace {
            pace.tick().await;
        }
        request.clear();
        source.write_next(&mut request);
        match exchange(&share, &mut open, &request).await {
            Ok(()) => failures = 0,
            Err(error) => {
                failures += 1;
                open = None;
                share.count_broken(&error);
            }
        }
    }
}

/// Ticks so far apart, and further where an answer took longer.
fn paced(every: Duration) -> tokio::time::Interval {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    ticks
}

async fn exchange(share: &Share, open: &mut Option<Connection>, request: &[u8]) -> std::io::Result<()> {
    if open.is_none() {
        *open = Some(Connection::open(share.target).await?);
    }
    let Some(connection) = open else { return Ok(()) };
    let asked = Instant::now();
    let answer = connection.exchange(request).await?;
    share.count(asked, answer.status, answer.body);
    if answer.last {
        *open = None;
    }
    Ok(())
}
