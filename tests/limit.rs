//! The limiter against an exact token bucket, and under bounds, cancellation and threads.

use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use guilloche::limit::{
    Amounts, Demand, Denied, Dimension, Enforcement, Limiter, Limits, Quota, Reservation, Subject,
};
use proptest::prelude::*;
use tokio::time::Instant;

fn subject(identifier: impl AsRef<str>) -> Subject {
    Subject::derive(&[7; 32], "account", identifier.as_ref().as_bytes())
}

fn quota(amount: u64, period: Duration, burst: u64) -> Quota {
    let units = |units| NonZeroU64::new(units).unwrap_or(NonZeroU64::MIN);
    Quota { amount: units(amount), period, burst: units(burst) }
}

fn output_tokens(quota: Quota) -> Limits {
    Limits { output_tokens: Some(quota), ..Limits::default() }
}

fn requests(quota: Quota) -> Limits {
    Limits { requests: Some(quota), ..Limits::default() }
}

fn tokens(output_tokens: u64) -> Amounts {
    Amounts { requests: 1, output_tokens, ..Amounts::default() }
}

fn demand(subject: Subject, limits: &Limits, estimate: Amounts) -> Demand {
    Demand {
        subject,
        scope: "account",
        limits: *limits,
        estimate,
        enforcement: Enforcement::Enforce,
    }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn remaining(limiter: &Limiter, subject: Subject, quota: Quota, now: Instant) -> u64 {
    limiter.state(subject, Dimension::OutputTokens, quota, now).remaining
}

/// A token bucket that fills and empties, as textbooks have it, with tokens counted in fractions
/// of `1 / period`: no theoretical arrival time, no rounding.
struct TokenBucket {
    amount: i128,
    period: i128,
    burst: i128,
    level: i128,
    at: i128,
}

impl TokenBucket {
    fn full(quota: Quota) -> Self {
        let amount = i128::from(quota.amount.get());
        let period = quota.period.as_nanos() as i128;
        let burst = i128::from(quota.burst.get()) * period;
        Self { amount, period, burst, level: burst, at: 0 }
    }

    fn advance(&mut self, now: u64) {
        let elapsed = i128::from(now) - self.at;
        self.level = self.burst.min(self.level + elapsed * self.amount);
        self.at = i128::from(now);
    }

    /// Takes tokens, or says how many nanoseconds to wait for them.
    fn take(&mut self, units: u64) -> Result<(), u128> {
        let cost = (i128::from(units) * self.period).min(self.burst);
        let missing = cost - self.level;
        if missing > 0 {
            return Err(missing.unsigned_abs().div_ceil(self.amount.unsigned_abs()));
        }
        self.level -= cost;
        Ok(())
    }

    /// Puts tokens back, or takes them whether or not they are there.
    fn settle(&mut self, reserved: u64, actual: u64) {
        let reserved = (i128::from(reserved) * self.period).min(self.burst);
        self.level = self.burst.min(self.level + reserved - i128::from(actual) * self.period);
    }

    fn remaining(&self) -> i128 {
        self.level.max(0) / self.period
    }
}

#[derive(Clone, Debug)]
enum Step {
    Reserve { after: u64, estimate: u64 },
    Settle { after: u64, which: prop::sample::Index, actual: u64 },
}

fn any_quota() -> impl Strategy<Value = Quota> {
    (1u64..2000, 1u64..10_000_000, 1u64..500)
        .prop_map(|(amount, period, burst)| quota(amount, Duration::from_nanos(period), burst))
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0u64..2_000_000, 0u64..600)
            .prop_map(|(after, estimate)| Step::Reserve { after, estimate }),
        1 => (0u64..2_000_000, any::<prop::sample::Index>(), 0u64..800)
            .prop_map(|(after, which, actual)| Step::Settle { after, which, actual }),
    ]
}

proptest! {
    #[test]
    fn every_answer_is_that_of_an_exact_token_bucket(
        quota in any_quota(),
        steps in prop::collection::vec(any_step(), 1..120),
    ) {
        let start = Instant::now();
        let limiter = Limiter::new(10, start);
        let limits = output_tokens(quota);
        let alice = subject("alice");
        let mut oracle = TokenBucket::full(quota);
        let mut open: Vec<(u64, Reservation)> = Vec::new();
        let mut clock = 0;
        for step in steps {
            clock += match step {
                Step::Reserve { after, .. } | Step::Settle { after, .. } => after,
            };
            let now = start + Duration::from_nanos(clock);
            oracle.advance(clock);
            match step {
                Step::Reserve { estimate, .. } => {
                    let ours = limiter.reserve(&[demand(alice, &limits, tokens(estimate))], now);
                    match (ours, oracle.take(estimate)) {
                        (Ok(reservation), Ok(())) => open.push((estimate, reservation)),
                        (Err(denied), Err(wait)) => {
                            prop_assert_eq!(denied.retry_after.as_nanos(), wait);
                        }
                        (ours, oracle) => prop_assert!(false, "{ours:?} but {oracle:?}"),
                    }
                }
                Step::Settle { which, actual, .. } if !open.is_empty() => {
                    let (estimate, reservation) = open.swap_remove(which.index(open.len()));
                    reservation.settle(tokens(actual), now);
                    oracle.settle(estimate, actual);
                }
                Step::Settle { .. } => {}
            }
            prop_assert_eq!(i128::from(remaining(&limiter, alice, quota, now)), oracle.remaining());
        }
    }

    #[test]
    fn no_window_admits_more_than_the_burst_and_what_the_rate_gives_in_it(
        quota in any_quota(),
        arrivals in prop::collection::vec((0u64..1_000_000, 1u64..40), 1..100),
    ) {
        let start = Instant::now();
        let limiter = Limiter::new(10, start);
        let limits = requests(quota);
        let mut clock = 0;
        let mut admitted: Vec<(u64, u64)> = Vec::new();
        for (after, weight) in arrivals {
            clock += after;
            let weight = weight.min(quota.burst.get());
            let estimate = Amounts { requests: weight, ..Amounts::default() };
            let now = start + Duration::from_nanos(clock);
            let held = limiter.reserve(&[demand(subject("alice"), &limits, estimate)], now);
            if let Ok(held) = held {
                held.settle(estimate, now);
                admitted.push((clock, weight));
            }
        }
        let period = quota.period.as_nanos();
        for (first, &(from, _)) in admitted.iter().enumerate() {
            let mut units = 0;
            for &(to, weight) in &admitted[first..] {
                units += u128::from(weight);
                let given = u128::from(to - from) * u128::from(quota.amount.get());
                prop_assert!(units * period <= u128::from(quota.burst.get()) * period + given);
            }
        }
    }

    #[test]
    fn charging_by_parts_and_settling_leaves_what_one_charge_would(
        estimate in 0u64..200,
        parts in prop::collection::vec(0u64..100, 0..8),
    ) {
        let start = Instant::now();
        let hour = quota(1, seconds(3600), 1000);
        let limits = output_tokens(hour);
        let limiter = Limiter::new(10, start);
        let alice = demand(subject("alice"), &limits, tokens(estimate));
        let mut reservation = limiter.reserve(&[alice], start).unwrap();
        for part in &parts {
            reservation.charge(Dimension::OutputTokens, *part, start);
        }
        let used = parts.iter().sum::<u64>();
        let left = |now| remaining(&limiter, subject("alice"), hour, now);
        prop_assert_eq!(left(start), 1000 - used.max(estimate));
        reservation.settle(tokens(used), start);
        prop_assert_eq!(left(start), 1000 - used);
    }
}

#[test]
fn a_rate_that_is_not_whole_nanoseconds_does_not_drift() {
    let start = Instant::now();
    let limiter = Limiter::new(10, start);
    let limits = requests(quota(7, seconds(1), 2));
    let ask = |nanos| {
        let now = start + Duration::from_nanos(nanos);
        let held = limiter.reserve(&[demand(subject("alice"), &limits, tokens(0))], now);
        held.map(|held| held.settle(tokens(0), now)).is_ok()
    };
    assert!(ask(0));
    // The bucket is never idle again: each request is due a seventh of a second after the one
    // before was due, so an error would add up.
    for n in 0..70_000u64 {
        let due = (n * 1_000_000_000).div_ceil(7);
        assert!(n == 0 || !ask(due - 1), "request {n} came early");
        assert!(ask(due), "request {n} came late");
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_admits_exactly_the_burst() {
    let start = Instant::now();
    let limiter = Limiter::new(10, start);
    let limits = requests(quota(60, seconds(60), 5));
    let ask = || limiter.reserve(&[demand(subject("alice"), &limits, tokens(0))], start);
    assert_eq!((0..20).filter(|_| ask().is_ok()).count(), 5);
    assert_eq!(ask().unwrap_err().retry_after, seconds(1));
}

#[tokio::test(start_paused = true)]
async fn an_estimate_above_the_burst_is_admitted_by_a_full_bucket_only() {
    let start = Instant::now();
    let limiter = Limiter::new(10, start);
    let limits = output_tokens(quota(60, seconds(60), 60));
    let ask = |now| limiter.reserve(&[demand(subject("alice"), &limits, tokens(4096))], now);
    let first = ask(start).unwrap();
    assert_eq!(ask(start + seconds(59)).unwrap_err().retry_after, seconds(1));
    first.settle(tokens(60), start + seconds(59));
    assert!(ask(start + seconds(60)).is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_refund_never_creates_tokens() {
    let start = Instant::now();
    let limiter = Limiter::new(10, start);
    let minute = quota(60, seconds(60), 60);
    let limits = output_tokens(minute);
    let ask = |now| limiter.reserve(&[demand(subject("alice"), &limits, tokens(60))], now);
    let early = ask(start).unwrap();
    let later = start + seconds(30);
    early.settle(tokens(0), later);
    assert_eq!(remaining(&limiter, subject("alice"), minute, later), 60);
    assert!(ask(later).is_ok());
    let late = ask(start + seconds(600)).unwrap();
    late.settle(tokens(90), start + seconds(600));
    assert_eq!(ask(start + seconds(600)).unwrap_err().retry_after, seconds(90));
}

#[tokio::test(start_paused = true)]
async fn debt_delays_the_next_admission_until_it_is_paid() {
    let start = Instant::now();
    let limiter = Limiter::new(10, start);
    let limits = output_tokens(quota(60, seconds(60), 60));
    let ask = |units, now| limiter.reserve(&[demand(subject("a"), &limits, tokens(units))], now);
    let mut stream = ask(10, start).unwrap();
    assert_eq!(stream.overdrawn(start), Duration::ZERO);
    stream.charge(Dimension::OutputTokens, 100, start);
    assert_eq!(stream.overdrawn(start), seconds(40));
    stream.settle(tokens(150), start);
    assert_eq!(ask(0, start).unwrap_err().retry_after, seconds(90));
    assert_eq!(ask(30, start).unwrap_err().retry_after, seconds(120));
    assert!(ask(30, start + seconds(120)).is_ok());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_charged_when_any_limit_refuses() {
    let start = Instant::now();
    let limiter = Limiter::new(10, start);
    let minute = quota(60, seconds(60), 60);
    let account = Limits { concurrency: NonZeroU32::new(3), ..output_tokens(minute) };
    let cluster = output_tokens(quota(60, seconds(60), 10));
    let both = |units| {
        let hydra = demand(subject("hydra"), &cluster, tokens(units));
        [demand(subject("alice"), &account, tokens(units)), Demand { scope: "cluster", ..hydra }]
    };
    let held = limiter.reserve(&both(10), start).unwrap();
    for _ in 0..10 {
        let denied = limiter.reserve(&both(6), start).unwrap_err();
        assert_eq!((denied.scope, denied.dimension), ("cluster", Dimension::OutputTokens));
        assert_eq!(denied.retry_after, seconds(6));
    }
    assert_eq!(remaining(&limiter, subject("alice"), minute, start), 50);
    assert_eq!(limiter.in_flight(subject("alice"), start), 1);
    assert_eq!(limiter.denied(Dimension::OutputTokens), 10);
    held.settle(tokens(0), start);
    assert_eq!(limiter.in_flight(subject("hydra"), start), 0);
}

#[tokio::test(start_paused = true)]
async fn the_longest_wait_of_all_limits_is_named() {
    let start = Instant::now();
    let limiter = Limiter::new(10, start);
    let limits = Limits {
        requests: Some(quota(1, seconds(20), 1)),
        reasoning_tokens: Some(quota(1, seconds(30), 1)),
        concurrency: NonZeroU32::new(1),
        ..Limits::default()
    };
    let one = Amounts { requests: 1, reasoning_tokens: 1, ..Amounts::default() };
    let ask = || limiter.reserve(&[demand(subject("alice"), &limits, one)], start);
    let _held = ask().unwrap();
    let denied = ask().unwrap_err();
    assert_eq!((denied.dimension, denied.retry_after), (Dimension::ReasoningTokens, seconds(30)));
}

#[tokio::test(start_paused = true)]
async fn two_accounts_of_a_cluster_share_its_limits() {
    let start = Instant::now();
    let limiter = Limiter::new(10, start);
    let own = requests(quota(100, seconds(60), 100));
    let shared = requests(quota(3, seconds(60), 3));
    let ask = |account: &str| {
        let cluster = demand(subject("hydra"), &shared, tokens(0));
        limiter.reserve(&[demand(subject(account), &own, tokens(0)), cluster], start).is_ok()
    };
    assert_eq!(["a", "b", "a", "b", "c"].map(ask), [true, true, true, false, false]);
}

#[tokio::test(start_paused = true)]
async fn a_subject_named_twice_cannot_exceed_its_limit() {
    let start = Instant::now();
    let limiter = Limiter::new(10, start);
    let limits = requests(quota(3, seconds(60), 3));
    let twice = [demand(subject("a"), &limits, tokens(0)); 2];
    assert!(limiter.reserve(&twice, start).is_ok());
    assert!(limiter.reserve(&twice, start).is_err());
    assert!(limiter.reserve(&twice[..1], start).is_ok());
}

#[tokio::test(start_paused = true)]
async fn leases_are_released_once_however_a_stream_ends() {
    let start = Instant::now();
    let limiter = Limiter::new(10, start);
    let limits = Limits { concurrency: NonZeroU32::new(2), ..Limits::default() };
    let ask = || limiter.reserve(&[demand(subject("alice"), &limits, tokens(0))], start);
    let (first, second) = (ask().unwrap(), ask().unwrap());
    let denied: Denied = ask().unwrap_err();
    assert_eq!(denied.dimension, Dimension::Concurrency);
    assert_eq!(limiter.in_flight(subject("alice"), start), 2);
    first.settle(tokens(0), start);
    let stream = tokio::spawn(async move {
        let _held = second;
        std::future::pending::<()>().await;
    });
    tokio::task::yield_now().await;
    let third = ask().unwrap();
    assert!(ask().is_err());
    stream.abort();
    assert!(stream.await.unwrap_err().is_cancelled());
    assert_eq!(limiter.in_flight(subject("alice"), start), 1);
    drop(third);
    assert_eq!(limiter.in_flight(subject("alice"), start), 0);
    assert_eq!(limiter.denied(Dimension::Concurrency), 2);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_stream_pays_for_its_request_and_for_what_it_was_sent() {
    let start = Instant::now();
    let limiter = Limiter::new(10, start);
    let hour = quota(1, seconds(3600), 1000);
    let limits = Limits { requests: Some(hour), ..output_tokens(hour) };
    for (streamed, left) in [(0, 1000), (70, 930), (150, 780)] {
        let ask = demand(subject("alice"), &limits, tokens(100));
        let mut stream = limiter.reserve(&[ask], start).unwrap();
        stream.charge(Dimension::OutputTokens, streamed, start);
        drop(stream);
        assert_eq!(remaining(&limiter, subject("alice"), hour, start), left);
    }
    let requests = limiter.state(subject("alice"), Dimension::Requests, hour, start);
    assert_eq!(requests.remaining, 997);
}

#[tokio::test(start_paused = true)]
async fn observing_tells_what_enforcing_would_have_done() {
    let start = Instant::now();
    let limiter = Limiter::new(10, start);
    let limits = Limits { concurrency: NonZeroU32::new(4), ..requests(quota(1, seconds(1), 5)) };
    let mut refused = 0;
    for turn in 0..100 {
        let now = start + Duration::from_millis(500) * turn;
        let enforced = demand(subject("enforced"), &limits, tokens(0));
        let seen = demand(subject("seen"), &limits, tokens(0));
        let seen = Demand { enforcement: Enforcement::Observe, ..seen };
        let enforced = limiter.reserve(&[enforced], now);
        let observed = limiter.reserve(&[seen], now).unwrap();
        assert_eq!(enforced.is_err(), observed.would_deny().is_some(), "in turn {turn}");
        refused += u32::from(enforced.is_err());
    }
    assert!((45..=50).contains(&refused), "half are past the rate, not {refused} of 100");
    assert_eq!(limiter.in_flight(subject("seen"), start), 0);
}

#[test]
fn an_advertised_quota_is_tracked_and_never_denies() {
    let start = Instant::now();
    let limiter = Limiter::new(10, start);
    let minute = quota(60, seconds(60), 60);
    let limits = requests(minute);
    let shown = demand(subject("a"), &limits, tokens(0));
    let shown = Demand { enforcement: Enforcement::Advertise, ..shown };
    for _ in 0..500 {
        limiter.reserve(&[shown], start).unwrap().settle(tokens(0), start);
    }
    let state = |now| limiter.state(subject("a"), Dimension::Requests, minute, now);
    assert_eq!((state(start).remaining, state(start).reset), (0, seconds(60)));
    assert_eq!(state(start + seconds(15)).remaining, 15);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_steps_back_stands_still() {
    let start = Instant::now();
    let limiter = Limiter::new(10, start);
    let limits = requests(quota(1, seconds(1), 1));
    let ask = |now| limiter.reserve(&[demand(subject("a"), &limits, tokens(0))], now);
    assert!(ask(start + seconds(100)).is_ok());
    assert_eq!(ask(start).unwrap_err().retry_after, seconds(1));
}

#[tokio::test(start_paused = true)]
async fn a_change_of_quota_keeps_the_time_that_is_owed() {
    let start = Instant::now();
    let limiter = Limiter::new(10, start);
    let ask = |quota, units| {
        limiter.reserve(&[demand(subject("a"), &output_tokens(quota), tokens(units))], start)
    };
    let held = ask(quota(60, seconds(60), 60), 60).unwrap();
    assert_eq!(ask(quota(7, seconds(60), 7), 7).unwrap_err().retry_after, seconds(60));
    held.settle(tokens(0), start);
    assert!(ask(quota(7, seconds(60), 7), 7).is_ok());
}

#[test]
fn the_largest_quotas_and_amounts_saturate() {
    let start = Instant::now();
    let limiter = Limiter::new(10, start);
    let most = quota(u64::MAX, Duration::MAX, u64::MAX);
    let slow = quota(1, Duration::MAX, u64::MAX);
    for (who, quota) in [("most", most), ("slow", slow)] {
        let limits = output_tokens(quota);
        let ask = || limiter.reserve(&[demand(subject(who), &limits, tokens(u64::MAX))], start);
        let mut held = ask().unwrap();
        held.charge(Dimension::OutputTokens, u64::MAX, start);
        held.charge(Dimension::OutputTokens, u64::MAX, start);
        assert!(ask().is_err(), "{who}");
    }
}

/// Reserves one token and one lease of a slow quota.
fn reserve_one(limiter: &Limiter, who: &str, now: Instant) -> Result<Reservation, Denied> {
    let concurrency = NonZeroU32::new(1);
    let limits = Limits { concurrency, ..output_tokens(quota(1, seconds(1), 1)) };
    limiter.reserve(&[demand(subject(who), &limits, tokens(1))], now)
}

#[test]
fn eviction_forgets_neither_debt_nor_requests_in_flight() {
    let start = Instant::now();
    let limiter = Limiter::new(64, start);
    reserve_one(&limiter, "debtor", start).unwrap().settle(tokens(100_000), start);
    let _held = reserve_one(&limiter, "holder", start).unwrap();
    for n in 0..10_000u32 {
        let now = start + Duration::from_millis(100) * n;
        reserve_one(&limiter, &format!("{n}"), now).unwrap().settle(tokens(1), now);
        assert!(limiter.occupancy().subjects <= 64);
    }
    let later = start + seconds(1000);
    let debtor = reserve_one(&limiter, "debtor", later).unwrap_err();
    assert_eq!(debtor.retry_after, seconds(99_000));
    let holder = reserve_one(&limiter, "holder", later).unwrap_err();
    assert_eq!(holder.dimension, Dimension::Concurrency);
    let occupancy = limiter.occupancy();
    assert!(occupancy.evicted > 9_900, "{occupancy:?}");
    assert_eq!(occupancy.overflowed, 0);
}

#[tokio::test(start_paused = true)]
async fn past_the_bound_new_subjects_of_a_scope_share_one_entry() {
    let start = Instant::now();
    let limiter = Limiter::new(8, start);
    let limits = requests(quota(2, seconds(60), 2));
    let ask = |who: &str, scope| {
        limiter.reserve(&[Demand { scope, ..demand(subject(who), &limits, tokens(0)) }], start)
    };
    let held: Vec<_> = (0..8).map(|n| ask(&n.to_string(), "account").unwrap()).collect();
    assert!(ask("x", "account").is_ok());
    assert!(ask("y", "account").is_ok());
    assert!(ask("z", "account").is_err());
    assert!(ask("z", "cluster").is_ok());
    assert!(ask("0", "account").is_ok(), "a known subject keeps its own entry");
    assert_eq!((limiter.occupancy().subjects, limiter.occupancy().overflowed), (8, 4));
    drop(held);
}

#[test]
fn ten_thousand_subjects_in_a_second_stay_within_the_bound() {
    let start = Instant::now();
    let limiter = Limiter::new(1_000, start);
    let limits = requests(quota(60, seconds(60), 60));
    let ask = |who: String, now| {
        // The answer does not matter here: those who share the overflow entry are refused.
        if let Ok(held) = limiter.reserve(&[demand(subject(who), &limits, tokens(0))], now) {
            held.settle(tokens(0), now);
        }
    };
    for n in 0..10_000u32 {
        ask(format!("{n}"), start + Duration::from_micros(100) * n);
    }
    let full = limiter.occupancy();
    assert!(full.subjects <= 1_000 && full.overflowed > 0, "{full:?}");
    assert!(full.bytes <= 1_000 * 512, "{full:?}");
    for n in 0..2_000 {
        ask(format!("new {n}"), start + seconds(120));
    }
    let later = limiter.occupancy();
    assert!(later.subjects <= 1_000 && later.evicted >= 1_000, "{later:?}");
    assert!(later.bytes <= 1_000 * 512, "{later:?}");
}

#[test]
fn threads_that_reserve_and_settle_lose_no_tokens() {
    const THREADS: u64 = 8;
    const ROUNDS: u64 = 2_000;
    let start = Instant::now();
    let limiter = Limiter::new(50_000, start);
    let burst = 1_000_000_000;
    // So slow that dropped reservations, which read the clock, give nothing back by time.
    let years = quota(1, seconds(10_000), burst);
    let limits = output_tokens(years);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (limiter, limits) = (&limiter, &limits);
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let own = demand(subject(thread.to_string()), limits, tokens(100));
                    let shared = demand(subject("cluster"), limits, tokens(100));
                    // Both orders, so that a deadlock of two locks would show.
                    let both = if thread % 2 == 0 { [own, shared] } else { [shared, own] };
                    let mut stream = limiter.reserve(&both, start).unwrap();
                    stream.charge(Dimension::OutputTokens, round % 150, start);
                    if round % 3 == 0 {
                        drop(stream);
                    } else {
                        stream.settle(tokens(round % 70), start);
                    }
                }
            });
        }
    });
    let used = |round: u64| if round % 3 == 0 { round % 150 } else { round % 70 };
    let each = (0..ROUNDS).map(used).sum::<u64>();
    assert_eq!(remaining(&limiter, subject("0"), years, start), burst - each);
    assert_eq!(remaining(&limiter, subject("cluster"), years, start), burst - each * THREADS);
    assert_eq!(limiter.in_flight(subject("cluster"), start), 0);
}

#[test]
fn a_reservation_can_live_in_a_response_body() {
    fn lives_in_a_body<T: Send + Sync + 'static>() {}
    lives_in_a_body::<Reservation>();
    lives_in_a_body::<Limiter>();
}
