//! What experiment files say, and what is wrong with them.

use guilloche::experiment::{Experiment, OnMismatch, Population, Switchback, UnitKind, Visibility};
use guilloche::policy::{Countermeasure, LoadError, Policy};
use std::time::Duration;

/// Policies by the name of their only countermeasure.
fn policy(file: &str) -> Result<Policy, LoadError> {
    let does = match file {
        "a" => "reasoning = { keep = \"none\" }",
        "marked" => "reasoning = { keep = \"none\" }\nwatermark = {}",
        "rounded" => "reasoning = { keep = \"none\", round_usage = 64 }",
        "nothing" => "",
        other => return Policy::parse(other, "version = 2"),
    };
    let text =
        format!("version=1\nname='p'\nmode='enforce'\n[[grade]]\nname='g'\nat=0.5\n{does}\n");
    Policy::parse(file, &text)
}

fn parse(text: &str) -> Result<Experiment, LoadError> {
    Experiment::parse("e.toml", text, policy)
}

const HEAD: &str = "version=1\nname='e'\nsalt='s'\nstart=2026-12-01\nend=2026-12-29\n";
const ARMS: &str =
    "[[arm]]\nname='new'\npolicy='marked'\n[[arm]]\nname='old'\npolicy='a'\ncontrol=true\n";
const METRIC: &str = "[[metric]]\nname='reasoning_tokens'\nrole='success'\nbetter='lower'\ncap=9\n";

/// The fields that are complained about, as files call them.
fn fields(text: &str) -> Vec<String> {
    let error = parse(text).unwrap_err();
    error.problems().iter().map(|problem| problem.field.clone()).collect()
}

#[test]
fn the_examples_are_experiments() {
    let mut read = 0;
    for entry in std::fs::read_dir("experiments").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let experiment = Experiment::load(&path).unwrap();
            assert_eq!(experiment.control().unwrap().name.as_ref(), "monitor");
            read += 1;
        }
    }
    assert_eq!(read, 2);
}

#[test]
fn what_a_file_leaves_out_is_what_the_docs_say() {
    let experiment = parse(&format!("{HEAD}{ARMS}{METRIC}")).unwrap();
    assert_eq!(experiment.unit, UnitKind::Cluster);
    assert_eq!((experiment.share, experiment.holdout, experiment.alpha), (1.0, 0.0, 0.05));
    assert_eq!((experiment.looks, experiment.least_units), (1, 10));
    assert_eq!(experiment.on_mismatch, OnMismatch::Hold);
    assert_eq!((experiment.eligibility.harvester, experiment.eligibility.legitimate), (0.5, 0.3));
    // The control is the first, wherever it stands, and the only success metric decides.
    let names: Vec<_> = experiment.arms.iter().map(|arm| arm.name.as_ref()).collect();
    assert_eq!(names, ["old", "new"]);
    assert!(experiment.metrics[0].decides && !experiment.metrics[0].is_outcome());
    assert_eq!(experiment.metrics[0].population, Population::Harvesters);
    assert!(experiment.runs("2026-12-01T00:00:00Z".parse().unwrap()));
    assert!(!experiment.runs("2026-12-29T00:00:00Z".parse().unwrap()));
    assert!(experiment.notices().is_empty(), "{:?}", experiment.notices());
}

#[test]
fn slots_of_time_are_cut_as_the_file_says() {
    let slots = "unit='slot'\nswitchback={slot='30 minutes',burn_in='5m'}\n";
    let experiment = parse(&format!("{HEAD}{slots}{ARMS}{METRIC}")).unwrap();
    let cut = Switchback { slot: Duration::from_secs(1800), burn_in: Duration::from_secs(300) };
    assert_eq!(experiment.unit, UnitKind::Slot(cut));
    for (wrong, field) in [
        ("unit='slot'\n", "unit"),
        ("switchback={slot='30 minutes'}\n", "switchback"),
        ("unit='slot'\nswitchback={}\n", "switchback.slot"),
        ("unit='slot'\nswitchback={slot='30s'}\n", "switchback.slot"),
        ("unit='slot'\nswitchback={slot='90500ms'}\n", "switchback.slot"),
        ("unit='slot'\nswitchback={slot='2m',burn_in='2m'}\n", "switchback.burn_in"),
    ] {
        assert_eq!(fields(&format!("{HEAD}{wrong}{ARMS}{METRIC}")), [field], "{wrong}");
    }
}

#[test]
fn every_problem_of_a_file_is_told_at_once_by_its_field() {
    let all = "version=1\nname='E'\nsalt=' '\nstart=2026-12-29\nend=2026-12-01\nlayer='L'\nshare=0\n\
               holdout=1.0\nalpha=0.5\nlooks=0\nleast_units=1\nwrong=1\n\
               eligibility={harvester=0.2}\n\
               [[arm]]\nname='x'\npolicy='gone'\ncontrol=true\nclosed=true\n\
               [[arm]]\nname='x'\ncontrol=true\nweight=0\n\
               [[metric]]\nname='a'\nrole='guardrail'\nbetter='lower'\ndecides=true\n\
               [[metric]]\nname='b'\nrole='success'\nbetter='lower'\nmargin=0.1\ndecides=true\n\
               [[metric]]\nname='b'\nrole='success'\nbetter='higher'\ndecides=true\n\
               [[metric]]\nname='c'\n";
    let mut told = fields(all);
    told.sort_unstable();
    let expected = [
        "alpha",
        "arm[0].closed",
        "arm[0].policy",
        "arm[1].control",
        "arm[1].name",
        "arm[1].policy",
        "arm[1].weight",
        "eligibility",
        "end",
        "holdout",
        "layer",
        "least_units",
        "looks",
        "metric[0].decides",
        "metric[0].margin",
        "metric[1].margin",
        "metric[2]",
        "metric[2].decides",
        "metric[3].better",
        "metric[3].role",
        "name",
        "salt",
        "share",
        "wrong",
    ];
    assert_eq!(told, expected);
    assert_eq!(fields(""), ["version", "name", "salt", "start", "end", "arm", "metric"]);
}

#[test]
fn an_experiment_has_one_control_and_one_metric_that_decides() {
    let two = "[[arm]]\nname='x'\npolicy='a'\n[[arm]]\nname='y'\npolicy='marked'\n";
    assert_eq!(fields(&format!("{HEAD}{two}{METRIC}")), [""]);
    let guardrail = "[[metric]]\nname='requests'\nrole='guardrail'\nbetter='higher'\nmargin=0.1\n";
    assert_eq!(fields(&format!("{HEAD}{ARMS}{guardrail}")), [""]);
    let second = "[[metric]]\nname='requests'\nrole='success'\nbetter='lower'\ncap=9\n";
    assert_eq!(fields(&format!("{HEAD}{ARMS}{METRIC}{second}")), [""]);
    parse(&format!("{HEAD}{ARMS}{METRIC}{second}decides=true\n")).unwrap();
}

// Break it: let shares be compared by the logarithm of one more, and 6 % is within 5 % of 1 %.
#[test]
fn shares_and_labels_are_not_compared_by_their_logarithms() {
    let label = "label={sensitivity=0.9,specificity=0.95}\n";
    for (name, more) in [
        ("refused_share", ""),
        ("limited_share", ""),
        ("failed_share", ""),
        ("cancelled_share", ""),
        ("hostile", label),
    ] {
        let metric = |scale| {
            let of = format!("[[metric]]\nname='{name}'\nrole='guardrail'\nbetter='lower'\n");
            format!("{HEAD}{ARMS}{METRIC}{of}margin=0.05\nscale='{scale}'\n{more}")
        };
        assert_eq!(fields(&metric("log")), ["metric[1].scale"], "{name}");
        parse(&metric("linear")).unwrap();
    }
    for name in ["requests", "first_byte_ms", "token_ms", "output_tokens", "documents"] {
        let of = format!("[[metric]]\nname='{name}'\nrole='guardrail'\nbetter='lower'\n");
        parse(&format!("{HEAD}{ARMS}{METRIC}{of}margin=0.05\nscale='log'\n")).unwrap();
    }
}

#[test]
fn a_margin_by_which_nothing_can_be_worse_is_none() {
    let guardrail = |better: &str, margin: &str, scale: &str| {
        let of = format!("name='output_tokens'\nrole='guardrail'\nbetter='{better}'\ncap=9\n");
        format!("{HEAD}{ARMS}{METRIC}[[metric]]\n{of}margin={margin}\nscale='{scale}'\n")
    };
    for scale in ["linear", "log"] {
        for (better, margin) in [("higher", "1.0"), ("higher", "2.5"), ("lower", "1000.5")] {
            assert_eq!(fields(&guardrail(better, margin, scale)), ["metric[1].margin"]);
        }
        for (better, margin) in [("higher", "0.99"), ("lower", "1.0"), ("lower", "3.0")] {
            parse(&guardrail(better, margin, scale)).unwrap();
        }
    }
}

#[test]
fn a_level_that_no_test_could_reach_is_refused() {
    let of = |head: &str| format!("{HEAD}{head}{ARMS}{METRIC}");
    for wrong in ["alpha=1e-20\n", "alpha=1e-7\n", "alpha=0.001\nlooks=1000\n"] {
        assert_eq!(fields(&of(wrong)), ["alpha"], "{wrong}");
    }
    for good in ["alpha=0.00001\n", "looks=1000\n", "alpha=0.01\nlooks=1000\n"] {
        parse(&of(good)).unwrap();
    }
    let arms: String =
        (0..12).map(|arm| format!("[[arm]]\nname='more-{arm}'\npolicy='marked'\n")).collect();
    assert_eq!(fields(&format!("{}{arms}", of("looks=1000\n"))), ["looks"]);
}

#[test]
fn what_its_author_may_not_have_meant_is_told() {
    let told = |text: &str| {
        let notices = parse(text).unwrap().notices().to_vec();
        notices.into_iter().map(|notice| notice.message).collect::<Vec<_>>().join("\n")
    };
    let account = format!("{HEAD}unit='account'\n{ARMS}{METRIC}");
    assert!(told(&account).contains("the accounts of one cluster meet every arm"));
    let heavy = METRIC.replace("cap=9\n", "");
    assert!(told(&format!("{HEAD}{ARMS}{heavy}")).contains("set `cap`"));
    let small = ARMS.replace("control=true", "control=true\nweight=9");
    assert!(told(&format!("{HEAD}{small}{METRIC}")).contains("10 % of the units"));
    let same = ARMS.replace("marked", "a");
    assert!(told(&format!("{HEAD}{same}{METRIC}")).contains("(A/A)"));
}

#[test]
fn who_can_tell_the_arms_apart_is_told() {
    let seen = |other: &str| {
        let arms = ARMS.replace("marked", other);
        let experiment = parse(&format!("{HEAD}{arms}{METRIC}")).unwrap();
        let differences = experiment.differences();
        differences.into_iter().map(|it| (it.countermeasure, it.seen_by)).collect::<Vec<_>>()
    };
    assert_eq!(seen("a"), []);
    assert_eq!(seen("marked"), [(Countermeasure::Watermark, Visibility::Nobody)]);
    assert_eq!(seen("rounded"), [(Countermeasure::Reasoning, Visibility::WhoMeasures)]);
    assert_eq!(seen("nothing"), [(Countermeasure::Reasoning, Visibility::Anybody)]);
}
