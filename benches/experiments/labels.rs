//! Arms that do the same, and an outcome whose label is partly wrong.

use crate::analyses::{account_t, delta, randomization, welch};
use crate::population::{Draw, LINES, arms, clusters, named};
use crate::tally::{Rate, head, repetitions, row};

fn mean(unit: &[f64]) -> f64 {
    unit.iter().sum::<f64>() / unit.len() as f64
}

pub(crate) fn study() {
    head(&[
        "clusters",
        "split",
        "sensitivity",
        "randomization",
        "Welch",
        "account-level t",
        "delta method",
    ]);
    for (line, (number, share)) in LINES.into_iter().enumerate() {
        for sensitivity in [0.6, 0.9] {
            let mut draw = Draw::of_line(1_000 + 100 * line as u64 + (sensitivity * 10.0) as u64);
            let mut rates = [Rate::default(); 4];
            for _ in 0..repetitions(4_000) {
                let units = clusters(number, share, &mut draw);
                let (control, treated) = arms(&units, |unit| unit.labelled(sensitivity, &mut draw));
                let shares =
                    |arm: &[Vec<f64>]| arm.iter().map(|unit| mean(unit)).collect::<Vec<_>>();
                let (control_shares, treated_shares) = (shares(&control), shares(&treated));
                let answers = [
                    randomization(&control_shares, &treated_shares, draw.seed()),
                    welch(&control_shares, &treated_shares),
                    account_t(&control, &treated),
                    delta(&control, &treated),
                ];
                for (rate, answer) in rates.iter_mut().zip(answers) {
                    rate.add(answer);
                }
            }
            row(&format!("{} | {sensitivity}", named(number, share)), &rates);
        }
    }
}
