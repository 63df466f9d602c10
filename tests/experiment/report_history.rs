//! What `guilloche experiment report` makes of what proxies have written down of their orders.

use guilloche::audit::{Line, UnitName};
use guilloche::jiff::SignedDuration;

use crate::report::reasons;
use crate::study::{Folder, Study, hash, start, text};

/// Units that came by 3 : 1, and from the tenth day on as many by 1 : 1.
fn ramped() -> String {
    let first = Study { left: 0.2, treated_of_four: 1, ..Study::default() };
    let second = Study { left: 0.2, seed: 2, ..Study::default() };
    let mut lines = second.lines();
    for line in &mut lines {
        let Line::Unit(unit) = line else { continue };
        let later = |number| hash(number + 1_000);
        let number = (0..160).find(|number| match unit.unit {
            UnitName::Cluster(name) | UnitName::Account(name) => name == hash(*number),
            UnitName::Slot(_) => false,
        });
        unit.unit = match unit.unit {
            UnitName::Cluster(_) => UnitName::Cluster(later(number.unwrap())),
            _ => UnitName::Account(later(number.unwrap())),
        };
        unit.first_seen += SignedDuration::from_hours(24 * 10);
        unit.time += SignedDuration::from_hours(24 * 10);
    }
    text(&first.lines()) + &text(&lines)
}

/// A proxy's state, with its weights from so many days after the start on.
fn state(folder: &Folder, name: &str, weights: &[(i64, u32, u32)], more: &str) -> String {
    let path = folder.path(name);
    std::fs::create_dir_all(&path).unwrap();
    let mut lines = String::new();
    for (day, monitor, strict) in weights {
        let time = start() + SignedDuration::from_hours(24 * day);
        let arms = format!("{{\"monitor\":{monitor},\"strict\":{strict}}}");
        lines += &format!("{{\"weights\":{{\"time\":\"{time}\",\"arms\":{arms}}}}}\n");
    }
    let salt = blake3::hash(b"s").to_hex();
    let file = format!("study-{}.events.jsonl", &salt[..12]);
    std::fs::write(path.join(file), lines + more).unwrap();
    path.display().to_string()
}

fn check(report: &serde_json::Value, name: &str) -> (String, String) {
    let checks = report["checks"].as_array().unwrap();
    // The last is of the legitimate callers, where there is one of each population.
    let check = checks.iter().rfind(|it| it["name"] == name).unwrap();
    let said = |field: &str| check[field].as_str().unwrap().to_owned();
    (said("state"), said("message"))
}

#[test]
fn units_are_compared_with_the_weights_that_held_when_they_came() {
    let folder = Folder::new("ramp");
    let audit = folder.file("audit.jsonl", ramped());
    let (report, _) = folder.report(&[&audit]);
    assert_eq!(report["verdict"], "invalid", "they did not come by the weights of the file");
    let ramp = state(&folder, "state", &[(0, 3, 1), (9, 1, 1)], "");
    let (report, _) = folder.report(&[&audit, "--state", &ramp]);
    assert_eq!(report["verdict"], "ship", "{}", reasons(&report));
    let (state, message) = check(&report, "sample ratio");
    assert_eq!(state, "passed");
    assert!(
        message.contains(" 3 : 1 was planned; since 2026-12-10 00:00 UTC: ")
            && message.contains(" 1 : 1 was planned (p = "),
        "{message}"
    );
    let stages = &report["populations"][1]["stages"];
    assert_eq!(stages[0]["weights"], serde_json::json!([3, 1]));
    assert_eq!(stages[1]["since"], "2026-12-10T00:00:00Z");
    let units = |stage: &serde_json::Value| {
        stage["units"].as_array().unwrap().iter().map(|it| it.as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!((units(&stages[0]), units(&stages[1])), (120, 120));
    let (state, message) = check(&report, "weights");
    assert_eq!(state, "warned");
    assert!(message.contains("`--since 2026-12-10T00:00:00Z`"), "{message}");
    // Those alone who came by the last weights are of one kind.
    let since = ["--since", "2026-12-10T00:00:00Z"];
    let (report, _) = folder.report(&[&[&*audit, "--state", &*ramp], &since[..]].concat());
    assert!(report["checks"].as_array().unwrap().iter().all(|it| it["name"] != "weights"));
}

#[test]
fn while_proxies_have_several_weights_nobody_who_comes_is_compared_with_any() {
    let folder = Folder::new("replicas");
    let audit = folder.file("audit.jsonl", ramped());
    let early = state(&folder, "early", &[(0, 3, 1), (9, 1, 1)], "");
    let late = state(&folder, "late", &[(0, 3, 1), (13, 1, 1)], "");
    let (report, _) = folder.report(&[&audit, "--state", &early, "--state", &late]);
    let (state, message) = check(&report, "sample ratio");
    assert_eq!(state, "passed");
    assert!(message.contains("units came when weights are not known"), "{message}");
    let stages = report["populations"][1]["stages"].as_array().unwrap();
    assert_eq!((stages.len(), &stages[1]["since"]), (2, &"2026-12-14T00:00:00Z".into()));
}

#[test]
fn a_rollback_by_a_proxy_is_told_and_one_that_was_undone_is_not() {
    let folder = Folder::new("rolled-back");
    let audit = folder.file("audit.jsonl", text(&Study { left: 0.2, ..Study::default() }.lines()));
    let rolled = "{\"rolled_back\":{\"time\":\"2026-12-20T08:00:00Z\",\"why\":\"guardrail x\"}}\n";
    let back = state(&folder, "back", &[(0, 1, 1)], &format!("{rolled}no line of ours\n"));
    let resumed = "{\"resumed\":{\"time\":\"2026-12-21T08:00:00Z\"}}\n";
    let on = state(&folder, "on", &[(0, 1, 1)], &format!("{rolled}{resumed}"));
    let (report, _) = folder.report(&[&audit, "--state", &back, "--state", &on]);
    let told = "rolled the experiment back on 2026-12-20 08:00 UTC: guardrail x. What came since";
    assert!(reasons(&report).contains(told), "{}", reasons(&report));
    assert_eq!(report["rolled_back"].as_array().unwrap().len(), 1);
    assert_eq!(report["data"]["unread"], 1);
    assert_eq!(report["verdict"], "ship", "by order, or for something of no arm: {report:#}");
    let harm = rolled.replace("}}", ",\"arm\":\"strict\"}}");
    let harm = state(&folder, "harm", &[(0, 1, 1)], &harm);
    for look in [&[] as &[&str], &["--as-of", "2026-12-02T00:00:00Z"]] {
        let (report, _) = folder.report(&[&[&*audit, "--state", &*harm], look].concat());
        assert_eq!(report["verdict"], "rollback", "{}", reasons(&report));
    }
    let (report, _) = folder.report(&[&audit, "--state", &on]);
    assert!(report.get("rolled_back").is_none());
    let elsewhere = folder.path("nowhere").display().to_string();
    let output = folder.run("report", &[&audit, "--state", &elsewhere]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nowhere"));
}
