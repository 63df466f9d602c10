//! How fast `guilloche experiment report` reads, and in how much memory.
//!
//! ```sh
//! cargo bench --bench experiment_report
//! ```
//!
//! Writes audit files of ten million lines (`GUILLOCHE_LINES`) of two hundred thousand units
//! (`GUILLOCHE_UNITS`) into the folder for temporary files, three gigabytes, and removes them.

#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that prints a report and may stop at a mistake of its own"
)]

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use guilloche::audit::latency::LatencySketch;
use guilloche::audit::{
    AuditKey, Entry, ExperimentName, Line, Population, UnitName, UnitSummary, UnitSums, reader,
};
use guilloche::experiment::Experiment;
use guilloche::experiment::analysis::{Known, Units, analyse};
use guilloche::jiff::SignedDuration;
use guilloche::policy::Policy;
use tokio::time::Instant;

/// Files, as of so many replicas.
const FILES: u64 = 10;

const EXPERIMENT: &str = "
version = 1
name = 'bench'
salt = 's'
start = 2026-12-01
end = 2026-12-29
looks = 4
[[arm]]
name = 'control'
policy = 'p'
control = true
[[arm]]
name = 'strict'
policy = 'p'
[[metric]]
name = 'reasoning_tokens'
role = 'success'
better = 'lower'
scale = 'log'
[[metric]]
name = 'first_byte_ms'
role = 'guardrail'
better = 'lower'
margin = 0.05
cap = 60_000
[[metric]]
name = 'refused_share'
role = 'guardrail'
better = 'lower'
margin = 0.01
";

fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).map_or(otherwise, |number| number.parse().unwrap())
}

fn main() {
    // `cargo test` runs it, too, and asks for no figures.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let (lines, units) =
        (number("GUILLOCHE_LINES", 10_000_000), number("GUILLOCHE_UNITS", 200_000));
    let experiment = Experiment::parse("bench", EXPERIMENT, |_| {
        let text = "version=1\nname='p'\nmode='observe'\n[[grade]]\nname='g'\nat=0.5\n";
        Policy::parse("p", text)
    })
    .unwrap();
    let folder = std::env::temp_dir().join(format!("guilloche-report-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let paths: Vec<PathBuf> =
        (0..FILES).map(|file| folder.join(format!("audit-{file}.jsonl"))).collect();
    for (file, path) in (0_u64..).zip(&paths) {
        let mut out = BufWriter::new(File::create(path).unwrap());
        for line in (file..lines).step_by(FILES as usize) {
            serde_json::to_writer(&mut out, &summary(&experiment, line, lines, units)).unwrap();
            out.write_all(b"\n").unwrap();
        }
        out.flush().unwrap();
    }
    let before = memory();
    let (started, spent) = (Instant::now(), processor());
    let mut known = Units::of(&experiment);
    let filling = known.filling();
    let look = |entry| {
        if let Entry::Line(Line::Unit(summary)) = entry {
            filling.add(*summary);
        }
    };
    let files = reader::read(&paths, look, |()| (), |_| ()).unwrap();
    drop(filling);
    let (read, spent_reading) = (started.elapsed().as_secs_f64(), processor() - spent);
    let after = memory();
    let report = analyse(&experiment, &known, Known::default()).unwrap();
    let whole = started.elapsed().as_secs_f64();
    let bytes: u64 = files.iter().map(|file| file.bytes).sum();
    assert_eq!(report.data.summaries, lines);
    println!(
        "{lines} lines ({:.2} GB) of {} units: read in {read:.1} s ({spent_reading:.1} s of \
         processors), {:.0} lines/s, {:.0} MB/s",
        bytes as f64 / 1e9,
        known.len(),
        lines as f64 / read,
        bytes as f64 / read / 1e6
    );
    println!(
        "with the report: {whole:.1} s ({:.1} s of processors), {:.0} lines/s: {}",
        processor() - spent,
        lines as f64 / whole,
        report.verdict.word()
    );
    println!(
        "most memory: {} MiB, {} bytes for each unit while reading",
        memory() >> 20,
        after.saturating_sub(before) / known.len().max(1) as u64
    );
    std::fs::remove_dir_all(folder).unwrap();
}

/// The `line`th summary: all units take turns, so that each is met all through the experiment.
fn summary(experiment: &Experiment, line: u64, lines: u64, units: u64) -> Line {
    let unit = line % units;
    let harvests = unit % 100 == 0;
    let name = AuditKey::new([5; 32]).principal(&unit.to_string(), None, None).account;
    let share = (line + 1) as f64 / lines as f64;
    let whole = experiment.end.duration_since(experiment.start);
    let mut met = UnitSums { requests: 3, ..UnitSums::default() };
    for answer in 0..3 {
        met.first_byte.add(200 + (line * 7 + answer * 131) % 900);
    }
    if harvests {
        met.exposed = 3;
        met.reasoning_tokens = 1_000 + line % 4_096;
    }
    met.per_thousand_tokens = LatencySketch::default();
    Line::Unit(Box::new(UnitSummary {
        time: experiment.start + SignedDuration::from_secs_f64(whole.as_secs_f64() * share),
        experiment: ExperimentName { name: "bench".into(), salt: "s".into() },
        unit: if harvests { UnitName::Cluster(name) } else { UnitName::Account(name) },
        arm: Some(["control", "strict"][(unit / 100 % 2) as usize ^ (unit % 2) as usize].into()),
        population: Some(if harvests { Population::Harvesters } else { Population::Legitimate }),
        first_seen: experiment.start,
        contaminated: false,
        met,
    }))
}

/// The most memory that this process has had, in bytes, where the system tells.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    number.unwrap_or(0) * 1024
}

/// The time that this process has had of all processors, in seconds, where the system tells.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name, which may hold anything: user and system time, in hundredths.
    let (_, rest) = stat.rsplit_once(')').unwrap_or_default();
    let ticks = rest.split_whitespace().skip(11).take(2).filter_map(|it| it.parse::<f64>().ok());
    ticks.sum::<f64>() / 100.0
}
