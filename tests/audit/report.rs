//! `guilloche audit report`.

use std::fs;
use std::io::Write;

use guilloche::audit::{Counter, DryRun, Exempt, Outcome, Record, Risk};
use guilloche::policy::Countermeasure;
use guilloche::policy::plan::Mode;
use serde_json::{Value, json};

use crate::scene::{Scene, applied, passed, record, words};

/// A ring of two accounts that reach two grades on two days, an evaluator who is exempt, a caller whose
/// request contradicts the detector, and one below the first grade whose answer was only compared.
fn records() -> Vec<Record> {
    let mut withheld = record("acct-1", Some("ring"), 0.6, "withhold");
    withheld.applied = vec![
        applied(Countermeasure::Rate, &[(Counter::TokensOut, 500)]),
        applied(Countermeasure::Reasoning, &[(Counter::WordsRemoved, 100)]),
        applied(Countermeasure::Pace, &[(Counter::WaitsMs, 2_000)]),
    ];
    let mut other_day = withheld.clone();
    other_day.time = "2026-12-02T00:00:00Z".parse().unwrap();
    other_day.protocol = "messages".into();
    // Let in at a limit, and no more: nothing was done to it.
    let mut counted = record("acct-2", Some("ring"), 0.6, "withhold");
    counted.applied = vec![applied(Countermeasure::Rate, &[(Counter::TokensOut, 500)])];
    let mut limited = record("acct-2", Some("ring"), 0.6, "withhold");
    limited.applied = vec![applied(Countermeasure::Rate, &[(Counter::RequestsRefused, 1)])];
    (limited.outcome, limited.status) = (Outcome::Refused, Some(429));
    let mut refused = record("acct-2", Some("ring"), 0.95, "refuse");
    refused.applied = vec![applied(Countermeasure::Refuse, &[(Counter::RequestsRefused, 1)])];
    (refused.outcome, refused.status) = (Outcome::Refused, Some(403));
    let mut unread = record("acct-3", None, 0.6, "withhold");
    (unread.outcome, unread.status) = (Outcome::Refused, Some(415));
    let mut watched = record("acct-3", None, 0.4, "watch");
    watched.mode = Mode::Observe;
    watched.observed = vec![applied(Countermeasure::Watermark, &[(Counter::Sites, 7)])];
    watched.dry_run = Some(DryRun::NotSampled);
    let mut exempt = record("acct-evaluator", None, 0.9, "refuse");
    exempt.exempt = Some(Exempt::Whole);
    let mut contested = record("acct-4", None, 0.0, "");
    contested.risk = Risk::Unknown { reason: "bad_signature".into() };
    contested.applied = vec![applied(Countermeasure::Refuse, &[(Counter::RequestsRefused, 1)])];
    (contested.outcome, contested.status) = (Outcome::Refused, Some(400));
    let mut compared = record("acct-honest", None, 0.1, "");
    compared.applied = vec![applied(Countermeasure::Reasoning, &[(Counter::BlocksOpened, 1)])];
    vec![
        withheld, other_day, counted, limited, refused, unread, watched, exempt, contested,
        compared,
    ]
}

fn both(requests: u64, accounts: u64) -> Value {
    json!({ "requests": requests, "accounts": accounts })
}

/// The entry of a list with that name.
fn named<'r>(list: &'r Value, name: &str) -> &'r Value {
    let named = |it: &&Value| it["name"] == name;
    list.as_array().unwrap().iter().find(named).unwrap_or_else(|| panic!("{name}: {list}"))
}

#[test]
fn who_was_touched_is_told_by_kind_grade_and_day() {
    let scene = Scene::new("whole");
    let lines = [passed("2026-12-01T12:00:00Z", 900, 40), passed("2026-12-02T12:00:00Z", 99, 0)];
    let audit = scene.audit("audit.jsonl", &records(), &lines);
    let (report, status) = scene.report(&[], &[audit]);
    assert_eq!(status, Some(0));
    let fates = |group: &Value| {
        ["seen", "touched", "observed", "waited", "refused", "limited", "unread"]
            .map(|fate| group[fate].clone())
    };
    let none = || both(0, 0);
    assert_eq!(
        fates(named(&report["grades"], "withhold")),
        [both(5, 3), both(4, 3), none(), both(2, 1), none(), both(1, 1), both(1, 1)]
    );
    assert_eq!(
        fates(named(&report["kinds"], "graded")),
        [both(7, 3), both(5, 3), both(1, 1), both(2, 1), both(1, 1), both(1, 1), both(1, 1)]
    );
    assert_eq!(
        fates(named(&report["kinds"], "exempt")),
        [both(1, 1), none(), none(), none(), none(), none(), none()]
    );
    assert_eq!(named(&report["kinds"], "contested")["refused"], both(1, 1));
    assert_eq!(named(&report["kinds"], "ordinary")["touched"], none());
    // From the mildest up.
    let grades: Vec<_> =
        report["grades"].as_array().unwrap().iter().map(|it| &it["name"]).collect();
    assert_eq!(grades, ["", "watch", "withhold", "refuse"]);
    let [first, second] = &report["days"].as_array().unwrap()[..] else { panic!("{report}") };
    assert_eq!((&first["day"], &first["passed"]), (&"2026-12-01".into(), &900.into()));
    assert_eq!(
        second["grades"],
        json!([{
            "grade": "withhold",
            "seen": both(1, 1),
            "touched": both(1, 1),
            "observed": none(),
            "refused": none(),
        }])
    );
    assert_eq!(
        (&report["accounts"], &report["clusters"], &report["requests"]),
        (&6.into(), &1.into(), &10.into())
    );
}

#[test]
fn by_what_and_how_long_it_took_is_told_with_counts() {
    let scene = Scene::new("counts");
    let audit = scene.audit("audit.jsonl", &records(), &[]);
    let (report, _) = scene.report(&[], &[audit]);
    let measure = |name: &str| {
        let list = report["countermeasures"].as_array().unwrap();
        list.iter().find(|it| it["countermeasure"] == name).unwrap().clone()
    };
    // Once of them it was opened alone, of a caller whom no grade reaches.
    assert_eq!(
        measure("reasoning")["applied"],
        json!({ "requests": 3, "counts": { "words_removed": 200, "blocks_opened": 1 } })
    );
    assert_eq!(
        measure("watermark")["observed"],
        json!({ "requests": 1, "counts": { "sites": 7 } })
    );
    assert_eq!(measure("refuse")["accounts"], 2);
    let withhold = named(&report["grades"], "withhold");
    assert_eq!(
        (&withhold["waits_ms"], &withhold["longest_wait_ms"]),
        (&4_000.into(), &2_000.into())
    );
    let median = withhold["waits"]["median"].as_u64().unwrap();
    assert!((1_750..2_250).contains(&median), "{median}");
    assert_eq!(report["outcomes"], json!({ "complete": 6, "refused": 4 }));
    assert_eq!(report["statuses"]["429"], 1);
    assert_eq!(report["detectors"], json!({ "det-3": 9 }));
    assert_eq!(report["observing"], 1);
    let touched = &report["most_touched_clusters"][0];
    assert_eq!((&touched["requests"], &touched["touched"]), (&5.into(), &4.into()));
    assert!(report["notes"].to_string().contains("tried out to its end in 0 of 1 request"));
}

#[test]
fn nothing_done_to_those_who_are_to_be_spared_is_said_with_the_share_it_is_of() {
    let scene = Scene::new("spared");
    let audit = scene.audit("audit.jsonl", &records(), &[passed("2026-12-01T12:00:00Z", 999, 40)]);
    let (report, _) = scene.report(&[], std::slice::from_ref(&audit));
    let spared = &report["spared"];
    // The one whose answer was compared has a record, and noticed nothing.
    assert_eq!((&spared["requests"], &spared["touched"]), (&1_000.into(), &both(0, 0)));
    assert_eq!((&spared["share"], &spared["decisions"]), (&0.0.into(), &json!([])));
    let text = words(&scene.run("report", &[], &[audit]).stdout);
    assert!(text.contains("noticed nothing: something was done"), "{text}");
}

#[test]
fn whatever_was_done_to_those_who_are_to_be_spared_is_named() {
    let scene = Scene::new("unspared");
    let mut repeated = record("acct-honest", None, 0.1, "");
    repeated.applied = vec![applied(Countermeasure::Reasoning, &[(Counter::WordsRepeated, 30)])];
    let mut unknown = record("acct-new", None, 0.0, "");
    unknown.risk = Risk::Unknown { reason: "absent".into() };
    unknown.applied = vec![applied(Countermeasure::Reasoning, &[(Counter::BlocksDropped, 2)])];
    let audit = scene.audit(
        "audit.jsonl",
        &[records(), vec![repeated, unknown]].concat(),
        &[passed("2026-12-01T12:00:00Z", 997, 40)],
    );
    let page = scene.path("report.html");
    let (report, status) = scene.report(&["--report", &page], std::slice::from_ref(&audit));
    assert_eq!(status, Some(0), "the answer is no failure of the command");
    let spared = &report["spared"];
    assert_eq!((&spared["requests"], &spared["touched"]), (&1_000.into(), &both(2, 2)));
    assert_eq!(spared["share"], 0.002);
    assert_eq!(
        spared["by"],
        json!({ "reasoning": {
            "requests": 2,
            "counts": { "blocks_dropped": 2, "words_repeated": 30 },
        }})
    );
    let decisions = spared["decisions"].as_array().unwrap();
    let decisions: Vec<_> = decisions.iter().map(|it| it["decision"].as_str().unwrap()).collect();
    assert_eq!(decisions, ["gd_acct-honest", "gd_acct-new"]);
    let text = words(&scene.run("report", &[], &[audit]).stdout);
    assert!(text.contains("were to be spared, and were not"), "{text}");
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("gd_acct-new"));
}

#[test]
fn a_part_of_the_time_is_told_and_what_is_outside_is_counted() {
    let scene = Scene::new("span");
    let lines = [passed("2026-12-01T12:00:00Z", 900, 0), passed("2026-12-02T12:00:00Z", 99, 0)];
    let audit = scene.audit("audit.jsonl", &records(), &lines);
    let asked = ["--since", "2026-12-02", "--until", "2026-12-03T00:00:00Z"];
    let (report, _) = scene.report(&asked, std::slice::from_ref(&audit));
    assert_eq!((&report["requests"], &report["outside"]), (&1.into(), &10.into()));
    assert_eq!(report["passed"]["requests"], 99);
    for wrong in [["--since", "soon"], ["--until", "1d"]] {
        let asked = [&["--since", "2h"][..], &wrong].concat();
        let asked = if wrong[0] == "--since" { wrong.to_vec() } else { asked };
        let output = scene.run("report", &asked, std::slice::from_ref(&audit));
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{wrong:?}");
    }
}

#[test]
fn the_answer_depends_neither_on_the_order_nor_on_the_form_of_the_files() {
    let scene = Scene::new("order");
    let mut records = records();
    let lines = [passed("2026-12-01T12:00:00Z", 900, 40)];
    let one = scene.audit("one.jsonl", &records, &lines);
    records.reverse();
    let mut shards = vec![scene.audit("passed.jsonl", &[], &lines)];
    for (number, shard) in records.chunks(3).enumerate() {
        let plain = scene.audit(&format!("{number}.jsonl"), shard, &[]);
        let text = fs::read(plain).unwrap();
        let bytes = if number % 2 == 0 {
            zstd::encode_all(&text[..], 1).unwrap()
        } else {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(&text).unwrap();
            gzip.finish().unwrap()
        };
        shards.push(scene.write(&format!("{number}.packed"), &bytes));
    }
    let told = |audits: &[_]| {
        let (mut report, _) = scene.report(&[], audits);
        report.as_object_mut().unwrap().remove("files");
        report
    };
    assert_eq!(told(&[one]), told(&shards));
}

#[test]
fn what_could_not_be_read_is_named_with_its_line_and_costs_nothing_else() {
    let scene = Scene::new("damaged");
    let good = fs::read(scene.audit("good.jsonl", &records(), &[])).unwrap();
    let bad = [b"{\"time\":\"\x1b[2J\"}\n{\"lost\":3}\n", &good[..]].concat();
    let damaged = scene.write("damaged.jsonl", &bad);
    let (report, status) = scene.report(&[], std::slice::from_ref(&damaged));
    assert_eq!((status, &report["requests"]), (Some(2), &10.into()));
    let output = scene.run("report", &[], &[damaged]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("line 1: is no JSON, or was cut"), "{text}");
    assert!(text.contains("3 lines lost by the writer") && !text.contains('\x1b'), "{text}");
}

#[test]
fn the_report_for_people_fits_eighty_columns_and_a_page_stands_alone() {
    let scene = Scene::new("page");
    let mut records = records();
    let hostile =
        "<script>alert(1)</script>\u{202e}of-a-very-long-name-that-a-hostile-file-may-have";
    records.push(record("acct-9", None, 0.7, hostile));
    for second in 0..40 {
        let mut later = records[0].clone();
        later.time += jiff::SignedDuration::from_hours(20 * second);
        records.push(later);
    }
    let audit = scene.audit("audit.jsonl", &records, &[passed("2026-12-01T12:00:00Z", 900, 40)]);
    let page = scene.path("report.html");
    let output = scene.run("report", &["--report", &page], &[audit]);
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let page = fs::read_to_string(page).unwrap();
    let mut reader = quick_xml::Reader::from_str(page.trim_start_matches("<!DOCTYPE html>"));
    reader.config_mut().check_end_names = true;
    while reader.read_event().unwrap() != quick_xml::events::Event::Eof {}
    assert!(page.contains("Content-Security-Policy") && page.contains("<svg"));
    assert!(!page.contains("<script") && !page.contains("http://"), "nothing is loaded");
}
