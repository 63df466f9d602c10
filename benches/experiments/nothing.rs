//! Arms that do the same, looked at once.

use guilloche::stats::{Cuped, PairedMoments, Scale};

use crate::analyses::{account_t, delta, randomization, welch};
use crate::population::{Draw, LINES, arms, clusters, named};
use crate::tally::{Rate, head, repetitions, row};

pub(crate) fn study() {
    head(&[
        "clusters",
        "split",
        "randomization: mean",
        "with CUPED",
        "log of total",
        "Welch: mean",
        "with CUPED",
        "log of total",
        "capped total",
        "raw total",
        "account-level t",
        "delta method",
    ]);
    for (line, (number, share)) in LINES.into_iter().enumerate() {
        let mut draw = Draw::of_line(line as u64);
        let mut rates = [Rate::default(); 10];
        for _ in 0..repetitions(4_000) {
            let units = clusters(number, share, &mut draw);
            let capped = Scale::capped_at(30.0).unwrap();
            let (mean, mean_treated) = arms(&units, |unit| unit.mean());
            let (log, log_treated) = arms(&units, |unit| Scale::Log.apply(unit.total).unwrap());
            let (cap, cap_treated) = arms(&units, |unit| capped.apply(unit.total).unwrap());
            let (raw, raw_treated) = arms(&units, |unit| unit.total);
            let (accounts, accounts_treated) = arms(&units, |unit| unit.accounts.clone());
            let pairs = units.iter().map(|unit| (unit.mean(), unit.before));
            let cuped = Cuped::blind(&PairedMoments::of(pairs).unwrap()).unwrap();
            let (adjusted, adjusted_treated) =
                arms(&units, |unit| cuped.adjust(unit.mean(), unit.before));
            let answers = [
                randomization(&mean, &mean_treated, draw.seed()),
                randomization(&adjusted, &adjusted_treated, draw.seed()),
                randomization(&log, &log_treated, draw.seed()),
                welch(&mean, &mean_treated),
                welch(&adjusted, &adjusted_treated),
                welch(&log, &log_treated),
                welch(&cap, &cap_treated),
                welch(&raw, &raw_treated),
                account_t(&accounts, &accounts_treated),
                delta(&accounts, &accounts_treated),
            ];
            for (rate, answer) in rates.iter_mut().zip(answers) {
                rate.add(answer);
            }
        }
        row(&named(number, share), &rates);
    }
}
