//! `guilloche policy simulate`, against vectors of another hand (`tests/kat/make_simulation.py`) and through
//! the binary.

#![cfg(feature = "cli")]
#![expect(clippy::panic, clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use guilloche::experiment::simulation::{
    Detector, Labelled, Population, Quality, Question, simulate,
};
use guilloche::policy::Policy;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde_json::Value;

const POLICY: &str = r#"
version = 1
name = "three"
mode = "enforce"

[[grade]]
name = "limit"
at = 0.2
[grade.rate]
account = { requests = "6 per day" }
cluster = { requests = "16 per day" }

[[grade]]
name = "shorten"
at = 0.5
[grade.reasoning]
keep = { words = 30 }
signed = "seal"

[[grade]]
name = "refuse"
at = 0.8
refuse = {}
"#;

fn vectors() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/kat/simulation.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

fn close(ours: f64, theirs: f64, relative: f64) {
    assert!((ours - theirs).abs() <= relative * theirs.abs().max(1e-12), "{ours} for {theirs}");
}

fn policy() -> Policy {
    Policy::parse("three.toml", POLICY).unwrap()
}

#[test]
fn the_shares_that_reach_a_calibrated_score_are_those_of_bayes_rule() {
    for row in vectors()["binormal"].as_array().unwrap() {
        let detector = Detector::binormal(number(&row["auc"]), number(&row["prevalence"])).unwrap();
        let reach = detector.reach(number(&row["threshold"]));
        close(reach.harvesters, number(&row["tpr"]), 1e-9);
        close(reach.ordinary, number(&row["fpr"]), 1e-9);
    }
}

#[test]
fn a_curve_behind_labels_that_err_is_the_one_that_the_equations_have() {
    for row in vectors()["labelled"].as_array().unwrap() {
        let sample: Vec<_> = row["sample"].as_array().unwrap().iter().collect();
        let scored =
            |it: &&Value| Labelled { score: number(&it[0]), positive: it[1].as_bool().unwrap() };
        let sample: Vec<_> = sample.iter().map(scored).collect();
        let quality = Quality {
            sensitivity: number(&row["sensitivity"]),
            specificity: number(&row["specificity"]),
        };
        let (detector, prevalence) = Detector::labelled(&sample, quality).unwrap();
        close(prevalence, number(&row["prevalence"]), 1e-12);
        for point in row["reach"].as_array().unwrap() {
            let reach = detector.reach(number(&point[0]));
            assert!((reach.harvesters - number(&point[1])).abs() < 1e-9, "{point} {reach:?}");
            assert!((reach.ordinary - number(&point[2])).abs() < 1e-9, "{point} {reach:?}");
        }
    }
}

#[test]
fn a_campaign_gets_what_one_that_is_played_request_by_request_gets() {
    let vectors = vectors();
    let campaigns = &vectors["campaigns"];
    let detector =
        Detector::binormal(number(&campaigns["auc"]), number(&campaigns["prevalence"])).unwrap();
    let question = Question { delay_days: number(&campaigns["delay_days"]), ..Question::default() };
    for row in campaigns["rows"].as_array().unwrap() {
        let fields =
            ["accounts", "days", "rotate_after_days", "linked", "requests", "reasoning_tokens"];
        let table: String =
            fields.iter().map(|field| format!("{field} = {}\n", row[field])).collect();
        let text = format!(
            "version = 1\n[ordinary]\naccounts = 1000\n[[campaign]]\nname = \"played\"\n{table}"
        );
        let population = Population::parse("played.toml", &text).unwrap();
        let simulation = simulate(&policy(), &population, &detector, &question).unwrap();
        let leak = &simulation.leaks[0];
        let off = (leak.leaked - number(&row["mean"])).abs();
        assert!(off < 5.0 * number(&row["error"]), "{leak:?} {row}");
        // Of 20,000 draws the deviation is known to about one in a hundred.
        close(leak.deviation, number(&row["deviation"]), 0.03);
    }
}

// Break it: take the lowest threshold that by the estimate fits, and in half of all samples more are
// touched than the budget allows.
#[test]
fn a_budget_is_kept_by_thresholds_that_come_of_estimates() {
    let truth = Detector::binormal(0.9, 0.2).unwrap();
    let quality = Quality { sensitivity: 0.9, specificity: 0.95 };
    let mut random = ChaCha20Rng::seed_from_u64(1);
    let mut uniform = || (f64::from(random.next_u32()) + 0.5) / 4_294_967_296.0;
    let (trials, mut broken) = (100, [0; 2]);
    for _ in 0..trials {
        let scored = (0..2_000).map(|_| {
            let (harvests, draw) = (uniform() < 0.2, uniform());
            let reached = |score: f64| {
                let reach = truth.reach(score);
                if harvests { reach.harvesters } else { reach.ordinary }
            };
            let (mut low, mut high) = (0.0, 1.0);
            for _ in 0..30 {
                let middle = f64::midpoint(low, high);
                if reached(middle) > draw { low = middle } else { high = middle }
            }
            let chance = if harvests { 0.9 } else { 0.05 };
            Labelled { score: low, positive: uniform() < chance }
        });
        let (detector, _) = Detector::labelled(&scored.collect::<Vec<_>>(), quality).unwrap();
        for (broken, budget) in broken.iter_mut().zip([0.05, 0.003]) {
            let at = detector.threshold_for(budget);
            *broken += u32::from(at.is_some_and(|at| truth.reach(at).ordinary > budget));
        }
    }
    // With a chance of 5 % more than 14 of a hundred have one of 1e-4.
    assert!(broken.iter().all(|broken| *broken <= 14), "{broken:?}");
}

proptest! {
    /// Fails where a threshold could be lower, or is too low.
    #[test]
    fn the_thresholds_are_the_lowest_within_the_budget_and_leak_no_more_than_others(
        auc in 0.6_f64..0.999,
        prevalence in 0.001_f64..0.5,
        budget in 0.0001_f64..0.2,
        other in prop::collection::btree_set(1_u32..10_000, 3),
    ) {
        let population = Population::reported().unwrap();
        let detector = Detector::binormal(auc, prevalence).unwrap();
        let budgets = ["limit", "shorten", "refuse"].map(|grade| (grade.to_owned(), budget));
        let question = Question { budgets: budgets.into(), ..Question::default() };
        let best = simulate(&policy(), &population, &detector, &question).unwrap();
        let best = best.thresholds.unwrap();
        let leaked = |leaks: &[guilloche::experiment::simulation::Leak]| {
            leaks.iter().map(|leak| leak.leaked).sum::<f64>()
        };
        if let Some(at) = best.grades[0].at {
            prop_assert!(detector.reach(at).ordinary <= budget);
            prop_assert!(at == 0.0 || detector.reach(at - 1e-4).ordinary > budget);
        }
        prop_assert!(best.ordinary_touched <= budget * population.ordinary * (1.0 + 1e-9));
        // Any other ladder that keeps the budget leaks as much or more.
        let other: Vec<_> = other.into_iter().map(|at| f64::from(at) / 10_000.0).collect();
        prop_assume!(detector.reach(other[0]).ordinary <= budget);
        let mut text = POLICY.to_owned();
        // By way of names, since a new threshold may be another's old one.
        for (from, name) in [("at = 0.2\n", "first"), ("at = 0.5\n", "second"), ("at = 0.8\n", "third")] {
            text = text.replace(from, &format!("at = {name}\n"));
        }
        for (name, to) in ["first", "second", "third"].into_iter().zip(&other) {
            text = text.replace(&format!("at = {name}\n"), &format!("at = {to}\n"));
        }
        let policy = Policy::parse("other.toml", &text).unwrap();
        let simulation =
            simulate(&policy, &population, &detector, &Question::default()).unwrap();
        prop_assert!(leaked(&simulation.leaks) >= leaked(&best.leaks) * (1.0 - 1e-9));
    }

    #[test]
    fn what_lies_before_a_score_grows_with_the_delay_and_nothing_leaks_more_than_is_asked_for(
        auc in 0.6_f64..0.999,
        delay in 0.0_f64..100.0,
    ) {
        let population = Population::reported().unwrap();
        let detector = Detector::binormal(auc, population.prevalence()).unwrap();
        let ask = |delay_days: f64| {
            let question = Question { delay_days, ..Question::default() };
            simulate(&policy(), &population, &detector, &question).unwrap().leaks
        };
        for (sooner, later) in ask(delay / 2.0).iter().zip(&ask(delay)) {
            prop_assert!(sooner.before_score <= later.before_score);
            prop_assert!(sooner.leaked <= later.leaked * (1.0 + 1e-9));
            prop_assert!(later.before_score <= later.leaked * (1.0 + 1e-9));
            prop_assert!(later.leaked <= later.asked * (1.0 + 1e-9));
        }
    }
}

struct Scene(PathBuf);

impl Scene {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("guilloche-simulate-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let scene = Self(folder);
        scene.write("policy.toml", POLICY);
        scene
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn simulate(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_guilloche"))
            .args(["policy", "simulate", "--policy"])
            .arg(self.0.join("policy.toml"))
            .args(arguments)
            .output()
            .unwrap()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.simulate(&[arguments, &["--format", "json"]].concat());
        let error = String::from_utf8_lossy(&output.stderr);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{error}"))
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_report_for_people_fits_eighty_columns_and_a_page_stands_alone() {
    let scene = Scene::new("page");
    let page = scene.0.join("simulation.html").display().to_string();
    let output = scene.simulate(&["--auc", "0.95", "--budget", "0.001", "--report", &page]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let page = fs::read_to_string(page).unwrap();
    let mut reader = quick_xml::Reader::from_str(&page);
    reader.config_mut().check_end_names = true;
    while !matches!(reader.read_event().unwrap(), quick_xml::events::Event::Eof) {}
    assert!(page.contains("<svg") && page.contains("Content-Security-Policy"));
    assert!(!page.contains("<script"), "nothing runs");
}

#[test]
fn a_detector_comes_as_points_or_as_scores_with_labels_in_csv_or_jsonl() {
    let scene = Scene::new("inputs");
    let csv =
        scene.write("roc.csv", "threshold,fpr,tpr\n0.2,0.1,0.9\n0.5,0.01,0.6\n0.8,0.001,0.3\n");
    let lines = scene.write(
        "roc.jsonl",
        "{\"threshold\":0.8,\"fpr\":0.001,\"tpr\":0.3}\n{\"threshold\":0.2,\"fpr\":0.1,\"tpr\":0.9}\n\n\
         {\"threshold\":0.5,\"fpr\":0.01,\"tpr\":0.6}\n",
    );
    let list = scene.write(
        "roc.json",
        "[\n {\"threshold\":0.2,\"fpr\":0.1,\"tpr\":0.9},\n {\"threshold\":0.5,\"fpr\":0.01,\"tpr\":0.6},\n\
         {\"threshold\":0.8,\"fpr\":0.001,\"tpr\":0.3}\n]\n",
    );
    let by_csv = scene.json(&["--roc", &csv]);
    for other in [lines, list] {
        assert_eq!(by_csv["grades"], scene.json(&["--roc", &other])["grades"]);
    }
    assert!((number(&by_csv["grades"][2]["harvesters"]) - 0.3).abs() < 1e-12);
    let scores = scene.write(
        "scores.csv",
        "label,score\n1,0.9\ntrue,0.6\n0,0.4\nfalse,0.1\n0,0.3\n0,0.7\n0,0.2\n0,0.1\n",
    );
    let by_scores = scene.json(&["--scores", &scores, "--specificity", "0.9"]);
    assert!(by_scores["grades"][1]["errors"].is_array(), "{by_scores}");
    assert!(by_scores["detector"].as_str().unwrap().contains("8 scores"));
}

#[test]
fn what_is_wrong_with_an_input_is_named_with_its_line() {
    let scene = Scene::new("wrong");
    let broken = scene.write("broken.csv", "threshold,fpr,tpr\n0.2,0.1,0.9\n0.5,none,0.6\n");
    let rising = scene.write("rising.csv", "threshold,fpr,tpr\n0.2,0.1,0.5\n0.5,0.2,0.4\n");
    let population =
        scene.write("p.toml", "version = 1\n[ordinary]\naccounts = -1\n[[campaign]]\n");
    for (arguments, message) in [
        (vec!["--roc", &broken], "line 3"),
        (vec!["--roc", &rising], "rising.csv: the point at a score of 0.5"),
        (vec!["--auc", "0.4"], "area under the curve"),
        (vec!["--auc", "0.9", "--population", &population], "accounts"),
        (vec!["--auc", "0.9", "--budget", "nobody=0.1"], "no grade \"nobody\""),
        (vec!["--auc", "0.9", "--budget", "2"], "from 0 to 1"),
        (vec![], "--auc"),
    ] {
        let output = scene.simulate(&arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(error.contains(message), "{arguments:?}: {error}");
    }
}
