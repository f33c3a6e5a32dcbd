//! How fast: a bucket for each caller, and one for each address that presents refused keys. Memory is bounded; what is
//! forgotten starts with a full bucket.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;

use base::Clock;
use governor::clock::Clock as _;
use governor::middleware::{NoOpMiddleware, StateInformationMiddleware};
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use http::HeaderValue;
use quick_cache::sync::Cache;

use crate::Rate;

const BUCKETS_KEPT: usize = 50_000;
/// Up to this burst every `RateLimit` value is made beforehand.
const VALUES_KEPT: u32 = 4_096;

/// The injected clock as governor wants it: nanoseconds.
#[derive(Clone)]
struct Ticks(Arc<dyn Clock>);

impl governor::clock::Clock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        Nanos::from(u64::try_from(self.0.now().0).unwrap_or(0).saturating_mul(1_000))
    }
}

type Bucket<M> = Arc<RateLimiter<NotKeyed, InMemoryState, Ticks, M>>;

/// A bucket for each `K`.
pub(crate) struct Pace<K> {
    buckets: Cache<K, Bucket<StateInformationMiddleware>>,
    /// What a `K` is called in the answer's headers.
    what: &'static str,
    rate: Rate,
    clock: Ticks,
    /// `RateLimit-Policy`, the same for every answer.
    pub(crate) policy: HeaderValue,
    /// `RateLimit` by what is left.
    standings: Vec<HeaderValue>,
}

/// Whether a request may pass, and its `RateLimit` field.
pub(crate) struct Standing {
    pub(crate) header: HeaderValue,
    /// Whole seconds to wait when it may not.
    pub(crate) wait_s: Option<u64>,
}

impl<K: Hash + Eq + Clone> Pace<K> {
    pub(crate) fn new(what: &'static str, rate: Rate, clock: Arc<dyn Clock>) -> Pace<K> {
        let window = rate.burst.get().div_ceil(rate.per_second.get());
        let policy = header(format!("\"{what}\";q={};w={window}", rate.burst));
        let kept = if rate.burst.get() <= VALUES_KEPT { rate.burst.get() } else { 0 };
        let standings = (0..kept).map(|left| standing(what, rate, left)).collect();
        Pace { buckets: Cache::new(BUCKETS_KEPT), what, rate, clock: Ticks(clock), policy, standings }
    }

    /// Takes one request out of the caller's bucket.
    pub(crate) fn take(&self, caller: K) -> Standing {
        let bucket = self.buckets.get_or_insert_with(&caller, || Ok::<_, std::convert::Infallible>(self.fresh()));
        let Ok(bucket) = bucket;
        match bucket.check() {
            Ok(snapshot) => Standing { header: self.left(snapshot.remaining_burst_capacity()), wait_s: None },
            Err(not_until) => {
                let wait_s = whole_seconds(not_until.wait_time_from(self.clock.now()));
                Standing { header: header(format!("\"{}\";r=0;t={wait_s}", self.what)), wait_s: Some(wait_s) }
            }
        }
    }

    fn left(&self, left: u32) -> HeaderValue {
        self.standings.get(left as usize).cloned().unwrap_or_else(|| standing(self.what, self.rate, left))
    }

    fn fresh(&self) -> Bucket<StateInformationMiddleware> {
        let quota = Quota::per_second(self.rate.per_second).allow_burst(self.rate.burst);
        let bucket = RateLimiter::direct_with_clock(quota, self.clock.clone());
        Arc::new(bucket.with_middleware::<StateInformationMiddleware>())
    }
}

/// `r`: requests left; `t`: seconds until the bucket is full again.
fn standing(what: &str, rate: Rate, left: u32) -> HeaderValue {
    let missing = rate.burst.get().saturating_sub(left);
    header(format!("\"{what}\";r={left};t={}", missing.div_ceil(rate.per_second.get())))
}

/// A bucket for each address, emptied by refused keys.
pub(crate) struct DeniedPace {
    buckets: Cache<IpAddr, Bucket<NoOpMiddleware<Nanos>>>,
    quota: Quota,
    clock: Ticks,
}

impl DeniedPace {
    pub(crate) fn new(per_minute: NonZeroU32, clock: Arc<dyn Clock>) -> DeniedPace {
        DeniedPace { buckets: Cache::new(BUCKETS_KEPT), quota: Quota::per_minute(per_minute), clock: Ticks(clock) }
    }

    /// Counts one refused key and answers the whole seconds to wait when there were too many.
    pub(crate) fn count(&self, ip: IpAddr) -> Option<u64> {
        let fresh = || {
            Ok::<_, std::convert::Infallible>(Arc::new(RateLimiter::direct_with_clock(self.quota, self.clock.clone())))
        };
        let Ok(bucket) = self.buckets.get_or_insert_with(&neighbourhood(ip), fresh);
        bucket.check().err().map(|not_until| whole_seconds(not_until.wait_time_from(self.clock.now())))
    }
}

/// Whoever has one IPv6 address has its whole /64.
fn neighbourhood(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() >> 64 << 64)),
        four => four,
    }
}

fn whole_seconds(wait: std::time::Duration) -> u64 {
    wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1)
}

fn header(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}
