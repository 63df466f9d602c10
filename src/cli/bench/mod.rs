//! `guilloche bench`: what guilloche costs over a bare proxy, on this machine, in one run.
//!
//! This process makes the load. The upstream, the bare proxy and `guilloche serve` are copies of
//! its own executable, each a process of its own on loopback. Rows are measured in turns and
//! compared within a round, so that a machine which is busy for a while is busy for all of them.

mod canned;
pub(super) mod children;
mod histogram;
mod load;
mod measure;
mod nginx;
mod process;
mod report;
mod rows;
mod target;

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use clap::Args;
use tokio::time::{Instant, sleep, sleep_until};

use super::{Answer, Failure, Format, standard_output};
use crate::proxy::shutdown_signal;
use children::StreamShape;
use load::{OpenStreams, Window};
use measure::Measure;
use process::Served;
use report::{Figures, Report, Sample, Windows};
use rows::{Rig, Row, check};
use target::Target;

/// Load runs for this long before anything counts.
const WARM_UP: Duration = Duration::from_millis(300);
/// Between windows, so that what one left behind does not weigh on the next.
const SETTLE: Duration = Duration::from_millis(100);
/// Events with text of a stream without a pause.
const STREAM_TEXTS: u64 = 200;
/// Between two events of a stream whose cost in CPU time is measured.
const CPU_INTERVAL: Duration = Duration::from_millis(5);
/// Paced streams go on for this long before and behind their window.
const MARGIN: Duration = Duration::from_millis(500);
/// Between two events of a stream whose memory is measured: nearly idle.
const MEMORY_INTERVAL: Duration = Duration::from_millis(100);
/// Events that each such stream has brought its client before memory is read.
const MEMORY_EVENTS: u64 = 6;
/// Files that a process needs besides its connections.
const OTHER_FILES: usize = 100;

/// Measure the overhead against a bare proxy.
///
/// Starts an upstream with canned answers, a bare hyper proxy and guilloche on loopback, loads
/// them in turns, nginx among them where it is installed, and prints what each managed beside the project's
/// targets. CPU time and memory
/// are read from /proc, so they are measured on Linux only. A target that is missed is no failure.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  guilloche bench\n  guilloche bench --only cpu --rounds 5 \
                        --seconds 3 --format json")]
pub(crate) struct Arguments {
    /// Length of a window, in seconds.
    #[arg(long, default_value_t = 1.5, value_parser = seconds)]
    seconds: f64,
    /// Connections that ask for documents, or for streams without a pause.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..))]
    connections: u16,
    /// Streams, one event every 5 ms each, over which CPU time is measured.
    #[arg(long, default_value_t = 400, value_parser = clap::value_parser!(u16).range(1..))]
    streams: u16,
    /// Nearly idle streams over which memory is measured.
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u16).range(1..))]
    open_streams: u16,
    /// How often each row is measured; memory is measured once.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..))]
    rounds: u8,
    /// What to measure; everything if not given.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Measure>,
    /// How the report is written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    if (0.1..=600.0).contains(&seconds) {
        Ok(seconds)
    } else {
        Err("expected 0.1 to 600 seconds".to_owned())
    }
}

pub(crate) fn run(arguments: Arguments) -> Result<Answer, Failure> {
    let format = arguments.format;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(async {
        let stop = shutdown_signal()?;
        // What is not awaited any more is dropped, and the processes with it.
        tokio::select! {
            report = Bench::start(arguments) => report,
            () = stop => Err("stopped before the end".into()),
        }
    })?;
    let mut stdout = standard_output::lock();
    match format {
        Format::Text => write!(stdout, "{}", report.text())?,
        Format::Json => writeln!(stdout, "{:#}", serde_json::to_value(&report)?)?,
    }
    Ok(Answer::Done)
}

/// A run.
struct Bench {
    rig: Rig,
    upstream: Target,
    window: Duration,
    connections: usize,
    streams: usize,
    open_streams: usize,
    notes: Vec<String>,
}

/// A row's process, if it has one of its own, and where its load goes.
struct Running {
    row: Row,
    served: Option<Served>,
    target: Target,
}

impl Bench {
    async fn start(arguments: Arguments) -> Result<Report, Failure> {
        let Arguments { seconds, connections, streams, open_streams, rounds, only, .. } = arguments;
        let machine = process::machine();
        let rig = Rig::start()?;
        let mut bench = Self {
            upstream: Target::new(Row::Upstream.score(), rig.upstream.address),
            rig,
            window: Duration::from_secs_f64(seconds),
            connections: connections.into(),
            streams: streams.into(),
            open_streams: open_streams.into(),
            notes: Vec::new(),
        };
        bench.fit_open_files();
        let mut measures: Vec<Measure> = if only.is_empty() { Measure::ALL.into() } else { only };
        measures.sort();
        measures.dedup();
        if !cfg!(target_os = "linux") {
            measures.retain(|measure| measure.is_rate());
            bench.notes.push("CPU time and memory are measured on Linux only".to_owned());
        }
        let rounds = usize::from(rounds);
        let figures = bench.measure(&measures, rounds).await?;
        let Self { connections, streams, open_streams, notes, .. } = bench;
        Ok(Report {
            machine,
            rounds,
            window_seconds: seconds,
            connections,
            streams,
            open_streams,
            measures: figures,
            notes,
        })
    }

    /// A proxy has two connections for each stream, and the limit cannot be raised from here.
    fn fit_open_files(&mut self) {
        let Some(limit) = process::open_files() else { return };
        let most = (limit.saturating_sub(OTHER_FILES) / 2).max(1);
        for streams in [&mut self.connections, &mut self.streams, &mut self.open_streams] {
            if *streams > most {
                let note =
                    format!("{most} streams instead of {streams}: {limit} open files allowed");
                self.notes.push(note);
                *streams = most;
            }
        }
    }

    async fn measure(
        &mut self,
        measures: &[Measure],
        rounds: usize,
    ) -> Result<Vec<Figures>, Failure> {
        let mut running = Vec::new();
        let rows = Rig::rows();
        if !rows.contains(&Row::Nginx) {
            self.note("nginx is not installed, and no row".to_owned());
        }
        for row in rows.iter().copied() {
            running.push(self.start_row(row).await?);
        }
        let steps = |measure: &Measure| {
            if *measure == Measure::Memory { 3 } else { rows.len() * rounds }
        };
        let mut progress = Progress::new(measures.iter().map(steps).sum());
        let mut windows: BTreeMap<(Measure, Row), Vec<Option<Sample>>> = BTreeMap::new();
        for _ in 0..rounds {
            for measure in measures.iter().filter(|measure| **measure != Measure::Memory) {
                for running in &running {
                    progress.step(*measure, running.row)?;
                    if *measure == Measure::Cpu && running.served.is_none() {
                        continue;
                    }
                    sleep(SETTLE).await;
                    let sample = self.window(*measure, running).await?;
                    windows.entry((*measure, running.row)).or_default().push(sample);
                }
            }
        }
        drop(running);
        if measures.contains(&Measure::Memory) {
            for row in [Row::Bare, Row::Untouched, Row::Strictest] {
                progress.step(Measure::Memory, row)?;
                let sample = self.memory(row).await?;
                windows.entry((Measure::Memory, row)).or_default().push(sample);
            }
        }
        progress.clear()?;
        let figures = measures.iter().map(|measure| {
            let own = windows.iter().filter(|((of, _), _)| of == measure);
            let rows =
                own.map(|((_, row), samples)| Windows { row: *row, samples: samples.clone() });
            Figures::new(*measure, rows.collect())
        });
        Ok(figures.collect())
    }

    async fn start_row(&self, row: Row) -> Result<Running, Failure> {
        let served = self.rig.start_row(row).await?;
        let address = served.as_ref().map_or(self.rig.upstream.address, |served| served.address);
        let target = Target::new(row.score(), address);
        check(row, &target, &self.upstream).await?;
        Ok(Running { row, served, target })
    }

    /// One window of one row; `None` if it is not valid.
    async fn window(
        &mut self,
        measure: Measure,
        running: &Running,
    ) -> Result<Option<Sample>, Failure> {
        let Running { row, served, target } = running;
        let mut events = 1;
        let stream = match measure {
            Measure::Rps => None,
            Measure::Stream => {
                let shape = StreamShape {
                    texts: STREAM_TEXTS,
                    reasoning: STREAM_TEXTS / 2,
                    interval: Duration::ZERO,
                };
                events = load::events_of(shape);
                Some((shape, row.delivered(shape)))
            }
            Measure::Cpu | Measure::Memory => {
                let Some(served) = served else { return Ok(None) };
                return self.cpu(*row, served, target).await;
            }
        };
        let window = Window::after(WARM_UP, self.window);
        let load = load::exchanges(target, self.connections, window, stream);
        let (done, cpu) = tokio::join!(load, cpu_seconds(served.as_ref(), window));
        // Of a stream every event counts that the upstream sent, whether or not it was left out.
        let count = (done.latencies.total() * events) as f64;
        Ok((done.failed == 0 && count > 0.0).then(|| Sample {
            value: count / self.window.as_secs_f64(),
            cpu_us: cpu.map(|seconds| seconds * 1e6 / count),
            p50_us: done.latencies.quantile(0.5),
            p99_us: done.latencies.quantile(0.99),
        }))
    }

    /// CPU time of the row's process per event that the upstream sent, over the middle of streams
    /// whose first half is reasoning.
    async fn cpu(
        &mut self,
        row: Row,
        served: &Served,
        target: &Target,
    ) -> Result<Option<Sample>, Failure> {
        let length = self.window + MARGIN * 2;
        let texts = length.div_duration_f64(CPU_INTERVAL) as u64;
        let shape = StreamShape { texts, reasoning: texts / 2, interval: CPU_INTERVAL };
        let streams = OpenStreams::open(target, self.streams, shape).await?;
        sleep(MARGIN).await;
        let begin = Instant::now();
        let cpu = served.cpu_seconds()?;
        let sent = load::sent(&self.upstream).await?;
        let delivered = streams.delivered();
        sleep_until(begin + self.window).await;
        let cpu = served.cpu_seconds()? - cpu;
        let sent = load::sent(&self.upstream).await? - sent;
        let delivered = streams.delivered() - delivered;
        let (elapsed, ended) = (begin.elapsed(), streams.ended());
        streams.close().await;
        let planned = self.streams as f64 * elapsed.div_duration_f64(CPU_INTERVAL);
        if (sent as f64) < planned * 0.9 {
            let share = 100.0 * sent as f64 / planned;
            let title = row.title();
            self.note(format!("{title}: the upstream sent {share:.0} % of the events in time"));
        }
        // Whoever falls behind has not forwarded what it was asked to, and what it did forward came
        // in larger pieces, which cost less: neither may pass for speed.
        let behind = (delivered as f64) < sent as f64 * row.least_share();
        if behind {
            let share = 100.0 * delivered as f64 / sent as f64;
            self.note(format!("{}: clients got {share:.0} % of the events in time", row.title()));
        }
        let value = cpu * 1e6 / sent.max(1) as f64;
        Ok((ended == 0 && !behind && sent > 0).then_some(Sample { value, ..Sample::default() }))
    }

    /// Memory of a process that has done nothing else, per open stream.
    async fn memory(&mut self, row: Row) -> Result<Option<Sample>, Failure> {
        let Running { served, target, .. } = self.start_row(row).await?;
        let Some(served) = served else { return Ok(None) };
        let before = served.resident_bytes()?;
        let shape =
            StreamShape { texts: 100_000, reasoning: MEMORY_EVENTS, interval: MEMORY_INTERVAL };
        let streams = OpenStreams::open(&target, self.open_streams, shape).await?;
        let events = MEMORY_EVENTS * self.open_streams as u64;
        let came = streams.wait_for(events, Duration::from_secs(30)).await;
        let grown = served.resident_bytes()?.saturating_sub(before);
        let ended = streams.ended();
        streams.close().await;
        let value = grown as f64 / 1024.0 / self.open_streams as f64;
        Ok((ended == 0 && came.is_ok()).then_some(Sample { value, ..Sample::default() }))
    }

    fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// CPU time that a process uses within a window, where the system tells.
async fn cpu_seconds(served: Option<&Served>, window: Window) -> Option<f64> {
    sleep_until(window.begin).await;
    let before = served?.cpu_seconds().ok()?;
    sleep_until(window.end).await;
    Some(served?.cpu_seconds().ok()? - before)
}

/// What is being done, on standard error, if a person is watching.
struct Progress {
    shown: bool,
    step: usize,
    steps: usize,
}

impl Progress {
    fn new(steps: usize) -> Self {
        Self { shown: io::stderr().is_terminal(), step: 0, steps }
    }

    fn step(&mut self, measure: Measure, row: Row) -> io::Result<()> {
        self.step += 1;
        if !self.shown {
            return Ok(());
        }
        let Self { step, steps, .. } = self;
        write!(io::stderr(), "\r\x1b[K[{step}/{steps}] {}: {}", measure.unit(), row.title())
    }

    fn clear(&self) -> io::Result<()> {
        if self.shown { write!(io::stderr(), "\r\x1b[K") } else { Ok(()) }
    }
}
