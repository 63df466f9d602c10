//! How fast an audit is read back and replayed: `cargo bench --bench replay`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use divan::Bencher;
use divan::counter::ItemsCount;
use guilloche::audit::reader;
use guilloche::audit::{
    Applied, AuditKey, Counter, Counts, DecisionName, Durations, Entry, ExperimentName, Line,
    Outcome, PolicyIdentity, Population, Record, Risk, UnitName, UnitSummary, UnitSums,
};
use guilloche::experiment::replay::{LOW_RISK, Replayer, Sums};
use guilloche::policy::plan::Mode;
use guilloche::policy::{Countermeasure, Policy};
use jiff::Timestamp;

fn main() {
    divan::main();
}

/// Lines of each file, of 20,000 accounts.
const LINES: u32 = 200_000;
const ACCOUNTS: u32 = 20_000;

/// A record like those that the grade `reduced` of `policies/graded.toml` leaves: 600 bytes.
fn record(key: &AuditKey, number: u32) -> Record {
    let counts = |list: &[(Counter, u64)]| {
        let mut counts = Counts::default();
        list.iter().for_each(|(counter, amount)| counts.add(*counter, *amount));
        counts
    };
    let used = [
        (Counter::TokensIn, 500),
        (Counter::TokensOut, 1_500),
        (Counter::TokensReasoning, u64::from(number % 1_000)),
    ];
    let closed = [(Counter::FieldsStripped, 3)];
    let withheld = [(Counter::WordsRemoved, u64::from(number % 700)), (Counter::EventsDropped, 90)];
    let mut side_channels = Applied::new(Countermeasure::SideChannels, counts(&closed));
    side_channels.members = vec!["logprobs".into(), "other".into()];
    let mut reasoning = Applied::new(Countermeasure::Reasoning, counts(&withheld));
    reasoning.dialects = vec!["think".into()];
    let account = number.wrapping_mul(2_654_435_761) % ACCOUNTS;
    let cluster = format!("ring-{}", account % 40);
    Record {
        time: Timestamp::from_second(1_800_000_000 + i64::from(number)).unwrap_or_default(),
        decision: DecisionName(format!("gd_{number:032x}")),
        principal: key.principal(&format!("acct-{account}"), Some(&cluster), None),
        risk: Risk::Known {
            score: 0.3 + 0.7 * f64::from(account) / f64::from(ACCOUNTS),
            model: Some("detector-3".into()),
            confidence: Some(0.8),
        },
        grade: "reduced".into(),
        exempt: None,
        arm: None,
        policy: PolicyIdentity { name: "graded".into(), revision: "3f00aa11bb22".into() },
        protocol: "chat".into(),
        stream: true,
        mode: Mode::Enforce,
        applied: vec![Applied::new(Countermeasure::Rate, counts(&used)), side_channels, reasoning],
        observed: Vec::new(),
        other_arms: BTreeMap::new(),
        dry_run: None,
        outcome: Outcome::Complete,
        status: Some(200),
        durations: Durations { first_byte_ms: Some(312), total_ms: 8_123 },
    }
}

/// What a unit met in a minute: 450 bytes.
fn unit(key: &AuditKey, number: u32) -> Line {
    let mut met =
        UnitSums { requests: 20, exposed: 3, output_tokens: 9_000, ..UnitSums::default() };
    for request in 0..20 {
        met.first_byte.add(u64::from((number + request * 37) % 900));
        met.per_thousand_tokens.add(u64::from((number + request * 11) % 20_000));
    }
    let account = format!("acct-{}", number % ACCOUNTS);
    Line::Unit(Box::new(UnitSummary {
        time: Timestamp::UNIX_EPOCH,
        experiment: ExperimentName { name: "withhold-at-half".into(), salt: "2026-12".into() },
        unit: UnitName::Account(key.principal(&account, None, None).account),
        arm: Some("control".into()),
        population: Some(Population::Legitimate),
        first_seen: Timestamp::UNIX_EPOCH,
        contaminated: false,
        met,
    }))
}

fn file(name: &str, line: impl Fn(u32) -> String) -> PathBuf {
    let mut text = String::new();
    for number in 0..LINES {
        let _ = writeln!(text, "{}", line(number));
    }
    let path = std::env::temp_dir().join(format!("guilloche-bench-{}-{name}", std::process::id()));
    fs::write(&path, text).unwrap_or_default();
    path
}

fn records() -> PathBuf {
    let key = AuditKey::new([7; 32]);
    file("records", |number| serde_json::to_string(&record(&key, number)).unwrap_or_default())
}

fn read(bencher: Bencher<'_, '_>, path: &Path) {
    let paths = [path.to_owned()];
    bencher.counter(ItemsCount::new(LINES)).bench_local(|| {
        let mut entries: u64 = 0;
        let files = reader::read(&paths, divan::black_box, |_| entries += 1, |_| ());
        files.map_or(0, |_| entries)
    });
    let _ = fs::remove_file(path);
}

/// Records, from the page cache.
#[divan::bench(sample_count = 5)]
fn read_records(bencher: Bencher<'_, '_>) {
    read(bencher, &records());
}

/// Summaries of units.
#[divan::bench(sample_count = 5)]
fn read_units(bencher: Bencher<'_, '_>) {
    let key = AuditKey::new([7; 32]);
    let path =
        file("units", |number| serde_json::to_string(&unit(&key, number)).unwrap_or_default());
    read(bencher, &path);
}

/// Records, each decided again.
#[divan::bench(sample_count = 5)]
fn replay(bencher: Bencher<'_, '_>) {
    let path = records();
    let paths = [path.clone()];
    let Ok(policy) = Policy::load("policies/strict.toml") else { return };
    let replayer = Replayer::new(policy, None, LOW_RISK);
    bencher.counter(ItemsCount::new(LINES)).bench_local(|| {
        let mut sums = Sums::default();
        let look = |entry| match entry {
            Entry::Record(record) => Some(replayer.look(*record)),
            _ => None,
        };
        let files =
            reader::read(&paths, look, |seen| seen.iter().for_each(|it| sums.add(it)), |_| ());
        files.map_or(0, |files| replayer.conclude(&sums, files).requests)
    });
    let _ = fs::remove_file(path);
}
