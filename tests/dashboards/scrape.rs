//! The text of `/metrics`: names, types, labels and their values.

use std::collections::{BTreeMap, BTreeSet};

/// The series of one name.
#[derive(Debug, Default)]
pub(crate) struct Series {
    /// `counter`, `gauge`, `histogram` or `info`.
    pub(crate) kind: String,
    /// Values by label.
    pub(crate) labels: BTreeMap<String, BTreeSet<String>>,
}

/// Reads a scrape: series by the names that queries use.
pub(crate) fn read(text: &str) -> BTreeMap<String, Series> {
    let mut all: BTreeMap<String, Series> = BTreeMap::new();
    let mut kinds = BTreeMap::new();
    for line in text.lines() {
        if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            kinds.insert(name.to_owned(), kind.to_owned());
            continue;
        }
        if line.starts_with('#') {
            continue;
        }
        let end = line.find(['{', ' ']).unwrap();
        let (name, rest) = line.split_at(end);
        let family = ["_total", "_bucket", "_sum", "_count", "_info"]
            .into_iter()
            .find_map(|suffix| name.strip_suffix(suffix).filter(|it| kinds.contains_key(*it)));
        let kind = kinds.get(family.unwrap_or(name)).unwrap_or_else(|| panic!("no type: {line}"));
        let series = all.entry(name.to_owned()).or_default();
        series.kind.clone_from(kind);
        let labels = rest.strip_prefix('{').and_then(|rest| rest.rsplit_once("} "));
        let Some((labels, _)) = labels.filter(|(labels, _)| !labels.is_empty()) else { continue };
        for label in labels.trim_end_matches('"').split("\",") {
            let (label, value) = label.split_once("=\"").unwrap();
            series.labels.entry(label.to_owned()).or_default().insert(value.to_owned());
        }
    }
    all
}

#[test]
fn a_scrape_is_read_to_its_series() {
    let text = "# HELP a Text.\n# TYPE a counter\na_total{x=\"1\",y=\"2\"} 3\na_total{x=\"4\",y=\"2\"} 0\n\
                # TYPE b gauge\nb 1\n# EOF\n";
    let series = read(text);
    assert_eq!((series["a_total"].kind.as_str(), series["b"].kind.as_str()), ("counter", "gauge"));
    assert_eq!(series["a_total"].labels["x"], ["1", "4"].map(str::to_owned).into());
}
