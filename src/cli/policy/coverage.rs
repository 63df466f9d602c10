//! What a policy leaves out of the models that its upstream lists, told to people and programs.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::super::paragraph::printable;
use crate::policy::{Gap, Policy};

/// Models of one list that are shown to people.
const SHOWN: usize = 10;

/// What is left out.
#[derive(Debug)]
pub(in crate::cli) struct Coverage<'m> {
    gaps: Vec<Gap<'m>>,
    /// Fields that cover no name which the upstream does not list.
    closed: Vec<String>,
    listed: usize,
}

impl<'m> Coverage<'m> {
    pub(in crate::cli) fn of(policy: &Policy, models: &'m [String]) -> Self {
        let (gaps, closed) = (policy.gaps(models), policy.closed_lists());
        Self { gaps, closed, listed: models.len() }
    }

    /// Whether a model escapes what is done to the others.
    pub(in crate::cli) fn escapes(&self) -> bool {
        self.gaps.iter().any(|gap| gap.escapes)
    }

    /// Lines that each begin with where the policy is.
    pub(in crate::cli) fn write(&self, out: &mut impl Write, place: &str) -> io::Result<()> {
        for Gap { field, models, escapes, .. } in &self.gaps {
            let shown = models.iter().take(SHOWN);
            let mut names: Vec<_> = shown.map(|it| format!("\"{}\"", printable(it))).collect();
            if models.len() > SHOWN {
                names.push(format!("{} more", models.len() - SHOWN));
            }
            let kind = if *escapes { "they escape" } else { "notice" };
            writeln!(out, "{place}: {field}: leaves out {} ({kind})", names.join(", "))?;
        }
        for field in &self.closed {
            writeln!(
                out,
                "{place}: {field}: covers no name that the upstream does not list: if it answers \
                 for any name, such a name escapes (notice)"
            )?;
        }
        let plural = if self.listed == 1 { "" } else { "s" };
        let found = if self.escapes() { "some escape" } else { "none escapes" };
        writeln!(out, "{place}: {} model{plural} at the upstream: {found}", self.listed)
    }

    pub(in crate::cli) fn json(&self) -> Value {
        let gap = |gap: &Gap<'_>| {
            let Gap { field, models, escapes, .. } = gap;
            json!({ "field": field, "models": models, "escape": escapes })
        };
        let gaps: Vec<_> = self.gaps.iter().map(gap).collect();
        json!({ "listed": self.listed, "left_out": gaps, "closed": self.closed })
    }
}
