//! Arms looked at thirty times while units come in: that do the same, or of which one takes away half.

use guilloche::stats::{
    Alternative, ArmCount, ArmSequence, Assignments, AsymptoticSequence, BettingSequence,
    BoundedSequence, Contrast, Interval, Looks, Moments, Scale, randomization_test, sample_ratio,
};

use crate::analyses::level;
use crate::population::{Cluster, Draw, LINES, clusters, named};
use crate::tally::{Rate, head, repetitions, row};

const LOOKS: u32 = 30;
const CAP: f64 = 30.0;

/// Of one arm, what has come in so far.
struct Arm {
    logs: Moments,
    caps: Moments,
    shares: Moments,
    bets: BettingSequence,
    values: Vec<f64>,
}

impl Arm {
    fn new() -> Self {
        let (logs, caps, shares) = Default::default();
        let bets = BettingSequence::new(0.0, CAP, level().shared_among(2)).unwrap();
        Self { logs, caps, shares, bets, values: Vec::new() }
    }

    /// Of what the unit would do, only a share comes about.
    fn push(&mut self, unit: &Cluster, share: f64, draw: &mut Draw) {
        let total = share * unit.total;
        let capped = Scale::capped_at(CAP).unwrap().apply(total).unwrap();
        let log = Scale::Log.apply(total).unwrap();
        self.logs.push(log).unwrap();
        self.values.push(log);
        self.caps.push(capped).unwrap();
        self.bets.push(capped).unwrap();
        let labels = unit.labelled(0.7 * share, draw);
        self.shares.push(labels.iter().sum::<f64>() / labels.len() as f64).unwrap();
    }
}

fn excludes_zero(interval: Interval) -> bool {
    !interval.contains(0.0)
}

/// The randomization test at the level of this look.
fn planned(control: &Arm, treated: &Arm, look: u32, seed: [u8; 32]) -> Option<bool> {
    let level = Looks::planned(LOOKS, level()).unwrap().level_at(look).unwrap();
    let assignments = Assignments { enumerate_at_most: 2_000, draws: 1_999, seed };
    let two_sided = Alternative::TwoSided;
    let found =
        randomization_test(&control.values, &treated.values, two_sided, &assignments).ok()?;
    Some(found.p_value <= level.alpha())
}

/// What each sequence says at one look.
fn answers(control: &Arm, treated: &Arm, share: f64, intended: f64) -> [Option<bool>; 10] {
    let contrast = |control, treated| Contrast::between(control, treated).ok();
    let asymptotic = |control, treated| {
        let sequence =
            AsymptoticSequence::tuned_for(intended, Alternative::TwoSided, level()).unwrap();
        let found = sequence.at(&contrast(control, treated)?).ok()?;
        Some(excludes_zero(found.interval))
    };
    let arms = ArmSequence::tuned_for(intended / 2.0, level()).unwrap();
    let bounded = BoundedSequence::new(0.0, 1.0, level()).unwrap();
    let capped = BoundedSequence::new(0.0, CAP, level()).unwrap();
    let units = (control.logs.count(), treated.logs.count());
    let counts = [
        ArmCount { weight: 1.0 - share, units: units.0 },
        ArmCount { weight: share, units: units.1 },
    ];
    let ratio = sample_ratio(&[&counts]).unwrap();
    let welch = contrast(&control.logs, &treated.logs)
        .map(|contrast| contrast.welch(Alternative::TwoSided, level()).p_value <= 0.05);
    [
        None,
        asymptotic(&control.logs, &treated.logs),
        asymptotic(&control.caps, &treated.caps),
        arms.difference(&control.logs, &treated.logs).ok().map(excludes_zero),
        bounded.difference(&control.shares, &treated.shares).ok().map(excludes_zero),
        capped.difference(&control.caps, &treated.caps).ok().map(excludes_zero),
        Some(excludes_zero(Interval::difference(
            &control.bets.interval(),
            &treated.bets.interval(),
        ))),
        Some(ratio.anytime_p <= 0.05),
        welch,
        Some(ratio.p_value <= 0.05),
    ]
}

pub(crate) fn study() {
    for (kept, said) in [(1.0, "Nothing to find."), (0.5, "Half is taken away.")] {
        println!("{said}\n");
        head(&[
            "clusters",
            "split",
            "randomization at planned looks: log of total",
            "asymptotic: log of total",
            "capped total",
            "arm by arm: log of total",
            "bounded: share of labels",
            "bounded: capped total",
            "betting: capped total",
            "sample ratio, sequential",
            "Welch at every look",
            "χ² at every look",
        ]);
        let more = [(2_000, 0.5), (2_000, 0.1)];
        for (line, (number, share)) in LINES.into_iter().chain(more).enumerate() {
            let mut draw = Draw::of_line(3_000 + line as u64 + (kept * 200.0) as u64);
            let mut rates = [Rate::default(); 10];
            for _ in 0..repetitions(1_000) {
                let ever = one_experiment((number, share), kept, &mut draw);
                for (rate, ever) in rates.iter_mut().zip(ever) {
                    rate.add(ever);
                }
            }
            row(&named(number, share), &rates);
        }
        println!();
    }
}

/// What each sequence has ever said.
fn one_experiment((number, share): (usize, f64), kept: f64, draw: &mut Draw) -> [Option<bool>; 10] {
    let units = clusters(number, share, draw);
    let (mut control, mut treated) = (Arm::new(), Arm::new());
    let mut ever = [None; 10];
    for look in 1..=LOOKS as usize {
        let (from, to) = (number * (look - 1) / LOOKS as usize, number * look / LOOKS as usize);
        for unit in &units[from..to] {
            if unit.treated {
                treated.push(unit, kept, draw);
            } else {
                control.push(unit, 1.0, draw);
            }
        }
        let mut found = answers(&control, &treated, share, number as f64);
        let seed = draw.seed();
        // Not of thousands, for the sake of time.
        if number <= 200 {
            found[0] = planned(&control, &treated, look as u32, seed);
        }
        for (ever, found) in ever.iter_mut().zip(found) {
            // Once rejected, rejected.
            *ever = (*ever).max(found);
        }
    }
    ever
}
