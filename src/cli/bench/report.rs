//! From windows to figures, and the figures as text and JSON.

use std::fmt::Write;

use serde::Serialize;

use super::measure::Measure;
use super::rows::Row;

/// One window's figures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Sample {
    /// In the unit of its measure.
    pub(super) value: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) p50_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) p99_us: Option<u64>,
    /// CPU time of the proxy per request or event, beside a rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cpu_us: Option<f64>,
}

/// The windows of one row, in the order of the rounds. `None`: not valid, since a request failed.
#[derive(Clone, Debug)]
pub(super) struct Windows {
    pub(super) row: Row,
    pub(super) samples: Vec<Option<Sample>>,
}

/// All that is reported.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) machine: String,
    pub(super) rounds: usize,
    pub(super) window_seconds: f64,
    pub(super) connections: usize,
    pub(super) streams: usize,
    pub(super) open_streams: usize,
    pub(super) measures: Vec<Figures>,
    pub(super) notes: Vec<String>,
}

/// One table.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    measure: Measure,
    unit: &'static str,
    rows: Vec<RowFigures>,
}

#[derive(Debug, Serialize)]
struct RowFigures {
    row: Row,
    /// The median of the valid windows.
    #[serde(flatten)]
    median: Option<Sample>,
    /// The median of what each round gave against its own bare proxy: the ratio of CPU times, or for memory
    /// the difference.
    #[serde(skip_serializing_if = "Option::is_none")]
    against_bare: Option<f64>,
    /// The same against nginx.
    #[serde(skip_serializing_if = "Option::is_none")]
    against_nginx: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Verdict>,
    windows: Vec<Option<Sample>>,
}

/// A target and whether it is met.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Verdict {
    /// The row that it is measured against.
    with: Row,
    at_most: f64,
    met: bool,
    /// Figure less target.
    difference: f64,
}

/// What the project holds itself to: against which row, and what.
fn bound(measure: Measure, row: Row) -> Option<(Row, f64)> {
    match (measure, row) {
        (Measure::Rps, Row::Untouched) => Some((Row::Bare, 1.15)),
        (Measure::Rps, Row::Strictest) => Some((Row::Bare, 1.7)),
        (Measure::Rps, Row::Marked) => Some((Row::Bare, 2.2)),
        (Measure::Cpu, Row::Untouched) => Some((Row::Nginx, 1.05)),
        (Measure::Cpu, Row::Strictest) => Some((Row::Nginx, 1.1)),
        (Measure::Cpu, Row::Marked) => Some((Row::Nginx, 1.15)),
        (Measure::Memory, Row::Untouched | Row::Strictest) => Some((Row::Bare, 32.0)),
        _ => None,
    }
}

impl Sample {
    /// What rows are compared by: CPU time, or for memory the value itself.
    fn compared(&self, measure: Measure) -> Option<f64> {
        if measure.is_rate() { self.cpu_us } else { Some(self.value) }
    }
}

/// The median of what each round gave against another row's.
fn against(
    measure: Measure,
    own: &[Option<Sample>],
    other: Option<&[Option<Sample>]>,
) -> Option<f64> {
    let pairs = own.iter().zip(other?).filter_map(|(own, other)| {
        let (own, other) = (*own)?.compared(measure).zip((*other)?.compared(measure))?;
        Some(if measure == Measure::Memory { own - other } else { own / other })
    });
    median(pairs.collect())
}

impl Figures {
    pub(super) fn new(measure: Measure, rows: Vec<Windows>) -> Self {
        let of = |row: Row| {
            let windows = rows.iter().find(|windows| windows.row == row);
            windows.map(|windows| windows.samples.clone())
        };
        let (bare, nginx) = (of(Row::Bare), of(Row::Nginx));
        let rows = rows
            .into_iter()
            .map(|Windows { row, samples }| {
                let compared = |with: Row, other: &Option<Vec<_>>| {
                    let other = other.as_deref().filter(|_| row != with);
                    against(measure, &samples, other)
                };
                let against_bare = compared(Row::Bare, &bare);
                let against_nginx = compared(Row::Nginx, &nginx);
                let target = bound(measure, row).and_then(|(with, at_most)| {
                    let figure = if with == Row::Nginx { against_nginx } else { against_bare }?;
                    let difference = figure - at_most;
                    Some(Verdict { with, at_most, met: figure <= at_most, difference })
                });
                RowFigures {
                    row,
                    median: medians(&samples),
                    against_bare,
                    against_nginx,
                    target,
                    windows: samples,
                }
            })
            .collect();
        Self { measure, unit: measure.unit(), rows }
    }
}

fn medians(samples: &[Option<Sample>]) -> Option<Sample> {
    let of = |field: fn(&Sample) -> Option<f64>| {
        median(samples.iter().flatten().filter_map(field).collect())
    };
    Some(Sample {
        value: of(|sample| Some(sample.value))?,
        p50_us: of(|sample| sample.p50_us.map(|it| it as f64)).map(|it| it as u64),
        p99_us: of(|sample| sample.p99_us.map(|it| it as f64)).map(|it| it as u64),
        cpu_us: of(|sample| sample.cpu_us),
    })
}

/// The middle one; of an even number the mean of the two.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let upper = values.get(values.len() / 2)?;
    let lower = values.get(values.len().checked_sub(1)? / 2)?;
    Some((lower + upper) / 2.0)
}

impl Report {
    /// For people, in 80 columns.
    pub(super) fn text(&self) -> String {
        let Self { machine, rounds, window_seconds, measures, notes, .. } = self;
        let mut text = format!(
            "{machine}\n{rounds} round(s), windows of {window_seconds} s, medians; \"bare\" and \
             \"nginx\":\nmedian of the rounds' ratios of CPU time\n"
        );
        for figures in measures {
            self.table(figures, &mut text);
        }
        for note in notes {
            text.push_str("\nnote: ");
            text.push_str(note);
        }
        if !notes.is_empty() {
            text.push('\n');
        }
        text
    }

    fn table(&self, figures: &Figures, text: &mut String) {
        let Figures { measure, unit, rows } = figures;
        let title = match measure {
            Measure::Rps => format!("JSON answers, {} connections", self.connections),
            Measure::Stream => format!(
                "Streams without a pause, {} connections; latency is that of the first event",
                self.connections
            ),
            Measure::Cpu => format!("CPU time of the proxy, {} streams, 5 ms", self.streams),
            Measure::Memory => format!("Memory of the proxy, {} open streams", self.open_streams),
        };
        let [bare, nginx] =
            if *measure == Measure::Memory { ["- bare", "- nginx"] } else { ["bare", "nginx"] };
        let [p99, cpu] = if measure.is_rate() { ["p99 ms", "CPU µs"] } else { [""; 2] };
        // Writing to a string does not fail.
        let _ = writeln!(text, "\n{title}");
        let _ = writeln!(text, "{:<20}{unit:>11}{p99:>7}{cpu:>7}{bare:>8}{nginx:>8} target", "");
        for row in rows {
            let RowFigures { row, median, against_bare, against_nginx, target, windows } = row;
            let digits = if measure.is_rate() { 0 } else { 2 };
            let value = median.map_or("invalid".to_owned(), |it| format!("{:.digits$}", it.value));
            let milliseconds = |latency: Option<u64>| {
                latency.map_or_else(String::new, |it| format!("{:.2}", it as f64 / 1000.0))
            };
            let p99 = milliseconds(median.and_then(|it| it.p99_us));
            let cpu =
                median.and_then(|it| it.cpu_us).map_or_else(String::new, |it| format!("{it:.1}"));
            let [bare, nginx] = [against_bare, against_nginx]
                .map(|ratio| ratio.map_or_else(String::new, |it| format!("{it:.2}")));
            let target = target.as_ref().map_or_else(String::new, Verdict::text);
            let line = format!(
                "{:<20}{value:>11}{p99:>7}{cpu:>7}{bare:>8}{nginx:>8} {target}",
                row.title()
            );
            let _ = writeln!(text, "{}", line.trim_end());
            let invalid = windows.iter().filter(|window| window.is_none()).count();
            if invalid > 0 {
                let _ = writeln!(text, "  {invalid} of {} windows invalid", windows.len());
            }
        }
    }
}

impl Verdict {
    fn text(&self) -> String {
        let Self { at_most, met, difference, .. } = self;
        let verdict = if *met { "met" } else { "missed" };
        format!("≤{at_most} {verdict} {difference:+.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(row: Row, values: &[Option<f64>]) -> Windows {
        let sample = |value: f64| Sample { value, ..Sample::default() };
        Windows { row, samples: values.iter().map(|value| value.map(sample)).collect() }
    }

    #[test]
    fn a_row_is_compared_with_the_proxies_of_its_own_round() {
        let bare = windows(Row::Bare, &[Some(100.0), Some(50.0), Some(10.0)]);
        let nginx = windows(Row::Nginx, &[Some(50.0), Some(50.0), Some(5.0)]);
        let own = windows(Row::Untouched, &[Some(110.0), Some(52.0), Some(20.0)]);
        let figures = Figures::new(Measure::Cpu, vec![bare, nginx, own]);
        let own = &figures.rows[2];
        assert_eq!((own.against_bare, own.against_nginx), (Some(1.1), Some(2.2)));
        assert_eq!(own.median.map(|it| it.value), Some(52.0));
        assert!(own.target.is_some_and(|target| target.with == Row::Nginx && !target.met));
        assert_eq!((figures.rows[0].against_bare, figures.rows[1].against_nginx), (None, None));
    }

    #[test]
    fn an_invalid_window_counts_for_nothing() {
        let bare = windows(Row::Bare, &[Some(10.0), None, Some(10.0)]);
        let own = windows(Row::Strictest, &[Some(43.0), Some(1.0), None]);
        let figures = Figures::new(Measure::Memory, vec![bare, own]);
        let target = figures.rows[1].target.unwrap();
        assert_eq!((target.at_most, target.met, target.difference), (32.0, false, 1.0));
    }

    /// Fails when a fast answer passes for a cheap one.
    #[test]
    fn answers_are_compared_by_the_time_that_the_processors_spent_on_them() {
        let row = |row, rate, cpu| {
            let sample = Sample { value: rate, cpu_us: Some(cpu), ..Sample::default() };
            Windows { row, samples: vec![Some(sample)] }
        };
        let rows = vec![row(Row::Bare, 100.0, 10.0), row(Row::Untouched, 200.0, 11.0)];
        assert_eq!(Figures::new(Measure::Rps, rows).rows[1].against_bare, Some(1.1));
    }

    #[test]
    fn the_report_fits_80_columns() {
        let rows = Row::ALL.map(|row| {
            let sample = Sample {
                value: 123_456.0,
                p50_us: Some(123_456),
                p99_us: Some(123_456),
                cpu_us: Some(1234.5),
            };
            Windows { row, samples: vec![Some(sample), None] }
        });
        let measures = Measure::ALL.map(|measure| Figures::new(measure, rows.to_vec()));
        let report = Report {
            machine: "2 x a processor".to_owned(),
            rounds: 2,
            window_seconds: 1.5,
            connections: 1024,
            streams: 10_000,
            open_streams: 10_000,
            measures: Vec::from(measures),
            notes: Vec::new(),
        };
        for line in report.text().lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
}
