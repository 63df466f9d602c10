//! How models worded their reasoning in the text of their answers, and what of it was not known.
//!
//! What a policy withholds depends on how a model sets its reasoning apart. Whoever runs the proxy
//! learns here which ways it met, and whether there were some that went out because nobody had
//! told it of them.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter as Metric;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use serde_json::{Map, Value, json};

use crate::audit::{Counter, Record};
use crate::countermeasure::inline::Dialects;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DialectLabels {
    dialect: &'static str,
}

/// Sums over the answers since the start.
#[derive(Debug, Default)]
pub(super) struct Seen {
    dialects: Family<DialectLabels, Metric>,
    unopened: Metric,
    unknown: Metric,
}

impl Seen {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "reasoning_dialects",
            "Answers with reasoning in their text, by how it was set apart",
            self.dialects.clone(),
        );
        registry.register(
            "reasoning_sections_unopened",
            "Reasoning that ended without having begun, so that it went out",
            self.unopened.clone(),
        );
        registry.register(
            "reasoning_markup_unknown",
            "Markup that looks like that of reasoning and is none that is known",
            self.unknown.clone(),
        );
    }

    pub(super) fn count(&self, record: &Record) {
        for applied in &record.applied {
            self.unopened.inc_by(applied.counts.get(Counter::SectionsUnopened));
            self.unknown.inc_by(applied.counts.get(Counter::MarkupUnknown));
            for name in &applied.dialects {
                for dialect in Dialects::named(name).names() {
                    self.dialects.get_or_create(&DialectLabels { dialect }).inc();
                }
            }
        }
    }

    /// As the status has it.
    pub(super) fn status(&self) -> Value {
        let seen = Dialects::all().names().filter_map(|dialect| {
            let count = self.dialects.get(&DialectLabels { dialect })?.get();
            Some((dialect.to_owned(), json!(count)))
        });
        json!({
            "dialects": seen.collect::<Map<_, _>>(),
            "sections_unopened": self.unopened.get(),
            "markup_unknown": self.unknown.get(),
        })
    }
}
