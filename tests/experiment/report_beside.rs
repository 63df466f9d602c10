//! What `guilloche experiment report` tells beside the effects that decide.

use crate::report::reasons;
use crate::study::{EXPERIMENT, Folder, Study, hash, text};

fn width(estimate: &serde_json::Value) -> f64 {
    let end = |end: &str| estimate.pointer(&format!("/interval/{end}")).unwrap().as_f64().unwrap();
    end("high") - end("low")
}

#[test]
fn what_the_time_before_explains_is_taken_out_and_decides_nothing() {
    let folder = Folder::new("before");
    let study = Study { clusters: 30, ordinary: 30, ..Study::default() };
    let audit = folder.file("audit.jsonl", text(&Study { left: 0.5, ..study }.lines()));
    // The same units, as large as they are, with nothing done to them, a month earlier.
    let earlier = text(&study.lines()).replace("2026-12-", "2026-11-");
    let before = folder.file("before.jsonl", &earlier);
    let (without, _) = folder.report(&[&audit]);
    let (with, _) = folder.report(&[&audit, "--before", &before]);
    let harvest = &with["populations"][0]["comparisons"][0];
    assert!(width(&harvest["adjusted"]) < 0.2 * width(&harvest["welch"]), "{harvest:#}");
    let halved = harvest["adjusted"]["estimate"].as_f64().unwrap();
    assert!((halved - 0.5_f64.ln()).abs() < 0.1, "{halved}");
    assert_eq!(without["populations"][0]["comparisons"][0]["effect"], harvest["effect"]);
    assert_eq!((&without["verdict"], &without["reasons"]), (&with["verdict"], &with["reasons"]));
    assert_eq!(with["not_before"], 0);
}

// Break it: read all of it, and what the arm has changed is taken out of the effect of the arm.
#[test]
fn what_is_told_of_the_experiments_own_time_is_no_time_before() {
    let folder = Folder::new("not-before");
    let lines = Study { left: 0.5, ..Study::default() }.lines();
    let audit = folder.file("audit.jsonl", text(&lines));
    let earlier = text(&Study::default().lines()).replace("2026-12-", "2026-11-");
    let before = folder.file("before.jsonl", &earlier);
    let mixed = folder.file("mixed.jsonl", earlier + &text(&lines));
    let (clean, _) = folder.report(&[&audit, "--before", &before]);
    let (report, _) = folder.report(&[&audit, "--before", &mixed]);
    assert_eq!(report["not_before"], lines.len());
    assert_eq!(clean["populations"], report["populations"]);
    let said = folder.run("report", &[&audit, "--before", &audit]);
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("left out") && !said.contains("taken out:"), "{said}");
}

#[test]
fn behind_a_label_that_errs_the_true_difference_is_bounded() {
    let label = "
[[metric]]
name = \"confirmed\"
role = \"success\"
better = \"lower\"
label = { sensitivity = 0.7, sensitivity_range = [0.6, 0.8], specificity = 0.95 }
";
    let decides = "scale = \"log\"\ndecides = true";
    let experiment = EXPERIMENT.replacen("scale = \"log\"", decides, 1) + label;
    let folder = Folder::with("label", &experiment);
    let study = Study { clusters: 40, ordinary: 20, ..Study::default() };
    let lines = study.lines();
    let audit = folder.file("audit.jsonl", text(&lines));
    let arm = |number: u32| {
        lines.iter().find_map(|line| match line {
            guilloche::audit::Line::Unit(unit)
                if unit.unit == guilloche::audit::UnitName::Cluster(hash(number)) =>
            {
                unit.arm.clone()
            }
            _ => None,
        })
    };
    // Of each cluster ten labels; in the treated arm hardly any is positive.
    let mut csv = String::from("time,cluster,metric,value\n");
    for number in 0..40 {
        let positive = if arm(number).as_deref() == Some("strict") { 1 } else { 4 + number % 2 };
        for row in 0..10 {
            csv += &format!("2026-12-20,{},confirmed,{}\n", hash(number), row < positive);
        }
    }
    let csv = folder.file("labels.csv", csv);
    let (report, _) = folder.report(&[&audit, "--outcomes", &csv]);
    let labels = &report["populations"][0]["comparisons"][1];
    let end = |of: &serde_json::Value, end: &str| of[end].as_f64().unwrap();
    let (seen, truth) = (&labels["effect"]["interval"], &labels["true_difference"]["if_alike"]);
    // Labels shrink a difference by sensitivity + specificity - 1, at most 0.75 and at least 0.55.
    assert!((end(truth, "low") - end(seen, "low") / 0.55).abs() < 1e-9, "{labels:#}");
    assert!((end(truth, "high") - end(seen, "high") / 0.75).abs() < 1e-9, "{labels:#}");
    let apart = &labels["true_difference"]["if_not"];
    let wider = end(apart, "low") <= end(truth, "low") && end(truth, "high") <= end(apart, "high");
    assert!(wider && end(apart, "low") < -0.5, "{labels:#}");
    assert_eq!(labels["effect"]["finding"], "better");
    assert_eq!(report["verdict"], "continue", "it does not decide");
}

#[test]
fn harm_that_leaves_values_missing_is_a_rollback_and_no_broken_experiment() {
    let folder = Folder::new("refused");
    let mut lines = Study { left: 0.2, ..Study::default() }.lines();
    for line in &mut lines {
        let guilloche::audit::Line::Unit(unit) = line else { continue };
        let guilloche::audit::UnitName::Account(account) = unit.unit else { continue };
        // Who is turned away has no time to the first byte of an answer.
        if unit.arm.as_deref() == Some("strict") && account.to_string().as_str() < "c" {
            unit.met.first_byte = Default::default();
            unit.met.refused = unit.met.requests;
        }
    }
    let audit = folder.file("audit.jsonl", text(&lines));
    let (report, status) = folder.report(&[&audit]);
    let said = reasons(&report);
    assert_eq!((report["verdict"].as_str(), status), (Some("rollback"), 1), "{said}");
    for reason in [
        "Guardrail refused_share of legitimate callers is broken",
        "Guardrail first_byte_ms of legitimate callers cannot be told",
        "of strict have no value, and 0 of",
    ] {
        assert!(said.contains(reason), "{said}");
    }
    let first_byte = &report["populations"][1]["comparisons"][0];
    assert_eq!(first_byte["missing_unevenly"], true);
    assert_eq!(first_byte["guardrail"]["state"], "not_shown");
}

#[test]
fn values_that_are_missing_unevenly_make_the_experiment_invalid() {
    let scores = "\n[[metric]]\nname = \"score\"\nrole = \"guardrail\"\nbetter = \"higher\"\nmargin = \
                  0.2\ncap = 100\nrows = \"mean\"\n";
    let folder = Folder::with("missing", &(EXPERIMENT.to_owned() + scores));
    let lines = Study { clusters: 20, ..Study::default() }.lines();
    let audit = folder.file("audit.jsonl", text(&lines));
    let mut csv = String::from("time,account,metric,value\n");
    for line in &lines {
        let guilloche::audit::Line::Unit(unit) = line else { continue };
        let guilloche::audit::UnitName::Account(account) = unit.unit else { continue };
        // Who is in the treated arm seldom answers.
        if unit.arm.as_deref() == Some("monitor") || account.to_string().as_str() < "2" {
            csv += &format!("2026-12-20,{account},score,50\n2026-12-21,{account},score,70\n");
        }
    }
    let csv = folder.file("scores.csv", csv);
    let (report, status) = folder.report(&[&audit, "--outcomes", &csv]);
    assert_eq!(
        (report["verdict"].as_str(), status),
        (Some("invalid"), 1),
        "{:#}",
        report["checks"]
    );
    assert!(reasons(&report).contains("Guardrail score of legitimate callers cannot be told"));
    let mean = &report["populations"][1]["comparisons"][2]["control"]["mean"];
    assert_eq!(mean.as_f64(), Some(60.0));
}

// Break it: compare by the logarithm of one more, and a share of 1 % that becomes one of 6 % is held to be
// within 5 %; or by that of a value that is at least one, and say that it holds.
#[test]
fn values_below_one_are_told_on_a_scale_of_logarithms_and_a_guardrail_on_them_is_not_held() {
    let shares = "
[[metric]]
name = \"refusals\"
role = \"guardrail\"
better = \"lower\"
margin = 0.05
scale = \"log\"
rows = \"mean\"
";
    let folder = Folder::with("below-one", &format!("{EXPERIMENT}{shares}"));
    let lines = Study { left: 0.2, ordinary: 400, ..Study::default() }.lines();
    let audit = folder.file("audit.jsonl", text(&lines));
    let outcomes = |of_control: f64, of_treated: f64| {
        let mut csv = String::from("time,account,metric,value\n");
        for (place, line) in lines.iter().enumerate() {
            let guilloche::audit::Line::Unit(unit) = line else { continue };
            let guilloche::audit::UnitName::Account(account) = unit.unit else { continue };
            let treated = unit.arm.as_deref() == Some("strict");
            let share = if treated { of_treated } else { of_control };
            let share = share * (1.0 + 0.05 * (place % 3) as f64);
            csv += &format!("2026-12-20,{account},refusals,{share}\n");
        }
        folder.file("refusals.csv", csv)
    };
    let found = |csv: &str| {
        let (report, _) = folder.report(&[&audit, "--outcomes", csv]);
        let comparison = report["populations"][1]["comparisons"][2].clone();
        (report["verdict"].clone(), comparison, reasons(&report))
    };
    let (verdict, comparison, said) = found(&outcomes(0.01, 0.06));
    assert_eq!(
        (&verdict, &comparison["guardrail"]["state"]),
        (&"continue".into(), &"not_shown".into())
    );
    assert!(said.contains("have less than one, and count as one"), "{said}");
    assert!(comparison["control"]["below_one"].as_u64().unwrap() > 100, "{comparison:#}");
    // Of values that have logarithms the factor is that of the values.
    let (_, comparison, _) = found(&outcomes(2.0, 3.0));
    let relative = comparison["effect"]["relative"].as_f64().unwrap();
    assert!((relative - 0.5).abs() < 0.02, "{relative}");
    assert_eq!(comparison["guardrail"]["state"], "broken");
    let (verdict, comparison, _) = found(&outcomes(2.0, 2.0));
    assert_eq!((&verdict, &comparison["guardrail"]["state"]), (&"ship".into(), &"held".into()));
    // Less in the arm alone hides no harm that is more.
    let (_, comparison, _) = found(&outcomes(2.0, 0.5));
    assert_eq!(comparison["guardrail"]["state"], "held");
}
