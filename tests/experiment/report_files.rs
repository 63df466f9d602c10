//! What `guilloche experiment report` makes of files: hostile, cut, or of somebody else's making.

use std::io::Write;

use guilloche::audit::{Line, UnitName};

use crate::report::reasons;
use crate::study::{Folder, Study, hash, text, with_complaints};

#[test]
fn hostile_lines_and_a_cut_archive_are_named_and_cost_nothing_else() {
    let folder = Folder::new("hostile");
    let lines = text(&Study { left: 0.2, ..Study::default() }.lines());
    let (one, two) =
        lines.split_at(lines.len() / 2 + lines[lines.len() / 2..].find('\n').unwrap() + 1);
    let hostile = format!("{{\"unit\":{{\"time\":\"<script>\"}}}}\n{one}\n\0\u{1b}[2J\n");
    let hostile = folder.file("one.jsonl", hostile);
    let archive = |lines: &str| {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(lines.as_bytes()).unwrap();
        gzip.finish().unwrap()
    };
    let whole = folder.file("two.jsonl.gz", archive(two));
    let last = two.lines().last().unwrap();
    let cut = archive(&format!("{last}\n").repeat(2_000));
    let cut = folder.file("three.jsonl.gz", &cut[..cut.len() - 9]);
    let (report, _) = folder.report(&[&hostile, &whole]);
    assert_eq!(report["verdict"], "ship", "{}", reasons(&report));
    assert_eq!((&report["data"]["unread"], &report["data"]["cut"]), (&2.into(), &0.into()));
    let problems = report["files"][0]["problems"].to_string();
    assert!(problems.contains("line 1: ") && !problems.contains("script"), "{problems}");
    let output = folder.run("report", &[&hostile, &whole, &cut]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("three.jsonl.gz: line ") && said.contains("1 file cut short"), "{said}");
    // What was cut off may be anything.
    assert!(said.contains("Verdict: invalid") && output.status.code() == Some(1), "{said}");
    assert!(!said.contains('\u{1b}'));
    let twice = folder.run("report", &[&whole, &whole]);
    assert_eq!(twice.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&twice.stderr).contains("is given twice"));
}

#[test]
fn outcomes_come_by_name_or_hash_and_what_is_wrong_with_them_is_told_with_its_line() {
    let folder = Folder::with("outcomes", &with_complaints());
    let audit = folder.file("audit.jsonl", text(&Study { left: 0.2, ..Study::default() }.lines()));
    let (report, _) = folder.report(&[&audit]);
    let complaints =
        |report: &serde_json::Value| report["populations"][1]["comparisons"][2].clone();
    assert_eq!(complaints(&report)["guardrail"]["state"], "held", "nobody complained");

    let mut csv = String::from("time,account,metric,value,note\n");
    for number in 40..160 {
        let (hash, value) = (hash(number), number % 3);
        csv += &format!("2026-12-0{},{hash},complaints,{value},\"a, b\"\n", 1 + number % 9);
    }
    csv += "2026-12-05,nobody,complaints,1,\n2026-13-05,x,complaints,1,\nonly,three,fields\n";
    let csv = folder.file("complaints.csv", csv);
    let (report, _) = folder.report(&[&audit, "--outcomes", &csv]);
    assert_eq!(report["outcome_files"][0]["rows"], 120);
    let problems = report["outcome_files"][0]["problems"].to_string();
    assert!(problems.contains("line 122: `account` is no hash of an audit"), "{problems}");
    assert!(problems.contains("line 124: has 3 fields, and the header 5"), "{problems}");
    let mean = complaints(&report)["control"]["mean"].as_f64().unwrap();
    assert!(0.1 < mean && mean < 1.5, "{mean}");

    // By name, in JSON, with the deployment's secret.
    let secret = folder.file("secret", "07".repeat(32));
    let key = guilloche::audit::AuditKey::of_deployment(&guilloche::secret::Secret::new([7; 32]));
    let named = key.principal("account-1", None, None).account;
    let mut lines = Study { left: 0.2, ..Study::default() }.lines();
    for line in &mut lines {
        if let Line::Unit(summary) = line {
            if summary.unit == UnitName::Account(hash(40)) {
                summary.unit = UnitName::Account(named);
            }
        }
    }
    let audit = folder.file("named.jsonl", text(&lines));
    let row = r#"{"account":"account-1","time":"2026-12-05","metric":"complaints","value":true}"#;
    let jsonl = folder.file("named-outcomes.jsonl", format!("{row}\n{{\"account\":1}}\n"));
    let (report, _) = folder.report(&[&audit, "--outcomes", &jsonl, "--secret-file", &secret]);
    assert_eq!(
        (&report["data"]["outcomes"], &report["data"]["outcomes_of_none"]),
        (&1.into(), &0.into())
    );
    assert!(report["outcome_files"][0]["problems"].to_string().contains("line 2: is no JSON"));
}

#[test]
fn wrong_columns_are_named_with_their_file_and_line() {
    let folder = Folder::with("columns", &with_complaints());
    let audit = folder.file("audit.jsonl", "");
    for (header, message) in [
        ("account,metric,value", "complaints.csv: line 2: no column is named `time`"),
        ("time,metric,value", "line 2: no column is named `unit`, `account` or `cluster`"),
        ("time,time,account,metric,value", "line 2: two columns are named `time`"),
    ] {
        let csv = folder.file("complaints.csv", format!("\n{header}\n"));
        let output = folder.run("report", &[&audit, "--outcomes", &csv]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(message), "{said}");
    }
}
