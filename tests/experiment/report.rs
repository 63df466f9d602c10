//! `guilloche experiment report`: from files to a verdict.

use guilloche::audit::{ExperimentName, Line, UnitJoined, UnitName, UnitSummary};
use guilloche::experiment::Experiment;
use guilloche::experiment::analysis::{Known, Outcome, Units, Value, analyse};
use guilloche::jiff::SignedDuration;
use guilloche::policy::Policy;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::study::{Folder, Study, hash, start, text, with_complaints};

pub(crate) fn reasons(report: &serde_json::Value) -> String {
    let reasons = report["reasons"].as_array().unwrap();
    reasons.iter().map(|it| it.as_str().unwrap()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_planted_effect_is_found_without_harm_and_shipped() {
    let folder = Folder::new("planted");
    let audit = folder.file("audit.jsonl", text(&Study { left: 0.2, ..Study::default() }.lines()));
    let (report, status) = folder.report(&[&audit]);
    assert_eq!((report["verdict"].as_str(), status), (Some("ship"), 0), "{}", reasons(&report));
    let harvest = &report["populations"][0]["comparisons"][0];
    let interval = &harvest["effect"]["relative_interval"];
    let (low, high) = (interval["low"].as_f64().unwrap(), interval["high"].as_f64().unwrap());
    assert!(low < -0.8 && -0.8 < high && high < -0.5, "{low} to {high}");
    assert_eq!(harvest["effect"]["p_by"], "randomization");
    let legitimate = report["populations"][1]["comparisons"].as_array().unwrap();
    assert!(legitimate.iter().all(|it| it["guardrail"]["state"] == "held"), "{legitimate:?}");

    let html = folder.path("report.html").display().to_string();
    let page = folder.run("report", &[&audit, "--report", &html]);
    let said = String::from_utf8(page.stdout).unwrap();
    assert!(said.contains("Verdict: ship") && said.contains("guardrail held"), "{said}");
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}");
}

#[test]
fn the_page_is_well_formed_stands_alone_and_shows_what_was_found() {
    let folder = Folder::new("page");
    let study = Study { left: 0.2, ..Study::default() };
    let audit = folder.file("<b>audit&.jsonl", text(&study.lines()));
    let html = folder.path("report.html").display().to_string();
    folder.run("report", &[&audit, "--report", &html]);
    let page = std::fs::read_to_string(&html).unwrap();
    let mut reader = quick_xml::Reader::from_str(&page);
    reader.config_mut().check_end_names = true;
    loop {
        match reader.read_event() {
            Ok(quick_xml::events::Event::Eof) => break,
            Ok(_) => {}
            Err(error) => panic!("{error} at {}", reader.buffer_position()),
        }
    }
    for shown in ["Verdict: ship", "class=\"effect\"", "class=\"sequence\"", "class=\"needed\""] {
        assert!(page.contains(shown), "{shown}");
    }
    keep_figure(&page);
    for alien in ["http://", "https://", "<script", "<b>audit"] {
        assert!(!page.contains(alien), "{alien}");
    }
    // Another page may be written over it, and nothing else.
    let taken = folder.run("report", &[&audit, "--report", &audit]);
    assert_eq!(taken.status.code(), Some(2));
}

/// Leaves the page's first figure, with its style, as a file of its own: `docs/experiment.svg` is this
/// one, of `target/tmp`.
fn keep_figure(page: &str) {
    let between = |start: &str, end: &str| {
        let rest = &page[page.find(start).unwrap()..];
        &rest[..rest.find(end).unwrap()]
    };
    let svg =
        between("<svg", "</svg>").replacen("<svg", "<svg xmlns=\"http://www.w3.org/2000/svg\"", 1);
    let style = between("<style>", "</style>");
    let (open, marks) = svg.split_once('>').unwrap();
    let figure = format!("{open}>{style}svg{{background:var(--paper)}}</style>{marks}</svg>\n");
    std::fs::write(format!("{}/experiment.svg", env!("CARGO_TARGET_TMPDIR")), figure).unwrap();
}

#[test]
fn where_there_is_nothing_to_find_it_says_go_on_and_at_the_end_keep_the_control() {
    let folder = Folder::new("nothing");
    let audit = folder.file(
        "audit.jsonl",
        text(&Study { clusters: 20, ordinary: 60, ..Study::default() }.lines()),
    );
    let (report, status) = folder.report(&[&audit]);
    assert_eq!((report["verdict"].as_str(), status), (Some("continue"), 0), "{}", reasons(&report));
    assert!(reasons(&report).contains("keep the policy of the control arm, monitor"));
    let (early, _) = folder.report(&[&audit, "--as-of", "2026-12-16T09:00:00Z"]);
    assert_eq!(
        (early["look"]["number"].as_u64(), &early["verdict"]),
        (Some(2), &"continue".into())
    );
    assert!(reasons(&early).contains("The next of 4 planned looks is on 2026-12-22"));
    // What came since the look is not looked at.
    let (later, _) = folder.report(&[&audit, "--as-of", "2026-12-21T23:00:00Z"]);
    assert_eq!(early, later);
    let (first, _) = folder.report(&[&audit, "--as-of", "2026-12-03T00:00:00Z"]);
    assert!(reasons(&first).contains("No planned look has come"), "{}", reasons(&first));
}

#[test]
fn harm_beyond_a_margin_is_a_rollback_whatever_else_is_found() {
    let folder = Folder::new("harm");
    let study = Study { left: 0.2, slower: 2.0, ..Study::default() };
    let audit = folder.file("audit.jsonl", text(&study.lines()));
    let (report, status) = folder.report(&[&audit]);
    assert_eq!((report["verdict"].as_str(), status), (Some("rollback"), 1));
    let broken = "Guardrail first_byte_ms of legitimate callers is broken";
    assert!(reasons(&report).contains(broken), "{}", reasons(&report));
    let worse = Study { left: 5.0, ..Study::default() };
    let audit = folder.file("worse.jsonl", text(&worse.lines()));
    let (report, _) = folder.report(&[&audit]);
    assert_eq!(report["verdict"], "rollback");
    assert!(reasons(&report).contains("decides, and is worse"), "{}", reasons(&report));
}

#[test]
fn an_assignment_that_is_broken_is_invalid() {
    let folder = Folder::new("broken");
    let skewed = Study { left: 0.2, treated_of_four: 1, ..Study::default() };
    let audit = folder.file("audit.jsonl", text(&skewed.lines()));
    let (report, status) = folder.report(&[&audit]);
    assert_eq!((report["verdict"].as_str(), status), (Some("invalid"), 1));
    assert!(
        reasons(&report).contains("Sample ratio of legitimate callers: the arms were not filled")
    );

    // Units that change arms.
    let mut lines = Study { left: 0.2, ..Study::default() }.lines();
    for line in lines.iter_mut().step_by(5) {
        if let Line::Unit(summary) = line {
            summary.arm = Some("monitor".into());
        }
    }
    let audit = folder.file("moved.jsonl", text(&lines));
    let (report, _) = folder.report(&[&audit]);
    assert_eq!(report["verdict"], "invalid");
    assert!(reasons(&report).contains("stand in more than one arm"), "{}", reasons(&report));
}

#[test]
fn five_clusters_are_told_to_be_too_few_with_the_least_p_that_they_could_give() {
    let folder = Folder::new("few");
    let study = Study { clusters: 5, left: 0.01, seed: 4, ..Study::default() };
    let audit = folder.file("audit.jsonl", text(&study.lines()));
    let (report, status) = folder.report(&[&audit]);
    assert_eq!((report["verdict"].as_str(), status), (Some("continue"), 0));
    let said = reasons(&report);
    assert!(said.contains("no p-value below 0.100 can come out"), "{said}");
    assert!(said.contains("there are too few"), "{said}");
}

#[test]
fn contaminated_units_stay_in_and_are_left_out_beside() {
    let folder = Folder::new("contaminated");
    let mut lines = Study { left: 0.2, ..Study::default() }.lines();
    for line in &mut lines {
        if let Line::Unit(summary) = line {
            summary.contaminated = summary.unit == UnitName::Cluster(hash(0));
        }
    }
    let audit = folder.file("audit.jsonl", text(&lines));
    let (report, _) = folder.report(&[&audit]);
    let comparison = &report["populations"][0]["comparisons"][0];
    let all = comparison["control"]["units"].as_u64().unwrap()
        + comparison["treated"]["units"].as_u64().unwrap();
    assert_eq!((all, &comparison["without_contaminated"]["units"]), (40, &39.into()));
    let check = |name: &str| {
        let checks = report["checks"].as_array().unwrap();
        checks.iter().find(|it| it["name"] == name).unwrap()["state"].clone()
    };
    assert_eq!((check("contamination"), &report["verdict"]), ("warned".into(), &"ship".into()));
}

// Break it: count each part as a unit of its own, and one adversary is so many witnesses.
#[test]
fn units_that_the_detector_has_linked_count_as_the_one_that_was_seen_first() {
    let folder = Folder::new("joined");
    let lines = Study { left: 0.2, ..Study::default() }.lines();
    let first = |number: u32| {
        let unit = |line: &Line| match line {
            Line::Unit(it) if it.unit == UnitName::Cluster(hash(number)) => {
                Some((it.first_seen, it.unit, it.arm.clone().unwrap()))
            }
            _ => None,
        };
        lines.iter().find_map(unit).unwrap()
    };
    let join = |part: u32, unit: u32| {
        let experiment = ExperimentName { name: "study".into(), salt: "s".into() };
        let (part, unit) = (UnitName::Cluster(hash(part)), UnitName::Cluster(hash(unit)));
        Line::Joined(Box::new(UnitJoined { time: start(), experiment, part, unit }))
    };
    // Four come together by way of each other, told by two replicas in their own order.
    let joins = [join(3, 1), join(0, 1), join(1, 3), join(2, 3)];
    let orders = [
        lines.iter().chain(&joins).cloned().collect::<Vec<_>>(),
        joins.iter().rev().chain(lines.iter().rev()).cloned().collect(),
    ];
    let reports = orders.map(|lines| folder.report(&[&folder.file("audit.jsonl", text(&lines))]).0);
    assert_eq!(reports[0]["populations"], reports[1]["populations"]);
    let [report, _] = reports;
    let comparison = &report["populations"][0]["comparisons"][0];
    let units = |arm: &str| comparison[arm]["units"].as_u64().unwrap();
    assert_eq!(units("control") + units("treated"), 40 - 3);
    assert_eq!(report["data"]["joined"], 3);
    let arms: std::collections::BTreeSet<_> = (0..4).map(|it| first(it).2).collect();
    assert_eq!(arms.len(), 2, "they were in both arms");
    let (_, _, arm) = (0..4).map(first).min().unwrap();
    let contaminated = |of: &serde_json::Value| of["contaminated"].as_u64().unwrap();
    for of in report["populations"][0]["arms"].as_array().unwrap() {
        assert_eq!(contaminated(of), u64::from(of["arm"] == *arm), "{of}");
    }
}

// Break it: have whatever is known now decide what a look has shown.
#[test]
fn what_is_learnt_after_a_look_changes_nothing_of_it() {
    let folder = Folder::new("frozen");
    let lines = Study { left: 0.4, ..Study::default() }.lines();
    let at = "2026-12-16T00:00:00Z";
    let look = |lines: &[Line]| {
        let (mut report, status) =
            folder.report(&[&folder.file("audit.jsonl", text(lines)), "--as-of", at]);
        report["data"] = serde_json::Value::Null;
        report["files"] = serde_json::Value::Null;
        (report, status)
    };
    let then = look(&lines);
    assert_eq!(then.0["look"]["number"], 2);
    let after = start() + SignedDuration::from_hours(24 * 15);
    // Ten clusters are one, units hold accounts of another arm, and are in both.
    let mut later = lines.clone();
    for number in 1..10 {
        let experiment = ExperimentName { name: "study".into(), salt: "s".into() };
        let (part, unit) = (UnitName::Cluster(hash(number)), UnitName::Cluster(hash(0)));
        later.push(Line::Joined(Box::new(UnitJoined { time: after, experiment, part, unit })));
    }
    for (place, line) in later.iter_mut().enumerate() {
        if let Line::Unit(summary) = line {
            if summary.time >= after {
                summary.contaminated |= place % 3 == 0;
                if place % 4 < 2 {
                    summary.arm = Some(["strict", "monitor"][place % 4].into());
                }
                // Another replica may have seen it before.
                if place % 5 == 0 {
                    summary.first_seen = start();
                }
            }
        }
    }
    let now = look(&later);
    assert_eq!(then, now);
    // A look that comes after it knows all of this.
    let (last, _) = folder.report(&[&folder.file("audit.jsonl", text(&later))]);
    assert_eq!((&last["verdict"], &last["data"]["joined"]), (&"invalid".into(), &9.into()));
}

// Break it: take the last line for now.
#[test]
fn a_line_of_a_clock_that_is_wrong_brings_no_look_about() {
    let folder = Folder::new("clock");
    let mut lines = Study { left: 0.4, ..Study::default() }.lines();
    let half = start() + SignedDuration::from_hours(24 * 14);
    lines.retain(|line| matches!(line, Line::Unit(summary) if summary.time <= half));
    let look = |lines: &[Line]| {
        let (report, _) = folder.report(&[&folder.file("audit.jsonl", text(lines))]);
        (report["look"].clone(), report["verdict"].clone(), report["reasons"].clone())
    };
    let right = look(&lines);
    assert_eq!(right.0["number"], 2);
    for days in [8, 14, 400] {
        let mut wrong = lines.clone();
        let Some(Line::Unit(summary)) = wrong.get(3).cloned() else { panic!("no summary") };
        let (time, met) = (half + SignedDuration::from_hours(24 * days), summary.met.clone());
        wrong.push(Line::Unit(Box::new(UnitSummary { time, met, ..*summary })));
        assert_eq!(look(&wrong), right, "{days}");
    }
}

#[test]
fn an_audit_without_the_experiment_is_no_reason_to_go_on() {
    let folder = Folder::new("empty");
    let other = text(&Study::default().lines()).replace("\"salt\":\"s\"", "\"salt\":\"t\"");
    for audit in [String::new(), "garbage\n{}\n".to_owned(), other] {
        let (report, status) = folder.report(&[&folder.file("audit.jsonl", audit)]);
        assert_eq!((report["verdict"].as_str(), status), (Some("invalid"), 1));
        assert!(reasons(&report).contains("no line of the experiment was read"));
    }
}

#[test]
fn neither_order_nor_sharding_of_lines_changes_a_byte_of_the_report() {
    let experiment = Experiment::parse("e", &with_complaints(), |_| {
        Policy::parse("p", "version=1\nname='p'\nmode='observe'\n[[grade]]\nname='g'\nat=0.5\n")
    })
    .unwrap();
    let study = Study { clusters: 12, ordinary: 12, left: 0.5, ..Study::default() };
    let lines = study.lines();
    let outcomes: Vec<Outcome> = (0..40)
        .map(|row| Outcome {
            unit: UnitName::Account(hash(12 + row % 13)),
            time: start() + SignedDuration::from_hours(i64::from(row) * 13),
            metric: "complaints".into(),
            value: Value::new(0.1 + f64::from(row % 3)).unwrap(),
        })
        .collect();
    let report = |units: &Units| {
        serde_json::to_string(&analyse(&experiment, units, Known::default()).unwrap()).unwrap()
    };
    let add = |units: &mut Units, line: &Line| {
        if let Line::Unit(summary) = line {
            units.filling().add((**summary).clone());
        }
    };
    let mut whole = Units::of(&experiment);
    lines.iter().for_each(|line| add(&mut whole, line));
    outcomes.iter().for_each(|outcome| whole.add_outcome(outcome, &experiment));
    let expected = report(&whole);
    assert!(expected.contains("complaints"));
    let mut runner = TestRunner::new(ProptestConfig { cases: 12, ..ProptestConfig::default() });
    let order = Just((0..lines.len()).collect::<Vec<_>>()).prop_shuffle();
    let shards = prop::collection::vec(0..4_usize, lines.len());
    let case = |(order, shards): (Vec<usize>, Vec<usize>)| {
        let mut parts: Vec<Units> = (0..4).map(|_| Units::of(&experiment)).collect();
        for place in order {
            add(&mut parts[shards[place]], &lines[place]);
        }
        for (row, outcome) in outcomes.iter().enumerate().rev() {
            parts[shards[row]].add_outcome(outcome, &experiment);
        }
        let mut all = parts.pop().unwrap();
        parts.into_iter().for_each(|part| all.merge(part));
        prop_assert_eq!(report(&all), expected.clone());
        Ok(())
    };
    runner.run(&(order, shards), case).unwrap();
}
