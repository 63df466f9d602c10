//! `guilloche experiment plan`: what an experiment can show, from the time before.

use guilloche::audit::{
    Applied, AuditKey, Counter, Counts, DecisionName, Durations, Outcome, PolicyIdentity, Record,
    Risk,
};
use guilloche::jiff::SignedDuration;
use guilloche::policy::Countermeasure;
use guilloche::policy::plan::Mode;
use serde_json::Value;

use crate::study::{EXPERIMENT, Folder, Study, start, text};

fn plan(folder: &Folder, arguments: &[&str]) -> Value {
    let output = folder.run("plan", &[&["--format", "json"], arguments].concat());
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{error}"))
}

#[test]
fn summaries_of_the_time_before_tell_what_can_be_shown_and_when() {
    let folder = Folder::new("plan");
    let before = folder.file("before.jsonl", text(&Study::default().lines()));
    let half = plan(&folder, &[&before, "--effect", "0.5"]);
    assert_eq!(
        (&half["populations"][0]["units"], &half["populations"][1]["units"]),
        (&40.into(), &120.into())
    );
    let reasoning = &half["metrics"][0];
    // The logarithms of totals were made with a deviation of about one.
    let deviation = reasoning["deviation"].as_f64().unwrap();
    assert!((0.7..1.3).contains(&deviation), "{deviation}");
    assert_eq!(reasoning["planned"]["control_units"], 20);
    let number = |plan: &Value, field: &str| plan["metrics"][0]["planned"][field].as_f64().unwrap();
    let least = number(&half, "least_effect");
    assert!(number(&half, "power") < 0.8 && least > 0.5 && least < 0.8, "{half}");
    // What is asked for with the least effect is found with just the power that was asked for.
    let at_least = plan(&folder, &[&before, "--effect", &least.to_string()]);
    assert!((number(&at_least, "power") - 0.8).abs() < 1e-6);
    let needed = |plan: &Value| plan["metrics"][0]["units_needed"].as_u64().unwrap();
    assert!(
        needed(&half) > 40 && needed(&at_least) <= 40,
        "{} {}",
        needed(&half),
        needed(&at_least)
    );
    // A guardrail is shown to hold by many callers, and what never varies has no answer.
    assert!(half["metrics"][1]["planned"]["power"].as_f64().unwrap() > 0.9);
    assert!(
        half["metrics"][2]["unavailable"].as_str().unwrap().contains("is the same for every unit")
    );

    let said = folder.run("plan", &[&before]);
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("least effect that is found"), "{said}");
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}");
}

// Break it: plan each of several arms for the level of one.
#[test]
fn several_arms_are_planned_for_the_level_that_each_has_alone() {
    let third = EXPERIMENT.replace(
        "[[metric]]\nname = \"reasoning_tokens\"",
        "[[arm]]\nname = \"stricter\"\npolicy = \"policies/graded.toml\"\n\n[[metric]]\nname = \
         \"reasoning_tokens\"",
    );
    let lines = text(&Study::default().lines());
    let [two, three] =
        [("plan-two", EXPERIMENT), ("plan-three", &*third)].map(|(name, experiment)| {
            let folder = Folder::with(name, experiment);
            plan(&folder, &[&folder.file("before.jsonl", &lines), "--effect", "0.5"])
        });
    let level = |plan: &Value, metric: usize| plan["metrics"][metric]["level"].as_f64().unwrap();
    assert_eq!(level(&two, 0), two["level"].as_f64().unwrap());
    assert!((level(&three, 0) - level(&two, 0) / 2.0).abs() < 1e-12);
    // A guardrail has to hold whatever others do.
    assert_eq!(level(&three, 2), level(&two, 1));
    let needed = |plan: &Value| plan["metrics"][0]["units_needed"].as_f64().unwrap();
    assert!(needed(&three) > 1.15 * needed(&two), "{} {}", needed(&three), needed(&two));
}

#[test]
fn five_clusters_are_told_to_be_too_few_before_anything_is_run() {
    let folder = Folder::new("plan-few");
    let study = Study { clusters: 5, ordinary: 0, ..Study::default() };
    let before = folder.file("before.jsonl", text(&study.lines()));
    let said = folder.run("plan", &[&before]);
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("too few: no p-value below"), "{said}");
    for effect in ["0", "1", "5", "NaN"] {
        let wrong = folder.run("plan", &[&before, "--effect", effect]);
        let said = String::from_utf8_lossy(&wrong.stderr);
        assert_eq!(wrong.status.code(), Some(2), "{effect}");
        assert!(said.contains("the effect must be a share above 0 and below 1"), "{said}");
    }
}

#[test]
fn where_there_are_no_summaries_records_are_put_together_by_unit() {
    let folder = Folder::new("plan-records");
    let key = AuditKey::new([1; 32]);
    let lines = (0..400_u32).map(|number| {
        // Ten clusters of four accounts, and ten callers of unknown risk.
        let account = format!("account-{}", number % 50);
        let cluster = (number % 50 < 40).then(|| format!("cluster-{}", number % 10));
        let mut counts = Counts::default();
        counts.add(Counter::TokensReasoning, u64::from(100 + 37 * (number % 10)));
        let record = Record {
            time: start() - SignedDuration::from_hours(i64::from(number)),
            decision: DecisionName(format!("d-{number}")),
            principal: key.principal(&account, cluster.as_deref(), None),
            risk: match cluster {
                Some(_) => Risk::Known { score: 0.9, model: None, confidence: None },
                None => Risk::Unknown { reason: "missing".into() },
            },
            grade: "g".into(),
            exempt: None,
            arm: None,
            policy: PolicyIdentity { name: "p".into(), revision: "r".into() },
            protocol: "chat".into(),
            stream: true,
            mode: Mode::Observe,
            applied: Vec::new(),
            observed: vec![Applied::new(Countermeasure::Rate, counts)],
            other_arms: std::collections::BTreeMap::new(),
            dry_run: None,
            outcome: Outcome::Complete,
            status: Some(200),
            durations: Durations { first_byte_ms: Some(u64::from(200 + number)), total_ms: 900 },
        };
        serde_json::to_string(&record).unwrap() + "\n"
    });
    let before = folder.file("before.jsonl", lines.collect::<String>());
    let plan = plan(&folder, &[&before]);
    assert_eq!(
        (&plan["populations"][0]["units"], &plan["populations"][1]["units"]),
        (&10.into(), &10.into())
    );
    assert!(plan["metrics"][0]["planned"]["power"].is_number(), "{plan}");
    assert!(plan["metrics"][1]["mean"].as_f64().unwrap() > 200.0, "{plan}");
}
