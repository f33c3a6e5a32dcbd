//! Stores under the load of many unequal tenants: who is placed where, and how long an answer then takes. A store is one
//! committer that serves batches; everything else about it is three costs, which are measured elsewhere.

use std::collections::VecDeque;

use hdrhistogram::Histogram;

/// Bounds of a store's queues, as `store::Limits` has them.
const QUEUED_PER_TENANT: usize = 4_096;
const QUEUED: usize = 16_384;
/// Moves of a transfer between its answer and its final state.
pub const MOVES: u64 = 4;
/// Moves that workers make in a batch without clients.
const ALONE: u64 = 2_000;
/// Moves that workers earn by each operation of a client: a quarter of its five rows, and a move changes three. They keep at
/// most 500.
const EARNED: (u64, u64) = (5, 12);
const KEPT: u64 = 500;
/// From so many clients in a batch on, a moment without clients does not let workers go alone; so long without one does.
const CROWD: u64 = 12;
const QUIET_US: u64 = 500;

/// What a batch costs the committer, in microseconds.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// However many operations: sync, round trips, replication.
    pub fixed: u64,
    pub each: u64,
    /// One move of a transfer by a worker; there are [`MOVES`].
    pub later: u64,
    /// Moves that workers may make in every batch, beyond what they earn by the clients' operations.
    pub share: u64,
    /// The most operations of clients in one batch.
    pub batch: usize,
}

impl Cost {
    /// Transfers per second of one store that does nothing but full batches, later moves included.
    pub fn capacity(&self) -> f64 {
        let batch = self.batch as f64;
        batch * 1e6 / (self.fixed as f64 + batch * (self.each + MOVES * self.later) as f64)
    }
}

/// How tenants are spread over shards.
#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// In the order in which they came, in turn; nobody knew how large they would be.
    Turn,
    /// By measured rate, the largest first, each to the shard with the least so far: what moving tenants can reach.
    Rate,
}

/// Shares of the whole rate, tenant 0 the largest: 1 / rank^skew.
pub fn shares(tenants: usize, skew: f64) -> Vec<f64> {
    let weights: Vec<f64> = (1..=tenants).map(|rank| (rank as f64).powf(-skew)).collect();
    let whole: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / whole).collect()
}

/// The tenants of each shard.
pub fn place(shares: &[f64], shards: usize, placement: Placement, random: &mut fastrand::Rng) -> Vec<Vec<usize>> {
    let mut placed: Vec<Vec<usize>> = vec![Vec::new(); shards];
    let mut order: Vec<usize> = (0..shares.len()).collect();
    match placement {
        Placement::Turn => {
            random.shuffle(&mut order);
            order.into_iter().enumerate().for_each(|(at, tenant)| placed[at % shards].push(tenant));
        }
        Placement::Rate => {
            let mut sums = vec![0.0; shards];
            // Shares fall with the number, so the order is by size already.
            for tenant in order {
                let least = (0..shards).min_by(|one, other| f64::total_cmp(&sums[*one], &sums[*other])).unwrap_or(0);
                sums[least] += shares[tenant];
                placed[least].push(tenant);
            }
        }
    }
    placed
}

/// A tenant's arrivals at one store: at random moments with this rate, and some all at once.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    pub per_second: f64,
    /// So many transfers at one moment in the middle of the run.
    pub burst: u64,
}

/// What a run of one store showed.
pub struct Shown {
    /// From arrival to answer, in microseconds: of the first source, and of all others.
    pub first: Histogram<u64>,
    pub others: Histogram<u64>,
    pub refused: u64,
    pub batches: u64,
    pub busy_us: u64,
    /// Moves still to be made when the last client had been answered.
    pub behind: u64,
}

impl Shown {
    pub fn answered(&self) -> u64 {
        self.first.len() + self.others.len()
    }
}

/// Runs one store for a while. Two runs with one seed show the same.
pub fn run(sources: &[Source], cost: Cost, seconds: u64, seed: u64) -> anyhow::Result<Shown> {
    let mut coming = arrivals(sources, seconds, &mut fastrand::Rng::with_seed(seed)).into_iter().peekable();
    let mut store = Store::new(sources.len(), cost)?;
    loop {
        while let Some((at, source)) = coming.next_if(|(at, _)| *at <= store.now) {
            store.queue(at, source);
        }
        if store.waiting > 0 {
            store.serve_clients();
        } else if let Some((at, _)) = coming.peek() {
            store.rest_until(*at);
        } else {
            store.shown.behind = store.later;
            return Ok(store.shown);
        }
    }
}

/// (microsecond, source) in the order of time.
fn arrivals(sources: &[Source], seconds: u64, random: &mut fastrand::Rng) -> Vec<(u64, usize)> {
    let end = seconds * 1_000_000;
    let mut arrivals = Vec::new();
    for (number, source) in sources.iter().enumerate() {
        arrivals.extend((0..source.burst).map(|_| (end / 2, number)));
        arrivals.extend(moments(source.per_second, end, random).into_iter().map(|at| (at, number)));
    }
    arrivals.sort_unstable();
    arrivals
}

/// The moments of a Poisson stream before `end`.
fn moments(per_second: f64, end: u64, random: &mut fastrand::Rng) -> Vec<u64> {
    let mut moments = Vec::new();
    if per_second <= 0.0 {
        return moments;
    }
    let mut at = 0.0;
    loop {
        // 1 - x is never 0.
        at -= (1.0 - random.f64()).ln() * 1e6 / per_second;
        if at >= end as f64 {
            return moments;
        }
        moments.push(at as u64);
    }
}

/// A committer with its queues: one a tenant, taken in turn.
struct Store {
    cost: Cost,
    /// Arrival times.
    queues: Vec<VecDeque<u64>>,
    turn: VecDeque<usize>,
    waiting: usize,
    /// Moves to be made, and how many of them workers have earned.
    later: u64,
    credit: u64,
    /// Clients in the batches of late.
    lately: u64,
    now: u64,
    shown: Shown,
}

impl Store {
    fn new(sources: usize, cost: Cost) -> anyhow::Result<Store> {
        let latency = Histogram::new_with_bounds(1, 600_000_000, 3)?;
        let (first, others) = (latency.clone(), latency);
        let shown = Shown { first, others, refused: 0, batches: 0, busy_us: 0, behind: 0 };
        Ok(Store {
            cost,
            queues: vec![VecDeque::new(); sources],
            turn: VecDeque::new(),
            waiting: 0,
            later: 0,
            credit: 0,
            lately: 0,
            now: 0,
            shown,
        })
    }

    fn queue(&mut self, at: u64, source: usize) {
        let queue = &mut self.queues[source];
        if self.waiting >= QUEUED || queue.len() >= QUEUED_PER_TENANT {
            self.shown.refused += 1;
            return;
        }
        if queue.is_empty() {
            self.turn.push_back(source);
        }
        queue.push_back(at);
        self.waiting += 1;
    }

    fn serve_clients(&mut self) {
        let mut taken = Vec::with_capacity(self.cost.batch.min(self.waiting));
        while taken.len() < self.cost.batch {
            let Some(source) = self.turn.pop_front() else { break };
            taken.extend(self.queues[source].pop_front().map(|at| (at, source)));
            if !self.queues[source].is_empty() {
                self.turn.push_back(source);
            }
        }
        let count = taken.len() as u64;
        self.waiting -= taken.len();
        self.lately = count.max(self.lately - self.lately.div_ceil(8));
        let moved = self.earn(count);
        self.work(count * self.cost.each + moved * self.cost.later);
        self.later = self.later - moved + count * MOVES;
        for (at, source) in taken {
            let latency = if source == 0 { &mut self.shown.first } else { &mut self.shown.others };
            latency.saturating_record(self.now - at);
        }
    }

    /// Nobody waits before `at`: workers go alone if they may, a batch of theirs at most.
    fn rest_until(&mut self, at: u64) {
        if self.lately >= CROWD && at - self.now > QUIET_US {
            self.now += QUIET_US;
            self.lately = 0;
        }
        let moved = if self.lately < CROWD { self.later.min(ALONE) } else { self.earn(0) };
        if moved == 0 {
            self.now = at;
            return;
        }
        self.later -= moved;
        self.work(moved * self.cost.later);
    }

    /// What workers move on account of so many clients, and of the batch itself.
    fn earn(&mut self, clients: u64) -> u64 {
        self.credit = (self.credit + clients * EARNED.0 / EARNED.1 + self.cost.share).min(KEPT);
        let moved = self.later.min(self.credit);
        self.credit -= moved;
        moved
    }

    fn work(&mut self, us: u64) {
        let took = self.cost.fixed + us;
        self.now += took;
        self.shown.busy_us += took;
        self.shown.batches += 1;
    }
}
