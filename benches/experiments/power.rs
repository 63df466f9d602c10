//! What is found, and how often Welch's interval covers it.

use guilloche::stats::{Alternative, Design, Scale};

use crate::analyses::{covers, level, moments, randomization, welch};
use crate::population::{Cluster, Draw, arms, clusters, named};
use crate::tally::{Rate, head, repetitions, row};

/// A metric as it is shipped: its name, and the value of a unit.
type Metric = (&'static str, fn(&Cluster) -> f64);

const METRICS: [Metric; 2] =
    [("mean", Cluster::mean), ("log of total", |unit| Scale::Log.apply(unit.total).unwrap())];

pub(crate) fn study() {
    head(&[
        "clusters",
        "split",
        "metric",
        "effect, in deviations",
        "planned",
        "randomization",
        "Welch",
        "its interval covers",
        "Welch's covers",
    ]);
    // Lines are six apart, so that an effect more does not change the others.
    let mut line = 7_002;
    for (number, share) in [(20, 0.5), (200, 0.5), (20, 0.1), (200, 0.1)] {
        for (name, metric) in METRICS {
            let deviation = deviation(metric);
            for (place, effect) in [0.25, 0.5, 1.0, 1.5, 2.0].into_iter().enumerate() {
                let line = line + place as u64;
                one_line(line, (number, share), (name, metric), deviation, effect);
            }
            line += 6;
        }
    }
}

/// Of one unit, over many.
fn deviation(metric: fn(&Cluster) -> f64) -> f64 {
    let units = clusters(50_000, 0.5, &mut Draw::of_line(6_999));
    let values: Vec<_> = units.iter().map(metric).collect();
    moments(&values).variance().unwrap().sqrt()
}

fn one_line(
    line: u64,
    (number, share): (usize, f64),
    (name, metric): Metric,
    deviation: f64,
    effect: f64,
) {
    let mut draw = Draw::of_line(line);
    let mut rates = [Rate::default(); 4];
    for _ in 0..repetitions(4_000) {
        let units = clusters(number, share, &mut draw);
        let moved = effect * deviation;
        let (control, treated) =
            arms(&units, |unit| metric(unit) + if unit.treated { moved } else { 0.0 });
        rates[0].add(randomization(&control, &treated, draw.seed()));
        rates[1].add(welch(&control, &treated));
        // The interval of the randomization test is what its test does not reject.
        let back: Vec<_> = treated.iter().map(|value| value - moved).collect();
        let rejected = randomization(&control, &back, draw.seed());
        rates[2].add(rejected.map(|rejected| !rejected));
        rates[3].add(covers(&control, &treated, moved));
    }
    let treated_units = (number as f64 * share) as u64;
    let design = Design {
        control_units: number as u64 - treated_units,
        treated_units,
        control_deviation: deviation,
        treated_deviation: deviation,
    };
    let planned = design.power(effect * deviation, Alternative::TwoSided, level()).unwrap();
    row(
        &format!("{} | {name} | {effect} | {:.1} %", named(number, share), 100.0 * planned),
        &rates,
    );
}
