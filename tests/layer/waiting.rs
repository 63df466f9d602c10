//! A detector that is called, and a store that replicas share: what is decided by them is waited for.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use guilloche::audit::{Counter, Outcome};
use guilloche::limit::{
    self, Amounts, Demand, Denied, Dimension, Granted, Lease, Limiter, Settled, Settlements, Store,
};
use guilloche::policy::Countermeasure;
use guilloche::ready::MaybeReady;
use guilloche::risk::{Assessment, FirstKnown, Risk, RiskSource, UnknownReason};
use http::request;
use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use super::support::*;

const AWAY: Duration = Duration::from_secs(1);
const ONE_PER_HOUR: &str = "rate = { account = { requests = \"1 per hour\", concurrency = 1 } }";

/// A limiter somewhere else, which gives nothing back by itself.
#[derive(Debug)]
struct Far {
    limiter: Limiter,
    taken: Arc<AtomicUsize>,
}

impl Far {
    fn new() -> Arc<Self> {
        let limiter = Limiter::new(10, Instant::now());
        Arc::new(Self { limiter, taken: Arc::default() })
    }

    /// What is taken of it and not given back.
    fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }
}

impl Store for Far {
    fn reserve(&self, demands: Vec<Demand>) -> MaybeReady<limit::Admission> {
        let (limiter, taken) = (self.limiter.clone(), Arc::clone(&self.taken));
        MaybeReady::wait(async move {
            sleep(AWAY).await;
            let granted = Store::reserve(&limiter, demands).get().await?;
            taken.fetch_add(1, Ordering::Relaxed);
            let lease = Box::new(FarLease { lease: granted.lease, taken });
            Ok(Granted { lease, ..granted })
        })
    }
}

#[derive(Debug)]
struct FarLease {
    lease: Box<dyn Lease>,
    taken: Arc<AtomicUsize>,
}

impl Lease for FarLease {
    fn would_deny(&self) -> Option<&Denied> {
        self.lease.would_deny()
    }

    fn charge(&mut self, dimension: Dimension, units: u64) -> MaybeReady<()> {
        self.lease.charge(dimension, units)
    }

    fn settle(self: Box<Self>, used: Amounts) -> MaybeReady<()> {
        let Self { lease, taken } = *self;
        MaybeReady::wait(async move {
            sleep(AWAY).await;
            lease.settle(used).get().await;
            taken.fetch_sub(1, Ordering::Relaxed);
        })
    }
}

fn world(mode: &str, store: &Arc<Far>) -> World {
    let store = Arc::clone(store) as Arc<dyn Store>;
    World::with(policy_with(mode, "", ONE_PER_HOUR), |builder| builder.store(store))
}

/// Fails when an admission is taken for granted, or is not settled at the end.
#[tokio::test(start_paused = true)]
async fn a_store_elsewhere_admits_and_refuses_after_the_way_to_it() {
    let store = Far::new();
    let world = world("enforce", &store);
    let start = Instant::now();
    world.upstream.answer(json("{}"));
    let answer = world.call(chat()).await;
    assert_eq!((answer.status().as_u16(), start.elapsed(), store.taken()), (200, AWAY, 1));
    read(answer.into_body()).await;
    assert_eq!(store.taken(), 1, "the settlement is under way");
    sleep(2 * AWAY).await;
    assert_eq!(store.taken(), 0);
    let refused = world.call(chat()).await;
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
    let settlements = world.layer.handle();
    assert_eq!((settlements.settlements().waited(), settlements.settlements().lost()), (1, 0));
}

/// Promise 6. Fails when a wait that is cut off is forgotten: the store would hold what it took.
#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_while_a_store_is_asked_takes_nothing() {
    let store = Far::new();
    let world = world("enforce", &store);
    {
        let mut call = pin!(world.call(chat()));
        assert!(futures_util::poll!(&mut call).is_pending());
        sleep(AWAY / 2).await;
        assert!(futures_util::poll!(&mut call).is_pending());
    }
    assert_eq!(world.records.only().outcome, Outcome::Cancelled);
    sleep(AWAY).await;
    assert_eq!(store.taken(), 1, "the store was asked to the end");
    sleep(AWAY).await;
    assert_eq!(store.taken(), 0);
    assert!(world.upstream.seen().is_empty());
    // It was given back whole.
    world.upstream.answer(json("{}"));
    assert_eq!(world.call(chat()).await.status(), 200);
}

/// Fails when an observed limit keeps a request waiting, or holds what nobody waited for.
#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_limit_that_is_only_observed() {
    let store = Far::new();
    let world = world("observe", &store);
    let start = Instant::now();
    world.exchange(chat(), json("{}")).await;
    assert_eq!(start.elapsed(), Duration::ZERO);
    sleep(3 * AWAY).await;
    assert_eq!(store.taken(), 0);

    // What it says in time is told.
    for would_refuse in [0, 1] {
        let slow = Script::new([wait(5), data(ASKS)]);
        world.exchange(request(suspicious(), CHAT, slow), json("{}")).await;
        sleep(3 * AWAY).await;
        assert_eq!(store.taken(), 0);
        let record = world.records.all().pop().unwrap();
        let refused = count(&record.observed, Countermeasure::Rate, Counter::RequestsRefused);
        assert_eq!(refused, would_refuse);
    }
}

#[tokio::test(start_paused = true)]
async fn settlements_past_the_bound_and_those_without_end_are_lost_and_counted() {
    let settlements = Settlements::new(1);
    let settle =
        |seconds| settlements.settle(MaybeReady::wait(sleep(Duration::from_secs(seconds))));
    assert_eq!(settlements.settle(MaybeReady::Ready(())), Settled::Done);
    assert_eq!((settle(1), settle(1)), (Settled::Waiting, Settled::Lost));
    sleep(Duration::from_secs(2)).await;
    assert_eq!((settlements.waited(), settlements.lost()), (1, 1));
    assert_eq!(settle(10_000), Settled::Waiting);
    sleep(Duration::from_secs(60)).await;
    assert_eq!((settlements.waited(), settlements.lost()), (2, 2));
    assert_eq!(settle(1), Settled::Waiting, "there is room again");
}

/// A detector that is called.
#[derive(Debug)]
struct Called {
    says: Assessment,
    /// Calls under way.
    under_way: Arc<AtomicUsize>,
}

struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Called {
    fn new(says: Assessment) -> Self {
        Self { says, under_way: Arc::default() }
    }
}

impl RiskSource for Called {
    fn assess(&self, _: &request::Parts, _: Timestamp) -> Assessment {
        unknown(UnknownReason::Absent)
    }

    fn ask(&self, _: &request::Parts, _: Timestamp) -> MaybeReady<Assessment> {
        let says = self.says.clone();
        self.under_way.fetch_add(1, Ordering::Relaxed);
        let under_way = UnderWay(Arc::clone(&self.under_way));
        MaybeReady::wait(async move {
            sleep(AWAY).await;
            drop(under_way);
            says
        })
    }
}

fn unknown(reason: UnknownReason) -> Assessment {
    Assessment { risk: Risk::Unknown(reason), ..caller("nobody", None, 0.0) }
}

fn ask() -> http::Request<Script> {
    http::Request::post(CHAT).body(Script::whole(ASKS)).unwrap()
}

fn called(says: Assessment) -> World {
    let source = Box::new(Called::new(says));
    World::with(policy(WITHHOLD), |builder| builder.risk(source))
}

/// Fails when what was pinned is looked up again after the wait.
#[tokio::test(start_paused = true)]
async fn a_detector_that_is_called_is_waited_for_and_what_was_pinned_before_decides() {
    let world = called(suspicious());
    let handle = world.layer.handle();
    world.upstream.answer(stream([data(thinks("a") + &says("b"))]));
    let start = Instant::now();
    let replace = async {
        sleep(AWAY / 2).await;
        handle.replace(handle.settings(policy("refuse = {}"))).unwrap();
    };
    let (answer, ()) = tokio::join!(world.call(ask()), replace);
    assert_eq!(start.elapsed(), AWAY);
    assert_eq!(read(answer.into_body()).await.text(), says("b"));
    let record = world.records.only();
    assert_eq!(record.durations.total_ms, 1000, "the wait is part of it");
    assert_eq!(world.call(ask()).await.status(), 403);

    let world = called(caller("alice", None, 0.1));
    let read = world.exchange(ask(), stream([data(thinks("a"))])).await;
    assert_eq!(read.text(), thinks("a"));
    assert!(world.records.all().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_ends_the_call_of_the_detector() {
    let source = Called::new(suspicious());
    let under_way = Arc::clone(&source.under_way);
    let world = World::with(policy(WITHHOLD), |builder| builder.risk(source));
    {
        let mut call = pin!(world.call(ask()));
        assert!(futures_util::poll!(&mut call).is_pending());
        assert_eq!(under_way.load(Ordering::Relaxed), 1);
    }
    assert_eq!(under_way.load(Ordering::Relaxed), 0);
    assert!(world.upstream.seen().is_empty());
}

/// A source that is asked at once.
#[derive(Debug)]
struct Says(Assessment);

impl RiskSource for Says {
    fn assess(&self, _: &request::Parts, _: Timestamp) -> Assessment {
        self.0.clone()
    }
}

/// Fails when a wait changes which source's word counts.
#[tokio::test(start_paused = true)]
async fn of_several_sources_the_same_is_taken_whether_it_is_waited_for_or_not() {
    let words = [
        unknown(UnknownReason::Absent),
        unknown(UnknownReason::Expired),
        unknown(UnknownReason::Malformed),
        caller("alice", None, 0.1),
        caller("bob", None, 0.9),
    ];
    let parts = ask().into_parts().0;
    let now = Timestamp::now();
    let source = |says: &Assessment, waits: bool| -> Box<dyn RiskSource> {
        let says = says.clone();
        if waits { Box::new(Called::new(says)) } else { Box::new(Says(says)) }
    };
    for number in 0..words.len().pow(3) {
        let all = [0, 1, 2].map(|at| &words[number / words.len().pow(at) % words.len()]);
        let of = |waits: usize| {
            let [first, second, third] =
                [0, 1, 2].map(|at| source(all[at], waits & (1 << at) != 0));
            FirstKnown::new(first, vec![second, third])
        };
        let expected = of(0).assess(&parts, now);
        for waits in 0..8 {
            assert_eq!(of(waits).ask(&parts, now).get().await, expected, "{all:?} {waits:03b}");
        }
    }
}
