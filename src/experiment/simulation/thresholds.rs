//! The thresholds that leak least while few ordinary accounts are touched.
//!
//! Each grade has a budget: the share of ordinary accounts that may reach it or a stricter one. Where a
//! stricter grade leaks no more than a milder one, lowering any threshold leaks no more either. So the least
//! leak is where each threshold is as low as its budget allows, and no search is needed.

use super::{Frontier, Model, Question, SimulationError, Thresholds};

/// Budgets of the frontier: from one in a hundred thousand to one in ten, five a decade.
const BUDGETS: std::ops::RangeInclusive<i32> = -25..=-5;

pub(super) fn asked(
    model: &Model<'_>,
    now: &[Option<f64>],
    question: &Question,
) -> Result<Option<Thresholds>, SimulationError> {
    if question.budget.is_none() && question.budgets.is_empty() {
        return Ok(None);
    }
    let share = |share: f64| (0.0..=1.0).contains(&share);
    if !question.budget.into_iter().chain(question.budgets.iter().map(|it| it.1)).all(share) {
        return Err(SimulationError::Number("a budget is a share, from 0 to 1"));
    }
    let mut budgets = proportional(model, now, question.budget.unwrap_or(1.0));
    for (name, share) in &question.budgets {
        let place = model.policy.grades.iter().position(|grade| *grade.name == **name);
        match place.and_then(|place| budgets.get_mut(place)) {
            Some(budget) => *budget = share.min(question.budget.unwrap_or(1.0)),
            None => return Err(SimulationError::NoGrade(name.clone())),
        }
    }
    let best = lowest(model, &budgets);
    Ok(Some(Thresholds {
        grades: model.grades(&best),
        leaks: model.leaks(&best),
        ordinary_touched: model.touched(&best),
    }))
}

/// The least leak by the budget.
pub(super) fn frontier(model: &Model<'_>, now: &[Option<f64>]) -> Vec<Frontier> {
    let asked: f64 = model.population.campaigns.iter().map(super::Campaign::tokens).sum();
    let at = |fifth: i32| {
        let budget = 10_f64.powf(f64::from(fifth) / 5.0);
        let best = lowest(model, &proportional(model, now, budget));
        let leaked: f64 = model.leaks(&best).iter().map(|leak| leak.leaked).sum();
        Frontier { budget, leaked_share: leaked / asked }
    };
    BUDGETS.map(at).collect()
}

/// A budget for each grade: the stricter take the part of the first one's that they take now.
fn proportional(model: &Model<'_>, now: &[Option<f64>], budget: f64) -> Vec<f64> {
    let ordinary = |at: &Option<f64>| at.map_or(0.0, |at| model.detector.reach(at).ordinary);
    let first = now.first().map_or(0.0, ordinary);
    let part = |at: &Option<f64>| if first > 0.0 { ordinary(at) / first } else { 1.0 };
    now.iter().map(|at| budget * part(at)).collect()
}

/// The lowest thresholds within the budgets, none below that of a milder grade.
fn lowest(model: &Model<'_>, budgets: &[f64]) -> Vec<Option<f64>> {
    let mut least = Some(0.0_f64);
    let mut lowest = Vec::new();
    for budget in budgets {
        let own = model.detector.threshold_for(*budget);
        least = least.zip(own).map(|(milder, own)| milder.max(own));
        lowest.push(least);
    }
    lowest
}
