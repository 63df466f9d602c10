//! `guilloche policy simulate`: what a policy would leak, and whom it would touch.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use serde_json::json;

use super::super::page_file::PageFile;
use super::super::paragraph::{clipped, printable, write_wrapped};
use super::super::{Answer, Failure, Format, standard_output};
use crate::experiment::simulation::{
    Detector, GradeReach, Leak, Population, Quality, Question, Simulation, SimulationError, page,
    percent, read_curve, read_scores, rounded, simulate,
};
use crate::page::Run;
use crate::policy::Policy;

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("detector").required(true))]
pub(super) struct Arguments {
    /// The policy.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// The detector, by the area under its curve: its evidence follows two normal laws, and its score is
    /// calibrated.
    #[arg(long, group = "detector", value_name = "AREA")]
    auc: Option<f64>,
    /// The detector, by points of its curve: CSV or JSONL of threshold, fpr, tpr.
    #[arg(long, group = "detector", value_name = "FILE")]
    roc: Option<PathBuf>,
    /// The detector, by recorded scores of accounts and their labels: CSV or JSONL of score, label.
    #[arg(long, group = "detector", value_name = "FILE")]
    scores: Option<PathBuf>,
    /// The share of accounts that harvest for which the score of --auc is calibrated. Default: that of the
    /// population.
    #[arg(long, requires = "auc", value_name = "SHARE")]
    prevalence: Option<f64>,
    /// The share of harvesting accounts that the labels of --scores name.
    #[arg(long, requires = "scores", value_name = "SHARE", default_value_t = 1.0)]
    sensitivity: f64,
    /// The share of ordinary accounts that the labels of --scores do not name.
    #[arg(long, requires = "scores", value_name = "SHARE", default_value_t = 1.0)]
    specificity: f64,
    /// Hours from an account's first request to its first score.
    #[arg(long, value_name = "HOURS", default_value_t = 24.0)]
    delay_hours: f64,
    /// Whom the policy meets. Default: populations/reported.toml, which is part of the program.
    #[arg(long, value_name = "FILE")]
    population: Option<PathBuf>,
    /// The share of ordinary accounts that may be touched: asks for the thresholds that leak least.
    /// GRADE=SHARE says how many may reach a grade or a stricter one.
    #[arg(long, value_name = "[GRADE=]SHARE", value_parser = budget)]
    budget: Vec<Budget>,
    /// Write the report as a page, too.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// How the report is written.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// A budget of all grades, or of one.
#[derive(Clone, Debug)]
struct Budget {
    grade: Option<String>,
    share: f64,
}

fn budget(text: &str) -> Result<Budget, String> {
    let (grade, share) = match text.rsplit_once('=') {
        Some((grade, share)) => (Some(grade.to_owned()), share),
        None => (None, text),
    };
    match share.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(Budget { grade, share }),
        _ => Err("a budget is a share, from 0 to 1".to_owned()),
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Answer, Failure> {
    let file = arguments.report.as_deref().map(PageFile::create).transpose()?;
    let policy = Policy::load(&arguments.policy)?;
    let population = match &arguments.population {
        Some(path) => Population::load(path)?,
        None => Population::reported()?,
    };
    let (detector, described) = detector(arguments, &population)?;
    let mut question = Question { delay_days: arguments.delay_hours / 24.0, ..Question::default() };
    for Budget { grade, share } in &arguments.budget {
        match grade {
            Some(grade) => question.budgets.push((grade.clone(), *share)),
            None => question.budget = Some(*share),
        }
    }
    let simulation = simulate(&policy, &population, &detector, &question)?;
    if let Some(file) = file {
        file.write(&page(&simulation, &Run::of_this_process()))?;
    }
    let mut out = standard_output::lock();
    match arguments.format {
        Format::Text => write_text(&mut out, &simulation, &described)?,
        Format::Json => {
            let mut report = serde_json::to_value(&simulation)?;
            if let Some(report) = report.as_object_mut() {
                report.insert("detector".to_owned(), json!(described));
                report.insert("population".to_owned(), json!(population));
            }
            writeln!(out, "{report:#}")?;
        }
    }
    Ok(Answer::Done)
}

/// The detector, and what is to be said of it.
fn detector(arguments: &Arguments, population: &Population) -> Result<(Detector, String), Failure> {
    let at = |path: &Path, error: SimulationError| format!("{}: {error}", path.display());
    if let Some(path) = &arguments.roc {
        let points = read_curve(path)?;
        let described = format!("by {} points of its curve", points.len());
        return Ok((Detector::curve(points).map_err(|error| at(path, error))?, described));
    }
    if let Some(path) = &arguments.scores {
        let quality =
            Quality { sensitivity: arguments.sensitivity, specificity: arguments.specificity };
        let scores = read_scores(path)?;
        let (detector, prevalence) =
            Detector::labelled(&scores, quality).map_err(|error| at(path, error))?;
        let described = format!(
            "by {} scores with labels of sensitivity {} and specificity {}; {} of these accounts harvest",
            rounded(scores.len() as f64),
            quality.sensitivity,
            quality.specificity,
            percent(prevalence)
        );
        return Ok((detector, described));
    }
    let prevalence = arguments.prevalence.unwrap_or_else(|| population.prevalence());
    let auc = arguments.auc.unwrap_or_default();
    let described =
        format!("binormal, calibrated where {} of accounts harvest", percent(prevalence));
    Ok((Detector::binormal(auc, prevalence)?, described))
}

fn write_text(out: &mut impl Write, simulation: &Simulation, described: &str) -> io::Result<()> {
    let Simulation { policy, auc, delay_days, ordinary, ordinary_touched, .. } = simulation;
    writeln!(out, "Policy    {} (revision {})", printable(&policy.name), policy.revision)?;
    let described = format!("area under the curve {auc:.4}, {described}");
    write_wrapped(out, "Detector  ", "          ", &described)?;
    writeln!(
        out,
        "          a score {} hours after an account's first request",
        delay_days * 24.0
    )?;
    writeln!(out, "\nTokens of reasoning that campaigns get in full")?;
    write_leaks(out, &simulation.leaks)?;
    writeln!(out, "\nAccounts by grade")?;
    write_grades(out, &simulation.grades)?;
    writeln!(
        out,
        "  touched: {} of {} ordinary accounts; refused: {}",
        rounded(*ordinary_touched),
        rounded(*ordinary),
        rounded(simulation.ordinary_refused)
    )?;
    if let Some(best) = &simulation.thresholds {
        writeln!(out, "\nThe thresholds that leak least within the budget")?;
        write_grades(out, &best.grades)?;
        writeln!(out, "  touched: {} ordinary accounts", rounded(best.ordinary_touched))?;
        writeln!(out, "\nWhat campaigns get in full with these")?;
        write_leaks(out, &best.leaks)?;
    }
    writeln!(out, "\nTaken for granted")?;
    for said in &simulation.assumed {
        write_wrapped(out, "  - ", "    ", said)?;
    }
    Ok(())
}

fn write_leaks(out: &mut impl Write, leaks: &[Leak]) -> io::Result<()> {
    writeln!(
        out,
        "  {:<16} {:>9} {:>9} {:>10} {:>9} {:>12}",
        "campaign", "asked for", "in full", "share", "±", "before score"
    )?;
    for leak in leaks {
        let name = clipped(&leak.campaign, 16);
        let [asked, leaked, deviation, before] =
            [leak.asked, leak.leaked, leak.deviation, leak.before_score].map(short);
        let share = percent(leak.leaked / leak.asked);
        writeln!(
            out,
            "  {name:<16} {asked:>9} {leaked:>9} {share:>10} {deviation:>9} {before:>12}"
        )?;
    }
    Ok(())
}

fn write_grades(out: &mut impl Write, grades: &[GradeReach]) -> io::Result<()> {
    writeln!(
        out,
        "  {:<20} {:>8} {:>14} {:>14} {:>14}",
        "", "from", "harvesting", "ordinary", "so many"
    )?;
    for grade in grades {
        let name = clipped(&grade.name, 20);
        let at = grade.at.map_or("none".to_owned(), |at| at.to_string());
        let [harvesters, ordinary] = [grade.harvesters, grade.ordinary].map(percent);
        let accounts = rounded(grade.ordinary_accounts);
        writeln!(out, "  {name:<20} {at:>8} {harvesters:>14} {ordinary:>14} {accounts:>14}")?;
        if let Some((harvesters, ordinary)) = grade.errors {
            let [harvesters, ordinary] =
                [harvesters, ordinary].map(|error| format!("± {}", percent(1.96 * error)));
            writeln!(out, "  {:<20} {:>8} {harvesters:>14} {ordinary:>14}", "", "")?;
        }
    }
    Ok(())
}

/// A large number in three digits: `16.0 G`.
fn short(number: f64) -> String {
    let units = [(1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k")];
    let unit = units.into_iter().find(|(size, _)| number >= *size);
    let (scaled, unit) = unit.map_or((number, ""), |(size, unit)| (number / size, unit));
    let places = if scaled >= 100.0 || unit.is_empty() {
        0
    } else if scaled >= 10.0 {
        1
    } else {
        2
    };
    format!("{scaled:.places$}{unit}")
}
