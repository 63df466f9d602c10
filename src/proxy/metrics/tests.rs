use std::num::NonZeroUsize;

use super::*;
use crate::audit::{
    Applied, AuditKey, Counts, DecisionName, Durations, Exempt, Outcome, PolicyIdentity, Risk,
};
use crate::layer::DefenseLayer;
use crate::lines::LineWriter;
use crate::policy::plan::Mode;
use crate::policy::{Countermeasure, Policy};
use crate::risk::{Context, FromExtension, UnknownReason};

/// One dialect is known, one is not.
fn reasoned() -> Vec<Applied> {
    let mut counts = Counts::default();
    counts.add(crate::audit::Counter::SectionsUnopened, 2);
    counts.add(crate::audit::Counter::SummariesMade, 3);
    counts.add(crate::audit::Counter::SummariesSlow, 1);
    let dialects = vec!["think".into(), "account-name".into()];
    vec![Applied { dialects, ..Applied::new(Countermeasure::Reasoning, counts) }]
}

fn applied(countermeasure: Countermeasure) -> Vec<Applied> {
    vec![Applied::new(countermeasure, Counts::default())]
}

#[test]
fn a_decided_request_counts_in_each_family_of_decisions() {
    let reports = Arc::new(Reports::default());
    reports.note(UnknownReason::Expired, jiff::Timestamp::UNIX_EPOCH);
    let metrics = Metrics::new(None, None, None);
    metrics.decided(&Record {
        time: jiff::Timestamp::UNIX_EPOCH,
        decision: DecisionName("d".into()),
        principal: AuditKey::new([0; 32]).principal("account-name", None, None),
        risk: Risk::Unknown { reason: "expired".into() },
        grade: "watch".into(),
        exempt: Some(Exempt::Part),
        arm: Some("stricter".into()),
        policy: PolicyIdentity { name: "ladder".into(), revision: "1".into() },
        protocol: "chat".into(),
        stream: false,
        mode: Mode::Observe,
        applied: [applied(Countermeasure::Pace), reasoned()].concat(),
        observed: applied(Countermeasure::SideChannels),
        other_arms: std::collections::BTreeMap::new(),
        dry_run: None,
        outcome: Outcome::Refused,
        status: Some(200),
        durations: Durations::default(),
    });
    let text = metrics.text(&counting(reports), true, "peer").unwrap();
    for line in [
        r#"guilloche_decisions_total{grade="watch",mode="observe"} 1"#,
        r#"guilloche_applied_total{countermeasure="pace"} 1"#,
        r#"guilloche_observed_total{countermeasure="side_channels"} 1"#,
        // By where the risk is looked up, not by the record.
        r#"guilloche_risk_unknown_total{reason="expired"} 1"#,
        r#"guilloche_reasoning_dialects_total{dialect="think"} 1"#,
        "guilloche_reasoning_sections_unopened_total 2",
        r#"guilloche_summaries_total{outcome="made"} 3"#,
        r#"guilloche_summaries_total{outcome="slow"} 1"#,
        r#"guilloche_stream_ends_total{outcome="refused"} 1"#,
        r#"guilloche_refused_total{grade="watch",by="unread"} 1"#,
        r#"guilloche_arm_decisions_total{arm="stricter"} 1"#,
        r#"guilloche_effects_total{effect="summaries_made"} 3"#,
        "guilloche_exempt_total 1",
        "guilloche_ready 1",
        // Zero until the first, which is an increase then.
        r#"guilloche_applied_total{countermeasure="rate"} 0"#,
        r#"guilloche_refused_total{grade="",by="policy"} 0"#,
        r#"guilloche_effects_total{effect="waits_ms"} 0"#,
        r#"guilloche_passed_total{protocol="messages"} 0"#,
    ] {
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }
    assert!(text.contains("guilloche_policy_info{name=\"p\",revision=\""), "{text}");
    assert!(!text.contains("account-name"));
}

/// Break it: have two protocols share a number, or two classes of one.
#[test]
fn each_protocol_and_class_of_status_is_counted_by_itself() {
    let metrics = Metrics::new(None, None, None);
    let protocols: Vec<_> = ProtocolId::ALL.into_iter().map(Some).chain([None]).collect();
    let statuses = [None, Some(100), Some(200), Some(302), Some(404), Some(500), Some(999)];
    for protocol in &protocols {
        for status in statuses {
            metrics.request_ended(*protocol, status, None, Duration::ZERO);
        }
    }
    let text = metrics.text(&counting(Arc::default()), true, "peer").unwrap();
    for protocol in protocols.into_iter().map(protocol_name) {
        for (status, count) in STATUS_CLASSES.into_iter().zip([1, 1, 1, 1, 1, 2]) {
            let line = format!(
                r#"guilloche_requests_total{{protocol="{protocol}",status="{status}"}} {count}"#
            );
            assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        }
        let line = format!(r#"guilloche_duration_seconds_count{{protocol="{protocol}"}} 7"#);
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }
}

/// A defense whose risk source counts into `reports`.
fn counting(reports: Arc<Reports>) -> DefenseHandle {
    let text = "version = 1\nname = \"p\"\nmode = \"observe\"\n[[grade]]\nname = \"g\"\nat = 1.0\n";
    let source = FromExtension::new(Context::new(reports).unwrap());
    let policy = Policy::parse("p.toml", text).unwrap();
    DefenseLayer::builder(policy).risk(source).build().unwrap().handle()
}

#[test]
fn lost_lines_are_told_as_they_are_lost() {
    struct Broken;
    impl std::io::Write for Broken {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let lines = LineWriter::new(Broken, NonZeroUsize::MIN).unwrap();
    let metrics = Metrics::new(Some(lines.lost()), None, None);
    assert!(
        metrics
            .text(&counting(Arc::default()), false, "none")
            .unwrap()
            .contains("\nguilloche_audit_lost_total 0\n")
    );
    lines.write(&1);
    // Gives up at once when the loss cannot be announced, and after it is counted.
    while lines.lost().count() == 0 {
        let _ = lines.flush(Duration::from_millis(1));
    }
    assert!(
        metrics
            .text(&counting(Arc::default()), false, "none")
            .unwrap()
            .contains("\nguilloche_audit_lost_total 1\n")
    );
}
