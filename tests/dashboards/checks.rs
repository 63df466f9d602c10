//! Every query asks for what there is, and whatever there is can be seen.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::query::{self, Query};
use crate::scrape::{self, Series};
use crate::traffic::scraped;

const DASHBOARD: &str = "packaging/grafana/guilloche.json";
const ALERTS: &str = "packaging/prometheus/alerts.yaml";

/// Labels that Prometheus gives what it scrapes.
const OF_PROMETHEUS: [&str; 2] = ["instance", "job"];

/// Series that no panel shows: an answer's time is shown by its sum and buckets.
const NOT_SHOWN: [&str; 2] =
    ["guilloche_first_byte_seconds_sum", "guilloche_first_byte_seconds_count"];

/// All queries of a dashboard, with what names their series.
fn dashboard() -> Vec<(String, Vec<String>)> {
    let text = std::fs::read_to_string(DASHBOARD).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let ids: BTreeSet<_> =
        dashboard["panels"].as_array().unwrap().iter().map(|it| it["id"].as_u64()).collect();
    assert_eq!(ids.len(), dashboard["panels"].as_array().unwrap().len(), "each has its own id");
    let targets = dashboard["panels"].as_array().unwrap().iter();
    let targets =
        targets.flat_map(|panel| panel["targets"].as_array().cloned().unwrap_or_default());
    let mut queries: Vec<_> = targets
        .map(|target| {
            let legend = target["legendFormat"].as_str().unwrap();
            let labels =
                legend.split("{{").skip(1).map(|it| it.split("}}").next().unwrap().to_owned());
            (target["expr"].as_str().unwrap().to_owned(), labels.collect())
        })
        .collect();
    let annotation = &dashboard["annotations"]["list"][0];
    queries.push((annotation["expr"].as_str().unwrap().to_owned(), vec!["instance".to_owned()]));
    assert!(queries.len() > 40, "{}", queries.len());
    queries
}

/// All queries of the alerts, with the labels that their words name.
fn alerts() -> Vec<(String, Vec<String>)> {
    let text = std::fs::read_to_string(ALERTS).unwrap();
    let mut alerts: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(query) = line.strip_prefix("expr: ") {
            alerts.push((query.to_owned(), Vec::new()));
        } else if let Some((_, labels)) = alerts.last_mut() {
            let named = line.split("$labels.").skip(1);
            labels
                .extend(named.map(|it| it.chars().take_while(|it| it.is_alphanumeric()).collect()));
        }
    }
    for part in ["- alert: ", "summary: ", "description: ", "labels: {severity: "] {
        assert_eq!(text.matches(part).count(), alerts.len(), "{part}");
    }
    assert!(alerts.len() > 15, "{}", alerts.len());
    alerts
}

fn check(text: &str, query: &Query, all: &BTreeMap<String, Series>) {
    let mut known: BTreeSet<&str> = OF_PROMETHEUS.into_iter().chain(["le"]).collect();
    for selector in &query.selectors {
        let name = &selector.name;
        let series = all.get(name).unwrap_or_else(|| panic!("there is no {name}: {text}"));
        known.extend(series.labels.keys().map(String::as_str));
        let grows = matches!(series.kind.as_str(), "counter" | "histogram");
        let rate = selector.rate.as_deref();
        assert!(
            if grows {
                matches!(rate, Some("rate" | "increase"))
            } else {
                matches!(rate, None | Some("changes"))
            },
            "{name} is a {}, and stands in {rate:?}: {text}",
            series.kind
        );
        for (label, value) in &selector.matchers {
            if OF_PROMETHEUS.contains(&label.as_str()) {
                continue;
            }
            let values = series.labels.get(label);
            let values = values.unwrap_or_else(|| panic!("{name} has no label {label}: {text}"));
            // Alternatives of literal values, or beginnings of them.
            for value in value.split('|') {
                let is_known = match value.strip_suffix(".*") {
                    Some(beginning) => values.iter().any(|it| it.starts_with(beginning)),
                    None => values.contains(value),
                };
                assert!(is_known, "{label} of {name} is never {value}, but {values:?}: {text}");
            }
        }
    }
    for label in &query.grouped {
        assert!(known.contains(label.as_str()), "nothing has the label {label}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_query_asks_for_series_and_labels_that_there_are() {
    let metrics = scraped().await;
    let all = scrape::read(&metrics);
    let mut asked = BTreeSet::new();
    for (text, legend) in dashboard() {
        let query = query::read(&text.replace("$__rate_interval", "5m").replace("$__range", "6h"));
        check(&text, &query, &all);
        for label in legend {
            let is_there = query.grouped.contains(&label) || label == "instance";
            assert!(is_there, "the series are not told apart by {label}: {text}");
        }
        asked.extend(query.selectors.into_iter().map(|it| it.name));
    }
    // Whatever is counted can be seen.
    let unseen: Vec<_> = all.keys().filter(|name| !asked.contains(*name)).collect();
    assert_eq!(unseen, NOT_SHOWN.iter().rev().collect::<Vec<_>>(), "{metrics}");
    for (text, labels) in alerts() {
        let query = query::read(&text);
        check(&text, &query, &all);
        for label in labels {
            let of_series =
                query.selectors.iter().any(|it| all[&it.name].labels.contains_key(&label));
            let is_there =
                if query.grouped.is_empty() { of_series } else { query.grouped.contains(&label) };
            assert!(is_there || OF_PROMETHEUS.contains(&label.as_str()), "{label}: {text}");
        }
    }
}

/// Fails when an alert wakes somebody who finds nothing about it.
#[test]
fn what_to_do_is_written_for_every_alert() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |name: &str| std::fs::read_to_string(root.join(name)).unwrap();
    let (alerts, handbook) = (read(ALERTS), read("docs/operations.md"));
    let names: Vec<&str> =
        alerts.lines().filter_map(|it| it.trim().strip_prefix("- alert: ")).collect();
    assert!(names.len() > 15, "{names:?}");
    for name in names {
        assert!(handbook.contains(&format!("`{name}`")), "{name}");
    }
}
