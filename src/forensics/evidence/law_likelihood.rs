//! What the cells of a text say of a uniform that their sites follow in a share: the likelihood of the test.

use std::collections::{BTreeMap, HashMap};

use crate::forensics::detect::LawCounts;
use crate::mark::cell::Cell;
use crate::mark::law::{self, BUCKETS, sigmoid};

/// Nodes and weights of `E_ε` for a normal `ε` of deviation ½: Gauss and Hermite's with seven nodes.
const NOISE: [(f64, f64); 7] = [
    (-1.875_219_859_116_684_6, 5.482_688_559_722_178e-4),
    (-1.183_379_706_192_967, 3.075_712_396_758_646e-2),
    (-0.577_202_696_884_194_2, 0.240_123_178_605_012_9),
    (0.0, 0.457_142_857_142_857_1),
    (0.577_202_696_884_194_2, 0.240_123_178_605_012_9),
    (1.183_379_706_192_967, 3.075_712_396_758_646e-2),
    (1.875_219_859_116_684_6, 5.482_688_559_722_178e-4),
];

/// Sites of a cell with the same log-odds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sites {
    pub(super) threshold: u32,
    /// Of the second variant without a mark, with the habits of the text.
    usual: f64,
    zeros: f64,
    ones: f64,
}

pub(super) fn widths(ends: &[u32]) -> impl Iterator<Item = f64> + '_ {
    let all = 2.0_f64.powi(32);
    let starts = std::iter::once(0.0).chain(ends.iter().map(|end| f64::from(*end)));
    starts
        .zip(ends.iter().map(|end| f64::from(*end)).chain([all]))
        .map(move |(start, end)| (end - start) / all)
}

/// `S` in each interval.
pub(super) fn scores(sites: &[Sites], share: f64) -> Vec<f64> {
    let several = sites.iter().map(|site| site.zeros + site.ones).sum::<f64>() > 1.0;
    let nodes = if several { &NOISE[..] } else { &[(0.0, 1.0)] };
    let mut likelihoods: Vec<Vec<f64>> = Vec::with_capacity(nodes.len());
    for (noise, weight) in nodes {
        // In the first interval all sites would have the second variant; one by one they turn.
        let mut all = weight.ln();
        let mut turns = Vec::with_capacity(sites.len());
        for Sites { usual, zeros, ones, .. } in sites {
            let (one, zero) = (ln_sigmoid(usual + noise), ln_sigmoid(-usual - noise));
            let (other, kept) = ((1.0 - share).ln(), share);
            let followed = |ln: f64| ((1.0 - kept) * ln.exp() + kept).ln();
            let second = ones * followed(one) + zeros * (other + zero);
            let first = ones * (other + one) + zeros * followed(zero);
            all += second;
            turns.push(first - second);
        }
        let intervals = std::iter::once(0.0).chain(turns).scan(all, |sum, turn| {
            *sum += turn;
            Some(*sum)
        });
        likelihoods.push(intervals.collect());
    }
    let intervals = sites.len() + 1;
    let mut ln_l = Vec::with_capacity(intervals);
    for interval in 0..intervals {
        let of_nodes = likelihoods.iter().filter_map(|of_node| of_node.get(interval));
        ln_l.push(ln_sum(of_nodes.copied()));
    }
    let ends: Vec<u32> = sites.iter().map(|site| site.threshold).collect();
    let weighted: Vec<f64> = widths(&ends).zip(&ln_l).map(|(width, ln)| width.ln() + ln).collect();
    let whole = ln_sum(weighted.iter().copied());
    ln_l.iter().map(|ln| ln - whole).collect()
}

fn ln_sigmoid(x: f64) -> f64 {
    -(-x).exp().ln_1p()
}

fn ln_sum(terms: impl Iterator<Item = f64> + Clone) -> f64 {
    let most = terms.clone().fold(f64::NEG_INFINITY, f64::max);
    if most == f64::NEG_INFINITY {
        return most;
    }
    most + terms.map(|term| (term - most).exp()).sum::<f64>().ln()
}

/// How often each variant stands in a cell at places with these log-odds.
type Places = BTreeMap<(u32, i16), [f64; 2]>;

/// The sites of each cell by ascending threshold, with the habits of the text.
pub(super) fn cells(counts: &LawCounts) -> Vec<(Cell, Vec<Sites>)> {
    let all = places(counts);
    sites(&all, &habits(&all))
}

/// The sites of each cell in passages for which `apart` says so, by cell and group, and those elsewhere, with the
/// habits of the whole text.
pub(super) fn cells_apart(
    counts: &LawCounts,
    apart: impl Fn(Cell, u8) -> bool,
) -> [Vec<(Cell, Vec<Sites>)>; 2] {
    let all = places(counts);
    let habits = habits(&all);
    let (mut there, mut elsewhere) = (Places::new(), all);
    for (cell, log_odds, passage, stand) in counts.in_passages() {
        // What is past the bound of all places is no place of a passage either.
        let Some(left) = elsewhere.get_mut(&(cell, log_odds)) else { continue };
        if apart(Cell::from_number(cell), passage) {
            let taken = there.entry((cell, log_odds)).or_default();
            for ((left, taken), stand) in left.iter_mut().zip(taken).zip(stand) {
                let moved = f64::from(stand).min(*left);
                *left -= moved;
                *taken += moved;
            }
        }
    }
    [there, elsewhere].map(|places| sites(&places, &habits))
}

fn places(counts: &LawCounts) -> Places {
    let mut places = Places::new();
    for (cell, log_odds, _, stand) in counts.places() {
        let place = places.entry((cell, log_odds)).or_default();
        place.iter_mut().zip(stand).for_each(|(sum, more)| *sum += f64::from(more));
    }
    places
}

/// `α` of each class.
fn habits(places: &Places) -> HashMap<u32, f64> {
    let places: Vec<(u32, (i16, [f64; 2]))> = places
        .iter()
        .map(|((cell, log_odds), stand)| (cell / BUCKETS, (*log_odds, *stand)))
        .collect();
    let classes = places.chunk_by(|left, right| left.0 == right.0);
    let of_class = |class: &[(u32, (i16, [f64; 2]))]| {
        let (number, _) = class.first()?;
        Some((*number, habit(class.iter().map(|(_, place)| *place), 0.0, STEPS)))
    };
    classes.filter_map(of_class).collect()
}

fn sites(places: &Places, habits: &HashMap<u32, f64>) -> Vec<(Cell, Vec<Sites>)> {
    let mut cells: Vec<(Cell, Vec<Sites>)> = Vec::new();
    for ((cell, log_odds), [zeros, ones]) in places {
        if zeros + ones <= 0.0 {
            continue;
        }
        let threshold = law::threshold(*log_odds);
        let habit = habits.get(&(cell / BUCKETS)).copied().unwrap_or_default();
        let cell = Cell::from_number(*cell);
        if cells.last().is_none_or(|(last, _)| *last != cell) {
            cells.push((cell, Vec::new()));
        }
        let Some((_, sites)) = cells.last_mut() else { continue };
        match sites.last_mut() {
            Some(last) if last.threshold == threshold => {
                last.zeros += zeros;
                last.ones += ones;
            }
            _ => {
                let usual = f64::from(*log_odds) / 100.0 + habit;
                sites.push(Sites { threshold, usual, zeros: *zeros, ones: *ones });
            }
        }
    }
    cells
}

/// `α` of a class: by how much the text's log-odds differ from those of the rates, drawn to 0 by a normal
/// law of deviation 1. Newton's steps from `start`.
pub(super) fn habit(
    sites: impl Iterator<Item = (i16, [f64; 2])> + Clone,
    start: f64,
    steps: usize,
) -> f64 {
    let mut habit = start;
    for _ in 0..steps {
        let (mut slope, mut curve) = (-habit, 1.0);
        for (log_odds, [zeros, ones]) in sites.clone() {
            let rate = sigmoid(f64::from(log_odds) / 100.0 + habit);
            let all = zeros + ones;
            slope += ones - all * rate;
            curve += all * rate * (1.0 - rate);
        }
        let step: f64 = slope / curve;
        habit += step.clamp(-2.0, 2.0);
    }
    habit
}

/// Steps from 0 that suffice.
pub(super) const STEPS: usize = 25;
