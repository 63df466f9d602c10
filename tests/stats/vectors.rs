//! Vectors of `tests/kat/stats.json` and `stats_confseq.json`; their first lines name programs and
//! versions, and `tests/kat/make_stats.py` makes them again.

use guilloche::stats::{Alternative, Level, Moments, PairedMoments};
use serde_json::Value;

pub(crate) fn rows(section: &str) -> Vec<Value> {
    let vectors: Value = serde_json::from_str(include_str!("../kat/stats.json")).unwrap();
    let mut rows = vectors[section].as_array().unwrap().clone();
    for row in &mut rows {
        // Arms that many rows share are written once.
        if let Some(pair) = row.get("pair").and_then(Value::as_u64) {
            let pair = &vectors["pairs"][pair as usize];
            row["control"] = pair[0].clone();
            row["treated"] = pair[1].clone();
        }
    }
    rows
}

pub(crate) fn confseq_rows(section: &str) -> Vec<Value> {
    let vectors: Value = serde_json::from_str(include_str!("../kat/stats_confseq.json")).unwrap();
    vectors[section].as_array().unwrap().clone()
}

/// Within 1e-9 of what is expected, and of that where it is small.
#[track_caller]
pub(crate) fn same(found: f64, expected: &Value, what: &Value) {
    let expected = expected.as_f64().unwrap();
    let near = (found - expected).abs() <= 1e-9 * expected.abs() + 1e-15;
    assert!(near, "{found} for {expected} in {what}");
}

/// The same, where the other program has lost the digits of small numbers.
#[track_caller]
pub(crate) fn same_to_nine_places(found: f64, expected: &Value, what: &Value) {
    let expected = expected.as_f64().unwrap();
    assert!((found - expected).abs() <= 1e-9, "{found} for {expected} in {what}");
}

pub(crate) fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

pub(crate) fn values(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(number).collect()
}

pub(crate) fn moments(list: &Value) -> Moments {
    Moments::of(values(list)).unwrap()
}

pub(crate) fn paired(list: &Value) -> PairedMoments {
    let pairs = list.as_array().unwrap();
    PairedMoments::of(pairs.iter().map(|pair| (number(&pair[0]), number(&pair[1])))).unwrap()
}

pub(crate) fn level(alpha: &Value) -> Level {
    Level::new(number(alpha)).unwrap()
}

pub(crate) fn alternative(name: &Value) -> Alternative {
    match name.as_str().unwrap() {
        "two-sided" => Alternative::TwoSided,
        "greater" | "larger" => Alternative::Greater,
        "less" | "smaller" => Alternative::Less,
        other => panic!("{other}"),
    }
}
