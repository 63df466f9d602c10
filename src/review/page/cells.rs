//! Cells of tables.

use std::collections::BTreeMap;

use crate::audit::Counts;
use crate::page::markup::{Markup, text};
use crate::page::table::{self, NUMBER, Row, TEXT};
use crate::page::words::{duration, grouped};
use crate::review::{Count, Sizes};

/// Requests, and the accounts in brackets.
pub(super) fn both(count: Count) -> Markup {
    if count.requests == 0 {
        return text("0");
    }
    text(&format!("{} ({})", grouped(count.requests), grouped(count.accounts)))
}

pub(super) fn number(number: u64) -> Markup {
    text(&grouped(number))
}

/// A name that may be none.
pub(super) fn name(name: &str) -> Markup {
    let mut cell = Markup::default();
    if name.is_empty() {
        cell.raw("<em>none</em>");
    } else {
        cell.name(name);
    }
    cell
}

/// How much of what was counted.
pub(super) fn counts(counts: &Counts) -> Markup {
    let each = counts.iter();
    let said = each.map(|(counter, amount)| format!("{} {}", counter.name(), grouped(amount)));
    text(&said.collect::<Vec<_>>().join(", "))
}

/// Quantiles of one kind of time: three cells.
pub(super) fn sizes(sizes: Option<Sizes>) -> [Markup; 3] {
    let Some(Sizes { median, p95, p99 }) = sizes else { return ["–", "–", "–"].map(text) };
    [median, p95, p99].map(|it| text(&duration(it)))
}

/// Requests by name, the most frequent first; nothing where there are none.
pub(super) fn by_name(
    page: &mut Markup,
    caption: &str,
    head: &'static str,
    requests: &BTreeMap<String, u64>,
) {
    let mut rows: Vec<_> = requests.iter().collect();
    rows.sort_by_key(|(_, requests)| std::cmp::Reverse(**requests));
    let rows: Vec<_> = rows
        .into_iter()
        .map(|(of, requests)| Row::new(vec![name(of), number(*requests)]))
        .collect();
    table::write(page, caption, &[(head, TEXT), ("Requests", NUMBER)], &rows);
}
