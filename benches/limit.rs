//! What admission costs: reserve and settle on one subject, and on one of a hundred thousand.

use std::num::{NonZeroU32, NonZeroU64};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use divan::{Bencher, black_box};
use guilloche::limit::{
    Amounts, Demand, Enforcement, Expected, Limiter, Limits, Pacer, Quota, Subject, Turn,
};
use tokio::time::Instant;

const SUBJECTS: [u64; 2] = [1, 100_000];

fn main() {
    divan::main();
}

fn limits() -> Limits {
    let quota = |amount| {
        let amount = NonZeroU64::new(amount).unwrap_or(NonZeroU64::MIN);
        Some(Quota { amount, period: Duration::from_secs(60), burst: amount })
    };
    Limits {
        requests: quota(1 << 40),
        input_tokens: quota(1 << 40),
        output_tokens: quota(1 << 40),
        reasoning_tokens: quota(1 << 40),
        concurrency: NonZeroU32::new(1000),
    }
}

/// Subjects in an order that no cache predicts.
fn subject(number: u64) -> Subject {
    Subject::derive(&[7; 32], "account", &number.to_le_bytes())
}

fn estimate() -> Amounts {
    Amounts { requests: 1, input_tokens: 900, output_tokens: 800, reasoning_tokens: 500 }
}

/// Two subjects, as a request of an account in a cluster has, with every dimension limited.
#[divan::bench(args = SUBJECTS, threads = [1, 2], sample_size = 1000)]
fn reserve_and_settle(bencher: Bencher<'_, '_>, subjects: u64) {
    let start = Instant::now();
    let limiter = Limiter::new(200_000, start);
    let limits = limits();
    let accounts: Vec<Subject> = (0..subjects).map(subject).collect();
    let clusters: Vec<Subject> = (0..subjects.div_ceil(100)).map(|n| subject(!n)).collect();
    // Every subject has a request in flight, so that the table holds all of them throughout.
    let held: Vec<_> = (accounts.iter().chain(&clusters))
        .filter_map(|&subject| {
            let enforcement = Enforcement::Enforce;
            let scope = "account";
            let demand = Demand { subject, scope, limits, estimate: estimate(), enforcement };
            limiter.reserve(&[demand], start).ok()
        })
        .collect();
    let next = AtomicU64::new(0);
    bencher.bench(|| {
        let turn = next.fetch_add(7919, Ordering::Relaxed);
        let demand = |among: &[Subject], scope| {
            let index = usize::try_from(turn % among.len() as u64).unwrap_or(0);
            let subject = among.get(index).copied().unwrap_or(Subject::from_hash(0));
            let enforcement = Enforcement::Enforce;
            Demand { subject, scope, limits, estimate: estimate(), enforcement }
        };
        let demands = [demand(&accounts, "account"), demand(&clusters, "cluster")];
        let now = start + Duration::from_nanos(turn);
        if let Ok(reservation) = limiter.reserve(black_box(&demands), now) {
            reservation.settle(Amounts { output_tokens: 300, ..estimate() }, now);
        }
    });
    drop(held);
}

#[divan::bench(args = SUBJECTS, sample_size = 1000)]
fn pace(bencher: Bencher<'_, '_>, subjects: u64) {
    let start = Instant::now();
    let pacer = Pacer::new(200_000, Duration::from_secs(1), start);
    let accounts: Vec<Subject> = (0..subjects).map(subject).collect();
    // A second's worth of debt each, so that the table holds all of them throughout.
    let rate = NonZeroU32::MAX;
    let admitted = accounts.iter().filter_map(|&subject| {
        let mut turn = pacer.admit(subject, rate, Expected::AtMost(0), start).ok()?;
        black_box(turn.acquire(u64::from(u32::MAX), start));
        Some(turn)
    });
    let mut turns: Vec<Turn> = admitted.collect();
    let mut count = 0u64;
    bencher.bench_local(|| {
        count = count.wrapping_add(7919);
        let index = usize::try_from(count % subjects).unwrap_or(0);
        turns
            .get_mut(index)
            .map(|turn| turn.acquire(black_box(1), start + Duration::from_nanos(count)))
    });
}
